//! The page of a batch in a real browser: it reads without scripts, sorts with them, loads nothing, and lets nothing hostile run.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::batches::{LONG, plan};
use super::scene::Scene;
use crate::support::skip::skip;

const PLAN: &str = r##"
version: 3
metadata: {name: "page <img src=x onerror=alert(1)>", description: "Three small tasks"}
execution: {concurrency: 2, keep: none, repeat: 2, max_load_percent: 100000}
agents: [{id: careful, agent: scripted}, {id: hasty, agent: scripted}]
tasks:
  - id: edit
    prompts: ["#!script\nusage 1000 200 0.12\nedit made.txt one\nsay <script>document.title='taken'</script>"]
    repositories: [repo]
  - id: crash
    prompts: [{id: boom, prompt: "#!script\nusage 500 100 0.05\nsay About to\ncrash"}]
    repositories: [repo]
"##;

#[test]
fn a_report_is_read_in_a_browser_with_scripts_and_without() {
    let test = "sessions::reports";
    let Some(tools) = std::env::var_os("DIVISI_TEST_VSCODE").filter(|path| !path.is_empty()).map(PathBuf::from) else {
        return skip(test, "DIVISI_TEST_VSCODE is not set; run tests/run");
    };
    let scene = Scene::new();
    let out = scene.env.path("out");
    std::fs::create_dir_all(&out).unwrap();
    let file = plan(&scene, PLAN);
    scene.env.spawn_divisi(&scene.repo, &["batch", "run", &file]).wait(LONG).exits(4);
    let name = status_of_newest(&scene);
    scene
        .divisi(&["batch", "export", &name, "--format", "html", "--out", &out.join("page.html").display().to_string()])
        .ok();
    let shots = tools.join("shots");
    std::fs::create_dir_all(&shots).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sessions/report.js");
    let ran = Command::new("node")
        .arg(script)
        .arg(&tools)
        .arg(out.join("page.html"))
        .arg(shots.join("batch-report.png"))
        .env("HOME", scene.env.path("browser"))
        .output()
        .expect("node is installed");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let seen: Value = serde_json::from_slice(&ran.stdout).expect("one line of JSON");
    let numbers: Vec<u64> = (1..=8).collect();
    for how in ["scripted", "plain"] {
        let seen = &seen[how];
        assert_eq!(seen["complaints"], serde_json::json!([]), "{how}");
        assert_eq!(seen["asked"], 1, "{how}: nothing but the page itself is loaded");
        assert_eq!(seen["first"], serde_json::json!(numbers), "{how}: every run is in the table");
        assert_eq!(seen["charts"], 4, "{how}");
        assert_eq!(seen["opened"], true, "{how}: diff and log open");
        let opened = seen["text"].as_str().expect("text");
        assert!(opened.contains("made.txt") && opened.contains("<script>document.title"), "{how}: {opened}");
    }
    assert!(seen["scripted"]["wide"].as_u64().is_some_and(|wide| wide <= 1280), "nothing runs out of the window");
    let backwards: Vec<u64> = numbers.into_iter().rev().collect();
    assert_eq!(seen["scripted"]["sorted"], serde_json::json!(backwards), "a second click sorts the other way");
    assert_eq!(seen["plain"]["buttons"], 0, "without scripts nothing pretends to be a button");
}

/// The id of the newest batch.
fn status_of_newest(scene: &Scene) -> String {
    scene.env.json(&scene.repo, &["batch", "list"])[0]["id"].as_str().expect("an id").to_owned()
}
