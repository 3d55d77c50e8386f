//! TLS by the server itself: certificate and key from files, taken up anew when they change.
//!
//! A pair that cannot be used changes nothing: the server goes on with the one that it has, and says so in the log.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use clap::Args;
use countersign_domain::{Clock, Timestamp};
use rustls::{
    Error, InconsistentKeys,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{net::TcpStream, signal::unix::SignalKind, sync::watch};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use x509_cert::der::Decode;

use super::signals;
use crate::{
    failure::{Failure, Outcome},
    flags::variables,
    private_file,
};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Largest file of certificates that is read, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;
/// A certificate that ends within this time is worth a word.
const ENDS_SOON: Duration = Duration::from_secs(14 * 86_400);
/// What is offered to clients, the preferred one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The flags that name the files.
#[derive(Debug, Clone, Default, Args)]
pub struct TlsFlags {
    /// The certificate that the server shows, with those between it and the root, as PEM [default: none, plain HTTP]
    #[arg(long, value_name = "FILE", env = variables::TLS_CERTIFICATE)]
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's private key, as PEM; readable by its owner alone
    #[arg(long, value_name = "FILE", env = variables::TLS_KEY)]
    pub tls_key: Option<PathBuf>,
}

/// Where certificate and key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
}

/// What changes when somebody writes the files.
type Stamp = [Option<(i64, i64, u64, u64)>; 2];

/// A certificate with its key.
pub struct Pair {
    key: Arc<CertifiedKey>,
    /// From when to when it holds.
    holds: (Timestamp, Timestamp),
}

impl TlsFiles {
    /// Both files, or none.
    ///
    /// # Errors
    /// One is given without the other.
    pub fn of(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Outcome<Option<Self>> {
        match (certificate, key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
            (Some(_), None) => {
                Err(Failure::bad_input("--tls-certificate needs --tls-key, the file of its private key"))
            }
            (None, Some(_)) => {
                Err(Failure::bad_input("--tls-key needs --tls-certificate, the file of its certificate"))
            }
        }
    }

    /// Reads the pair.
    ///
    /// # Errors
    /// A file cannot be read, holds something else, the key may be read by others, or does not fit the certificate. The key is never quoted.
    pub fn read(&self) -> Outcome<Pair> {
        let chain = self.chain()?;
        let about_key = |why: String| Failure::bad_input(why).about("the TLS key");
        let text = private_file::read(&self.key).map_err(|error| about_key(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
            about_key(format!("{} holds no private key as PEM; an encrypted one is not read", self.key.display()))
        })?;
        let holds = chain.first().and_then(|first| validity(first)).ok_or_else(|| {
            Failure::bad_input(format!("the TLS certificate: {} is no X.509 certificate", self.certificate.display()))
        })?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => about_key(format!(
                "{} is not the key of the first certificate in {}",
                self.key.display(),
                self.certificate.display()
            )),
            other => about_key(format!("{}: {other}", self.key.display())),
        })?;
        Ok(Pair { key: Arc::new(key), holds })
    }

    fn chain(&self) -> Outcome<Vec<CertificateDer<'static>>> {
        let shown = self.certificate.display();
        let wrong = |why: String| Failure::bad_input(format!("the TLS certificate: {shown}: {why}"));
        let size = fs::metadata(&self.certificate).map_err(|error| wrong(error.to_string()))?.len();
        if size > MAX_BYTES {
            return Err(wrong("it is larger than 1 MiB".to_owned()));
        }
        let text = fs::read(&self.certificate).map_err(|error| wrong(error.to_string()))?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let chain = chain.map_err(|_| wrong("it is no PEM".to_owned()))?;
        if chain.is_empty() { Err(wrong("it holds no certificate as PEM".to_owned())) } else { Ok(chain) }
    }

    fn stamp(&self) -> Stamp {
        [&self.certificate, &self.key].map(|path| stamp(path))
    }
}

/// Through links: who renews certificates often moves a link.
fn stamp(path: &Path) -> Option<(i64, i64, u64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.ino(), found.len()))
}

/// From when to when a certificate holds.
fn validity(certificate: &CertificateDer<'_>) -> Option<(Timestamp, Timestamp)> {
    let read = x509_cert::Certificate::from_der(certificate).ok()?;
    let at = |time: x509_cert::time::Time| Timestamp::EPOCH.plus(time.to_unix_duration());
    Some((at(read.tbs_certificate.validity.not_before), at(read.tbs_certificate.validity.not_after)))
}

impl Pair {
    /// What people should know about it now, if there is something: it has ended, ends soon, or does not hold yet.
    #[must_use]
    pub fn trouble(&self, now: Timestamp) -> Option<String> {
        let (from, to) = self.holds;
        if now > to {
            Some(format!("the TLS certificate has expired: it held until {to}"))
        } else if now < from {
            Some(format!("the TLS certificate does not hold before {from}"))
        } else if now.plus(ENDS_SOON) > to {
            Some(format!("the TLS certificate holds until {to} only"))
        } else {
            None
        }
    }

