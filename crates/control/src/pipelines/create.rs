//! Creating a pipeline.

use countersign_domain::text::Slug;
use countersign_store::Lane;
use countersign_store::builds::Pipeline;
use countersign_store::builds::pipelines::{self, DEFAULT_BRANCH};
use serde_json::json;

use crate::access::actions::CreatePipeline;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result, input};

use super::{branch, check_name, check_steps, repository};

/// A pipeline that is to be made.
#[derive(Debug, Default)]
pub struct NewPipeline {
    /// Its name for people.
    pub name: String,
    /// Its name in addresses; made from the name when none is given.
    pub slug: Option<String>,
    /// Where its source is.
    pub repository: Option<String>,
    /// The branch of builds that name none; `main` when none is given.
    pub default_branch: Option<String>,
    /// The steps of builds that bring none, as YAML or JSON.
    pub steps: Option<String>,
}

impl Control {
    /// Creates a pipeline.
    ///
    /// # Errors
    /// [`Error::Invalid`] at `name`, `slug`, `repository`, `defaultBranch` or `steps`; [`Error::Conflict`] when there is one of that slug.
    pub async fn create_pipeline(&self, grant: &Grant<CreatePipeline>, new: NewPipeline) -> Result<Pipeline> {
        check_name(&new.name)?;
        let slug = new.slug.unwrap_or_else(|| slug_of(&new.name));
        let slug = input::field("slug", Slug::parse(&slug))?;
        let default_branch = new.default_branch.unwrap_or_else(|| DEFAULT_BRANCH.to_owned());
        branch(&default_branch)?;
        check_steps(new.steps.as_deref())?;
        let now = self.now();
        let pipeline = Pipeline {
            id: self.fresh_id(),
            organization: grant.organization(),
            slug: slug.as_str().to_owned(),
            name: new.name,
            repository: repository(new.repository)?,
            default_branch,
            steps: new.steps,
            created_at: now,
            updated_at: now,
        };
        self.write(grant, Lane::Normal, pipeline, |tx, scene| {
            Box::pin(async move {
                let it = &scene.input;
                scene.may_everywhere(tx).await?;
                if !pipelines::insert(tx, it).await? {
                    return Err(Error::Conflict(format!("There is a pipeline {} already.", it.slug)));
                }
                let subject = Subject::new("pipeline", it.id, it.slug.as_str());
                scene.audit(tx, "pipeline.created", subject, json!({ "repository": it.repository })).await?;
                Ok(it.clone())
            })
        })
        .await
    }
}

/// Letters and digits of a name, with `-` for what is between them.
fn slug_of(name: &str) -> String {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}
