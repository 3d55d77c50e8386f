//! Looking into the rows, and changing them behind the system's back.

use countersign_control::Control;
use countersign_store::{FromValue, Lane, Row, Sql, StoreError, Value};

const fn sql(text: &'static str) -> Sql {
    Sql { name: "conformance", text }
}

/// The rows of an answer.
pub async fn rows(control: &Control, text: &'static str, values: Vec<Value>) -> Vec<Row> {
    let answer: Result<_, StoreError> =
        control.store().read(values, move |tx, values| Box::pin(async move { tx.all(sql(text), values).await })).await;
    answer.expect("the statement of a case runs")
}

/// One column of the only row of an answer.
pub async fn value<T: FromValue>(control: &Control, text: &'static str, values: Vec<Value>, column: &str) -> T {
    let rows = rows(control, text, values).await;
    assert_eq!(rows.len(), 1, "{text} answers one row");
    rows[0].get(column).expect("the column is there")
}

/// Runs a statement; answers how many rows it changed.
pub async fn change(control: &Control, text: &'static str, values: Vec<Value>) -> u64 {
    let answer: Result<_, StoreError> = control
        .store()
        .transact(Lane::Normal, values, move |tx, values| Box::pin(async move { tx.execute(sql(text), values).await }))
        .await;
    answer.expect("the statement of a case runs")
}

/// What the rows of the audit log say that an answer has, as JSON.
pub async fn details(control: &Control, text: &'static str, values: Vec<Value>) -> Vec<serde_json::Value> {
    let rows = rows(control, text, values).await;
    let detail = |row: &Row| serde_json::from_str(&row.get::<String>("detail").expect("text")).expect("JSON");
    rows.iter().map(detail).collect()
}
