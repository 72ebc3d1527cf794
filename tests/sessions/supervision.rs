//! Agents that misbehave, and processes that are killed: said so, work kept, no survivors (promise P6). The environment's destructor
//! looks for survivors after every test.

use super::scene::{DEADLINE, Scene, is_alive, kill};
use crate::support::wait_until;

/// A behaviour and how its turn must end.
struct Case {
    name: &'static str,
    script: &'static str,
    state: &'static str,
    reason: &'static str,
    said: &'static str,
}

const fn case(
    name: &'static str,
    script: &'static str,
    state: &'static str,
    reason: &'static str,
    said: &'static str,
) -> Case {
    Case { name, script, state, reason, said }
}

#[test]
fn every_bad_behaviour_over_acp_ends_as_it_should() {
    let cases = [
        case("crash", "say hello\ncrash", "failed", "the agent crashed", "hello"),
        case("exit", "say hello\nexit 3", "failed", "exit 3", "hello"),
        case("half-line", "say hello\nhalf-line\nexit 0", "failed", "", "hello"),
        case("garbage", "garbage\nsay hello", "completed", "", "hello"),
        case("invalid-utf8", "invalid-utf8\nsay hello", "completed", "", "hello"),
        case("deep-json", "deep-json\nsay hello", "completed", "", "hello"),
        case("unknown-update", "unknown-update\nunknown-request\nsay hello", "completed", "", "hello"),
        case("number-ids", "number-ids\nask-permission a Go\nsay hello", "completed", "", "hello"),
        case("fail-prompt", "fail-prompt -32603 the model is on fire", "failed", "the model is on fire", ""),
        case("refusal", "say no\nstop refusal", "failed", "refus", "no"),
        case("leak-setsid", "leak-setsid leak.pid\nsay hello", "review", "", "hello"),
        case("leak-child", "leak-child leak.pid\nsay hello", "review", "", "hello"),
    ];
    let scene = Scene::new();
    for case in &cases {
        let prompt = format!("#!script\n{}", case.script);
        scene.divisi(&["new", "--name", case.name, "--agent", "scripted", &prompt]).ok();
        if case.name == "number-ids" {
            let approval = scene.wait_for_approval(case.name);
            scene.divisi(&["answer", &approval, "once"]).ok();
        }
    }
    for case in &cases {
        let session = scene.wait_for(case.name, &["completed", "review", "failed", "interrupted"]);
        assert_eq!(session["state"], case.state, "{}: {session}", case.name);
        let reason = session["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(case.reason), "{}: {reason:?}", case.name);
        let said = scene.spoken(case.name);
        assert!(said.trim_end().ends_with(case.said), "{}: {said:?}", case.name);
    }
    // Nobody was drawn into another's trouble: all of them go on.
    for case in &cases {
        scene.send_script(case.name, "say again");
        let again = scene.wait_for(case.name, &["completed", "review"]);
        assert_eq!(again["turns"], 2, "{}: {again}", case.name);
    }
    scene.discard(&cases.iter().map(|case| case.name).collect::<Vec<_>>());
}

#[test]
fn a_stop_ends_what_ignores_everything() {
    let scene = Scene::new();
    let config = scene.env.path("home/config/divisi/config.toml");
    scene.env.write(&config, "[agents]\ngrace_sec = 1\n");
    let pid = scene.env.path("pid");
    scene.scripted("deaf", &format!("ignore-term\npid {}\nleak-setsid leaked\nhang deaf now", pid.display()));
    wait_until(DEADLINE, "the agent is deaf", || scene.spoken("deaf").contains("deaf now"));
    let pid: i32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    scene.divisi(&["stop", "deaf"]).ok();
    scene.wait_for("deaf", &["interrupted"]);
    wait_until(DEADLINE, "the agent is gone", || !is_alive(pid));
    scene.discard(&["deaf"]);
}

#[test]
fn killed_shims_and_agents_are_noticed_and_their_work_is_kept() {
    let scene = Scene::new();
    let forever = |name: &str| {
        let pid = scene.env.path(format!("{name}.pid"));
        scene.scripted(name, &format!("edit work.txt precious\npid {}\nhang deaf", pid.display()));
        wait_until(DEADLINE, "the agent runs", || {
            std::fs::read_to_string(&pid).is_ok_and(|text| !text.trim().is_empty())
        });
        std::fs::read_to_string(&pid).unwrap().trim().parse::<i32>().unwrap()
    };
    let agents = [forever("agent"), forever("shim"), forever("all")];
    let shim_of = |name: &str| {
        let started = scene.events(name).into_iter().find(|event| event["type"] == "job.started").expect("it started");
        i32::try_from(started["payload"]["shim"]["pid"].as_i64().unwrap()).unwrap()
    };
    // The agent alone.
    kill(agents[0]);
    let session = scene.wait_for("agent", &["interrupted"]);
    assert!(session["reason"].as_str().unwrap().contains("signal 9"), "{session}");
    // Its shim alone: the agent must not go on unseen.
    kill(shim_of("shim"));
    let session = scene.wait_for("shim", &["interrupted"]);
    assert!(session["reason"].as_str().unwrap().contains("lost"), "{session}");
    wait_until(DEADLINE, "the agent of the killed shim is gone", || !is_alive(agents[1]));
    // Everything at once.
    let (daemon, shim) = (scene.daemon_pid(), shim_of("all"));
    kill(daemon);
    kill(shim);
    kill(agents[2]);
    scene.wait_for("all", &["interrupted"]);
    for name in ["agent", "shim", "all"] {
        assert_eq!(scene.read(name, "work.txt").trim_end(), "precious");
        assert_eq!(scene.show(name)["stat"]["files"], 1, "{name}: what it did is a checkpoint");
        scene.send_script(name, "say back");
        scene.wait_for(name, &["review"]);
    }
    scene.discard(&["agent", "shim", "all"]);
}

#[test]
fn a_flood_is_bounded_and_hurts_nobody() {
    let scene = Scene::new();
    scene.divisi(&["new", "--name", "flood", "--agent", "shell", "yes | head -c 200000000; echo the end"]).ok();
    scene.shell("calm", "echo calm").ok();
    assert_eq!(scene.spoken("calm"), "calm\n");
    wait_until(DEADLINE * 4, "the flood is over", || scene.state("flood") == "completed");
    let said = scene.spoken("flood");
    assert!(said.len() < 4 * 1024 * 1024, "{} bytes are kept", said.len());
    assert!(said.ends_with("the end\n"), "the end of it is kept");
    let status = std::fs::read_to_string(format!("/proc/{}/status", scene.daemon_pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 128 * 1024, "the daemon used {kilobytes} kB");
}

#[test]
fn an_agent_that_never_gets_ready_says_why() {
    let scene = Scene::new();
    let agents = scene.env.path("home/config/divisi/agents");
    let exe = env!("CARGO_BIN_EXE_divisi");
    for (name, script) in [("locked", "auth-required"), ("future", "protocol-version 9"), ("dies", "die-at-start 3")] {
        let text = format!(
            "name = \"{name}\"\ndescription = \"a test agent\"\nprotocol = \"acp\"\ncommand = [\"{exe}\", \"agent-script\", \"-e\", \"{script}\"]\n"
        );
        scene.env.write(agents.join(format!("{name}.toml")), text);
    }
    for (name, word) in [("locked", "log"), ("future", "version"), ("dies", "3")] {
        scene.divisi(&["new", "--name", name, "--agent", name, "--wait", "hello"]).exits(4);
        let session = scene.show(name);
        assert_eq!(session["state"], "failed", "{session}");
        assert!(session["reason"].as_str().unwrap().contains(word), "{session}");
    }
    scene.discard(&["locked", "future", "dies"]);
}
