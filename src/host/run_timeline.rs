//! Carries out what timelines and comparisons need of git and the store; runs on blocking threads.

use std::collections::BTreeMap;

use crate::batch::fold;
use crate::host::on_combine::{Origin, start};
use crate::host::port::ResolvedBase;
use crate::host::run_batch;
use crate::host::run_effect::Ports;
use crate::host::timeline;
use crate::model::Refusal;
use crate::model::comparison::{Candidate, ComparedFile, Comparison};
use crate::model::contest::Contest;
use crate::model::diff::DiffRange;
use crate::model::id::{RunId, SessionId};
use crate::model::session::{Session, SessionView};
use crate::model::worktree::{Base, Worktree};

/// Finds where a new session begins.
pub(crate) fn resolve(ports: &Ports, repository: &str, origin: &Origin) -> Result<ResolvedBase, Refusal> {
    let (base, first): (&Base, _) = match origin {
        Origin::Checkpoint { session, wanted } => {
            let (name, commit) = timeline::find(ports.store.as_ref(), session, wanted.as_deref())?;
            (&session.worktree.base, start(commit, &format!("from {} at {name}", session.name)))
        }
        Origin::Parts { parts, base, start: what, message } => (base, start(ports.git.combine(parts, message)?, what)),
    };
    // What a person named may have moved or gone since; the commit has not.
    let mut resolved = ports.git.resolve_base(repository, Some(base.commit.as_str()))?;
    if let Origin::Checkpoint { session, .. } = origin
        && resolved.facts.common_dir != session.worktree.common_dir
    {
        return Err(Refusal::user(format!("'{}' is a session of another repository", session.name)));
    }
    resolved.base = base.clone();
    resolved.start = Some(first);
    Ok(resolved)
}

/// Keeps the names of checkpoints in the repository; the timeline has them even without, as long as the commits are there.
pub(crate) fn keep(ports: &Ports, worktree: &Worktree, name: &str, commit: &crate::model::id::Oid) {
    if let Err(refusal) = ports.git.keep_checkpoint(worktree, name, commit) {
        tracing::warn!(%refusal, name, "a checkpoint has no name in the repository");
    }
}

/// Keeps the names of all checkpoints of a session again, after its worktree was brought back.
pub(crate) fn keep_all(ports: &Ports, session: &Session) {
    match timeline::steps(ports.store.as_ref(), session) {
        Ok(steps) => {
            for step in steps {
                if let Some(commit) = &step.commit {
                    keep(ports, &session.worktree, &step.name, commit);
                }
            }
        }
        Err(refusal) => tracing::warn!(%refusal, "the checkpoints of a restored session have no names"),
    }
}

/// The range of a diff with checkpoints resolved to their commits.
pub(crate) fn resolve_range(ports: &Ports, session: &Session, range: &DiffRange) -> Result<DiffRange, Refusal> {
    let DiffRange::Checkpoints { from, to } = range else { return Ok(range.clone()) };
    let commit = |name: &str| timeline::find(ports.store.as_ref(), session, Some(name)).map(|(_, commit)| commit.0);
    Ok(DiffRange::Checkpoints { from: commit(from)?, to: to.as_deref().map(commit).transpose()? })
}

/// Puts sessions side by side.
pub(crate) fn compare(ports: &Ports, compared: &[(SessionView, Session)]) -> Result<Comparison, Refusal> {
    let mut candidates = Vec::new();
    let mut files: BTreeMap<String, Vec<Option<crate::model::diff::FileDiff>>> = BTreeMap::new();
    for (number, (view, session)) in compared.iter().enumerate() {
        let mut diff = ports.git.diff(&view.worktree, &DiffRange::Session, None, false)?;
        let turns = timeline::turns(ports.store.as_ref(), session)?;
        let lasted =
            |turn: &crate::model::turn::Turn| turn.ended_at.map_or(0, |ended| (ended - turn.started_at).max(0));
        candidates.push(Candidate {
            session: view.id.clone(),
            name: view.name.clone(),
            agent: view.agent.clone(),
            model: view.model.clone(),
            state: view.state,
            reason: view.reason.clone(),
            turns: view.turns,
            usage: view.usage.clone(),
            duration_ms: turns.iter().map(lasted).sum(),
            base: ports.git.grown_from(&view.worktree)?,
            stat: diff.stat,
            evaluation: view.evaluation.clone(),
            contest: view.run.as_ref().and_then(|run| contest(ports, run)),
        });
        for hunk in diff.files.iter_mut().flat_map(|file| file.hunks.iter_mut()) {
            hunk.decision = session.decisions.get(&hunk.id).copied();
        }
        for file in diff.files {
            let sides = files.entry(file.path.clone()).or_insert_with(|| vec![None; compared.len()]);
            sides[number] = Some(file);
        }
    }
    Ok(Comparison { candidates, files: files.into_iter().map(|(path, sides)| ComparedFile { path, sides }).collect() })
}

/// How the contest came out that a run was in. A batch that cannot be read says nothing.
fn contest(ports: &Ports, run: &RunId) -> Option<String> {
    let live = run_batch::stored(ports.store.as_ref(), &fold::batch_of_run(run)?).ok()?;
    let run = live.runs.iter().find(|known| known.id == *run)?;
    crate::batch::contest::of(&live.batch, run).map(Contest::sentence)
}

/// The ids of those that are named more than once.
pub(crate) fn repeated(ids: &[SessionId]) -> Option<&SessionId> {
    ids.iter().enumerate().find(|(at, id)| ids[..*at].contains(id)).map(|(_, id)| id)
}
