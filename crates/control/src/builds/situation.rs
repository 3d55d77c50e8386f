//! What conditions of a build's pipeline are decided on.

use std::collections::BTreeMap;

use countersign_domain::id::OrganizationId;
use countersign_domain::pipeline::Env;
use countersign_domain::plan::{Fact, Situation};
use countersign_store::builds::Build;
use countersign_store::organizations::Organization;
use countersign_store::{Tx, organizations, users};

use crate::{Error, Result};

/// The facts of a build. `keys` are those that its steps have already.
pub(crate) async fn of(
    tx: &mut Tx,
    organization: &Organization,
    build: &Build,
    env: &Env,
    keys: Vec<String>,
) -> Result<Situation> {
    let mut facts = BTreeMap::new();
    let mut set = |name: &str, fact: Fact| facts.insert(name.to_owned(), fact);
    let text = |text: &str| Fact::Text(text.to_owned());
    set("build.id", text(&build.id.to_string()));
    set("build.number", Fact::Number(build.number));
    set("build.branch", text(&build.branch));
    set("build.commit", text(&build.commit));
    set("build.message", text(build.message.as_deref().unwrap_or_default()));
    set("build.source", text(build.source.as_str()));
    set("build.state", text(build.state.as_str()));
    set("build.tag", env.get("BUILDKITE_TAG").map_or(Fact::Null, |tag| text(tag)));
    set("build.pull_request.id", Fact::Null);
    set("pipeline.id", text(&build.pipeline.to_string()));
    set("pipeline.slug", text(&build.pipeline_slug));
    set("pipeline.name", text(&build.pipeline_name));
    set("pipeline.default_branch", text(&build.default_branch));
    set("pipeline.repository", build.repository.as_deref().map_or(Fact::Null, text));
    set("organization.id", text(&organization.id.to_string()));
    set("organization.slug", text(&organization.slug));
    set("organization.name", text(&organization.name));
    if let Some(by) = build.created_by
        && let Some(member) = users::find_member(tx, organization.id, by).await?
    {
        let user = member.user;
        for who in ["creator", "author"] {
            set(&format!("build.{who}.id"), text(&user.id.to_string()));
            set(&format!("build.{who}.name"), text(&user.name));
            set(&format!("build.{who}.email"), text(&user.email));
        }
    }
    Ok(Situation { facts, env: env.clone(), keys })
}

/// The organization itself.
pub(crate) async fn organization(tx: &mut Tx, of: OrganizationId) -> Result<Organization> {
    organizations::find(tx, of).await?.ok_or(Error::NotFound("organization"))
}
