//! Failures told apart, silence that is asked about, and what it all cost: as a person sees it on the command line.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::scene::{DEADLINE, Scene, is_alive, kill};
use crate::support::wait_until;

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// The process id that a script wrote into its worktree.
fn pid(scene: &Scene, name: &str) -> i32 {
    let file = scene.worktree(name).join("agent.pid");
    wait_until(DEADLINE, "the agent wrote its pid", || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n') || text.trim().parse::<i32>().is_ok())
    });
    std::fs::read_to_string(&file).unwrap().trim().parse().unwrap()
}

fn kinds(scene: &Scene, name: &str) -> Vec<Value> {
    let events = scene.events(name);
    let failed = events.iter().filter(|event| event["type"] == "turn.failed");
    failed.map(|event| event["payload"]["failure"]["kind"].clone()).collect()
}

#[test]
fn a_rate_limit_says_when_it_may_be_tried_again() {
    let scene = Scene::new();
    let before = now_ms();
    let prompt = "#!script\nfail-prompt 429 Rate limit reached. Please try again in 20m.";
    let waited = scene.divisi(&["new", "--name", "limit", "--agent", "scripted", "--wait", prompt]);
    let waited = waited.exits(4);
    assert!(
        waited.stdout.contains("rate limit: ") && waited.stdout.contains("it can be tried again at 20"),
        "{waited:?}"
    );
    let shown = scene.show("limit");
    assert_eq!(shown["turn"]["failure"]["kind"], "rate_limit");
    let at = shown["turn"]["failure"]["retry_at"].as_i64().unwrap();
    assert!((before + 20 * 60_000..=now_ms() + 20 * 60_000).contains(&at), "{at}");
    let text = scene.divisi(&["show", "limit"]);
    let text = text.ok();
    assert!(text.stdout.contains("retry ") && text.stdout.contains("in 19 min"), "{}", text.stdout);
    let list = scene.divisi(&["list"]);
    let list = list.ok();
    assert!(list.stdout.contains("rate limit: "), "{}", list.stdout);
    assert_eq!(kinds(&scene, "limit"), ["rate_limit"]);
    // The next turn starts without it.
    scene.send_script("limit", "say fine");
    assert_eq!(scene.wait_for("limit", &["completed"])["turn"].get("failure"), None);
    scene.discard(&["limit"]);
}

#[test]
fn a_crash_a_kill_and_a_stop_are_told_apart() {
    let scene = Scene::new();
    scene.scripted("crash", "say hello\nexit 3");
    scene.scripted("kill", "pid agent.pid\nsay hello\nhang");
    scene.scripted("stop", "pid agent.pid\nsay hello\nhang");
    let crashed = scene.wait_for("crash", &["failed"]);
    assert_eq!(crashed["turn"]["failure"]["kind"], "crashed");
    assert!(!crashed["turn"]["failure"]["next"].as_str().unwrap().is_empty());
    kill(pid(&scene, "kill"));
    let killed = scene.wait_for("kill", &["interrupted"]);
    assert_eq!(killed["turn"]["failure"]["kind"], "killed");
    assert!(killed["reason"].as_str().unwrap().starts_with("the agent was killed"), "{killed}");
    pid(&scene, "stop");
    scene.divisi(&["stop", "stop"]).ok();
    assert_eq!(scene.wait_for("stop", &["interrupted"])["turn"].get("failure"), None);
    assert!(kinds(&scene, "stop").is_empty());
    scene.discard(&["crash", "kill", "stop"]);
}

#[test]
fn silence_is_asked_about_across_daemons_and_ends_nothing_by_itself() {
    let scene = Scene::new();
    scene.divisi(&["config", "set", "agents.silence_sec", "1"]).ok();
    let gate = scene.env.path("gate");
    let script = format!("pid agent.pid\nsay hello\nsleep-until {}\nsay back\npid again.pid\nhang", gate.display());
    scene.scripted("quiet", &script);
    let agent = pid(&scene, "quiet");
    let waited = scene.divisi(&["wait", "quiet"]);
    let waited = waited.exits(5);
    assert!(
        waited.stdout.contains("awaiting_input (question)") && waited.stdout.contains("silent since 20"),
        "{waited:?}"
    );
    let first = scene.wait_for_approval("quiet");
    assert!(scene.divisi(&["approvals"]).ok().stdout.contains("--option interrupt"));

    // It waits on, and asks again; also when another daemon has to.
    scene.divisi(&["answer", &first, "once"]).ok();
    let second = scene.wait_for_approval("quiet");
    assert_ne!(first, second);
    scene.kill_daemon();
    assert_eq!(scene.wait_for_approval("quiet"), second, "the question is asked once");
    scene.divisi(&["answer", &second, "once", "--option", "wait"]).ok();
    scene.kill_daemon();
    let third = scene.wait_for_approval("quiet");
    assert_ne!(second, third);

    // It is heard again: nobody has to answer, and the silence is over.
    std::fs::write(&gate, "").unwrap();
    wait_until(DEADLINE, "the question is withdrawn", || {
        scene.approvals().iter().all(|open| open["id"] != third.as_str())
    });
    assert!(scene.spoken("quiet").contains("back"));
    assert!(is_alive(agent), "nothing was ended");
    assert!(kinds(&scene, "quiet").is_empty());

    // A person has enough.
    let last = scene.wait_for_approval("quiet");
    scene.divisi(&["answer", &last, "once", "--option", "stop"]).ok();
    let ended = scene.wait_for("quiet", &["interrupted"]);
    assert_eq!((&ended["turn"]["failure"]["kind"], ended["turn"].get("silence")), (&Value::from("silent"), None));
    assert!(!is_alive(agent));
    scene.discard(&["quiet"]);
}

