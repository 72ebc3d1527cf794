//! Sessions that change what tells judges how to judge: a person sees it, and nothing of it lands by itself.

use serde_json::Value;

use super::evaluations::{eval, of};
use super::scene::Scene;

fn suite(protected: &str) -> String {
    format!("version: 1\nprotected: {protected}\nevaluators: [{{id: good, kind: script, command: 'true'}}]\n")
}

#[test]
fn what_it_means_is_the_suites_to_say() {
    let scene = Scene::new();
    scene.shell("work", "echo x > conftest.py").ok();
    // As it is without the key.
    let (evaluation, code) =
        eval(&scene, "work", "version: 1\nevaluators: [{id: good, kind: script, command: 'true'}]\n");
    assert_eq!((code, evaluation["evaluators"].as_u64()), (0, Some(2)), "{evaluation:#}");
    let found = of(&evaluation, "protected");
    assert_eq!((found["outcome"].as_str(), found["required"].as_bool()), (Some("failed"), Some(false)), "{found}");
    assert_eq!(found["findings"][0]["file"], "conftest.py", "{found}");
    let (evaluation, code) = eval(&scene, "work", &suite("fail"));
    assert_eq!((code, evaluation["passed"].as_bool()), (4, Some(false)), "{evaluation:#}");
    assert_eq!(of(&evaluation, "protected")["required"], true);
    let (evaluation, code) = eval(&scene, "work", &suite("note"));
    assert_eq!((code, evaluation["results"].as_array().map(Vec::len)), (0, Some(1)), "{evaluation:#}");
    assert!(evaluation["notes"].to_string().contains("how to judge: conftest.py"), "{evaluation:#}");
    // Taken from the base, where it is not: nobody was fooled.
    let restored = suite("restore").replace("'true'", "'test ! -e conftest.py'");
    let (evaluation, code) = eval(&scene, "work", &restored);
    assert_eq!((code, evaluation["results"].as_array().map(Vec::len)), (0, Some(1)), "{evaluation:#}");
    assert!(evaluation["notes"].to_string().contains("as the base has it"), "{evaluation:#}");
    // What the suite names is nothing to ask about either.
    let named = format!("{}restore: ['**/conftest.py']\n", suite("fail"));
    let (evaluation, code) = eval(&scene, "work", &named);
    assert_eq!((code, evaluation["notes"].as_array().map_or(0, Vec::len)), (0, 0), "{evaluation:#}");
    let file = scene.env.write("wrong.yaml", suite("fails"));
    scene.divisi(&["eval", "work", "--suite", file.to_str().unwrap()]).exits(1).says("did you mean fail");
    scene.discard(&["work"]);
}

#[test]
fn a_person_sees_it_before_the_landing_and_may_land_it() {
    let scene = Scene::new();
    let gates = scene.env.write("gates.yaml", suite("ask"));
    scene.divisi(&["config", "set", "evaluation.gates", gates.to_str().unwrap()]).ok();
    scene.shell("work", "echo x > conftest.py").ok();
    scene.divisi(&["eval", "work"]).ok().prints("protected");
    scene
        .divisi(&["preflight", "work"])
        .ok()
        .prints("look first: the session changed what tells judges how to judge: conftest.py");
    scene.divisi(&["land", "work"]).ok();
    scene.discard(&["work"]);
    // Where it is not to pass it does not land.
    scene.env.write("gates.yaml", suite("fail"));
    scene.shell("more", "echo y >> conftest.py").ok();
    scene.divisi(&["eval", "more"]).exits(4);
    scene.divisi(&["land", "more"]).exits(1).says("failed: protected");
    scene.discard(&["more"]);
}

#[test]
fn a_batch_lands_nothing_of_it_by_itself() {
    let scene = Scene::new();
    let plan = |name: &str, rest: &str| {
        format!(
            r#"
version: 3
metadata: {{name: {name}}}
execution: {{keep: failed}}
agents: [{{id: sh, agent: shell}}]
tasks: [{{id: t, prompts: ["echo 1 > {name}.txt", "echo x >> conftest.py"], repositories: [repo]}}]
evaluators: [{{id: good, kind: script, command: "true"}}]
land: on_pass
{rest}
"#
        )
    };
    let run = |name: &str, rest: &str| {
        let file = scene.env.write("plan.yaml", plan(name, rest));
        let ran = scene.divisi(&["batch", "run", file.to_str().unwrap()]);
        (ran, scene.divisi(&["batch", "status", name, "--json"]).json()["runs"].clone())
    };
    let (ran, runs) = run("asked", "");
    ran.exits(4);
    let landed = |runs: &Value, at: usize| runs[at]["attempts"][0]["landed"] == true;
    assert!(landed(&runs, 0) && !landed(&runs, 1), "{runs:#}");
    let reason = runs[1]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("conftest.py: a person has to look at it (divisi diff"), "{runs:#}");
    assert_eq!(scene.env.git(&scene.repo, &["ls-tree", "--name-only", "main", "conftest.py"]), "");
    // The person looks, and lands it.
    let name = reason.split("divisi land ").nth(1).and_then(|rest| rest.split(')').next()).expect("a name").to_owned();
    scene.divisi(&["land", &name, "--json"]).exits(1).says("judged by nobody");
    scene.divisi(&["eval", &name, "--merged"]).ok();
    scene.divisi(&["land", &name]).ok();
    scene.discard(&[&name]);
    let (ran, runs) = run("noted", "protected: note");
    ran.ok();
    assert!(landed(&runs, 0) && landed(&runs, 1), "{runs:#}");
}
