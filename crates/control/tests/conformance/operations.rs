//! Every operation that changes something: who calls it, and what it writes into the audit log.

mod agents;
mod members;
mod people;

use std::future::Future;

use countersign_control::access::actions::ViewBuilds;
use countersign_control::{Control, Result};
use countersign_domain::id::{BuildId, StepId};
use countersign_store::BoxFuture;
use countersign_testkit::World;

use crate::acting::may;
pub use crate::cast::Cast;

/// What is about to be done: the grant has been made.
pub struct Pending(BoxFuture<'static, Result<()>>);

impl Pending {
    /// Does it.
    pub async fn go(self) -> Result<()> {
        self.0.await
    }
}

/// Whose credential an operation is called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Person,
    Operator,
    AgentToken,
    Session,
    Job,
}

/// An operation that changes something.
pub struct Operation {
    pub name: &'static str,
    pub by: By,
    /// The rows that it writes into the audit log.
    pub writes: &'static [&'static str],
    /// Makes what it needs, and the grant.
    pub prepare: for<'a> fn(&'a World, &'a mut Cast) -> BoxFuture<'a, Pending>,
}

fn pending(doing: impl Future<Output = Result<()>> + Send + 'static) -> Pending {
    Pending(Box::pin(doing))
}

/// The first step of a build.
async fn first_step(control: &Control, cast: &Cast, build: BuildId) -> StepId {
    let steps = control.build_steps(&may::<ViewBuilds>(control, &cast.person), build, None).await;
    steps.expect("its steps")[0].id
}

macro_rules! operations {
    ($($name:literal by $by:ident writes [$($row:literal),*] |$control:ident, $world:ident, $cast:ident| $prepare:block)*) => {
        /// Every one of them.
        pub const ALL: &[Operation] = &[$(Operation {
            name: $name,
            by: By::$by,
            writes: &[$($row),*],
            prepare: |$world, $cast| Box::pin(async move {
                let $control = $world.control.clone();
                $prepare
            }),
        }),*];
    };
}

pub(crate) use operations;

/// Every one of them.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    people::ALL.iter().chain(members::ALL).chain(agents::ALL)
}
