use proptest::prelude::*;

use super::*;

fn around(name: &str) -> Option<String> {
    match name {
        "NAME" => Some("ada".to_owned()),
        "EMPTY" => Some(String::new()),
        "LONG" => Some("0123456789".to_owned()),
        "UMLAUT" => Some("äöü".to_owned()),
        "DOLLAR" => Some("$NAME".to_owned()),
        _ => None,
    }
}

fn filled(text: &str) -> Result<String, String> {
    Variables::new(&around).fill(text)
}

#[test]
fn expressions_become_values() {
    for (text, expected) in [
        ("$NAME", "ada"),
        ("hi $NAME!", "hi ada!"),
        ("${NAME}s", "adas"),
        ("$NAMES", ""),
        ("$NOBODY", ""),
        ("${NOBODY}", ""),
        ("${NOBODY:-x}", "x"),
        ("${NOBODY-x}", "x"),
        ("${NAME:-x}", "ada"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${NOBODY:-}", ""),
        ("${NOBODY:-${EMPTY:-$NAME}}", "ada"),
        ("${NOBODY:-a}b}", "ab}"),
        ("${NAME:-${NOBODY?never asked}}", "ada"),
        ("${LONG:7}", "789"),
        ("${LONG:0:3}", "012"),
        ("${LONG:2:3}", "234"),
        ("${LONG: -3}", "789"),
        ("${LONG: -3:2}", "78"),
        ("${LONG:1:-1}", "12345678"),
        ("${LONG:8:5}", "89"),
        ("${LONG:20}", ""),
        ("${LONG:5:-9}", ""),
        ("${UMLAUT:1:1}", "ö"),
        ("${NOBODY:1}", ""),
        ("${NAME?gone}", "ada"),
        ("${EMPTY?gone}", ""),
        ("$$NAME", "$NAME"),
        ("\\$NAME", "$NAME"),
        ("$${NAME}", "${NAME}"),
        ("$$$NAME", "$ada"),
        ("$(date) $1 $ 5$", "$(date) $1 $ 5$"),
        ("a\\b \\\\ }", "a\\b \\\\ }"),
        ("$DOLLAR", "$NAME"),
        ("$_x", ""),
    ] {
        assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn faults_are_named() {
    for (text, part) in [
        ("${NAME", "that cannot be read"),
        ("${NOBODY:-x", "without its '}'"),
        ("${LONG:1", "without its '}'"),
        ("${}", "without a variable's name"),
        ("${1}", "without a variable's name"),
        ("${#NAME}", "without a variable's name"),
        ("${NAME+x}", "'${NAME…'"),
        ("${LONG:x}", "'x' behind '${LONG:'"),
        ("${LONG:1:x}", "no place in a text"),
        ("${NOBODY?who are you}", "needs the variable 'NOBODY': who are you"),
        ("${EMPTY:?who}", "needs the variable 'EMPTY': who"),
        ("${NOBODY?}", "it is required"),
    ] {
        let said = filled(text).expect_err(text);
        assert!(said.contains(part), "{text} said: {said}");
    }
    assert!(filled(&"${A:-".repeat(50_000)).expect_err("too deep").contains("inside each other"));
    let long = |name: &str| (name == "X").then(|| "x".repeat(1_000));
    assert!(Variables::new(&long).fill(&"$X".repeat(2_000)).expect_err("too much").contains("grows by more"));
}

proptest! {
    #[test]
    fn what_has_no_sign_stays(text in "[^$\\\\]{0,80}") {
        prop_assert_eq!(filled(&text), Ok(text));
    }

    #[test]
    fn any_text_is_answered(text in "[a-zA-Z0-9_${}:?\\\\ -]{0,60}") {
        let _ = filled(&text);
    }

    #[test]
    fn an_escaped_text_comes_back(text in "[a-z$ {}]{0,40}") {
        prop_assert_eq!(filled(&text.replace('$', "$$")), Ok(text));
    }
}
