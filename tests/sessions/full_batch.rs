//! A full disk under a batch: nothing is held against the agents, nothing is lost, and with room again it ends as if there had always
//! been room.

use std::path::Path;

use serde_json::Value;

use super::batches::{LONG, plan, states, status};
use super::full::{fill, mount, on_a_disk_of_its_own, unmount};
use super::scene::{DEADLINE, Scene};
use crate::support::wait_until;

#[test]
fn a_full_disk_of_worktrees_pauses_a_batch() {
    on_a_disk_of_its_own("sessions::full_batch::worktrees_on_a_small_disk");
}

#[test]
fn a_full_disk_of_the_database_holds_a_batch() {
    on_a_disk_of_its_own("sessions::full_batch::the_database_on_a_small_disk");
}

/// The plan of four runs, with what is said of its execution.
fn four(scene: &Scene, name: &str, execution: &str, prompt: &str) -> String {
    plan(
        scene,
        &format!(
            "version: 3\nmetadata: {{name: {name}}}\nexecution: {{repeat: 4, keep: none, max_load_percent: 100000, {execution}}}\n\
             agents: [{{id: sh, agent: shell}}]\ntasks: [{{id: t, prompts: [{prompt:?}], repositories: [repo]}}]\n"
        ),
    )
}

/// Waits for the end of a batch, whose four runs have all passed and are kept.
fn require_passed(scene: &Scene, name: &str, kept: usize) -> Value {
    wait_until(LONG, "the batch has ended", || status(scene, name)["state"] == "ended");
    let ended = status(scene, name);
    assert_eq!(states(&ended), ["passed"; 4], "{ended:#}");
    wait_until(DEADLINE, "nothing is left", || scene.env.json(&scene.repo, &["list"]) == serde_json::json!([]));
    let refs = scene.env.git(&scene.repo, &["for-each-ref", "--format=%(refname)", "refs/divisi/preserved"]);
    assert_eq!(refs.lines().count(), kept, "{refs}");
    for name in refs.lines() {
        assert_eq!(scene.env.git(&scene.repo, &["show", &format!("{name}:made.txt")]).trim(), "made");
    }
    ended
}

fn attempts(run: &Value) -> Vec<&str> {
    run["attempts"].as_array().expect("attempts").iter().filter_map(|attempt| attempt["outcome"].as_str()).collect()
}

#[test]
#[ignore = "the program that a_full_disk_of_worktrees_pauses_a_batch starts"]
fn worktrees_on_a_small_disk() {
    let scene = Scene::new();
    let small = scene.env.path("small");
    mount(&small);
    scene.divisi(&["config", "set", "git.worktrees_root", &small.display().to_string()]).ok();
    let ballast = small.join("ballast");
    fill(&ballast);
    let file = four(&scene, "paused", "concurrency: 2, min_disk_mb: 0", "echo made > made.txt");
    scene.divisi(&["batch", "run", &file, "--detach"]).ok();
    wait_until(DEADLINE, "the batch has paused", || {
        let paused = status(&scene, "paused");
        paused["state"] == "paused" && paused["counts"]["running"] == 0
    });
    let paused = status(&scene, "paused");
    let reason = paused["reason"].as_str().expect("it says why");
    assert!(reason.starts_with("the disk is full: ") && reason.contains("divisi batch resume"), "{reason}");
    assert_eq!(states(&paused), ["queued"; 4], "nothing is held against the agent: {paused:#}");
    scene.divisi(&["batch", "status", "paused"]).prints("the disk is full");
    // Somebody resumes it too early: it pauses again.
    scene.divisi(&["batch", "resume", "paused"]).ok();
    wait_until(DEADLINE, "it has paused again", || status(&scene, "paused")["state"] == "paused");
    std::fs::remove_file(&ballast).unwrap();
    scene.divisi(&["batch", "resume", "paused"]).ok();
    let ended = require_passed(&scene, "paused", 4);
    assert!(attempts(&ended["runs"][0]).len() >= 2, "the first did not fit: {ended:#}");
    assert_eq!(attempts(&ended["runs"][3]).last(), Some(&"done"));

    // What the plan wants to stay free is looked at before anything starts, and the batch goes on by itself.
    fill(&ballast);
    let file = four(&scene, "held", "concurrency: 2, min_disk_mb: 8", "echo made > made.txt");
    scene.divisi(&["batch", "run", &file, "--detach"]).ok();
    let mut held = Value::Null;
    wait_until(DEADLINE, "it says what it waits for", || {
        held = status(&scene, "held");
        held["held"].as_str().is_some_and(|why| why.contains("MiB are free on the disk (the plan wants 8)"))
    });
    assert_eq!(held["state"], "active");
    assert_eq!(states(&held), ["queued"; 4]);
    std::fs::remove_file(&ballast).unwrap();
    let ended = require_passed(&scene, "held", 8);
    for run in ended["runs"].as_array().expect("runs") {
        assert_eq!(attempts(run), ["done"], "nothing was tried while there was no room");
    }
    scene.divisi(&["daemon", "stop"]).ok();
    unmount(&small);
}

#[test]
#[ignore = "the program that a_full_disk_of_the_database_holds_a_batch starts"]
fn the_database_on_a_small_disk() {
    let scene = Scene::new();
    let state = scene.env.path("home/state/divisi");
    mount(&state);
    let gate = scene.env.path("gate");
    let begun = scene.env.path("begun");
    let prompt = format!(
        "echo >> {}; until [ -e {} ]; do sleep 0.05; done; echo made > made.txt",
        begun.display(),
        gate.display()
    );
    let file = four(&scene, "blocked", "concurrency: 2, min_disk_mb: 0", &prompt);
    scene.divisi(&["batch", "run", &file, "--detach"]).ok();
    // The programs themselves: one that has no room to start in pauses the batch, which is another test.
    wait_until(DEADLINE, "two run", || std::fs::read(&begun).is_ok_and(|lines| lines.len() == 2));
    let ballast = state.join("ballast");
    let mut waiting = Vec::new();
    let mut number = 1;
    wait_until(DEADLINE, "nothing can be recorded", || {
        fill(Path::new(&ballast));
        // What cannot be recorded yet waits for its receipt. Never more than two: a third that starts now would find no room and pause it.
        let limit = number.to_string();
        number = 3 - number;
        waiting.push(scene.env.spawn_divisi(&scene.repo, &["batch", "concurrency", "blocked", &limit]));
        scene.env.json(&scene.repo, &["daemon", "status"])["blocked"].is_string()
    });
    // The runs that are under way come to their end, which cannot be recorded; and the batch says why it stands.
    std::fs::write(&gate, "").unwrap();
    let held = status(&scene, "blocked");
    assert!(held["held"].as_str().is_some_and(|why| why.contains("full")), "{held:#}");
    scene.divisi(&["batch", "cancel", "blocked"]).exits(1).says("nothing can be recorded");
    std::fs::remove_file(&ballast).unwrap();
    let ended = require_passed(&scene, "blocked", 4);
    for run in ended["runs"].as_array().expect("runs") {
        assert_eq!(attempts(run), ["done"], "each once: {ended:#}");
    }
    for command in waiting {
        let ran = command.wait(DEADLINE);
        assert!(ran.code() == 0 || ran.stderr.contains("full") || ran.stderr.contains("has ended"), "{ran}");
    }
    scene.divisi(&["daemon", "stop"]).ok();
    unmount(&state);
}
