//! Every document that the commands send.

/// What is shown of an agent token.
macro_rules! agent_token_fields {
    () => {
        "fragment T on AgentToken { id uuid publicId description state createdAt createdBy { email } expiresAt \
         revokedAt \
         revokedBy { email } revokedReason revealPolicy revealUntil lastUsedAt lastUsedIp \
         scope { everyDeployment deployments { uuid name } allBranchDeployments anyQueue queues networks } }"
    };
}

/// What is shown of a user token.
macro_rules! user_token_fields {
    () => {
        "fragment U on APIAccessToken { id uuid publicId description state createdAt expiresAt revokedAt revokedReason \
         revealPolicy revealUntil lastUsedAt lastUsedIp }"
    };
}

/// What is shown of a deployment.
macro_rules! deployment_fields {
    () => {
        "fragment D on Deployment { id uuid name description isDefault parent { uuid name } createdAt expiresAt }"
    };
}

/// Whose token this is.
pub const WHOSE: &str = "{ viewer { user { email } organizations(first: 1) { edges { node { id slug } } } } }";

/// The organization's agent tokens.
pub const TOKEN_LIST: &str = concat!(
    "query($revoked: Boolean, $first: Int) { viewer { organizations(first: 1) { edges { node { \
     agentTokens(first: $first, revoked: $revoked) { edges { node { ...T } } pageInfo { hasNextPage } } } } } } } ",
    agent_token_fields!()
);

/// One agent token, with who uses it.
pub const TOKEN_SHOW: &str = concat!(
    "query($id: ID!) { node(id: $id) { ... on AgentToken { ...T \
     secrets { publicId generation createdAt validUntil lastUsedAt lastUsedIp } \
     refusals { reason ip count firstAt lastAt publicId } \
     agents(first: 100) { edges { node { uuid name connectionState connectedAt ipAddress } } } } } } ",
    agent_token_fields!()
);

/// Whether an agent that came with a token would be let in.
pub const TOKEN_EXPLAIN: &str = "query($id: ID!, $deployment: String, $queue: String, $address: String) { node(id: $id) { ... on AgentToken { \
     explain(deployment: $deployment, queue: $queue, address: $address) { allowed deployment decidedBy { ...C } checks { ...C } } } } } \
     fragment C on AgentTokenCheck { part allowed rule words refusal }";

/// The organization's deployments.
pub const DEPLOYMENTS: &str = concat!(
    "query($after: String) { viewer { organizations(first: 1) { edges { node { deployments(first: 500, after: $after) { \
     edges { node { ...D } } pageInfo { hasNextPage endCursor } } } } } } } ",
    deployment_fields!()
);

/// Makes a deployment.
pub const DEPLOYMENT_CREATE: &str = concat!(
    "mutation($input: DeploymentCreateInput!) { deploymentCreate(input: $input) { deployment { ...D } } } ",
    deployment_fields!()
);

/// Gives a deployment another name.
pub const DEPLOYMENT_RENAME: &str = concat!(
    "mutation($input: DeploymentRenameInput!) { deploymentRename(input: $input) { deployment { ...D } } } ",
    deployment_fields!()
);

/// Deletes a deployment.
pub const DEPLOYMENT_DELETE: &str = "mutation($input: DeploymentDeleteInput!) { deploymentDelete(input: $input) { \
     deletedDeploymentId deletedBranchDeployments buildsCanceled agentsTold agentTokensRevoked } }";

/// Makes an agent token.
pub const TOKEN_CREATE: &str = concat!(
    "mutation($input: AgentTokenCreateInput!) { agentTokenCreate(input: $input) { tokenValue agentTokenEdge { node { \
     ...T } } } } ",
    agent_token_fields!()
);

/// Changes an agent token.
pub const TOKEN_UPDATE: &str = concat!(
    "mutation($input: AgentTokenUpdateInput!) { agentTokenUpdate(input: $input) { agentToken { ...T } touchedAgents \
     { uuid name } } } ",
    agent_token_fields!()
);

/// Shows an agent token's value.
pub const TOKEN_REVEAL: &str =
    "mutation($input: AgentTokenRevealInput!) { agentTokenReveal(input: $input) { publicId tokenValue } }";

/// Gives an agent token a new secret.
pub const TOKEN_ROTATE: &str = concat!(
    "mutation($input: AgentTokenRotateInput!) { agentTokenRotate(input: $input) { tokenValue oldValidUntil \
     agentToken { ...T } } } ",
    agent_token_fields!()
);

/// Takes an agent token back.
pub const TOKEN_REVOKE: &str = concat!(
    "mutation($input: AgentTokenRevokeInput!) { agentTokenRevoke(input: $input) { agentToken { ...T } touchedAgents \
     { uuid name } dagsterAgents { uuid process label } } } ",
    agent_token_fields!()
);

