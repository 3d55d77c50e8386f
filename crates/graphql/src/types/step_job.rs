//! Waits, blocks, inputs and triggers, which are shown as jobs.

use async_graphql::{Context, ID, Object, SimpleObject};
use countersign_control::steps::{StepRow, job_state};
use countersign_control::{Error, Result};
use countersign_domain::graph::{Kind, StepState};
use countersign_domain::id::StepId;
use countersign_domain::plan::{self, Question, Work};

use crate::call::Call;
use crate::global_id::{self, Sort};
use crate::nullable::{Nullable, answered, found};

use super::build::{self, Build};
use super::date_time::{DateTime, time};
use super::job::Job;
use super::job_filter::JobStates;
use super::step::{StepInput, StepTrigger, StepWait};
use super::user::{User, person};

/// Something that can be chosen.
#[derive(SimpleObject)]
pub(crate) struct BlockFieldOption {
    /// For people.
    label: String,
    /// What is answered.
    value: String,
}

/// Something that a block or an input asks for.
#[derive(SimpleObject)]
pub(crate) struct BlockField {
    /// The key of the meta-data that keeps the answer.
    key: String,
    /// What it is called, for people.
    label: Option<String>,
    /// An explanation.
    hint: Option<String>,
    /// Whether it must be filled in.
    required: bool,
    /// What is taken when nothing is filled in.
    default: Option<String>,
    /// A regular expression for the whole of a text.
    format: Option<String>,
    /// What can be chosen; empty for a text.
    options: Vec<BlockFieldOption>,
    /// Whether several can be chosen.
    multiple: bool,
}

impl From<plan::Field> for BlockField {
    fn from(it: plan::Field) -> Self {
        let option = |it: plan::Choice| BlockFieldOption { label: it.label, value: it.value };
        Self {
            key: it.key,
            label: it.label,
            hint: it.hint,
            required: it.required,
            default: it.default,
            format: it.format,
            options: it.options.into_iter().map(option).collect(),
            multiple: it.multiple,
        }
    }
}

macro_rules! step_jobs {
    ($($(#[doc = $doc:literal])+ $name:ident of $step:ident { $($own:tt)* })*) => { $(
        pub(crate) struct $name(pub StepRow);

        $(#[doc = $doc])+
        #[Object]
        impl $name {
            /// Its build.
            async fn build(&self, ctx: &Context<'_>) -> Nullable<Build> {
                answered(build::by_id(Call::of(ctx), self.0.build).await)
            }

            /// The global id.
            pub(crate) async fn id(&self) -> ID {
                global_id::encode(Sort::Job, self.0.id)
            }

            /// Its label.
            async fn label(&self) -> Option<&str> {
                self.0.label.as_deref()
            }

            /// Whether it was run again as another job: only commands are.
            async fn retried(&self) -> bool {
                false
            }

            /// Where it stands.
            async fn state(&self) -> JobStates {
                job_state(&self.0).into()
            }

            /// Its step.
            async fn step(&self) -> Option<$step> {
                Some($step::of(self.0.key.clone(), self.0.id))
            }

            /// The uuid.
            async fn uuid(&self) -> String {
                self.0.id.to_string()
            }

            /// Its step's key.
            async fn step_key(&self) -> Option<&str> {
                self.0.key.as_deref()
            }

            /// When it was made.
            async fn created_at(&self) -> DateTime {
                DateTime(self.0.created_at)
            }

            /// When it ended.
            async fn finished_at(&self) -> Option<DateTime> {
                time(self.0.finished_at)
            }

            $($own)*
        }
    )* };
}

step_jobs! {
    /// Waits for what is before it.
    JobTypeWait of StepWait {}

    /// Asks a person, and waits for the answer: a block, or an input, which holds up only what names it.
    JobTypeBlock of StepInput {
        /// Whether it can be answered now.
        async fn is_unblockable(&self) -> Option<bool> {
            Some(self.0.step.state == StepState::Asking)
        }

        /// When somebody answered.
        async fn unblocked_at(&self) -> Option<DateTime> {
            time(self.0.answered_at)
        }

        /// Who answered.
        async fn unblocked_by(&self, ctx: &Context<'_>) -> Nullable<User> {
            person(Call::of(ctx), self.0.answered_by).await
        }

        /// What is to be read before answering.
        async fn prompt(&self, ctx: &Context<'_>) -> Nullable<String> {
            match question(Call::of(ctx), self.0.id).await {
                Ok(it) => it.prompt.map(Ok),
                Err(error) => Some(Err(error.into())),
            }
        }

        /// What is to be filled in.
        async fn fields(&self, ctx: &Context<'_>) -> Nullable<Vec<BlockField>> {
            let asked = question(Call::of(ctx), self.0.id).await;
            answered(asked.map(|it| it.fields.into_iter().map(BlockField::from).collect()))
        }
    }

    /// Makes a build of another pipeline.
    JobTypeTrigger of StepTrigger {
        /// Whether it is done as soon as that build is made.
        #[graphql(name = "async")]
        async fn is_async(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
            let call = Call::of(ctx);
            let text = call.control.step_text(&call.may()?, self.0.id).await?;
            Ok(matches!(text.work, Work::Trigger(work) if work.is_async))
        }

        /// The build that it made.
        async fn triggered(&self, ctx: &Context<'_>) -> Nullable<Build> {
            match self.0.child_build {
                Some(id) => found(build::by_id(Call::of(ctx), id).await.map(Some)),
                None => None,
            }
        }

        /// Why it went as it did, in words.
        async fn note(&self) -> Option<&str> {
            self.0.note.as_deref()
        }
    }
}

async fn question(call: &Call, id: StepId) -> Result<Question> {
    match call.control.step_text(&call.may()?, id).await?.work {
        Work::Block(it) | Work::Input(it) => Ok(*it),
        _ => Ok(Question::default()),
    }
}

/// A step that is shown as a job of its own. Commands and groups are not among them.
pub(crate) fn job_of(row: StepRow) -> Job {
    match row.step.kind {
        Kind::Block | Kind::Input => Job::Block(JobTypeBlock(row)),
        Kind::Trigger => Job::Trigger(JobTypeTrigger(row)),
        Kind::Wait | Kind::Command | Kind::Group => Job::Wait(JobTypeWait(row)),
    }
}

/// One of the organization's steps, as a job.
pub(crate) async fn by_id(call: &Call, id: StepId) -> Result<Job> {
    let row = call.control.step(&call.may()?, id).await?;
    match row.step.kind {
        Kind::Command | Kind::Group => Err(Error::NotFound("job")),
        Kind::Wait | Kind::Block | Kind::Input | Kind::Trigger => Ok(job_of(row)),
    }
}

/// The trigger with this id.
pub(crate) async fn trigger(call: &Call, id: StepId) -> Result<Option<JobTypeTrigger>> {
    Ok(Some(JobTypeTrigger(call.control.step(&call.may()?, id).await?)))
}
