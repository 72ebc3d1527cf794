//! Batches from end to end: plans of many runs, agents that behave badly, a daemon that is killed at every event.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::scene::{DEADLINE, Scene};
use crate::support::{holds_within, wait_until};

/// How long a batch in a test may take.
pub(super) const LONG: Duration = Duration::from_secs(240);

pub(super) fn plan(scene: &Scene, text: &str) -> String {
    scene.env.write("plan.yaml", text).display().to_string()
}

pub(super) fn status(scene: &Scene, batch: &str) -> Value {
    serde_json::from_str(&scene.divisi(&["batch", "status", batch, "--json"]).stdout).expect("a batch")
}

/// The runs' states by number.
pub(super) fn states(status: &Value) -> Vec<String> {
    let runs = status["runs"].as_array().expect("runs");
    runs.iter().map(|run| run["state"].as_str().expect("a state").to_owned()).collect()
}

/// Waits until every session of the scene has been removed.
#[track_caller]
fn require_none_left(scene: &Scene) {
    let mut left = Value::Null;
    let gone = holds_within(DEADLINE, || {
        left = scene.env.json(&scene.repo, &["list"]);
        left == serde_json::json!([])
    });
    assert!(gone, "these are left: {left:#}");
}

/// Removes what a batch kept.
fn clear(scene: &Scene) {
    let list = scene.env.json(&scene.repo, &["list"]);
    for session in list.as_array().expect("sessions") {
        scene.divisi(&["remove", session["id"].as_str().expect("an id"), "--discard"]).ok();
    }
}

const SMALL: &str = r#"
version: 3
metadata: {name: small}
execution: {concurrency: 2}
agents: [{id: sh, agent: shell}]
tasks:
  - id: work
    prompts:
      - "echo $DIVISI_SESSION_NAME > made.txt"
      - {id: bad, prompt: "echo no >&2; exit 3"}
      - {id: steps, prompt: "echo 1 > one", follow_ups: ["echo 2 > two"]}
    repositories: [repo]
metrics: {export_formats: [jsonl, csv, md, html]}
"#;

#[test]
fn a_plan_runs_to_its_end_and_is_reported() {
    let scene = Scene::new();
    let file = plan(&scene, SMALL);
    scene.divisi(&["batch", "check", &file]).ok().prints("small: 3 runs");
    let out = scene.env.path("out");
    let ran = scene.divisi(&["batch", "run", &file, "--out", &out.display().to_string()]);
    ran.exits(4).prints("run 2 work/bad sh repo failed: exit 3");
    let small = status(&scene, "small");
    assert_eq!(states(&small), ["passed", "failed", "passed"]);
    assert_eq!(small["runs"][2]["attempts"][0]["turns"], 2);
    assert_eq!(small["runs"][2]["attempts"][0]["stat"]["files"], 2);
    for (name, expected) in [("html", "+2"), ("csv", "exit 3"), ("md", "| failed |"), ("jsonl", "\"state\":\"passed\"")]
    {
        let text = std::fs::read_to_string(out.join(format!("report.{name}"))).expect("a report");
        assert!(text.contains(expected), "{name}: {text}");
    }
    let html = std::fs::read_to_string(out.join("report.html")).expect("a report");
    assert!(html.contains("<ins>+2</ins>"), "the diff is in the page");

    // Only what failed runs again, in a session of its own; the first is kept.
    scene.divisi(&["batch", "retry", "small"]).ok().prints("1 run waits again");
    scene.divisi(&["batch", "open", "small"]).exits(4);
    let again = status(&scene, "small");
    assert_eq!(again["runs"][1]["attempts"].as_array().map(Vec::len), Some(2));
    assert_eq!(again["runs"][0], small["runs"][0]);
    scene.divisi(&["batch", "retry", "small", "1"]).ok();
    scene.divisi(&["batch", "open", "small"]).exits(4);
    scene.divisi(&["batch", "pause", "small"]).exits(1);
    scene.divisi(&["batch", "clear", "small"]).ok().prints("kept, for their work is not landed: ");
    scene.divisi(&["batch", "clear", "small", "--discard"]).ok();
    assert_eq!(scene.env.json(&scene.repo, &["list"]), serde_json::json!([]));
}

