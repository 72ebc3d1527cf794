//! Reading a plan: strictly, with every problem told at its place, before anything starts.

use std::collections::BTreeMap;

use crate::base::near::near;
use crate::base::yaml::{self, Node, Place, Problem, Problems, Value};
use crate::batch::expand::{self, MOST_RUNS};
use crate::batch::keys;
use crate::model::evaluation::{Evaluator, Limits, Protected, Suite};
use crate::model::id::BatchId;
use crate::model::plan::{
    Budget, Execution, ExportFormat, Keep, Metric, OnFailure, Plan, PlanAgent, PlanRepository, PlanTask, Selector,
};
use crate::model::secret::names_a_credential;

mod cases;
mod old;
mod part;
mod suites;
mod task;

use part::Part;

/// With how many runs all worktrees stay when the plan does not say.
const ALL_KEPT: usize = 20;

/// Reads a plan. `environment` is the one that was chosen.
///
/// # Errors
/// With everything that is wrong.
pub fn read(text: &str, environment: Option<&str>) -> Result<Plan, Vec<Problem>> {
    let mut problems = Problems::default();
    let Some(node) = yaml::parse(text, &mut problems) else { return Err(problems.into_sorted()) };
    let plan = if old::is_old(&node) {
        old::read(&node, environment, &mut problems)
    } else {
        plan(&node, environment, &mut problems)
    };
    match plan {
        Some(mut plan) if problems.is_empty() => {
            // How many runs there are is known once its cases are.
            if plan.tasks.iter().any(|task| task.cases.is_some()) {
                return Ok(plan);
            }
            let runs = count(&plan, node.at, &mut problems);
            if !problems.is_empty() {
                return Err(problems.into_sorted());
            }
            if plan.execution.keep == Keep::Failed && !says_keep(&node) && runs <= ALL_KEPT {
                plan.execution.keep = Keep::All;
            }
            Ok(plan)
        }
        _ => Err(problems.into_sorted()),
    }
}

/// How many runs a plan has whose cases are known; none or too many is told of.
fn count(plan: &Plan, at: Place, problems: &mut Problems) -> usize {
    let runs = expand::runs(plan, &BatchId(String::new())).len();
    if runs == 0 {
        problems.tell(at, "the plan has no runs: the matrix leaves no combination");
    }
    if runs > MOST_RUNS {
        problems.tell(at, format!("the plan has more than {MOST_RUNS} runs"));
    }
    runs
}

/// Checks what could not be checked before the cases of a plan's evaluations were known. `find` says where a name stands in the text.
///
/// Worktrees of attempts at cases that were resolved go, however few runs there are, unless the plan says otherwise: their
/// repositories are as large as what they were made from.
pub fn with_cases(plan: &Plan, find: &dyn Fn(&str) -> Place, problems: &mut Problems) {
    if plan.tasks.iter().all(|task| task.cases.is_none()) {
        return;
    }
    count(plan, Place { line: 1, column: 1 }, problems);
    cases::require_selectors(plan, find, problems);
}

fn says_keep(node: &Node) -> bool {
    let find = |node: &'_ Node, name: &str| -> Option<Node> {
        match &node.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node.clone()),
            _ => None,
        }
    };
    find(node, "execution").and_then(|execution| find(&execution, "keep")).is_some()
}

