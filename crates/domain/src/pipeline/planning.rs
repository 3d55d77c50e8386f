//! From a pipeline to a plan: conditions are decided, matrices and parallel jobs multiplied out, tokens filled in.

use super::{
    Env, MAX_DEPENDENCIES, MAX_ENV_VALUE, MAX_JOBS_BYTES, MAX_LABEL, Pipeline, PipelineError, agents,
    command::CommandStep,
    condition::Judge,
    graph::{self, Place},
    matrix::{self, Cell, Combination},
    step::{Step, Work as Written},
};
use crate::plan::{Dependency, Fact, Fate, Plan, PlannedJob, PlannedStep, Situation, Work};

impl Pipeline {
    /// What the pipeline comes to in this situation.
    ///
    /// # Errors
    /// [`PipelineError`] names a condition that cannot be decided, a dependency on nothing, a key that is taken, steps that wait
    /// for each other, or a limit that only shows once all is multiplied out.
    pub fn plan(&self, situation: &Situation) -> Result<Plan, PipelineError> {
        let branch = match situation.facts.get("build.branch") {
            Some(Fact::Text(branch)) => Some(branch.as_str()),
            _ => None,
        };
        let mut planning = Planning {
            judge: Judge::new(situation, &self.env),
            branch,
            steps: Vec::new(),
            places: Vec::new(),
            bytes: 0,
            dependencies: 0,
        };
        for (number, step) in (1..).zip(&self.steps) {
            planning.step(number, step).map_err(|error| error.of_step(number))?;
        }
        graph::check(&planning.steps, &planning.places, &situation.keys)?;
        Ok(Plan { env: self.env.clone(), steps: planning.steps })
    }
}

struct Planning<'a> {
    judge: Judge<'a>,
    branch: Option<&'a str>,
    steps: Vec<PlannedStep>,
    /// Where each of the steps was written.
    places: Vec<Place>,
    bytes: usize,
    dependencies: usize,
}

/// What a group says for its members.
struct Group<'s> {
    index: usize,
    step: &'s Step,
    fate: Fate,
    /// Whether a member waits for what the group waits for.
    begun: bool,
    /// Whether a wait or block stands between such a member and the next, so that it waits for it and thereby for the same.
    parted: bool,
}

