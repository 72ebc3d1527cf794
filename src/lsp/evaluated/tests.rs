use std::collections::BTreeSet;

use super::*;
use crate::model::evaluation::EvaluatorOutcome;
use crate::model::evaluation::samples::{evaluation, result};

fn judged(state: EvaluationState) -> Evaluation {
    let results = vec![result("tests", EvaluatorOutcome::Failed), result("fine", EvaluatorOutcome::Passed)];
    Evaluation { results, state, ..evaluation(1) }
}

#[test]
fn only_the_newest_verdict_of_what_is_there_now_holds() {
    let done = || judged(EvaluationState::Done);
    let head = done().commit.0;
    assert!(standing(vec![done()], Some(&head)).is_some());
    assert!(standing(vec![done()], Some("another")).is_none());
    assert!(standing(vec![done(), judged(EvaluationState::Running)], Some(&head)).is_none());
    assert!(standing(Vec::new(), None).is_none());
}

#[test]
fn findings_of_failed_evaluators_are_shown_at_their_lines() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_owned();
    std::fs::create_dir(root.join("src")).unwrap();
    std::fs::write(root.join("src/lib.rs"), "a\nb\nc\n").unwrap();
    let mut view = super::super::samples::view("work");
    view.repository = root.display().to_string();
    let mut state = State::default();
    let changes =
        super::super::state::Changes { evaluation: Some(judged(EvaluationState::Done)), ..Default::default() };
    state.changes.insert(view.id.clone(), changes);
    state.sessions.insert(view.id.clone(), view);
    let folders = [root.clone()];
    let sight = Sight { folders: &folders, open: &BTreeSet::new(), text: &|_| None, related: false };
    let mut found = BTreeMap::new();
    add(&state, &sight, &mut found);
    let here = &found[&root.join("src/lib.rs")];
    assert_eq!(here.len(), 1);
    assert_eq!((here[0].range.start.line, here[0].severity), (2, Some(DiagnosticSeverity::Warning)));
}
