//! `countersign doctor`: looks at an instance and says how to mend what it finds. Changes nothing.

use std::{net::SocketAddr, os::unix::fs::PermissionsExt, path::Path};

use clap::Args;
use countersign_control::Settings;
use countersign_http::limits::MAX_CLOCK_SKEW;
use countersign_store::{Database, Store, StoreError, engine::LOCK_FILE};
use serde::Serialize;

use crate::{
    Ambient,
    failure::{Exit, Outcome},
    flags::{InstanceArgs, variables},
    instance::{Place, over},
    output::{Printer, Table, counted},
    private_file::{self, PrivateFileError},
    server::{
        config::DEFAULT_LISTEN,
        tls::{TlsFiles, TlsFlags},
    },
};

/// A disk with less than this left is in danger.
const LITTLE_SPACE: u64 = 256 * 1024 * 1024;
/// So is one with less than this part left.
const LITTLE_PART: u64 = 10;

/// Look at data folder, key ring, database, clock, port and TLS certificate, and say how to mend what is wrong
///
/// It changes nothing, works beside a running server, and exits 8 when something is wrong.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign doctor --data-dir /var/lib/countersign")]
pub struct Doctor {
    #[command(flatten)]
    instance: InstanceArgs,
    /// The address and port that the server is to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = DEFAULT_LISTEN, env = variables::LISTEN)]
    listen: SocketAddr,
    #[command(flatten)]
    tls: TlsFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warn,
    Fail,
}

/// What was found about one thing.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    status: Status,
    found: String,
    mend: Option<String>,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, check: &'static str, found: impl Into<String>) {
        self.0.push(Finding { check, status: Status::Ok, found: found.into(), mend: None });
    }

    fn wrong(&mut self, check: &'static str, status: Status, found: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding { check, status, found: found.into(), mend: Some(mend.into()) });
    }
}

impl Doctor {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let place = Place::find(&self.instance, &ambient.environment)?;
        let mut findings = Findings::default();
        if let Database::Sqlite { folder } = &place.database {
            look_at_folder(&mut findings, folder);
            look_at_space(&mut findings, folder);
        }
        let runs = look_at_database(&mut findings, &place, ambient).await;
        look_at_port(&mut findings, self.listen, runs);
        if let Some(files) = TlsFiles::of(self.tls.tls_certificate, self.tls.tls_key)? {
            look_at_tls(&mut findings, &files, ambient);
        }
        let findings = findings.0;
        printer.result(&findings, || {
            let mut table = Table::new(&["", "check", "found"]);
            for finding in &findings {
                let status = match finding.status {
                    Status::Ok => "ok",
                    Status::Warn => "warn",
                    Status::Fail => "FAIL",
                };
                let mend = finding.mend.as_ref().map(|mend| format!(" -> {mend}")).unwrap_or_default();
                table.row([status.to_owned(), finding.check.to_owned(), format!("{}{mend}", finding.found)]);
            }
            table.render()
        })?;
        let fails = findings.iter().any(|finding| finding.status == Status::Fail);
        Ok(if fails { Exit::Unavailable } else { Exit::Done })
    }
}

fn look_at_folder(findings: &mut Findings, folder: &Path) {
    const CHECK: &str = "data folder";
    let shown = folder.display();
    let found = match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => found,
        Ok(_) => {
            return findings.wrong(
                CHECK,
                Status::Fail,
                format!("{shown} is not a folder"),
                "name the right one with --data-dir",
            );
        }
        Err(error) => {
            return findings.wrong(
                CHECK,
                Status::Fail,
                format!("{shown}: {error}"),
                "run `countersign init`, or name the right one with --data-dir",
            );
        }
    };
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let found = format!("{shown} may be entered by others (mode {mode:04o})");
        return findings.wrong(CHECK, Status::Fail, found, format!("chmod 700 {shown}"));
    }
    if rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_err() {
        let found = format!("{shown} cannot be written to by this user");
        return findings.wrong(
            CHECK,
            Status::Fail,
            found,
            "run as the folder's owner, and look whether the disk is mounted read-only",
        );
    }
    findings.ok(CHECK, format!("{shown}, for its owner alone"));
}

