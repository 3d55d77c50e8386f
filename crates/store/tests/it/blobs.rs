//! Blobs in a folder and in a real S3-compatible server: whole or not there, checked, and told apart when they cannot be.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use bytes::Bytes;
use countersign_domain::Id;
use countersign_domain::id::{ArtifactId, BuildId, OrganizationId};
use countersign_store::blobs::{Announced, BlobError, BlobName, Blobs, S3, Secret, WRITES_AT_ONCE};

use crate::disk::Disk;
use crate::engines::may_mount;

/// Names the program of an S3-compatible server, `moto_server`; `scripts/s3-server.sh` installs it.
const S3_SERVER: &str = "COUNTERSIGN_TEST_S3_SERVER";
/// More than a part of an S3 upload, and more than two of a folder's.
const LARGE: usize = 11 << 20;

fn name(number: u8) -> BlobName {
    let id = |last: u8| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number, last];
    BlobName::of_artifact(OrganizationId::from_bytes(id(1)), BuildId::from_bytes(id(2)), ArtifactId::from_bytes(id(3)))
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at * 31 % 251).expect("below 256")).collect()
}

fn announced(bytes: &[u8]) -> Announced {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Announced { size: bytes.len() as u64, sha1: None, sha256: Some(hex) }
}

async fn write(blobs: &Blobs, name: BlobName, announced: Announced, bytes: &[u8]) -> Result<(), BlobError> {
    let mut writing = blobs.write(name, announced).await?;
    for piece in bytes.chunks(300_001) {
        if let Err(error) = writing.push(Bytes::copy_from_slice(piece)).await {
            writing.abandon().await;
            return Err(error);
        }
    }
    writing.finish().await
}

async fn whole(blobs: &Blobs, name: &BlobName, size: usize) -> Vec<u8> {
    let mut found = Vec::new();
    while found.len() < size {
        let from = found.len() as u64;
        let part = blobs.read(name, from..(from + (1 << 20)).min(size as u64)).await.expect("a part");
        assert!(!part.is_empty());
        found.extend_from_slice(&part);
    }
    found
}

