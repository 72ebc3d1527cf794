//! Prompts for the running turn, files that go with prompts, options, and MCP servers: end to end.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::scene::{DEADLINE, Scene};
use crate::support::wait_until;

/// An agent that takes prompts into its turn, which lasts until there is a file, and looks at images.
const SCRIPT: &str = "capability steer\ncapability see\ncapability resume\nmodes ask | plan\n\
    on-turn 1\nsay Begin. \nservers\nsleep-until gate.txt\nsay End.\n\
    on-turn 2\nprompt\non-turn 3\nprompt\non-resume\nprompt\n";
const PNG: &[u8] = &[0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];
/// The same in base 64.
const PNG_TEXT: &str = "iVBORw0KGgo=";

/// A secret that JSON has to quote.
const SECRET: &str = "s3cr3t-\"quoted\"";

/// Starts a session of that agent, with more options.
fn start(scene: &Scene, name: &str, options: &[&str]) {
    let variable = format!("AGENT_SCRIPT={SCRIPT}");
    let mut words = vec!["new", "--name", name, "--agent", "scripted", "--env", &variable];
    words.extend(options);
    words.push("go");
    scene.divisi(&words).ok();
}

fn begun(scene: &Scene, name: &str) {
    wait_until(DEADLINE, "the agent has begun", || scene.spoken(name).contains("servers: "));
}

fn open_gate(scene: &Scene, name: &str) {
    fs::write(scene.worktree(name).join("gate.txt"), "").unwrap();
}

fn count(scene: &Scene, name: &str, kind: &str) -> usize {
    scene.events(name).iter().filter(|event| event["type"] == kind).count()
}

fn state_dir(scene: &Scene) -> PathBuf {
    let database = scene.env.json(&scene.repo, &["daemon", "status"])["database"].as_str().unwrap().to_owned();
    Path::new(&database).parent().unwrap().to_owned()
}

