//! What evaluations said of a session, in the few words for which a list and a landing have room.

use serde_json::{Value, json};

use crate::base::text::visible_line;
use crate::model::evaluation::{EvaluationState, EvaluationSummary, GateStanding, GateView};

/// A view's newest evaluation: `short` for a column, `words` for a line, and `state`, one of `passed`, `failed`, `running`, `none`.
/// Absent when there was none, or one that this version does not know.
pub(super) fn newest(view: &Value) -> Option<Value> {
    let summary: EvaluationSummary = serde_json::from_value(view.get("evaluation")?.clone()).ok()?;
    let EvaluationSummary { suite, good, ended, evaluators, commit, passed, .. } = &summary;
    let score = summary.score.map(|score| format!(", score {score}")).unwrap_or_default();
    let (state, short, words) = match &summary.state {
        EvaluationState::Running => {
            ("running", format!("… {ended}/{evaluators}"), format!("{ended} of {evaluators} done"))
        }
        EvaluationState::Cancelled => ("none", "■ evals".to_owned(), "stopped".to_owned()),
        EvaluationState::Interrupted { reason } => ("failed", "■ evals".to_owned(), format!("cut off, {reason}")),
        EvaluationState::Done if *passed => {
            ("passed", format!("✓ {good}/{evaluators}"), format!("passed, {good} of {evaluators}{score}"))
        }
        EvaluationState::Done => {
            ("failed", format!("✗ {good}/{evaluators}"), format!("failed, {good} of {evaluators} passed{score}"))
        }
    };
    let words = visible_line(&format!("{suite} at {}: {words}", commit.short()), 200);
    Some(json!({ "state": state, "short": short, "words": words }))
}

/// How a landing stands before its gates, as a line; absent when there are none.
pub(super) fn gates(preflight: &Value) -> Option<String> {
    let gates: GateView = serde_json::from_value(preflight.get("gates")?.clone()).ok()?;
    let standing = match gates.standing {
        GateStanding::Passed => "passed at this commit".to_owned(),
        GateStanding::Failed => format!("not passed: {}", gates.failed.join(", ")),
        GateStanding::Running => "being judged".to_owned(),
        GateStanding::Moved => "judged before its target moved; :Divisi eval judges it with that".to_owned(),
        GateStanding::Stale => "judged before the newest changes; :Divisi eval judges these".to_owned(),
        GateStanding::Unjudged => "not judged yet; :Divisi eval does it".to_owned(),
    };
    let asks = gates.asks.map(|asks| format!("; look first: {asks}")).unwrap_or_default();
    Some(visible_line(&format!("{}: {standing}{asks}", gates.suite), 300))
}

#[cfg(test)]
mod tests;
