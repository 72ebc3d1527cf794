//! What the engine holds in memory: maps, and the fold of events into them. Decisions are elsewhere.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::batch::fold as batches;
use crate::host::mend::{self, Mends};
use crate::host::port::{DamagedRow, Row, Store, Table};
use crate::model::approval::{Approval, ApprovalState, Rule};
use crate::model::batch::{Batch, BatchState, Run};
use crate::model::command::Receipt;
use crate::model::contest::Contest;
use crate::model::event::{Cause, Envelope, Event};
use crate::model::id::{ApprovalId, BatchId, HunkId, JobId, Seq, SessionId};
use crate::model::job::Job;
use crate::model::session::{Session, SessionView};
use crate::model::{Refusal, command};
use crate::session::{fold, state};

/// Everything that is live.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// The newest event's number, committed or on its way.
    pub(crate) seq: Seq,
    /// Sessions that are not removed.
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    /// Open approvals.
    pub(crate) approvals: BTreeMap<ApprovalId, Approval>,
    /// Jobs that have not ended.
    pub(crate) jobs: BTreeMap<JobId, Job>,
    /// Remembered "always" answers.
    pub(crate) rules: Vec<Rule>,
    /// Trusted repository configurations: digest by common directory.
    pub(crate) trust: BTreeMap<String, String>,
    /// Names ever used, `<common directory>\n<name>`, with the sessions that have or had them.
    pub(crate) named: BTreeMap<String, SessionId>,
    /// Batches that have not ended.
    pub(crate) batches: BTreeMap<BatchId, LiveBatch>,
    /// What was found damaged when this was loaded.
    pub(crate) mends: Mends,
}

/// A batch with its runs, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveBatch {
    pub(crate) batch: Batch,
    pub(crate) runs: Vec<Run>,
}

impl LiveBatch {
    /// Brings what was read in any order into that of the numbers.
    pub(crate) fn sort(&mut self) {
        self.runs.sort_by_key(|run| run.number);
        self.batch.contests.sort_by_key(|contest| contest.number);
    }
}

impl Registry {
    /// Loads everything live from the store. What is damaged is made again from the events; a session for which that cannot be done is
    /// left out (see [`Mends`]), and everybody else goes on.
    ///
    /// # Errors
    /// When a table cannot be read at all.
    pub(crate) fn load(store: &dyn Store) -> Result<Self, Refusal> {
        let mut registry = Self { seq: store.head(), ..Self::default() };
        let mut damaged = Vec::new();
        for (key, session) in live::<Session>(store, Table::Sessions, &mut damaged)? {
            registry.sessions.insert(SessionId(key), session);
        }
        for (key, approval) in live::<Approval>(store, Table::Approvals, &mut damaged)? {
            registry.approvals.insert(ApprovalId(key), approval);
        }
        for (key, job) in live::<Job>(store, Table::Jobs, &mut damaged)? {
            registry.jobs.insert(JobId(key), job);
        }
        let rules = live::<Rule>(store, Table::Rules, &mut damaged)?;
        registry.rules = rules.into_iter().map(|(_, rule)| rule).collect();
        registry.trust = live::<String>(store, Table::Trust, &mut damaged)?.into_iter().collect();
        registry.named = live::<SessionId>(store, Table::Names, &mut damaged)?.into_iter().collect();
        for (key, batch) in live::<Batch>(store, Table::Batches, &mut damaged)? {
            registry.batches.insert(BatchId(key), LiveBatch { batch, runs: Vec::new() });
        }
        for (_, run) in live::<Run>(store, Table::Runs, &mut damaged)? {
            let batch = batches::batch_of_run(&run.id).and_then(|id| registry.batches.get_mut(&id));
            if let Some(live) = batch {
                live.runs.push(run);
            }
        }
        for (key, contest) in live::<Contest>(store, Table::Contests, &mut damaged)? {
            let batch = batches::batch_of_contest(&key).and_then(|id| registry.batches.get_mut(&id));
            if let Some(live) = batch {
                live.batch.take_contest(contest);
            }
        }
        for live in registry.batches.values_mut() {
            live.sort();
        }
        if !damaged.is_empty() {
            mend::mend(&mut registry, store, &damaged)?;
        }
        Ok(registry)
    }

