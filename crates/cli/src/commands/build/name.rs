//! What a build is called on the command line: its uuid, or its pipeline and number.

use std::str::FromStr;

use countersign_domain::{id::BuildId, text::Slug};
use serde_json::{Value, json};

use crate::{
    api::{Api, build_documents as documents, global_id, organization, shapes},
    failure::Outcome,
};

/// A build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BuildName {
    /// By its uuid.
    Id(BuildId),
    /// By its pipeline and its number.
    Number(String, i64),
}

impl FromStr for BuildName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "is neither the uuid of a build nor a pipeline and a number such as web/12".to_owned();
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let (pipeline, number) = text.split_once(['/', '#']).ok_or_else(wrong)?;
        let pipeline = Slug::parse(pipeline).map_err(|_| wrong())?;
        let number = number.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
        Ok(Self::Number(pipeline.as_str().to_owned(), number))
    }
}

impl BuildName {
    /// The build's uuid.
    pub async fn uuid(&self, api: &Api) -> Outcome<BuildId> {
        let (pipeline, number) = match self {
            Self::Id(id) => return Ok(*id),
            Self::Number(pipeline, number) => (pipeline, number),
        };
        let (_, slug) = organization(api).await?;
        let mut found: Value =
            api.call(documents::FIND, json!({ "slug": format!("{slug}/{pipeline}/{number}") })).await?;
        let build = shapes::there(Some(found["build"].take()), "build")?;
        shapes::text(&build, "uuid").parse().map_err(crate::Failure::internal)
    }

    /// The build's id as the API has it.
    pub async fn global(&self, api: &Api) -> Outcome<String> {
        Ok(global_id("Build", self.uuid(api).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_has_a_uuid_or_a_pipeline_and_a_number() {
        let id = "0192f3a1-7c3e-7b21-9f60-3a5c1e0d4b77";
        assert_eq!(id.parse(), Ok(BuildName::Id(id.parse().expect("a uuid"))));
        for text in ["web/12", "web#12"] {
            assert_eq!(text.parse(), Ok(BuildName::Number("web".to_owned(), 12)), "{text}");
        }
        for wrong in ["", "web", "web/", "/12", "web/0", "web/-1", "web/1x", "acme/web/1", "A B/1", "12"] {
            assert!(wrong.parse::<BuildName>().is_err(), "{wrong}");
        }
    }
}
