//! Files of the archived amp-session-manager: its batches (`defaults` and a list `matrix`) and benchmarks (`suites`), as far as they map.

use std::collections::HashMap;

use super::usual;
use crate::base::yaml::{Fields, Node, Place, Problems, Value};
use crate::model::case::PlanCases;
use crate::model::evaluation::{Evaluator, EvaluatorKind, Suite};
use crate::model::plan::{Execution, Keep, Plan, PlanAgent, PlanPrompt, PlanRepository, PlanTask, Selector};

/// Whether this is such a file: it has no `agents`, and a list under `matrix` or `suites`.
pub(super) fn is_old(node: &Node) -> bool {
    let Value::Map(entries) = &node.value else { return false };
    let has = |name: &str| entries.iter().any(|(key, _)| key.name == name);
    let list = |name: &str| entries.iter().any(|(key, node)| key.name == name && matches!(node.value, Value::List(_)));
    !has("agents") && (list("matrix") || list("suites"))
}

/// What a file's defaults or one of its entries say; the camel case of batches and the snake case of benchmarks.
#[derive(Default, Clone)]
struct Entry {
    id: Option<String>,
    repo: Option<String>,
    prompt: Option<String>,
    follow_ups: Vec<String>,
    base: Option<String>,
    model: Option<String>,
    timeout_sec: Option<u64>,
    script: Option<(Place, String)>,
    land: Option<(Place, bool)>,
}

fn entry(node: &Node, what: &str, problems: &mut Problems) -> Option<Entry> {
    let mut fields = Fields::of(node, what, problems)?;
    let snake = fields.texts("follow_up_prompts", problems);
    let entry = Entry {
        script: None,
        land: None,
        id: fields.text("id", problems),
        repo: fields.text("repo", problems),
        prompt: fields.text("prompt", problems),
        follow_ups: if snake.is_empty() { fields.texts("followUpPrompts", problems) } else { snake },
        base: fields.text("baseBranch", problems).or_else(|| fields.text("base_branch", problems)),
        model: fields.text("model", problems),
        timeout_sec: fields
            .number("timeoutSec", 1..=604_800, problems)
            .or_else(|| fields.number("timeout_sec", 1..=604_800, problems)),
    };
    for key in ["base_branch", "timeout_sec", "followUpPrompts"] {
        fields.node(key);
    }
    // Logs are always kept, as events and in the journal.
    fields.flag("jsonLogs", problems);
    if fields.text("kind", problems).is_some_and(|kind| kind != "session") {
        problems.tell(fields.at(), format!("{what} is of a kind that has no counterpart here: only 'session' has"));
    }
    let mut entry = entry;
    for key in ["scriptCommand", "script_command"] {
        let at = fields.node(key).map(|node| node.at);
        entry.script = entry.script.or(at.zip(fields.text(key, problems)));
    }
    for key in ["mergeOnPass", "merge_on_pass"] {
        let at = fields.node(key).map(|node| node.at);
        entry.land = entry.land.or(at.zip(fields.flag(key, problems)));
    }
    for key in ["maxIterations", "max_iterations"] {
        if let Some(node) = fields.node(key) {
            problems.tell(node.at, format!("'{key}' has no counterpart here: limit runs with 'timeout_sec'"));
        }
    }
    fields.finish(problems);
    Some(entry)
}

