//! Lists of builds, and what they can be narrowed to.

use countersign_control::builds::{Pipeline, Wanted};
use countersign_control::{Result, builds};
use countersign_domain::Id;

use crate::call::Call;

use super::build::{Build, BuildStates};
use super::connection::{Count, connection};
use super::date_time::DateTime;
use super::page_info::Window;

connection! {
    /// Builds, newest first.
    BuildConnection, BuildEdge of Build
}

/// Which builds are wanted. What is `None` lets every build through.
#[derive(Debug, Default)]
pub(crate) struct BuildFilter {
    pub branch: Option<Vec<String>>,
    pub commit: Option<Vec<String>>,
    pub created_at_from: Option<DateTime>,
    pub created_at_to: Option<DateTime>,
    pub state: Option<Vec<BuildStates>>,
    pub pipeline: Option<Id<Pipeline>>,
}

impl BuildFilter {
    /// As rows are looked for; none when no build is ever so.
    fn wanted(self) -> Option<Wanted> {
        let asked = self.state.unwrap_or_default();
        let states: Vec<_> = asked.iter().filter_map(|state| state.of_rows()).collect();
        if states.is_empty() && !asked.is_empty() {
            return None;
        }
        Some(Wanted {
            pipeline: self.pipeline,
            states,
            branches: self.branch.unwrap_or_default(),
            commits: self.commit.unwrap_or_default(),
            creator: None,
            created_from: self.created_at_from.map(|it| it.0),
            created_to: self.created_at_to.map(|it| it.0),
        })
    }
}

/// The organization's builds.
pub(crate) async fn list(call: &Call, filter: BuildFilter, window: Window) -> Result<BuildConnection> {
    let grant = &call.may()?;
    let Some(wanted) = filter.wanted() else {
        return Ok(BuildConnection::new(window.cut(Vec::new(), |it: &builds::Build| it.id)?, Build, Count::Known(0)));
    };
    let slice = window.read(|page| call.control.find_builds(grant, wanted.clone(), page), |it| it.id).await?;
    Ok(BuildConnection::new(slice, Build, Count::Builds(wanted)))
}
