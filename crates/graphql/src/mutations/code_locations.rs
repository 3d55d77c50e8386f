//! Adding code locations, changing them, having them loaded again, asking about them and removing them.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use countersign_control::access::actions::EditCodeLocations;
use countersign_control::code_locations::NewLocation;
use countersign_control::{Error, Result};
use countersign_domain::id::DeploymentId;

use crate::call::Call;
use crate::global_id::{Sort, expect};
use crate::nullable::{Nullable, answered};
use crate::types::code_location::{CodeLocation, CodeLocationDefinition};
use crate::types::dagster_request::DagsterRequest;

/// What a code location is to be.
#[derive(InputObject)]
pub(crate) struct CodeLocationSetInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The global id of the deployment that it is loaded for.
    deployment_id: ID,
    /// Its name, unique there.
    name: String,
    /// How its code is found.
    definition: CodeLocationDefinition,
    /// Whether one of that name may be there already: it is given this definition. false: a new one is meant.
    #[graphql(default_with = "Some(true)")]
    may_exist: Option<bool>,
}

/// A code location as it is now.
#[derive(SimpleObject)]
pub(crate) struct CodeLocationSetPayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The code location.
    code_location: CodeLocation,
    /// Whether it is new.
    is_new: bool,
}

/// Which code location is to be loaded again.
#[derive(InputObject)]
pub(crate) struct CodeLocationReloadInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The global id of its deployment.
    deployment_id: ID,
    /// Its name.
    name: String,
}

/// A code location that is loaded again.
#[derive(SimpleObject)]
pub(crate) struct CodeLocationReloadPayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The code location.
    code_location: CodeLocation,
}

/// Which code location's code server is asked for.
#[derive(InputObject)]
pub(crate) struct CodeLocationPingInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The global id of its deployment.
    deployment_id: ID,
    /// Its name.
    name: String,
}

/// What agents are asked.
#[derive(SimpleObject)]
pub(crate) struct CodeLocationPingPayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// The request: `Deployment.dagsterRequests` says what came of it.
    request: DagsterRequest,
}

/// Which code location is to go.
#[derive(InputObject)]
pub(crate) struct CodeLocationRemoveInput {
    /// Comes back with the answer.
    client_mutation_id: Option<String>,
    /// The global id of its deployment.
    deployment_id: ID,
    /// Its name.
    name: String,
}

/// A code location that is gone.
#[derive(SimpleObject)]
pub(crate) struct CodeLocationRemovePayload {
    /// As in the input.
    client_mutation_id: Option<String>,
    /// What it was.
    code_location: CodeLocation,
}

#[derive(Default)]
pub(crate) struct CodeLocationMutations;

#[Object]
impl CodeLocationMutations {
    /// Adds a code location, or gives the one of that name another definition; in either case agents load it.
    async fn code_location_set(
        &self,
        ctx: &Context<'_>,
        input: CodeLocationSetInput,
    ) -> Nullable<CodeLocationSetPayload> {
        answered(set(Call::of(ctx), input).await)
    }

    /// Has a code location loaded again as it is.
    async fn code_location_reload(
        &self,
        ctx: &Context<'_>,
        input: CodeLocationReloadInput,
    ) -> Nullable<CodeLocationReloadPayload> {
        answered(reload(Call::of(ctx), input).await)
    }

    /// Asks an agent whether the code server of a code location is there; for a branch deployment that starts it.
    async fn code_location_ping(
        &self,
        ctx: &Context<'_>,
        input: CodeLocationPingInput,
    ) -> Nullable<CodeLocationPingPayload> {
        answered(ping(Call::of(ctx), input).await)
    }

    /// Removes a code location: agents stop its code server.
    async fn code_location_remove(
        &self,
        ctx: &Context<'_>,
        input: CodeLocationRemoveInput,
    ) -> Nullable<CodeLocationRemovePayload> {
        answered(remove(Call::of(ctx), input).await)
    }
}

async fn set(call: &Call, input: CodeLocationSetInput) -> Result<CodeLocationSetPayload> {
    let grant = call.may::<EditCodeLocations>()?;
    let new = NewLocation {
        deployment: expect(&input.deployment_id, Sort::Deployment)?,
        name: input.name,
        definition: input.definition.into(),
        may_exist: input.may_exist.unwrap_or(true),
    };
    let set = call.control.set_code_location(&grant, new).await.map_err(as_in_the_input)?;
    let code_location = CodeLocation(set.location);
    Ok(CodeLocationSetPayload { client_mutation_id: input.client_mutation_id, code_location, is_new: set.is_new })
}

async fn reload(call: &Call, input: CodeLocationReloadInput) -> Result<CodeLocationReloadPayload> {
    let grant = call.may::<EditCodeLocations>()?;
    let deployment: DeploymentId = expect(&input.deployment_id, Sort::Deployment)?;
    let code_location = CodeLocation(call.control.reload_code_location(&grant, deployment, &input.name).await?);
    Ok(CodeLocationReloadPayload { client_mutation_id: input.client_mutation_id, code_location })
}

async fn ping(call: &Call, input: CodeLocationPingInput) -> Result<CodeLocationPingPayload> {
    let grant = call.may::<EditCodeLocations>()?;
    let deployment: DeploymentId = expect(&input.deployment_id, Sort::Deployment)?;
    let request = DagsterRequest(call.control.ping_code_location(&grant, deployment, &input.name).await?);
    Ok(CodeLocationPingPayload { client_mutation_id: input.client_mutation_id, request })
}

async fn remove(call: &Call, input: CodeLocationRemoveInput) -> Result<CodeLocationRemovePayload> {
    let grant = call.may::<EditCodeLocations>()?;
    let deployment: DeploymentId = expect(&input.deployment_id, Sort::Deployment)?;
    let code_location = CodeLocation(call.control.remove_code_location(&grant, deployment, &input.name).await?);
    Ok(CodeLocationRemovePayload { client_mutation_id: input.client_mutation_id, code_location })
}

/// A fault of a definition under the name that its field has here: Dagster's documents write `module_name`.
fn as_in_the_input(error: Error) -> Error {
    let Error::Invalid(mut fields) = error else { return error };
    for it in &mut fields {
        it.field = camel(&it.field);
        if it.field != "name" {
            it.field.insert_str(0, "definition.");
        }
    }
    Error::Invalid(fields)
}

fn camel(snake: &str) -> String {
    let mut words = snake.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        text.extend(letters.next().map(|it| it.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_stand_at_the_fields_of_the_input() {
        let field = |of: &str| match as_in_the_input(Error::invalid(of, "is wrong")) {
            Error::Invalid(fields) => fields[0].field.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(field("name"), "name");
        assert_eq!(field("autoload_defs_module_name"), "definition.autoloadDefsModuleName");
        assert_eq!(as_in_the_input(Error::NotFound("deployment")), Error::NotFound("deployment"));
    }
}
