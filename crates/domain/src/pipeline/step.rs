//! One step: which kind it is, and what all kinds have in common.

use super::{
    MAX_JOBS_BYTES, MAX_KEY, MAX_LABEL, MAX_STEPS, PipelineError,
    agents::Rules,
    branches::Branches,
    command::{self, CommandStep},
    condition::{self, Condition},
    depends,
    fields::{Field, Fields},
    if_changed, passed_on, question,
    tree::{Node, Value},
    trigger,
};
use crate::plan::{Dependency, Question, TriggerWork};
use crate::text::shown;

/// A step as it was written, each field checked.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub line: Option<u64>,
    pub key: Option<String>,
    pub label: Option<String>,
    pub condition: Option<Condition>,
    pub branches: Option<Branches>,
    pub depends_on: Option<Vec<Dependency>>,
    pub allow_dependency_failure: bool,
    /// Why it is left out; an empty reason is one.
    pub skip: Option<String>,
    pub work: Work,
}

#[derive(Debug, Clone)]
pub(super) enum Work {
    Command(Box<CommandStep>),
    Wait { continue_on_failure: bool },
    Block(Box<Question>),
    Input(Box<Question>),
    Trigger(Box<TriggerWork>),
    Group(Vec<Step>),
}

/// What sort of step it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Command,
    Wait,
    Block,
    Input,
    Trigger,
    Group,
}

/// The names of each kind: as a step of one word, as a field, and as what `type` says.
const KINDS: [(Kind, &[&str]); 6] = [
    (Kind::Command, &["command", "commands", "plugins"]),
    (Kind::Wait, &["wait", "waiter"]),
    (Kind::Block, &["block", "manual"]),
    (Kind::Input, &["input"]),
    (Kind::Trigger, &["trigger"]),
    (Kind::Group, &["group"]),
];

/// Reads the steps of one pipeline, and counts.
pub(super) struct Reader {
    pub conditions: condition::Reader,
    /// What a command step has when it says nothing.
    pub defaults: Defaults,
    /// Most jobs of all its steps.
    pub most_jobs: usize,
    steps: usize,
    jobs: usize,
    /// Bytes that the defaults add to a step, and to all steps so far.
    default_bytes: (usize, usize),
}

/// What the pipeline says for all its command steps.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    pub agents: Rules,
    pub priority: i64,
    pub image: Option<serde_json::Value>,
    pub secrets: Option<serde_json::Value>,
    pub checkout: Option<serde_json::Value>,
}

impl Defaults {
    /// About as many bytes as they add to a step.
    fn bytes(&self) -> usize {
        let rules: usize = self.agents.iter().map(|(name, value)| name.len() + value.len()).sum();
        let passed_on = [&self.image, &self.secrets, &self.checkout].into_iter().flatten();
        rules + passed_on.map(|json| json.to_string().len()).sum::<usize>()
    }
}

impl Reader {
    pub fn new(defaults: Defaults, most_jobs: usize) -> Self {
        let default_bytes = (defaults.bytes(), 0);
        Self { conditions: condition::Reader::default(), defaults, most_jobs, steps: 0, jobs: 0, default_bytes }
    }

    /// Reads a list of steps; `group` says whose members they are.
    pub fn steps(&mut self, list: &[Node], group: bool) -> Result<Vec<Step>, PipelineError> {
        self.steps += list.len();
        if self.steps > MAX_STEPS {
            let problem = format!("has {} steps; at most {MAX_STEPS} are possible", self.steps);
            return Err(PipelineError::of_all(problem));
        }
        let mut steps = Vec::with_capacity(list.len());
        for (number, node) in (1..).zip(list) {
            let step = self.step(node, group).map_err(|error| match group {
                true => PipelineError { problem: format!("member {number} of the group: {}", error.problem), ..error },
                false => error.of_step(number),
            })?;
            steps.push(step);
        }
        Ok(steps)
    }

