//! Tables of conditions, and a second opinion on generated ones.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{pipeline::Env, plan::Fact};

fn situation() -> Situation {
    let text = |text: &str| Fact::Text(text.to_owned());
    let facts = [
        ("build.branch", text("main")),
        ("build.message", text("Fix it\n[skip ci]")),
        ("build.number", Fact::Number(7)),
        ("build.pull_request.draft", Fact::Bool(true)),
        ("build.creator.teams", Fact::List(vec!["ops".to_owned(), "web".to_owned()])),
    ];
    Situation {
        facts: facts.map(|(name, fact)| (name.to_owned(), fact)).into(),
        env: Env::from([("A".to_owned(), "build".to_owned())]),
        keys: Vec::new(),
    }
}

fn decided(text: &str) -> Result<bool, String> {
    let condition = Reader::default().read(text)?;
    let env = Env::from([("A".to_owned(), "pipeline".to_owned()), ("B".to_owned(), String::new())]);
    Judge::new(&situation(), &env).holds(&condition)
}

#[test]
fn conditions_are_decided() {
    for (text, holds) in [
        ("true", true),
        ("!true", false),
        ("!!true", true),
        ("null", false),
        ("build.branch == \"main\"", true),
        ("build.branch == 'main'", true),
        ("build.branch != 'main'", false),
        ("build.branch == build.branch", true),
        ("build.number == 7", true),
        ("build.number == -7", false),
        ("build.number == '7'", false),
        ("build.tag == null", true),
        ("build.tag != null", false),
        ("build.pull_request.draft", true),
        ("!build.pull_request.draft || build.tag == null", true),
        ("build.branch =~ /^ma/", true),
        ("build.branch =~ /^MA/i", true),
        ("build.branch =~ /^MA/", false),
        ("build.branch !~ /^MA/", true),
        ("build.tag =~ /x/", false),
        ("build.tag !~ /x/", true),
        ("build.message =~ /\\[skip (ci|deploy)\\]/", true),
        ("'a/b' =~ /a\\/b/", true),
        ("build.creator.teams includes 'ops'", true),
        ("build.creator.teams includes 'dev'", false),
        ("build.author.teams includes 'ops'", false),
        ("build.env('A') == 'build'", true),
        ("build.env(\"B\") == ''", true),
        ("build.env('C') == null", true),
        ("true || false && false", true),
        ("(true || false) && false", false),
        ("false && build.number", false),
        ("true || build.number", true),
        ("(build.branch == 'main') == true", true),
        ("true // a comment\n && false // another", false),
        ("  'it\\'s' == \"it's\"  ", true),
        ("'a\\nb' == \"a\nb\"", true),
        ("'\\d' == '\\\\d'", true),
        ("'übung' =~ /^Ü/i", true),
    ] {
        assert_eq!(decided(text), Ok(holds), "{text}");
    }
}

#[test]
fn faults_say_what_and_where() {
    for (text, part) in [
        ("", "is empty"),
        ("  // nothing", "is empty"),
        ("build.brunch == 'x'", "'build.brunch' at character 1, which is no variable"),
        ("true && main", "'main' at character 9"),
        ("build.branch = 'x'", "'=' at character 14"),
        ("build.branch == 'x", "a text without an end, from character 17"),
        ("build.branch =~ /x", "without an end, from character 17"),
        ("build.branch =~ 'x'", "a text at character 17 where a regular expression"),
        ("build.branch =~", "ends where a regular expression"),
        ("build.branch == /x/", "a regular expression at character 17, which belongs behind"),
        ("build.branch =~ /x/g", "the flag 'g'"),
        ("build.branch =~ /(/", "unclosed group (character 17)"),
        ("build.branch =~ /(?=x)/", "look-around"),
        ("build.branch =~ /\\w{900}{9}/", "too large"),
        ("build.branch ==", "ends where a value should be"),
        ("== 'x'", "'==' at character 1 where a value should be"),
        ("(true", "no ')' for the '(' at character 1"),
        ("true)", "')' at character 5 where the condition should end"),
        ("true true", "'true' at character 6 where the condition should end"),
        ("1 == 1 == 1", "a second comparison, '==' at character 8"),
        ("build.env(A)", "write build.env(\"NAME\")"),
        ("99999999999999999999 == 1", "not a whole number"),
        ("- == 1", "'-' at character 1"),
        ("build.number", "a number ('build.number' at character 1) where true or false is needed"),
        ("'x'", "a text at character 1 where true or false"),
        ("build.number =~ /7/", "matches a number"),
        ("build.branch includes 'x'", "a text before 'includes' ('build.branch' at character 1)"),
        ("build.creator.teams includes 7", "looks for a number"),
        ("ü", "'ü' at character 1"),
    ] {
        let said = decided(text).expect_err(text);
        assert!(said.contains(part), "{text} said: {said}");
    }
    assert!(decided(&"x".repeat(MAX_CONDITION + 1)).expect_err("too long").contains("4097 bytes"));
}