fn look_at_space(findings: &mut Findings, folder: &Path) {
    const CHECK: &str = "disk";
    let Ok(disk) = rustix::fs::statvfs(folder) else { return };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let whole = disk.f_blocks.saturating_mul(disk.f_frsize).max(1);
    let found = format!("{} MiB free of {} MiB", free / 1_048_576, whole / 1_048_576);
    if free < LITTLE_SPACE || free < whole / LITTLE_PART {
        findings.wrong(
            CHECK,
            Status::Warn,
            found,
            "make room; when the disk is full only reading and revoking still work",
        );
    } else {
        findings.ok(CHECK, found);
    }
}

/// Answers whether a server seems to work on this database.
async fn look_at_database(findings: &mut Findings, place: &Place, ambient: &Ambient) -> bool {
    const RING: &str = "key ring";
    let ring = place.key_ring.read();
    let store = look_at_store(findings, place, ambient).await;
    let ring = match ring {
        Ok(ring) => ring,
        Err(failure) => {
            let (found, mend) = trouble_with_ring(place, failure.message);
            findings.wrong(RING, Status::Fail, found, mend);
            return is_in_use(place);
        }
    };
    let keys = counted(ring.ids().len(), "key");
    findings.ok(
        RING,
        format!(
            "{}, readable by its owner alone; {keys}, the newest is {}",
            place.key_ring.path().display(),
            ring.newest()
        ),
    );
    let Some(store) = store else { return is_in_use(place) };
    let control = over(store, ring, ambient, Settings::default());
    match (control.needed_keys().await, control.missing_keys().await) {
        (Ok(needed), Ok(missing)) if missing.is_empty() => {
            let needs: Vec<String> =
                needed.iter().map(|(key, rows)| format!("{key} by {}", counted(rows, "row"))).collect();
            findings
                .ok("keys", format!("needed: {}", if needs.is_empty() { "none".to_owned() } else { needs.join(", ") }));
        }
        (_, Ok(missing)) => {
            let list: Vec<String> =
                missing.iter().map(|(key, rows)| format!("{key} by {}", counted(rows, "row"))).collect();
            let found = format!("needed and missing: {}", list.join(", "));
            findings.wrong(
                "keys",
                Status::Fail,
                found,
                "put back the key ring file that holds them; the server does not start without",
            );
        }
        (_, Err(error)) => findings.wrong("keys", Status::Fail, error.to_string(), "look at the database first"),
    }
    control.store().close().await;
    is_in_use(place)
}

/// What is wrong with the key ring, and how to mend it.
fn trouble_with_ring(place: &Place, message: String) -> (String, String) {
    match private_file::read(place.key_ring.path()) {
        Err(PrivateFileError::Open { path, mode }) => {
            let shown = path.display();
            (format!("{shown} may be read or changed by others (mode {mode:04o})"), format!("chmod 600 {shown}"))
        }
        Err(PrivateFileError::Missing(path)) if lacks_folder(place) => {
            (format!("{} does not exist", path.display()), "run `countersign init`".to_owned())
        }
        _ => (message, "without it no token can be checked; restore it from your copy".to_owned()),
    }
}

/// Whether there is no data folder at all: nothing has been set up.
fn lacks_folder(place: &Place) -> bool {
    matches!(&place.database, Database::Sqlite { folder } if !folder.exists())
}