#[test]
fn a_wrong_plan_starts_nothing_and_says_where() {
    let scene = Scene::new();
    let wrong = SMALL.replace("concurrency", "concurency").replace("repositories: [repo]", "repositories: [nowhere]");
    let file = plan(&scene, &wrong);
    scene.divisi(&["batch", "check", &file]).exits(1).prints("4:13: 'execution' has no 'concurency'");
    scene.divisi(&["batch", "run", &file]).exits(1).says("did you mean 'concurrency'?");
    let file = plan(&scene, &SMALL.replace("[repo]", "[nowhere]"));
    scene.divisi(&["batch", "run", &file]).exits(1).says("the repository 'nowhere'");
    let file = plan(&scene, &SMALL.replace("agent: shell", "agent: shel"));
    scene.divisi(&["batch", "run", &file]).exits(1).says("5:26: the agent 'sh' of the plan: there is no agent 'shel'");
    assert_eq!(scene.env.json(&scene.repo, &["list"]), serde_json::json!([]));
    scene.divisi(&["batch", "list", "--json"]).ok().prints("[]");
}

/// Sixty runs of agents that do what agents do: most of them badly.
#[test]
fn sixty_runs_of_bad_agents_end_as_they_should() {
    let mut scene = Scene::new();
    scene.env.set_grace(Duration::from_secs(20));
    let file = plan(
        &scene,
        r##"
version: 3
metadata: {name: sixty}
execution: {concurrency: 12, timeout_sec: 60, retry_policy: {max_attempts: 2, backoff_ms: 10}, repeat: 10, keep: none}
agents: [{id: bad, agent: scripted}]
tasks:
  - id: kinds
    prompts:
      - {id: good, prompt: "#!script\nedit made.txt one\nsay Done."}
      - {id: crash, prompt: "#!script\nsay About to\ncrash"}
      - {id: flood, prompt: "#!script\nflood 200000\nedit made.txt flood\nsay Done."}
      - {id: garbage, prompt: "#!script\ngarbage\nedit made.txt garbage\nsay Done."}
      - {id: leak, prompt: "#!script\nleak-setsid leaked.pid\nedit made.txt leak\nsay Done."}
    repositories: [repo]
  # They wait while the others work.
  - id: slow
    priority: 1
    timeout_sec: 2
    prompts:
      - {id: deaf, prompt: "#!script\nignore-term\nhang for ever"}
    repositories: [repo]
"##,
    );
    let ran = scene.env.spawn_divisi(&scene.repo, &["batch", "run", &file]).wait(LONG);
    ran.exits(4);
    let sixty = status(&scene, "sixty");
    let mut outcomes: BTreeMap<(String, String, usize), u32> = BTreeMap::new();
    for run in sixty["runs"].as_array().expect("runs") {
        let attempts = run["attempts"].as_array().expect("attempts");
        let last = attempts.last().expect("an attempt")["outcome"].as_str().expect("an outcome");
        let key = (run["prompt"].as_str().expect("a prompt").to_owned(), last.to_owned(), attempts.len());
        *outcomes.entry(key).or_default() += 1;
    }
    let expected = [
        ("crash", "crashed", 2),
        ("deaf", "timed_out", 2),
        ("flood", "done", 1),
        ("garbage", "done", 1),
        ("good", "done", 1),
        ("leak", "done", 1),
    ];
    let expected: BTreeMap<_, u32> = expected
        .iter()
        .map(|(prompt, outcome, attempts)| (((*prompt).to_owned(), (*outcome).to_owned(), *attempts), 10))
        .collect();
    assert_eq!(outcomes, expected);
    // Nothing of it is left in memory or on disk, and everything that was made is kept.
    require_none_left(&scene);
    let kept = scene.env.git(&scene.repo, &["for-each-ref", "--format=%(refname)", "refs/divisi/preserved"]);
    assert_eq!(kept.lines().count(), 40, "{kept}");
}

