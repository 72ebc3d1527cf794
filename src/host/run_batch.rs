//! What batches need from outside: plans with the files they name, repositories, and what is stored of those that have ended.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::base::clock;
use crate::base::yaml::{self, Node, Place, Problem, Problems, Value};
use crate::batch::{expand, rank, read, statistics, suites, view};
use crate::eval::case::own;
use crate::host::on_batch::{Bases, PreparedBatch};
use crate::host::on_query::encode;
use crate::host::port::{FoundCase, FoundCases, Store, Table, Unfound};
use crate::host::registry::LiveBatch;
use crate::host::run_effect::Ports;
use crate::model::Refusal;
use crate::model::batch::{Batch, BatchDetail, BatchView, CheckPlan, CreateBatch, PlanCheck, Run, RunView, Spend};
use crate::model::bench::CheckCases;
use crate::model::id::{BatchId, SessionId};
use crate::model::plan::{Plan, PlanRepository};

mod agents;

pub(crate) use agents::Known;

/// Bytes of a prompt's file at most.
const LONGEST_PROMPT: u64 = 1024 * 1024;

/// Problems that a refusal names.
const SHOWN: usize = 8;

/// A batch with what its live sessions say: everything an answer needs.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) live: LiveBatch,
    /// Of runs that are under way, by their places: session name, activity, what is used so far.
    pub(crate) under_way: BTreeMap<usize, (String, Option<String>, Spend)>,
    pub(crate) held: Option<String>,
}

/// Reads a plan and everything it names.
pub(crate) fn prepare(
    ports: &Ports,
    known: &Known,
    request: &CreateBatch,
    id: BatchId,
) -> Result<PreparedBatch, Refusal> {
    let loaded = load(ports, known, &request.text, &request.path, request.environment.as_deref());
    let Loaded { mut plan, bases, cases, warnings } = loaded.map_err(|problems| refusal(&request.path, &problems))?;
    plan.notes.extend(warnings.into_iter().map(|warning| format!("line {}: {}", warning.line, warning.message)));
    if !cases.is_empty()
        && let Err(refusal) = ports.cases.keep(&id, &cases)
    {
        ports.cases.forget(&id);
        return Err(refusal);
    }
    let machine = ports.jobs.machine(&roots(&bases));
    Ok(PreparedBatch { id, plan, bases, machine })
}

/// Where worktrees of these repositories go.
pub(crate) fn roots(bases: &Bases) -> Vec<String> {
    bases.values().filter_map(|base| Some(base.as_ref().ok()?.facts.worktrees_root.clone())).collect()
}

fn refusal(path: &str, problems: &[Problem]) -> Refusal {
    let file = Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned());
    let mut lines: Vec<String> = problems.iter().take(SHOWN).map(|problem| format!("{file}:{problem}")).collect();
    if problems.len() > SHOWN {
        lines.push(format!("and {} more", problems.len() - SHOWN));
    }
    Refusal::user(format!("cannot start the batch, its plan is wrong:\n  {}", lines.join("\n  ")))
        .hint(format!("divisi batch check {file}"))
}

/// What is wrong with a plan.
pub(crate) fn check(ports: &Ports, known: &Known, request: &CheckPlan) -> PlanCheck {
    match load(ports, known, &request.text, &request.path, request.environment.as_deref()) {
        Ok(Loaded { plan, warnings, .. }) => PlanCheck {
            problems: Vec::new(),
            warnings,
            runs: u32::try_from(expand::runs(&plan, &BatchId(String::new())).len()).unwrap_or(u32::MAX),
            judged_by: suites::told(&plan, &|task, agent| expand::is_run(&plan, task, agent)),
            agents: started(&plan),
            notes: plan.notes,
            name: Some(plan.name),
        },
        Err(problems) => PlanCheck { problems, ..PlanCheck::default() },
    }
}

/// What is wrong with a suite of benchmark cases.
pub(crate) fn check_cases(request: &CheckCases) -> Vec<Problem> {
    let directory = Path::new(&request.path).parent().unwrap_or(Path::new("/"));
    let read = |name: &str| prompt_file(directory, name).map_err(|why| format!("cannot read '{name}': {why}"));
    own::cases(&request.text, &directory.to_string_lossy(), &read).err().unwrap_or_default()
}

