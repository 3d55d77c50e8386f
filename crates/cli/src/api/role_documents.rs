//! What the commands ask about roles in deployments and about teams.

macro_rules! grant_fields {
    () => {
        "fragment G on DeploymentRoleGrant { allBranchDeployments deployment { uuid name } role managesAgentTokens createdAt \
         member { isServiceUser user { uuid email name } } team { uuid name } }"
    };
}

macro_rules! team_fields {
    () => {
        "fragment T on Team { id uuid name description createdAt }"
    };
}

/// Gives a role.
pub const ROLE_GIVE: &str = concat!(
    "mutation($input: DeploymentRoleGiveInput!) { deploymentRoleGive(input: $input) { deploymentRoleGrant { ...G } } } ",
    grant_fields!()
);

/// Takes one away.
pub const ROLE_TAKE: &str = concat!(
    "mutation($input: DeploymentRoleTakeInput!) { deploymentRoleTake(input: $input) { deploymentRoleGrant { ...G } } } ",
    grant_fields!()
);

/// A page of what a member was given, and their teams.
pub const ROLES_OF_MEMBER: &str = concat!(
    "query($id: ID!, $after: String) { viewer { organizations(first: 1) { edges { node { holder: member(id: $id) { \
     deploymentRoles(first: 500, after: $after) { edges { node { ...G } } pageInfo { hasNextPage endCursor } } \
     teams(first: 100) { edges { node { uuid name } } } } } } } } } ",
    grant_fields!()
);

/// A page of what a team was given.
pub const ROLES_OF_TEAM: &str = concat!(
    "query($id: ID!, $after: String) { viewer { organizations(first: 1) { edges { node { holder: team(id: $id) { \
     deploymentRoles(first: 500, after: $after) { edges { node { ...G } } pageInfo { hasNextPage endCursor } } } } } } } } ",
    grant_fields!()
);

/// What all members have.
pub const MEMBERS_ROLE: &str = "query { viewer { organizations(first: 1) { edges { node { membersRole } } } } }";

/// Another role for that.
pub const MEMBERS_ROLE_UPDATE: &str =
    "mutation($input: MembersRoleUpdateInput!) { membersRoleUpdate(input: $input) { organization { membersRole } } }";

/// The organization's teams.
pub const TEAM_LIST: &str = concat!(
    "query($after: String) { viewer { organizations(first: 1) { edges { node { \
     teams(first: 500, after: $after) { edges { node { ...T } } pageInfo { hasNextPage endCursor } } } } } } } ",
    team_fields!()
);

/// One of them, with its members.
pub const TEAM_SHOW: &str = concat!(
    "query($id: ID!) { viewer { organizations(first: 1) { edges { node { team(id: $id) { ...T \
     organizationMembers(first: 500) { count edges { node { role user { uuid email name } } } } } } } } } } ",
    team_fields!()
);

/// Makes a team.
pub const TEAM_CREATE: &str =
    concat!("mutation($input: TeamCreateInput!) { teamCreate(input: $input) { team { ...T } } } ", team_fields!());

/// Changes one.
pub const TEAM_UPDATE: &str =
    concat!("mutation($input: TeamUpdateInput!) { teamUpdate(input: $input) { team { ...T } } } ", team_fields!());

/// Deletes one.
pub const TEAM_DELETE: &str =
    "mutation($input: TeamDeleteInput!) { teamDelete(input: $input) { name members deploymentRoles } }";

/// Lets somebody in.
pub const TEAM_MEMBER_ADD: &str = "mutation($input: TeamMemberAddInput!) { \
     teamMemberAdd(input: $input) { team { uuid name } organizationMember { user { uuid email name } } } }";

/// Takes somebody out.
pub const TEAM_MEMBER_REMOVE: &str = "mutation($input: TeamMemberRemoveInput!) { \
     teamMemberRemove(input: $input) { team { uuid name } organizationMember { user { uuid email name } } } }";
