//! Changing a pipeline.

use countersign_store::Lane;
use countersign_store::builds::{Pipeline, pipelines};
use serde_json::json;

use crate::access::actions::UpdatePipeline;
use crate::scene::Subject;
use crate::{Control, Error, Grant, Result};

use super::{branch, check_name, check_steps, repository};

/// What is to be different about a pipeline. What is `None` stays.
#[derive(Debug, Default)]
pub struct PipelineChange {
    /// Its name in addresses, which stays.
    pub slug: String,
    /// Its name for people.
    pub name: Option<String>,
    /// Where its source is; empty for none.
    pub repository: Option<String>,
    /// The branch of builds that name none.
    pub default_branch: Option<String>,
    /// The steps of builds that bring none; empty for none.
    pub steps: Option<String>,
}

impl Control {
    /// Changes a pipeline. Builds that there are stay as they are.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] at `name`, `repository`, `defaultBranch` or `steps`.
    pub async fn update_pipeline(&self, grant: &Grant<UpdatePipeline>, mut change: PipelineChange) -> Result<Pipeline> {
        if let Some(name) = &change.name {
            check_name(name)?;
        }
        if let Some(text) = &change.default_branch {
            branch(text)?;
        }
        check_steps(change.steps.as_deref().filter(|steps| !steps.is_empty()))?;
        // NUL is in no slug, and no engine takes it as text.
        change.slug = change.slug.replace('\0', "\u{fffd}");
        let address = match change.repository.take() {
            Some(text) => Some(repository(Some(text))?),
            None => None,
        };
        self.write(grant, Lane::Normal, (change, address), |tx, scene| {
            Box::pin(async move {
                let (change, address) = &scene.input;
                let of = scene.organization;
                let mut it = pipelines::by_slug(tx, of, &change.slug).await?.ok_or(Error::NotFound("pipeline"))?;
                scene.may_everywhere(tx).await?;
                let mut changed = Vec::new();
                if let Some(name) = &change.name {
                    it.name.clone_from(name);
                    changed.push("name");
                }
                if let Some(address) = address {
                    it.repository.clone_from(address);
                    changed.push("repository");
                }
                if let Some(branch) = &change.default_branch {
                    it.default_branch.clone_from(branch);
                    changed.push("default_branch");
                }
                if let Some(steps) = &change.steps {
                    it.steps = Some(steps.clone()).filter(|steps| !steps.is_empty());
                    changed.push("steps");
                }
                it.updated_at = tx.now();
                pipelines::update(tx, &it).await?;
                let subject = Subject::new("pipeline", it.id, it.slug.as_str());
                scene.audit(tx, "pipeline.updated", subject, json!({ "changed": changed })).await?;
                Ok(it)
            })
        })
        .await
    }
}
