//! The Job API: what a running job tells its agent, over a socket of its own.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use countersign_wire::SecretText;
use http::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::{net::UnixListener, task::JoinHandle};

use super::{
    server::{Answer, Connections, Request, Service},
    sockets,
};
use crate::{
    Environment,
    ambient::Ambient,
    redaction::{AddedSecrets, secret_values},
};

/// The socket's path, in a job.
pub(crate) const SOCKET_VARIABLE: &str = "BUILDKITE_AGENT_JOB_API_SOCKET";
/// What a job shows there.
pub(crate) const TOKEN_VARIABLE: &str = "BUILDKITE_AGENT_JOB_API_TOKEN";
/// Where the calls are.
pub(crate) const BASE: &str = "/api/current-job/v0";

/// Variables that the agent answers for; a job reads them and does not change them.
const PROTECTED: [&str; 10] = [
    "BUILDKITE_AGENT_ACCESS_TOKEN",
    "BUILDKITE_AGENT_ENDPOINT",
    "BUILDKITE_AGENT_PID",
    "BUILDKITE_BIN_PATH",
    "BUILDKITE_BUILD_PATH",
    "BUILDKITE_SOCKETS_PATH",
    "BUILDKITE_REDACTED_VARS",
    "BUILDKITE_SHELL",
    SOCKET_VARIABLE,
    TOKEN_VARIABLE,
];

/// Most variables, and most bytes of names and values together, that a job can have set.
const MAX_VARIABLES: usize = 10_000;
const MAX_VARIABLE_BYTES: usize = 4 * 1024 * 1024;

/// `PATCH /env`; `null` takes a variable away.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EnvUpdate {
    pub env: BTreeMap<String, Option<String>>,
}
/// Its answer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct EnvUpdated {
    pub added: Vec<String>,
    pub updated: Vec<String>,
}
/// `DELETE /env`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EnvDelete {
    pub keys: Vec<String>,
}
/// Its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EnvDeleted {
    pub deleted: Vec<String>,
}
/// The answer to `GET /env`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Env {
    pub env: BTreeMap<String, String>,
}
/// `PUT /workdir` and its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Workdir {
    pub workdir: String,
}
/// `POST /redactions`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Redact {
    pub redact: SecretText,
}

/// Where the Job API of one job is, decided before the job's environment is made.
pub(crate) struct Place {
    pub socket: PathBuf,
    pub token: SecretText,
    /// Made when the job has run out of time.
    pub timeout_file: PathBuf,
}

impl Place {
    /// A place with a random name, so that no two jobs meet.
    pub fn new(folder: &Path, ambient: &Ambient) -> Self {
        let socket = sockets::of_job(folder, &ambient.entropy.base62(12));
        let timeout_file = socket.with_extension("t");
        Self { socket, token: SecretText::from(ambient.entropy.base62(32)), timeout_file }
    }
}

/// The Job API of a running job. Ends when dropped.
pub(crate) struct JobApi {
    state: Arc<State>,
    files: [PathBuf; 2],
    serving: JoinHandle<()>,
}

impl JobApi {
    /// Opens the socket.
    pub fn open(
        place: &Place,
        environment: &Environment,
        folder: PathBuf,
        redacted_vars: &[String],
        added: Arc<AddedSecrets>,
    ) -> io::Result<Self> {
        let text = |it: &std::ffi::OsStr| it.to_str().map(str::to_owned);
        let state = Arc::new(State {
            token: place.token.clone(),
            patterns: redacted_vars.to_vec(),
            added,
            job: Mutex::new(JobSide {
                env: environment.iter().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect(),
                workdir: folder,
            }),
        });
        let listener = UnixListener::bind(&place.socket)?;
        let mut connections = Connections::new(state.clone());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.take(stream).await;
            }
        });
        Ok(Self { state, files: [place.socket.clone(), place.timeout_file.clone()], serving })
    }

    /// Sets a variable that the job can ask for from now on.
    pub fn set(&self, name: &str, value: &str) {
        self.state.job().env.insert(name.to_owned(), value.to_owned());
    }

    /// Tells the job that its time is over.
    pub fn mark_timed_out(&self) {
        self.set("BUILDKITE_JOB_TIMED_OUT", "true");
        if let Err(error) = fs::write(&self.files[1], "") {
            tracing::warn!(%error, "the file that tells a job that its time is over cannot be made");
        }
    }
}

