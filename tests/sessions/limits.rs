//! Limits of evaluators that the system keeps: memory and CPU time.

use super::evaluations::{eval, of};
use super::scene::Scene;

/// Makes a text of 128 MiB.
const LARGE: &str = "awk 'BEGIN { s = \"x\"; for (i = 0; i < 27; i++) s = s s; print length(s) }'";

#[test]
fn who_wants_more_memory_or_time_than_there_is_does_not_pass() {
    let scene = Scene::new();
    scene.shell("work", "echo a > a.txt").ok();
    let suite = |limits: &str| {
        let command = LARGE.replace('"', "\\\"");
        format!("version: 1\nlimits: {{{limits}}}\nevaluators: [{{id: large, kind: script, command: \"{command}\"}}]\n")
    };
    let (roomy, code) = eval(&scene, "work", &suite("memory_mb: 0"));
    assert_eq!(code, 0, "{roomy}");
    let (tight, code) = eval(&scene, "work", &suite("memory_mb: 100"));
    assert_eq!((code, tight["passed"].as_bool()), (4, Some(false)), "{tight}");
    assert_ne!(of(&tight, "large")["outcome"], "passed");
    let suite = "version: 1\nlimits: {cpu_sec: 1}\nevaluators: [{id: busy, kind: script, command: 'while :; do :; done', timeout_sec: 50}]\n";
    let (busy, code) = eval(&scene, "work", suite);
    assert_eq!(code, 4, "{busy}");
    assert!(
        ["errored", "failed"].contains(&of(&busy, "busy")["outcome"].as_str().unwrap()),
        "it did not time out: {busy}"
    );
    scene.discard(&["work"]);
}