/// One's own user tokens.
pub const USER_TOKEN_LIST: &str = concat!(
    "query($first: Int) { viewer { userTokens(first: $first) { edges { node { ...U } } pageInfo { hasNextPage } } } } ",
    user_token_fields!()
);

/// Makes a user token.
pub const USER_TOKEN_CREATE: &str = concat!(
    "mutation($input: UserTokenCreateInput!) { userTokenCreate(input: $input) { tokenValue userToken { ...U } } } ",
    user_token_fields!()
);

/// Shows a user token's value.
pub const USER_TOKEN_REVEAL: &str =
    "mutation($input: UserTokenRevealInput!) { userTokenReveal(input: $input) { publicId tokenValue } }";

/// Changes a user token.
pub const USER_TOKEN_UPDATE: &str = concat!(
    "mutation($input: UserTokenUpdateInput!) { userTokenUpdate(input: $input) { userToken { ...U } } } ",
    user_token_fields!()
);

/// Takes a user token back.
pub const USER_TOKEN_REVOKE: &str = concat!(
    "mutation($input: UserTokenRevokeInput!) { userTokenRevoke(input: $input) { userToken { ...U } } } ",
    user_token_fields!()
);

/// Makes an organization.
pub const ORGANIZATION_CREATE: &str = "mutation($input: OrganizationCreateInput!) { \
     organizationCreate(input: $input) { organization { id uuid slug } admin { email uuid } userTokenValue \
     agentToken { id uuid } agentTokenValue } }";

/// Changes the organization.
pub const ORGANIZATION_UPDATE: &str = "mutation($input: OrganizationUpdateInput!) { \
     organizationUpdate(input: $input) { organization { id uuid slug name defaultRevealPolicy } } }";

/// What is shown of a Dagster+ agent in a list.
macro_rules! dagster_agent_fields {
    () => {
        "uuid process label status version lastHeartbeatAt agentTokenPublicId agentTokenRevokedAt "
    };
}

/// The organization's Dagster+ agents.
pub const DAGSTER_AGENT_LIST: &str = concat!(
    "query($running: Boolean, $first: Int, $after: String) { viewer { organizations(first: 1) { edges { node { \
     dagsterAgents(running: $running, first: $first, after: $after) { edges { node { ",
    dagster_agent_fields!(),
    "deployments { deployment { name } } errorCount } } pageInfo { hasNextPage endCursor } } } } } } }"
);

/// The same with all that is known of each.
pub const DAGSTER_AGENT_SHOW: &str = concat!(
    "query($running: Boolean, $first: Int, $after: String) { viewer { organizations(first: 1) { edges { node { \
     dagsterAgents(running: $running, first: $first, after: $after) { edges { node { ",
    dagster_agent_fields!(),
    "launcher imageTag ipAddress createdAt errors { at class message trace } \
     deployments { deployment { name } servesDefaultQueue queues codeServers { locationName status error { class message trace } } \
     runWorkers { runId status message } } } } pageInfo { hasNextPage endCursor } } } } } } }"
);

/// What is shown of a code location.
macro_rules! code_location_fields {
    () => {
        "fragment L on CodeLocation { uuid name deployment { name } state error loadedAt waitingSince toldAt toldByAgentTokenPublicId \
         changedAt createdAt createdBy { email } definition { moduleName pythonFile packageName autoloadDefsModuleName image \
         workingDirectory executablePath attribute commitHash url queue containerContext } }"
    };
}

/// A deployment's code locations.
pub const CODE_LOCATIONS: &str = concat!(
    "query($id: ID!, $after: String) { node(id: $id) { ... on Deployment { codeLocations(first: 100, after: $after) { \
     edges { node { ...L } } pageInfo { hasNextPage endCursor } } } } } ",
    code_location_fields!()
);

/// One of them, and what agents were asked to do.
pub const CODE_LOCATION: &str = concat!(
    "query($id: ID!, $name: String!) { node(id: $id) { ... on Deployment { codeLocation(name: $name) { ...L } \
     dagsterRequests(first: 20) { uuid kind locationName queue state stateReason error createdAt expiresAt endedAt } } } } ",
    code_location_fields!()
);

/// Adds a code location, or changes it.
pub const CODE_LOCATION_SET: &str = concat!(
    "mutation($input: CodeLocationSetInput!) { codeLocationSet(input: $input) { isNew codeLocation { ...L } } } ",
    code_location_fields!()
);

/// Has a code location loaded again.
pub const CODE_LOCATION_RELOAD: &str = concat!(
    "mutation($input: CodeLocationReloadInput!) { codeLocationReload(input: $input) { codeLocation { ...L } } } ",
    code_location_fields!()
);