    /// The key of a name in [`Registry::named`].
    pub(crate) fn name_key(common_dir: &str, name: &str) -> String {
        format!("{common_dir}\n{}", name.to_lowercase())
    }

    /// A session that exists and is not removed.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn require(&self, id: &SessionId) -> Result<&Session, Refusal> {
        self.sessions.get(id).ok_or_else(|| {
            if let Some(left) = self.mends.left_out.get(id) {
                return left.refusal();
            }
            Refusal::user(format!("there is no session {}", crate::base::text::visible_line(id.as_str(), 40)))
                .hint("divisi list")
        })
    }

    /// A session's open approvals, oldest first.
    pub(crate) fn open_approvals(&self, session: &SessionId) -> Vec<&Approval> {
        let mut open: Vec<_> = self.approvals.values().filter(|approval| &approval.session == session).collect();
        open.sort_by_key(|approval| approval.asked_at);
        open
    }

    /// A session as faces see it.
    pub(crate) fn view(&self, id: &SessionId) -> Option<SessionView> {
        let session = self.sessions.get(id)?;
        Some(state::view(session, &self.open_approvals(id)))
    }

    /// Folds an event in and says which rows it changes. The only place where live state changes.
    pub(crate) fn apply(&mut self, envelope: &Envelope) -> Vec<Row> {
        self.seq = envelope.seq;
        let mut rows = Vec::new();
        let session = envelope.session.as_ref();
        if let Event::SessionCreated(created) = &envelope.event {
            self.sessions.insert(created.id.clone(), (**created).clone());
            let key = Self::name_key(&created.worktree.common_dir, &created.name);
            rows.push(row(Table::Names, &key, session, true, &created.id));
            self.named.insert(key, created.id.clone());
        }
        if let Some(state) = session.and_then(|id| self.sessions.get_mut(id)) {
            fold::apply(state, &envelope.event, &envelope.cause, envelope.time);
            rows.extend(session_rows(state, &envelope.event));
        }
        self.apply_job(envelope, &mut rows);
        self.apply_approval(envelope, &mut rows);
        self.apply_batch(envelope, &mut rows);
        match &envelope.event {
            Event::RuleAdded(rule) => {
                rows.push(row(Table::Rules, &envelope.seq.to_string(), session, true, rule));
                self.rules.push(rule.clone());
            }
            Event::RepositoryTrusted { common_dir, digest } => {
                rows.push(row(Table::Trust, common_dir, None, true, digest));
                self.trust.insert(common_dir.clone(), digest.clone());
            }
            Event::CommandAccepted { id, outcome } => {
                if let Ok(outcome) = serde_json::from_value::<command::Outcome>(outcome.clone()) {
                    let receipt = Receipt { command: id.clone(), seq: envelope.seq, outcome };
                    rows.push(row(Table::Receipts, id.as_str(), session, false, &receipt));
                }
            }
            Event::HunkDecided { hunk, decision, patch, .. } => {
                if let Some(session) = session {
                    let doc = decision.and(patch.as_ref());
                    rows.push(Row {
                        table: Table::Patches,
                        key: patch_key(session, hunk),
                        session: Some(session.clone()),
                        live: false,
                        doc: doc.map(document),
                    });
                }
            }
            _ => {}
        }
        if matches!(envelope.event, Event::SessionRemoved { .. })
            && let Some(id) = session
        {
            self.sessions.remove(id);
            self.rules.retain(|rule| {
                &rule.session != id || rule.scope.reach == crate::model::approval::RuleReach::Repository
            });
        }
        rows
    }

    fn apply_job(&mut self, envelope: &Envelope, rows: &mut Vec<Row>) {
        let session = envelope.session.as_ref();
        let mut touched = None;
        match (&envelope.event, session) {
            (Event::JobIntended { job, turn, resume, chosen, terminal }, Some(owner)) => {
                let agent = self.sessions.get(owner).map(|session| session.agent.clone()).unwrap_or_default();
                let new = Job {
                    id: job.clone(),
                    session: owner.clone(),
                    turn: turn.clone(),
                    agent,
                    resume: resume.clone(),
                    chosen: chosen.clone(),
                    terminal: terminal.clone(),
                    ready: false,
                    offset: 0,
                    end: None,
                };
                self.jobs.insert(job.clone(), new);
                touched = Some(job.clone());
            }
            (Event::AgentReadied { .. }, Some(owner)) => {
                let job = self.sessions.get(owner).and_then(|session| session.job.clone());
                if let Some(known) = job.as_ref().and_then(|job| self.jobs.get_mut(job)) {
                    known.ready = true;
                    touched = job;
                }
            }
            (Event::JobEnded { job, end }, _) => {
                if let Some(known) = self.jobs.get_mut(job) {
                    known.end = Some(end.clone());
                    touched = Some(job.clone());
                }
            }
            _ => {}
        }
        if let Cause::Journal { job, offset } = &envelope.cause
            && let Some(known) = self.jobs.get_mut(job)
        {
            known.offset = known.offset.max(*offset);
            touched = Some(job.clone());
        }
        let Some(id) = touched else { return };
        let Some(job) = self.jobs.get(&id) else { return };
        let ended = job.end.is_some();
        rows.push(row(Table::Jobs, id.as_str(), Some(&job.session), !ended, job));
        if ended {
            self.jobs.remove(&id);
        }
    }

    fn apply_batch(&mut self, envelope: &Envelope, rows: &mut Vec<Row>) {
        if let Event::BatchCreated(new) = &envelope.event {
            let live = LiveBatch { batch: new.batch.clone(), runs: new.runs.clone() };
            rows.extend(batch_rows(&live));
            self.batches.insert(new.batch.id.clone(), live);
            return;
        }
        let Some(id) = batches::batch_of(&envelope.event) else { return };
        let Some(live) = self.batches.get_mut(&id) else { return };
        let before = live.batch.state == BatchState::Ended;
        let touched = batches::apply(&mut live.batch, &mut live.runs, &envelope.event, envelope.time);
        let ended = live.batch.state == BatchState::Ended;
        if before == ended {
            rows.extend(touched_rows(live, &touched));
        } else {
            rows.extend(batch_rows(live));
        }
        if live.batch.state == BatchState::Ended {
            self.batches.remove(&id);
        }
    }

    fn apply_approval(&mut self, envelope: &Envelope, rows: &mut Vec<Row>) {
        let (id, state) = match &envelope.event {
            Event::ApprovalRequested(approval) => {
                self.approvals.insert(approval.id.clone(), (**approval).clone());
                (approval.id.clone(), ApprovalState::Open)
            }
            Event::ApprovalAnswered { id, answer, option, by } => {
                (id.clone(), ApprovalState::Answered { answer: answer.clone(), option: option.clone(), by: by.clone() })
            }
            Event::ApprovalExpired { id, reason } => (id.clone(), ApprovalState::Expired { reason: reason.clone() }),
            _ => return,
        };
        let Some(approval) = self.approvals.get_mut(&id) else { return };
        approval.state = state;
        let open = approval.state == ApprovalState::Open;
        rows.push(row(Table::Approvals, id.as_str(), Some(&approval.session), open, approval));
        if !open {
            self.approvals.remove(&id);
        }
    }
}

