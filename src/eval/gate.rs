//! Gates: whether exactly this commit may land.

use crate::base::text::visible_line;
use crate::model::evaluation::{
    Evaluation, EvaluationState, Evaluations, EvaluatorResult, GateStanding, GateView, Suite,
};
use crate::model::id::Oid;

/// What is said of a landing on a target that moved since the gates judged.
pub const MOVED: &str = "what would land now was judged by nobody";

/// Where a commit would land.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The target's commit.
    pub commit: &'a Oid,
    /// Whether it has commits that the session's commit does not have: what lands is then not what the session has.
    pub moved: bool,
}

/// Whether an evaluation of the commit says what there will be on the target.
fn is_of(one: &Evaluation, target: Target<'_>) -> bool {
    match &one.merged {
        Some(merged) => merged.onto_commit == *target.commit,
        None => !target.moved,
    }
}

/// The evaluation that says what there will be on the target: the newest word counts, so one that failed is not outweighed by an older one
/// that passed.
pub fn found<'a>(
    gates: &Suite,
    evaluations: &'a Evaluations,
    commit: &Oid,
    target: Target<'_>,
) -> Option<&'a Evaluation> {
    let of_suite = |one: &&Evaluation| one.digest == gates.digest && one.commit == *commit && is_of(one, target);
    evaluations.kept.iter().rev().find(of_suite)
}

/// How a commit stands before the gates. `dirty`: the worktree has changes that the commit does not have.
pub fn view(gates: &Suite, evaluations: &Evaluations, commit: &Oid, target: Target<'_>, dirty: bool) -> GateView {
    let required: Vec<String> = gates.evaluators.iter().filter(|one| one.required).map(|one| one.id.clone()).collect();
    let of_suite = |one: &&Evaluation| one.digest == gates.digest;
    let here = found(gates, evaluations, commit, target);
    let elsewhere = || evaluations.kept.iter().filter(of_suite).any(|one| one.commit == *commit);
    let newest = here.or_else(|| evaluations.kept.iter().rev().find(of_suite));
    let failed: Vec<String> = match here {
        Some(one) if one.state == EvaluationState::Done => {
            let passed = |id: &String| one.results.iter().any(|result| result.id == *id && result.passed());
            let mut failed: Vec<String> = required.iter().filter(|id| !passed(id)).cloned().collect();
            let protected = |result: &&EvaluatorResult| result.is_of_protected() && result.required && !result.passed();
            failed.extend(one.results.iter().filter(protected).map(|result| result.id.clone()));
            failed
        }
        _ => required.clone(),
    };
    let standing = match here {
        _ if dirty => GateStanding::Stale,
        None if elsewhere() => GateStanding::Moved,
        None if newest.is_some() => GateStanding::Stale,
        None => GateStanding::Unjudged,
        Some(one) => match one.state {
            EvaluationState::Running => GateStanding::Running,
            EvaluationState::Done if failed.is_empty() && one.passed => GateStanding::Passed,
            EvaluationState::Done => GateStanding::Failed,
            EvaluationState::Cancelled | EvaluationState::Interrupted { .. } => GateStanding::Unjudged,
        },
    };
    GateView {
        suite: gates.name.clone(),
        required,
        standing,
        failed,
        asks: here.and_then(Evaluation::asks).map(|asks| visible_line(asks, 400)),
        evaluation: newest.map(|one| one.id.clone()),
        judged: newest.map(|one| one.commit.clone()),
    }
}

/// Why the commit may not land; absent when it may.
pub fn blocker(view: &GateView) -> Option<String> {
    let suite = crate::base::text::visible_line(&view.suite, 60);
    match view.standing {
        GateStanding::Passed => None,
        GateStanding::Unjudged => Some(format!("the gates '{suite}' have not judged it")),
        GateStanding::Running => Some(format!("the gates '{suite}' are judging it")),
        GateStanding::Stale => {
            let of = view.judged.as_ref().map(|commit| format!(" {},", commit.short())).unwrap_or_default();
            Some(format!("the gates '{suite}' judged{of} not what it is now"))
        }
        GateStanding::Moved => Some(format!("the gates '{suite}' judged it before its target moved: {MOVED}")),
        GateStanding::Failed => Some(format!("the gates '{suite}' failed: {}", view.failed.join(", "))),
    }
}

#[cfg(test)]
mod tests;
