//! Landing on a target that moved since the gates judged: what lands is judged as it will be there, or it does not land.

use serde_json::Value;

use super::scene::{DEADLINE, Scene};
use crate::support::wait_until;

/// A scene whose gates take `one.txt` and `two.txt`, but not both together.
fn scene() -> Scene {
    let scene = Scene::new();
    let gates = scene.env.write(
        "gates.yaml",
        "version: 1\nname: gates\nevaluators:\n  - {id: either, kind: script, command: 'test ! -e one.txt || test ! -e two.txt'}\n",
    );
    scene.divisi(&["config", "set", "evaluation.gates", gates.to_str().unwrap()]).ok();
    scene
}

fn commit(scene: &Scene, file: &str) {
    scene.env.write(format!("repo/{file}"), "by hand\n");
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", file]);
}

fn standing(scene: &Scene) -> String {
    let preflight = scene.divisi(&["preflight", "work", "--json"]).json();
    preflight["gates"]["standing"].as_str().unwrap().to_owned()
}

#[test]
fn what_lands_on_a_moved_target_is_judged_as_it_will_be_there() {
    let scene = scene();
    scene.shell("work", "echo 1 > one.txt").ok();
    scene.divisi(&["eval", "work"]).ok();
    assert_eq!(standing(&scene), "passed");
    commit(&scene, "other.txt");
    assert_eq!(standing(&scene), "moved");
    let refused = scene.divisi(&["land", "work"]);
    refused.exits(1).says("judged by nobody").says("divisi eval work --merged --onto main");
    let merged = scene.divisi(&["eval", "work", "--merged", "--json"]).ok().json();
    assert_eq!(merged["merged"]["onto"], "refs/heads/main", "{merged}");
    assert_eq!(standing(&scene), "passed");
    // The target moves once more: that was not judged either.
    commit(&scene, "again.txt");
    scene.divisi(&["land", "work"]).exits(1).says("judged by nobody");
    let target = scene.env.git(&scene.repo, &["rev-parse", "main"]);
    let together = format!(" merged with main at {}", &target[..10]);
    scene.divisi(&["eval", "work", "--merged"]).ok().prints(&format!("{together}: passed"));
    scene.divisi(&["eval", "work", "--list"]).ok().prints(" merged with main ");
    let judged = scene.divisi(&["eval", "work", "--list", "--json"]).json();
    scene.divisi(&["land", "work"]).ok();
    let tree = scene.env.git(&scene.repo, &["rev-parse", "main^{tree}"]);
    assert_eq!(judged[2]["merged"]["tree"], tree.trim(), "what is on the target is what was judged");
    assert_eq!(scene.env.git(&scene.repo, &["show", "main:again.txt"]), "by hand");
    scene.discard(&["work"]);
}

#[test]
fn what_passes_alone_and_not_together_does_not_land() {
    let scene = scene();
    scene.shell("work", "echo 1 > one.txt").ok();
    scene.divisi(&["eval", "work"]).ok();
    commit(&scene, "two.txt");
    scene.divisi(&["land", "work"]).exits(1).says("judged by nobody");
    scene.divisi(&["eval", "work", "--merged"]).exits(4);
    scene.divisi(&["land", "work"]).exits(1).says("failed: either");
    scene.env.git(&scene.repo, &["cat-file", "-e", "main:two.txt"]);
    assert_eq!(scene.env.git(&scene.repo, &["ls-tree", "--name-only", "main", "one.txt"]), "");
    scene.discard(&["work"]);
}

fn runs(scene: &Scene, plan: &str) -> Vec<Value> {
    let file = scene.env.write("plan.yaml", plan);
    // What was to land and could not is not what the plan asks for.
    scene.divisi(&["batch", "run", file.to_str().unwrap()]).exits(4).prints("passed, not landed: ");
    let queue = scene.divisi(&["batch", "status", "queue", "--json"]).json();
    queue["runs"].as_array().unwrap().clone()
}

#[test]
fn runs_of_a_batch_land_one_after_the_other_and_are_judged_together() {
    let scene = Scene::new();
    let plan = r#"
version: 3
metadata: {name: queue}
execution: {concurrency: 4, keep: failed}
agents: [{id: sh, agent: shell}]
tasks:
  - id: t
    prompts: ["echo 1 > one.txt", "echo 2 > two.txt", "echo 3 > three.txt", "echo 4 > four.txt"]
    repositories: [repo]
evaluators: [{id: either, kind: script, command: "test ! -e one.txt || test ! -e two.txt"}]
land: on_pass
"#;
    let runs = runs(&scene, plan);
    let landed: Vec<bool> = runs.iter().map(|run| run["attempts"][0]["landed"] == true).collect();
    assert!(landed[2] && landed[3] && (landed[0] ^ landed[1]), "{runs:#?}");
    let left = runs.iter().find(|run| run["attempts"][0].get("landed").is_none()).unwrap();
    let why = left["reason"].as_str().unwrap();
    assert!(why.contains("together with what is on main now it does not pass: either"), "{why}");
    let files = scene.env.git(&scene.repo, &["ls-tree", "--name-only", "main"]);
    assert!(files.contains("three.txt") && files.contains("four.txt"), "{files}");
    assert!(files.contains("one.txt") ^ files.contains("two.txt"), "{files}");
    // What could not land is there to be looked at.
    wait_until(DEADLINE, "one is left", || scene.env.json(&scene.repo, &["list"]).as_array().unwrap().len() == 1);
    let id = left["attempts"][0]["session"].as_str().unwrap();
    scene.divisi(&["remove", id, "--discard"]).ok();
}
