//! Every form of the pages, with a request that would succeed and something of its own that it would change.

use countersign_control::access::actions::{
    AcceptInvitation, ChangeTeamMembers, CreateAgentToken, CreateBuild, CreateDeployment, CreateInvitation, CreateTeam,
    CreateUserToken, PauseAgent, RegisterAgent, RotateAgentToken, ViewBuilds,
};
use countersign_control::agent_tokens::{NewAgentToken, Rotation, TokenReference};
use countersign_control::agents::Registration;
use countersign_control::builds::NewBuild;
use countersign_control::deployments::NewDeployment;
use countersign_control::invitations::NewInvitation;
use countersign_control::members::MemberReference;
use countersign_control::teams::{NewTeam, TeamReference};
use countersign_control::user_tokens::NewUserToken;
use countersign_domain::{RevealPolicy, Role};
use countersign_testkit::World;

use super::browser::{ADA, PASSWORD, Server, public_id};
use crate::callers;

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

impl Making {
    fn form(&mut self, route: &'static str, places: &[(&str, &str)], fields: &[(&'static str, &str)]) -> &mut Form {
        let path =
            places.iter().fold(route.replace("{organization}", "acme"), |path, (name, id)| path.replace(name, id));
        assert!(!path.contains('{'), "{route} leaves something open: {path}");
        let fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let (by, leaves, cookie) = (By::Member, Leaves::Rows, self.ada.clone());
        self.made.push(Form { route, path, fields, by, leaves, cookie });
        self.made.last_mut().expect("it was put there")
    }
}

impl Targets {
    /// Makes them all, and what they name.
    pub async fn of(server: &Server) -> Self {
        let ada = server.links_in(ADA, PASSWORD).await;
        let mut making = Making { made: Vec::new(), ada };
        work(server, &mut making).await;
        agents(&server.world, &mut making).await;
        agent_tokens(server, &mut making).await;
        user_tokens(&server.world, &mut making).await;
        members(server, &mut making).await;
        teams(&server.world, &mut making).await;
        deployments(&server.world, &mut making).await;
        making.form("/organizations/{organization}/settings/audit-log", &[], &[]).leaves = Leaves::Nothing;
        account(server, &mut making).await;
        Self { forms: making.made, ada: making.ada }
    }
}

/// Builds, their steps and jobs.
async fn work(server: &Server, making: &mut Making) {
    let world = &server.world;
    let control = &world.control;
    // Before there are others that an agent could be offered.
    let ended = callers::ended(world, &world.acme).await;
    let build = control.build(&world.admin::<ViewBuilds>(), ended.build).await.expect("a build");
    let (number, job) = (build.number.to_string(), ended.job.to_string());
    let places = [("{pipeline}", build.pipeline_slug.as_str()), ("{build}", &number), ("{job}", &job)];
    making.form("/organizations/{organization}/builds/{pipeline}/{build}/jobs/{job}/retry", &places, &[]);
    making.form("/organizations/{organization}/builds/{pipeline}/{build}/rebuild", &places, &[]);
    let new = NewBuild {
        definition: "steps: [{command: 'true'}, {block: Go, depends_on: []}]".to_owned(),
        pipeline: "forms".to_owned(),
        ..NewBuild::default()
    };
    let build = control.create_build(&world.admin::<CreateBuild>(), new).await.expect("a build");
    let grant = world.admin::<ViewBuilds>();
    let steps = control.build_steps(&grant, build.id, None).await.expect("its steps");
    let jobs = control.build_jobs(&grant, build.id).await.expect("its jobs");
    let (step, job) = (steps.last().expect("a block").id.to_string(), jobs[0].id.to_string());
    let places = [("{pipeline}", "forms"), ("{build}", "1"), ("{job}", job.as_str()), ("{step}", &step)];
    making.form("/organizations/{organization}/builds/{pipeline}/{build}/steps/{step}/unblock", &places, &[]);
    making.form("/organizations/{organization}/builds/{pipeline}/{build}/jobs/{job}/cancel", &places, &[]);
    let new = NewBuild {
        definition: "steps: [{command: 'true'}]".to_owned(),
        pipeline: "forms".to_owned(),
        ..NewBuild::default()
    };
    control.create_build(&world.admin::<CreateBuild>(), new).await.expect("a build");
    let places = [("{pipeline}", "forms"), ("{build}", "2")];
    making.form("/organizations/{organization}/builds/{pipeline}/{build}/cancel", &places, &[]);
}

