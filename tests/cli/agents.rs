//! `divisi agents` and what `divisi doctor` says about them: versions, logins, bad definitions, bad versions.

use std::fs;

use serde_json::Value;

use crate::sessions::scene::Scene;

/// A scene whose `PATH` has these programs first.
fn scene(programs: &[(&str, &str)]) -> Scene {
    let mut scene = Scene::new();
    for (name, body) in programs {
        scene.env.script(format!("bin/{name}"), body);
    }
    let path = format!("{}:{}", scene.env.path("bin").display(), std::env::var("PATH").unwrap());
    scene.env.set("PATH", path);
    scene
}

fn agent(scene: &Scene, name: &str) -> Value {
    let listed = scene.env.json(&scene.repo, &["agents"]);
    listed.as_array().unwrap().iter().find(|view| view["name"] == name).unwrap().clone()
}

const INIT: &str = r#"{"type":"system","subtype":"init","session_id":"s"}"#;

#[test]
fn what_is_installed_is_asked_once() {
    let scene = scene(&[
        ("claude", "echo \"$*\" >> \"$HOME/asked\"; echo '2.1.329 (Claude Code)'"),
        ("codex", "echo 'codex-cli 0.169.0'"),
        ("gemini", "echo broken >&2; exit 3"),
    ]);
    let claude = agent(&scene, "claude");
    assert_eq!(claude["probe"]["version"], "2.1.329");
    assert_eq!(claude["source"], "built-in");
    assert_eq!(agent(&scene, "codex-once")["probe"]["version"], "0.169.0");
    let gemini = agent(&scene, "gemini");
    assert_eq!(gemini["probe"]["fault"], "gemini --version exits with code 3: broken");
    assert_eq!(fs::read_to_string(scene.env.path("home/asked")).unwrap(), "--version\n");
    let table = scene.divisi(&["agents", "--installed"]);
    let line = table.ok().stdout.lines().find(|line| line.starts_with("claude ")).unwrap().to_owned();
    assert!(line.contains("2.1.329") && line.contains("unknown") && line.contains("claude_stream_json"), "{line}");
    assert!(!table.stdout.contains("qwen"), "{table}");
    let all = scene.divisi(&["agents"]);
    let missing = all.ok().stderr.lines().any(|line| line.contains("qwen, qwen-once: to install it: npm install -g"));
    assert!(missing, "{all}");
}

#[test]
fn a_login_is_seen_in_variables_files_and_profiles() {
    let mut scene = scene(&[("claude", "echo 2.1.329"), ("codex", "echo 0.169.0"), ("amp", "echo 0.0.1")]);
    scene.env.set("ANTHROPIC_API_KEY", "hunter2");
    scene.env.set("CODEX_HOME", scene.env.path("codex-home"));
    scene.env.write("codex-home/auth.json", "{\"tokens\": \"hunter2\"}");
    let claude = agent(&scene, "claude");
    assert_eq!(
        (claude["login"]["state"].as_str(), claude["login"]["because"].as_str()),
        (Some("yes"), Some("ANTHROPIC_API_KEY is set"))
    );
    // The daemon has the variable, and whoever looks now has not: a session of theirs would not get it.
    let mut elsewhere = scene.env.divisi_command(&scene.repo, &["agents", "--json"]);
    elsewhere.env_remove("ANTHROPIC_API_KEY");
    let listed = crate::support::run(elsewhere).ok().json();
    let claude = listed.as_array().unwrap().iter().find(|view| view["name"] == "claude").unwrap().clone();
    assert_eq!(claude["login"]["state"], "unknown");
    let codex = agent(&scene, "codex");
    assert_eq!(codex["login"]["state"], "yes");
    assert!(codex["login"]["because"].as_str().unwrap().ends_with("codex-home/auth.json is there"));
    let amp = agent(&scene, "amp");
    assert_eq!(
        (amp["login"]["state"].as_str(), amp["login"]["hint"].as_str()),
        (Some("no"), Some("amp login, or set AMP_API_KEY"))
    );
    assert_eq!(agent(&scene, "shell")["login"]["state"], "not_needed");
    let table = scene.divisi(&["agents"]);
    assert!(table.ok().stderr.contains("amp: not logged in: amp login"), "{table}");
    assert!(!table.stdout.contains("hunter2") && !table.stderr.contains("hunter2"));
    scene.env.write(
        "home/config/divisi/config.toml",
        "[agents.profiles]\namp = \"ci\"\n[profiles.ci.credentials]\nAMP_API_KEY = \"env:X\"\n",
    );
    scene.divisi(&["daemon", "restart"]).ok();
    let amp = agent(&scene, "amp");
    assert_eq!(
        (amp["profile"].as_str(), amp["login"]["because"].as_str()),
        (Some("ci"), Some("the profile ci gives AMP_API_KEY"))
    );
}

#[test]
fn a_version_that_is_known_to_be_bad_is_said_everywhere() {
    let body = format!("test \"$1\" = --version && exec echo '2.1.197 (Claude Code)'\necho '{INIT}'\n");
    let scene = scene(&[("claude", &body)]);
    let problem = agent(&scene, "claude")["probe"]["problems"][0].clone();
    assert_eq!(problem["versions"], "<2.1.329");
    let doctor = scene.env.json(&scene.repo, &["doctor"]);
    let finding = doctor.as_array().unwrap().iter().find(|finding| finding["kind"] == "agent_version").unwrap().clone();
    assert_eq!(finding["level"], "warning");
    assert!(finding["message"].as_str().unwrap().starts_with("claude 2.1.197 is known to be bad"), "{finding}");
    assert!(finding["hint"].as_str().unwrap().contains("npm install -g @anthropic-ai/claude-code@2.1.329"));
    scene.divisi(&["new", "--name", "c", "--agent", "claude", "hi"]).ok();
    crate::support::wait_until(crate::sessions::scene::DEADLINE, "the session says so", || {
        scene.events("c").iter().any(|event| {
            event["type"] == "agent.notice"
                && event["payload"]["text"].as_str().is_some_and(|text| text.contains("known to be bad (<2.1.329)"))
        })
    });
}

#[test]
fn definitions_of_the_user_are_named_by_their_file_and_so_are_their_mistakes() {
    let scene = scene(&[("mine", "echo mine: $*")]);
    let directory = "home/config/divisi/agents";
    let mine = scene.env.write(
        format!("{directory}/mine.toml"),
        "name = \"mine\"\ndescription = \"my own\"\nprotocol = \"shell\"\ncommand = [\"mine\"]\n",
    );
    let bad = scene.env.write(format!("{directory}/bad.toml"), "name = \"bad\"\n\ndescripton = \"x\"\n");
    assert_eq!(agent(&scene, "mine")["source"], mine.to_str().unwrap());
    scene.divisi(&["new", "--name", "m", "--agent", "mine", "--wait", "a b"]).ok();
    assert_eq!(scene.spoken("m"), "mine: a b\n");
    let doctor = scene.divisi(&["doctor"]);
    let place = format!("{}: line 3: unknown key `descripton`", bad.display());
    assert!(doctor.exits(1).stdout.contains(&place), "{doctor}");
    assert!(doctor.stdout.contains("(did you mean `description`?)"), "{doctor}");
    let table = scene.divisi(&["agents"]);
    assert!(table.ok().stderr.contains(&format!("bad: not used: {place}")), "{table}");
}