/// Every agent that a plan starts, those that judge included, with its profile.
fn started(plan: &Plan) -> Vec<(String, Option<String>)> {
    let work = plan.agents.iter().map(|agent| (agent.agent.clone(), agent.profile.clone()));
    work.chain(suites::judges(plan).into_iter().map(|judge| (judge.agent.clone(), judge.profile.clone()))).collect()
}

/// A plan with everything it names.
struct Loaded {
    plan: Plan,
    bases: Bases,
    cases: Vec<FoundCase>,
    warnings: Vec<Problem>,
}

/// Reads a plan, its prompt files and cases, and looks its repositories and its agents up.
fn load(
    ports: &Ports,
    known: &Known,
    text: &str,
    path: &str,
    environment: Option<&str>,
) -> Result<Loaded, Vec<Problem>> {
    let mut plan = read::read(text, environment)?;
    if let Some(suite) = &mut plan.suite {
        suite.digest = suites::digest(suite);
    }
    let directory = Path::new(path).parent().unwrap_or(Path::new("/")).to_owned();
    let mut problems = Problems::default();
    for prompt in plan.tasks.iter_mut().flat_map(|task| &mut task.prompts) {
        let Some(file) = &prompt.file else { continue };
        match own_file(&directory, file) {
            Ok(text) => prompt.text = text,
            Err(why) => problems.tell(find(text, file), format!("cannot read the prompt file '{file}': {why}")),
        }
    }
    let cases = find_cases(ports, &mut plan, &directory, &mut problems);
    if problems.is_empty() {
        read::with_cases(&plan, &|name| find(text, name), &mut problems);
    }
    let mut bases = Bases::new();
    for repository in plan.tasks.iter_mut().flat_map(|task| &mut task.repositories) {
        let absolute = plain(&directory.join(&repository.path));
        repository.absolute = absolute.to_string_lossy().into_owned();
        if !bases.contains_key(&repository.path) {
            let resolved = ports.git.resolve_base(&repository.absolute, repository.base.as_deref());
            if let Err(refusal) = &resolved {
                let message = format!("the repository '{}': {}", repository.path, refusal.message);
                problems.tell(find(text, &repository.path), message);
            }
            bases.insert(repository.path.clone(), resolved);
        }
        if let Some(Ok(resolved)) = bases.get(&repository.path) {
            repository.commit = Some(resolved.base.commit.clone());
        }
    }
    let mut warnings = Problems::default();
    agents::look(ports.agents.as_ref(), known, (&plan, text), &bases, &mut problems, &mut warnings);
    if problems.is_empty() {
        Ok(Loaded { plan, bases, cases, warnings: warnings.into_sorted() })
    } else {
        Err(problems.into_sorted())
    }
}

/// The cases of a plan's evaluations, which become the prompts of their tasks.
fn find_cases(ports: &Ports, plan: &mut Plan, directory: &Path, problems: &mut Problems) -> Vec<FoundCase> {
    let mut all = Vec::new();
    for task in &mut plan.tasks {
        let Some(cases) = &mut task.cases else { continue };
        match ports.cases.find(&directory.to_string_lossy(), cases) {
            Ok(FoundCases { file, cases: found }) => {
                cases.file = file;
                task.prompts = found.iter().map(FoundCase::prompt).collect();
                all.extend(found);
            }
            // A file of cases may have several problems of its own, one on a line.
            Err(Unfound { key, message, near }) => {
                for line in message.lines() {
                    problems.tell_with(cases.place(key), line, near.as_deref());
                }
            }
        }
    }
    all
}

/// Where a value stands: the first text of the plan that is it.
fn find(text: &str, value: &str) -> Place {
    let mut open: Vec<Node> = yaml::parse(text, &mut Problems::default()).into_iter().collect();
    while let Some(node) = open.pop() {
        match node.value {
            Value::Plain(found) | Value::Quoted(found) if found == value => return node.at,
            Value::List(items) => open.extend(items.into_iter().rev()),
            Value::Map(entries) => open.extend(entries.into_iter().rev().map(|(_, node)| node)),
            Value::Plain(_) | Value::Quoted(_) | Value::Null => {}
        }
    }
    Place { line: 1, column: 1 }
}

