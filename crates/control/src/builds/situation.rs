//! What conditions of a build's pipeline are decided on.

use std::collections::BTreeMap;

use countersign_domain::id::OrganizationId;
use countersign_domain::pipeline::Env;
use countersign_domain::plan::{Fact, Situation};
use countersign_store::builds::Build;
use countersign_store::organizations::Organization;
use countersign_store::{Tx, organizations, users};

use crate::{Error, Result};

/// The variable of a build that names who wrote its commit.
pub const AUTHOR: &str = "BUILDKITE_BUILD_AUTHOR";
/// The same for their address.
pub const AUTHOR_EMAIL: &str = "BUILDKITE_BUILD_AUTHOR_EMAIL";

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
        let author = author(env);
        set("build.creator.id", text(&user.id.to_string()));
        set("build.author.id", if author.is_none() { text(&user.id.to_string()) } else { Fact::Null });
        let creator = (&*user.name, &*user.email);
        for (who, (name, email)) in [("creator", creator), ("author", author.unwrap_or(creator))] {
            set(&format!("build.{who}.name"), text(name));
            set(&format!("build.{who}.email"), text(email));
        }
    }
    Ok(Situation { facts, env: env.clone(), keys })
}

/// Who wrote the commit, where whoever made the build said so: name and address, perhaps empty. It is their word and nothing more.
pub(crate) fn author(env: &Env) -> Option<(&str, &str)> {
    let said = |name: &str| env.get(name).map(String::as_str);
    match (said(AUTHOR), said(AUTHOR_EMAIL)) {
        (None, None) => None,
        (name, email) => Some((name.unwrap_or_default(), email.unwrap_or_default())),
    }
}

/// The organization itself.
pub(crate) async fn organization(tx: &mut Tx, of: OrganizationId) -> Result<Organization> {
    organizations::find(tx, of).await?.ok_or(Error::NotFound("organization"))
}
