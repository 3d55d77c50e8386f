//! How a server is set: flags, variables, the configuration file, defaults; the first of them that says something wins.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use countersign_control::Settings;
use countersign_domain::{Network, token::Prefix};
use countersign_graphql::Allowance;
use serde::Deserialize;
use url::Url;

use super::artifact_config::{self, ArtifactFlags, ArtifactSection, ArtifactStore};
use super::connection_config::{ConnectionFlags, ConnectionLimits};
use crate::{
    failure::{Failure, Outcome},
    flags::{InstanceArgs, hold, interval, variables, whole_seconds},
    logs::LogFormat,
};

use super::retention_config::{self, RetentionFlags, RetentionSection};
use super::sign_in_config::{self, ProviderConfig, SignInFlags, SignInSection};
use super::tls::{TlsFiles, TlsFlags};

/// Where a server listens when nothing else was said.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8420";
/// What a server logs when nothing else was said.
pub const DEFAULT_LOG: &str = "info";

/// Flags of a server that are not those of every instance.
#[derive(Debug, Clone, Default, Args)]
pub struct ServerFlags {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = variables::CONFIG)]
    pub config: Option<PathBuf>,
    /// The address and port to listen on [default: 127.0.0.1:8420]
    #[arg(long, value_name = "ADDRESS:PORT", env = variables::LISTEN)]
    pub listen: Option<SocketAddr>,
    /// The address under which people and agents reach the server [default: http://localhost and the port]
    #[arg(long, value_name = "URL", env = variables::PUBLIC_URL)]
    pub public_url: Option<Url>,
    /// A proxy whose X-Forwarded-For is believed: an address or network; may be repeated [default: none]
    #[arg(long, value_name = "NETWORK", env = variables::TRUSTED_PROXY, value_delimiter = ',')]
    pub trusted_proxy: Vec<Network>,
    /// What new token values begin with: 3 to 8 lower-case letters [default: csn]
    #[arg(long, value_name = "LETTERS", env = variables::TOKEN_PREFIX)]
    pub token_prefix: Option<Prefix>,
    #[command(flatten)]
    pub tls: TlsFlags,
    #[command(flatten)]
    pub connections: ConnectionFlags,
    /// The most agents at one time with one agent token [default: 10000]
    #[arg(long, value_name = "NUMBER", env = variables::MAX_AGENTS_PER_TOKEN, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_agents_per_token: Option<u32>,
    /// Points that one person may spend at the public API in 5 minutes [default: 500000]
    #[arg(long, value_name = "POINTS", env = variables::API_POINTS_PER_USER, value_parser = clap::value_parser!(u64).range(1..))]
    pub api_points_per_user: Option<u64>,
    /// Points that one organization may spend at the public API in 5 minutes [default: 2000000]
    #[arg(long, value_name = "POINTS", env = variables::API_POINTS_PER_ORGANIZATION, value_parser = clap::value_parser!(u64).range(1..))]
    pub api_points_per_organization: Option<u64>,
    /// How often agents ask what there is to do [default: 2s]
    #[arg(long, value_name = "TIME", env = variables::PING_INTERVAL, value_parser = whole_seconds)]
    pub ping_interval: Option<Duration>,
    /// How long an idle agent's ping is held for a job to come, at most 25s; 0s answers at once [default: 5s]
    #[arg(long, value_name = "TIME", env = variables::PING_HOLD, value_parser = hold)]
    pub ping_hold: Option<Duration>,
    /// Whether agents may be told by a stream what there is to do: true or false [default: true]
    #[arg(long, value_name = "BOOLEAN", env = variables::STREAMING_PINGS)]
    pub streaming_pings: Option<bool>,
    /// How often agents say that they are there [default: 30s]
    #[arg(long, value_name = "TIME", env = variables::HEARTBEAT_INTERVAL, value_parser = whole_seconds)]
    pub heartbeat_interval: Option<Duration>,
    /// How often agents ask whether their job was cancelled [default: 2s]
    #[arg(long, value_name = "TIME", env = variables::JOB_STATUS_INTERVAL, value_parser = whole_seconds)]
    pub job_status_interval: Option<Duration>,
    /// How long a job is kept for an agent that does not take it [default: 60s]
    #[arg(long, value_name = "TIME", env = variables::ASSIGNMENT_TIMEOUT, value_parser = interval)]
    pub assignment_timeout: Option<Duration>,
    /// How often what gathers in memory is written [default: 5s]
    #[arg(long, value_name = "TIME", env = variables::FLUSH_INTERVAL, value_parser = interval)]
    pub flush_interval: Option<Duration>,
    /// How often the server keeps house: windows, lost agents, the audit chain [default: 1s]
    #[arg(long, value_name = "TIME", env = variables::SWEEP_INTERVAL, value_parser = interval)]
    pub sweep_interval: Option<Duration>,
    /// What is kept.
    #[command(flatten)]
    pub retention: RetentionFlags,
    /// Artifacts.
    #[command(flatten)]
    pub artifacts: ArtifactFlags,
    /// Signing in.
    #[command(flatten)]
    pub sign_in: SignInFlags,
}

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    server: ServerSection,
    storage: StorageSection,
    artifacts: ArtifactSection,
    retention: RetentionSection,
    intervals: IntervalSection,
    sign_in: SignInSection,
    log: LogSection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ServerSection {
    listen: Option<SocketAddr>,
    public_url: Option<Url>,
    trusted_proxies: Vec<Network>,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    token_prefix: Option<String>,
    streaming_pings: Option<bool>,
    max_connections: Option<u32>,
    max_connections_per_address: Option<u32>,
    max_agents_per_token: Option<u32>,
    api_points_per_user: Option<u64>,
    api_points_per_organization: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StorageSection {
    data_dir: Option<PathBuf>,
    database_url: Option<String>,
    database_url_file: Option<PathBuf>,
    key_ring_file: Option<PathBuf>,
}

impl std::fmt::Debug for StorageSection {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StorageSection").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct IntervalSection {
    ping: Option<String>,
    ping_hold: Option<String>,
    heartbeat: Option<String>,
    job_status: Option<String>,
    assignment_timeout: Option<String>,
    flush: Option<String>,
    sweep: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LogSection {
    filter: Option<String>,
    format: Option<LogFormat>,
}

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address under which people and agents reach it; without a slash at its end.
    pub public_url: String,
    /// Certificate and key, when it speaks TLS by itself.
    pub tls: Option<TlsFiles>,
    /// Proxies whose word is believed.
    pub trusted_proxies: Vec<Network>,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// What may be spent at the public API.
    pub allowance: Allowance,
    /// Where the rows and keys are.
    pub instance: InstanceArgs,
    /// Where the bytes of artifacts are kept.
    pub artifact_store: ArtifactStore,
    /// The provider that people can sign in by.
    pub provider: Option<ProviderConfig>,
    /// Prefix, intervals and limits.
    pub settings: Settings,
    /// What is logged.
    pub log: String,
    /// How.
    pub log_format: LogFormat,
}

impl File {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// It cannot be read, or holds something unknown or of the wrong type; the message names line and column.
    pub fn read(path: &Path) -> Outcome<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::bad_input(format!("the configuration file {}: {error}", path.display())))?;
        Self::parse(&text).map_err(|failure| failure.about(format!("the configuration file {}", path.display())))
    }

    fn parse(text: &str) -> Outcome<Self> {
        toml::from_str(text).map_err(|error| {
            // The library's own picture of the place quotes the line, which may hold a password.
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            Failure::bad_input(format!("line {line}: {}", error.message()))
        })
    }
}