/// Removes a code location.
pub const CODE_LOCATION_REMOVE: &str = concat!(
    "mutation($input: CodeLocationRemoveInput!) { codeLocationRemove(input: $input) { codeLocation { ...L } } } ",
    code_location_fields!()
);

/// What is shown of a member.
macro_rules! member_fields {
    () => {
        "fragment M on OrganizationMember { id uuid role createdAt isServiceUser description user { uuid email name } }"
    };
}

/// The organization's members.
pub const MEMBER_LIST: &str = concat!(
    "query($first: Int, $serviceUsers: Boolean, $search: String) { viewer { organizations(first: 1) { edges { node { \
     members(first: $first, serviceUsers: $serviceUsers, search: $search) { edges { node { ...M } } pageInfo { hasNextPage } } } } } } } ",
    member_fields!()
);

/// One of them.
pub const MEMBER_SHOW: &str = concat!(
    "query($id: ID!) { viewer { organizations(first: 1) { edges { node { member(id: $id) { ...M } } } } } } ",
    member_fields!()
);

/// Gives a member another role.
pub const MEMBER_UPDATE: &str = concat!(
    "mutation($input: OrganizationMemberUpdateInput!) { organizationMemberUpdate(input: $input) { \
     organizationMember { ...M } userTokensRevoked invitationsWithdrawn } } ",
    member_fields!()
);

/// Takes a member out of the organization.
pub const MEMBER_DELETE: &str = "mutation($input: OrganizationMemberDeleteInput!) { \
     organizationMemberDelete(input: $input) { user { uuid email name bot } userTokensRevoked invitationsWithdrawn } }";

/// A member's user tokens.
pub const MEMBER_TOKEN_LIST: &str = concat!(
    "query($id: ID!, $first: Int) { viewer { organizations(first: 1) { edges { node { member(id: $id) { \
     userTokens(first: $first) { edges { node { ...U } } pageInfo { hasNextPage } } } } } } } } ",
    user_token_fields!()
);

/// Takes a member's user token back.
pub const MEMBER_TOKEN_REVOKE: &str = concat!(
    "mutation($input: OrganizationMemberTokenRevokeInput!) { organizationMemberTokenRevoke(input: $input) { \
     userToken { ...U } } } ",
    user_token_fields!()
);

/// Makes a service user.
pub const SERVICE_USER_CREATE: &str = concat!(
    "mutation($input: ServiceUserCreateInput!) { serviceUserCreate(input: $input) { serviceUser { ...M } } } ",
    member_fields!()
);

/// Changes a service user.
pub const SERVICE_USER_UPDATE: &str = concat!(
    "mutation($input: ServiceUserUpdateInput!) { serviceUserUpdate(input: $input) { serviceUser { ...M } } } ",
    member_fields!()
);

/// Makes a user token for a service user.
pub const SERVICE_USER_TOKEN_CREATE: &str = concat!(
    "mutation($input: ServiceUserTokenCreateInput!) { serviceUserTokenCreate(input: $input) { tokenValue \
     userToken { ...U } } } ",
    user_token_fields!()
);

/// Shows the value of a service user's token.
pub const SERVICE_USER_TOKEN_REVEAL: &str = "mutation($input: ServiceUserTokenRevealInput!) { \
     serviceUserTokenReveal(input: $input) { publicId tokenValue } }";

/// What is shown of an invitation.
macro_rules! invitation_fields {
    () => {
        "fragment I on OrganizationInvitation { id uuid publicId email role state createdAt createdBy { email } expiresAt \
         acceptedAt withdrawnAt }"
    };
}

/// The organization's invitations.
pub const INVITATION_LIST: &str = concat!(
    "query($first: Int, $pending: Boolean) { viewer { organizations(first: 1) { edges { node { \
     invitations(first: $first, pending: $pending) { edges { node { ...I } } pageInfo { hasNextPage } } } } } } } ",
    invitation_fields!()
);

/// Invites somebody.
pub const INVITATION_CREATE: &str = concat!(
    "mutation($input: OrganizationInvitationCreateInput!) { organizationInvitationCreate(input: $input) { \
     invitationValue invitation { ...I } } } ",
    invitation_fields!()
);

/// Takes an invitation back.
pub const INVITATION_WITHDRAW: &str = concat!(
    "mutation($input: OrganizationInvitationWithdrawInput!) { organizationInvitationWithdraw(input: $input) { \
     invitation { ...I } } } ",
    invitation_fields!()
);

/// Makes whoever holds an invitation a member.
pub const INVITATION_ACCEPT: &str = "mutation($input: OrganizationInvitationAcceptInput!) { \
     organizationInvitationAccept(input: $input) { organizationSlug role user { email name } userToken { publicId } \
     userTokenValue } }";
