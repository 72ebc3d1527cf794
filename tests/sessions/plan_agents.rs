//! The agents of a plan, before anything starts: unknown ones, ones that are not installed, and budgets that cannot count them.

use super::batches::{plan, states, status};
use super::scene::Scene;

fn text(agents: &str, budget: &str) -> String {
    format!(
        "version: 3\nmetadata: {{name: known}}\nexecution: {{concurrency: 1{budget}}}\nagents:\n{agents}tasks:\n  - {{id: t, prompts: [\"echo > a\"], \
         repositories: [repo]}}\n"
    )
}

#[test]
fn an_unknown_agent_is_an_error_at_its_place_and_a_missing_program_a_warning() {
    let scene = Scene::new();
    let file = plan(&scene, &text("  - {id: sh, agent: shel}\n", ""));
    let checked = scene.divisi(&["batch", "check", &file]);
    checked.exits(1).prints("plan.yaml:5:21: the agent 'sh' of the plan: there is no agent 'shel'");
    checked.prints("(did you mean shell?)");
    scene.divisi(&["batch", "run", &file]).exits(1).says("plan.yaml:5:21: the agent 'sh' of the plan");
    assert_eq!(scene.env.json(&scene.repo, &["list"]), serde_json::json!([]));

    // Another machine may have it: the plan is not wrong. Here it does not start.
    let definition = "name = \"absent\"\ndescription = \"x\"\nprotocol = \"acp\"\ncommand = [\"no-such-program-of-divisi\"]\n\
                      install_hint = \"buy it\"\n";
    scene.env.write("home/config/divisi/agents/absent.toml", definition);
    scene.divisi(&["daemon", "restart"]).ok();
    let file = plan(&scene, &text("  - {id: sh, agent: shell}\n  - {id: no, agent: absent}\n", ""));
    let checked = scene.divisi(&["batch", "check", &file]);
    checked.ok().prints("plan.yaml:6:21: the agent 'no' of the plan");
    checked.prints("was not found in PATH; buy it [warning]").prints("known: 2 runs");
    scene.divisi(&["batch", "run", &file]).exits(1).says("the agent 'no' of the plan");
    scene.divisi(&["batch", "list", "--json"]).ok().prints("[]");
}

#[test]
fn a_budget_that_cannot_stop_somebody_says_so_before_anything_starts() {
    let scene = Scene::new();
    let file = plan(&scene, &text("  - {id: sh, agent: shell}\n", ", budget: {usd: 20, tokens: 5}"));
    let checked = scene.divisi(&["batch", "check", &file]);
    checked.ok().prints(
        "plan.yaml:5:21: the agent 'sh' of the plan: it tells no cost, so the budget in dollars cannot stop it",
    );
    checked.prints("it tells no tokens, so the budget in tokens cannot stop it [warning]");
    let ran = scene.divisi(&["batch", "run", &file]);
    ran.ok().says("note: line 5: the agent 'sh' of the plan: it tells no cost");
    ran.prints("cost unknown of $20.00, unknown of 5 tokens");
    assert_eq!(states(&status(&scene, "known")), ["passed"]);
    let report = scene.divisi(&["batch", "export", "known", "--format", "md", "--out", "-"]);
    report.ok().prints("| unknown |");
    assert!(!report.stdout.contains("$0.00"), "{report}");
    // One that tells what it costs is counted: nothing is said.
    let file = plan(&scene, &text("  - {id: s, agent: scripted}\n", ", budget: {usd: 20, tokens: 5}"));
    let checked = scene.divisi(&["batch", "check", &file]);
    assert!(!checked.ok().stdout.contains("warning"), "{checked}");
}
