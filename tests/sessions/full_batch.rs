//! A full disk under a batch: nothing is held against the agents, nothing is lost, and with room again it ends as if there had always
//! been room.

use serde_json::Value;

use super::batches::{LONG, plan, states, status};
use super::full::{fill, mount, on_a_disk_of_its_own, unmount};
use super::scene::{DEADLINE, Scene};
use crate::support::wait_until;

#[test]
fn a_full_disk_of_worktrees_pauses_a_batch() {
    on_a_disk_of_its_own("sessions::full_batch::worktrees_on_a_small_disk");
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
