//! Locks that the jobs of one machine and build path take from each other.
//!
//! One agent, the leader, keeps them in memory and serves them on a socket; when it ends, another one takes over, with no lock taken.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{Method, StatusCode};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::UnixListener;

use super::{
    server::{Answer, Connections, Request, Service},
    sockets,
};
use crate::ambient::Ambient;

/// The socket's name; that of Buildkite's agent.
pub(crate) const SOCKET: &str = "agent-leader";

/// Where the calls are.
pub(crate) const BASE: &str = "/api/leader/v0";

/// Whoever holds this file's lock is the leader. The system lets go of it when the leader ends.
const LOCK_FILE: &str = "agent-leader.lock";

/// How often an agent that is not the leader tries to become it.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// Most locks at one time.
const MAX_LOCKS: usize = 1000;

/// Longest key and longest value, in bytes.
const MAX_TEXT: usize = 1024;

/// `PATCH /lock?key=K`: the value becomes `new` when it is `old`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Swap {
    pub old: String,
    pub new: String,
}

/// Its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Swapped {
    pub value: String,
    #[serde(default)]
    pub swapped: bool,
}

/// Leads as soon as nobody else does, until it is dropped.
pub(crate) async fn lead(folder: PathBuf, ambient: Ambient) {
    loop {
        match become_leader(&folder) {
            Ok(Some((held, listener))) => {
                tracing::debug!(folder = %folder.display(), "this agent keeps the locks");
                sockets::sweep(&folder);
                let mut connections = Connections::new(Arc::new(Locks::default()));
                loop {
                    match listener.accept().await {
                        Ok((stream, _)) => connections.take(stream).await,
                        Err(error) => {
                            tracing::warn!(%error, "the locks cannot be served");
                            break;
                        }
                    }
                }
                drop(held);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, folder = %folder.display(), "the locks cannot be served"),
        }
        ambient.clock.sleep(TRY_AGAIN + ambient.jitter(TRY_AGAIN)).await;
    }
}

fn become_leader(folder: &Path) -> io::Result<Option<(File, UnixListener)>> {
    let file = File::options().create(true).append(true).open(folder.join(LOCK_FILE))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(error) if error == rustix::io::Errno::WOULDBLOCK => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let socket = folder.join(SOCKET);
    let _ = fs::remove_file(&socket);
    Ok(Some((file, UnixListener::bind(socket)?)))
}

/// Key to value. A key without a value has the value "".
#[derive(Default)]
struct Locks(Mutex<BTreeMap<String, String>>);

impl Service for Locks {
    fn answer(&self, request: &Request) -> Answer {
        let Some(call) = request.path.strip_prefix(BASE) else { return Answer::not_found() };
        if (&request.method, call) == (&Method::GET, "/ping") {
            return Answer::ok(json!({}));
        }
        if call != "/lock" {
            return Answer::not_found();
        }
        let unusable = |problem| Answer::error(StatusCode::BAD_REQUEST, problem);
        let Some(key) = request.key.as_deref().filter(|key| !key.is_empty() && key.len() <= MAX_TEXT) else {
            return unusable("the query needs a key of 1 to 1024 bytes");
        };
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = locks.get(key).cloned().unwrap_or_default();
        match request.method {
            Method::GET => Answer::ok(json!({ "value": value })),
            Method::PATCH => {
                let Ok(swap) = serde_json::from_slice::<Swap>(&request.body) else {
                    return unusable("the body must hold old and new");
                };
                if swap.new.len() > MAX_TEXT {
                    return unusable("the new value is longer than 1024 bytes");
                }
                if swap.old != value {
                    return Answer::ok(json!(Swapped { value, swapped: false }));
                }
                if swap.new.is_empty() {
                    locks.remove(key);
                } else if locks.len() >= MAX_LOCKS && !locks.contains_key(key) {
                    return Answer::error(StatusCode::INSUFFICIENT_STORAGE, "there are too many locks");
                } else {
                    locks.insert(key.to_owned(), swap.new.clone());
                }
                Answer::ok(json!(Swapped { value: swap.new, swapped: true }))
            }
            _ => Answer::error(StatusCode::METHOD_NOT_ALLOWED, "use GET or PATCH"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(locks: &Locks, method: Method, key: &str, body: &str) -> (u16, String) {
        let request = Request {
            method,
            path: format!("{BASE}/lock"),
            key: Some(key.to_owned()),
            bearer: None,
            body: body.to_owned().into(),
        };
        let answer = locks.answer(&request);
        (answer.status.as_u16(), answer.body.to_string())
    }

    #[test]
    fn a_value_changes_only_from_what_it_is() {
        let locks = Locks::default();
        let swap = |old: &str, new: &str| json!({ "old": old, "new": new }).to_string();
        assert_eq!(call(&locks, Method::GET, "k", ""), (200, r#"{"value":""}"#.to_owned()));
        assert_eq!(
            call(&locks, Method::PATCH, "k", &swap("", "a")),
            (200, r#"{"swapped":true,"value":"a"}"#.to_owned())
        );
        assert_eq!(
            call(&locks, Method::PATCH, "k", &swap("", "b")),
            (200, r#"{"swapped":false,"value":"a"}"#.to_owned())
        );
        assert_eq!(call(&locks, Method::PATCH, "k", &swap("a", "")).0, 200);
        assert!(locks.0.lock().expect("whole").is_empty());
        assert_eq!(call(&locks, Method::PATCH, "k", "{}").0, 400);
        assert_eq!(call(&locks, Method::PATCH, "k", &swap("", &"x".repeat(MAX_TEXT + 1))).0, 400);
        assert_eq!(call(&locks, Method::GET, "", "").0, 400);
        assert_eq!(call(&locks, Method::POST, "k", "").0, 405);
        for number in 0..MAX_LOCKS {
            assert_eq!(call(&locks, Method::PATCH, &number.to_string(), &swap("", "x")).0, 200);
        }
        assert_eq!(call(&locks, Method::PATCH, "one more", &swap("", "x")).0, 507);
    }

    #[tokio::test]
    async fn there_is_one_leader_and_another_takes_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = become_leader(folder.path()).expect("works").expect("nobody leads");
        assert!(become_leader(folder.path()).expect("works").is_none());
        drop(first);
        assert!(become_leader(folder.path()).expect("works").is_some());
    }
}