/// Opens the rows beside whoever works on them, and looks at engine, schema and clock.
async fn look_at_store(findings: &mut Findings, place: &Place, ambient: &Ambient) -> Option<Store> {
    const CHECK: &str = "database";
    let opened = match place.open_beside(ambient).await {
        Ok(store) => store.report().await.map(|report| (store, report)).map_err(StoreError::into),
        Err(failure) => Err(failure),
    };
    let (store, report) = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            let mend = match failure.exit {
                Exit::NotFound => "run `countersign init`",
                Exit::Conflict => "run the release that made it, or a newer one",
                _ if lacks_folder(place) => "run `countersign init`",
                _ if matches!(place.database, Database::Sqlite { .. }) => {
                    "look at the file in the data folder and at who may read it; if it is damaged, restore your copy"
                }
                _ => "look whether the database server runs, and at its address and password",
            };
            findings.wrong(CHECK, Status::Fail, failure.message, mend);
            return None;
        }
    };
    let found =
        format!("{} {} at {}, schema version {}", report.engine, report.version, report.place, report.schema_version);
    match report.schema_version.cmp(&report.known_version) {
        std::cmp::Ordering::Less => {
            let found = format!("{found}; this program knows {}", report.known_version);
            findings.wrong(
                CHECK,
                Status::Warn,
                found,
                "the server brings it up to date when it starts; make a copy before",
            );
        }
        _ => findings.ok(CHECK, found),
    }
    if matches!(report.collation.as_str(), "C" | "BINARY" | "C.UTF-8" | "C.utf8" | "POSIX") {
        findings.ok("collation", report.collation);
    } else {
        findings.wrong(
            "collation",
            Status::Warn,
            format!("{}: lists are ordered otherwise than the program expects", report.collation),
            "make the database with: createdb --template=template0 --locale=C --encoding=UTF8",
        );
    }
    match store.clock_skew().await {
        Ok(skew) if skew <= MAX_CLOCK_SKEW => {
            findings.ok("clock", format!("{} ms from the database's", skew.as_millis()));
        }
        Ok(skew) => findings.wrong(
            "clock",
            Status::Fail,
            format!(
                "{} s from the database's; a server is not ready beyond {} s",
                skew.as_secs(),
                MAX_CLOCK_SKEW.as_secs()
            ),
            "let both machines take their time from NTP",
        ),
        Err(error) => findings.wrong("clock", Status::Fail, error.to_string(), "look at the database first"),
    }
    Some(store)
}

/// Whether a process holds the lock of the data folder. Looks without taking it for longer than the look.
fn is_in_use(place: &Place) -> bool {
    let Database::Sqlite { folder } = &place.database else { return false };
    let Ok(file) = std::fs::File::open(folder.join(LOCK_FILE)) else { return false };
    file.try_lock_shared().is_err()
}

fn look_at_tls(findings: &mut Findings, files: &TlsFiles, ambient: &Ambient) {
    const CHECK: &str = "TLS";
    let now = ambient.clock.now();
    match files.read() {
        Ok(pair) => match pair.trouble(now) {
            None => {
                findings.ok(CHECK, format!("certificate and key fit; the certificate holds until {}", pair.until()));
            }
            Some(trouble) => findings.wrong(
                CHECK,
                Status::Warn,
                trouble,
                "put a new certificate and its key into their files; a server that runs takes them up by itself",
            ),
        },
        Err(failure) => findings.wrong(
            CHECK,
            Status::Fail,
            failure.message,
            "name a certificate with --tls-certificate and its key with --tls-key, both as PEM",
        ),
    }
}

fn look_at_port(findings: &mut Findings, listen: SocketAddr, runs: bool) {
    const CHECK: &str = "port";
    match std::net::TcpListener::bind(listen) {
        Ok(_) => findings.ok(CHECK, format!("{listen} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && runs => {
            findings.ok(CHECK, format!("{listen} is in use, and a server works on this data folder"));
        }
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => findings.wrong(
            CHECK,
            Status::Warn,
            format!("{listen} is in use"),
            "by a server of another database, or another program: choose another port with --listen",
        ),
        Err(error) => {
            findings.wrong(
                CHECK,
                Status::Fail,
                format!("{listen}: {error}"),
                "choose another address or port with --listen",
            );
        }
    }
}
