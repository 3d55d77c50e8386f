//! What a row of the audit log says of a change, in words: what is kept as JSON stands as pairs, without what is not there. All of it is text that
//! somebody else may have chosen, so each value that is more than a plain word stands in quotes: none can pass for a pair of its own.

use countersign_domain::Timestamp;
use countersign_domain::text::hidden;
use serde_json::{Map, Value};

use crate::weight;

/// The most bytes that the start of a detail takes in the page, and of it a single value.
const START: usize = 280;
const VALUE: usize = 120;
/// The most bytes of a key.
const KEY: usize = 60;
/// The most bytes of all that a row has below its start; what is more is in the export.
const WHOLE: usize = 4_000;
/// About what a pair takes beside its texts.
const PAIR: usize = 30;
/// What has no value.
const NONE: &str = "none";
/// What is so, and what is not.
const YES: &str = "yes";
const NO: &str = "no";
/// The key of how far a change reaches, which the APIs say as KEEP, DRAIN, DISCONNECT.
const REACH: &str = "connected_agents";
/// Under which keys the public id of a token's value stands.
const PUBLIC_IDS: [&str; 2] = ["secret", "new_secret"];

/// One thing that is said, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub key: String,
    pub value: String,
}

impl Pair {
    fn weight(&self) -> usize {
        weight::of(&self.key) + weight::of(&self.value) + PAIR
    }
}

/// What is said of a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Detail {
    /// As much as a row has room for.
    pub start: Vec<Pair>,
    /// Whether that is not all.
    pub is_cut: bool,
    /// All of it, where that is more and there is room for it.
    pub whole: Vec<Pair>,
    /// Whether that is not all either.
    pub is_whole_cut: bool,
}

impl Detail {
    /// Of what a row holds.
    pub(crate) fn of(text: &str) -> Self {
        let mut all = Vec::new();
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => flatten("", &fields, &mut all),
            Ok(other) => put("", &other, &mut all),
            Err(_) => all.push(Pair { key: String::new(), value: word(text) }),
        }
        let (start, is_cut) = within(&all, START, VALUE);
        let (whole, is_whole_cut) = if is_cut { within(&all, WHOLE, WHOLE) } else { (Vec::new(), false) };
        Self { start, is_cut, whole, is_whole_cut }
    }

    /// Bytes of the start in the page.
    pub(super) fn weight(&self) -> usize {
        self.start.iter().map(Pair::weight).sum()
    }

    /// Keeps all of it only while so many bytes are left, which become fewer.
    pub(super) fn fit(&mut self, left: &mut usize) {
        match left.checked_sub(self.whole.iter().map(Pair::weight).sum()) {
            Some(rest) => *left = rest,
            None => self.whole.clear(),
        }
    }
}

/// As many pairs as there is room for, each value with at most so many bytes; and whether that is not all.
fn within(all: &[Pair], room: usize, of_value: usize) -> (Vec<Pair>, bool) {
    let (mut left, mut some) = (room, Vec::new());
    for it in all {
        let most = of_value.min(left.saturating_sub(weight::of(&it.key) + PAIR));
        if most < VALUE / 4 && weight::of(&it.value) > most {
            return (some, true);
        }
        let pair = Pair { key: it.key.clone(), value: weight::cut(&it.value, most) };
        left = left.saturating_sub(pair.weight());
        some.push(pair);
    }
    let is_cut = some.iter().zip(all).any(|(shown, it)| shown != it);
    (some, is_cut)
}

/// The pairs of an object, below a key.
fn flatten(below: &str, fields: &Map<String, Value>, all: &mut Vec<Pair>) {
    for (raw, value) in fields {
        let key = words_of(raw);
        let key = if below.is_empty() { key } else { format!("{below}.{key}") };
        match value {
            // What tells a value from others, and opens nothing.
            Value::String(id) if PUBLIC_IDS.contains(&raw.as_str()) => {
                all.push(Pair { key, value: format!("{} (public id)", word(id)) });
            }
            Value::String(reach) if raw == REACH => all.push(Pair { key, value: word(&reach.to_lowercase()) }),
            value => put(&key, value, all),
        }
    }
}

