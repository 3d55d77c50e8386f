//! Requests byte by byte, for those that no client would send.

use std::net::SocketAddr;
use std::time::Duration;

use countersign_testkit::harness::moment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an answer, and then the end of the connection, may be waited for before the test fails.
const PATIENCE: Duration = Duration::from_secs(40);
/// One piece of a body that does not end.
const PIECE: usize = 64 * 1024;

/// What came of a request.
#[derive(Debug)]
pub struct Outcome {
    /// The status, none when the connection was closed without one.
    pub status: Option<u16>,
    /// From the sending of the head to the closing of the connection.
    pub closed_after: Duration,
    /// How many bytes of the body the server took in, or the system for it.
    pub sent: usize,
}

/// Sends a head, and then of `body` as much as is taken, again and again when it is to be endless. Waits for the end.
pub async fn send(server: SocketAddr, head: &str, body: &[u8], endless_up_to: usize) -> Outcome {
    let began = moment::now();
    let mut stream = TcpStream::connect(server).await.expect("the server listens");
    let mut sent = 0;
    let mut answer = Vec::new();
    if stream.write_all(head.as_bytes()).await.is_ok() {
        let (mut from, mut to) = stream.split();
        let feed = async {
            let mut is_first = true;
            while is_first || sent < endless_up_to {
                for piece in body.chunks(PIECE) {
                    if to.write_all(piece).await.is_err() {
                        return;
                    }
                    sent += piece.len();
                }
                is_first = false;
                if body.is_empty() {
                    return;
                }
            }
        };
        let read = async {
            // An error is an end, too: what was sent and not read resets the connection.
            let _ = from.read_to_end(&mut answer).await;
        };
        let both = async { tokio::join!(feed, read) };
        tokio::time::timeout(PATIENCE, both)
            .await
            .unwrap_or_else(|_| panic!("the connection stays open after:\n{head}"));
    }
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|status| status.parse().ok());
    Outcome { status, closed_after: moment::since(began), sent }
}