impl Drop for JobApi {
    fn drop(&mut self) {
        self.serving.abort();
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
    }
}

struct State {
    token: SecretText,
    patterns: Vec<String>,
    added: Arc<AddedSecrets>,
    job: Mutex<JobSide>,
}

struct JobSide {
    env: BTreeMap<String, String>,
    workdir: PathBuf,
}

type Answered = Result<Answer, Answer>;

impl State {
    fn job(&self) -> MutexGuard<'_, JobSide> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_authorized(&self, request: &Request) -> bool {
        let shown = request.bearer.as_deref().unwrap_or_default();
        bool::from(self.token.reveal().as_bytes().ct_eq(shown.as_bytes()))
    }

    fn update(&self, update: EnvUpdate) -> Answered {
        refuse_protected(update.env.keys())?;
        let mut job = self.job();
        let mut env = job.env.clone();
        let mut updated = EnvUpdated::default();
        for (name, value) in update.env {
            if name.is_empty() || name.contains(['=', '\0']) || value.as_ref().is_some_and(|it| it.contains('\0')) {
                return Err(refused("a name is empty or holds an equals sign, or a name or a value holds a NUL"));
            }
            let Some(value) = value else {
                env.remove(&name);
                continue;
            };
            for secret in secret_values([(name.as_str(), value.as_str())].into_iter(), &self.patterns) {
                self.redact(secret)?;
            }
            let list = if env.contains_key(&name) { &mut updated.updated } else { &mut updated.added };
            list.push(name.clone());
            env.insert(name, value);
        }
        let bytes: usize = env.iter().map(|(name, value)| name.len() + value.len()).sum();
        if env.len() > MAX_VARIABLES || bytes > MAX_VARIABLE_BYTES {
            return Err(refused("there are too many variables, or they are too long"));
        }
        job.env = env;
        Ok(Answer::ok(json!(updated)))
    }

    fn delete(&self, delete: EnvDelete) -> Answered {
        refuse_protected(delete.keys.iter())?;
        let mut job = self.job();
        let deleted = delete.keys.into_iter().filter(|name| job.env.remove(name).is_some()).collect();
        Ok(Answer::ok(json!(EnvDeleted { deleted })))
    }

    fn change_folder(&self, to: &Workdir) -> Answered {
        let mut job = self.job();
        let folder = job.workdir.join(&to.workdir);
        let found = fs::canonicalize(&folder).ok().filter(|found| found.is_dir());
        let found = found.ok_or_else(|| refused(&format!("{} is not a folder", folder.display())))?;
        job.workdir.clone_from(&found);
        Ok(Answer::ok(json!(Workdir { workdir: found.display().to_string() })))
    }

    fn redact(&self, secret: SecretText) -> Result<(), Answer> {
        let added = secret.reveal().is_empty() || self.added.add(secret);
        if added { Ok(()) } else { Err(refused("the job has added too many secrets to take out of its log")) }
    }

    fn carry_out(&self, request: &Request) -> Answered {
        if !self.is_authorized(request) {
            return Err(Answer::error(StatusCode::UNAUTHORIZED, "the token of the Job API is missing or wrong"));
        }
        let call = request.path.strip_prefix(BASE).ok_or_else(Answer::not_found)?;
        match (request.method.as_str(), call) {
            ("GET", "/env") => Ok(Answer::ok(json!(Env { env: self.job().env.clone() }))),
            ("PATCH", "/env") => self.update(read(request)?),
            ("DELETE", "/env") => self.delete(read(request)?),
            ("PUT", "/workdir") => self.change_folder(&read(request)?),
            ("POST", "/redactions") => {
                self.redact(read::<Redact>(request)?.redact)?;
                Ok(Answer { status: StatusCode::CREATED, body: json!({ "redacted": "[REDACTED]" }) })
            }
            _ => Err(Answer::not_found()),
        }
    }
}

impl Service for State {
    fn answer(&self, request: &Request) -> Answer {
        self.carry_out(request).unwrap_or_else(|refusal| refusal)
    }
}

