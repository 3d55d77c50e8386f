//! All rows of one organization, by table, and how two such dumps differ.

use std::collections::{BTreeMap, BTreeSet};

use countersign_control::Control;
use countersign_domain::Id;
use countersign_domain::id::OrganizationId;
use countersign_store::{IntoValue, Row, Value};

use crate::sql;

/// Each table that holds rows of organizations, and how those of one are found.
pub const TABLES: &[(&str, &str)] = &[
    ("organizations", "SELECT * FROM organizations WHERE id = $1"),
    ("users", "SELECT * FROM users WHERE id IN (SELECT user_id FROM members WHERE organization_id = $1)"),
    ("members", "SELECT * FROM members WHERE organization_id = $1"),
    ("deployments", "SELECT * FROM deployments WHERE organization_id = $1"),
    ("tokens", "SELECT * FROM tokens WHERE organization_id = $1"),
    ("token_secrets", "SELECT * FROM token_secrets WHERE token_id IN (SELECT id FROM tokens WHERE organization_id = $1)"),
    ("token_deployments", "SELECT * FROM token_deployments WHERE token_id IN (SELECT id FROM tokens WHERE organization_id = $1)"),
    ("token_queues", "SELECT * FROM token_queues WHERE token_id IN (SELECT id FROM tokens WHERE organization_id = $1)"),
    ("token_networks", "SELECT * FROM token_networks WHERE token_id IN (SELECT id FROM tokens WHERE organization_id = $1)"),
    ("agents", "SELECT * FROM agents WHERE organization_id = $1"),
    ("sessions", "SELECT * FROM sessions WHERE organization_id = $1"),
    ("pipelines", "SELECT * FROM pipelines WHERE organization_id = $1"),
    ("builds", "SELECT * FROM builds WHERE organization_id = $1"),
    ("jobs", "SELECT * FROM jobs WHERE organization_id = $1"),
    ("job_log_chunks", "SELECT * FROM job_log_chunks WHERE job_id IN (SELECT id FROM jobs WHERE organization_id = $1)"),
    ("meta_data", "SELECT * FROM meta_data WHERE build_id IN (SELECT id FROM builds WHERE organization_id = $1)"),
    ("annotations", "SELECT * FROM annotations WHERE build_id IN (SELECT id FROM builds WHERE organization_id = $1)"),
    ("audit_events", "SELECT * FROM audit_events WHERE organization_id = $1"),
    ("audit_heads", "SELECT * FROM audit_heads WHERE organization_id = $1"),
    ("refusals", "SELECT * FROM refusals WHERE organization_id = $1"),
];

/// A row: its columns as text.
type Columns = BTreeMap<String, String>;

/// All rows of one organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dump {
    /// By table, sorted.
    pub tables: BTreeMap<&'static str, Vec<Columns>>,
}

impl Dump {
    /// What the organization's rows are now.
    pub async fn of(control: &Control, organization: OrganizationId) -> Self {
        let mut tables = BTreeMap::new();
        for (table, text) in TABLES {
            let rows = sql::rows(control, text, vec![organization.into_value()]).await;
            let mut rows: Vec<Columns> = rows.iter().map(columns).collect();
            rows.sort_unstable();
            tables.insert(*table, rows);
        }
        Self { tables }
    }

    /// What is different in `later`, row by row, leaving out some columns of some tables.
    pub fn changes(&self, later: &Self, leaving_out: &[(&str, &str)]) -> Vec<String> {
        let mut changes = Vec::new();
        for (table, _) in TABLES {
            let cut = |dump: &Self| -> Vec<Columns> {
                let mut rows = dump.tables.get(table).cloned().unwrap_or_default();
                for row in &mut rows {
                    row.retain(|column, _| !leaving_out.contains(&(table, column)));
                }
                rows.sort_unstable();
                rows
            };
            let (mut gone, mut new) = (cut(self), cut(later));
            gone.retain(|row| match new.iter().position(|it| it == row) {
                Some(at) => {
                    new.remove(at);
                    false
                }
                None => true,
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