impl ServerConfig {
    /// Puts flags (which the variables have gone into), file and defaults together.
    ///
    /// # Errors
    /// A value of the file cannot be used.
    pub fn resolve(
        flags: &ServerFlags,
        instance: &InstanceArgs,
        log: (Option<String>, Option<LogFormat>),
        file: File,
    ) -> Outcome<Self> {
        let File { server, storage, artifacts, retention, intervals, sign_in, log: logging } = file;
        let listen = match flags.listen.or(server.listen) {
            Some(listen) => listen,
            None => DEFAULT_LISTEN.parse().map_err(Failure::internal)?,
        };
        let certificate = flags.tls.tls_certificate.clone().or(server.tls_certificate);
        let tls = TlsFiles::of(certificate, flags.tls.tls_key.clone().or(server.tls_key))?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let public_url = flags.public_url.clone().or(server.public_url).map_or_else(
            || format!("{scheme}://localhost:{}", listen.port()),
            |url| url.as_str().trim_end_matches('/').to_owned(),
        );
        let (artifact_store, limits) = artifact_config::resolve(&flags.artifacts, artifacts)?;
        let prefix = match &flags.token_prefix {
            Some(prefix) => Some(prefix.clone()),
            None => server.token_prefix.map(|text| in_file("server.token_prefix", text.parse())).transpose()?,
        };
        let defaults = Settings::default();
        let (retention, job_expiry) =
            retention_config::resolve(&flags.retention, retention, (defaults.retention, defaults.job_expiry))?;
        let seconds = |flag: Option<Duration>, name: &str, text: Option<String>, default: Duration| {
            given(flag, name, text, whole_seconds, default)
        };
        let time = |flag: Option<Duration>, name: &str, text: Option<String>, default: Duration| {
            given(flag, name, text, interval, default)
        };
        let most_agents = flags.max_agents_per_token.or(server.max_agents_per_token);
        let settings = Settings {
            prefix: prefix.unwrap_or(defaults.prefix),
            public_url: public_url.clone(),
            ping_interval: seconds(flags.ping_interval, "ping", intervals.ping, defaults.ping_interval)?,
            ping_hold: given(flags.ping_hold, "ping_hold", intervals.ping_hold, hold, defaults.ping_hold)?,
            streaming_pings: flags.streaming_pings.or(server.streaming_pings).unwrap_or(defaults.streaming_pings),
            max_waiting: defaults.max_waiting,
            max_agents_per_token: most_agents.unwrap_or(defaults.max_agents_per_token),
            heartbeat_interval: seconds(
                flags.heartbeat_interval,
                "heartbeat",
                intervals.heartbeat,
                defaults.heartbeat_interval,
            )?,
            job_status_interval: seconds(
                flags.job_status_interval,
                "job_status",
                intervals.job_status,
                defaults.job_status_interval,
            )?,
            assignment_timeout: time(
                flags.assignment_timeout,
                "assignment_timeout",
                intervals.assignment_timeout,
                defaults.assignment_timeout,
            )?,
            flush_interval: time(flags.flush_interval, "flush", intervals.flush, defaults.flush_interval)?,
            sweep_interval: time(flags.sweep_interval, "sweep", intervals.sweep, defaults.sweep_interval)?,
            job_expiry,
            retention,
            artifacts: limits,
        };
        let trusted_proxies =
            if flags.trusted_proxy.is_empty() { server.trusted_proxies } else { flags.trusted_proxy.clone() };
        if let Some(all) = trusted_proxies.iter().find(|network| network.is_everything()) {
            return Err(Failure::bad_input(format!(
                "--trusted-proxy {all} would believe every caller about its own address; name the proxy's address"
            )));
        }
        let most = Allowance::default();
        let allowance = Allowance {
            user: flags.api_points_per_user.or(server.api_points_per_user).unwrap_or(most.user),
            organization: flags
                .api_points_per_organization
                .or(server.api_points_per_organization)
                .unwrap_or(most.organization),
            ..most
        };
        Ok(Self {
            listen,
            public_url,
            tls,
            artifact_store,
            trusted_proxies,
            connections: flags.connections.or(server.max_connections, server.max_connections_per_address),
            allowance,
            instance: InstanceArgs {
                data_dir: instance.data_dir.clone().or(storage.data_dir),
                database_url: match &instance.database_url {
                    Some(url) => Some(url.clone()),
                    None => database_url(storage.database_url, storage.database_url_file.as_deref())?,
                },
                key_ring_file: instance.key_ring_file.clone().or(storage.key_ring_file),
            },
            provider: sign_in_config::resolve(&flags.sign_in, sign_in)?,
            settings,
            log: log.0.or(logging.filter).unwrap_or_else(|| DEFAULT_LOG.to_owned()),
            log_format: log.1.or(logging.format).unwrap_or_default(),
        })
    }
}

