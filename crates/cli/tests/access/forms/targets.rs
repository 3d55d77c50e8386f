//! Every form of the pages, with a request that would succeed and something of its own that it would change.

mod account;
mod deployments;
mod members;
mod narrow;
mod service_users;
mod teams;
mod tokens;
mod work;

use countersign_testkit::provider::FakeProvider;

use super::browser::{ADA, PASSWORD, Server};

const ORGANIZATION: &str = "/organizations/acme";
const SETTINGS: &str = "/organizations/acme/settings";

/// Whose form it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Anyone's: it asks for no sign-in.
    Anyone,
    /// A member's: it changes what is the organization's.
    Member,
    /// One's own: another person's sign-in does the same to that person.
    Oneself,
}

/// What is another one after it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    Rows,
    /// A cookie of the browser's alone: no row.
    Cookie,
    /// The same, and a page that leads to the provider of sign-ins.
    Away,
    /// Nothing: it has the server work.
    Nothing,
}

/// A form that would succeed.
#[derive(Debug, Clone)]
pub struct Form {
    /// Its address, as the router has it.
    pub route: &'static str,
    pub path: String,
    pub fields: Vec<(&'static str, String)>,
    pub by: By,
    pub leaves: Leaves,
    /// The sign-in that sends it; Ada's first one if it is none of its own.
    pub cookie: String,
    /// What it is of, where there is another one at the same address.
    pub of: &'static str,
}

/// The forms, in an order in which all succeed one after the other, and the first sign-in of Ada's.
pub struct Targets {
    pub forms: Vec<Form>,
    pub ada: String,
}

/// What is being made, form by form.
struct Making {
    made: Vec<Form>,
    ada: String,
}

impl Form {
    /// One at an address, with what stands in it.
    pub fn at(path: &str, fields: &[(&'static str, &str)]) -> Self {
        let mut making = Making { made: Vec::new(), ada: String::new() };
        let route: &'static str = path.to_owned().leak();
        making.form(route, &[], fields).clone()
    }

    /// The form in a table: its address, and what distinguishes it from another one there.
    pub fn words(&self) -> String {
        let told = self.fields.iter().filter(|(name, _)| matches!(*name, "tokens" | "org_agent" | "all_branches"));
        let told: Vec<_> = told.map(|(name, _)| format!(" {name}")).collect();
        format!("{}{}{}", self.route, told.concat(), self.of)
    }
}

impl Making {
    fn form(&mut self, route: &'static str, places: &[(&str, &str)], fields: &[(&'static str, &str)]) -> &mut Form {
        let path =
            places.iter().fold(route.replace("{organization}", "acme"), |path, (name, id)| path.replace(name, id));
        assert!(!path.contains('{'), "{route} leaves something open: {path}");
        let fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let (by, leaves, cookie) = (By::Member, Leaves::Rows, self.ada.clone());
        self.made.push(Form { route, path, fields, by, leaves, cookie, of: "" });
        self.made.last_mut().expect("it was put there")
    }
}

impl Targets {
    /// Makes them all, and what they name.
    pub async fn of(server: &Server) -> Self {
        let ada = server.links_in(ADA, PASSWORD).await;
        let mut making = Making { made: Vec::new(), ada };
        let provider = FakeProvider::of(&server.world.control);
        work::work(server, &mut making).await;
        work::agents(&server.world, &mut making).await;
        tokens::of_agents(server, &mut making, None).await;
        tokens::of_users(&server.world, &mut making).await;
        members::members(server, &mut making).await;
        service_users::service_users(&server.world, &mut making).await;
        teams::teams(&server.world, &mut making).await;
        deployments::deployments(&server.world, &mut making).await;
        deployments::queues(&server.world, &mut making).await;
        deployments::roles(&server.world, &mut making).await;
        let shown = tokens::shown(server, &making.ada, &format!("{SETTINGS}/edit")).await;
        let fields = [("name", "Acme Inc."), ("slug", "acme"), ("reveal_policy", "always"), ("shown", shown.as_str())];
        making.form("/organizations/{organization}/settings/edit", &[], &fields);
        making.form("/organizations/{organization}/settings/audit-log", &[], &[]).leaves = Leaves::Nothing;
        account::ways_in(server, &provider, &mut making).await;
        account::passkeys(server, &mut making).await;
        account::account(server, &mut making).await;
        Self { forms: making.made, ada: making.ada }
    }
}
