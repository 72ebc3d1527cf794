//! How runs of `divisi bench` end before their time: by the person, by the budget, by what a command uses.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::scene::{DEADLINE, Scene, is_alive};
use crate::support::{Ran, wait_until};

/// Cases over a directory with one file.
fn suite(scene: &Scene, cases: &str) -> String {
    scene.env.write("files/answer", "41\n");
    let head =
        "version: 1\nname: mine\ndefaults: {directory: files, script_command: 'test \"$(cat answer)\" = 42'}\ncases:\n";
    scene.env.write("suite.yaml", format!("{head}{cases}")).display().to_string()
}

fn results(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn ctrl_c_ends_the_turn_of_an_agent_that_never_ends_it() {
    let scene = Scene::new();
    let suite = suite(
        &scene,
        "  - {id: first, prompt: \"#!script\\nhang I am thinking\"}\n  - {id: second, prompt: \"#!script\\nsay done\"}\n",
    );
    let out = scene.env.path("out").display().to_string();
    let run = ["bench", "run", &suite, "--agent", "scripted", "--out", &out, "--json"];
    let running = scene.env.spawn_divisi(&scene.repo, &run);
    let mut session = Value::Null;
    wait_until(DEADLINE, "the agent works on the first case", || {
        let sessions = scene.env.json(&scene.repo, &["list"]);
        let working = |session: &&Value| session["activity"].as_str().is_some_and(|text| text.contains("thinking"));
        session = sessions.as_array().and_then(|all| all.iter().find(working)).cloned().unwrap_or_default();
        session != Value::Null
    });
    let worktree = session["worktree"]["path"].as_str().unwrap().to_owned();
    assert!(fs::exists(&worktree).unwrap());
    kill_process(Pid::from_raw(i32::try_from(running.pid()).unwrap()).unwrap(), Signal::INT).unwrap();
    let ended = running.wait(DEADLINE);
    assert_eq!(ended.code(), 130, "{ended:?}");
    assert!(!fs::exists(&worktree).unwrap(), "{worktree} stays");
    let sessions = scene.env.json(&scene.repo, &["list"]);
    assert_eq!(sessions.as_array().map(Vec::len), Some(0), "sessions stay: {sessions}");
    let recorded = fs::read_to_string(scene.env.path("out/results.jsonl")).unwrap();
    let recorded: Vec<Value> = recorded.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(recorded.len(), 1, "{recorded:?}");
    assert_eq!((&recorded[0]["case"], &recorded[0]["outcome"]), (&"first".into(), &"cancelled".into()));
}

#[test]
fn a_session_whose_second_turn_fails_is_removed_once() {
    let scene = Scene::new();
    let suite = suite(
        &scene,
        "  - {id: one, prompt: \"#!script\\nedit answer 43\\\\n\\nsay done\", follow_ups: [\"#!script\\ncrash\"]}\n",
    );
    let ran = scene.divisi(&["bench", "run", &suite, "--agent", "scripted", "--json"]);
    assert_eq!(results(ran.exits(4))[0]["outcome"], "agent_failed");
    assert!(!ran.stderr.contains("a session stays"), "{}", ran.stderr);
    assert_eq!(scene.env.json(&scene.repo, &["list"]).as_array().map(Vec::len), Some(0));
}

#[test]
fn what_tests_use_is_bounded_and_nothing_of_them_stays() {
    let scene = Scene::new();
    let pid = scene.env.path("pid");
    let leaves = format!("setsid sleep 600 >/dev/null 2>&1 & echo $! >{}; true", pid.display());
    let cases = [
        &format!("  - {{id: leaves, prompt: p, script_command: '{leaves}'}}\n"),
        "  - {id: prints, prompt: p, output_kb: 16, script_command: 'while :; do echo too much; done'}\n",
        "  - {id: forks, prompt: p, processes: 20, script_command: 'for i in $(seq 60); do sleep 60 & done; wait'}\n",
        // A line without an end is kept whole by who looks for the last ones.
        "  - {id: eats, prompt: p, memory_mb: 100, script_command: '{ head -c 300000000 /dev/zero; sleep 60; } | tail'}\n",
        "  - {id: sets, prompt: p, memory_mb: 100, setup: '{ head -c 300000000 /dev/zero; sleep 60; } | tail'}\n",
    ];
    let suite = suite(&scene, &cases.concat());
    let out = scene.env.path("out").display().to_string();
    let ran = scene.divisi(&["bench", "run", &suite, "--agent", "null", "--out", &out, "--json"]);
    let results = results(ran.exits(4));
    let outcome = |case: &str| results.iter().find(|result| result["case"] == case).unwrap()["outcome"].clone();
    assert_eq!(outcome("leaves"), "resolved");
    let left: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    assert!(!is_alive(left), "who left the process group lives");
    let over = [
        ("prints", "printed more than 16 KiB"),
        ("forks", "had more than 20 processes"),
        ("eats", "used more than 100 MiB of memory"),
    ];
    for (case, why) in over {
        assert_eq!(outcome(case), "over_limit");
        let result = results.iter().find(|result| result["case"] == case).unwrap();
        assert_eq!(result["why"], format!("it {why}"), "{result}");
        let said = fs::read_to_string(scene.env.path(format!("out/cases/{case}/null/1/test_output.txt"))).unwrap();
        assert!(said.trim_end().ends_with(&format!("divisi ended it: it {why}")), "{case}: {said}");
    }
    // A preparation that uses too much says nothing about who attempts the case.
    let sets = results.iter().find(|result| result["case"] == "sets").unwrap();
    assert_eq!(sets["outcome"], "infrastructure", "{sets}");
    assert!(sets["why"].as_str().is_some_and(|why| why.contains("used more than 100 MiB of memory")), "{sets}");
}

#[test]
fn a_run_stops_at_its_budget() {
    let scene = Scene::new();
    let suite = suite(
        &scene,
        "  - {id: a, prompt: \"#!script\\nusage 100 50 0.25\\nedit answer 42\\\\n\\nsay done\"}\n  \
         - {id: b, prompt: \"#!script\\nusage 100 50 0.30\\nhang I am thinking\"}\n  \
         - {id: c, prompt: \"#!script\\nusage 100 50 0.25\\nsay done\"}\n",
    );
    let out = scene.env.path("out").display().to_string();
    let run = |budget: &[&str]| {
        let common = ["bench", "run", &suite, "--agent", "scripted", "--out", &out, "--json"];
        let ran = scene.divisi(&[&common, budget].concat());
        let mut lines = results(ran.exits(4));
        lines.pop();
        let of =
            |line: &Value| (line["case"].as_str().unwrap().to_owned(), line["outcome"].as_str().unwrap().to_owned());
        (lines.iter().map(of).collect::<Vec<_>>(), lines)
    };
    let ended = |words: &[(&str, &str)]| -> Vec<(String, String)> {
        words.iter().map(|(case, outcome)| ((*case).to_owned(), (*outcome).to_owned())).collect()
    };
    // The second is ended while it works, the third never begins.
    let (first, lines) = run(&["--budget-usd", "0.5"]);
    assert_eq!(first, ended(&[("a", "resolved"), ("b", "budget"), ("c", "budget")]));
    assert_eq!(lines[1]["usage"]["cost_micros"], 300_000, "what it used counts: {lines:?}");
    assert_eq!(scene.env.json(&scene.repo, &["list"]).as_array().map(Vec::len), Some(0));
    // What was spent is spent when the run goes on; tokens, of turns that ended, count likewise.
    let (second, _) = run(&["--budget-tokens", "150"]);
    assert_eq!(second, ended(&[("b", "budget"), ("c", "budget")]));
    let (third, _) = run(&["--budget-usd", "0.85", "--case", "c"]);
    assert_eq!(third, ended(&[("c", "empty_patch")]));
}

/// A rate limit, a missing login or a machine that is gone says nothing about who attempted the case; only what may pass is tried again.
#[test]
fn what_is_not_the_agents_fault_is_not_held_against_it() {
    let scene = Scene::new();
    let count = scene.env.path("count");
    let first = format!("append {} x", count.display());
    let case =
        |id: &str, text: &str| format!("  - {{id: {id}, prompt: \"#!script\\n{first}\\nfail-prompt {text}\"}}\n");
    let cases = [
        case("limited", "429 Too Many Requests: rate limit exceeded"),
        case("unknown", "401 Unauthorized: invalid api key"),
        case("failed", "-32603 something odd happened"),
    ];
    let suite = suite(&scene, &cases.concat());
    let run = |case: &str| {
        fs::write(&count, "").unwrap();
        let arguments = ["bench", "run", &suite, "--agent", "scripted", "--json", "--case", case, "--retries", "1"];
        let lines = results(scene.divisi(&arguments).exits(4));
        let faults = lines[0]["faults"].as_array().map_or(0, Vec::len);
        let turns = fs::read_to_string(&count).unwrap().matches('x').count();
        (lines[0]["outcome"].as_str().unwrap().to_owned(), faults, turns, lines[0]["why"].clone())
    };
    let ended = |case: &str, outcome: &str, faults: usize, turns: usize, why: &str| {
        let (was, many, worked, said) = run(case);
        assert_eq!((was.as_str(), many, worked), (outcome, faults, turns), "{case}: {said}");
        assert!(said.as_str().is_some_and(|said| said.contains(why)), "{case}: {said}");
    };
    ended("limited", "infrastructure", 1, 2, "rate limit");
    ended("unknown", "infrastructure", 0, 1, "not logged in");
    ended("failed", "agent_failed", 0, 1, "something odd");
    assert_eq!(scene.env.json(&scene.repo, &["list"]).as_array().map(Vec::len), Some(0));
}
