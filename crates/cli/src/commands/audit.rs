//! `countersign audit`: seeing, checking and exporting the audit log, beside a server that may be running.

use clap::{Args, Subcommand};
use countersign_control::{
    Control, Grant, PageRequest,
    access::actions::ViewInstance,
    audit::{AuditLog, Chain, Export, Period, Verdict, as_json},
};
use countersign_domain::{Timestamp, clock::NotATimestamp, id::OrganizationId, text::Slug};
use serde_json::{Value, json};

use crate::{
    Ambient,
    failure::{Exit, Failure, Outcome},
    flags::{InstanceArgs, variables},
    instance::Place,
    output::{Printer, Table, local_time},
};

/// See, check and export the audit log, beside a running server
#[derive(Debug, Args)]
pub struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Which {
    /// Only this organization's log [default: every organization's, and the instance's own]
    #[arg(long, value_name = "SLUG", env = variables::ORGANIZATION)]
    organization: Option<Slug>,
    #[command(flatten)]
    instance: InstanceArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the newest rows: who did what, to what, when and from where
    #[command(
        after_help = "Example:\n  countersign audit list --organization acme --from 2027-01-31T00:00:00Z --limit 20"
    )]
    List {
        /// The most rows of each log
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500), env = variables::LIMIT)]
        limit: u32,
        #[command(flatten)]
        time: Time,
        #[command(flatten)]
        which: Which,
    },
    /// Walk each chain from its first row to its head, and name the first row that does not fit
    ///
    /// Exits 0 when every chain holds, 6 when one does not.
    #[command(after_help = "Example:\n  countersign audit verify --data-dir /var/lib/countersign")]
    Verify(Which),
    /// Write every row as a line of JSON, in the order of the chain; those of a time in the order in which they happened
    #[command(
        after_help = "Example:\n  countersign audit export --organization acme --from 2027-01-01T00:00:00Z --until 2027-02-01T00:00:00Z"
    )]
    Export {
        #[command(flatten)]
        time: Time,
        #[command(flatten)]
        which: Which,
    },
}

/// Of which time rows are.
#[derive(Debug, Clone, Copy, Args)]
struct Time {
    /// Only what happened then or later, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time, env = variables::FROM)]
    from: Option<Timestamp>,
    /// Only what happened before, such as 2027-02-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time, env = variables::UNTIL)]
    until: Option<Timestamp>,
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error: NotATimestamp| error.to_string())
}

impl From<Time> for Period {
    fn from(Time { from, until }: Time) -> Self {
        Self { from, until }
    }
}

/// One log, by whom it is of.
struct Log {
    of: OrganizationId,
    name: String,
}

impl Audit {
    pub(super) async fn run(self, ambient: &Ambient, printer: Printer) -> Outcome {
        let which = match &self.command {
            Command::List { which, .. } | Command::Verify(which) | Command::Export { which, .. } => which,
        };
        let place = Place::find(&which.instance, &ambient.environment)?;
        let control = place.control_beside(ambient).await?;
        let outcome = act(&self.command, which, &control, printer).await;
        control.store().close().await;
        outcome
    }
}

async fn act(command: &Command, which: &Which, control: &Control, printer: Printer) -> Outcome {
    let grant: Grant<ViewInstance> = control.grant_own(&control.local_operator())?;
    let logs = logs(control, &grant, which.organization.as_ref()).await?;
    match command {
        Command::List { limit, time, .. } => list(control, &grant, &logs, (*time).into(), *limit, printer).await,
        Command::Verify(_) => verify(control, &grant, &logs, printer).await,
        Command::Export { time, .. } => export(control, &grant, &logs, (*time).into(), printer).await,
    }
}

/// The logs that were asked for, with the names of their organizations.
async fn logs(control: &Control, grant: &Grant<ViewInstance>, only: Option<&Slug>) -> Outcome<Vec<Log>> {
    let mut logs = Vec::new();
    for AuditLog { of, slug } in control.audit_logs(grant).await? {
        let name = slug.unwrap_or_else(|| "(instance)".to_owned());
        if only.is_none_or(|slug| slug.as_str() == name) {
            logs.push(Log { of, name });
        }
    }
    match only {
        Some(slug) if logs.is_empty() => Err(Failure::new(Exit::NotFound, format!("no organization {slug} found"))),
        _ => Ok(logs),
    }
}

