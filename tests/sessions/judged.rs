//! What runs of batches are judged by, and by whom.

use super::scene::Scene;

#[test]
fn tasks_and_agents_have_evaluators_of_their_own_and_gates_are_each_runs() {
    let scene = Scene::new();
    let plan = scene.env.write(
        "plan.yaml",
        r#"
version: 3
metadata: {name: levels}
execution: {keep: all}
agents:
  - {id: sh, agent: shell}
  - {id: strict, agent: shell, evaluators: [{id: size, kind: diff_size, lines: 1}]}
tasks:
  - id: small
    prompts: ["seq 3 > made.txt"]
    repositories: [repo]
  - id: large
    prompts: ["seq 3 > made.txt"]
    repositories: [repo]
    evaluators: [{id: made, kind: script, command: "grep -q 9 made.txt"}]
evaluators: [{id: made, kind: script, command: "grep -q 3 made.txt"}]
"#,
    );
    let file = plan.to_str().unwrap();
    scene
        .divisi(&["batch", "check", file])
        .ok()
        .prints("small by sh is judged by made (script, required)")
        .prints("small by strict is judged by made (script, required), size (diff_size, required, of the agent)")
        .prints("large by sh is judged by made (script, required, of the task)");
    scene.divisi(&["batch", "run", file]).exits(4);
    let levels = scene.divisi(&["batch", "status", "levels", "--json"]).json();
    let reasons: Vec<_> = levels["runs"].as_array().unwrap().iter().map(|run| run["reason"].as_str()).collect();
    let failed = |what: &'static str| Some(what);
    assert_eq!(
        reasons,
        [None, failed("it did not pass: size"), failed("it did not pass: made"), failed("it did not pass: made, size")],
        "{levels:#}"
    );
    // Who lands one by hand meets the gates of its run.
    let name = |run: usize| levels["runs"][run]["session_name"].as_str().map(str::to_owned);
    let sessions = scene.env.json(&scene.repo, &["list"]);
    let of = |number: usize| {
        let id = levels["runs"][number]["attempts"][0]["session"].clone();
        let found = sessions.as_array().unwrap().iter().find(|session| session["id"] == id);
        name(number).or_else(|| found.and_then(|session| session["name"].as_str()).map(str::to_owned)).unwrap()
    };
    let gates = |number: usize| scene.divisi(&["preflight", &of(number), "--json"]).json()["gates"].clone();
    assert_eq!(gates(0)["required"], serde_json::json!(["made"]));
    assert_eq!(gates(1)["required"], serde_json::json!(["made", "size"]));
    assert_eq!((gates(0)["standing"].as_str(), gates(1)["standing"].as_str()), (Some("passed"), Some("failed")));
    let names: Vec<String> = (0..4).map(of).collect();
    scene.discard(&names.iter().map(String::as_str).collect::<Vec<_>>());
}