fn database_url(value: Option<String>, file: Option<&Path>) -> Outcome<Option<String>> {
    match (value, file) {
        (Some(_), Some(_)) => Err(Failure::bad_input(
            "the configuration file says both storage.database_url and storage.database_url_file; keep one of them",
        )),
        (value, None) => Ok(value),
        (None, Some(path)) => Ok(Some(format!("file://{}", path.display()))),
    }
}

fn given(
    flag: Option<Duration>,
    name: &str,
    text: Option<String>,
    read: fn(&str) -> Result<Duration, String>,
    default: Duration,
) -> Outcome<Duration> {
    match (flag, text) {
        (Some(flag), _) => Ok(flag),
        (None, Some(text)) => in_file(&format!("intervals.{name}"), read(&text)),
        (None, None) => Ok(default),
    }
}

fn in_file<T, E: std::fmt::Display>(name: &str, parsed: Result<T, E>) -> Outcome<T> {
    parsed.map_err(|error| Failure::bad_input(format!("the configuration file: {name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(flags: &ServerFlags, text: &str) -> Outcome<ServerConfig> {
        ServerConfig::resolve(flags, &InstanceArgs::default(), (None, None), File::parse(text)?)
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let text = "[server]\nlisten = \"127.0.0.1:9000\"\n[intervals]\nping = \"5s\"\nsweep = \"100ms\"\n";
        let config = resolve(&ServerFlags::default(), text).expect("good");
        assert_eq!(config.listen.port(), 9000);
        assert_eq!(config.public_url, "http://localhost:9000");
        assert_eq!(config.settings.ping_interval, Duration::from_secs(5));
        assert_eq!(config.settings.sweep_interval, Duration::from_millis(100));
        assert_eq!(config.settings.heartbeat_interval, Settings::default().heartbeat_interval);
        let flags = ServerFlags { listen: Some("127.0.0.1:9001".parse().expect("an address")), ..Default::default() };
        assert_eq!(resolve(&flags, text).expect("good").listen.port(), 9001);
    }

    #[test]
    fn the_example_of_the_documentation_is_good() {
        let text = include_str!("example.toml");
        let config = resolve(&ServerFlags::default(), text).expect("good");
        assert_eq!(config.instance.database_url.as_deref(), Some("file:///etc/countersign/database-url"));
        assert_eq!(config.settings.ping_interval, Settings::default().ping_interval);
        assert_eq!(config.trusted_proxies.len(), 2);
        assert!(config.tls.is_some());
    }

    #[test]
    fn what_is_wrong_in_the_file_is_named_and_secrets_are_not_quoted() {
        for (text, word) in [
            ("[server]\nlisten = 5\n", "line 2"),
            ("[storage]\ndatabase_ulr = \"postgres://u:hunter2@db/x\"\n", "line 2"),
            ("[storage]\ndatabase_url = [\"postgres://u:hunter2@db/x\"]\n", "line 2"),
            ("[intervals]\nping = \"1500ms\"\n", "intervals.ping"),
            ("[intervals]\nping_hold = \"26s\"\n", "at most 25s"),
            ("[server]\ntls_key = \"/k\"\n", "--tls-certificate"),
            ("[server]\ntoken_prefix = \"X\"\n", "server.token_prefix"),
            ("[server]\ntrusted_proxies = [\"0.0.0.0/0\"]\n", "--trusted-proxy"),
        ] {
            let failure = resolve(&ServerFlags::default(), text).expect_err(text);
            assert!(failure.message.contains(word), "{text}: {failure}");
            assert!(!failure.message.contains("hunter2"), "{failure}");
        }
    }
}