/// One value under its key, or what is in it under theirs. What is not there is not said.
fn put(key: &str, value: &Value, all: &mut Vec<Pair>) {
    let said = match value {
        Value::Null => return,
        Value::Object(fields) => match change(fields) {
            Some(change) => change,
            None if fields.is_empty() => NONE.to_owned(),
            None => return flatten(key, fields, all),
        },
        Value::Array(items) => match list(items) {
            Some(list) => list,
            None => {
                for (at, item) in items.iter().enumerate() {
                    put(&format!("{key} {}", at + 1), item, all);
                }
                return;
            }
        },
        plain => scalar(plain).unwrap_or_default(),
    };
    all.push(Pair { key: weight::cut(key, KEY), value: said });
}

/// What a key is called.
fn words_of(key: &str) -> String {
    match key {
        "secret" => "value".to_owned(),
        "new_secret" => "new value".to_owned(),
        other => shown(&spaced(other)),
    }
}

/// A name of the program's, such as `sign_in_link`, in words.
pub(super) fn spaced(name: &str) -> String {
    name.replace("sign_in", "sign-in").replace('_', " ")
}

/// A value that holds no others.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(NONE.to_owned()),
        Value::Bool(it) => Some(if *it { YES } else { NO }.to_owned()),
        Value::Number(it) => Some(it.to_string()),
        Value::String(it) => Some(word(it)),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A list of such values in one line.
fn list(items: &[Value]) -> Option<String> {
    let items: Option<Vec<String>> = items.iter().map(scalar).collect();
    items.map(|items| if items.is_empty() { NONE.to_owned() } else { items.join(", ") })
}

/// What was before and what is now, in one line.
fn change(fields: &Map<String, Value>) -> Option<String> {
    let (from, to) = (fields.get("from")?, fields.get("to")?);
    if fields.len() > 2 {
        return None;
    }
    Some(format!("{} → {}", scalar(from)?, scalar(to)?))
}

/// A text: a moment as pages say it, a plain word as it is, any other in quotes. Plain are ASCII's signs alone, for there are letters that are drawn as
/// blanks and as what stands between pairs; and no word is plain that is said where there is no text.
fn word(text: &str) -> String {
    if let Some(at) = moment(text) {
        return at;
    }
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "-_.:/@+#".contains(sign);
    let is_said_otherwise = matches!(text, NONE | YES | NO) || text.parse::<f64>().is_ok();
    if !text.is_empty() && text.chars().all(is_plain) && !is_said_otherwise {
        return text.to_owned();
    }
    format!("\"{}\"", shown(text).replace('\\', "\\\\").replace('"', "\\\""))
}

/// To the second, in UTC.
fn moment(text: &str) -> Option<String> {
    let is_long_enough = text.len() >= 20 && text.len() <= 30 && text.ends_with('Z');
    let at: Timestamp = is_long_enough.then(|| text.parse().ok()).flatten()?;
    at.to_string().get(..19).map(|start| format!("{} UTC", start.replace('T', " ")))
}