#[test]
fn depth_is_bounded() {
    use crate::pipeline::MAX_CONDITION_DEPTH;
    let nested = |n: usize| "(".repeat(n) + "true" + &")".repeat(n);
    assert_eq!(decided(&nested(MAX_CONDITION_DEPTH - 1)), Ok(true));
    for text in [nested(MAX_CONDITION_DEPTH), "(".repeat(4_000), "!".repeat(4_000), "(!".repeat(2_000)] {
        assert!(decided(&text).expect_err("too deep").contains("inside each other"), "{text:.20}");
    }
    let wide = vec!["true"; 500].join(" && ");
    assert_eq!(decided(&wide), Ok(true));
}

/// A condition that is told in Rust beside its text.
#[derive(Debug, Clone)]
enum Told {
    Is(bool),
    Variable(usize),
    Equal(usize, &'static str),
    Not(Box<Told>),
    All(Vec<Told>),
    Any(Vec<Told>),
}

const NAMES: [&str; 3] = ["build.branch", "build.commit", "build.tag"];

impl Told {
    fn text(&self) -> String {
        let joined =
            |all: &[Told], mark: &str| format!("({})", all.iter().map(Told::text).collect::<Vec<_>>().join(mark));
        match self {
            Told::Is(is) => is.to_string(),
            Told::Variable(n) => format!("({} != null)", NAMES[*n]),
            Told::Equal(n, value) => format!("({} == \"{value}\")", NAMES[*n]),
            Told::Not(inner) => format!("!{}", inner.text()),
            Told::All(all) => joined(all, " && "),
            Told::Any(all) => joined(all, "||"),
        }
    }

    fn holds(&self, values: &[Option<&'static str>; 3]) -> bool {
        match self {
            Told::Is(is) => *is,
            Told::Variable(n) => values[*n].is_some(),
            Told::Equal(n, value) => values[*n] == Some(*value),
            Told::Not(inner) => !inner.holds(values),
            Told::All(all) => all.iter().all(|it| it.holds(values)),
            Told::Any(all) => all.iter().any(|it| it.holds(values)),
        }
    }
}

fn told() -> impl Strategy<Value = Told> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Told::Is),
        (0_usize..3).prop_map(Told::Variable),
        (0_usize..3, proptest::sample::select(&["a", "b"][..])).prop_map(|(n, value)| Told::Equal(n, value)),
    ];
    leaf.prop_recursive(6, 40, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|it| Told::Not(Box::new(it))),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Told::All),
            proptest::collection::vec(inner, 1..4).prop_map(Told::Any),
        ]
    })
}

proptest! {
    #[test]
    fn generated_conditions_are_decided_as_they_are_told(
        told in told(),
        values in proptest::array::uniform3(proptest::option::of(proptest::sample::select(&["a", "b"][..]))),
    ) {
        let facts: BTreeMap<String, Fact> = NAMES.iter().zip(values)
            .filter_map(|(name, value)| Some(((*name).to_owned(), Fact::Text(value?.to_owned())))).collect();
        let situation = Situation { facts, ..Situation::default() };
        let text = told.text();
        let condition = Reader::default().read(&text).expect("a condition");
        let env = Env::new();
        prop_assert_eq!(Judge::new(&situation, &env).holds(&condition), Ok(told.holds(&values)), "{}", text);
    }

    #[test]
    fn any_text_is_answered(text in "[a-z.()!=~|&\"'/ \\\\0-9\n]{0,60}") {
        let _ = decided(&text);
    }
}
