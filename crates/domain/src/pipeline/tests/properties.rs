//! What holds for every text, and for every pipeline.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

/// Words that mean something to the reader, so that trees look like pipelines.
const WORDS: [&str; 36] = [
    "steps",
    "command",
    "commands",
    "label",
    "key",
    "env",
    "agents",
    "queue",
    "wait",
    "block",
    "input",
    "trigger",
    "group",
    "type",
    "if",
    "branches",
    "depends_on",
    "step",
    "allow_failure",
    "parallelism",
    "matrix",
    "setup",
    "adjustments",
    "with",
    "skip",
    "soft_fail",
    "exit_status",
    "retry",
    "automatic",
    "manual",
    "plugins",
    "secrets",
    "fields",
    "text",
    "select",
    "options",
];

fn tree() -> impl Strategy<Value = Json> {
    let word = prop_oneof![4 => proptest::sample::select(&WORDS[..]).prop_map(str::to_owned), 1 => "[ -~]{0,6}"];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-2_i64..60).prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        word.clone().prop_map(Json::from),
        "[ -~]{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(8, 64, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            proptest::collection::vec((word.clone(), inner), 0..6)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

/// A pipeline of steps that wait for some of those before them, in groups or not, and how many jobs each comes to.
fn pipeline() -> impl Strategy<Value = (Json, Vec<usize>)> {
    let step = (0_u8..6, any::<proptest::sample::Index>(), 1_usize..5, 1_usize..4, any::<bool>());
    proptest::collection::vec(step, 1..20).prop_map(|steps| {
        let (mut all, mut jobs) = (Vec::new(), Vec::new());
        for (n, (kind, before, count, other, tells)) in steps.into_iter().enumerate() {
            let mut step = match kind {
                0 => json!({"wait": null}),
                1 => json!({"command": "x", "parallelism": count}),
                2 => {
                    let values = |n: usize| (0..n).map(|value| format!("v{value}")).collect::<Vec<_>>();
                    let with = json!({"a": "new", "b": "v0"});
                    json!({"command": "x {{matrix.a}}", "matrix": {"setup": {"a": values(count), "b": values(other)}, "adjustments": [{"with": with}]}})
                }
                3 => json!({"block": "b"}),
                4 => json!({"group": "g", "steps": [{"command": "m"}]}),
                _ => json!({"trigger": "other"}),
            };
            jobs.push(match kind {
                1 => count,
                2 => count * other + 1,
                _ => 0,
            });
            step["key"] = json!(format!("k{n}"));
            if tells && n > 0 {
                step["depends_on"] = json!([format!("k{}", before.index(n))]);
            }
            all.push(step);
        }
        (json!({"steps": all}), jobs)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn any_tree_is_answered(tree in tree()) {
        for root in [tree.clone(), json!([tree.clone()]), json!({"steps": [tree]}), json!({"steps": [{"command": "x", "matrix": tree}]})] {
            let from_json = Pipeline::from_json(&root).and_then(|pipeline| pipeline.plan(&situation()));
            let from_text = read_in(&root.to_string(), &situation());
            prop_assert_eq!(from_json.is_ok(), from_text.is_ok(), "{}: {:?}", root, from_text.err());
        }
    }

    #[test]
    fn a_plan_holds_together((pipeline, jobs) in pipeline()) {
        let plan = Pipeline::from_json(&pipeline).expect("a pipeline").plan(&Situation::default()).expect("a plan");
        let keys: Vec<&str> = plan.steps.iter().filter_map(|step| step.key.as_deref()).collect();
        for (index, step) in plan.steps.iter().enumerate() {
            for dependency in step.depends_on.iter().flatten() {
                prop_assert!(keys.contains(&dependency.step.as_str()));
            }
            if let Some(group) = step.group {
                prop_assert!(group < index && plan.steps[group].work == Work::Group);
            }
        }
        let top = plan.steps.iter().filter(|step| step.group.is_none());
        for (step, expected) in top.zip(jobs) {
            let found = if let Work::Command(work) = &step.work { work.jobs.len() } else { 0 };
            prop_assert_eq!(found, expected);
        }
    }
}