#[test]
fn silence_is_no_matter_where_a_session_or_an_agent_may_be_silent_or_while_it_asks() {
    let scene = Scene::new();
    scene.divisi(&["config", "set", "agents.silence_sec", "1"]).ok();
    scene.divisi(&["config", "set", "agents.silence_of", "[\"shell=0\"]"]).ok();
    let prompt = "#!script\nsay hello\nhang";
    scene.divisi(&["new", "--name", "patient", "--agent", "scripted", "--silence", "0", prompt]).ok();
    scene.divisi(&["new", "--name", "shell", "--agent", "shell", "echo hello; exec sleep 600"]).ok();
    scene.scripted("asks", "ask-permission a Run :: make\nsay done");
    let asked = scene.wait_for_approval("asks");
    // Longer than the others would have had.
    scene.scripted("clock", "say hello\nhang");
    scene.wait_for_approval("clock");
    assert_eq!([scene.state("patient"), scene.state("shell")], ["running", "running"]);
    let open = scene.approvals();
    assert_eq!(open.len(), 2, "{open:?}");
    assert!(open.iter().any(|approval| approval["id"] == asked.as_str()));
    scene.divisi(&["answer", &asked, "once"]).ok();
    scene.wait_for("asks", &["completed"]);
    scene.discard(&["patient", "shell", "asks", "clock"]);
}

#[test]
fn what_it_cost_is_told_estimated_or_unknown() {
    let scene = Scene::new();
    let usage = "usage 1000 100\nsay done";
    let script = |models: &str| format!("AGENT_SCRIPT=models {models}\n{usage}");
    for (name, models) in [("known", "claude-opus-5-5 | x"), ("strange", "house-model | x")] {
        scene.divisi(&["new", "--name", name, "--agent", "scripted", "--env", &script(models), "--wait", "go"]).ok();
    }
    scene
        .divisi(&["new", "--name", "told", "--agent", "scripted", "--wait", "#!script\nusage 10 5 0.25\nsay done"])
        .ok();
    let known = scene.show("known");
    assert_eq!((&known["usage"]["cost_source"], &known["usage"]["currency"]), (&"estimated".into(), &"USD".into()));
    let prices = scene.env.json(&scene.repo, &["config", "prices", "claude-opus-5-5"]);
    let price = |what: &str| prices["models"]["claude-opus-5-5"][what].as_i64().unwrap();
    let figures = |what: &str| known["usage"][what].as_i64().unwrap();
    let cost = (figures("input") * price("input") + figures("output") * price("output") + 500_000) / 1_000_000;
    assert_eq!(known["usage"]["cost_micros"], cost);
    assert_eq!(known["usage_by_turn"][0]["usage"]["models"]["claude-opus-5-5"]["cost_source"], "estimated");
    assert_eq!(scene.show("strange")["usage"].get("cost_micros"), None, "unknown is not nothing");
    assert_eq!(scene.show("told")["usage"]["cost_micros"], 250_000);
    let list = scene.divisi(&["list"]).ok().stdout.clone();
    let row = |name: &str| list.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(row("known").contains(" ~$0.01 ") || row("known").contains(" ~<$0.01 "), "{list}");
    assert!(row("strange").contains(" ? ") && row("told").contains(" $0.25 "), "{list}");
    let shown = scene.divisi(&["show", "strange"]).ok().stdout.clone();
    assert!(shown.contains("house-model") && shown.contains("divisi config prices"), "{shown}");

    // Prices of one's own, from a file.
    scene.env.write("mine.toml", "[models]\nhouse-model = { input = 100, output = 1000 }\n");
    scene.env.write("bad.toml", "[models]\nhouse-model = { output = 1000 }\n");
    let file = |name: &str| scene.env.path(name).display().to_string();
    assert!(
        scene.divisi(&["config", "prices", "--update", &file("bad.toml")]).exits(1).stderr.contains("needs `input`")
    );
    scene.divisi(&["config", "prices", "--update", &file("mine.toml")]).ok();
    scene.divisi(&["daemon", "restart"]).ok();
    let strange = scene.show("strange");
    assert_eq!(strange["usage"]["cost_micros"], 200_000, "{}", strange["usage"]);
    scene.discard(&["known", "strange", "told"]);
}