#[test]
fn cancelled_within_five_seconds_whatever_the_agents_do() {
    let scene = Scene::new();
    let file = plan(
        &scene,
        r#"
version: 3
metadata: {name: deaf}
execution: {concurrency: 3, repeat: 6, max_load_percent: 100000}
agents: [{id: sh, agent: shell}]
tasks: [{id: t, prompts: ["trap '' TERM INT; touch started; sleep 600; sleep 600"], repositories: [repo]}]
"#,
    );
    scene.divisi(&["batch", "run", &file, "--detach"]).ok();
    wait_until(DEADLINE, "three run", || {
        let deaf = status(&scene, "deaf");
        let sessions = deaf["runs"].as_array().expect("runs").iter().filter_map(|run| run["session_name"].as_str());
        sessions.filter(|name| scene.worktree(name).join("started").exists()).count() == 3
    });
    scene.divisi(&["batch", "pause", "deaf"]).ok();
    scene.divisi(&["batch", "concurrency", "deaf", "6"]).ok();
    let more = holds_within(Duration::from_millis(300), || status(&scene, "deaf")["counts"]["running"] != 3);
    assert!(!more, "a paused batch starts nothing");
    scene.divisi(&["batch", "resume", "deaf"]).ok();
    wait_until(DEADLINE, "six run", || status(&scene, "deaf")["counts"]["running"] == 6);
    let before = Instant::now();
    scene.divisi(&["batch", "cancel", "deaf"]).ok();
    assert!(before.elapsed() < Duration::from_secs(5), "it took {:?}", before.elapsed());
    assert_eq!(states(&status(&scene, "deaf")), ["cancelled"; 6]);
    clear(&scene);
}

#[test]
fn as_many_run_at_once_as_was_asked_from_the_first_run_on() {
    let scene = Scene::new();
    // Each says how many are at work when it is.
    let count = scene.env.path("at-work");
    std::fs::create_dir(&count).unwrap();
    let prompt = format!("touch {0}/$$; ls {0} | wc -l; sleep 0.2; rm {0}/$$", count.display());
    let text = format!(
        "version: 3\nmetadata: {{name: one}}\nexecution: {{concurrency: 8, repeat: 4, keep: all}}\n\
         agents: [{{id: sh, agent: shell}}]\ntasks: [{{id: t, prompts: [{prompt:?}], repositories: [repo]}}]\n"
    );
    let file = plan(&scene, &text);
    scene.divisi(&["batch", "run", &file, "--concurrency", "0"]).exits(1).says("cannot run 0 at the same time");
    scene.divisi(&["batch", "run", &file, "--concurrency", "1"]).ok();
    let one = status(&scene, "one");
    assert_eq!(one["concurrency"], 1);
    for run in one["runs"].as_array().expect("runs") {
        let session = run["attempts"][0]["session"].as_str().expect("a session");
        assert_eq!(scene.spoken(session).trim(), "1", "{run:#}");
    }
    clear(&scene);
}

#[test]
fn a_budget_stops_the_batch() {
    let scene = Scene::new();
    let file = plan(
        &scene,
        r##"
version: 3
metadata: {name: dear}
execution: {concurrency: 1, repeat: 10, budget: {tokens: 300}, keep: none}
agents: [{id: bad, agent: scripted}]
tasks: [{id: t, prompts: ["#!script\nusage 100 20 0.01\nedit made.txt x\nsay Done."], repositories: [repo]}]
"##,
    );
    scene.divisi(&["batch", "run", &file]).exits(4).prints("the budget of 300 tokens is used up");
    let dear = status(&scene, "dear");
    let passed = states(&dear).iter().filter(|state| *state == "passed").count();
    assert!((2..=3).contains(&passed), "{passed} passed");
    assert_eq!(dear["counts"]["skipped"].as_u64().unwrap() + dear["counts"]["passed"].as_u64().unwrap(), 10);
    require_none_left(&scene);
}

