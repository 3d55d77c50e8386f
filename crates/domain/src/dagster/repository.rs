//! What stands in the snapshot of a repository, as far as it is looked at: which jobs it has, and what the snapshot of each is called.

use std::fmt;
use std::io::{BufReader, Read};

use flate2::read::ZlibDecoder;
use serde::de::{DeserializeOwned, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The most jobs of one repository, and of one code location together, whose snapshots are asked for; those beyond it are not looked at.
pub const MAX_JOBS: usize = 500;
/// The most bytes of a job's name.
const MAX_NAME: usize = 1_000;

/// A job of a repository, and its snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRef {
    /// Its name.
    pub name: String,
    /// SHA-1 of its snapshot before that is packed, lower-case hexadecimal: the agent's own id of it.
    pub sha1: String,
}

impl JobRef {
    fn is_sound(&self) -> bool {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let named = !self.name.is_empty() && self.name.len() <= MAX_NAME;
        named && self.sha1.len() == 40 && self.sha1.bytes().all(is_digit)
    }
}

/// The jobs that the packed snapshot of a repository names. It is read as it is unpacked, and nothing of it is held but these. One that cannot be
/// read, which newer agents may send, has none that are known.
///
/// At most `most` bytes are unpacked.
#[must_use]
pub fn jobs_of(packed: &[u8], most: usize) -> Vec<JobRef> {
    let read: Option<Repository<Jobs, IgnoredAny>> = read(packed, most);
    read.and_then(|it| it.external_job_refs).map(|it| it.0).unwrap_or_default()
}

/// The names of all of them, also where an older agent tells them. None of a snapshot that does not say, or cannot be read.
///
/// At most `most` bytes are unpacked.
#[must_use]
pub fn names_of_jobs(packed: &[u8], most: usize) -> Option<Vec<String>> {
    let read: Repository<Vec<OnlyName>, Vec<OnlyName>> = read(packed, most)?;
    let jobs = read.external_job_refs.or(read.external_pipeline_datas)?;
    Some(jobs.into_iter().map(|it| it.name).collect())
}

fn read<T: DeserializeOwned>(packed: &[u8], most: usize) -> Option<T> {
    let plain = ZlibDecoder::new(packed).take(u64::try_from(most).unwrap_or(u64::MAX));
    serde_json::from_reader(BufReader::new(plain)).ok()
}

/// The jobs of a repository, as newer and older agents tell them.
#[derive(Deserialize)]
struct Repository<New, Old> {
    external_job_refs: Option<New>,
    external_pipeline_datas: Option<Old>,
}

#[derive(Deserialize)]
struct OnlyName {
    name: String,
}

/// The first [`MAX_JOBS`] of a list.
struct Jobs(Vec<JobRef>);

#[derive(Deserialize)]
struct Named {
    name: String,
    snapshot_id: String,
}

impl<'de> Deserialize<'de> for Jobs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Jobs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of jobs")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Jobs, A::Error> {
                let mut jobs = Vec::new();
                while jobs.len() < MAX_JOBS {
                    let Some(it) = all.next_element::<Named>()? else { return Ok(Jobs(jobs)) };
                    let job = JobRef { name: it.name, sha1: it.snapshot_id };
                    if job.is_sound() {
                        jobs.push(job);
                    }
                }
                while all.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Jobs(jobs))
            }
        }

        deserializer.deserialize_seq(Each)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::ZlibEncoder};

    use super::*;

    const SHA1: &str = "efa24b9a41f34f385cfc7ce18a6e69a7348e245e";

    fn packed(text: &str) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text.as_bytes()).expect("into memory");
        encoder.finish().expect("into memory")
    }

    fn repository(jobs: &str) -> String {
        format!(
            "{{\"__class__\": \"ExternalRepositoryData\", \"external_asset_graph_data\": [{{\"external_job_refs\": [1]}}], \
             \"external_job_refs\": {jobs}, \"name\": \"r\"}}"
        )
    }

    fn job(name: &str, sha1: &str) -> String {
        format!(
            "{{\"__class__\": \"ExternalJobRef\", \"active_presets\": [], \"name\": \"{name}\", \"snapshot_id\": \"{sha1}\"}}"
        )
    }

    #[test]
    fn the_jobs_of_a_repository_are_found() {
        let text = repository(&format!("[{}]", job("sell", SHA1)));
        let wanted = vec![JobRef { name: "sell".to_owned(), sha1: SHA1.to_owned() }];
        assert_eq!(jobs_of(&packed(&text), text.len()), wanted);
        for nothing in ["null", "[]", "{}", "[7]", "[", &format!("[{}]", job("sell", "none"))] {
            let text = repository(nothing);
            assert!(jobs_of(&packed(&text), text.len()).is_empty(), "{nothing}");
        }
        assert!(jobs_of(&packed("{}"), 2).is_empty());
        assert!(jobs_of(b"hello", 99).is_empty(), "no zlib stream");
        assert!(jobs_of(&packed(&text), text.len() - 1).is_empty(), "it is longer than was said");
    }

    #[test]
    fn names_of_jobs_stand_where_agents_tell_them() {
        let names = |text: &str| names_of_jobs(&packed(text), text.len());
        let sell = Some(vec!["sell".to_owned()]);
        assert_eq!(names(&repository(&format!("[{}]", job("sell", "none")))), sell);
        let newer = r#"{"external_job_refs": [{"name": "sell", "is_legacy_pipeline": false}], "external_pipeline_datas": null}"#;
        assert_eq!(names(newer), sell);
        assert_eq!(names(r#"{"external_pipeline_datas": [{"name": "sell"}]}"#), sell);
        assert_eq!(names(r#"{"external_job_refs": []}"#), Some(Vec::new()));
        for silent in ["{}", "7", "no JSON"] {
            assert_eq!(names(silent), None, "{silent}");
        }
        assert_eq!(names_of_jobs(&packed(newer), newer.len() - 1), None, "it is longer than may be");
    }

    #[test]
    fn there_is_an_end_to_how_many_are_looked_at() {
        let all: Vec<String> = (0..=MAX_JOBS).map(|number| job(&format!("j{number}"), SHA1)).collect();
        let text = repository(&format!("[{}]", all.join(",")));
        assert_eq!(jobs_of(&packed(&text), text.len()).len(), MAX_JOBS);
    }

    #[test]
    fn what_is_deep_is_passed_over() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = format!("{{\"metadata\": {deep}, \"external_job_refs\": [{}]}}", job("sell", SHA1));
        assert_eq!(jobs_of(&packed(&text), text.len()).len(), 1);
    }
}
