//! Steps: what a pipeline calls its jobs.

use async_graphql::{Interface, SimpleObject};
use countersign_domain::id::StepId;

macro_rules! steps {
    ($($(#[doc = $doc:literal])+ $name:ident)*) => { $(
        $(#[doc = $doc])+
        #[derive(SimpleObject)]
        pub(crate) struct $name {
            /// Names it within its build.
            key: Option<String>,
            /// The uuid.
            uuid: String,
        }

        impl $name {
            pub(crate) fn of(key: Option<String>, id: StepId) -> Self {
                Self { key, uuid: id.to_string() }
            }
        }
    )* };
}

steps! {
    /// A command.
    StepCommand
    /// A block or an input.
    StepInput
    /// A trigger.
    StepTrigger
    /// A wait.
    StepWait
}

/// A step of a build.
#[derive(Interface)]
#[graphql(
    field(name = "key", ty = "&Option<String>", desc = "Names it within its build."),
    field(name = "uuid", ty = "&String", desc = "The uuid.")
)]
pub(crate) enum Step {
    Command(StepCommand),
    Input(StepInput),
    Trigger(StepTrigger),
    Wait(StepWait),
}
