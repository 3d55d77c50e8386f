//! The planted fault: a server that logs one header at `trace`.
//!
//! It is the real server, in a child of this test, behind a front that hands on every byte and logs the `Authorization` lines
//! that pass through the server's own log.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use countersign_testkit::harness::installation::free_address;

/// The flag whose value the front takes for itself.
const LISTEN: &str = "--listen";
/// How long a front waits for the server behind it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the program with these arguments, behind the front.
pub fn serve(mut arguments: Vec<String>) {
    if let Some(at) = arguments.iter().position(|argument| argument == LISTEN) {
        let outside: SocketAddr = arguments[at + 1].parse().expect("an address");
        // First, so that the other is not given this one.
        let listener = TcpListener::bind(outside).expect("the address is free");
        let inside = free_address();
        arguments[at + 1] = inside.to_string();
        thread::spawn(move || accept(&listener, inside));
    }
    let mut ambient = countersign_cli::Ambient::take();
    ambient.arguments = arguments.into_iter().map(Into::into).collect();
    assert_eq!(countersign_cli::run(ambient), ExitCode::SUCCESS);
}

fn accept(listener: &TcpListener, inside: SocketAddr) {
    for client in listener.incoming().flatten() {
        thread::spawn(move || {
            let Ok(server) = TcpStream::connect_timeout(&inside, PATIENCE) else { return };
            let (Ok(back_from), Ok(back_to)) = (server.try_clone(), client.try_clone()) else { return };
            thread::spawn(move || pass(back_from, back_to, false));
            pass(client, server, true);
        });
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, logs: bool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..read];
        if logs {
            let text = String::from_utf8_lossy(bytes);
            for header in text.lines().filter(|line| line.to_ascii_lowercase().starts_with("authorization:")) {
                tracing::trace!(header, "planted");
            }
        }
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