/// The rows of a session that an event changes.
fn session_rows(session: &Session, event: &Event) -> Vec<Row> {
    let id = Some(&session.id);
    let mut rows = Vec::new();
    // Streamed text changes nothing that is stored in the session's own row but its last sign of life; the next event brings that.
    if !matches!(
        event,
        Event::AgentMessage { .. } | Event::AgentThought { .. } | Event::AgentOutput { .. } | Event::AgentRaw { .. }
    ) {
        rows.push(row(Table::Sessions, session.id.as_str(), id, !session.removed, session));
    }
    match event {
        Event::SessionCreated(_)
        | Event::WorktreeChanged { .. }
        | Event::SessionRemoved { .. }
        | Event::SessionRestored { .. } => {
            rows.push(row(Table::Worktrees, session.id.as_str(), id, !session.removed, &session.worktree));
        }
        Event::TurnStarted { .. }
        | Event::TurnStopped { .. }
        | Event::TurnEnded { .. }
        | Event::TurnStopRequested { .. } => {
            if let Some(turn) = &session.turn {
                rows.push(row(Table::Turns, turn.id.as_str(), id, false, turn));
            }
        }
        Event::AgentTool { turn, call } => {
            rows.push(row(Table::ToolCalls, &format!("{turn}/{}", call.id), id, false, call));
        }
        Event::UsageReported { turn, .. } => {
            rows.push(row(Table::Usage, session.id.as_str(), id, false, &session.usage));
            if let Some(newest) =
                session.turn.as_ref().filter(|newest| turn.as_ref().is_none_or(|turn| newest.id == *turn))
            {
                rows.push(row(Table::Usage, newest.id.as_str(), id, false, &newest.usage));
            }
        }
        Event::LandingStarted(_) | Event::LandingChanged { .. } => {
            if let Some(landing) = &session.landing {
                rows.push(row(Table::Landings, landing.id.as_str(), id, false, landing));
            }
        }
        _ => {}
    }
    rows
}