fn plan(node: &Node, environment: Option<&str>, problems: &mut Problems) -> Option<Plan> {
    let mut part = Part::of(node, &keys::PLAN, problems)?;
    part.number("version", problems);
    let (name, description) = match part.one("metadata", problems) {
        Some(mut metadata) => {
            let name = metadata.text("name", problems);
            let description = metadata.text("description", problems);
            metadata.finish(problems);
            (name, description)
        }
        None => (None, None),
    };
    let execution = execution(part.one("execution", problems), problems);
    let chosen = chosen_environment(&mut part, environment, problems);
    let agents: Vec<(Place, PlanAgent)> = part
        .many("agents", problems)
        .into_iter()
        .filter_map(|part| Some((part.at(), agent(part, &chosen, problems)?)))
        .collect();
    let mut tasks: Vec<(Place, PlanTask)> = part
        .many("tasks", problems)
        .into_iter()
        .filter_map(|part| Some((part.at(), task::read(part, problems)?)))
        .collect();
    let judge = part.one("judge", problems).and_then(|part| suites::judge(part, problems));
    suites::hand_on(judge, &mut tasks, problems);
    unique("agent", agents.iter().map(|(at, agent)| (*at, agent.id.as_str())), problems);
    unique("task", tasks.iter().map(|(at, task)| (*at, task.id.as_str())), problems);
    task::require_references(&tasks, &task::dependencies(node), problems);
    let (mut include, mut exclude) = (Vec::new(), Vec::new());
    if let Some(mut matrix) = part.one("matrix", problems) {
        let names = Names::of(&agents, &tasks);
        include = selectors(&mut matrix, "include", &names, problems);
        exclude = selectors(&mut matrix, "exclude", &names, problems);
        matrix.finish(problems);
    }
    let evaluators = suites::evaluators(&mut part, problems);
    let notes = suites::not_of_cases(part.node("evaluators").map(|node| node.at), &agents, &tasks);
    let restore = suites::restore(&mut part, problems);
    let prepare = suites::prepare(&mut part, problems);
    let protected = suites::protected(&mut part, problems);
    // What holds for every run is the plan's, also where only tasks and agents say what judges.
    let says = !evaluators.is_empty() || !restore.is_empty() || prepare.is_some() || !protected.is_usual();
    let suite = says.then(|| {
        let name = name.clone().unwrap_or_else(|| "batch".to_owned());
        Box::new(Suite { prepare, protected, ..suite(name, evaluators, restore) })
    });
    let land = part.node("land").map(|node| node.at);
    let land = land.filter(|_| part.word("land", problems) == Some("on_pass"));
    let (collection, exports) = metrics(part.one("metrics", problems), problems);
    part.finish(problems);
    let plan = Plan {
        name: name.unwrap_or_else(|| "batch".to_owned()),
        description: description.unwrap_or_default(),
        execution,
        agents: agents.into_iter().map(|(_, agent)| agent).collect(),
        tasks: tasks.into_iter().map(|(_, task)| task).collect(),
        suite,
        land: land.is_some(),
        include,
        exclude,
        collection,
        exports,
        notes,
    };
    suites::require_some(&plan, land, problems);
    Some(plan)
}

/// A suite of evaluators that stand in a plan. Its digest is the batch's to make.
fn suite(name: String, evaluators: Vec<Evaluator>, restore: Vec<String>) -> Suite {
    Suite {
        name,
        evaluators,
        restore,
        prepare: None,
        protected: Protected::default(),
        limits: Limits::default(),
        digest: String::new(),
    }
}

/// What there is when the plan says nothing.
fn usual() -> Execution {
    Execution {
        concurrency: 4,
        per_repository: None,
        timeout_sec: 1_800,
        max_attempts: 1,
        backoff_ms: 1_000,
        repeat: 1,
        budget: Budget::default(),
        on_failure: OnFailure::Continue,
        keep: Keep::Failed,
        seed: 0,
        min_memory_percent: 5,
        max_load_percent: 800,
        min_disk_mb: 100,
    }
}

