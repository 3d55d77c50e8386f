//! `countersign dagster location`: what Dagster+ agents load for a deployment.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use countersign_domain::text::DeploymentName;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::definition::{DefinitionArgs, SOURCES};
use crate::{
    Ambient,
    api::{
        Api, documents,
        shapes::{self, text},
    },
    commands::deployment,
    failure::{Exit, Failure, Outcome},
    flags::{ServerArgs, variables},
    output::{Printer, Table, harmless, local_time},
};

#[derive(Debug, Subcommand)]
pub(super) enum LocationCommand {
    /// Add a code location: agents of its deployment and queue load it
    #[command(
        after_help = "Example:\n  countersign dagster location add sales --module-name sales.definitions --deployment prod"
    )]
    Add {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        definition: DefinitionArgs,
    },
    /// Change what is named of a code location, and have it loaded again; an empty value takes a part away
    #[command(after_help = "Example:\n  countersign dagster location update sales --commit-hash 0a1b2c3d")]
    Update {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        definition: DefinitionArgs,
    },
    /// Have a code location loaded again as it is
    #[command(after_help = "Example:\n  countersign dagster location reload sales")]
    Reload(Named),
    /// Remove a code location: agents stop its code server
    #[command(after_help = "Example:\n  countersign dagster location remove sales")]
    Remove(Named),
    /// List a deployment's code locations, and where each stands
    #[command(after_help = "Example:\n  countersign dagster location list --deployment prod")]
    List(Place),
    /// Show a code location: how it is found, what an agent told of it, and what agents were asked
    #[command(after_help = "Example:\n  countersign dagster location show sales")]
    Show(Named),
}

// In which deployment, and on which server.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The deployment, by name [default: the organization's default deployment]
    #[arg(long, value_name = "NAME", env = variables::DEPLOYMENT)]
    deployment: Option<DeploymentName>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// The code location, by name
    #[arg(value_name = "NAME")]
    location: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Deserialize)]
struct OfDeployment {
    node: Option<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    code_locations: shapes::Connection<Value>,
}

impl LocationCommand {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        match self {
            Self::Add { named, definition } => {
                let (api, deployment) = named.place.open(ambient).await?;
                let added = set(&api, &deployment, &named.location, &definition.on(Map::new()), false).await?;
                printer.result(&added, || said(&added, "is added to", &deployment))
            }
            Self::Update { named, definition } => named.update(&definition, ambient, printer).await,
            Self::Reload(named) => {
                let (api, deployment) = named.place.open(ambient).await?;
                let mut answer: Value = api.call(documents::CODE_LOCATION_RELOAD, named.input(&deployment)).await?;
                let location = there(answer["codeLocationReload"]["codeLocation"].take())?;
                printer.result(&location, || said(&location, "is loaded again in", &deployment))
            }
            Self::Remove(named) => {
                let (api, deployment) = named.place.open(ambient).await?;
                let mut answer: Value = api.call(documents::CODE_LOCATION_REMOVE, named.input(&deployment)).await?;
                let removed = there(answer["codeLocationRemove"]["codeLocation"].take())?;
                printer.result(&removed, || {
                    format!(
                        "Code location {} is removed from {}; agents stop its code server.",
                        harmless(text(&removed, "name")),
                        harmless(text(&deployment, "name"))
                    )
                })
            }
            Self::List(place) => {
                let (api, deployment) = place.open(ambient).await?;
                let all = all(&api, &deployment).await?;
                printer.result(&all, || table(&all))
            }
            Self::Show(named) => {
                let (api, deployment) = named.place.open(ambient).await?;
                let (mut location, requests) = find(&api, &deployment, &named.location).await?;
                location["requests"] = requests;
                printer.result(&location, || page_of(&location))
            }
        }
    }
}

impl Place {
    /// The server, and the deployment there.
    async fn open(&self, ambient: &Ambient) -> Outcome<(Api, Value)> {
        let api = Api::for_user(&self.server, &ambient.environment)?;
        let known = deployment::all(&api).await?;
        let found = match &self.deployment {
            Some(name) => deployment::find(&known, name.as_str())?.clone(),
            None => {
                let default = known.into_iter().find(|it| it["isDefault"] == true);
                shapes::there(default, "default deployment")?
            }
        };
        Ok((api, found))
    }
}

impl Named {
    fn input(&self, deployment: &Value) -> Value {
        json!({ "input": { "deploymentId": deployment["id"], "name": self.location } })
    }

    async fn update(&self, definition: &DefinitionArgs, ambient: &Ambient, printer: Printer) -> Outcome<()> {
        if definition.parts().iter().all(|(_, value)| value.is_none()) {
            let why = "nothing to change was named; to have it loaded again as it is, use countersign dagster location reload";
            return Err(Failure::bad_input(why));
        }
        let (api, deployment) = self.place.open(ambient).await?;
        let (mut before, _) = find(&api, &deployment, &self.location).await?;
        let Value::Object(before) = before["definition"].take() else {
            return Err(Failure::internal("the server answered no definition"));
        };
        let updated = set(&api, &deployment, &self.location, &definition.on(before), true).await?;
        printer.result(&updated, || said(&updated, "is changed in", &deployment))
    }
}

