//! Evaluations and gates: judged in a clean checkout, bound to a commit, nothing unjudged lands, nothing is left behind.

use std::time::Instant;

use serde_json::Value;

use super::scene::{DEADLINE, Scene};
use crate::support::wait_until;

/// Evaluates by a suite of this text; the evaluation as JSON, and the exit code.
#[track_caller]
pub(super) fn eval(scene: &Scene, name: &str, suite: &str) -> (Value, i32) {
    let file = scene.env.write("suite.yaml", suite);
    let ran = scene.divisi(&["eval", name, "--json", "--suite", file.to_str().unwrap()]);
    let code = ran.code();
    assert!([0, 4].contains(&code), "{ran}");
    (ran.json(), code)
}

/// An evaluator's result.
#[track_caller]
pub(super) fn of<'a>(evaluation: &'a Value, id: &str) -> &'a Value {
    let results = evaluation["results"].as_array().expect("results");
    results.iter().find(|result| result["id"] == id).unwrap_or_else(|| panic!("no {id} in {evaluation}"))
}

/// A scene whose base has a test that the work has to pass, with gates that run it, configured.
fn gated() -> Scene {
    let scene = Scene::new();
    scene.env.write("repo/tests/check.sh", "grep -q fixed lines.txt\n");
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Ask for a fix"]);
    let gates = scene.env.write(
        "gates.yaml",
        "version: 1\nname: gates\nrestore: ['tests/**']\nevaluators:\n  - {id: check, kind: script, command: sh tests/check.sh}\n",
    );
    scene.divisi(&["config", "set", "evaluation.gates", gates.to_str().unwrap()]).ok();
    scene
}

/// Nothing of an evaluation is left in the state directory.
#[track_caller]
fn nothing_left(scene: &Scene) {
    let state = scene.env.path("home/state/divisi");
    wait_until(DEADLINE, "the places and programs of evaluations are gone", || {
        let jobs = std::fs::read_dir(state.join("jobs")).into_iter().flatten().flatten();
        let programs = jobs.filter(|job| job.file_name().to_string_lossy().contains(".e")).count();
        !state.join("evaluations").exists() && programs == 0
    });
}

#[test]
fn an_agent_that_edits_the_tests_does_not_pass() {
    let scene = gated();
    scene.shell("cheat", "echo true > tests/check.sh; echo new > tests/other.sh").ok();
    let ran = scene.divisi(&["eval", "cheat"]);
    ran.exits(4);
    scene.shell("work", "echo fixed >> lines.txt").ok();
    let ran = scene.divisi(&["eval", "work"]);
    assert!(ran.ok().stdout.contains("passed"), "{ran}");
    // The files of the sessions are as they were.
    assert_eq!(scene.read("cheat", "tests/check.sh"), "true\n");
    nothing_left(&scene);
}

#[test]
fn nothing_unjudged_lands() {
    let scene = gated();
    scene.shell("work", "echo fixed >> lines.txt").ok();
    let before = scene.env.git(&scene.repo, &["rev-parse", "main"]);
    let refused = scene.divisi(&["land", "work"]);
    assert!(refused.exits(1).stderr.contains("divisi eval work"), "{refused}");
    let preflight = scene.divisi(&["preflight", "work", "--json"]).exits(1).json();
    assert_eq!(preflight["gates"]["standing"], "unjudged", "{preflight}");
    scene.divisi(&["eval", "work"]).ok();
    let preflight = scene.divisi(&["preflight", "work", "--json"]).ok().json();
    assert_eq!(preflight["gates"]["standing"], "passed", "{preflight}");
    // The agent moves on: what was judged is not what would land.
    scene.divisi(&["send", "work", "--wait", "echo sneaky > sneaky.txt"]).ok();
    let refused = scene.divisi(&["land", "work"]);
    assert!(refused.exits(1).stderr.contains("not what it is now"), "{refused}");
    // Nor is what is only in its files and in no commit.
    scene.divisi(&["eval", "work"]).ok();
    std::fs::write(scene.worktree("work").join("late.txt"), "late\n").unwrap();
    let refused = scene.divisi(&["land", "work"]);
    assert!(refused.exits(1).stderr.contains("not what it is now"), "{refused}");
    assert_eq!(scene.env.git(&scene.repo, &["rev-parse", "main"]), before);
    let judged = scene.divisi(&["eval", "work", "--json"]).ok().json();
    scene.divisi(&["land", "work"]).ok();
    let landing = scene.show("work")["landing"].clone();
    assert_eq!(landing["head"], judged["commit"], "{landing}");
    assert_eq!(landing["gates"]["standing"], "passed");
    assert_eq!(scene.env.git(&scene.repo, &["show", "main:late.txt"]), "late");
}

