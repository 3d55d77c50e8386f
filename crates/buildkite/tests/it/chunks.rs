//! A job's log, piece by piece.

use std::io::Write;

use axum::body::Body;
use countersign_control::access::actions::ViewBuilds;
use countersign_control::jobs::MAX_CHUNK;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use insta::assert_snapshot;

use crate::server::{Answer, Job, Server};

fn packed(content: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(content).expect("packs");
    packer.finish().expect("packs")
}

async fn send(server: &Server, job: &Job, query: &str, body: Vec<u8>) -> Answer {
    let request = Request::post(format!("/v3/jobs/{}/chunks?{query}", job.id))
        .header(AUTHORIZATION, format!("Token {}", job.token))
        .header(CONTENT_TYPE, "text/plain")
        .header(CONTENT_ENCODING, "gzip");
    server.send(request.body(Body::from(body)).expect("a request"), "127.0.0.1").await
}

async fn log(server: &Server, job: &Job) -> String {
    let id = job.id.parse().expect("an id");
    let part = server.world.control.job_log(&server.world.admin::<ViewBuilds>(), id, 0).await.expect("a log");
    String::from_utf8(part.content).expect("a text")
}

#[tokio::test]
async fn pieces_come_in_any_order_and_twice() {
    let server = Server::new().await;
    let job = server.running_job().await;
    assert_snapshot!(send(&server, &job, "sequence=2&offset=4&size=4", packed(b"two ")).await, @"200 {}");
    assert_snapshot!(send(&server, &job, "sequence=3&offset=8&size=5", packed(b"three")).await, @"200 {}");
    assert_eq!(log(&server, &job).await, "");
    assert_snapshot!(send(&server, &job, "sequence=1&offset=0&size=4", packed(b"one ")).await, @"200 {}");
    assert_snapshot!(send(&server, &job, "sequence=2&offset=4&size=4", packed(b"TWO ")).await, @"200 {}");
    assert_eq!(log(&server, &job).await, "one two three");
}

#[tokio::test]
async fn pieces_are_gzip_of_one_or_more_members_or_not_packed() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let members = [packed(b"one "), packed(b"two ")].concat();
    assert_eq!(send(&server, &job, "sequence=0&offset=0&size=8", members).await.status, 200);
    let path = format!("/v3/jobs/{}/chunks?sequence=1&offset=8&size=5", job.id);
    assert_eq!(server.post(&path, &job.token, "three").await.status, 200);
    assert_eq!(log(&server, &job).await, "one two three");
}

#[tokio::test]
async fn a_whole_piece_that_cannot_be_packed_fits() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let mut state = 1_u32;
    let noise: Vec<u8> = (0..MAX_CHUNK)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect();
    let query = format!("sequence=1&offset=0&size={MAX_CHUNK}");
    assert_eq!(send(&server, &job, &query, packed(&noise)).await.status, 200);
}

#[tokio::test]
async fn what_is_not_a_piece_is_refused() {
    let server = Server::new().await;
    let job = server.running_job().await;
    let bomb = packed(&vec![0; 64 * 1024 * 1024]);
    assert!(bomb.len() < MAX_CHUNK, "the bomb is small as it is sent: {}", bomb.len());
    assert_snapshot!(send(&server, &job, "sequence=1&offset=0&size=67108864", bomb).await, @r#"422 {"errors":[{"field":"size","message":"is above 102400 bytes, the most of one chunk"}],"message":"size is above 102400 bytes, the most of one chunk"}"#);
    assert_snapshot!(send(&server, &job, "sequence=1&offset=0&size=3", packed(b"four")).await, @r#"422 {"errors":[{"field":"size","message":"says 3, but the body has 4 bytes"}],"message":"size says 3, but the body has 4 bytes"}"#);
    assert_snapshot!(send(&server, &job, "sequence=1&offset=0&size=4", b"four".to_vec()).await, @r#"422 {"errors":[{"field":"body","message":"is not whole gzip data"}],"message":"body is not whole gzip data"}"#);
    let mut short = packed(b"four");
    short.pop();
    assert_snapshot!(send(&server, &job, "sequence=1&offset=0&size=4", short).await, @r#"422 {"errors":[{"field":"body","message":"is not whole gzip data"}],"message":"body is not whole gzip data"}"#);
    assert_snapshot!(send(&server, &job, "sequence=1&offset=0", packed(b"four")).await, @r#"422 {"errors":[{"field":"query","message":"must have sequence, offset and size, whole numbers from 0 on"}],"message":"query must have sequence, offset and size, whole numbers from 0 on"}"#);
    assert_snapshot!(send(&server, &job, "sequence=-1&offset=0&size=4", packed(b"four")).await, @r#"422 {"errors":[{"field":"query","message":"must have sequence, offset and size, whole numbers from 0 on"}],"message":"query must have sequence, offset and size, whole numbers from 0 on"}"#);
    assert_snapshot!(send(&server, &job, "sequence=9223372036854775808&offset=0&size=4", packed(b"four")).await, @r#"422 {"errors":[{"field":"sequence","message":"is too large"}],"message":"sequence is too large"}"#);
    assert_snapshot!(send(&server, &job, "sequence=1&offset=0&size=1", vec![0; 2 * MAX_CHUNK]).await, @r#"413 {"message":"The body is larger than 118784 bytes, the most that this call takes."}"#);
    assert_eq!(log(&server, &job).await, "", "nothing of it was kept");
}

#[tokio::test]
async fn a_database_that_is_away_loses_no_piece() {
    let server = Server::new().await;
    let job = server.running_job().await;
    server.world.control.store().close().await;
    let answer = send(&server, &job, "sequence=1&offset=0&size=4", packed(b"four")).await;
    assert_snapshot!(answer, @r#"503 {"code":"database","message":"The database is not available now; try again."}"#);
    assert_eq!(answer.headers["retry-after"], "2");
}