/// A path without `.` and `..`, as far as that can be said without looking.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// Reads a prompt's file of a plan. It lies in the plan's folder, or at least in its repository: what it has goes to an agent's provider,
/// and a plan that somebody else wrote could name anything.
fn own_file(directory: &Path, file: &str) -> Result<String, String> {
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| error.to_string());
    let (directory, path) = (real(directory)?, real(&directory.join(file))?);
    let home = directory.ancestors().find(|place| place.join(".git").exists()).unwrap_or(&directory);
    if !path.starts_with(home) {
        return Err("it is outside the plan's folder and repository; copy it there".to_owned());
    }
    prompt_file(&directory, &path.to_string_lossy())
}

fn prompt_file(directory: &Path, file: &str) -> Result<String, String> {
    let path = plain(&directory.join(file));
    let found = fs::metadata(&path).map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("it is not a file".to_owned());
    }
    if found.len() > LONGEST_PROMPT {
        return Err("it is larger than 1 MiB".to_owned());
    }
    let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    if text.trim().is_empty() { Err("it is empty".to_owned()) } else { Ok(text) }
}

/// Looks repositories up again: every run begins at the commit that was found when the batch was created.
pub(crate) fn resolve(ports: &Ports, repositories: &[PlanRepository]) -> Bases {
    let mut bases = Bases::new();
    for repository in repositories {
        if bases.contains_key(&repository.path) {
            continue;
        }
        let resolved = ports.git.resolve_base(&repository.absolute, repository.base.as_deref());
        // What the branch was then may be gone from it by now; the commit is what counts.
        let resolved = match (resolved, &repository.commit) {
            (Ok(mut found), Some(commit)) => {
                found.base.commit = commit.clone();
                Ok(found)
            }
            (Err(_), Some(commit)) => ports.git.resolve_base(&repository.absolute, Some(commit.as_str())),
            (result, None) => result,
        };
        bases.insert(repository.path.clone(), resolved);
    }
    bases
}

/// Reads a batch that is stored.
pub(crate) fn stored(store: &dyn Store, id: &BatchId) -> Result<LiveBatch, Refusal> {
    let shown = crate::base::text::visible_line(id.as_str(), 40);
    let missing = || Refusal::user(format!("there is no batch {shown}")).hint("divisi batch list");
    let doc = store.row(Table::Batches, id.as_str())?.and_then(|row| row.doc).ok_or_else(missing)?;
    let unreadable = |error: serde_json::Error| Refusal::environment(format!("failed to read batch {shown}: {error}"));
    let mut batch: Batch = serde_json::from_str(&doc).map_err(unreadable)?;
    let mut runs = Vec::new();
    for row in store.rows_of(Table::Runs, &SessionId(id.0.clone()))? {
        let run: Run = serde_json::from_str(&row.doc.unwrap_or_default()).map_err(unreadable)?;
        runs.push(run);
    }
    for row in store.rows_of(Table::Contests, &SessionId(id.0.clone()))? {
        batch.take_contest(serde_json::from_str(&row.doc.unwrap_or_default()).map_err(unreadable)?);
    }
    let mut stored = LiveBatch { batch, runs };
    stored.sort();
    Ok(stored)
}

/// Batches that have ended, the newest first.
fn ended(store: &dyn Store) -> Result<Vec<Batch>, Refusal> {
    let rows = store.ended_rows(Table::Batches)?;
    for damaged in &rows.damaged {
        tracing::error!(what = damaged.what, "an ended batch cannot be read");
    }
    Ok(rows.rows.into_iter().filter_map(|row| serde_json::from_str(&row.doc?).ok()).collect())
}

/// The view of a batch that is stored: its sums were kept when it ended.
fn ended_view(batch: &Batch) -> BatchView {
    let mut view = view::view(batch, &[], &|_| Spend::default(), clock::now(), None);
    if let Some(summary) = batch.summary {
        (view.counts, view.spend) = (summary.counts, summary.spend);
    }
    view
}