#[test]
fn gates_that_failed_or_were_stopped_refuse_and_skipping_them_is_recorded() {
    let scene = gated();
    scene.shell("bad", "echo broken >> lines.txt").ok();
    scene.divisi(&["eval", "bad"]).exits(4);
    let refused = scene.divisi(&["land", "bad"]);
    assert!(refused.exits(1).stderr.contains("failed: check"), "{refused}");
    scene.divisi(&["land", "bad", "--skip-gates"]).ok();
    let started = scene.events("bad").into_iter().find(|event| event["type"] == "landing.started").unwrap();
    assert_eq!(started["payload"]["gates_skipped"], true, "{started}");
    assert_eq!(started["payload"]["gates"]["standing"], "failed");
}

#[test]
fn what_is_resolved_by_hand_is_not_taken_for_judged() {
    let scene = gated();
    scene.shell("work", "sed -i 's/line 5/fixed/' lines.txt").ok();
    scene.env.write("repo/lines.txt", "fixed elsewhere\n");
    scene.env.git(&scene.repo, &["commit", "--quiet", "--all", "--message", "Another"]);
    scene.divisi(&["eval", "work"]).ok();
    let refused = scene.divisi(&["land", "work"]);
    assert!(refused.exits(1).stderr.contains("conflicts"), "{refused}");
    assert!(!scene.read("work", "lines.txt").contains("<<<<"));
    // A landing that was stopped by conflicts before there were gates does not go around them either.
    scene.divisi(&["config", "set", "evaluation.gates", ""]).ok();
    scene.divisi(&["daemon", "stop"]).ok();
    scene.divisi(&["land", "work"]).exits(1);
    assert!(scene.read("work", "lines.txt").contains("<<<<"));
    let gates = scene.env.path("gates.yaml");
    scene.divisi(&["config", "set", "evaluation.gates", gates.to_str().unwrap()]).ok();
    scene.divisi(&["daemon", "stop"]).ok();
    let path = scene.worktree("work").join("lines.txt");
    std::fs::write(&path, "anything\n").unwrap();
    scene.env.git(scene.worktree("work"), &["add", "lines.txt"]);
    let refused = scene.divisi(&["land", "work", "--continue"]);
    assert!(refused.exits(1).stderr.contains("gates"), "{refused}");
    scene.divisi(&["land", "work", "--abort"]).ok();
}

#[test]
fn gates_of_a_repository_count_once_trusted_and_close_until_then() {
    let scene = Scene::new();
    let marker = scene.env.path("ran");
    let suite = "version: 1\nname: own\nevaluators:\n  - {id: a, kind: script, command: 'touch MARK'}\n";
    let suite = suite.replace("MARK", marker.to_str().unwrap());
    scene.env.write("repo/.divisi.toml", format!("[evaluation]\ngates = '''\n{suite}'''\n"));
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Add gates"]);
    scene.shell("work", "echo a > a.txt").ok();
    for verb in ["eval", "land", "preflight"] {
        let refused = scene.divisi(&[verb, "work"]);
        refused.exits(1);
        assert!(format!("{refused}").contains("divisi trust"), "{refused}");
    }
    assert!(!marker.exists());
    let digest = scene.env.json(&scene.repo, &["trust"])["digest"].as_str().unwrap().to_owned();
    scene.divisi(&["trust", "--digest", &digest]).ok();
    scene.divisi(&["land", "work"]).exits(1);
    scene.divisi(&["eval", "work"]).ok();
    assert!(marker.exists());
    scene.divisi(&["land", "work"]).ok();
}

#[test]
fn a_daemon_that_is_killed_leaves_nothing_and_passes_nothing() {
    let mut scene = Scene::new();
    scene.env.tolerate("divisi.sock");
    scene.shell("work", "echo a > a.txt").ok();
    let started = scene.env.path("started");
    let suite = format!(
        "version: 1\nevaluators:\n  - {{id: good, kind: secrets}}\n  - {{id: endless, kind: script, command: 'touch {}; sleep 3600'}}\n",
        started.display()
    );
    let file = scene.env.write("suite.yaml", suite);
    let mut running = scene.env.spawn_divisi(&scene.repo, &["eval", "work", "--suite", file.to_str().unwrap()]);
    wait_until(DEADLINE, "the endless evaluator runs", || started.exists());
    assert_eq!(scene.state("work"), "evaluating");
    let refused = scene.divisi(&["eval", "work", "--suite", file.to_str().unwrap()]);
    assert!(refused.exits(1).stderr.contains("is being evaluated"), "{refused}");
    scene.kill_daemon();
    running.kill();
    let view = scene.wait_for("work", &["review"]);
    assert_eq!(view["evaluation"]["state"], "interrupted", "{view}");
    assert_eq!(view["evaluation"]["passed"], false);
    nothing_left(&scene);
}

