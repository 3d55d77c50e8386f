//! What becomes of a failed job: `soft_fail` and `retry`.

use super::{
    MAX_EXIT_STATUSES, MAX_LABEL, MAX_RETRIES, MAX_RETRY_RULES, PipelineError,
    fields::{Field, Fields},
    tree::{Node, Value},
};
use crate::plan::{ManualRetry, RetryRule, SoftFail};

/// Retries when a rule says no `limit`.
const DEFAULT_RETRIES: u32 = 2;

/// Reads `soft_fail`: true, false, or a list of `{ exit_status: … }`.
pub(super) fn soft_fail(field: &Field<'_>) -> Result<SoftFail, PipelineError> {
    if let Some(is) = field.node.flag() {
        return Ok(if is { SoftFail::Always } else { SoftFail::Never });
    }
    let shape = || field.fault("is neither true, false nor a list such as [{exit_status: 1}]");
    let mut statuses = Vec::new();
    let mut all = false;
    for item in field.items() {
        let Value::Map(entries) = &item.value else { return Err(shape()) };
        let [(name, node)] = entries.as_slice() else { return Err(shape()) };
        if name != "exit_status" {
            return Err(shape());
        }
        match exit_statuses(node)? {
            Some(some) => statuses.extend(some),
            None => all = true,
        }
    }
    if statuses.len() > MAX_EXIT_STATUSES {
        return Err(field.fault(format_args!("names more than {MAX_EXIT_STATUSES} exit statuses")));
    }
    Ok(match (all, statuses.is_empty()) {
        (true, _) => SoftFail::Always,
        (false, true) => SoftFail::Never,
        (false, false) => SoftFail::On(statuses),
    })
}

/// One exit status or several; `None` for `*`, any but 0.
fn exit_statuses(node: &Node) -> Result<Option<Vec<i32>>, PipelineError> {
    let wrong = || PipelineError::at(node, "'exit_status' is neither a whole number, a list of such nor '*'");
    let one = |node: &Node| node.whole().and_then(|whole| i32::try_from(whole).ok()).ok_or_else(wrong);
    match &node.value {
        Value::Text(text) if text == "*" => Ok(None),
        Value::List(list) if list.len() > MAX_EXIT_STATUSES => {
            let problem = format!("'exit_status' has more than {MAX_EXIT_STATUSES} items");
            Err(PipelineError::at(node, problem))
        }
        Value::List(list) => list.iter().map(one).collect::<Result<_, _>>().map(Some),
        _ => Ok(Some(vec![one(node)?])),
    }
}

/// What `retry` says; no automatic rule, and manual retries allowed, when it says nothing.
pub(super) fn retry(field: Option<Field<'_>>) -> Result<(Vec<RetryRule>, ManualRetry), PipelineError> {
    let manual = ManualRetry { allowed: true, reason: None, permit_on_passed: true };
    let Some(field) = field else { return Ok((Vec::new(), manual)) };
    let Some(mut fields) = Fields::of(field.node, "'retry'", "a map of 'automatic' and 'manual'")? else {
        return Ok((Vec::new(), manual));
    };
    let automatic = fields.read(&["automatic"], automatic)?.unwrap_or_default();
    let manual = match fields.take(&["manual"])? {
        Some(field) => self::manual(&field, manual)?,
        None => manual,
    };
    fields.end("in 'retry'")?;
    Ok((automatic, manual))
}

fn automatic(field: &Field<'_>) -> Result<Vec<RetryRule>, PipelineError> {
    if let Some(is) = field.node.flag() {
        let any = RetryRule { exit_status: None, signal: None, signal_reason: None, limit: DEFAULT_RETRIES };
        return Ok(if is { vec![any] } else { Vec::new() });
    }
    let items = field.items();
    if items.len() > MAX_RETRY_RULES {
        return Err(field.fault(format_args!("has {} rules; at most {MAX_RETRY_RULES} are possible", items.len())));
    }
    items.iter().map(|item| rule(field, item)).collect()
}

fn rule(field: &Field<'_>, item: &Node) -> Result<RetryRule, PipelineError> {
    let Value::Map(entries) = &item.value else {
        return Err(
            field.fault("is neither true, false, a rule such as {exit_status: -1, limit: 2} nor a list of rules")
        );
    };
    let mut rule = RetryRule { exit_status: None, signal: None, signal_reason: None, limit: DEFAULT_RETRIES };
    for (name, node) in entries {
        let wrong = |problem: &str| PipelineError::at(node, format!("'{name}' in a rule of 'retry' {problem}"));
        let word = || {
            node.scalar().filter(|word| is_word(word)).ok_or_else(|| wrong("is not a word of letters, digits and '_'"))
        };
        match name.as_str() {
            "exit_status" => rule.exit_status = exit_statuses(node)?,
            "signal" => rule.signal = Some(word()?).filter(|word| *word != "*").map(signal),
            "signal_reason" => rule.signal_reason = Some(word()?.to_ascii_lowercase()).filter(|reason| reason != "*"),
            "limit" => {
                let limit = node.whole().and_then(|whole| u32::try_from(whole).ok()).filter(|it| *it <= MAX_RETRIES);
                rule.limit = limit.ok_or_else(|| wrong(&format!("is not a whole number from 0 to {MAX_RETRIES}")))?;
            }
            _ => return Err(wrong("is not offered; take it out")),
        }
    }
    Ok(rule)
}

fn is_word(text: &str) -> bool {
    const LONGEST: usize = 50;
    let takes = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text == "*" || (!text.is_empty() && text.len() <= LONGEST && text.bytes().all(takes))
}

/// A signal as agents name it: `term` is `SIGTERM`. `none` stays: there was no signal.
fn signal(word: &str) -> String {
    let upper = word.to_ascii_uppercase();
    match upper.as_str() {
        "NONE" => "none".to_owned(),
        _ if upper.starts_with("SIG") => upper,
        _ => format!("SIG{upper}"),
    }
}

fn manual(field: &Field<'_>, by_default: ManualRetry) -> Result<ManualRetry, PipelineError> {
    if let Some(allowed) = field.node.flag() {
        return Ok(ManualRetry { allowed, ..by_default });
    }
    let Some(mut fields) = Fields::of(field.node, "'manual' in 'retry'", "true, false or a map")? else {
        return Ok(by_default);
    };
    let allowed = fields.read(&["allowed"], Field::flag)?.unwrap_or(by_default.allowed);
    let permit_on_passed = fields.read(&["permit_on_passed"], Field::flag)?.unwrap_or(by_default.permit_on_passed);
    let reason = fields.line_of_text(&["reason"], MAX_LABEL)?;
    fields.end("in 'manual'")?;
    Ok(ManualRetry { allowed, reason, permit_on_passed })
}
