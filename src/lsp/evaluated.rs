//! What evaluators found, at its lines: for the newest evaluation, while the session is as it was judged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gen_lsp_types::{Diagnostic, DiagnosticSeverity};
use serde_json::json;

use super::diagnostics::{self, Sight};
use super::state::State;
use crate::base::text::visible_line;
use crate::model::evaluation::{Evaluation, EvaluationState, Severity};
use crate::model::session::SessionView;

/// Findings of a session that are shown.
const MOST: usize = 200;

/// The evaluation whose findings hold: the newest, done, of what the session has now.
pub(super) fn standing(all: Vec<Evaluation>, head: Option<&str>) -> Option<Evaluation> {
    let newest = all.into_iter().next_back()?;
    let holds = newest.state == EvaluationState::Done && head.is_none_or(|head| newest.commit.as_str() == head);
    holds.then_some(newest)
}

/// Adds what evaluators that did not pass found, in the tree that the person has open.
pub(super) fn add(state: &State, sight: &Sight<'_>, found: &mut BTreeMap<PathBuf, Vec<Diagnostic>>) {
    for (id, changes) in &state.changes {
        let (Some(view), Some(evaluation)) = (state.sessions.get(id), &changes.evaluation) else { continue };
        let failed = evaluation.results.iter().filter(|result| !result.passed());
        let all = failed.flat_map(|result| result.findings.iter().map(move |finding| (result, finding)));
        for (result, finding) in all.take(MOST) {
            let Some(path) = finding.file.as_ref().and_then(|file| place(view, Path::new(file), sight)) else {
                continue;
            };
            let severity = match finding.severity {
                Severity::Error => DiagnosticSeverity::Error,
                Severity::Warning => DiagnosticSeverity::Warning,
                Severity::Note => DiagnosticSeverity::Information,
            };
            let (name, evaluator) = (visible_line(&view.name, 60), visible_line(&result.id, 60));
            let message = format!("{name}, {evaluator}: {}", visible_line(&finding.message, 300));
            let line = finding.line.saturating_sub(1);
            let mut diagnostic = diagnostics::diagnostic((line, line), severity, "eval", message);
            diagnostic.data = Some(json!({ "session": id, "evaluation": evaluation.id }));
            found.entry(path).or_default().push(diagnostic);
        }
    }
}

/// A file in the session's worktree when that is open, else in the repository's own.
fn place(view: &SessionView, file: &Path, sight: &Sight<'_>) -> Option<PathBuf> {
    let own = Path::new(&view.worktree.path);
    let opened = sight.folders.iter().any(|folder| folder.starts_with(own));
    let own_file = own.join(file);
    if opened || sight.open.contains(&own_file) {
        return own_file.is_file().then_some(own_file);
    }
    let place = Path::new(&view.repository).join(file);
    (diagnostics::shows(Path::new(&view.repository), sight) && place.is_file()).then_some(place)
}

#[cfg(test)]
mod tests;
