//! The fields of GraphQL's query and mutation, read from its schema.

use crate::callers::Operation;

/// A selection that would succeed, for each field.
const SAMPLES: &[(&str, &str)] = &[
    ("query agent", "agent(slug: \"{slug}/{agent}\") { id }"),
    ("query agentToken", "agentToken(slug: \"{slug}/{agent-token}\") { id }"),
    ("query build", "build(uuid: \"{build}\") { id }"),
    ("query job", "job(uuid: \"{job}\") { __typename }"),
    ("query node", "node(id: \"{global-agent-token}\") { id }"),
    ("query organization", "organization(slug: \"{slug}\") { id }"),
    ("query pipeline", "pipeline(slug: \"{slug}/stored\") { id }"),
    ("query viewer", "viewer { id }"),
    ("mutation agentPause", "agentPause(input: {id: \"{global-agent}\"}) { agent { id } }"),
    ("mutation agentResume", "agentResume(input: {id: \"{global-agent}\"}) { agent { id } }"),
    ("mutation agentStop", "agentStop(input: {id: \"{global-agent}\"}) { agent { id } }"),
    (
        "mutation agentTokenCreate",
        "agentTokenCreate(input: {organizationID: \"{global-organization}\", description: \"d\"}) { tokenValue }",
    ),
    ("mutation agentTokenReveal", "agentTokenReveal(input: {id: \"{global-agent-token}\"}) { publicId }"),
    (
        "mutation agentTokenRevoke",
        "agentTokenRevoke(input: {id: \"{global-agent-token}\", reason: \"r\"}) { agentToken { id } }",
    ),
    ("mutation agentTokenRotate", "agentTokenRotate(input: {id: \"{global-agent-token}\"}) { tokenValue }"),
    (
        "mutation agentTokenUpdate",
        "agentTokenUpdate(input: {id: \"{global-agent-token}\", description: \"e\"}) { agentToken { id } }",
    ),
    ("mutation buildCreate", "buildCreate(input: {pipelineID: \"{global-pipeline}\"}) { build { id } }"),
    ("mutation buildRebuild", "buildRebuild(input: {id: \"{global-build}\"}) { rebuild { id } }"),
    (
        "mutation clusterAgentTokenCreate",
        "clusterAgentTokenCreate(input: {organizationId: \"{global-organization}\", clusterId: \"{global-kept}\", description: \"d\"}) { tokenValue }",
    ),
    (
        "mutation clusterAgentTokenRevoke",
        "clusterAgentTokenRevoke(input: {organizationId: \"{global-organization}\", id: \"{global-cluster-token}\"}) { deletedClusterAgentTokenId }",
    ),
    (
        "mutation clusterAgentTokenUpdate",
        "clusterAgentTokenUpdate(input: {organizationId: \"{global-organization}\", id: \"{global-cluster-token}\", description: \"e\"}) { clusterAgentToken { id } }",
    ),
    (
        "mutation clusterCreate",
        "clusterCreate(input: {organizationId: \"{global-organization}\", name: \"made\"}) { cluster { id } }",
    ),
    (
        "mutation clusterUpdate",
        "clusterUpdate(input: {organizationId: \"{global-organization}\", id: \"{global-cluster}\", description: \"e\"}) { cluster { id } }",
    ),
    (
        "mutation clusterDelete",
        "clusterDelete(input: {organizationId: \"{global-organization}\", id: \"{global-cluster}\"}) { deletedClusterId }",
    ),
    (
        "mutation clusterQueueCreate",
        "clusterQueueCreate(input: {organizationId: \"{global-organization}\", clusterId: \"{global-kept}\", key: \"made\"}) { clusterQueue { id } }",
    ),
    (
        "mutation clusterQueueUpdate",
        "clusterQueueUpdate(input: {organizationId: \"{global-organization}\", id: \"{global-idle-queue}\", description: \"e\"}) { clusterQueue { id } }",
    ),
    (
        "mutation clusterQueueDelete",
        "clusterQueueDelete(input: {organizationId: \"{global-organization}\", id: \"{global-idle-queue}\"}) { deletedClusterQueueId }",
    ),
    (
        "mutation clusterQueuePauseDispatch",
        "clusterQueuePauseDispatch(input: {id: \"{global-queue}\"}) { queue { id } }",
    ),
    (
        "mutation clusterQueueResumeDispatch",
        "clusterQueueResumeDispatch(input: {id: \"{global-queue}\"}) { queue { id } }",
    ),
    (
        "mutation codeLocationSet",
        "codeLocationSet(input: {deploymentId: \"{global-deployment}\", name: \"made\", definition: {moduleName: \"m\"}}) { codeLocation { uuid } }",
    ),
    (
        "mutation codeLocationReload",
        "codeLocationReload(input: {deploymentId: \"{global-deployment}\", name: \"there\"}) { codeLocation { uuid } }",
    ),
    (
        "mutation codeLocationPing",
        "codeLocationPing(input: {deploymentId: \"{global-deployment}\", name: \"there\"}) { request { uuid } }",
    ),
    (
        "mutation codeLocationRemove",
        "codeLocationRemove(input: {deploymentId: \"{global-deployment}\", name: \"there\"}) { codeLocation { uuid } }",
    ),
    ("mutation dagsterRunLaunch", "dagsterRunLaunch(input: {location: \"l\", job: \"j\"}) { isNew }"),
    ("mutation dagsterRunTerminate", "dagsterRunTerminate(input: {uuid: \"{job}\"}) { run { uuid } }"),
    ("mutation deploymentCreate", "deploymentCreate(input: {name: \"staging\"}) { deployment { id } }"),
    (
        "mutation deploymentRename",
        "deploymentRename(input: {id: \"{global-deployment}\", name: \"other\"}) { deployment { id } }",
    ),
    (
        "mutation deploymentDelete",
        "deploymentDelete(input: {id: \"{global-deployment}\", force: true}) { deletedDeploymentId }",
    ),
    ("mutation jobTypeBlockUnblock", "jobTypeBlockUnblock(input: {id: \"{global-block}\"}) { jobTypeBlock { id } }"),
    ("mutation jobTypeCommandCancel", "jobTypeCommandCancel(input: {id: \"{global-job}\"}) { jobTypeCommand { id } }"),
    (
        "mutation jobTypeCommandRetry",
        "jobTypeCommandRetry(input: {id: \"{global-ended-job}\"}) { jobTypeCommand { id } }",
    ),
    (
        "mutation pipelineCreate",
        "pipelineCreate(input: {organizationId: \"{global-organization}\", name: \"n\", repository: {url: \"\"}}) { pipeline { id } }",
    ),
    ("mutation pipelineUpdate", "pipelineUpdate(input: {id: \"{global-pipeline}\", name: \"m\"}) { pipeline { id } }"),
    ("mutation buildCancel", "buildCancel(input: {id: \"{global-build}\"}) { build { id } }"),
    (
        "mutation buildCreateFromDefinition",
        "buildCreateFromDefinition(input: {organizationID: \"{global-organization}\", definition: \"steps: [{command: x}]\", pipeline: \"p\"}) { build { id } }",
    ),
    (
        "mutation organizationCreate",
        "organizationCreate(input: {slug: \"initech\", admin: \"bob@initech.example\"}) { organization { id } }",
    ),
    (
        "mutation organizationMemberUpdate",
        "organizationMemberUpdate(input: {id: \"{service-user}\", role: ADMIN}) { organizationMember { id } }",
    ),
    (
        "mutation organizationMemberDelete",
        "organizationMemberDelete(input: {id: \"{service-user}\"}) { deletedOrganizationMemberID }",
    ),
    (
        "mutation organizationMemberTokenRevoke",
        "organizationMemberTokenRevoke(input: {memberId: \"{service-user}\", id: \"{service-token}\"}) { userToken { id } }",
    ),
    (
        "mutation organizationInvitationCreate",
        "organizationInvitationCreate(input: {email: \"new@acme.example\"}) { invitation { id } }",
    ),
    (
        "mutation organizationInvitationWithdraw",
        "organizationInvitationWithdraw(input: {id: \"{global-invitation}\"}) { invitation { id } }",
    ),
    ("mutation organizationInvitationAccept", "organizationInvitationAccept(input: {}) { userTokenValue }"),
    (
        "mutation deploymentRoleGive",
        "deploymentRoleGive(input: {memberId: \"{service-user}\", deploymentId: \"{kept}\", role: EDITOR}) { deploymentRoleGrant { role } }",
    ),
    (
        "mutation deploymentRoleTake",
        "deploymentRoleTake(input: {teamId: \"{team}\", deploymentId: \"{kept}\"}) { deploymentRoleGrant { role } }",
    ),
    ("mutation membersRoleUpdate", "membersRoleUpdate(input: {role: LAUNCHER}) { organization { id } }"),
    (
        "mutation teamCreate",
        "teamCreate(input: {organizationID: \"{global-organization}\", name: \"made\"}) { team { id } }",
    ),
    (
        "mutation organizationUpdate",
        "organizationUpdate(input: {organizationID: \"{global-organization}\", name: \"e\"}) { organization { id } }",
    ),
    ("mutation teamUpdate", "teamUpdate(input: {id: \"{team}\", description: \"e\"}) { team { id } }"),
    (
        "mutation teamMemberAdd",
        "teamMemberAdd(input: {teamId: \"{team}\", memberId: \"{admin-user}\"}) { team { id } }",
    ),
    (
        "mutation teamMemberRemove",
        "teamMemberRemove(input: {teamId: \"{team}\", memberId: \"{admin-user}\"}) { team { id } }",
    ),
    ("mutation teamDelete", "teamDelete(input: {id: \"{global-team}\"}) { deletedTeamID }"),
    ("mutation serviceUserCreate", "serviceUserCreate(input: {name: \"made\"}) { serviceUser { id } }"),
    (
        "mutation serviceUserUpdate",
        "serviceUserUpdate(input: {id: \"{service-user}\", description: \"e\"}) { serviceUser { id } }",
    ),
    (
        "mutation serviceUserTokenCreate",
        "serviceUserTokenCreate(input: {serviceUserId: \"{service-user}\"}) { tokenValue }",
    ),
    (
        "mutation serviceUserTokenReveal",
        "serviceUserTokenReveal(input: {serviceUserId: \"{service-user}\", id: \"{service-token}\"}) { publicId }",
    ),
    ("mutation userTokenCreate", "userTokenCreate(input: {description: \"d\"}) { tokenValue }"),
    ("mutation userTokenReveal", "userTokenReveal(input: {id: \"{user-token}\"}) { publicId }"),
    ("mutation userTokenRevoke", "userTokenRevoke(input: {id: \"{user-token}\", reason: \"r\"}) { userToken { id } }"),
    (
        "mutation userTokenUpdate",
        "userTokenUpdate(input: {id: \"{user-token}\", description: \"e\"}) { userToken { id } }",
    ),
];