#[test]
fn an_evaluation_is_cancelled_within_five_seconds() {
    let scene = Scene::new();
    scene.shell("work", "echo a > a.txt").ok();
    let started = scene.env.path("started");
    // It ignores the polite signal, and so do its children.
    let suite = format!(
        "version: 1\nevaluators:\n  - {{id: deaf, kind: script, command: \"trap '' TERM; touch {}; while :; do sleep 1; done\"}}\n  - {{id: later, kind: secrets}}\n",
        started.display()
    );
    let file = scene.env.write("suite.yaml", suite);
    let mut running = scene.env.spawn_divisi(&scene.repo, &["eval", "work", "--suite", file.to_str().unwrap()]);
    wait_until(DEADLINE, "the deaf evaluator runs", || started.exists());
    let began = Instant::now();
    scene.divisi(&["eval", "work", "--cancel"]).ok();
    let view = scene.wait_for("work", &["review"]);
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    assert_eq!(view["evaluation"]["state"], "cancelled", "{view}");
    assert_eq!(view["evaluation"]["passed"], false);
    let all = scene.env.json(&scene.repo, &["eval", "work", "--list"]);
    assert_eq!(of(&all[0], "deaf")["outcome"], "cancelled", "{all}");
    assert_eq!(of(&all[0], "later")["outcome"], "cancelled");
    running.kill();
    nothing_left(&scene);
}

#[test]
fn removing_a_session_ends_its_evaluation() {
    let scene = Scene::new();
    scene.shell("work", "echo a > a.txt").ok();
    let started = scene.env.path("started");
    let suite = format!(
        "version: 1\nevaluators: [{{id: a, kind: script, command: 'touch {}; sleep 3600'}}]\n",
        started.display()
    );
    let file = scene.env.write("suite.yaml", suite);
    let mut running = scene.env.spawn_divisi(&scene.repo, &["eval", "work", "--suite", file.to_str().unwrap()]);
    wait_until(DEADLINE, "the evaluator runs", || started.exists());
    scene.divisi(&["remove", "work", "--discard"]).ok();
    running.kill();
    nothing_left(&scene);
}

#[test]
fn who_uses_too_much_is_ended() {
    let scene = Scene::new();
    scene.shell("work", "echo a > a.txt").ok();
    let suite = "\
version: 1
limits: {processes: 40, output_kb: 512, file_mb: 1}
evaluators:
  - {id: output, kind: script, command: 'yes', timeout_sec: 60}
  - {id: endless, kind: script, command: 'while :; do :; done', timeout_sec: 1}
  - {id: many, kind: script, command: 'i=0; while [ $i -lt 300 ]; do sleep 60 & i=$((i+1)); done; wait', timeout_sec: 60}
  - {id: file, kind: script, command: 'head -c 3000000 /dev/zero > big', timeout_sec: 60}
";
    let (evaluation, code) = eval(&scene, "work", suite);
    assert_eq!((code, evaluation["passed"].as_bool()), (4, Some(false)));
    let reason = |id: &str| of(&evaluation, id)["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason("output").contains("512 KiB"), "{evaluation}");
    assert_eq!(of(&evaluation, "endless")["outcome"], "timed_out");
    assert!(reason("many").contains("40 processes"), "{evaluation}");
    assert_ne!(of(&evaluation, "file")["outcome"], "passed", "{evaluation}");
    nothing_left(&scene);
}

#[test]
fn a_suite_that_is_wrong_is_told_with_its_places_before_anything_runs() {
    let scene = Scene::new();
    scene.shell("work", "echo a > a.txt").ok();
    let file = scene.env.write("suite.yaml", "version: 1\nevaluators:\n  - {id: a, kind: scrpt, command: touch x}\n");
    let refused = scene.divisi(&["eval", "work", "--suite", file.to_str().unwrap()]);
    let said = &refused.exits(1).stderr;
    assert!(
        said.contains("suite.yaml: 3:19: 'kind' has no 'scrpt'") && said.contains("did you mean script"),
        "{refused}"
    );
    assert!(scene.divisi(&["eval", "work"]).exits(1).stderr.contains("--suite"));
}

#[test]
fn programs_of_an_evaluation_see_a_clean_checkout_and_no_credentials() {
    let mut scene = Scene::new();
    scene.env.set("ANTHROPIC_API_KEY", "sk-secret");
    scene.env.write("repo/.gitignore", "ignored\n");
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Ignore"]);
    scene.shell("work", "echo a > a.txt; echo x > ignored").ok();
    let suite = "\
version: 1
evaluators:
  - {id: clean, kind: script, command: 'test ! -e ignored && test -e a.txt && test \"$(git status --porcelain)\" = \"\" && git rev-parse HEAD'}
  - {id: quiet, kind: script, command: 'test -z \"$ANTHROPIC_API_KEY$DIVISI_SOCKET\" && test \"$HOME\" != \"$PWD\" && touch $HOME/x'}
  - {id: own, kind: script, command: 'test -d \"$CARGO_TARGET_DIR\" && test \"$(git rev-parse HEAD)\" = \"$DIVISI_COMMIT\"'}
  - {id: apart, kind: script, command: 'echo changed > lines.txt; git commit --quiet --all -m x; git branch mine'}
";
    let before = scene.env.git(&scene.repo, &["for-each-ref"]);
    let (evaluation, code) = eval(&scene, "work", suite);
    assert_eq!(code, 0, "{evaluation}");
    assert_eq!(scene.env.git(&scene.repo, &["for-each-ref"]), before);
    assert_eq!(scene.read("work", "lines.txt").lines().count(), 12);
}