    /// Until when it holds.
    #[must_use]
    pub const fn until(&self) -> Timestamp {
        self.holds.1
    }
}

/// The pair that is shown now.
struct Shown(RwLock<Arc<CertifiedKey>>);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown")
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// What takes TLS connections.
#[derive(Clone)]
pub struct Tls {
    files: TlsFiles,
    read_as: Stamp,
    shown: Arc<Shown>,
    acceptor: TlsAcceptor,
}

impl Tls {
    /// With the pair of these files.
    ///
    /// # Errors
    /// As [`TlsFiles::read`].
    pub fn new(files: TlsFiles, now: Timestamp) -> Outcome<Self> {
        let read_as = files.stamp();
        let pair = files.read()?;
        if let Some(trouble) = pair.trouble(now) {
            tracing::warn!("{trouble}");
        }
        let shown = Arc::new(Shown(RwLock::new(pair.key)));
        let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Failure::internal)?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self { files, read_as, shown, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Shakes hands. To be bounded by the caller.
    ///
    /// # Errors
    /// The other side speaks no TLS, or knows nothing that both can.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }

    /// Takes up a pair that was changed: on SIGHUP, or when a file is another one.
    pub async fn watch(self, clock: Arc<dyn Clock>, mut stopping: watch::Receiver<bool>) {
        let mut hangup = match signals::of(SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(failure) => return tracing::error!(error = %failure, "the TLS certificate is not reloaded"),
        };
        let mut seen = self.read_as;
        loop {
            let asked = tokio::select! {
                () = clock.sleep(LOOK) => false,
                _ = hangup.recv() => true,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            let now = self.files.stamp();
            if asked || now != seen {
                self.reload(clock.now());
                seen = now;
            }
        }
    }

    fn reload(&self, now: Timestamp) {
        match self.files.read() {
            Ok(pair) => {
                let (until, trouble) = (pair.until(), pair.trouble(now));
                *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = pair.key;
                tracing::info!(%until, "the TLS certificate was read again");
                if let Some(trouble) = trouble {
                    tracing::warn!("{trouble}");
                }
            }
            // Of a pair one file is written first: this is told, and the next look finds both.
            Err(failure) => {
                tracing::error!(error = %failure, "the TLS certificate or key has changed and cannot be used; going on with \
                 the pair from before");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn written(folder: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        path
    }

    fn why(certificate: &Path, key: &Path) -> String {
        let files = TlsFiles { certificate: certificate.to_owned(), key: key.to_owned() };
        files.read().map(drop).expect_err("refused").message
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (one, other) = (made(), made());
        let certificate = written(folder.path(), "certificate", &one.cert.pem(), 0o644);
        let key = written(folder.path(), "key", &one.signing_key.serialize_pem(), 0o600);
        TlsFiles { certificate: certificate.clone(), key: key.clone() }.read().expect("a pair");
        let foreign = written(folder.path(), "foreign", &other.signing_key.serialize_pem(), 0o600);
        assert!(why(&certificate, &foreign).contains("is not the key of the first certificate"));
        let open = written(folder.path(), "open", &one.signing_key.serialize_pem(), 0o640);
        assert!(why(&certificate, &open).contains("chmod 600"));
        assert!(why(&certificate, &folder.path().join("none")).contains("does not exist"));
        assert!(why(&folder.path().join("none"), &key).contains("none"));
        assert!(why(&key, &key).contains("no certificate as PEM"));
        let text = written(folder.path(), "text", "hello", 0o600);
        assert!(why(&certificate, &text).contains("no private key as PEM"));
        assert!(why(&text, &key).contains("no certificate as PEM"));
        let garbage = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        assert!(why(&written(folder.path(), "garbage", garbage, 0o644), &key).contains("no X.509 certificate"));
        assert!(TlsFiles::of(Some(certificate), None).is_err() && TlsFiles::of(None, Some(key)).is_err());
        assert_eq!(TlsFiles::of(None, None), Ok(None));
    }

    #[test]
    fn a_certificate_that_does_not_hold_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 3, 1);
        let certificate = params.self_signed(&key).expect("a certificate");
        let files = TlsFiles {
            certificate: written(folder.path(), "certificate", &certificate.pem(), 0o644),
            key: written(folder.path(), "key", &key.serialize_pem(), 0o600),
        };
        let pair = files.read().expect("a pair");
        let trouble = |at: &str| pair.trouble(at.parse().expect("a time")).unwrap_or_default();
        assert!(trouble("2025-12-31T23:59:59Z").contains("does not hold before 2026-01-01T00:00:00Z"));
        assert_eq!(trouble("2026-01-15T00:00:00Z"), "");
        assert!(trouble("2026-02-20T00:00:00Z").contains("until 2026-03-01T00:00:00Z only"));
        assert!(trouble("2026-03-01T00:00:01Z").contains("has expired"));
    }
}