fn there(location: Value) -> Outcome<Value> {
    shapes::there(Some(location), "code location")
}

async fn set(
    api: &Api,
    deployment: &Value,
    name: &str,
    definition: &Map<String, Value>,
    may_exist: bool,
) -> Outcome<Value> {
    let input =
        json!({ "deploymentId": deployment["id"], "name": name, "definition": definition, "mayExist": may_exist });
    let mut answer: Value = api.call(documents::CODE_LOCATION_SET, json!({ "input": input })).await?;
    there(answer["codeLocationSet"]["codeLocation"].take())
}

/// Every code location of a deployment, by name.
async fn all(api: &Api, deployment: &Value) -> Outcome<Vec<Value>> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let variables = json!({ "id": deployment["id"], "after": after });
        let answer: OfDeployment = api.call(documents::CODE_LOCATIONS, variables).await?;
        let gone = || Failure::new(Exit::NotFound, "no deployment found; it was deleted just now");
        let page = answer.node.ok_or_else(gone)?.code_locations;
        after = page.next();
        found.extend(page.into_nodes());
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// The one of that name, and what agents were asked to do for it.
async fn find(api: &Api, deployment: &Value, name: &str) -> Outcome<(Value, Value)> {
    let mut answer: Value = api.call(documents::CODE_LOCATION, json!({ "id": deployment["id"], "name": name })).await?;
    let location = answer["node"]["codeLocation"].take();
    if location.is_null() {
        let why = format!(
            "no code location {name} found in the deployment {}; see countersign dagster location list",
            text(deployment, "name")
        );
        return Err(Failure::new(Exit::NotFound, why));
    }
    let requests = answer["node"]["dagsterRequests"].as_array().cloned().unwrap_or_default();
    let its = |it: &Value| it["locationName"].is_null() || text(it, "locationName") == name;
    Ok((location, requests.into_iter().filter(its).collect()))
}

/// What became of a code location.
fn said(location: &Value, what: &str, deployment: &Value) -> String {
    format!(
        "Code location {} {what} {}, and waits for an agent to load it.",
        harmless(text(location, "name")),
        harmless(text(deployment, "name"))
    )
}

/// Where the code is, in short.
fn source(location: &Value) -> &str {
    let definition = &location["definition"];
    SOURCES.iter().map(|name| text(definition, name)).find(|it| !it.is_empty()).unwrap_or_default()
}

fn state(location: &Value) -> String {
    text(location, "state").to_lowercase()
}

fn table(locations: &[Value]) -> String {
    let mut table = Table::new(&["code location", "state", "code", "image", "queue", "since", "error"]);
    for it in locations {
        let since = it["waitingSince"].as_str().or(it["toldAt"].as_str());
        let is_failed = text(it, "state") == "FAILED";
        let error = text(it, "error").lines().next().filter(|_| is_failed).unwrap_or_default();
        table.row([
            text(it, "name").to_owned(),
            state(it),
            source(it).to_owned(),
            text(&it["definition"], "image").to_owned(),
            text(&it["definition"], "queue").to_owned(),
            local_time(since),
            error.to_owned(),
        ]);
    }
    table.render()
}

/// Everything about a code location.
fn page_of(location: &Value) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            writeln!(out, "{name:<13} {}", harmless(value)).unwrap_or_default();
        }
    };
    line("code location", text(location, "name"));
    line("deployment", text(&location["deployment"], "name"));
    line("state", &state(location));
    for (name, field) in [
        ("module", "moduleName"),
        ("file", "pythonFile"),
        ("package", "packageName"),
        ("autoload", "autoloadDefsModuleName"),
        ("image", "image"),
        ("folder", "workingDirectory"),
        ("interpreter", "executablePath"),
        ("attribute", "attribute"),
        ("commit", "commitHash"),
        ("commit at", "url"),
        ("queue", "queue"),
        ("container", "containerContext"),
    ] {
        line(name, text(&location["definition"], field));
    }
    for (name, field) in
        [("added", "createdAt"), ("changed", "changedAt"), ("loaded", "loadedAt"), ("last told", "toldAt")]
    {
        if let Some(at) = location[field].as_str() {
            line(name, &local_time(Some(at)));
        }
    }
    line("added by", text(&location["createdBy"], "email"));
    line("told by token", text(location, "toldByAgentTokenPublicId"));
    line("error", text(location, "error").trim_end());
    for it in location["requests"].as_array().into_iter().flatten() {
        let (kind, reason, error) = (text(it, "kind"), text(it, "stateReason"), text(it, "error"));
        let why = if error.is_empty() { String::new() } else { format!(": {error}") };
        line("asked", &format!("{} {kind}: {reason}{why}", local_time(it["createdAt"].as_str())));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_what_there_is() {
        let location = json!({
            "name": "sales", "deployment": { "name": "prod" }, "state": "FAILED", "definition": { "moduleName": "m" },
            "error": "no\u{1b} module\n",
            "requests": [{ "kind": "PING_LOCATION", "stateReason": "it was answered", "createdAt": "2027-01-31T09:00:00Z" }]
        });
        let page = page_of(&location);
        for part in ["code location sales\n", "state         failed\n", "module        m\n", "asked         2027-01-31"]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains('\u{1b}') && !page.contains("image"), "{page}");
    }
}
