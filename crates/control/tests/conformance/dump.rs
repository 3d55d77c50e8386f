//! All rows of one organization, or of everybody, by table, and how two such dumps differ.

use std::collections::{BTreeMap, BTreeSet};

use countersign_control::Control;
use countersign_domain::Id;
use countersign_domain::id::OrganizationId;
use countersign_store::{IntoValue, Row, Sql, StoreError, Value};

/// A table, and how its rows are read: all of them, or those of the organization `$1`.
pub struct Table {
    pub name: &'static str,
    all: &'static str,
    of_one: &'static str,
}

macro_rules! tables {
    ($($name:literal $condition:literal;)*) => {
        /// Each table that holds rows of organizations.
        pub const TABLES: &[Table] = &[$(Table {
            name: $name,
            all: concat!("SELECT * FROM ", $name),
            of_one: concat!("SELECT * FROM ", $name, " WHERE ", $condition),
        }),*];
    };
}

tables! {
    "organizations" "id = $1";
    "numbers" "organization_id = $1";
    "users" "id IN (SELECT user_id FROM members WHERE organization_id = $1)";
    "members" "organization_id = $1";
    "passwords" "user_id IN (SELECT user_id FROM members WHERE organization_id = $1)";
    "passkeys" "user_id IN (SELECT user_id FROM members WHERE organization_id = $1)";
    "sign_in_answers" "user_id IN (SELECT user_id FROM members WHERE organization_id = $1)";
    "identities" "user_id IN (SELECT user_id FROM members WHERE organization_id = $1)";
    "sign_ins" "organization_id = $1";
    "sign_in_links" "user_id IN (SELECT user_id FROM members WHERE organization_id = $1)";
    "invitations" "organization_id = $1";
    "deployments" "organization_id = $1";
    "deployment_names" "organization_id = $1";
    "organization_slugs" "organization_id = $1";
    "teams" "organization_id = $1";
    "team_members" "organization_id = $1";
    "deployment_roles" "organization_id = $1";
    "tokens" "organization_id = $1";
    "token_secrets" "token_id IN (SELECT id FROM tokens WHERE organization_id = $1)";
    "token_deployments" "token_id IN (SELECT id FROM tokens WHERE organization_id = $1)";
    "token_queues" "token_id IN (SELECT id FROM tokens WHERE organization_id = $1)";
    "token_networks" "token_id IN (SELECT id FROM tokens WHERE organization_id = $1)";
    "agents" "organization_id = $1";
    "sessions" "organization_id = $1";
    "dagster_agents" "organization_id = $1";
    "dagster_agent_deployments" "dagster_agent_id IN (SELECT id FROM dagster_agents WHERE organization_id = $1)";
    "code_locations" "organization_id = $1";
    "dagster_requests" "organization_id = $1";
    "dagster_runs" "organization_id = $1";
    "dagster_run_events" "run_id IN (SELECT id FROM dagster_runs WHERE organization_id = $1)";
    "dagster_run_logs" "run_id IN (SELECT id FROM dagster_runs WHERE organization_id = $1)";
    "dagster_snapshots" "organization_id = $1";
    "code_location_snapshots" "code_location_id IN (SELECT id FROM code_locations WHERE organization_id = $1)";
    "pipelines" "organization_id = $1";
    "builds" "organization_id = $1";
    "queues" "organization_id = $1";
    "build_inputs" "build_id IN (SELECT id FROM builds WHERE organization_id = $1)";
    "steps" "organization_id = $1";
    "step_texts" "step_id IN (SELECT id FROM steps WHERE organization_id = $1)";
    "step_edges" "step_id IN (SELECT id FROM steps WHERE organization_id = $1)";
    "step_changes" "step_id IN (SELECT id FROM steps WHERE organization_id = $1)";
    "concurrency_groups" "organization_id = $1";
    "jobs" "organization_id = $1";
    "pipeline_uploads" "job_id IN (SELECT id FROM jobs WHERE organization_id = $1)";
    "job_log_chunks" "job_id IN (SELECT id FROM jobs WHERE organization_id = $1)";
    "meta_data" "build_id IN (SELECT id FROM builds WHERE organization_id = $1)";
    "annotations" "build_id IN (SELECT id FROM builds WHERE organization_id = $1)";
    "artifacts" "organization_id = $1";
    "blob_removals" "organization_id = $1";
    "audit_events" "organization_id = $1";
    "audit_heads" "organization_id = $1";
    "refusals" "organization_id = $1";
}