async fn list(
    control: &Control,
    grant: &Grant<ViewInstance>,
    logs: &[Log],
    period: Period,
    limit: u32,
    printer: Printer,
) -> Outcome {
    let mut rows = Vec::new();
    let mut unsealed = 0;
    for log in logs {
        let newest = control.audit_events_of(grant, log.of, period, PageRequest::first(limit)).await?.items;
        unsealed += newest.iter().filter(|event| event.sealed.is_none()).count();
        rows.extend(newest.into_iter().map(|event| (log, event)));
    }
    rows.sort_by_key(|(_, event)| std::cmp::Reverse((event.occurred_at, event.id)));
    let values: Vec<Value> = rows.iter().map(|(log, event)| as_json(&log.name, event)).collect();
    printer.result(&values, || {
        let mut table = Table::new(&["when", "organization", "who", "what", "on", "from", "row"]);
        for (log, event) in &rows {
            table.row([
                local_time(Some(&event.occurred_at.to_string())),
                log.name.clone(),
                event.actor_name.clone(),
                event.action.clone(),
                format!("{} {}", event.subject_kind, event.subject_name),
                event.ip.clone().unwrap_or_default(),
                event.sealed.as_ref().map_or_else(|| "unsealed".to_owned(), |(sequence, _)| sequence.to_string()),
            ]);
        }
        table.render()
    })?;
    if unsealed > 0 {
        printer.say(format_args!(
            "{unsealed} of these rows are not sealed yet; a running server seals them within seconds"
        ));
    }
    Ok(Exit::Done)
}

async fn verify(control: &Control, grant: &Grant<ViewInstance>, logs: &[Log], printer: Printer) -> Outcome {
    let mut chains: Vec<(&Log, Chain)> = Vec::new();
    for log in logs {
        chains.push((log, control.verify_audit_of(grant, log.of).await?));
    }
    let values: Vec<Value> = chains
        .iter()
        .map(|(log, chain)| {
            let broken = match &chain.verdict {
                Verdict::Holds => Value::Null,
                Verdict::Broken { what, sequence } => json!({ "row": sequence, "what": what }),
            };
            json!({
                "organization": log.name,
                "uuid": log.of.to_string(),
                "sealed": chain.sealed,
                "unsealed": chain.unsealed,
                "holds": chain.verdict == Verdict::Holds,
                "broken": broken,
            })
        })
        .collect();
    printer.result(&values, || {
        let mut table = Table::new(&["organization", "sealed", "unsealed", "chain"]);
        for (log, chain) in &chains {
            let verdict = match &chain.verdict {
                Verdict::Holds => "holds".to_owned(),
                Verdict::Broken { what, sequence } => format!("BROKEN at row {sequence}: {what}"),
            };
            table.row([log.name.clone(), chain.sealed.to_string(), chain.unsealed.to_string(), verdict]);
        }
        table.render()
    })?;
    let broken = chains.iter().find_map(|(log, chain)| match &chain.verdict {
        Verdict::Holds => None,
        Verdict::Broken { what, sequence } => {
            Some(format!("the audit log of {} does not hold: row {sequence}: {what}", log.name))
        }
    });
    broken.map_or(Ok(Exit::Done), |what| Err(Failure::conflict(what)))
}

async fn export(
    control: &Control,
    grant: &Grant<ViewInstance>,
    logs: &[Log],
    period: Period,
    printer: Printer,
) -> Outcome {
    for log in logs {
        let mut from = Some(Export::of(period));
        while let Some(place) = from {
            let part = control.export_audit(grant, log.of, place).await?;
            for event in part.items {
                let mut line = as_json(&log.name, &event).to_string();
                line.push('\n');
                printer.write(line.as_bytes())?;
            }
            from = part.next;
        }
    }
    Ok(Exit::Done)
}