fn execution(part: Option<Part<'_>>, problems: &mut Problems) -> Execution {
    let mut execution = usual();
    let Some(mut part) = part else { return execution };
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    if let Some(number) = part.number("concurrency", problems) {
        execution.concurrency = small(number);
    }
    execution.per_repository = part.number("per_repository", problems).map(small);
    if let Some(number) = part.number("timeout_sec", problems) {
        execution.timeout_sec = number;
    }
    if let Some(mut retry) = part.one("retry_policy", problems) {
        execution.max_attempts = retry.number("max_attempts", problems).map_or(1, small);
        execution.backoff_ms = retry.number("backoff_ms", problems).unwrap_or(execution.backoff_ms);
        retry.finish(problems);
    }
    if let Some(mut budget) = part.one("budget", problems) {
        execution.budget.usd_micros = budget.money("usd", problems);
        execution.budget.tokens = budget.number("tokens", problems);
        budget.finish(problems);
    }
    if part.word("on_failure", problems) == Some("stop") {
        execution.on_failure = OnFailure::Stop;
    }
    match part.word("keep", problems) {
        Some("all") => execution.keep = Keep::All,
        Some("none") => execution.keep = Keep::None,
        _ => {}
    }
    execution.repeat = part.number("repeat", problems).map_or(1, small);
    execution.seed = part.number("seed", problems).unwrap_or(0);
    if let Some(number) = part.number("min_memory_percent", problems) {
        execution.min_memory_percent = u8::try_from(number).unwrap_or(100);
    }
    if let Some(number) = part.number("max_load_percent", problems) {
        execution.max_load_percent = small(number);
    }
    if let Some(number) = part.number("min_disk_mb", problems) {
        execution.min_disk_mb = number;
    }
    part.finish(problems);
    execution
}

/// The environment that was chosen.
#[derive(Default)]
struct Chosen {
    amp_server_url: Option<String>,
    env: BTreeMap<String, String>,
}

fn chosen_environment(part: &mut Part<'_>, wanted: Option<&str>, problems: &mut Problems) -> Chosen {
    let mut chosen = Chosen::default();
    let named = part.named("environments", problems);
    let known: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
    if let Some(wanted) = wanted
        && !known.contains(&wanted)
    {
        let message = if known.is_empty() {
            format!("the plan has no environment '{wanted}': it has none")
        } else {
            format!("the plan has no environment '{wanted}': it has {}", known.join(", "))
        };
        problems.tell_with(part.at(), message, near(wanted, known.iter().copied()).first().copied());
    }
    for (name, mut environment) in named {
        let url = environment.text("amp_server_url", problems);
        let program = environment.node("amp_cli_path").map(|node| node.at);
        environment.text("amp_cli_path", problems);
        let env = environment.text_map("env", problems);
        refuse_credentials(&env, problems);
        environment.finish(problems);
        if wanted == Some(name) {
            if let Some(at) = program {
                problems.tell(
                    at,
                    "'amp_cli_path' cannot be used here: make a profile with 'program' in the configuration, and name it with 'profile' at the agent",
                );
            }
            chosen =
                Chosen { amp_server_url: url, env: env.into_iter().map(|(name, (_, value))| (name, value)).collect() };
        }
    }
    chosen
}

fn refuse_credentials(env: &BTreeMap<String, (Place, String)>, problems: &mut Problems) {
    for (name, (at, _)) in env.iter().filter(|(name, _)| names_a_credential(name)) {
        problems.tell(
            *at,
            format!("{name} names a credential, and what stands in a plan is stored: put it into a profile instead"),
        );
    }
}

fn agent(mut part: Part<'_>, chosen: &Chosen, problems: &mut Problems) -> Option<PlanAgent> {
    let id = part.id(problems);
    let agent = part.require_text("agent", problems);
    let mode = part.text("agent_mode", problems);
    let model = part.text("model_override", problems);
    let profile = part.text("profile", problems);
    let toolbox = part.node("toolbox_path").map(|node| node.at);
    let toolbox = toolbox.zip(part.text("toolbox_path", problems));
    let mcp_servers = part.node("mcp_servers").is_some().then(|| part.texts("mcp_servers", problems));
    let env = part.text_map("env", problems);
    refuse_credentials(&env, problems);
    let concurrency = part.number("concurrency", problems).map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    let timeout_sec = part.number("timeout_sec", problems);
    let evaluators = suites::evaluators(&mut part, problems);
    part.finish(problems);
    let mut environment = chosen.env.clone();
    let is_amp = agent.as_deref() == Some("amp");
    if let Some(url) = chosen.amp_server_url.clone().filter(|_| is_amp) {
        environment.insert("AMP_URL".to_owned(), url);
    }
    if let Some((at, path)) = toolbox {
        if is_amp {
            environment.insert("AMP_TOOLBOX".to_owned(), path);
        } else {
            problems.tell(at, "'toolbox_path' is something of the agent amp; other agents get tools by 'mcp_servers'");
        }
    }
    environment.extend(env.into_iter().map(|(name, (_, value))| (name, value)));
    let (id, agent) = (id?, agent?);
    Some(PlanAgent { id, agent, model, mode, profile, environment, mcp_servers, concurrency, timeout_sec, evaluators })
}

