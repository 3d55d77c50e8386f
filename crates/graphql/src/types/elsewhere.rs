//! Things that Buildkite has and this server has not. Clients that read a thing by its id name all of these in one document, which would be
//! refused as a whole without them; no id leads to one, so the types have no values.

#![expect(
    unreachable_code,
    reason = "the library writes code behind each field, and no field of these is ever reached"
)]

use async_graphql::{Enum, ID, Object, Union};

use super::date_time::DateTime;
use super::organization::Organization;
use super::pipeline::Pipeline;
use super::user::User;
use super::yaml::Yaml;

/// A team. There are none.
pub(crate) enum Team {}

#[Object]
impl Team {
    /// When it was made.
    async fn created_at(&self) -> DateTime {
        match *self {}
    }

    /// What new members are.
    async fn default_member_role(&self) -> TeamMemberRole {
        match *self {}
    }

    /// What it is for.
    async fn description(&self) -> Option<String> {
        match *self {}
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        match *self {}
    }

    /// Whether new members of the organization join it.
    async fn is_default_team(&self) -> bool {
        match *self {}
    }

    /// Whether its members may.
    async fn members_can_create_pipelines(&self) -> bool {
        match *self {}
    }

    /// Whether its members may.
    async fn members_can_create_registries(&self) -> bool {
        match *self {}
    }

    /// Whether its members may.
    async fn members_can_create_suites(&self) -> bool {
        match *self {}
    }

    /// Whether its members may.
    async fn members_can_destroy_packages(&self) -> bool {
        match *self {}
    }

    /// Whether its members may.
    async fn members_can_destroy_registries(&self) -> bool {
        match *self {}
    }

    /// Its name.
    async fn name(&self) -> String {
        match *self {}
    }

    /// Its organization.
    async fn organization(&self) -> Option<Organization> {
        match *self {}
    }

    /// Who sees it.
    async fn privacy(&self) -> TeamPrivacy {
        match *self {}
    }

    /// Its name in addresses.
    async fn slug(&self) -> String {
        match *self {}
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        match *self {}
    }
}

/// What somebody is in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum TeamMemberRole {
    /// May change it.
    Maintainer,
    /// Is in it.
    Member,
}

/// Who sees a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum TeamPrivacy {
    /// Its members.
    Secret,
    /// Everybody in the organization.
    Visible,
}

/// Somebody in a team. There is nobody.
pub(crate) enum TeamMember {}

#[Object]
impl TeamMember {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        match *self {}
    }

    /// What they are there.
    async fn role(&self) -> TeamMemberRole {
        match *self {}
    }

    /// The team.
    async fn team(&self) -> Option<Team> {
        match *self {}
    }

    /// Who it is.
    async fn user(&self) -> Option<User> {
        match *self {}
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        match *self {}
    }
}

/// What a team may do with a pipeline. There are no teams.
pub(crate) enum TeamPipeline {}

#[Object]
impl TeamPipeline {
    /// How much.
    async fn access_level(&self) -> PipelineAccessLevels {
        match *self {}
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        match *self {}
    }

    /// The pipeline.
    async fn pipeline(&self) -> Option<Pipeline> {
        match *self {}
    }

    /// The team.
    async fn team(&self) -> Option<Team> {
        match *self {}
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        match *self {}
    }
}

/// How much a team may do with a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum PipelineAccessLevels {
    /// Builds.
    BuildAndRead,
    /// Changes too.
    ManageBuildAndRead,
    /// Looks.
    ReadOnly,
}

/// What a team may do with a test suite. There are no teams.
pub(crate) enum TeamSuite {}

#[Object]
impl TeamSuite {
    /// How much.
    async fn access_level(&self) -> SuiteAccessLevels {
        match *self {}
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        match *self {}
    }

    /// The suite.
    async fn suite(&self) -> Option<Suite> {
        match *self {}
    }

    /// The team.
    async fn team(&self) -> Option<Team> {
        match *self {}
    }

    /// The uuid, a text as Buildkite has it.
    async fn uuid(&self) -> String {
        match *self {}
    }
}

/// How much a team may do with a test suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum SuiteAccessLevels {
    /// Changes too.
    ManageAndRead,
    /// Looks.
    ReadOnly,
}

/// A test suite. There are none.
pub(crate) enum Suite {}

#[Object]
impl Suite {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        match *self {}
    }
}

/// A template of pipelines. There are none.
pub(crate) enum PipelineTemplate {}

#[Object]
impl PipelineTemplate {
    /// Whether it may be chosen.
    async fn available(&self) -> bool {
        match *self {}
    }

    /// Its steps.
    async fn configuration(&self) -> Yaml {
        match *self {}
    }

    /// What it is for.
    async fn description(&self) -> Option<String> {
        match *self {}
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        match *self {}
    }

    /// Its name.
    async fn name(&self) -> String {
        match *self {}
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        match *self {}
    }
}

/// A rule between things of an organization. There are none.
pub(crate) enum Rule {}

#[Object]
impl Rule {
    /// What it is about.
    async fn action(&self) -> Option<RuleAction> {
        match *self {}
    }

    /// What it is for.
    async fn description(&self) -> Option<String> {
        match *self {}
    }

    /// Its text.
    async fn document(&self) -> Option<String> {
        match *self {}
    }

    /// What it does.
    async fn effect(&self) -> Option<RuleEffect> {
        match *self {}
    }

    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        match *self {}
    }

    /// Who may.
    async fn source(&self) -> Option<RuleSource> {
        match *self {}
    }

    /// What sort that is.
    async fn source_type(&self) -> Option<RuleSourceType> {
        match *self {}
    }

    /// With what.
    async fn target(&self) -> Option<RuleTarget> {
        match *self {}
    }

    /// What sort that is.
    async fn target_type(&self) -> Option<RuleTargetType> {
        match *self {}
    }

    /// Its sort.
    #[graphql(name = "type")]
    async fn sort(&self) -> String {
        match *self {}
    }

    /// The uuid.
    async fn uuid(&self) -> ID {
        match *self {}
    }
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RuleAction {
    /// Reading artifacts.
    ArtifactsRead,
    /// Triggering builds.
    TriggerBuild,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RuleEffect {
    /// It lets through.
    Allow,
}

/// What a rule lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RuleSourceType {
    /// Builds of a pipeline.
    Pipeline,
}

/// What a rule lets through to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RuleTargetType {
    /// A pipeline.
    Pipeline,
}

/// Who a rule lets through.
#[derive(Union)]
pub(crate) enum RuleSource {
    /// Builds of a pipeline.
    Pipeline(Pipeline),
}

/// What a rule lets through to.
#[derive(Union)]
pub(crate) enum RuleTarget {
    /// A pipeline.
    Pipeline(Pipeline),
}