impl Planning<'_> {
    fn step(&mut self, number: usize, step: &Step) -> Result<(), PipelineError> {
        let fate = self.fate(step, &Fate::Run)?;
        let Written::Group(members) = &step.work else { return self.add(number, step, fate, None) };
        let mut group = Group { index: self.steps.len(), step, fate: fate.clone(), begun: false, parted: false };
        self.add(number, step, fate, None)?;
        for (member, written) in (1..).zip(members) {
            let at_member = |error: PipelineError| PipelineError {
                problem: format!("member {member} of the group: {}", error.problem),
                ..error
            };
            let fate = self.fate(written, &group.fate).map_err(at_member)?;
            self.add(number, written, fate, Some(&mut group)).map_err(at_member)?;
        }
        Ok(())
    }

    /// Whether a step takes part, given what its group does.
    fn fate(&mut self, step: &Step, group: &Fate) -> Result<Fate, PipelineError> {
        if *group == Fate::Omitted {
            return Ok(Fate::Omitted);
        }
        if let Some(condition) = &step.condition
            && !self.judge.holds(condition).map_err(|problem| fault(step, format!("'if' {problem}")))?
        {
            return Ok(Fate::Omitted);
        }
        if step.branches.as_ref().is_some_and(|branches| !branches.take(self.branch)) {
            return Ok(Fate::Omitted);
        }
        Ok(step.skip.as_ref().map_or_else(|| group.clone(), |reason| Fate::Skipped(reason.clone())))
    }

    fn add(
        &mut self,
        number: usize,
        step: &Step,
        mut fate: Fate,
        group: Option<&mut Group<'_>>,
    ) -> Result<(), PipelineError> {
        let of_group = group.as_ref().map(|group| (group.index, group.step));
        let condition = step.condition.as_ref().or_else(|| of_group.and_then(|(_, group)| group.condition.as_ref()));
        let condition = condition.map(|condition| condition.text.to_string());
        self.count(step, condition.as_ref().map_or(0, String::len))?;
        let depends_on = match group {
            Some(group) => group.dependencies_of(step),
            None => step.depends_on.clone(),
        };
        self.dependencies += depends_on.as_ref().map_or(0, Vec::len);
        if self.dependencies > MAX_DEPENDENCIES {
            let problem = format!(
                "with it the steps have more than {MAX_DEPENDENCIES} dependencies, those of groups copied to their members"
            );
            return Err(fault(step, problem));
        }
        let work = match &step.work {
            Written::Command(command) => {
                let mut work = command.work.clone();
                work.jobs = self.jobs(step, command)?;
                if command.parallelism == Some(0) && fate == Fate::Run {
                    fate = Fate::Skipped("'parallelism' is 0".to_owned());
                }
                Work::Command(Box::new(work))
            }
            Written::Wait { continue_on_failure } => Work::Wait { continue_on_failure: *continue_on_failure },
            Written::Block(question) => Work::Block(question.clone()),
            Written::Input(question) => Work::Input(question.clone()),
            Written::Trigger(work) => Work::Trigger(work.clone()),
            Written::Group(_) => Work::Group,
        };
        self.places.push(Place { number, line: step.line });
        self.steps.push(PlannedStep {
            key: step.key.clone(),
            label: step.label.clone(),
            condition,
            group: of_group.map(|(index, _)| index),
            depends_on,
            allow_dependency_failure: step.allow_dependency_failure
                || of_group.is_some_and(|(_, group)| group.allow_dependency_failure),
            fate,
            work,
        });
        Ok(())
    }

    /// The jobs of a command step: at least one.
    fn jobs(&mut self, step: &Step, command: &CommandStep) -> Result<Vec<PlannedJob>, PipelineError> {
        if let Some(matrix) = &command.matrix {
            return matrix.cells().into_iter().map(|cell| self.job(step, command, cell, None)).collect();
        }
        let alone = || Cell { values: Combination::new(), skip: None, soft_fail: None };
        match command.parallelism {
            Some(count @ 1..) => {
                (0..count).map(|index| self.job(step, command, alone(), Some((index, count)))).collect()
            }
            _ => Ok(vec![self.job(step, command, alone(), None)?]),
        }
    }

    fn job(
        &mut self,
        step: &Step,
        written: &CommandStep,
        cell: Cell,
        parallel: Option<(u32, u32)>,
    ) -> Result<PlannedJob, PipelineError> {
        let fill = |text: &str| matrix::fill(text, &cell.values).map_err(|problem| fault(step, problem));
        let label = match &step.label {
            Some(label) => Some(number(fill(label)?, parallel)),
            None => None,
        };
        if label.as_ref().is_some_and(|label| label.chars().count() > MAX_LABEL) {
            return Err(fault(step, format!("'label' has more than {MAX_LABEL} characters once it is filled in")));
        }
        let command = fill(&written.command)?;
        let mut env = Env::new();
        for (name, value) in &written.env {
            let value = fill(value)?;
            if value.len() > MAX_ENV_VALUE {
                return Err(fault(
                    step,
                    format!("'{name}' in 'env' has more than {MAX_ENV_VALUE} bytes once it is filled in"),
                ));
            }
            env.insert(name.clone(), value);
        }
        let mut rules = agents::Rules::new();
        for (name, value) in &written.agents {
            rules.insert(fill(name)?, fill(value)?);
        }
        let queue = rules.remove("queue");
        if let Some(queue) = &queue {
            agents::check_queue(queue).map_err(|problem| fault(step, format!("'agents' {problem}")))?;
        }
        let plugins = match written.work.passed_on.get("plugins") {
            Some(plugins) if !cell.values.is_empty() => {
                let filled = matrix::fill_json(plugins, &cell.values).map_err(|problem| fault(step, problem))?;
                Some(filled).filter(|filled| filled != plugins)
            }
            _ => None,
        };
        let texts = |all: &std::collections::BTreeMap<String, String>| -> usize {
            all.iter().map(|(name, value)| name.len() + value.len()).sum()
        };
        let bytes = command.len() + label.as_ref().map_or(0, String::len) + texts(&env) + texts(&rules);
        self.count(step, bytes + plugins.as_ref().map_or(0, |plugins| plugins.to_string().len()))?;
        Ok(PlannedJob {
            label,
            command,
            env,
            rules,
            queue,
            parallel,
            matrix: cell.values,
            skip: cell.skip,
            plugins,
            soft_fail: cell.soft_fail,
        })
    }

    fn count(&mut self, step: &Step, bytes: usize) -> Result<(), PipelineError> {
        self.bytes += bytes;
        if self.bytes > MAX_JOBS_BYTES {
            let problem = format!(
                "with it the jobs have more than {MAX_JOBS_BYTES} bytes of commands, labels, variables and plugins"
            );
            return Err(fault(step, problem));
        }
        Ok(())
    }
}

impl Group<'_> {
    /// What a member waits for: what it says, and what its group says. Behind a wait or block it need not wait for the group's
    /// any more, and may go on to wait for what stands before it.
    fn dependencies_of(&mut self, member: &Step) -> Option<Vec<Dependency>> {
        let Some(of_group) = &self.step.depends_on else { return member.depends_on.clone() };
        let parts = matches!(member.work, Written::Wait { .. } | Written::Block(_));
        let waits_by_itself = member.depends_on.is_none() && (self.parted || (parts && self.begun));
        self.parted |= parts;
        self.begun = true;
        if waits_by_itself {
            return None;
        }
        let mut all = member.depends_on.clone().unwrap_or_default();
        for dependency in of_group {
            if !all.iter().any(|it| it.step == dependency.step) {
                all.push(dependency.clone());
            }
        }
        Some(all)
    }
}

fn fault(step: &Step, problem: impl Into<String>) -> PipelineError {
    PipelineError { step: None, line: step.line, problem: problem.into() }
}

/// `%n` is a job's number from 0, `%N` from 1, `%t` how many there are.
fn number(label: String, parallel: Option<(u32, u32)>) -> String {
    match parallel.filter(|_| label.contains('%')) {
        Some((index, count)) => numbered(&label, index, count),
        None => label,
    }
}

/// A label with the number of a parallel job, from 0, and how many there are, where it has tokens for them.
#[must_use]
pub fn numbered(label: &str, index: u32, count: u32) -> String {
    label.replace("%n", &index.to_string()).replace("%N", &(index + 1).to_string()).replace("%t", &count.to_string())
}