    /// Counts what the defaults add to a step.
    pub fn count_defaults(&mut self) -> Result<(), PipelineError> {
        self.default_bytes.1 += self.default_bytes.0;
        if self.default_bytes.1 > MAX_JOBS_BYTES {
            let problem =
                format!("says more for all steps than fits: with each step's copy more than {MAX_JOBS_BYTES} bytes");
            return Err(PipelineError::of_all(problem));
        }
        Ok(())
    }

    /// Counts the jobs of a step.
    pub fn count_jobs(&mut self, line: Option<u64>, jobs: usize) -> Result<(), PipelineError> {
        self.jobs += jobs;
        if self.jobs > self.most_jobs {
            let problem =
                format!("with it the pipeline has {} jobs; at most {} are possible", self.jobs, self.most_jobs);
            return Err(PipelineError { step: None, line, problem });
        }
        Ok(())
    }

    fn step(&mut self, node: &Node, in_group: bool) -> Result<Step, PipelineError> {
        let line = node.line;
        let (kind, mut fields) = match &node.value {
            Value::Map(_) => {
                let mut fields = Fields::needed(node, "it", "a map")?;
                (kind_of(&mut fields)?, fields)
            }
            Value::Text(word) => {
                let alone = [Kind::Wait, Kind::Block, Kind::Input];
                let kind = named(word).filter(|kind| alone.contains(kind));
                let unknown =
                    || format!("'{}' is not a step; write 'command: …', or 'wait', 'block' or 'input'", shown(word));
                (kind.ok_or_else(|| PipelineError::at(node, unknown()))?, Fields::none(line))
            }
            _ => return Err(PipelineError::at(node, "is not a map; write at least 'command: …'")),
        };
        if kind == Kind::Group && in_group {
            return Err(PipelineError {
                step: None,
                line,
                problem: "a group cannot hold another group; put its steps beside it".to_owned(),
            });
        }
        let key = fields.read(&["key", "id", "identifier"], read_key)?;
        let label = label(&mut fields, kind)?;
        let condition = fields
            .read(&["if"], |field| self.conditions.read(field.scalar()?).map_err(|problem| field.fault(problem)))?;
        let branches = if kind == Kind::Group { None } else { fields.read(&["branches"], read_branches)? };
        if condition.is_some() && branches.is_some() {
            let problem = "'if' and 'branches' cannot be used together; ask for build.branch in the 'if'".to_owned();
            return Err(PipelineError { step: None, line, problem });
        }
        let depends_on = fields.take(&["depends_on"])?.map(|field| depends::read(&field)).transpose()?;
        let allow_dependency_failure = fields.flag("allow_dependency_failure")?;
        let skip = if kind == Kind::Wait { None } else { fields.read(&["skip"], skip)?.flatten() };
        if matches!(kind, Kind::Command | Kind::Trigger | Kind::Group) {
            // Which files were changed, the one who uploads it knew; what still says so runs.
            fields.read(&[if_changed::NAME], if_changed::read)?;
        }
        let work = self.work(kind, node, &mut fields)?;
        fields.end("for this kind of step")?;
        Ok(Step { line, key, label, condition, branches, depends_on, allow_dependency_failure, skip, work })
    }

    fn work(&mut self, kind: Kind, node: &Node, fields: &mut Fields<'_>) -> Result<Work, PipelineError> {
        Ok(match kind {
            Kind::Command => Work::Command(Box::new(command::read(node, fields, self)?)),
            Kind::Wait => Work::Wait { continue_on_failure: fields.flag("continue_on_failure")? },
            Kind::Block => Work::Block(Box::new(question::read(fields)?)),
            Kind::Input => Work::Input(Box::new(question::read(fields)?)),
            Kind::Trigger => {
                self.count_jobs(fields.line, 1)?;
                Work::Trigger(Box::new(trigger::read(fields)?))
            }
            Kind::Group => {
                // A group announces nothing by itself; its steps do.
                fields.read(&["notify"], passed_on::list)?;
                let line = fields.line;
                let members = fields.take(&["steps"])?;
                let members = match members.as_ref().map(|field| &field.node.value) {
                    Some(Value::List(list)) if !list.is_empty() => self.steps(list, true)?,
                    _ => {
                        let problem = "a group needs 'steps': a list of at least one step".to_owned();
                        return Err(PipelineError { step: None, line, problem });
                    }
                };
                Work::Group(members)
            }
        })
    }
}

