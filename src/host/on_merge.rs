//! The merge queue of batches: what passed lands one after the other in a repository, judged as it will be on the target.

use crate::base::text::visible_line;
use crate::batch::contest;
use crate::host::change::{Brain, Change, Step};
use crate::host::on_run::inner;
use crate::host::registry::LiveBatch;
use crate::host::{on_evaluation, on_landing};
use crate::model::batch::Run;
use crate::model::command::StartLanding;
use crate::model::diff::DiffStat;
use crate::model::evaluation::{Evaluation, EvaluationState, EvaluatorOutcome, StartEvaluation, SuiteFrom};
use crate::model::id::SessionId;
use crate::model::landing::LandingState;
use crate::model::session::Session;

/// How often what a landing would make is judged, while others move its target, before that is given up.
const MOST_MERGED: usize = 8;

/// How far the landing of a session that passed is.
pub(crate) enum Landed {
    /// It is not over.
    UnderWay,
    /// It landed, or there is nothing to land.
    Done,
    /// It did not, and why.
    Not(String),
}

/// Whether an evaluation is of a session's commit as it is now, by the suite with this digest.
pub(crate) fn is_of_head(one: &Evaluation, session: &Session, digest: &str) -> bool {
    one.digest == digest && Some(&one.commit) == session.head.as_ref()
}

/// What the session's commit was found to be worth alone; what a landing would make of it is [`land`]'s to see to.
pub(crate) fn alone<'a>(session: &'a Session, digest: &str) -> Option<&'a Evaluation> {
    let mut of_head = session.evaluations.kept.iter().rev().filter(|one| is_of_head(one, session, digest));
    of_head.find(|one| one.merged.is_none()).filter(|one| one.state == EvaluationState::Done)
}

/// Whether a run has done its work and passed, and only waits to be landed, or is being landed.
pub(crate) fn is_landing(brain: &Brain, live: &LiveBatch, run: &Run) -> bool {
    let session = run.current().and_then(|attempt| brain.registry.sessions.get(&attempt.session));
    let passed = |session: &Session| {
        let gates = session.evaluations.gates.as_ref();
        gates.and_then(|gates| alone(session, &gates.digest)).is_some_and(|one| one.passed)
    };
    live.batch.plan.land && !contest::competes(&live.batch, run) && session.is_some_and(passed)
}

/// Goes on with landing what passed. One after the other in a repository, as a merge queue does: what lands is judged as it will be on the
/// target, so somebody who lands in the meantime would make that worthless.
pub(crate) fn land(change: &mut Change<'_>, session: &Session) -> Landed {
    let judging = [Step::Judging, Step::Evaluation].iter().any(|step| change.brain.under_way(&session.id, *step));
    if judging || session.evaluations.running().is_some() {
        return Landed::UnderWay;
    }
    if let Some(failed) = merged_at_head(session).last().filter(|one| one.state == EvaluationState::Done && !one.passed)
    {
        let onto = failed.merged.as_ref().map_or("", |merged| merged.onto.as_str());
        let onto = onto.strip_prefix("refs/heads/").unwrap_or(onto);
        return Landed::Not(format!(
            "together with what is on {onto} now it does not pass: {}",
            missed(failed).join(", ")
        ));
    }
    if let Some(asks) = asks(session) {
        let next = format!("divisi diff {0}, then: divisi land {0}", session.name);
        return Landed::Not(format!("{asks}: a person has to look at it ({next})"));
    }
    let landed = session.landing.as_ref().filter(|landing| Some(&landing.head) == session.head.as_ref());
    match landed.map(|landing| &landing.state) {
        Some(LandingState::Completed { .. }) => Landed::Done,
        Some(LandingState::Conflicted { paths }) => Landed::Not(format!("conflicts in {}", paths.join(", "))),
        Some(LandingState::Failed { reason }) => Landed::Not(reason.clone()),
        Some(LandingState::Aborted) => Landed::Not("the landing was given up".to_owned()),
        Some(LandingState::Started) => Landed::UnderWay,
        None if session.stat == DiffStat::default() => Landed::Done,
        None if change.brain.under_way(&session.id, Step::Landing) => Landed::UnderWay,
        None if !change.brain.batches.take_lane(&session.worktree.common_dir, &session.id) => Landed::UnderWay,
        None => {
            let request = StartLanding {
                session: session.id.clone(),
                strategy: None,
                onto: None,
                message: None,
                expect: session.head.clone(),
                skip_gates: false,
            };
            let id = inner(&session.id, "land", session.landings);
            match on_landing::on_start(change, &id, &request) {
                Ok(()) => Landed::UnderWay,
                Err(refusal) => Landed::Not(refusal.message),
            }
        }
    }
}

/// What a person has to look at before a session's commit lands.
fn asks(session: &Session) -> Option<String> {
    let digest = session.evaluations.gates.as_ref().map(|gates| &gates.digest);
    let here = |one: &&Evaluation| Some(&one.commit) == session.head.as_ref() && Some(&one.digest) == digest;
    session.evaluations.kept.iter().filter(here).find_map(Evaluation::asks).map(|asks| visible_line(asks, 400))
}

/// Evaluations of what landing a session's commit would make.
fn merged_at_head(session: &Session) -> impl Iterator<Item = &Evaluation> {
    let digest = session.evaluations.gates.as_ref().map(|gates| gates.digest.clone());
    session.evaluations.kept.iter().filter(move |one| {
        one.merged.is_some() && Some(&one.commit) == session.head.as_ref() && Some(&one.digest) == digest.as_ref()
    })
}

/// Required evaluators that did not pass.
pub(crate) fn missed(evaluation: &Evaluation) -> Vec<&str> {
    let results = evaluation.results.iter();
    let missed = results.filter(|result| result.required && result.outcome != EvaluatorOutcome::Passed);
    missed.map(|result| result.id.as_str()).collect()
}

/// The target moved since a session was judged: what would land now is judged, before it lands. Why not, if it is not.
pub(crate) fn judge(change: &mut Change<'_>, session: &Session) -> Option<String> {
    let Some(gates) = session.evaluations.gates.clone() else { return Some("it has no gates".to_owned()) };
    if merged_at_head(session).count() >= MOST_MERGED {
        return Some("its target moved again and again while it was judged".to_owned());
    }
    let suite = Some(SuiteFrom::Suite(gates));
    let request = StartEvaluation { session: session.id.clone(), suite, merged: true, onto: None };
    let id = inner(&session.id, "merge", session.evaluations.made);
    on_evaluation::on_start(change, &id, &request).err().map(|refusal| crate::host::hinted(&refusal))
}

/// Somebody lands no longer: the next one may.
pub(crate) fn leave_lane(change: &mut Change<'_>, session: &SessionId) {
    if change.brain.batches.leave_lane(session) {
        let waiting: Vec<SessionId> = change
            .brain
            .registry
            .sessions
            .values()
            .filter(|other| other.run.is_some() && other.id != *session)
            .map(|other| other.id.clone())
            .collect();
        for other in waiting {
            change.touch(Some(&other));
        }
    }
}