fn refused(problem: &str) -> Answer {
    Answer::error(StatusCode::UNPROCESSABLE_ENTITY, problem)
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Answer> {
    // The error could quote a value.
    serde_json::from_slice(&request.body)
        .map_err(|_| Answer::error(StatusCode::BAD_REQUEST, "the body is not what this call takes"))
}

fn refuse_protected<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), Answer> {
    let protected: Vec<&str> = names.map(String::as_str).filter(|name| PROTECTED.contains(name)).collect();
    if protected.is_empty() {
        return Ok(());
    }
    Err(refused(&format!("these variables are the agent's and cannot be changed: {}", protected.join(", "))))
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn state() -> State {
        State {
            token: SecretText::new("right"),
            patterns: vec!["*_TOKEN".to_owned()],
            added: Arc::default(),
            job: Mutex::new(JobSide {
                env: BTreeMap::from([("A".to_owned(), "1".to_owned())]),
                workdir: PathBuf::from("/"),
            }),
        }
    }

    fn call(state: &State, method: Method, path: &str, body: &str) -> (u16, String) {
        with_token(state, Some("right"), method, path, body)
    }

    fn with_token(state: &State, bearer: Option<&str>, method: Method, path: &str, body: &str) -> (u16, String) {
        let (path, body) = (format!("{BASE}{path}"), body.to_owned().into());
        let bearer = bearer.map(str::to_owned);
        let answer = state.answer(&Request { method, path, key: None, bearer, body });
        (answer.status.as_u16(), answer.body.to_string())
    }

    #[test]
    fn without_the_token_nothing_is_told_and_nothing_changes() {
        let state = state();
        for bearer in [None, Some(""), Some("righ"), Some("right1"), Some("wrong")] {
            let (status, body) = with_token(&state, bearer, Method::GET, "/env", "");
            assert_eq!(status, 401, "{bearer:?}");
            assert!(!body.contains("\"A\""), "{body}");
            assert_eq!(with_token(&state, bearer, Method::PATCH, "/env", r#"{"env":{"A":"2"}}"#).0, 401);
        }
        assert_eq!(state.job().env["A"], "1");
    }

    #[test]
    fn variables_are_set_read_and_taken_away() {
        let state = state();
        assert_eq!(
            call(&state, Method::PATCH, "/env", r#"{"env":{"A":"2","B":"x","C":null}}"#),
            (200, r#"{"added":["B"],"updated":["A"]}"#.to_owned())
        );
        assert_eq!(call(&state, Method::GET, "/env", ""), (200, r#"{"env":{"A":"2","B":"x"}}"#.to_owned()));
        assert_eq!(
            call(&state, Method::DELETE, "/env", r#"{"keys":["B","Z"]}"#),
            (200, r#"{"deleted":["B"]}"#.to_owned())
        );
        for body in [
            r#"{"env":{"BUILDKITE_AGENT_ACCESS_TOKEN":"x"}}"#,
            r#"{"env":{"":"x"}}"#,
            r#"{"env":{"A=B":"x"}}"#,
            r#"{"env":{"N":"a\u0000b"}}"#,
        ] {
            assert_eq!(call(&state, Method::PATCH, "/env", body).0, 422, "{body}");
        }
        assert_eq!(call(&state, Method::DELETE, "/env", r#"{"keys":["BUILDKITE_SHELL"]}"#).0, 422);
        assert_eq!(call(&state, Method::PATCH, "/env", "[]").0, 400);
        assert_eq!(call(&state, Method::GET, "/other", "").0, 404);
        assert_eq!(state.job().env.len(), 1);
    }

    #[test]
    fn secrets_are_added_by_call_and_by_name() {
        let state = state();
        assert_eq!(call(&state, Method::POST, "/redactions", r#"{"redact":"hunter2"}"#).0, 201);
        assert_eq!(
            call(&state, Method::PATCH, "/env", r#"{"env":{"MY_TOKEN":"abcdefgh","OTHER":"plain text"}}"#).0,
            200
        );
        let added: Vec<_> = state.added.since(0).iter().map(|secret| secret.reveal().to_owned()).collect();
        assert_eq!(added, ["hunter2", "abcdefgh"]);
    }

    #[test]
    fn the_folder_must_be_there() {
        let state = state();
        assert_eq!(call(&state, Method::PUT, "/workdir", r#"{"workdir":"tmp"}"#).0, 200);
        assert_eq!(call(&state, Method::PUT, "/workdir", r#"{"workdir":"/nowhere"}"#).0, 422);
        assert!(state.job().workdir.ends_with("tmp"));
    }
}
