//! Code locations: what Dagster+ agents load for a deployment.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use countersign_control::code_locations::{self, Definition};
use countersign_control::{Error, Result};
use countersign_domain::dagster::LocationState;
use countersign_domain::id::DeploymentId;

use crate::call::Call;
use crate::global_id;
use crate::nullable::{Nullable, found};

use super::connection::{Count, connection};
use super::date_time::{DateTime, time};
use super::deployment::{self, Deployment};
use super::page_info::{Slice, Window, cursor};
use super::user::{User, person};

/// Where a code location stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum CodeLocationState {
    /// It was added or changed, and no agent has told of it since.
    Waiting,
    /// An agent has loaded it as it is now.
    Loaded,
    /// An agent could not load it.
    Failed,
}

impl From<LocationState> for CodeLocationState {
    fn from(state: LocationState) -> Self {
        match state {
            LocationState::Waiting => Self::Waiting,
            LocationState::Loaded => Self::Loaded,
            LocationState::Failed => Self::Failed,
        }
    }
}

/// How the code of a code location is found.
#[derive(SimpleObject, InputObject)]
#[graphql(input_name = "CodeLocationDefinitionInput")]
pub(crate) struct CodeLocationDefinition {
    /// The image that the code is in; null for agents that start processes.
    image: Option<String>,
    /// A file. Exactly one of this, `packageName`, `moduleName` and `autoloadDefsModuleName` is named.
    python_file: Option<String>,
    /// A package.
    package_name: Option<String>,
    /// A module.
    module_name: Option<String>,
    /// A module whose definitions are found by themselves.
    autoload_defs_module_name: Option<String>,
    /// Where its code server is started.
    working_directory: Option<String>,
    /// The interpreter.
    executable_path: Option<String>,
    /// What of the source is meant.
    attribute: Option<String>,
    /// The commit that the code is of.
    commit_hash: Option<String>,
    /// Where that commit is to be seen.
    url: Option<String>,
    /// The queue whose agents load it; null for the queue without a name.
    queue: Option<String>,
    /// What its container is to be like, as a text that holds a JSON object.
    container_context: Option<String>,
}

impl From<Definition> for CodeLocationDefinition {
    fn from(it: Definition) -> Self {
        Self {
            image: it.image,
            python_file: it.python_file,
            package_name: it.package_name,
            module_name: it.module_name,
            autoload_defs_module_name: it.autoload_defs_module_name,
            working_directory: it.working_directory,
            executable_path: it.executable_path,
            attribute: it.attribute,
            commit_hash: it.commit_hash,
            url: it.url,
            queue: it.queue,
            container_context: it.container_context,
        }
    }
}

impl From<CodeLocationDefinition> for Definition {
    fn from(it: CodeLocationDefinition) -> Self {
        Self {
            image: it.image,
            python_file: it.python_file,
            package_name: it.package_name,
            module_name: it.module_name,
            autoload_defs_module_name: it.autoload_defs_module_name,
            working_directory: it.working_directory,
            executable_path: it.executable_path,
            attribute: it.attribute,
            commit_hash: it.commit_hash,
            url: it.url,
            queue: it.queue,
            container_context: it.container_context,
        }
    }
}

pub(crate) struct CodeLocation(pub code_locations::CodeLocation);

connection! {
    /// Code locations, by name.
    CodeLocationConnection, CodeLocationEdge of CodeLocation
}

/// Code that Dagster+ agents load for a deployment, and what they told of it. It is known by its deployment and its name.
#[Object]
impl CodeLocation {
    /// The uuid.
    async fn uuid(&self) -> ID {
        global_id::uuid(self.0.id)
    }

    /// Its name, unique in its deployment.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The deployment that it is loaded for.
    async fn deployment(&self, ctx: &Context<'_>) -> Nullable<Deployment> {
        found(deployment::by_id(Call::of(ctx), self.0.deployment).await)
    }

    /// How its code is found.
    async fn definition(&self) -> CodeLocationDefinition {
        self.0.definition.clone().into()
    }

    /// Where it stands.
    async fn state(&self) -> CodeLocationState {
        code_locations::state(&self.0).into()
    }

    /// Why it could not be loaded, as the agent has it; of one that waits, what was told before it was changed. Not to be trusted.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// When an agent had loaded it as it is now; null while it waits and when it failed.
    async fn loaded_at(&self) -> Option<DateTime> {
        let is_loaded = code_locations::state(&self.0) == LocationState::Loaded;
        time(self.0.told_at.filter(|_| is_loaded))
    }

    /// Since when it waits for an agent to tell of it; null when one has.
    async fn waiting_since(&self) -> Option<DateTime> {
        let is_waiting = code_locations::state(&self.0) == LocationState::Waiting;
        is_waiting.then_some(DateTime(self.0.changed_at))
    }

    /// When an agent last told of it.
    async fn told_at(&self) -> Option<DateTime> {
        time(self.0.told_at)
    }

    /// The public id of the agent token that this agent showed.
    async fn told_by_agent_token_public_id(&self) -> Option<&str> {
        self.0.told_by.as_ref().map(|it| it.as_str())
    }

    /// When it was last changed, or was to be loaded again.
    async fn changed_at(&self) -> DateTime {
        DateTime(self.0.changed_at)
    }

    /// When it was added.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// By whom.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        person(Call::of(ctx), self.0.created_by).await
    }
}

/// Most code locations of one page: of each there may be 64 KiB of an error.
const MAX_PER_PAGE: i32 = 100;

/// The code locations of one deployment.
pub(crate) async fn list(call: &Call, deployment: DeploymentId, window: Window) -> Result<CodeLocationConnection> {
    let all = call.control.code_location_ids(&call.may()?, deployment).await?;
    let count = Count::Known(all.len());
    let Slice { entries, info } = window.at_most(MAX_PER_PAGE).cut(all, |it| *it)?;
    let ids = entries.into_iter().map(|(_, id)| id).collect();
    let page = call.control.code_locations_with_ids(&call.may()?, deployment, ids).await?;
    let slice = Slice { entries: page.into_iter().map(|it| (cursor(it.id), it)).collect(), info };
    Ok(CodeLocationConnection::new(slice, CodeLocation, count))
}

/// The one of that name.
pub(crate) async fn by_name(call: &Call, deployment: DeploymentId, name: &str) -> Result<Option<CodeLocation>> {
    match call.control.code_location(&call.may()?, deployment, name).await {
        Ok(it) => Ok(Some(CodeLocation(it))),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