/// What holds wherever blobs are.
async fn contract(blobs: &Blobs) {
    blobs.check().await.expect("it answers");
    assert_eq!(blobs.size(&name(1)).await, Err(BlobError::Missing));
    assert_eq!(blobs.read(&name(1), 0..1).await, Err(BlobError::Missing));
    blobs.delete(&name(1)).await.expect("what is not there can be taken away");
    for (number, size) in [(1, 0), (2, 5), (3, LARGE)] {
        let content = bytes(size);
        let mut lie = announced(&content);
        lie.sha256 = announced(b"other").sha256;
        assert!(matches!(write(blobs, name(number), lie, &content).await, Err(BlobError::NotAsAnnounced(_))));
        let mut more = announced(&content);
        more.size += 1;
        assert!(matches!(write(blobs, name(number), more, &content).await, Err(BlobError::NotAsAnnounced(_))));
        assert_eq!(blobs.size(&name(number)).await, Err(BlobError::Missing), "nothing appeared");
        write(blobs, name(number), announced(&content), &content).await.expect("written");
        assert_eq!(blobs.size(&name(number)).await, Ok(size as u64));
        assert!(whole(blobs, &name(number), size).await == content, "the same {size} bytes");
        write(blobs, name(number), announced(&content), &content).await.expect("written again");
    }
    let less = Announced { size: 4, ..announced(b"hello") };
    assert!(matches!(write(blobs, name(4), less, b"hello").await, Err(BlobError::NotAsAnnounced(_))));
    // In the middle nothing can be seen, and what is dropped there is gone.
    let content = bytes(LARGE);
    let mut writing = blobs.write(name(5), announced(&content)).await.expect("begun");
    writing.push(Bytes::from(content)).await.expect("taken in");
    assert_eq!(blobs.size(&name(5)).await, Err(BlobError::Missing));
    drop(writing);
    assert_eq!(blobs.size(&name(5)).await, Err(BlobError::Missing));
    let mut names = blobs.names().await.expect("names");
    names.sort_unstable();
    assert_eq!(names.len(), 3, "{names:?}");
    blobs.delete(&name(2)).await.expect("taken away");
    assert_eq!(blobs.size(&name(2)).await, Err(BlobError::Missing));
    // As many as may be are under way, and no more.
    let mut under_way = Vec::new();
    for _ in 0..WRITES_AT_ONCE {
        under_way.push(blobs.write(name(6), announced(b"hello")).await.expect("begun"));
    }
    assert!(matches!(blobs.write(name(6), announced(b"hello")).await, Err(BlobError::Busy)));
    under_way.pop();
    blobs.write(name(6), announced(b"hello")).await.expect("a place is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    contract(&Blobs::folder(&folder.path().join("new/blobs")).expect("a folder of blobs")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_contract() {
    contract(&Blobs::memory()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_left_half_written_is_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = Blobs::folder(folder.path()).expect("a folder of blobs");
    write(&blobs, name(1), announced(b"hello"), b"hello").await.expect("written");
    let content = bytes(LARGE);
    let mut writing = blobs.write(name(2), announced(&content)).await.expect("begun");
    writing.push(Bytes::from(content)).await.expect("taken in");
    assert_eq!(files(folder.path()), 2, "a half-written file is on the disk");
    // As by a kill: nothing is tidied up.
    let _left = std::mem::ManuallyDrop::new(writing);
    let again = Blobs::folder(folder.path()).expect("the next server opens it");
    assert_eq!(files(folder.path()), 1);
    assert!(whole(&again, &name(1), 5).await == b"hello");
}

fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("lists").flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_apart_and_leaves_nothing() {
    if !may_mount() {
        return;
    }
    let disk = Disk::new("8m");
    let blobs = Blobs::folder(&disk.data().join("blobs")).expect("a folder of blobs");
    write(&blobs, name(1), announced(b"hello"), b"hello").await.expect("written");
    let content = bytes(LARGE);
    assert_eq!(write(&blobs, name(2), announced(&content), &content).await, Err(BlobError::StorageFull));
    assert_eq!(blobs.names().await.expect("names").len(), 1);
    let small = bytes(4 << 20);
    write(&blobs, name(3), announced(&small), &small).await.expect("what was given up takes no room");
}

/// An S3-compatible server, ended with the test.
struct Server {
    child: Child,
    endpoint: String,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "the test is told of the server's program by the environment")]
    fn start() -> Self {
        let program = std::env::var(S3_SERVER).unwrap_or_else(|_| {
            panic!("{S3_SERVER} names no S3-compatible server. `make test` sets it; scripts/s3-server.sh installs one and prints it.")
        });
        let mut child = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let line = lines.by_ref().map_while(Result::ok).find(|line| line.contains("Running on http://127.0.0.1:"));
        let line = line.expect("the server says where it listens");
        let endpoint = line.split_once("Running on ").expect("an address").1.trim().to_owned();
        // Nobody may wait for a reader of what it says.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, endpoint }
    }

    /// Asks for a bucket as any client would; the server takes any signature.
    fn make_bucket(&self, bucket: &str) {
        use std::io::{Read, Write};
        let address = self.endpoint.strip_prefix("http://").expect("plain");
        let mut stream = std::net::TcpStream::connect(address).expect("connects");
        let authorization =
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let request = format!(
            "PUT /{bucket} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("asks");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("is answered");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn blobs(&self, prefix: Option<&str>) -> Blobs {
        let place = S3 {
            endpoint: Some(self.endpoint.clone()),
            region: "us-east-1".to_owned(),
            bucket: "artifacts".to_owned(),
            prefix: prefix.map(str::to_owned),
            key: Some(("test".to_owned(), Secret::new("hunter2".to_owned()))),
        };
        assert!(!format!("{place:?}").contains("hunter2"));
        Blobs::s3(&place).expect("an S3 store")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_s3_server_keeps_the_contract() {
    let server = Server::start();
    server.make_bucket("artifacts");
    let blobs = server.blobs(Some("prod/one"));
    contract(&blobs).await;
    // Another prefix is another place.
    assert_eq!(server.blobs(Some("prod/two")).names().await.expect("names"), [""; 0]);
    let all = server.blobs(None).names().await.expect("names");
    assert!(!all.is_empty() && all.iter().all(|name| name.starts_with("prod/one/artifacts/")), "{all:?}");
    drop(server);
    assert!(matches!(blobs.size(&name(1)).await, Err(BlobError::Unavailable { .. })), "an outage is no missing blob");
}

#[test]
fn names_are_made_of_ids() {
    let id = Id::<()>::from_bytes([0xab; 16]);
    let name = format!("{:?}", BlobName::of_artifact(id.cast(), id.cast(), id.cast()));
    let allowed = |c: char| c.is_ascii_hexdigit() || "-/".contains(c);
    let path = name.split("artifacts/").nth(1).expect("below artifacts");
    assert!(path.trim_end_matches(['"', ')', ' ', '}']).chars().all(allowed), "{name}");
}
