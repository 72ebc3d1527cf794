use super::*;
use crate::lsp::explorer::Paper;
use crate::lsp::plans::tests::batch;

fn papers(path: &str, kind: &'static str, text: &str) -> Papers {
    [(PathBuf::from(path), Paper { kind, text: text.to_owned() })].into()
}

#[test]
fn runs_of_an_agent_on_a_task_are_one_result() {
    let papers = papers("/r/plan.yaml", "plan", "");
    let mut state = State::default();
    let detail = batch(
        "/r/plan.yaml",
        &[("t", "a", "passed"), ("t", "a", "failed"), ("t", "b c", "running"), ("u", "a", "queued")],
    );
    let judged: Evaluation = serde_json::from_value(json!({
        "id": "e1", "session": "s2", "suite": "gates", "commit": "a".repeat(40), "base": "b".repeat(40), "started_at": 1,
        "state": "done", "results": [{ "id": "lint", "outcome": "failed", "findings": [
            { "file": "src/x y.rs", "line": 3, "message": "no\u{1b}", "severity": "error" },
            { "file": "../../etc/passwd", "line": 1, "message": "out", "severity": "error" },
        ]}],
    }))
    .unwrap();
    state.judged.insert("s2".into(), judged);
    state.batches.insert(detail.view.id.clone(), detail);
    let ran = all(&state, &papers, &BTreeMap::new()).remove(0);
    assert_eq!((ran.key.as_str(), ran.ended, ran.leaves.len()), ("batch:bat00001", false, 3));
    let failed = &ran.leaves["plan:file:///r/plan.yaml#t#a"];
    assert_eq!((&failed["state"], &failed["durationMs"]), (&json!("failed"), &json!(122_000)));
    assert!(failed["message"].as_str().unwrap().starts_with("#2 p1: it"));
    assert_eq!(failed["findings"].as_array().unwrap().len(), 1, "a place outside is none");
    assert_eq!(failed["findings"][0]["uri"], "file:///r/src/x%20y.rs");
    assert!(!failed["findings"][0]["message"].as_str().unwrap().contains('\u{1b}'));
    assert_eq!(ran.leaves["plan:file:///r/plan.yaml#t#b%20c"]["state"], "running");
    assert_eq!(ran.leaves["plan:file:///r/plan.yaml#u#a"]["state"], "queued");
}

#[test]
fn an_evaluation_is_found_by_what_its_suite_says() {
    let text = "version: 1\nevaluators: [{id: a, kind: secrets}, {id: b, kind: conflicts}]\n";
    let papers = papers("/r/s.yaml", "suite", text);
    let evaluation: Evaluation = serde_json::from_value(json!({
        "id": "e1", "session": "s", "suite": "gates", "digest": hex::encode(&Sha256::digest(text)), "commit": "a".repeat(40),
        "base": "b".repeat(40), "started_at": 1, "state": "running", "evaluators": 2,
        "results": [{ "id": "a", "outcome": "missing", "tool": "make", "duration_ms": 5 }],
    }))
    .unwrap();
    let mut state = State::default();
    state.evaluations.insert("s".into(), evaluation.clone());
    let ran = all(&state, &papers, &BTreeMap::new()).remove(0);
    assert_eq!((ran.key.as_str(), ran.item.as_str(), ran.ended), ("evaluation:e1", "suite:file:///r/s.yaml", false));
    assert_eq!(ran.leaves["suite:file:///r/s.yaml#a"]["state"], "errored");
    assert_eq!(ran.leaves["suite:file:///r/s.yaml#a"]["message"], "make is not there");
    assert_eq!(ran.leaves["suite:file:///r/s.yaml#b"]["state"], "running");
    // What no evaluator says is the whole suite's, where it decides.
    let mut asked = evaluation.clone();
    let protected = json!({ "id": "protected", "kind": "protected", "outcome": "failed", "required": true, "details": "it changed" });
    asked.results.push(serde_json::from_value(protected).unwrap());
    state.evaluations.insert("s".into(), asked.clone());
    let ran = all(&state, &papers, &BTreeMap::new()).remove(0);
    assert_eq!(ran.leaves["suite:file:///r/s.yaml"]["message"], "it changed");
    asked.results[1].required = false;
    state.evaluations.insert("s".into(), asked);
    assert_eq!(
        all(&state, &papers, &BTreeMap::new()).remove(0).leaves.len(),
        2,
        "what is only to be looked at fails nothing"
    );
    // By a part of it: only what that had, and only where somebody knows of what.
    let part = Evaluation { digest: "x".to_owned(), state: EvaluationState::Done, ..evaluation };
    state.evaluations.insert("s".into(), part);
    assert_eq!(all(&state, &papers, &BTreeMap::new()), []);
    let ran = all(&state, &papers, &[("e1".to_owned(), PathBuf::from("/r/s.yaml"))].into()).remove(0);
    assert_eq!((ran.leaves.len(), ran.ended), (1, true));
}