/// Tells of ids that are used twice.
fn unique<'a>(what: &str, ids: impl Iterator<Item = (Place, &'a str)>, problems: &mut Problems) {
    let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
    for (at, id) in ids {
        if let Some(first) = seen.get(id) {
            problems.tell(at, format!("the {what} '{id}' is there already, in line {}", first.line));
        } else {
            seen.insert(id, at);
        }
    }
}

/// What selectors can name.
struct Names {
    agents: Vec<String>,
    tasks: Vec<String>,
    prompts: Vec<String>,
    repositories: Vec<String>,
    /// There will be more prompts and repositories, of cases.
    open: bool,
}

impl Names {
    fn of(agents: &[(Place, PlanAgent)], tasks: &[(Place, PlanTask)]) -> Self {
        let all = tasks.iter().map(|(_, task)| task);
        Self {
            agents: agents.iter().map(|(_, agent)| agent.id.clone()).collect(),
            tasks: all.clone().map(|task| task.id.clone()).collect(),
            prompts: all.clone().flat_map(|task| &task.prompts).map(|prompt| prompt.id.clone()).collect(),
            repositories: all
                .flat_map(|task| &task.repositories)
                .map(|PlanRepository { path, .. }| path.clone())
                .collect(),
            open: tasks.iter().any(|(_, task)| task.cases.is_some()),
        }
    }
}

fn selectors(matrix: &mut Part<'_>, key: &'static str, names: &Names, problems: &mut Problems) -> Vec<Selector> {
    let mut selectors = Vec::new();
    for mut part in matrix.many(key, problems) {
        let at = part.at();
        let selector = Selector {
            agent: part.reference("agent", &names.agents, problems),
            task: part.reference("task", &names.tasks, problems),
            prompt: named(&mut part, "prompt", &names.prompts, names.open, problems),
            repository: named(&mut part, "repository", &names.repositories, names.open, problems),
        };
        part.finish(problems);
        if selector == Selector::default() {
            problems.tell(at, "a combination names at least one of agent, task, prompt, repository");
        }
        selectors.push(selector);
    }
    selectors
}

/// A name; where there will be more of its kind it is looked for once they are known.
fn named(
    part: &mut Part<'_>,
    key: &'static str,
    names: &[String],
    open: bool,
    problems: &mut Problems,
) -> Option<String> {
    if open { part.text(key, problems) } else { part.reference(key, names, problems) }
}

fn metrics(part: Option<Part<'_>>, problems: &mut Problems) -> (Vec<Metric>, Vec<ExportFormat>) {
    let Some(mut part) = part else { return (Vec::new(), Vec::new()) };
    let metric = |word: &str| match word {
        "avg_iterations" => Metric::AvgIterations,
        "token_usage" => Metric::TokenUsage,
        "cost_analysis" => Metric::CostAnalysis,
        "execution_time" => Metric::ExecutionTime,
        "tool_usage_stats" => Metric::ToolUsageStats,
        _ => Metric::SuccessRate,
    };
    let format = |word: &str| match word {
        "csv" => ExportFormat::Csv,
        "md" => ExportFormat::Md,
        "html" => ExportFormat::Html,
        _ => ExportFormat::Jsonl,
    };
    let collection = part.words("collection", problems).into_iter().map(metric).collect();
    let formats = part.words("export_formats", problems).into_iter().map(format).collect();
    part.finish(problems);
    (collection, formats)
}

#[cfg(test)]
mod tests;
