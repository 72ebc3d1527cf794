//! Reports of batches: gathered here, written by `batch::report`.

use std::collections::BTreeMap;

use crate::base::clock;
use crate::batch::report::{self, Report, ReportRun};
use crate::host::on_case;
use crate::host::port::{Store, Table};
use crate::host::run_batch::Snapshot;
use crate::host::run_effect::Ports;
use crate::model::agent::ToolCall;
use crate::model::bench::Excerpt;
use crate::model::id::{Oid, SessionId};
use crate::model::plan::{ExportFormat, PlanRepository};
use crate::model::{Event, Refusal};

/// Events of a session whose text is shown.
const LAST_EVENTS: u32 = 60;

/// A report.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn report(ports: &Ports, snapshot: &Snapshot, format: ExportFormat) -> Result<String, Refusal> {
    let detail = snapshot.detail();
    let runs = &snapshot.live.runs;
    let room = report::room_for_each(runs.len());
    let html = format == ExportFormat::Html;
    let mut diffs = if html { diffs(ports, snapshot, room / 2) } else { BTreeMap::new() };
    let mut gathered = Vec::new();
    for (run, view) in runs.iter().zip(&detail.runs) {
        let session = run.attempts.last().map(|attempt| &attempt.session);
        let store = ports.store.as_ref();
        gathered.push(ReportRun {
            run: run.clone(),
            spend: view.spend,
            tools: match session {
                Some(session) => tools(store, session)?,
                None => BTreeMap::new(),
            },
            diff: diffs.remove(&run.number).unwrap_or_default(),
            log: match session {
                Some(session) if html => log(store, session, room / 2)?,
                _ => String::new(),
            },
        });
        if html && let Some(run) = gathered.last_mut() {
            of_case(ports, snapshot, run, room / 2);
        }
    }
    let report = Report {
        batch: snapshot.live.batch.clone(),
        view: detail.view,
        runs: gathered,
        ranking: detail.ranking,
        statistics: detail.statistics,
        now: clock::now(),
    };
    Ok(report::write(&report, format))
}

/// What an attempt at a case made, and what its tests said: its repository is gone as soon as nobody needs it.
fn of_case(ports: &Ports, snapshot: &Snapshot, run: &mut ReportRun, room: usize) {
    let Some(attempt) = run.run.attempts.last().filter(|attempt| attempt.case.is_some()) else { return };
    let name = on_case::result_name(&run.run, attempt);
    let Excerpt { patch, said } = ports.cases.excerpt(&snapshot.live.batch.id, &name, room / 2);
    run.diff = patch;
    if !said.is_empty() {
        let from = run.log.len().saturating_sub(room / 2);
        let from = (from..=run.log.len()).find(|at| run.log.is_char_boundary(*at)).unwrap_or(0);
        run.log = format!("{}\n[the case's tests]\n{said}", &run.log[from..]);
    }
}

/// A run's number, with the newest commit of its attempt and the one it began with.
type Wanted = (u32, (Oid, Oid));

/// What the newest attempts changed, by their runs' numbers; one process per repository. A repository that is gone has none.
fn diffs(ports: &Ports, snapshot: &Snapshot, room: usize) -> BTreeMap<u32, String> {
    let mut wanted: BTreeMap<&str, Vec<Wanted>> = BTreeMap::new();
    let repositories = snapshot.live.batch.plan.tasks.iter().flat_map(|task| &task.repositories);
    let repositories: BTreeMap<&str, &PlanRepository> =
        repositories.map(|repository| (repository.path.as_str(), repository)).collect();
    for run in &snapshot.live.runs {
        let repository = repositories.get(run.repository.as_str());
        let head = run.attempts.last().and_then(|attempt| attempt.head.clone());
        if let (Some(repository), Some(head)) = (repository, head)
            && let Some(base) = repository.commit.clone()
        {
            wanted.entry(&repository.absolute).or_default().push((run.number, (head, base)));
        }
    }
    let mut diffs = BTreeMap::new();
    for (repository, changes) in wanted {
        let (numbers, changes): (Vec<u32>, Vec<(Oid, Oid)>) = changes.into_iter().unzip();
        match ports.git.patches(repository, &changes, room) {
            Ok(patches) => diffs.extend(numbers.into_iter().zip(patches)),
            Err(refusal) => tracing::warn!(%refusal, repository, "a report goes without diffs"),
        }
    }
    diffs
}

/// How often a session called tools, by their kinds.
fn tools(store: &dyn Store, session: &SessionId) -> Result<BTreeMap<String, u32>, Refusal> {
    let mut tools = BTreeMap::new();
    for row in store.rows_of(Table::ToolCalls, session)? {
        let call = row.doc.and_then(|doc| serde_json::from_str::<ToolCall>(&doc).ok());
        *tools.entry(call.map_or_else(|| "other".to_owned(), |call| call.kind)).or_default() += 1;
    }
    Ok(tools)
}

/// The end of what a session said.
fn log(store: &dyn Store, session: &SessionId, room: usize) -> Result<String, Refusal> {
    let after = store.before_last(session, LAST_EVENTS)?;
    let mut text = String::new();
    for envelope in store.events(after, Some(session), LAST_EVENTS as usize)? {
        match envelope.event {
            Event::AgentMessage { text: said, .. } | Event::AgentOutput { text: said, .. } => text.push_str(&said),
            Event::AgentNotice { text: said, .. } => {
                text.push_str(&said);
                text.push('\n');
            }
            _ => {}
        }
    }
    if text.len() <= room {
        return Ok(text);
    }
    let from = (text.len() - room..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    Ok(format!("[cut]\n{}", &text[from..]))
}