async fn agents(world: &World, making: &mut Making) {
    let control = &world.control;
    let token = world.authenticate(world.acme.agent_token()).await.expect("a live token");
    let grant = control.grant_own::<RegisterAgent>(&token).expect("it may");
    let agent = async |name: &str| {
        let new = Registration { name: name.to_owned(), ..Registration::default() };
        control.register_agent(&grant, new).await.expect("it registers").agent.id
    };
    let (one, paused, other) = (agent("one").await, agent("paused").await, agent("other").await);
    control.pause_agent(&world.admin::<PauseAgent>(), paused, None, None).await.expect("it is paused");
    let places = |id: &str| [("{agent}", id.to_owned())];
    for (route, id, fields) in [
        ("/organizations/{organization}/agents/{agent}/pause", one, &[("note", "for a while")][..]),
        ("/organizations/{organization}/agents/{agent}/resume", paused, &[]),
        ("/organizations/{organization}/agents/{agent}/stop", other, &[("force", "on")]),
    ] {
        let [(name, id)] = &places(&id.to_string());
        making.form(route, &[(*name, id)], fields);
    }
}

async fn agent_tokens(server: &Server, making: &mut Making) {
    let world = &server.world;
    let control = &world.control;
    let grant = world.admin::<CreateAgentToken>();
    let token = async || {
        let new = NewAgentToken { reveal_policy: Some(RevealPolicy::Always), ..NewAgentToken::default() };
        control.create_agent_token(&grant, new).await.expect("a token").token.token.id
    };
    let permissions = [("org_agent", "on"), ("queues", "deploy")];
    let new = [("description", "made"), ("org_agent", "on"), ("reveal_policy", "always")];
    making.form("/organizations/{organization}/settings/tokens/new", &[], &new);
    for (route, fields) in [
        ("/organizations/{organization}/settings/tokens/{token}/reveal", &[][..]),
        ("/organizations/{organization}/settings/tokens/{token}/edit", &[("description", "other")]),
        ("/organizations/{organization}/settings/tokens/{token}/permissions", &permissions),
        ("/organizations/{organization}/settings/tokens/{token}/rotate", &[("old_valid_until", "2099-01-01T00:00")]),
    ] {
        making.form(route, &[("{token}", &token().await.to_string())], fields);
    }
    let rotated = token().await;
    let rotation = Rotation { token: TokenReference::Id(rotated), old_valid_until: None };
    control.rotate_agent_token(&world.admin::<RotateAgentToken>(), rotation).await.expect("it is rotated");
    let finish = "/organizations/{organization}/settings/tokens/{token}/finish";
    making.form(finish, &[("{token}", &rotated.to_string())], &[]);
    let revoked = token().await.to_string();
    let page = server.get(&format!("{SETTINGS}/tokens/{revoked}/revoke"), &making.ada).await;
    let shown = page.text.split("name=\"shown\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let fields = [("reason", "Left in a log"), ("connected_agents", "KEEP"), ("shown", shown.expect("what is shown"))];
    let revoke = "/organizations/{organization}/settings/tokens/{token}/revoke";
    making.form(revoke, &[("{token}", &revoked)], &fields);
}

async fn user_tokens(world: &World, making: &mut Making) {
    let grant = world.admin::<CreateUserToken>();
    let new = [("description", "made"), ("reveal_policy", "always")];
    making.form("/organizations/{organization}/settings/user-tokens/new", &[], &new);
    for (route, fields) in [
        ("/organizations/{organization}/settings/user-tokens/{token}/reveal", &[][..]),
        ("/organizations/{organization}/settings/user-tokens/{token}/edit", &[("description", "other")]),
        ("/organizations/{organization}/settings/user-tokens/{token}/revoke", &[("reason", "Left in a log")]),
    ] {
        let new = NewUserToken { reveal_policy: Some(RevealPolicy::Always), ..NewUserToken::default() };
        let token = world.control.create_user_token(&grant, new).await.expect("a token").token.id;
        making.form(route, &[("{token}", &token.to_string())], fields);
    }
}

/// Invites somebody; answers the invitation's id and its value.
async fn invite(world: &World, name: &str) -> (String, String) {
    let new = NewInvitation { email: format!("{name}@acme.example"), role: Role::Member, expires_at: None };
    let made = world.control.create_invitation(&world.admin::<CreateInvitation>(), new).await.expect("an invitation");
    (made.invitation.id.to_string(), made.secret.reveal().to_owned())
}

/// Makes somebody a member who has no password; answers their id.
async fn member(world: &World, name: &str) -> String {
    let (_, value) = invite(world, name).await;
    let caller = world.authenticate(&value).await.expect("a live invitation");
    let grant = world.control.grant_own::<AcceptInvitation>(&caller).expect("it may");
    let joined = world.control.accept_invitation(&grant, Some(name.to_owned())).await.expect("they join");
    joined.member.user.id.to_string()
}

async fn members(server: &Server, making: &mut Making) {
    let world = &server.world;
    let new = [("email", "new@acme.example"), ("role", "admin")];
    making.form("/organizations/{organization}/settings/members/invite", &[], &new);
    for (route, name, fields) in [
        ("/organizations/{organization}/settings/members/{member}/role", "rob", &[("role", "admin")][..]),
        ("/organizations/{organization}/settings/members/{member}/sign-in-link", "lin", &[]),
        ("/organizations/{organization}/settings/members/{member}/remove", "zoe", &[]),
    ] {
        making.form(route, &[("{member}", &member(world, name).await)], fields);
    }
    let (withdrawn, _) = invite(world, "gone").await;
    making.form("/organizations/{organization}/settings/invitations/{id}/withdraw", &[("{id}", &withdrawn)], &[]);
    let (_, invitation) = invite(world, "alan").await;
    let fields = [("link", invitation.as_str()), ("name", "Alan"), ("password", PASSWORD)];
    making.form("/invitation", &[], &fields).by = By::Anyone;
    member(world, "mel").await;
    let link = server.link("mel@acme.example").await;
    making.form("/sign-in/link", &[], &[("link", &link), ("password", PASSWORD)]).by = By::Anyone;
}

async fn teams(world: &World, making: &mut Making) {
    let control = &world.control;
    let team = async |name: &str| {
        let new = NewTeam { name: name.to_owned(), description: None };
        control.create_team(&world.admin::<CreateTeam>(), new).await.expect("a team").id
    };
    making.form("/organizations/{organization}/settings/teams/new", &[], &[("name", "made")]);
    let (joined, left, deleted) = (team("joined").await, team("left").await, team("deleted").await);
    let who = member(world, "tom").await;
    let reference = MemberReference::parse(&who).expect("an id");
    let added = control.add_team_member(&world.admin::<ChangeTeamMembers>(), TeamReference::Id(left), reference).await;
    added.expect("they are let in");
    let (joined, left, deleted) = (joined.to_string(), left.to_string(), deleted.to_string());
    let fields = [("member", who.as_str())];
    making.form("/organizations/{organization}/settings/teams/{team}/members", &[("{team}", &joined)], &fields);
    let remove = "/organizations/{organization}/settings/teams/{team}/members/{member}/remove";
    making.form(remove, &[("{team}", &left), ("{member}", &who)], &[]);
    making.form("/organizations/{organization}/settings/teams/{team}/delete", &[("{team}", &deleted)], &[]);
}

async fn deployments(world: &World, making: &mut Making) {
    let new = NewDeployment { name: "short".to_owned(), ..NewDeployment::default() };
    let made = world.control.create_deployment(&world.admin::<CreateDeployment>(), new).await;
    let id = made.expect("a deployment").id.to_string();
    making.form("/organizations/{organization}/settings/deployments/new", &[], &[("name", "made")]);
    making.form("/organizations/{organization}/settings/deployments/{id}/delete", &[("{id}", &id)], &[]);
}

/// What is one's own: at the end, for they end what others are sent by.
async fn account(server: &Server, making: &mut Making) {
    let to = format!("{ORGANIZATION}/agents");
    let form = making.form("/appearance", &[], &[("theme", "dark"), ("to", &to)]);
    (form.by, form.leaves) = (By::Anyone, Leaves::Cookie);
    let fields = [("email", ADA), ("password", PASSWORD), ("to", &to)];
    making.form("/sign-in", &[], &fields).by = By::Anyone;
    making.form("/prove", &[], &[("password", PASSWORD), ("to", &to)]).by = By::Oneself;
    let (ended, left) = (server.signs_in(ADA, PASSWORD).await, server.signs_in(ADA, PASSWORD).await);
    let end = "/account/sign-ins/{sign_in}/end";
    // Of another person's sign-in, which is nobody's that they could name.
    making.form(end, &[("{sign_in}", public_id(&ended))], &[]);
    let form = making.form("/sign-out", &[], &[]);
    (form.by, form.cookie) = (By::Oneself, left);
    let fields = [("password", PASSWORD), ("new_password", "another horse battery staple")];
    making.form("/account/password", &[], &fields).by = By::Oneself;
    making.form("/account/sign-out-everywhere", &[], &[]).by = By::Oneself;
}
