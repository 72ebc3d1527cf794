//! `divisi bench` from end to end: agents are sessions of the daemon, in repositories that know one commit.

use std::fs;

use serde_json::Value;

use super::scene::{DEADLINE, Scene, is_alive};
use crate::support::wait_until;

const SUITE: &str = r##"version: 1
name: mine
defaults:
  repository: repo
  base: BASE
  script_command: test "$(cat answer)" = 42
  reference: {command: echo 42 >answer}
cases:
  - {id: done, prompt: "#!script\nedit answer 42\\n\nsay done"}
  - {id: wrong, prompt: "#!script\nedit answer 43\\n\nsay done"}
  - {id: idle, prompt: "#!script\nsay I think it is fine as it is"}
  - {id: dead, prompt: "#!script\nedit answer 42\\n\ncrash"}
  - {id: asks, prompt: "#!script\nask-permission p Write it\nif-allowed\nedit answer 42\\n\nend\nsay done"}
  - {id: late, timeout_sec: 3, prompt: "#!script\nhang I am thinking"}
"##;

fn suite(scene: &Scene, text: &str) -> String {
    let base = scene.env.git(&scene.repo, &["rev-parse", "HEAD"]);
    scene.env.write("repo/answer", "42\n");
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "The answer"]);
    scene.env.write("suite.yaml", text.replace("BASE", base.trim())).display().to_string()
}

#[test]
fn agents_attempt_cases_as_sessions() {
    let scene = Scene::new();
    let suite = suite(&scene, SUITE);
    let out = scene.env.path("out").display().to_string();
    let arguments = ["bench", "run", &suite, "--agent", "scripted", "--out", &out, "-j3", "--json"];
    let ran = scene.divisi(&arguments);
    ran.exits(4);
    let lines: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcome = |case: &str| {
        let line = lines.iter().find(|line| line["case"] == case).unwrap_or_else(|| panic!("no {case}: {lines:?}"));
        line["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(outcome("done"), "resolved");
    assert_eq!(outcome("wrong"), "unresolved");
    assert_eq!(outcome("idle"), "empty_patch");
    assert_eq!(outcome("dead"), "agent_failed");
    assert_eq!(outcome("asks"), "resolved");
    assert_eq!(outcome("late"), "agent_failed");
    let summary = lines.last().unwrap();
    assert_eq!((summary["resolved"].as_u64(), summary["counted"].as_u64()), (Some(2), Some(6)), "{summary}");
    let left = scene.env.json(&scene.repo, &["list"]);
    assert_eq!(left.as_array().map(Vec::len), Some(0), "sessions stay: {left}");

    // What is judged is not judged again.
    let again = scene.divisi(&arguments);
    again.exits(4);
    assert_eq!(again.stdout.lines().count(), 1, "{}", again.stdout);

    // The directory may be moved.
    let moved = scene.env.path("moved");
    fs::rename(&out, &moved).unwrap();
    let patch = fs::read_to_string(moved.join("cases/done/scripted/1/patch.diff")).unwrap();
    assert!(patch.contains("+42"), "{patch}");
}

#[test]
fn references_resolve_everything_and_nothing_resolves_nothing() {
    let scene = Scene::new();
    let suite = suite(&scene, SUITE);
    let validated = scene.divisi(&["bench", "validate", &suite, "-j2"]);
    assert!(validated.ok().stdout.contains("6 of 6 cases are valid here"), "{validated}");
    scene.divisi(&["bench", "run", &suite, "--agent", "gold"]).ok();
    let null = scene.divisi(&["bench", "run", &suite, "--agent", "null"]);
    assert!(null.exits(4).stdout.contains("resolved 0 of 6"), "{null}");
    let free = SUITE.replace("test \"$(cat answer)\" = 42", "true");
    let free = scene.env.write("free.yaml", free.replace("BASE", "HEAD")).display().to_string();
    let free = scene.divisi(&["bench", "validate", &free, "--case", "done"]);
    assert!(free.exits(4).stdout.contains("passes with nothing done"), "{free}");
}

#[test]
fn what_cannot_be_run_is_said_before_anything_is() {
    let scene = Scene::new();
    let suite = suite(&scene, SUITE);
    scene.divisi(&["bench", "run", &suite, "--agent", "shell"]).exits(1).says("would run the task as a command");
    scene.divisi(&["bench", "run", &suite, "--agent", "nobody-knows", "--case", "done"]).exits(1).says("nobody-knows");
    scene.divisi(&["bench", "validate", &suite, "--case", "don"]).exits(1).says("did you mean done?");
    let wrong = scene.env.write("wrong.yaml", SUITE.replace("reference:", "refrence:")).display().to_string();
    scene.divisi(&["bench", "validate", &wrong]).exits(1).says("wrong.yaml:7:3").says("did you mean 'reference'?");
    scene.divisi(&["bench", "validate", "nowhere.yaml"]).exits(1).says("failed to read");
}

#[test]
fn an_interrupted_run_leaves_nothing_and_goes_on() {
    let scene = Scene::new();
    let suite = suite(&scene, &SUITE.replace("timeout_sec: 3", "timeout_sec: 600"));
    let out = scene.env.path("out").display().to_string();
    let arguments = ["bench", "validate", &suite, "--case", "done", "--out", &out];
    let pid = scene.env.path("pid");
    let slow = scene.env.write(
        "slow.yaml",
        fs::read_to_string(&suite)
            .unwrap()
            .replace("test \"$(cat answer)\" = 42", &format!("echo $$ >{}; sleep 600", pid.display())),
    );
    let slow = slow.display().to_string();
    let running = scene.env.spawn_divisi(&scene.repo, &["bench", "validate", &slow, "--case", "done", "--out", &out]);
    wait_until(DEADLINE, "the tests run", || fs::read_to_string(&pid).is_ok_and(|text| !text.trim().is_empty()));
    let tests: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    let divisi = rustix::process::Pid::from_raw(i32::try_from(running.pid()).unwrap()).unwrap();
    rustix::process::kill_process(divisi, rustix::process::Signal::INT).unwrap();
    let ended = running.wait(DEADLINE);
    assert_eq!(ended.code(), 130, "{ended:?}");
    assert!(!is_alive(tests));
    let text = fs::read_to_string(scene.env.path("out/results.jsonl")).unwrap();
    assert!(text.contains("cancelled"), "{text}");
    fs::remove_dir_all(&out).unwrap();
    scene.divisi(&arguments).ok();
}

#[test]
fn the_example_is_valid() {
    let scene = Scene::new();
    let suite = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bench/suite.yaml");
    let validated = scene.divisi(&["bench", "validate", suite]);
    assert!(validated.ok().stdout.contains("2 of 2 cases are valid here"), "{validated}");
}
