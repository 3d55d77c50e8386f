//! TLS by the server itself: both versions of HTTP, a new certificate without a restart, and what cannot be used.

use std::{fs, io::Read, net::TcpStream, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use countersign_testkit::Engine;

use crate::stand::{Stand, block_on, command, run, wait_until};

/// A certificate for `localhost` and its key, in their files.
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
}

impl Pair {
    fn at(stand: &Stand) -> Self {
        let pair = Self { certificate: stand.path("tls.crt"), key: stand.path("tls.key") };
        fs::write(&pair.key, "").expect("written");
        fs::set_permissions(&pair.key, fs::Permissions::from_mode(0o600)).expect("set");
        pair.renew();
        pair
    }

    /// Puts another one into the files, and answers the certificate.
    fn renew(&self) -> String {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        fs::write(&self.certificate, made.cert.pem()).expect("written");
        fs::write(&self.key, made.signing_key.serialize_pem()).expect("written");
        made.cert.pem()
    }

    fn flags(&self) -> [&str; 4] {
        let [certificate, key] = [&self.certificate, &self.key].map(|path| path.to_str().expect("UTF-8"));
        ["--tls-certificate", certificate, "--tls-key", key]
    }
}

/// Asks for `/healthz` and trusts one certificate alone: the version of HTTP that was spoken.
fn version(stand: &Stand, certificate: &str, only_old: bool) -> Option<reqwest::Version> {
    let trusted = reqwest::Certificate::from_pem(certificate.as_bytes()).expect("a certificate");
    let mut client = reqwest::Client::builder().timeout(Duration::from_secs(20)).no_proxy().tls_certs_only([trusted]);
    if only_old {
        client = client.http1_only();
    }
    let client = client.build().expect("a client");
    let address = format!("https://localhost:{}/healthz", stand.port);
    let answer = block_on(async { client.get(address).send().await }).ok()?;
    assert_eq!(answer.status(), 200);
    Some(answer.version())
}

#[test]
fn both_versions_are_spoken_and_a_new_certificate_is_taken_up() {
    let stand = Stand::new(Engine::Sqlite);
    let pair = Pair::at(&stand);
    let first = fs::read_to_string(&pair.certificate).expect("there");
    let server = stand.server(&pair.flags());
    assert!(server.log().contains("https://localhost"), "{}", server.log());
    assert_eq!(version(&stand, &first, false), Some(reqwest::Version::HTTP_2));
    assert_eq!(version(&stand, &first, true), Some(reqwest::Version::HTTP_11));

    // The command line trusts it as any program on this machine would be told to.
    let mut listing = command(&["token", "list"]);
    listing.env("COUNTERSIGN_SERVER", format!("https://localhost:{}", stand.port));
    listing.env("COUNTERSIGN_USER_TOKEN", stand.user_token()).env("SSL_CERT_FILE", &pair.certificate);
    run(listing).must(0, &[]);

    let second = pair.renew();
    wait_until("the new certificate", || version(&stand, &second, false).is_some());
    assert_eq!(version(&stand, &first, false), None);
    fs::write(&pair.key, "no key").expect("written");
    server.says("going on with the pair from before");
    assert_eq!(version(&stand, &second, true), Some(reqwest::Version::HTTP_11));
    assert_eq!(server.stop(), 0);
}

#[test]
fn what_cannot_be_used_ends_the_start_and_is_seen_by_the_doctor() {
    let stand = Stand::new(Engine::Sqlite);
    let pair = Pair::at(&stand);
    let flags = pair.flags();
    let with = |command: &str, flags: &[&str]| stand.run(&[&[command], flags].concat());
    with("doctor", &flags).must(0, &["TLS", "certificate and key fit"]);
    with("server", &flags[..2]).must(2, &["--tls-key"]);
    with("server", &flags[2..]).must(2, &["--tls-certificate"]);
    fs::set_permissions(&pair.key, fs::Permissions::from_mode(0o644)).expect("set");
    with("server", &flags).must(2, &["chmod 600"]);
    with("doctor", &flags).must(8, &["FAIL", "chmod 600"]);
    fs::set_permissions(&pair.key, fs::Permissions::from_mode(0o600)).expect("set");
    let certificate = fs::read(&pair.certificate).expect("there");
    pair.renew();
    fs::write(&pair.certificate, certificate).expect("written");
    with("server", &flags).must(2, &["is not the key of the first certificate"]);
}

#[test]
fn a_handshake_that_does_not_come_is_given_up() {
    let stand = Stand::new(Engine::Sqlite);
    let pair = Pair::at(&stand);
    let server = stand.server(&pair.flags());
    let mut stream = TcpStream::connect(("127.0.0.1", stand.port)).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    let closed = stream.read_to_end(&mut Vec::new());
    let is_reset = closed.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
    assert!(closed.is_ok() || is_reset, "{closed:?}");
    // One that has just begun does not hold up the end.
    let _silent = TcpStream::connect(("127.0.0.1", stand.port)).expect("connects");
    assert_eq!(server.stop(), 0);
}