/// A row: its columns as text.
type Columns = BTreeMap<String, String>;

/// Rows, by table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dump {
    /// Sorted.
    pub tables: BTreeMap<&'static str, Vec<Columns>>,
}

impl Dump {
    /// What the organization's rows are now.
    pub async fn of(control: &Control, organization: OrganizationId) -> Self {
        let texts = TABLES.iter().map(|table| (table.name, table.of_one)).collect();
        Self::read(control, texts, vec![organization.into_value()]).await
    }

    /// What everybody's rows are now, without one table.
    pub async fn without(control: &Control, left_out: &str) -> Self {
        let wanted = TABLES.iter().filter(|table| table.name != left_out);
        Self::read(control, wanted.map(|table| (table.name, table.all)).collect(), vec![]).await
    }

    /// What everybody's rows are now.
    pub async fn whole(control: &Control) -> Self {
        Self::without(control, "").await
    }

    async fn read(control: &Control, texts: Vec<(&'static str, &'static str)>, values: Vec<Value>) -> Self {
        let read: Result<_, StoreError> = control
            .store()
            .read((texts, values), |tx, (texts, values)| {
                Box::pin(async move {
                    let mut tables = BTreeMap::new();
                    for (name, text) in texts {
                        let rows = tx.all(Sql { name: "dump", text }, values).await?;
                        let mut rows: Vec<Columns> = rows.iter().map(columns).collect();
                        rows.sort_unstable();
                        tables.insert(*name, rows);
                    }
                    Ok(tables)
                })
            })
            .await;
        Self { tables: read.expect("every table can be read") }
    }

    /// What is different in `later`, row by row, leaving out some columns of some tables.
    pub fn changes(&self, later: &Self, leaving_out: &[(&str, &str)]) -> Vec<String> {
        let mut changes = Vec::new();
        let differ = |table: &&str| self.tables.get(table) != later.tables.get(table);
        for table in TABLES.iter().map(|table| table.name).filter(differ) {
            let cut = |dump: &Self| -> Vec<Columns> {
                let mut rows = dump.tables.get(table).cloned().unwrap_or_default();
                for row in &mut rows {
                    row.retain(|column, _| !leaving_out.contains(&(table, column.as_str())));
                }
                rows.sort_unstable();
                rows
            };
            let (mut gone, mut new) = (cut(self), cut(later));
            gone.retain(|row| match new.binary_search(row) {
                Ok(at) => {
                    new.remove(at);
                    false
                }
                Err(_) => true,
            });
            changes.extend(gone.iter().map(|row| format!("- {table} {row:?}")));
            changes.extend(new.iter().map(|row| format!("+ {table} {row:?}")));
        }
        changes
    }

    /// What nobody else may ever be shown: ids, public ids, slugs and addresses.
    pub fn marks(&self) -> BTreeSet<String> {
        let mut marks = BTreeSet::new();
        for row in self.tables.values().flatten() {
            for (column, value) in row {
                let is_name = matches!(column.as_str(), "public_id" | "token_public_id" | "email");
                if is_name || value.starts_with("id:") {
                    marks.insert(value.trim_start_matches("id:").to_owned());
                }
            }
        }
        marks.remove("NULL");
        marks.remove(&Id::<()>::nil().to_string());
        marks
    }
}

fn columns(row: &Row) -> Columns {
    let text = |column: &String| match row.value(column).expect("a column of the row") {
        Value::Null => "NULL".to_owned(),
        Value::Bytes(bytes) => match <[u8; 16]>::try_from(bytes.as_slice()) {
            // Sixteen bytes are an id, and are compared with texts that show one.
            Ok(bytes) => format!("id:{}", Id::<()>::from_bytes(bytes)),
            Err(_) => format!("bytes:{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        },
        Value::Int(number) => number.to_string(),
        Value::Bool(flag) => i64::from(*flag).to_string(),
        Value::Text(text) => text.clone(),
    };
    row.columns().iter().map(|column| (column.clone(), text(column))).collect()
}
