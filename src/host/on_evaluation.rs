//! Evaluations: begun at exactly one commit, cut off ones never taken for passed.

use crate::eval::score;
use crate::host::advance::{advance, checkpoint_message};
use crate::host::change::{Change, Step, Waiting};
use crate::host::effect::{Effect, EvaluationPlan, EvaluationTask, Merging, Ticket};
use crate::host::on_judge;
use crate::host::on_landing::gates_of;
use crate::host::port::Checkpoint;
use crate::model::Refusal;
use crate::model::command::{Command, OfSession, Outcome};
use crate::model::evaluation::{Evaluation, EvaluationState, EvaluatorResult, MergeResult, StartEvaluation, Suite};
use crate::model::event::Event;
use crate::model::id::{CommandId, EvaluationId, Oid, SessionId};
use crate::model::session::Session;
use crate::model::timeline::Mark;
use crate::model::worktree::WorktreeState;

/// What an evaluation begins with.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) suite: Suite,
    pub(crate) checkpoint: Checkpoint,
    /// The checkpoint's name in the timeline.
    pub(crate) name: String,
    pub(crate) base: Oid,
    /// What its landing would make, when that was asked for and is something else than the session has.
    pub(crate) merged: Option<MergeResult>,
}

/// Has what a session has now made ready to be judged.
pub(crate) fn on_start(change: &mut Change<'_>, command: &CommandId, request: &StartEvaluation) -> Result<(), Refusal> {
    let id = &request.session;
    let session = change.brain.registry.require(id)?;
    let name = &session.name;
    if session.worktree.state != WorktreeState::Ready {
        return Err(Refusal::conflict(format!("cannot evaluate '{name}': its worktree is not there"))
            .hint(format!("divisi show {name}")));
    }
    if session.turn.as_ref().is_some_and(|turn| turn.ended_at.is_none()) {
        return Err(Refusal::conflict(format!("cannot evaluate '{name}': its agent is at work"))
            .hint(format!("divisi wait {name}"))
            .hint(format!("divisi stop {name}")));
    }
    if let Some(running) = session.evaluations.running() {
        return Err(Refusal::conflict(format!("'{name}' is being evaluated ({})", running.id))
            .hint(format!("divisi wait {name}"))
            .hint(format!("divisi eval {name} --cancel")));
    }
    super::on_rewind::require_settled(session, "evaluate")?;
    let busy = [Step::Landing, Step::Removal, Step::Judging].iter().any(|step| change.brain.under_way(id, *step));
    if busy {
        return Err(Refusal::conflict(format!(
            "cannot evaluate '{name}': a landing, removal or evaluation of it begins"
        )));
    }
    let Some(from) = session.head.clone() else {
        return Err(Refusal::conflict(format!("cannot evaluate '{name}': its agent has not worked yet")));
    };
    let plan = EvaluationPlan {
        worktree: session.worktree.clone(),
        from,
        checkpoint_message: checkpoint_message(change, session),
        checkpoint_name: format!("c{}", session.marks.len() + 1),
        suite: request.suite.clone(),
        merged: request.merged.then(|| Merging { onto: request.onto.clone() }),
        gates: gates_of(change.brain, session),
    };
    let ticket = change.brain.wait(command, &Command::StartEvaluation(request.clone()));
    let plan = Box::new(plan);
    change.want_step(id, Step::Judging, || Effect::PrepareEvaluation { ticket, session: id.clone(), plan });
    Ok(())
}

/// Everything is there: evaluators run.
pub(crate) fn on_prepared(change: &mut Change<'_>, ticket: Ticket, id: &SessionId, result: Result<Prepared, Refusal>) {
    change.step_done(id, Step::Judging);
    let Some(Waiting { id: command, .. }) = change.brain.waiting.remove(&ticket) else { return };
    let Some(session) = change.brain.registry.sessions.get(id) else {
        return change.refuse(&command, Refusal::conflict("the session was removed meanwhile"));
    };
    let Prepared { suite, checkpoint, name, base, merged } = match result {
        Ok(prepared) => prepared,
        Err(refusal) => {
            let message = format!("cannot evaluate '{}': {}", session.name, refusal.message);
            change.refuse(&command, Refusal { message, ..refusal });
            return advance(change, id);
        }
    };
    let (worktree, number) = (session.worktree.clone(), session.evaluations.made + 1);
    let commit = checkpoint.head.clone();
    if checkpoint.commit.is_some() {
        let Checkpoint { head, stat, turn_stat: step, .. } = checkpoint;
        let mark = Mark { name, what: "before an evaluation".to_owned(), at: change.now, commit: head.clone(), step };
        change.emit(Some(id), Event::SessionCheckpointed { head, stat, mark: Some(mark) });
    }
    let evaluation = Evaluation {
        id: EvaluationId(format!("{id}.e{number}")),
        session: id.clone(),
        suite: suite.name.clone(),
        digest: suite.digest.clone(),
        commit: commit.clone(),
        base: base.clone(),
        merged: merged.clone(),
        started_at: change.now,
        ended_at: None,
        evaluators: u32::try_from(suite.evaluators.len()).unwrap_or(u32::MAX),
        results: Vec::new(),
        score: None,
        passed: false,
        state: EvaluationState::Running,
        notes: Vec::new(),
    };
    let made = evaluation.id.clone();
    let environment = change.brain.environment.clone();
    let is_merged = merged.is_some();
    let commit = merged.map_or(commit, |merged| merged.commit);
    let task = Box::new(EvaluationTask { id: made.clone(), suite, worktree, commit, base, is_merged, environment });
    change.emit(Some(id), Event::EvaluationStarted(Box::new(evaluation)));
    change.accept(&command, Some(id), Outcome::Evaluating { evaluation: made });
    change.want_step(id, Step::Evaluation, || Effect::Evaluate { session: id.clone(), task });
    advance(change, id);
}