/// All batches, the newest first.
pub(crate) fn list(ports: &Ports, live: &[Snapshot]) -> Result<serde_json::Value, Refusal> {
    let mut views: Vec<BatchView> = live.iter().map(Snapshot::view).collect();
    for batch in ended(ports.store.as_ref())? {
        if !views.iter().any(|view| view.id == batch.id) {
            views.push(ended_view(&batch));
        }
    }
    views.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)));
    encode(&views)
}

/// How often a batch is looked for that may just be on its way to the store, and how long apart.
const LOOKS: u32 = 20;
const APART: Duration = Duration::from_millis(10);

/// A batch by its id, a unique prefix of it, or its plan's name (the newest then). One that has just ended is not live any more, and
/// stored a moment later.
pub(crate) fn find_batch(ports: &Ports, live: &[Snapshot], wanted: &str) -> Result<Snapshot, Refusal> {
    let mut found = look_for(ports, live, wanted);
    for _ in 0..LOOKS {
        if found.is_ok() {
            break;
        }
        clock::pause(APART);
        found = look_for(ports, live, wanted);
    }
    found
}

fn look_for(ports: &Ports, live: &[Snapshot], wanted: &str) -> Result<Snapshot, Refusal> {
    if let Some(found) = live.iter().find(|snapshot| snapshot.live.batch.id.as_str() == wanted) {
        return Ok(found.clone());
    }
    let store = ports.store.as_ref();
    if let Ok(live) = stored(store, &BatchId(wanted.to_owned())) {
        return Ok(Snapshot { live, under_way: BTreeMap::new(), held: None });
    }
    let mut known: Vec<Batch> = live.iter().map(|snapshot| snapshot.live.batch.clone()).collect();
    known.extend(ended(store)?);
    known.sort_by_key(|batch| std::cmp::Reverse(batch.created_at));
    let by_prefix: Vec<&Batch> =
        known.iter().filter(|batch| wanted.len() >= 3 && batch.id.as_str().starts_with(wanted)).collect();
    let shown = crate::base::text::visible_line(wanted, 60);
    let found = match by_prefix[..] {
        [one] => one,
        [] => known
            .iter()
            .find(|batch| batch.plan.name == wanted)
            .ok_or_else(|| Refusal::user(format!("there is no batch '{shown}'")).hint("divisi batch list"))?,
        _ => {
            return Err(Refusal::user(format!("several batches begin with '{shown}'")).hint("divisi batch list"));
        }
    };
    match live.iter().find(|snapshot| snapshot.live.batch.id == found.id) {
        Some(snapshot) => Ok(snapshot.clone()),
        None => Ok(Snapshot { live: stored(store, &found.id)?, under_way: BTreeMap::new(), held: None }),
    }
}

impl Snapshot {
    fn view(&self) -> BatchView {
        let used = |place: usize| self.under_way.get(&place).map(|(_, _, spend)| *spend).unwrap_or_default();
        view::view(&self.live.batch, &self.live.runs, &used, clock::now(), self.held.as_deref())
    }

    /// The batch with its runs as faces see it.
    pub(crate) fn detail(&self) -> BatchDetail {
        let runs = self.live.runs.iter().enumerate().map(|(place, run)| {
            let now = self.under_way.get(&place);
            RunView {
                run: run.clone(),
                session_name: now.map(|(name, _, _)| name.clone()),
                activity: of_case(run).or_else(|| now.and_then(|(_, activity, _)| activity.clone())),
                spend: now.map_or_else(|| run.spent(), |(_, _, spend)| run.spent().plus(*spend)),
            }
        });
        BatchDetail {
            view: self.view(),
            runs: runs.collect(),
            ranking: rank::rank(&self.live.runs, &self.live.batch.contests),
            statistics: statistics::of(&self.live.batch, &self.live.runs),
        }
    }
}

/// What is done about the case that a run attempts, where that is not its agent's work.
fn of_case(run: &Run) -> Option<String> {
    run.current()?.case.as_ref()?.activity().map(str::to_owned)
}

/// The answer of `batch/export`.
pub(crate) fn text(text: &str) -> serde_json::Value {
    json!({ "text": text })
}

#[cfg(test)]
mod tests;