/// What hides in a text has a sign in its place.
fn shown(text: &str) -> String {
    let sign = |sign| match sign {
        '\n' | '\r' | '\t' => ' ',
        sign if hidden(sign).is_some() => '\u{fffd}',
        sign => sign,
    };
    text.chars().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use crate::naughty::HEAVY;

    use super::*;

    fn said(text: &str) -> String {
        let pairs = Detail::of(text).start;
        pairs.iter().map(|it| format!("{} {}", it.key, it.value)).collect::<Vec<_>>().join(" · ")
    }

    #[test]
    fn a_detail_is_said_in_words_without_what_is_not_there() {
        assert_eq!(said("{}"), "");
        assert_eq!(
            said(r#"{"queue":"default","version":"3.137.0","hostname":null}"#),
            "queue default · version 3.137.0"
        );
        assert_eq!(
            said(r#"{"expires_at":"2027-01-31T09:00:05.123456Z","was_revoked_before":false,"agents_touched":2}"#),
            "agents touched 2 · expires at 2027-01-31 09:00:05 UTC · was revoked before no"
        );
        assert_eq!(
            said(r#"{"scope":{"deployments":"every","networks":["10.0.0.0/8","192.0.2.7"],"queues":[]}}"#),
            "scope.deployments every · scope.networks 10.0.0.0/8, 192.0.2.7 · scope.queues none"
        );
        assert_eq!(
            said(r#"{"description":{"from":null,"to":"Build farm"},"name":{"from":"a","to":"b"}}"#),
            r#"description none → "Build farm" · name a → b"#
        );
        assert_eq!(said(r#"{"teams":[{"name":"a"},{"name":"b"}]}"#), "teams 1.name a · teams 2.name b");
        assert_eq!(said(r#"{"secret":"IfJIE08F0Sb"}"#), "value IfJIE08F0Sb (public id)");
        assert_eq!(said(r#"{"links_ended":1,"sign_ins_ended":2}"#), "links ended 1 · sign-ins ended 2");
        assert_eq!(
            said(r#"{"connected_agents":"KEEP","reason":"KEEP"}"#),
            "connected agents keep · reason KEEP",
            "as pages say it"
        );
        assert_eq!((said("no JSON"), said("[1,2]")), (r#" "no JSON""#.to_owned(), " 1, 2".to_owned()));
    }

    #[test]
    fn no_text_passes_for_a_pair_of_its_own() {
        assert_eq!(
            said(r#"{"reason":"done · role admin\" · role admin","role":"member"}"#),
            r#"reason "done · role admin\" · role admin" · role member"#
        );
        assert_eq!(said("{\"reason\":\"a\u{202e}b\\u0000\\nc\"}"), "reason \"a\u{fffd}b\u{fffd} c\"");
        assert_eq!(said(r#"{"reason":""}"#), r#"reason """#);
        // Letters that are drawn as blanks and as what stands between pairs.
        for text in ["web\u{3164}\u{a78f}\u{3164}role\u{3164}admin", "web\u{1427}role", "Größe"] {
            let row = said(&serde_json::json!({ "hostname": text }).to_string());
            assert!(row.starts_with("hostname \"") && row.ends_with('"'), "{row}");
        }
        assert_eq!(
            said(r#"{"a":"none","b":"yes","c":"no","d":"5","e":null,"f":true,"g":5}"#),
            r#"a "none" · b "yes" · c "no" · d "5" · f yes · g 5"#
        );
    }

    #[test]
    fn what_is_long_is_said_below_and_what_is_longer_is_cut_there_too() {
        let few = Detail::of(r#"{"a":"b"}"#);
        assert!(!few.is_cut && few.whole.is_empty());
        let long = Detail::of(&format!(r#"{{"message":"{}","source":"api"}}"#, "word ".repeat(100)));
        assert!(long.is_cut && !long.is_whole_cut, "{long:?}");
        assert!(long.start[0].value.ends_with('…') && long.start[1].value == "api", "{long:?}");
        assert_eq!((long.whole.len(), long.whole[0].value.len()), (2, 502));
        for sign in HEAVY {
            let text = serde_json::json!({ "message": sign.repeat(60_000), "source": "api" }).to_string();
            let mut detail = Detail::of(&text);
            assert!(detail.is_cut && detail.is_whole_cut && detail.weight() <= START, "{detail:?}");
            assert!(detail.whole.iter().map(Pair::weight).sum::<usize>() <= WHOLE + PAIR, "{detail:?}");
            detail.fit(&mut 10);
            assert!(detail.whole.is_empty() && detail.is_cut);
        }
        let many: Map<String, Value> = (0..1_000).map(|at| (format!("key_{at:04}"), Value::from("value"))).collect();
        let detail = Detail::of(&Value::from(many).to_string());
        assert!(detail.is_cut && detail.is_whole_cut && detail.whole.len() < 200, "{}", detail.whole.len());
    }
}