/// Somebody wants it stopped.
pub(crate) fn on_cancel(change: &mut Change<'_>, command: &CommandId, request: &OfSession) -> Result<(), Refusal> {
    let id = &request.session;
    let session = change.brain.registry.require(id)?;
    let Some(running) = session.evaluations.running() else {
        return Err(Refusal::conflict(format!("'{}' is not being evaluated", session.name)));
    };
    let evaluation = running.id.clone();
    change.want(Effect::CancelEvaluation { evaluation });
    change.accept_done(command, Some(id));
    Ok(())
}

/// The evaluation that runs, if it is this one.
fn running<'a>(change: &'a Change<'_>, id: &SessionId, evaluation: &EvaluationId) -> Option<&'a Evaluation> {
    let session: &Session = change.brain.registry.sessions.get(id)?;
    session.evaluations.running().filter(|running| running.id == *evaluation)
}

/// An evaluator ended.
pub(crate) fn on_result(
    change: &mut Change<'_>,
    id: &SessionId,
    evaluation: &EvaluationId,
    mut result: Box<EvaluatorResult>,
) {
    on_judge::bill(change.brain, evaluation, &mut result);
    if running(change, id, evaluation).is_some() {
        change.emit(Some(id), Event::EvaluationResult { id: evaluation.clone(), result });
        on_judge::look(change, evaluation);
    }
}

/// All of them ended, or nothing more will come.
pub(crate) fn on_ended(
    change: &mut Change<'_>,
    id: &SessionId,
    evaluation: &EvaluationId,
    state: EvaluationState,
    notes: Vec<String>,
) {
    change.step_done(id, Step::Evaluation);
    end(change, id, evaluation, state, notes);
    advance(change, id);
}

fn end(change: &mut Change<'_>, id: &SessionId, evaluation: &EvaluationId, state: EvaluationState, notes: Vec<String>) {
    let Some(cut) = running(change, id, evaluation).cloned() else { return };
    for result in on_judge::unpaid(change.brain, &cut) {
        change.emit(Some(id), Event::EvaluationResult { id: evaluation.clone(), result: Box::new(result) });
    }
    change.brain.batches.asking.retain(|(of, _), _| of != evaluation);
    let Some(running) = running(change, id, evaluation) else { return };
    let score = score::total(&running.results);
    let passed = score::passed(&state, &running.results, running.evaluators);
    change.emit(Some(id), Event::EvaluationEnded { id: evaluation.clone(), state, score, passed, notes });
    on_evaluation_ended(change, id, evaluation);
}

/// The one place that hears of every evaluation's end, however it ended; `change` has it folded in.
fn on_evaluation_ended(change: &mut Change<'_>, id: &SessionId, evaluation: &EvaluationId) {
    tracing::debug!(%id, %evaluation, "an evaluation ended");
    on_judge::look(change, evaluation);
}

/// Sees to an evaluation that an earlier daemon began: what it had found is not known to be all, so it is cut off.
pub(crate) fn go_on(change: &mut Change<'_>, id: &SessionId) {
    if change.brain.under_way(id, Step::Evaluation) {
        return;
    }
    let Some(running) = change.brain.registry.sessions.get(id).and_then(|session| session.evaluations.running()) else {
        return;
    };
    let (evaluation, evaluators) = (running.id.clone(), running.evaluators);
    // It ends when nothing of it is left: a daemon that is killed while it clears leaves the rest to the next.
    let session = id.clone();
    change.want_step(id, Step::Evaluation, || Effect::ClearEvaluation { session, evaluation, evaluators });
}