#[test]
fn what_passes_lands_and_what_does_not_stays() {
    let scene = Scene::new();
    let file = plan(
        &scene,
        r#"
version: 3
metadata: {name: gated}
execution: {concurrency: 2, keep: failed}
agents: [{id: sh, agent: shell}]
tasks:
  - id: t
    prompts: [{id: good, prompt: "echo good > verdict"}, {id: bad, prompt: "echo bad > verdict"}]
    repositories: [repo]
evaluators: [{id: verdict, kind: script, command: "grep -q good verdict", required: true}]
land: on_pass
"#,
    );
    scene.divisi(&["batch", "run", &file]).exits(4).prints("it did not pass: verdict");
    let gated = status(&scene, "gated");
    assert_eq!(states(&gated), ["passed", "failed"]);
    assert_eq!(gated["runs"][0]["attempts"][0]["landed"], true);
    assert_eq!(scene.env.git(&scene.repo, &["show", "main:verdict"]).trim(), "good");
    scene.divisi(&["batch", "rank", "gated", "--json"]).ok();
    wait_until(DEADLINE, "only the failed session is left", || {
        scene.env.json(&scene.repo, &["list"]).as_array().is_some_and(|list| list.len() == 1)
    });
    clear(&scene);
}

#[test]
fn a_run_whose_setup_fails_is_over_at_once_and_is_not_tried_again() {
    let scene = Scene::new();
    scene.env.write("repo/.divisi.toml", "[setup]\ncommands = [\"exit 7\"]\n");
    let digest = scene.env.json(&scene.repo, &["trust"])["digest"].as_str().expect("a digest").to_owned();
    scene.divisi(&["trust", "--digest", &digest]).ok();
    let file = plan(
        &scene,
        r#"
version: 3
metadata: {name: unready}
execution: {timeout_sec: 3600, keep: none, retry_policy: {max_attempts: 3, backoff_ms: 1}}
agents: [{id: sh, agent: shell}]
tasks: [{id: t, prompts: ["true"], repositories: [repo]}]
"#,
    );
    let ran = scene.env.spawn_divisi(&scene.repo, &["batch", "run", &file]).wait(LONG);
    ran.exits(4);
    let unready = status(&scene, "unready");
    let attempts = unready["runs"][0]["attempts"].as_array().expect("attempts");
    assert_eq!(attempts.len(), 1, "{unready:#}");
    assert_eq!(attempts[0]["outcome"], "not_started");
    assert!(attempts[0]["reason"].as_str().is_some_and(|why| why.starts_with("the setup failed: ")), "{unready:#}");
    require_none_left(&scene);
}

#[test]
fn a_daemon_stops_at_once_though_a_batch_has_hours_left() {
    let scene = Scene::new();
    let file = plan(&scene, &SMALL.replace("echo $DIVISI_SESSION_NAME > made.txt", "touch begun; sleep 600"));
    scene.divisi(&["batch", "run", &file, "--detach"]).ok();
    wait_until(DEADLINE, "a run is under way", || status(&scene, "small")["counts"]["running"] == 1);
    wait_until(DEADLINE, "the others are over", || states(&status(&scene, "small"))[1..] == ["failed", "passed"]);
    scene.divisi(&["daemon", "stop"]).ok();
    let log = std::fs::read_to_string(scene.env.path("home/state/divisi/log/daemon.log")).expect("a log");
    assert!(!log.contains("reads the database"), "{log}");
    // It goes on with the next one.
    assert_eq!(status(&scene, "small")["counts"]["running"], 1);
    scene.divisi(&["batch", "cancel", "small"]).ok();
    clear(&scene);
}