fn file(scene: &Scene, name: &str, bytes: &[u8]) -> String {
    let path = scene.env.path(name);
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

#[test]
fn a_prompt_goes_into_the_running_turn() {
    let scene = Scene::new();
    start(&scene, "one", &[]);
    begun(&scene, "one");
    let image = file(&scene, "shot.png", PNG);
    let sent = scene.divisi(&["send", "one", "--now", "--image", &image, "not that"]);
    sent.ok();
    assert!(sent.stdout.contains("into the running turn"), "{}", sent.stdout);
    open_gate(&scene, "one");
    scene.wait_for("one", &["review"]);
    let spoken = scene.spoken("one");
    assert!(spoken.contains(&format!("steered: not that\n[image image/png {PNG_TEXT}]")), "{spoken}");
    assert_eq!((count(&scene, "one", "prompt.steered"), scene.show("one")["turns"].as_u64()), (1, Some(1)));
    let log = scene.divisi(&["log", "one"]);
    log.ok();
    assert!(log.stdout.contains("While it works:") && log.stdout.contains("attached: shot.png"), "{}", log.stdout);
    scene.discard(&["one"]);
}

#[test]
fn an_agent_that_cannot_be_steered_gets_it_next_and_the_person_is_told() {
    let scene = Scene::new();
    let gate = scene.env.path("gate");
    let command = format!("until [ -e {} ]; do sleep 0.05; done; echo over", gate.display());
    scene.divisi(&["new", "--name", "sh", "--agent", "shell", &command]).ok();
    scene.wait_for("sh", &["running"]);
    scene.divisi(&["send", "sh", "echo later"]).ok();
    let sent = scene.divisi(&["send", "sh", "--now", "echo sooner"]);
    sent.ok();
    assert!(sent.stdout.contains("next in line: shell cannot take a prompt into its running turn"), "{}", sent.stdout);
    fs::write(gate, "").unwrap();
    wait_until(DEADLINE, "all turns are over", || scene.show("sh")["turns"] == 3 && scene.state("sh") == "completed");
    assert_eq!(scene.spoken("sh"), "over\nsooner\nlater\n");
    scene.discard(&["sh"]);
}

#[test]
fn an_interrupting_prompt_ends_the_turn_and_keeps_the_process() {
    let scene = Scene::new();
    start(&scene, "one", &[]);
    begun(&scene, "one");
    let sent = scene.divisi(&["send", "one", "--interrupt", "do this"]);
    sent.ok();
    assert!(sent.stdout.contains("the running turn is interrupted"), "{}", sent.stdout);
    wait_until(DEADLINE, "the prompt came", || scene.spoken("one").ends_with("do this"));
    let show = scene.wait_for("one", &["review", "completed"]);
    assert_eq!((show["turns"].as_u64(), count(&scene, "one", "job.intended")), (Some(2), 1));
    scene.discard(&["one"]);
}

/// The daemon dies after every event between the acceptance of a prompt for the running turn and the end of that turn: it reaches the
/// agent exactly once, in the turn or as the next.
#[test]
fn a_prompt_for_the_running_turn_is_delivered_once_whenever_the_daemon_dies() {
    for distance in 1..=6 {
        let mut scene = Scene::new();
        start(&scene, "one", &[]);
        begun(&scene, "one");
        let head = scene.env.json(&scene.repo, &["daemon", "status"])["head"].as_u64().unwrap();
        scene.divisi(&["daemon", "stop"]).ok();
        scene.env.set("DIVISI_TEST_KILL", format!("after:{}", head + distance));
        scene.env.tolerate("divisi.sock");
        let image = file(&scene, "shot.png", PNG);
        scene.divisi(&["send", "one", "--now", "--image", &image, "not that"]).ok();
        fs::remove_file(image).unwrap();
        open_gate(&scene, "one");
        scene.wait_for("one", &["review"]);
        wait_until(DEADLINE, "nothing waits", || scene.show("one")["queue"].as_array().is_some_and(Vec::is_empty));
        scene.wait_for("one", &["review"]);
        let spoken = scene.spoken("one");
        assert_eq!(spoken.matches("not that").count(), 1, "killed {distance} events later: {spoken}");
        assert_eq!(spoken.matches(PNG_TEXT).count(), 1, "killed {distance} events later: {spoken}");
        scene.discard(&["one"]);
    }
}

#[test]
fn files_are_as_they_were_when_they_were_accepted_and_go_with_their_session() {
    let scene = Scene::new();
    let image = file(&scene, "shot.png", PNG);
    let text = file(&scene, "notes.txt", b"first words");
    start(&scene, "one", &["--image", &image]);
    begun(&scene, "one");
    let sent = scene.divisi(&["send", "one", "--file", &text, "--image", &image, "look"]);
    sent.ok();
    assert!(sent.stdout.contains("queued as"), "{}", sent.stdout);
    fs::write(&text, "other words").unwrap();
    fs::remove_file(&image).unwrap();
    let kept = state_dir(&scene).join("attachments");
    scene.kill_daemon();
    open_gate(&scene, "one");
    wait_until(DEADLINE, "the second turn is over", || scene.spoken("one").contains("[file first words]"));
    let spoken = scene.spoken("one");
    assert!(spoken.contains(&format!("look\n[image image/png {PNG_TEXT}]\n[file first words]")), "{spoken}");
    scene.wait_for("one", &["review"]);
    assert!(fs::read_dir(&kept).unwrap().count() == 1, "copies are kept");
    scene.discard(&["one"]);
    wait_until(DEADLINE, "the copies are gone", || fs::read_dir(&kept).unwrap().count() == 0);
}

#[test]
fn files_that_cannot_go_along_are_refused_with_the_reason() {
    let scene = Scene::new();
    let text = file(&scene, "notes.png", b"words");
    let large = file(&scene, "large.png", &[PNG, &vec![0; 6 << 20]].concat());
    let refused = |words: &[&str], why: &str| {
        let ran = scene.divisi(words);
        ran.exits(1);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    };
    refused(&["new", "--agent", "scripted", "--image", &text, "x"], "its content is text/plain");
    refused(&["new", "--agent", "scripted", "--image", &large, "x"], "an image may have at most 5 MiB");
    refused(&["new", "--agent", "scripted", "--file", "no-such-file", "x"], "No such file");
    refused(&["new", "--agent", "shell", "--file", &text, "true"], "is a command line");
    assert_eq!(scene.env.json(&scene.repo, &["list"]), Value::Array(Vec::new()));
    assert!(fs::read_dir(state_dir(&scene).join("attachments")).map_or(0, Iterator::count) == 0);
}

#[test]
fn an_option_is_said_to_be_set_when_the_agent_said_so_and_holds_for_its_next_process() {
    let scene = Scene::new();
    start(&scene, "one", &[]);
    begun(&scene, "one");
    open_gate(&scene, "one");
    scene.wait_for("one", &["review"]);
    let set = scene.divisi(&["option", "one", "mode", "plan"]);
    set.ok();
    assert!(set.stdout.contains("mode of one is now plan"), "{}", set.stdout);
    assert_eq!(count(&scene, "one", "agent.option_answered"), 1);
    let show = scene.show("one");
    assert_eq!((&show["mode"], &show["options"][0]["current"]), (&"plan".into(), &"plan".into()));
    scene.divisi(&["option", "one", "mode", "nonsense"]).exits(1);
    scene.discard(&["one"]);
}

#[test]
fn servers_of_the_configuration_reach_the_agent_and_their_secrets_nothing_else() {
    let mut scene = Scene::new();
    scene.env.set("TOKEN_OF_TEST", SECRET);
    let config = "[mcp.files]\ncommand = \"/bin/serve\"\nargs = [\"a\"]\nenv = { API_TOKEN = \"env:TOKEN_OF_TEST\" }\n";
    let path = scene.divisi(&["config", "path"]).ok().stdout.trim().to_owned();
    fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
    fs::write(&path, config).unwrap();
    scene.env.write("repo/.divisi.toml", "[mcp.theirs]\ncommand = \"/bin/theirs\"\n");
    start(&scene, "one", &[]);
    begun(&scene, "one");
    let spoken = scene.spoken("one");
    let told: Value = serde_json::from_str(spoken.split("servers: ").nth(1).unwrap().lines().next().unwrap()).unwrap();
    // The repository's is not trusted.
    assert_eq!(told.as_array().unwrap().len(), 1, "{told}");
    assert_eq!(told[0]["env"][0]["value"], SECRET, "{told}");
    assert_eq!(scene.show("one")["mcp"], serde_json::json!(["files"]));
    // What the agent repeats is its own affair: here it does, on purpose. What was written to it does not have it.
    let journals = state_dir(&scene).join("jobs");
    let journal = fs::read_dir(journals).unwrap().flatten().next().unwrap().path().join("journal");
    let written = String::from_utf8_lossy(&fs::read(journal).unwrap()).into_owned();
    let opening = written.split("session/new").nth(1).unwrap().split("servers: ").next().unwrap();
    assert!(opening.contains("${DIVISI_MCP_0}") && !opening.contains("s3cr3t"), "{opening}");
    open_gate(&scene, "one");
    scene.wait_for("one", &["review"]);
    scene.divisi(&["trust", "--yes"]).ok();
    start(&scene, "two", &[]);
    begun(&scene, "two");
    assert_eq!(scene.show("two")["mcp"], serde_json::json!(["files", "theirs"]));
    open_gate(&scene, "two");
    scene.wait_for("two", &["review"]);
    scene.discard(&["one", "two"]);
}

#[test]
fn a_server_whose_secret_is_not_there_is_no_server_in_silence() {
    let scene = Scene::new();
    let path = scene.divisi(&["config", "path"]).ok().stdout.trim().to_owned();
    fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
    fs::write(&path, "[mcp.web]\nurl = \"https://h\"\nheaders = { Authorization = \"Bearer env:NOT_SET\" }\n").unwrap();
    start(&scene, "one", &[]);
    let show = scene.wait_for("one", &["failed"]);
    let reason = show["reason"].as_str().unwrap();
    assert!(reason.contains("the MCP server web needs the variable NOT_SET"), "{reason}");
    // A value in the place of a secret is not taken at all.
    fs::write(&path, "[mcp.web]\nurl = \"https://h\"\nheaders = { Authorization = \"Bearer abc\" }\n").unwrap();
    let ran = scene.divisi(&["config", "list"]);
    ran.exits(1);
    assert!(ran.stderr.contains("in the place of a secret"), "{}", ran.stderr);
    fs::write(&path, "").unwrap();
    scene.discard(&["one"]);
}
