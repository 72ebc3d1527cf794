//! Cases of batches that share an environment, and variables that their plan gives.

use std::fs;

use super::batches::{plan, status};
use super::scene::Scene;

#[test]
fn cases_of_a_batch_share_what_their_suite_says_with_the_variables_of_the_plan() {
    let scene = Scene::new();
    let log = scene.env.path("log");
    scene.env.write("data/project/answer", "41\n");
    scene.env.write(
        "data/mine.yaml",
        format!(
            r#"version: 1
name: mine
defaults:
  directory: project
  environment:
    variables: {{WHO: the suite}}
    install: ['echo "$WHO $MORE" >>{}; mkdir made; echo pure >made/thing']
    makes: [made]
  setup: test "$MORE" = 'than that'
  script_command: 'test "$(cat made/thing) $MORE $(cat answer)" = "pure than that 42"'
  restore: ['made/**']
cases:
  - {{id: one, prompt: 'cat made/thing && echo spoiled >made/thing; echo 42 >answer'}}
  - {{id: two, prompt: 'cat made/thing && echo spoiled >made/thing; echo 42 >answer'}}
"#,
            log.display()
        ),
    );
    let text = "version: 3\nmetadata: {name: shared}\nexecution: {concurrency: 2}\nagents: [{id: a, agent: shell}]\ntasks:\n  \
                - {id: t, type: evaluation, dataset: mine, cases_dir: data, variables: {MORE: than that}}\n";
    scene.divisi(&["batch", "run", &plan(&scene, text)]).ok();
    let shared = status(&scene, "shared");
    for run in shared["runs"].as_array().expect("runs") {
        assert_eq!(run["attempts"][0]["case"]["verdict"]["outcome"], "resolved", "{run}");
    }
    assert_eq!(fs::read_to_string(&log).expect("a log"), "the suite than that\n", "it is made once");
}