#[test]
fn a_setup_that_takes_too_long_or_is_cancelled_is_ended_at_once() {
    let scene = Scene::new();
    let pid = scene.env.path("pid");
    scene.env.write(
        "repo/.divisi.toml",
        format!("[setup]\ncommands = [\"trap '' TERM; echo $$ >> {}; sleep 600 & wait\"]\n", pid.display()),
    );
    let digest = scene.env.json(&scene.repo, &["trust"])["digest"].as_str().expect("a digest").to_owned();
    scene.divisi(&["trust", "--digest", &digest]).ok();
    let text = r#"
version: 3
metadata: {name: slow}
execution: {timeout_sec: 2, keep: none}
agents: [{id: sh, agent: shell}]
tasks: [{id: t, prompts: ["true"], repositories: [repo]}]
"#;
    scene.divisi(&["batch", "run", &plan(&scene, text)]).exits(4).prints("timed out: it took too long");
    require_none_left(&scene);
    let patient = text.replace("timeout_sec: 2", "timeout_sec: 600").replace("slow", "patient");
    std::fs::remove_file(&pid).unwrap();
    scene.divisi(&["batch", "run", &plan(&scene, &patient), "--detach"]).ok();
    wait_until(DEADLINE, "the setup runs", || pid.exists());
    let before = Instant::now();
    scene.divisi(&["batch", "cancel", "patient"]).ok();
    assert!(before.elapsed() < Duration::from_secs(5), "it took {:?}", before.elapsed());
    assert_eq!(states(&status(&scene, "patient")), ["cancelled"]);
    require_none_left(&scene);
}

/// What is left of a batch.
fn play(kill: Option<String>) -> (Vec<String>, u64) {
    let mut scene = Scene::new();
    if let Some(points) = kill {
        scene.env.set("DIVISI_TEST_KILL", points);
        scene.env.tolerate("divisi.sock");
    }
    let file = plan(
        &scene,
        r#"
version: 3
metadata: {name: killed}
execution: {concurrency: 1, keep: failed}
agents: [{id: sh, agent: shell}]
tasks:
  - id: t
    prompts:
      - {id: one, prompt: "echo x >> made.txt; echo once", follow_ups: ["echo y >> made.txt"]}
      - {id: two, prompt: "echo z >> other.txt; exit 7"}
    repositories: [repo]
"#,
    );
    scene.env.spawn_divisi(&scene.repo, &["batch", "run", &file]).wait(LONG).exits(4);
    let killed = status(&scene, "killed");
    let mut left: Vec<String> = killed["runs"]
        .as_array()
        .expect("runs")
        .iter()
        .map(|run| {
            let attempts = run["attempts"].as_array().expect("attempts");
            let last = attempts.last().expect("an attempt");
            format!("{} {} {} {} {}", run["number"], run["state"], attempts.len(), last["turns"], last["stat"])
        })
        .collect();
    wait_until(DEADLINE, "only the failed session is left", || {
        scene.env.json(&scene.repo, &["list"]).as_array().is_some_and(|list| list.len() == 1)
    });
    let refs = scene.env.git(&scene.repo, &["for-each-ref", "--format=%(refname)", "refs/divisi/preserved"]);
    left.push(format!("{} preserved", refs.lines().count()));
    for kept in refs.lines() {
        left.push(scene.env.git(&scene.repo, &["show", &format!("{kept}:made.txt")]));
    }
    let head = scene.env.json(&scene.repo, &["daemon", "status"])["head"].as_u64().unwrap();
    clear(&scene);
    (left, head)
}

/// Every event: each of the shards begins one later.
fn killed_at_every_event(shard: u64) {
    const SHARDS: usize = 6;
    let (expected, head) = play(None);
    assert!(expected.contains(&"1 preserved".to_owned()), "{expected:?}");
    assert!(head >= 20, "the batch has {head} events");
    for seq in (1 + shard..=head).step_by(SHARDS) {
        let (left, _) = play(Some(format!("after:{seq}")));
        assert_eq!(left, expected, "the daemon was killed after event {seq}");
    }
}

#[test]
fn a_daemon_killed_at_any_event_ends_with_the_same_results_a() {
    killed_at_every_event(0);
}

#[test]
fn a_daemon_killed_at_any_event_ends_with_the_same_results_b() {
    killed_at_every_event(1);
}

#[test]
fn a_daemon_killed_at_any_event_ends_with_the_same_results_c() {
    killed_at_every_event(2);
}

#[test]
fn a_daemon_killed_at_any_event_ends_with_the_same_results_d() {
    killed_at_every_event(3);
}

#[test]
fn a_daemon_killed_at_any_event_ends_with_the_same_results_e() {
    killed_at_every_event(4);
}

#[test]
fn a_daemon_killed_at_any_event_ends_with_the_same_results_f() {
    killed_at_every_event(5);
}