/// The rows of a batch, its runs and its contests.
fn batch_rows(live: &LiveBatch) -> Vec<Row> {
    let mut rows = vec![batch_row(live)];
    rows.extend(live.runs.iter().map(|run| run_row(run, live)));
    rows.extend(live.batch.contests.iter().map(|contest| contest_row(contest, live)));
    rows
}

/// The rows that an event changed, and no other: the plan in the batch's own is long.
fn touched_rows(live: &LiveBatch, touched: &batches::Touched) -> Vec<Row> {
    let contests = &live.batch.contests;
    let contest = touched.contest.and_then(|number| contests.iter().find(|contest| contest.number == number));
    let gone =
        touched.gone.map(|number| Row { doc: None, ..of_batch(Table::Contests, contest_key(live, number), live) });
    let batch = touched.batch.then(|| batch_row(live));
    let run = touched.run.and_then(|place| live.runs.get(place)).map(|run| run_row(run, live));
    let contest = contest.map(|contest| contest_row(contest, live));
    [batch, run, contest, gone].into_iter().flatten().collect()
}

fn batch_row(live: &LiveBatch) -> Row {
    row(Table::Batches, live.batch.id.as_str(), None, live.batch.state != BatchState::Ended, &live.batch)
}

fn run_row(run: &Run, live: &LiveBatch) -> Row {
    Row { doc: Some(document(run)), ..of_batch(Table::Runs, run.id.0.clone(), live) }
}

fn contest_row(contest: &Contest, live: &LiveBatch) -> Row {
    Row { doc: Some(document(contest)), ..of_batch(Table::Contests, contest_key(live, contest.number), live) }
}

fn contest_key(live: &LiveBatch, number: u32) -> String {
    format!("{}.c{number}", live.batch.id)
}

/// A row that belongs to a batch: its id stands where others have their session's.
fn of_batch(table: Table, key: String, live: &LiveBatch) -> Row {
    let session = Some(SessionId(live.batch.id.0.clone()));
    Row { table, key, session, live: live.batch.state != BatchState::Ended, doc: None }
}

/// The key of a rejected hunk's patch.
pub(crate) fn patch_key(session: &SessionId, hunk: &HunkId) -> String {
    format!("{session}/{hunk}")
}

fn row(table: Table, key: &str, session: Option<&SessionId>, live: bool, doc: &impl Serialize) -> Row {
    Row { table, key: key.to_owned(), session: session.cloned(), live, doc: Some(document(doc)) }
}

fn document(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the model's types have string keys and no failing serializers")
}

/// The intact documents of a table; the others are added to `damaged`.
fn live<T: serde::de::DeserializeOwned>(
    store: &dyn Store,
    table: Table,
    damaged: &mut Vec<(Table, DamagedRow)>,
) -> Result<Vec<(String, T)>, Refusal> {
    let found = store.live_rows(table)?;
    damaged.extend(found.damaged.into_iter().map(|row| (table, row)));
    let mut parsed = Vec::new();
    for row in found.rows {
        match serde_json::from_str(&row.doc.unwrap_or_default()) {
            Ok(value) => parsed.push((row.key, value)),
            Err(error) => {
                let what = format!("row {:?} of {table:?} cannot be understood: {error}", row.key);
                damaged.push((table, DamagedRow { key: Some(row.key), session: row.session, what }));
            }
        }
    }
    Ok(parsed)
}
