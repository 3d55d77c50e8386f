//! Answering a block or an input: a page with what it asks, which also opens as a dialog.

use std::collections::BTreeMap;

use askama::Template;
use countersign_control::Error;
use countersign_control::access::actions::{UnblockStep, ViewBuilds};
use countersign_control::builds::Build;
use countersign_control::steps::{Answer as Given, StepRow};
use countersign_domain::graph::{Kind, StepState};
use countersign_domain::id::StepId;
use countersign_domain::plan::{Field as Asked, Question, Work};

use crate::failure::Failure;
use crate::form::{Faults, Posted};
use crate::frame::{self, Answer, Frame};
use crate::notice::{Notice, then};
use crate::parts::Choice;
use crate::visit::Visit;

use super::entries::submit_words;
use super::states;

#[derive(Template)]
#[template(path = "unblock.html")]
struct Page {
    frame: Frame,
    action: String,
    back: String,
    name: String,
    prompt: String,
    submit: String,
    problems: Vec<String>,
    fields: Vec<FieldRow>,
}

/// A thing to fill in. Its key is the pipeline's, so it is called by its number.
#[derive(Debug, Clone)]
struct FieldRow {
    id: String,
    label: String,
    hint: String,
    is_required: bool,
    is_multiple: bool,
    is_focused: bool,
    /// Whether what stands there has several lines.
    is_long: bool,
    /// The ids of what explains it and of what is wrong with it, as far as there are such.
    described_by: String,
    value: String,
    options: Vec<Choice>,
    error: Option<String>,
}

/// What a step asks.
struct Asking {
    build: Build,
    step: StepRow,
    question: Question,
}

fn id(number: usize) -> String {
    format!("field-{number}")
}

impl FieldRow {
    /// `written`: what was sent before, where that could not be taken.
    fn new(number: usize, it: &Asked, written: Option<&Posted>, faults: &Faults) -> Self {
        let id = id(number);
        // A text may have several lines; of what can be chosen, each line is one choice.
        let values: Vec<String> = match (written, &it.default) {
            (Some(form), _) => form.all(&id).map(str::to_owned).collect(),
            (None, Some(text)) if it.options.is_empty() => vec![text.clone()],
            (None, text) => text.iter().flat_map(|text| text.lines()).map(str::to_owned).collect(),
        };
        let label = it.label.clone().filter(|text| !text.is_empty()).unwrap_or_else(|| it.key.clone());
        let (error, is_first) = faults.of_field(&format!("fields.{}", it.key), &label);
        let mut options: Vec<Choice> = it
            .options
            .iter()
            .map(|option| Choice::new(option.value.clone(), option.label.clone(), values.contains(&option.value)))
            .collect();
        // Nobody is to have chosen what merely stood first.
        if !options.is_empty() && !it.multiple && (!it.required || !options.iter().any(|it| it.is_chosen)) {
            let words = if it.required { "Choose one" } else { "-" };
            options.insert(0, Choice::new("", words, !options.iter().any(|it| it.is_chosen)));
        }
        let hint = it.hint.clone().unwrap_or_default();
        let described = [(!hint.is_empty()).then_some("hint"), error.as_ref().map(|_| "error")];
        let described_by: Vec<String> = described.into_iter().flatten().map(|part| format!("{id}-{part}")).collect();
        let value = values.into_iter().next().unwrap_or_default();
        Self {
            id,
            label,
            hint,
            is_required: it.required,
            is_multiple: it.multiple,
            is_focused: is_first || (number == 0 && faults.is_empty()),
            is_long: value.contains('\n'),
            described_by: described_by.join(" "),
            value,
            options,
            error,
        }
    }
}

/// What was filled in, by the keys of the pipeline.
fn given(question: &Question, form: &Posted) -> Given {
    let fields: BTreeMap<String, String> = question
        .fields
        .iter()
        .enumerate()
        .map(|(number, field)| {
            let id = id(number);
            let values: Vec<&str> = form.all(&id).map(str::trim).filter(|value| !value.is_empty()).collect();
            // A form has its lines end as Windows has them.
            (field.key.clone(), values.join("\n").replace("\r\n", "\n"))
        })
        .collect();
    Given { fields }
}

async fn asking(visit: &Visit) -> Result<Asking, Failure> {
    let (control, build) = (visit.control(), visit.build().await?);
    let id: StepId = visit.param("step").parse().map_err(|_| Error::NotFound("step"))?;
    let step = control.step(&visit.may::<ViewBuilds>()?, id).await?;
    if step.build != build.id {
        return Err(Error::NotFound("step").into());
    }
    let text = control.step_text(&visit.may::<ViewBuilds>()?, id).await?;
    match text.work {
        Work::Block(question) | Work::Input(question) => Ok(Asking { build, step, question: *question }),
        _ => Err(Error::Conflict("The step is neither a block nor an input; it asks nobody.".to_owned()).into()),
    }
}

fn name(step: &StepRow) -> String {
    let said = step.label.clone().or_else(|| step.key.clone()).filter(|text| !text.is_empty());
    said.unwrap_or_else(|| states::kind(step.step.kind).to_owned())
}

