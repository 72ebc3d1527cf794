//! What a person does who does not know batches yet, and what they are told to do next.

use super::batches::{LONG, plan, status};
use super::scene::Scene;

const NAMES: &str = r#"
version: 3
agents: [{id: sh, agent: shel}, {id: other, agent: shell, profile: mia, mcp_servers: [tickts]}]
tasks:
  - {id: one, prompts: ["true"], repositories: [repo], depends_on: [two], best_of: 2, judge: {agent: scriptd, rubric: r}}
  - {id: two, prompts: ["true"], repositories: [repo], depends_on: [one]}
matrix: {exclude: [{agent: other, task: two}]}
"#;

#[test]
fn names_of_nobody_are_told_where_they_stand_before_anything_starts() {
    let scene = Scene::new();
    let file = plan(&scene, NAMES);
    let check = |text: &str| scene.divisi(&["batch", "check", &plan(&scene, text)]);
    check(NAMES)
        .exits(1)
        .prints(":5:69: 'one' depends on itself, through two")
        .prints(":6:69: 'two' depends on itself, through one");
    let straight = NAMES.replace(", depends_on: [two]", "");
    check(&straight)
        .exits(1)
        .prints(":3:26: the agent 'sh' of the plan: there is no agent 'shel'; `divisi agents` lists them (did you mean shell?)")
        .prints(":5:83: the judge 'scriptd': there is no agent 'scriptd'; `divisi agents` lists them (did you mean scripted?)");
    scene.divisi(&["batch", "run", &file]).exits(1).says("there is no agent 'shel'");
    let agents = straight.replace("agent: shel}", "agent: shell}").replace("scriptd", "scripted");
    check(&agents)
        .exits(1)
        .prints(":3:69: the agent 'other' of the plan: there is no profile 'mia'")
        .prints(":3:88: there is no MCP server 'tickts' in the configuration");
    check("version: 4\nagents: []\ntasks: []\n").exits(1).prints(":1:10: 'version' has to be 3");
    // One that is not installed here is no mistake of the plan's.
    let absent = agents
        .replace(", profile: mia, mcp_servers: [tickts]", "")
        .replace("id: sh, agent: shell", "id: sh, agent: amp");
    check(&absent).ok().prints("the agent amp cannot be started: its program amp was not found in PATH");
    assert_eq!(scene.env.json(&scene.repo, &["list"]), serde_json::json!([]));
}

const LANDING: &str = r#"
version: 3
metadata: {name: both}
execution: {concurrency: 1}
agents: [{id: sh, agent: shell}]
tasks:
  - {id: write, repeat: 2, prompts: ["echo $DIVISI_SESSION_NAME > same.txt"], repositories: [repo]}
evaluators: [{id: there, kind: script, command: "test -s same.txt", required: true}]
land: on_pass
"#;

#[test]
fn what_is_landed_is_not_run_again_and_a_conflict_has_a_way_out_that_is_judged() {
    let scene = Scene::new();
    let file = plan(&scene, LANDING);
    scene.env.spawn_divisi(&scene.repo, &["batch", "run", &file]).wait(LONG).exits(4);
    let both = status(&scene, "both");
    let runs = both["runs"].as_array().expect("runs");
    let landed = |run: &serde_json::Value| run["attempts"][0]["landed"] == true;
    let (first, second) = (runs.iter().find(|run| landed(run)), runs.iter().find(|run| !landed(run)));
    let (first, second) = (first.expect("one has landed"), second.expect("the other conflicts"));
    let number = first["number"].to_string();
    scene.divisi(&["batch", "retry", "both", &number]).exits(1).says("what it made was landed");
    scene.divisi(&["batch", "retry", "both", "9"]).exits(1).says("there is no run 9 in this batch: it has 1 to 2");
    scene.divisi(&["batch", "pause", "both"]).exits(1).says("divisi batch retry");

    // As it says: merged by hand, judged, landed.
    let id = &second["attempts"][0]["session"];
    let list = scene.env.json(&scene.repo, &["list"]);
    let session = list.as_array().expect("sessions").iter().find(|session| session["id"] == *id).expect("its session");
    let name = session["name"].as_str().expect("a name");
    let refused = scene.divisi(&["land", name]);
    refused.exits(1).says("it conflicts with main, and 'both' has not judged how that is resolved");
    refused.says(&format!("resolve, commit; then: divisi eval {name} && divisi land {name}"));
    scene.divisi(&["eval", name, "--merged"]).exits(1).says("resolve, commit, and evaluate that");
    let worktree = scene.divisi(&["open", name]).ok().stdout.trim().to_owned();
    let worktree = std::path::Path::new(&worktree);
    scene.env.git(worktree, &["merge", "-q", "-X", "ours", "main"]);
    scene.divisi(&["eval", name]).ok();
    scene.divisi(&["land", name]).ok();
    assert_eq!(std::fs::read_to_string(scene.repo.join("same.txt")).unwrap().trim(), name);
    scene.divisi(&["batch", "clear", "both"]).ok().prints("removed 2 sessions of both");
    assert_eq!(scene.env.json(&scene.repo, &["list"]), serde_json::json!([]));
    assert_eq!(status(&scene, "both")["runs"][0]["attempts"][0]["landed"], true, "results stay");
}

#[test]
fn the_first_five_minutes_go_as_the_readme_says() {
    let scene = Scene::new();
    let folder = scene.repo.join("examples");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("first.plan.yaml"), include_str!("../../examples/first.plan.yaml")).unwrap();
    // What it leads to is a plan too, whatever agents are installed here.
    std::fs::write(folder.join("plan.yaml"), include_str!("../../examples/plan.yaml")).unwrap();
    scene.divisi(&["batch", "check", "examples/plan.yaml"]).ok().prints("error-handling: 9 runs");
    let file = "examples/first.plan.yaml";
    scene.divisi(&["batch", "check", file]).ok().prints("first: 6 runs");
    scene.env.spawn_divisi(&scene.repo, &["batch", "run", file]).wait(LONG).exits(4).prints("5 passed, 1 failed");
    scene.divisi(&["batch", "rank", "first"]).ok().prints("numbers/p1");
    scene.divisi(&["batch", "retry", "first", "2"]).ok().prints("1 run waits again");
    scene.env.spawn_divisi(&scene.repo, &["batch", "open", "first"]).wait(LONG).exits(4);
    scene.divisi(&["batch", "export", "first", "--format", "html"]).ok();
    scene.divisi(&["batch", "clear", "first", "--discard"]).ok().prints("of first (");
    assert_eq!(scene.env.json(&scene.repo, &["list"]), serde_json::json!([]));
}