/// Fields of an organization that not every member may see.
const NESTED: &[(&str, &str)] = &[
    ("Organization.agentTokens", "organization(slug: \"{slug}\") { agentTokens(first: 1) { count } }"),
    ("Organization.agents", "organization(slug: \"{slug}\") { agents(first: 1) { count } }"),
    ("Organization.auditLog", "organization(slug: \"{slug}\") { auditLog(first: 1) { edges { node { id } } } }"),
    ("Organization.auditChain", "organization(slug: \"{slug}\") { auditChain { holds } }"),
    ("Organization.builds", "organization(slug: \"{slug}\") { builds(first: 1) { edges { node { id } } } }"),
    ("Organization.pipelines", "organization(slug: \"{slug}\") { pipelines(first: 1) { edges { node { id } } } }"),
    ("Organization.queues", "organization(slug: \"{slug}\") { queues(first: 1) { edges { node { id } } } }"),
    ("Organization.deployments", "organization(slug: \"{slug}\") { deployments(first: 1) { edges { node { id } } } }"),
    ("Organization.cluster", "organization(slug: \"{slug}\") { cluster(id: \"{cluster}\") { id } }"),
    ("Organization.clusters", "organization(slug: \"{slug}\") { clusters(first: 1) { edges { node { id } } } }"),
    ("Cluster.agentTokens", "node(id: \"{global-kept}\") { ... on Cluster { agentTokens(first: 1) { count } } }"),
    ("Cluster.queues", "node(id: \"{global-kept}\") { ... on Cluster { queues(first: 1) { count } } }"),
    (
        "Deployment.codeLocations",
        "node(id: \"{global-deployment}\") { ... on Deployment { codeLocations(first: 1) { count } } }",
    ),
    (
        "Deployment.codeLocation",
        "node(id: \"{global-deployment}\") { ... on Deployment { codeLocation(name: \"there\") { uuid } } }",
    ),
    (
        "Deployment.dagsterRequests",
        "node(id: \"{global-deployment}\") { ... on Deployment { dagsterRequests(first: 1) { uuid } } }",
    ),
    ("Organization.dagsterAgents", "organization(slug: \"{slug}\") { dagsterAgents(first: 1) { count } }"),
    ("Organization.dagsterAgentStatus", "organization(slug: \"{slug}\") { dagsterAgentStatus }"),
    ("Organization.dagsterRuns", "organization(slug: \"{slug}\") { dagsterRuns(first: 1) { count } }"),
    ("Organization.dagsterRun", "organization(slug: \"{slug}\") { dagsterRun(uuid: \"{job}\") { status } }"),
    ("Organization.members", "organization(slug: \"{slug}\") { members(first: 1) { count } }"),
    ("Organization.member", "organization(slug: \"{slug}\") { member(id: \"ada@acme.example\") { id } }"),
    ("Organization.teams", "organization(slug: \"{slug}\") { teams(first: 1) { count } }"),
    ("Organization.team", "organization(slug: \"{slug}\") { team(id: \"{lasting-team}\") { id } }"),
    ("Organization.membersRole", "organization(slug: \"{slug}\") { membersRole }"),
    (
        "Team.organizationMembers",
        "node(id: \"{global-lasting-team}\") { ... on Team { organizationMembers(first: 1) { count } } }",
    ),
    (
        "Team.deploymentRoles",
        "node(id: \"{global-lasting-team}\") { ... on Team { deploymentRoles(first: 1) { count } } }",
    ),
    (
        "OrganizationMember.roleIn",
        "organization(slug: \"{slug}\") { member(id: \"{admin-user}\") { roleIn(deploymentId: \"{kept}\") } }",
    ),
    ("Organization.invitations", "organization(slug: \"{slug}\") { invitations(first: 1) { count } }"),
    (
        "OrganizationMember.userTokens",
        "organization(slug: \"{slug}\") { member(id: \"{service-user}\") { userTokens(first: 1) { edges { node { id } } } } }",
    ),
    ("AgentToken.token", "agentToken(slug: \"{slug}/{agent-token}\") { token }"),
    ("AgentToken.secrets", "agentToken(slug: \"{slug}/{agent-token}\") { secrets { publicId } }"),
    ("AgentToken.refusals", "agentToken(slug: \"{slug}/{agent-token}\") { refusals { reason } }"),
    ("AgentToken.explain", "agentToken(slug: \"{slug}/{agent-token}\") { explain { allowed } }"),
    ("Viewer.userTokens", "viewer { userTokens(first: 1) { edges { node { id } } } }"),
];

