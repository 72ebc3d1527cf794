//! divisi's own files in the editor: read as the daemon reads them, and nothing in them runs.

use serde_json::{Value, json};

use super::client::{Editor, Manner};
use crate::sessions::scene::Scene;

fn told(found: Option<&Vec<Value>>) -> Vec<String> {
    found.into_iter().flatten().map(|one| one["message"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_repositorys_settings_are_checked_completed_and_explained_while_they_are_written() {
    let scene = Scene::new();
    let marker = scene.repo.join("it-ran");
    let text = format!("[setup]\ncomands = [\"touch {}\"]\n", marker.display());
    let file = scene.env.write("repo/.divisi.toml", &text);
    let mut editor = Editor::open(&scene, Manner::able());
    editor.open_file(&file);
    editor.until("the mistake", |editor| editor.diagnostics.contains_key(&file));
    assert_eq!(told(editor.diagnostics.get(&file)), ["unknown key `setup.comands` (did you mean `setup.commands`?)"]);
    let range = &editor.diagnostics[&file][0]["range"];
    assert_eq!((&range["start"]["character"], &range["end"]["character"]), (&json!(0), &json!(7)));
    let fix = editor.actions(&file, 1);
    let fix = fix.iter().find(|action| action["title"] == "Change it to `commands`").expect("a correction");
    assert!(fix["edit"]["changes"].is_object(), "{fix}");

    editor.type_text(&file, &text.replace("comands", "commands"));
    editor.until("nothing is wrong", |editor| !editor.diagnostics.contains_key(&file));
    let hover = editor.at("textDocument/hover", &file, 1, 2);
    assert!(hover["contents"]["value"].as_str().unwrap().contains("once you trust the file"), "{hover}");
    editor.type_text(&file, "[agents.mine]\nprotocol = \n");
    let found = editor.at("textDocument/completion", &file, 1, 11);
    let labels: Vec<&str> = found.as_array().unwrap().iter().filter_map(|item| item["label"].as_str()).collect();
    assert!(labels.contains(&"\"json_lines\""), "{labels:?}");
    let lenses = editor.at("textDocument/codeLens", &file, 0, 0);
    assert_eq!(lenses[0]["command"]["command"], "divisi.trust");
    assert_eq!(editor.at("textDocument/completion", &scene.repo.join("lines.txt"), 0, 0), Value::Null);
    assert!(!marker.exists(), "looking at a file runs nothing of it");
}

#[test]
fn trust_is_given_to_what_was_shown_and_to_nothing_else() {
    let scene = Scene::new();
    let file = scene.env.write("repo/.divisi.toml", "[setup]\ncommands = [\"true\"]\n");
    let mut editor = Editor::open(&scene, Manner::able());
    editor.execute("divisi.trust", &[]);
    let page = editor.shown();
    let text = |page: &std::path::Path| std::fs::read_to_string(page).unwrap_or_default();
    crate::support::wait_until(crate::sessions::scene::DEADLINE, "the settings to read", || {
        text(&page).contains("commands = [\"true\"]")
    });
    assert_eq!(scene.env.json(&scene.repo, &["trust"])["trusted"], false);
    // It changed after it was shown: what is trusted is what was read.
    std::fs::write(&file, "[setup]\ncommands = [\"false\"]\n").unwrap();
    editor.choose(&page, 0, "Trust exactly this content");
    editor.told("changed since it was shown");
    assert_eq!(scene.env.json(&scene.repo, &["trust"])["trusted"], false);
    editor.execute("divisi.trust", &[]);
    assert_eq!(editor.shown(), page);
    crate::support::wait_until(crate::sessions::scene::DEADLINE, "the new settings", || {
        text(&page).contains("\"false\"")
    });
    editor.choose(&page, 0, "Trust exactly this content");
    editor.told("trusted");
    assert_eq!(scene.env.json(&scene.repo, &["trust"])["trusted"], true);
}

#[test]
fn the_users_settings_are_made_opened_and_checked() {
    let scene = Scene::new();
    let mut editor = Editor::open(&scene, Manner::able());
    editor.execute("divisi.config", &[]);
    let file = editor.shown();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "");
    editor.open_file(&file);
    editor.type_text(&file, "[git]\nlanding = \"fast\"\n");
    editor.until("the mistake", |editor| editor.diagnostics.contains_key(&file));
    let here = told(editor.diagnostics.get(&file)).remove(0);
    std::fs::write(&file, "[git]\nlanding = \"fast\"\n").unwrap();
    let refused = scene.divisi(&["config", "list"]);
    assert!(refused.exits(1).stderr.contains(&here), "the loader says the same: {here}: {refused}");
    std::fs::write(&file, "").unwrap();
    let agent = file.with_file_name("agents").join("mine.toml");
    std::fs::create_dir_all(agent.parent().unwrap()).unwrap();
    std::fs::write(&agent, "name = \"mine\"\n").unwrap();
    editor.open_file(&agent);
    editor.until("what is missing", |editor| {
        told(editor.diagnostics.get(&agent)).iter().any(|told| told.contains("`command` is missing"))
    });
    editor.execute("divisi.schema", &[json!("agent")]);
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(editor.shown()).unwrap()).unwrap();
    assert_eq!(schema["properties"]["protocol"]["type"], "string");
}
