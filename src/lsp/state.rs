//! What the daemon said, as far as this face shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::model::agent::AgentView;
use crate::model::approval::Approval;
use crate::model::batch::BatchDetail;
use crate::model::diff::Diff;
use crate::model::evaluation::Evaluation;
use crate::model::id::{ApprovalId, BatchId, RunId, SessionId};
use crate::model::landing::Preflight;
use crate::model::session::SessionView;
use crate::model::{Envelope, Event};
use crate::wire::kept::backend::Batch;

/// A session's changes, as they were asked for last.
#[derive(Debug, Default, Clone)]
pub struct Changes {
    /// Its diff against its base, with decisions.
    pub diff: Diff,
    /// What a landing would meet; absent where it could not be told.
    pub preflight: Option<Preflight>,
    /// The evaluation whose findings hold.
    pub evaluation: Option<Evaluation>,
    /// The newest evaluation, whatever became of it.
    pub newest: Option<Evaluation>,
}

/// The state of the world.
#[derive(Debug, Default)]
pub struct State {
    /// Every session that was not removed.
    pub sessions: BTreeMap<SessionId, SessionView>,
    /// Every open approval.
    pub approvals: BTreeMap<ApprovalId, Approval>,
    /// What sessions changed, for those that concern an open folder.
    pub changes: BTreeMap<SessionId, Changes>,
    /// Agents that are installed and take a prompt in words.
    pub agents: Vec<String>,
    /// Every agent of the catalog.
    pub catalog: Vec<AgentView>,
    /// What turns of a session changed, by their numbers; read only for hints.
    pub turns: BTreeMap<SessionId, BTreeMap<u32, Diff>>,
    /// Batches of plans in open folders: those that go on, and the newest of each plan.
    pub batches: BTreeMap<BatchId, BatchDetail>,
    /// Evaluations of runs that failed, by the session of their last attempt.
    pub judged: BTreeMap<SessionId, Evaluation>,
    /// Each session's newest evaluation, as far as it was heard of.
    pub evaluations: BTreeMap<SessionId, Evaluation>,
    /// Batches whose diagnostics somebody does not want to see any more.
    pub dismissed: BTreeSet<BatchId>,
    /// Plans and suites in open folders, with what each is: `plan`, `suite`.
    pub papers: BTreeMap<PathBuf, &'static str>,
    /// Whether a daemon is there.
    pub connected: bool,
}

/// What has to be asked anew after something happened.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stale {
    /// Sessions whose diff may have changed.
    pub diffs: BTreeSet<SessionId>,
    /// Sessions of which something was said.
    pub transcripts: BTreeSet<SessionId>,
    /// Batches of which something changed.
    pub batches: BTreeSet<BatchId>,
}

impl State {
    /// Everything as it is now. What a peer of another version says and this one does not understand is left out.
    pub fn snapshot(&mut self, sessions: Vec<Value>, approvals: Vec<Value>) -> Stale {
        self.connected = true;
        let sessions = sessions.into_iter().filter_map(|view| serde_json::from_value::<SessionView>(view).ok());
        self.sessions = sessions.filter(|view| !view.removed).map(|view| (view.id.clone(), view)).collect();
        let approvals = approvals.into_iter().filter_map(|approval| serde_json::from_value::<Approval>(approval).ok());
        self.approvals = approvals.map(|approval| (approval.id.clone(), approval)).collect();
        self.changes.retain(|session, _| self.sessions.contains_key(session));
        self.turns.retain(|session, _| self.sessions.contains_key(session));
        let all: BTreeSet<SessionId> = self.sessions.keys().cloned().collect();
        self.evaluations.retain(|session, _| self.sessions.contains_key(session));
        Stale { diffs: all.clone(), transcripts: all, batches: BTreeSet::new() }
    }

    /// What happened since.
    pub fn batch(&mut self, batch: Batch) -> Stale {
        let mut stale = Stale::default();
        for view in batch.sessions.into_iter().filter_map(|view| serde_json::from_value::<SessionView>(view).ok()) {
            if view.removed {
                self.forget(&view.id);
                continue;
            }
            let before = self.sessions.get(&view.id);
            if before.is_none_or(|before| before.stat != view.stat || before.worktree != view.worktree) {
                stale.diffs.insert(view.id.clone());
            }
            self.sessions.insert(view.id.clone(), view);
        }
        for envelope in batch.events.into_iter().filter_map(|event| serde_json::from_value::<Envelope>(event).ok()) {
            self.event(envelope, &mut stale);
        }
        stale
    }