pub(super) fn read(node: &Node, environment: Option<&str>, problems: &mut Problems) -> Option<Plan> {
    if let Some(environment) = environment {
        problems.tell(node.at, format!("there is no environment '{environment}' in a file of amp-session-manager"));
    }
    let mut fields = Fields::of(node, "the file", problems)?;
    let mut execution = Execution { keep: Keep::Failed, ..usual() };
    let mut notes = vec!["read as a file of amp-session-manager; write a plan with 'version: 3' for more".to_owned()];
    fields.number("version", 1..=2, problems);
    let name = fields.text("name", problems);
    let run_id = fields.text("runId", problems);
    let description = fields.text("description", problems).unwrap_or_default();
    if let Some(number) = fields.number("concurrency", 1..=1_000, problems) {
        execution.concurrency = u32::try_from(number).unwrap_or(u32::MAX);
        notes.push("concurrency -> execution.concurrency".to_owned());
    }
    let defaults = match fields.node("defaults") {
        Some(node) => entry(node, "'defaults'", problems).unwrap_or_default(),
        None => Entry::default(),
    };
    let models = models(&mut fields, problems);
    let mut entries: Vec<(&Node, Entry)> = Vec::new();
    let mut evaluations: Vec<(Place, PlanTask)> = Vec::new();
    if let Some(node) = fields.node("matrix") {
        notes.push("matrix -> one task for each entry, run by the agent amp".to_owned());
        entries.extend(
            node.items().iter().filter_map(|node| Some((node, entry(node, "an entry of 'matrix'", problems)?))),
        );
    }
    if let Some(node) = fields.node("suites") {
        notes.push("suites -> one task for each case, run by the agent amp".to_owned());
        for suite in node.items() {
            let Some(mut suite) = Fields::of(suite, "a suite", problems) else { continue };
            let id = suite.text("id", problems);
            suite.text("name", problems);
            suite.text("description", problems);
            if let Some(node) = suite.node("max_iterations") {
                problems.tell(node.at, "'max_iterations' has no counterpart here: limit runs with 'timeout_sec'");
            }
            if let Some(task) = of_cases(&mut suite, id, evaluations.len() + 1, problems) {
                evaluations.push(task);
            }
            if let Some(cases) = suite.node("cases") {
                entries.extend(cases.items().iter().filter_map(|node| Some((node, entry(node, "a case", problems)?))));
            }
            suite.finish(problems);
        }
    }
    fields.finish(problems);
    let (suite, land) = judged(&defaults, &entries, &mut notes, problems);
    let mut agents: Vec<PlanAgent> = Vec::new();
    let mut tasks = Vec::new();
    let mut include = Vec::new();
    for (index, (node, entry)) in entries.into_iter().enumerate() {
        let id = entry.id.clone().unwrap_or_else(|| format!("t{}", index + 1));
        super::part::require_id(&id, node.at, problems);
        let Some(repo) = entry.repo.or_else(|| defaults.repo.clone()) else {
            problems.tell(node.at, "an entry needs 'repo'");
            continue;
        };
        let Some(text) = entry.prompt.or_else(|| defaults.prompt.clone()) else {
            problems.tell(node.at, "an entry needs 'prompt'");
            continue;
        };
        for model in wanted(entry.model, &defaults, &models) {
            include.push(of_amp(&mut agents, model, &id, node.at, problems));
        }
        let base = entry.base.or_else(|| defaults.base.clone());
        tasks.push((
            node.at,
            PlanTask {
                id,
                prompts: vec![PlanPrompt {
                    id: "p1".to_owned(),
                    text,
                    file: None,
                    follow_ups: entry.follow_ups,
                    case: None,
                }],
                repositories: vec![PlanRepository { path: repo, base, absolute: String::new(), commit: None }],
                priority: 0,
                depends_on: Vec::new(),
                timeout_sec: entry.timeout_sec.or(defaults.timeout_sec),
                repeat: None,
                evaluators: Vec::new(),
                restore: Vec::new(),
                best_of: None,
                judge: None,
                cases: None,
            },
        ));
    }
    if !evaluations.is_empty() {
        notes.push("swebench_cases_dir -> a task of the type evaluation, run by the agent amp".to_owned());
    }
    for (at, task) in evaluations {
        for model in wanted(None, &defaults, &models) {
            include.push(of_amp(&mut agents, model, &task.id, at, problems));
        }
        tasks.push((at, PlanTask { timeout_sec: defaults.timeout_sec, ..task }));
    }
    super::unique("task", tasks.iter().map(|(at, task)| (*at, task.id.as_str())), problems);
    super::task::require_references(&tasks, &HashMap::new(), problems);
    Some(Plan {
        name: name.or(run_id).unwrap_or_else(|| "batch".to_owned()),
        description,
        execution,
        agents,
        tasks: tasks.into_iter().map(|(_, task)| task).collect(),
        suite,
        land,
        include,
        exclude: Vec::new(),
        collection: Vec::new(),
        exports: Vec::new(),
        notes,
    })
}