/// The kind that a word names.
fn named(word: &str) -> Option<Kind> {
    KINDS.iter().find(|(_, names)| names.contains(&word)).map(|(kind, _)| *kind)
}

/// What `type` says, or else the field that only one kind has.
pub(super) fn kind_of(fields: &mut Fields<'_>) -> Result<Kind, PipelineError> {
    let by_type = fields.read(&["type"], |field| {
        let word = field.scalar()?;
        let kind = if word == "script" {
            Some(Kind::Command)
        } else {
            named(word).filter(|_| word != "commands" && word != "plugins")
        };
        kind.ok_or_else(|| field.fault("is none of 'command', 'wait', 'block', 'input', 'trigger' and 'group'"))
    })?;
    let by_field = || KINDS.iter().find(|(_, names)| names.iter().any(|name| fields.has(name))).map(|(kind, _)| *kind);
    by_type.or_else(by_field).ok_or_else(|| {
        let names: Vec<String> = fields.names().take(3).map(|name| format!("'{}'", shown(name))).collect();
        let beside = if names.is_empty() { String::new() } else { format!(" beside {}", names.join(", ")) };
        let problem = format!("has no 'command'{beside}, and no 'wait', 'block', 'input', 'trigger' or 'group' either");
        PipelineError { step: None, line: fields.line, problem }
    })
}

/// What people call it: the value of the kind's own field where that is a label, or `label`.
fn label(fields: &mut Fields<'_>, kind: Kind) -> Result<Option<String>, PipelineError> {
    let own: &[&str] = match kind {
        Kind::Command | Kind::Trigger => &[],
        Kind::Wait => &["wait", "waiter"],
        Kind::Block => &["block", "manual"],
        Kind::Input => &["input"],
        Kind::Group => &["group"],
    };
    let own_label = fields.line_of_text(own, MAX_LABEL)?;
    let line = fields.line;
    let label = fields.line_of_text(&["label", "name"], MAX_LABEL)?;
    match (own_label, label) {
        (Some(one), Some(other)) if one != other => {
            let problem = format!("'{}' and 'label' name it differently; keep one", own.first().unwrap_or(&"name"));
            Err(PipelineError { step: None, line, problem })
        }
        (own, label) => Ok(own.or(label)),
    }
}

fn read_key(field: &Field<'_>) -> Result<String, PipelineError> {
    let key = field.scalar()?;
    let takes = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.');
    if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(takes) {
        return Err(field.fault(format_args!("is not 1 to {MAX_KEY} letters, digits, '-', '_', ':' and '.'")));
    }
    // Where a step may be named by key or by id, the two must not be mistaken for each other.
    if uuid::Uuid::try_parse(key).is_ok() {
        return Err(field.fault("looks like a UUID; choose another"));
    }
    Ok(key.to_owned())
}

fn read_branches(field: &Field<'_>) -> Result<Branches, PipelineError> {
    let patterns: Option<Vec<&str>> = field.items().iter().map(Node::scalar).collect();
    let patterns = patterns.ok_or_else(|| field.fault("is neither a text nor a list of texts"))?;
    Ok(Branches::parse(patterns))
}

/// Reads `skip`: true, or a reason; `None` for false and for an empty reason.
pub(super) fn skip(field: &Field<'_>) -> Result<Option<String>, PipelineError> {
    match field.node.flag() {
        Some(skipped) => Ok(skipped.then(String::new)),
        None => field.line_of_text(MAX_LABEL),
    }
}
