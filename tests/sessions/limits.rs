//! Limits of evaluators that the system keeps: memory and CPU time.

use super::evaluations::{eval, of};
use super::scene::Scene;

/// Makes a text of 128 MiB, and then what is asked for.
fn large(then: &str) -> String {
    format!("awk 'BEGIN {{ s = \\\"x\\\"; for (i = 0; i < 27; i++) s = s s; print length(s); {then} }}'")
}

#[test]
fn who_wants_more_memory_or_time_than_there_is_does_not_pass() {
    let scene = Scene::new();
    scene.shell("work", "echo a > a.txt").ok();
    let suite = |limits: &str, command: &str| {
        format!("version: 1\nlimits: {{{limits}}}\nevaluators: [{{id: large, kind: script, command: \"{command}\"}}]\n")
    };
    let (roomy, code) = eval(&scene, "work", &suite("memory_mb: 0", &large("exit")));
    assert_eq!(code, 0, "{roomy}");
    // It would keep it; and so would a child, whoever is its parent now.
    for command in
        [large("while (1) i++"), format!("(setsid {} &) ; while :; do sleep 1; done", large("while (1) i++"))]
    {
        let (tight, code) = eval(&scene, "work", &suite("memory_mb: 100", &command));
        assert_eq!((code, tight["passed"].as_bool()), (4, Some(false)), "{tight}");
        let said = of(&tight, "large");
        assert_eq!(said["outcome"], "errored", "{said}");
        assert!(said["reason"].as_str().is_some_and(|why| why.contains("more than 100 MiB of memory")), "{said}");
    }
    // What is only reserved is not used: node reserves much more than this.
    let (node, code) = eval(&scene, "work", &suite("memory_mb: 300", "node -e 0"));
    assert_eq!(code, 0, "{node}");
    let suite = "version: 1\nlimits: {cpu_sec: 1}\nevaluators: [{id: busy, kind: script, command: 'while :; do :; done', timeout_sec: 50}]\n";
    let (busy, code) = eval(&scene, "work", suite);
    assert_eq!(code, 4, "{busy}");
    assert!(
        ["errored", "failed"].contains(&of(&busy, "busy")["outcome"].as_str().unwrap()),
        "it did not time out: {busy}"
    );
    scene.discard(&["work"]);
}