/// Every field of the query and of the mutation, and the guarded ones below them.
pub fn all() -> Vec<Operation> {
    let sdl = countersign_graphql::sdl();
    let mut found = Vec::new();
    for (root, word) in [("Query", "query"), ("Mutation", "mutation")] {
        for field in fields_of(&sdl, root) {
            let name = format!("{word} {field}");
            let sample = SAMPLES.iter().find(|(of, _)| *of == name);
            let (_, selection) = sample.unwrap_or_else(|| panic!("the field {name} has no sample here"));
            found.push(operation(&name, word, selection));
        }
    }
    assert!(found.len() >= SAMPLES.len(), "the schema has fewer fields than there are samples");
    found.extend(NESTED.iter().map(|(name, selection)| operation(name, "query", selection)));
    found
}

fn operation(name: &str, word: &str, selection: &str) -> Operation {
    let document = serde_json::json!({ "query": format!("{word} {{ {selection} }}") });
    Operation { name: name.to_owned(), method: "POST", path: "/graphql".to_owned(), body: Some(document.to_string()) }
}

/// The names of a type's fields in a schema's text.
pub fn fields_of(sdl: &str, of: &str) -> Vec<String> {
    let Some((_, rest)) = sdl.split_once(&format!("\ntype {of} {{\n")) else { return Vec::new() };
    let (body, _) = rest.split_once("\n}").expect("a type ends");
    let mut in_text = false;
    let mut depth = 0_i32;
    let mut found = Vec::new();
    for line in body.lines() {
        let line = line.trim();
        if line.matches("\"\"\"").count() % 2 == 1 {
            in_text = !in_text;
            continue;
        }
        if in_text || line.starts_with("\"\"\"") || line.is_empty() {
            continue;
        }
        if depth == 0 {
            let name: String = line.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                found.push(name);
            }
        }
        depth += i32::try_from(line.matches('(').count()).expect("few")
            - i32::try_from(line.matches(')').count()).expect("few");
    }
    found
}