/// The cases of a suite that are files of a directory.
fn of_cases(
    suite: &mut Fields<'_>,
    id: Option<String>,
    number: usize,
    problems: &mut Problems,
) -> Option<(Place, PlanTask)> {
    let at = suite.node("swebench_cases_dir")?.at;
    let cases_dir = suite.text("swebench_cases_dir", problems)?;
    let id = id.unwrap_or_else(|| format!("suite{number}"));
    super::part::require_id(&id, at, problems);
    let cases = PlanCases { cases_dir: Some(cases_dir), places: vec![("cases_dir", at)], ..PlanCases::default() };
    Some((at, super::cases::task(id, cases)))
}

/// The models that work on something: its own, the one of the defaults, all of the file, or the agent's usual one.
fn wanted(own: Option<String>, defaults: &Entry, models: &[String]) -> Vec<Option<String>> {
    match own.or_else(|| defaults.model.clone()) {
        Some(model) => vec![Some(model)],
        None if models.is_empty() => vec![None],
        None => models.iter().cloned().map(Some).collect(),
    }
}

/// The combination of a task with the agent amp and a model, which is added where it is missing.
fn of_amp(
    agents: &mut Vec<PlanAgent>,
    model: Option<String>,
    task: &str,
    at: Place,
    problems: &mut Problems,
) -> Selector {
    let agent = model.clone().map_or_else(|| "amp".to_owned(), |model| format!("amp {model}"));
    if !agents.iter().any(|known| known.id == agent) {
        super::part::require_id(&agent, at, problems);
        agents.push(amp(&agent, model));
    }
    Selector { agent: Some(agent), task: Some(task.to_owned()), ..Selector::default() }
}

/// What judges the runs and whether they land: a plan has that once, so every entry has to say the same.
fn judged(
    defaults: &Entry,
    entries: &[(&Node, Entry)],
    notes: &mut Vec<String>,
    problems: &mut Problems,
) -> (Option<Box<Suite>>, bool) {
    let of = |entry: &Entry| {
        let script = entry.script.clone().or_else(|| defaults.script.clone()).map(|(_, command)| command);
        (script, entry.land.or(defaults.land).is_some_and(|(_, land)| land))
    };
    let Some((_, first)) = entries.first() else { return (None, false) };
    let (script, land) = of(first);
    for (node, entry) in entries {
        if of(entry) != (script.clone(), land) {
            let message = "the script and whether it is merged have to be the same for all entries here: a plan has its evaluators once";
            problems.tell(node.at, message);
        }
    }
    if land && script.is_none() {
        let at = first.land.or(defaults.land).map_or(entries[0].0.at, |(at, _)| at);
        problems.tell(at, "merging on pass needs a script that says what passes");
    }
    let suite = script.map(|command| {
        notes.push("scriptCommand -> an evaluator of the kind script".to_owned());
        let evaluator = Evaluator {
            id: "script".to_owned(),
            kind: EvaluatorKind::Script { command, format: None, report: None },
            weight: 1,
            required: true,
            timeout_sec: 600,
            minimum: None,
        };
        Box::new(super::suite("script".to_owned(), vec![evaluator], Vec::new()))
    });
    if land {
        notes.push("mergeOnPass -> land: on_pass".to_owned());
    }
    (suite, land)
}

/// The models of a benchmark: names with mappings that have a `name`.
fn models(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<String> {
    let Some(node) = fields.node("models") else { return Vec::new() };
    let mut models = Vec::new();
    for (key, node) in Fields::open(node, "'models'", problems) {
        let Some(mut model) = Fields::of(node, "a model", problems) else { continue };
        models.push(model.text("name", problems).unwrap_or_else(|| key.name.clone()));
        if let Some(node) = model.node("amp_args") {
            problems.tell(node.at, "'amp_args' has no counterpart here: make a profile in the configuration");
        }
        model.finish(problems);
    }
    models
}

fn amp(id: &str, model: Option<String>) -> PlanAgent {
    PlanAgent {
        id: id.to_owned(),
        agent: "amp".to_owned(),
        model,
        mode: None,
        profile: None,
        environment: std::collections::BTreeMap::new(),
        mcp_servers: None,
        concurrency: None,
        timeout_sec: None,
        evaluators: Vec::new(),
    }
}