fn page(visit: &Visit, it: &Asking, written: Option<&Posted>, faults: &Faults) -> Page {
    let known: Vec<String> = it.question.fields.iter().map(|field| format!("fields.{}", field.key)).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let fields = it.question.fields.iter().enumerate();
    let title = if it.step.step.kind == Kind::Input { "Answer" } else { "Unblock" };
    let frame = visit.build_frame(&it.build);
    let (build, back) = (frame.title.clone(), visit.build_path(&it.build, ""));
    Page {
        frame: Frame { title: title.to_owned(), ..frame }.crumb(build, back.clone()),
        action: visit.step_path(&it.build, it.step.id, "/unblock"),
        back,
        name: name(&it.step),
        prompt: it.question.prompt.clone().unwrap_or_default(),
        submit: submit_words(&it.question, it.step.step.kind),
        problems: faults.beside(&known),
        fields: fields.map(|(number, field)| FieldRow::new(number, field, written, faults)).collect(),
    }
}

/// The form. What was answered meanwhile leads back to the build.
pub(crate) async fn show(visit: Visit) -> Answer {
    visit.may::<UnblockStep>()?;
    let it = asking(&visit).await?;
    visit.offers_in(it.build.deployment).await?.must::<UnblockStep>()?;
    if it.step.step.state != StepState::Asking {
        return Ok(frame::to(&visit.build_path(&it.build, "")));
    }
    frame::show(&page(&visit, &it, None, &Faults::default()))
}

/// Answers.
pub(crate) async fn submit(visit: Visit, form: Posted) -> Answer {
    let grant = visit.may::<UnblockStep>()?;
    let it = asking(&visit).await?;
    match visit.control().unblock_step(&grant, it.step.id, given(&it.question, &form)).await {
        Ok(_) => Ok(then(&visit.site, &visit.build_path(&it.build, ""), Notice::StepUnblocked)),
        Err(error) => frame::again(&page(&visit, &it, Some(&form), &Faults::of(error)?)),
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::plan::{BlockedState, Choice as Offered};

    use crate::naughty::{TEXTS, assert_inert};
    use crate::seen::Seen;
    use crate::theme::Theme;

    use super::*;

    fn question(text: &str, multiple: bool, options: bool) -> Question {
        let some = || text.to_owned();
        let field = Asked {
            key: some(),
            label: Some(some()),
            hint: Some(some()),
            required: false,
            default: Some("b".to_owned()),
            format: None,
            options: if options { vec![Offered { label: some(), value: "b".to_owned() }] } else { Vec::new() },
            multiple,
        };
        Question {
            prompt: Some(some()),
            submit: Some(some()),
            fields: vec![field],
            blocked_state: BlockedState::Passed,
        }
    }

    fn shown(text: &str, question: &Question, faults: &Faults) -> String {
        let seen = Seen { is_safe: true, page: "/x".to_owned(), theme: Theme::System, notice: None };
        let fields = question.fields.iter().enumerate();
        let page = Page {
            frame: Frame::plain("Unblock", &seen),
            action: "/x".to_owned(),
            back: "/x".to_owned(),
            name: text.to_owned(),
            prompt: text.to_owned(),
            submit: text.to_owned(),
            problems: Vec::new(),
            fields: fields.map(|(number, field)| FieldRow::new(number, field, None, faults)).collect(),
        };
        page.render().expect("a page")
    }

    #[test]
    fn whatever_a_pipeline_asks_stays_text() {
        for text in TEXTS {
            for (multiple, options) in [(false, false), (false, true), (true, true)] {
                let faults = Faults::at(&format!("fields.{text}"), text);
                assert_inert(&shown(text, &question(text, multiple, options), &faults), text);
            }
        }
    }

    #[test]
    fn what_is_filled_in_goes_to_the_key_of_the_pipeline() {
        let form = Posted::of("field-0=a&field-0=+b+&field-1=x");
        assert_eq!(given(&question("release", true, true), &form).fields["release"], "a\nb");
        let html = shown("x", &question("release", true, true), &Faults::at("fields.release", "must be filled in"));
        assert!(html.contains("checked") && html.contains("release must be filled in."), "{html}");
        assert!(
            html.contains("aria-describedby=\"field-0-hint field-0-error\"") && html.contains("autofocus"),
            "{html}"
        );
    }

    #[test]
    fn nothing_is_chosen_that_nobody_chose() {
        let with = |default: Option<&str>, required: bool| {
            let mut question = question("x", false, true);
            let field = &mut question.fields[0];
            (field.default, field.required, field.hint) = (default.map(str::to_owned), required, None);
            shown("x", &question, &Faults::default())
        };
        assert!(with(None, true).contains("<option value=\"\" selected>Choose one</option>"));
        assert!(!with(Some("b"), true).contains("<option value=\"\""));
        assert!(with(Some("b"), false).contains("<option value=\"\">-</option>"));
        assert!(!with(None, true).contains("aria-describedby"), "nothing describes it");
    }

    #[test]
    fn a_text_of_several_lines_is_shown_whole() {
        let mut question = question("x", false, false);
        question.fields[0].default = Some("one\ntwo".to_owned());
        let html = shown("x", &question, &Faults::default());
        assert!(html.contains("<textarea") && html.contains("one\ntwo</textarea>"), "{html}");
    }
}