    fn event(&mut self, envelope: Envelope, stale: &mut Stale) {
        let Envelope { session, event, .. } = envelope;
        stale.transcripts.extend(session.clone());
        match event {
            Event::ApprovalRequested(approval) => drop(self.approvals.insert(approval.id.clone(), *approval)),
            Event::ApprovalAnswered { id, .. } | Event::ApprovalExpired { id, .. } => drop(self.approvals.remove(&id)),
            Event::SessionRemoved { .. } => {
                if let Some(session) = session {
                    self.forget(&session);
                }
            }
            Event::BatchCreated(new) => drop(stale.batches.insert(new.batch.id.clone())),
            Event::BatchChanged(changed) => drop(stale.batches.insert(changed.batch)),
            Event::RunStarted(run) => stale.batches.extend(batch_of(&run.run)),
            Event::RunStopping(run) => stale.batches.extend(batch_of(&run.run)),
            Event::RunEnded(run) => stale.batches.extend(batch_of(&run.run)),
            Event::RunQueued(run) => stale.batches.extend(batch_of(&run.run)),
            Event::RunSettled(run) => stale.batches.extend(batch_of(&run.run)),
            Event::EvaluationStarted(evaluation) => {
                self.evaluations.insert(evaluation.session.clone(), *evaluation);
                stale.diffs.extend(session);
            }
            Event::EvaluationResult { id, result } => {
                let known = self.evaluations.values_mut().find(|known| known.id == id);
                if let Some(known) = known.filter(|known| !known.results.iter().any(|other| other.id == result.id)) {
                    known.results.push(*result);
                }
            }
            Event::EvaluationEnded { id, state, score, passed, .. } => {
                if let Some(known) = self.evaluations.values_mut().find(|known| known.id == id) {
                    (known.state, known.score, known.passed) = (state, score, passed);
                }
                stale.diffs.extend(session);
            }
            Event::SessionCheckpointed { .. }
            | Event::TurnEnded { .. }
            | Event::TurnStarted { .. }
            | Event::HunkDecided { .. }
            | Event::LandingChanged { .. } => stale.diffs.extend(session),
            _ => {}
        }
    }

    /// A session's newest evaluation was read; one that began since was heard of already.
    pub fn evaluated(&mut self, session: &SessionId, newest: Option<Evaluation>) {
        let Some(newest) = newest else { return };
        let known = self.evaluations.get(session);
        if known.is_none_or(|known| known.id == newest.id || known.started_at < newest.started_at) {
            self.evaluations.insert(session.clone(), newest);
        }
    }

    fn forget(&mut self, session: &SessionId) {
        self.sessions.remove(session);
        self.changes.remove(session);
        self.turns.remove(session);
        self.evaluations.remove(session);
        self.approvals.retain(|_, approval| approval.session != *session);
    }

    /// A session by its id, unique beginning of it, or name.
    pub fn find(&self, word: &str) -> Option<&SessionView> {
        let named = || self.sessions.values().find(|view| view.name == word);
        let exact = self.sessions.values().find(|view| view.id.0 == word);
        let mut beginning = self.sessions.values().filter(|view| !word.is_empty() && view.id.0.starts_with(word));
        exact.or_else(named).or_else(|| beginning.next().filter(|_| beginning.next().is_none()))
    }

    /// The session in whose worktree a path is.
    pub fn inhabitant(&self, path: &Path) -> Option<&SessionView> {
        self.sessions.values().find(|view| path.starts_with(&view.worktree.path))
    }

    /// Sessions of the repository that a path is in, by their main checkout; none for a path in a session's own worktree.
    pub fn of_repository<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = &'a SessionView> {
        let inside = self.inhabitant(path).is_some();
        self.sessions.values().filter(move |view| !inside && path.starts_with(&view.repository))
    }

    /// Whether a session concerns somebody who has these folders open.
    pub fn concerns(view: &SessionView, folders: &[PathBuf]) -> bool {
        folders.iter().any(|folder| {
            [&view.repository, &view.worktree.path]
                .iter()
                .any(|tree| folder.starts_with(tree) || Path::new(tree).starts_with(folder))
        })
    }

    /// A session's open approvals, the oldest first.
    pub fn waiting<'a>(&'a self, session: &'a SessionId) -> impl Iterator<Item = &'a Approval> {
        let mut waiting: Vec<&Approval> =
            self.approvals.values().filter(|approval| approval.session == *session).collect();
        waiting.sort_by_key(|approval| approval.asked_at);
        waiting.into_iter()
    }

    /// Sessions, those that need a person first.
    pub fn sorted(&self) -> Vec<&SessionView> {
        let mut sorted: Vec<&SessionView> = self.sessions.values().collect();
        sorted.sort_by_key(|view| (view.attention, std::cmp::Reverse(view.updated_at)));
        sorted
    }
}

/// The batch that a run is of.
fn batch_of(run: &RunId) -> Option<BatchId> {
    run.0.rsplit_once(".r").map(|(batch, _)| BatchId(batch.to_owned()))
}

#[cfg(test)]
mod tests;
