//! `divisi schema`: what it prints is what the loaders take.

use std::path::Path;

use serde_json::{Value, json};
use toml_edit::DocumentMut;

use crate::sessions::scene::Scene;

/// Whether a schema takes a value; the first reason why not. Knows the words that our schemas use, and no other.
fn fault(schema: &Value, value: &Value, at: &str) -> Option<String> {
    let schema = schema.as_object().expect("a schema");
    for (word, rule) in schema {
        let bad = match word.as_str() {
            "$schema" | "title" | "description" | "default" => None,
            "type" => {
                let is = match rule.as_str().expect("a type") {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    other => panic!("no type {other} is known here"),
                };
                (!is).then(|| format!("{at} is no {rule}"))
            }
            "enum" => (!rule.as_array().expect("choices").contains(value)).then(|| format!("{at} is none of {rule}")),
            "minimum" => (value.as_i64() < rule.as_i64()).then(|| format!("{at} is below {rule}")),
            "maximum" => (value.as_i64() > rule.as_i64()).then(|| format!("{at} is above {rule}")),
            "minLength" => (value.as_str() == Some("")).then(|| format!("{at} is empty")),
            "items" => value.as_array().and_then(|all| all.iter().find_map(|one| fault(rule, one, at))),
            "anyOf" => {
                let all: Vec<String> =
                    rule.as_array().expect("schemas").iter().filter_map(|one| fault(one, value, at)).collect();
                (all.len() == rule.as_array().map_or(0, Vec::len)).then(|| all.join(" and "))
            }
            "required" => rule
                .as_array()
                .expect("names")
                .iter()
                .find_map(|name| value.get(name.as_str()?).is_none().then(|| format!("{at} lacks {name}"))),
            "properties" => rule
                .as_object()
                .expect("schemas")
                .iter()
                .find_map(|(name, inner)| fault(inner, value.get(name)?, &format!("{at}.{name}"))),
            "additionalProperties" => value.as_object().and_then(|fields| {
                let known = schema.get("properties").and_then(Value::as_object);
                let mut others = fields.iter().filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)));
                match rule {
                    Value::Bool(false) => others.next().map(|(name, _)| format!("{at} has an unknown {name}")),
                    rule => others.find_map(|(name, inner)| fault(rule, inner, &format!("{at}.{name}"))),
                }
            }),
            // The patterns are lists of characters; the examples keep to them.
            "propertyNames" => {
                let pattern = rule["pattern"].as_str().expect("a pattern");
                assert!(pattern.starts_with("^[") && pattern.ends_with('$'), "{pattern}");
                None
            }
            other => panic!("nothing is known of {other:?} here"),
        };
        if bad.is_some() {
            return bad;
        }
    }
    None
}

fn of_toml(text: &str) -> Value {
    let document: DocumentMut = text.parse().unwrap_or_else(|error| panic!("{error}: {text}"));
    let table = document.as_table().clone().into_inline_table();
    divisi::base::schema::json::plain(&toml_edit::Value::InlineTable(table))
}

fn schema(scene: &Scene, name: &str) -> Value {
    serde_json::from_str(&scene.divisi(&["schema", name]).ok().stdout).expect("JSON")
}

/// The texts between fences that begin with these words.
fn fences(text: &str, begin: &str) -> Vec<String> {
    text.split(begin).skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

#[test]
fn every_example_fits_its_schema_and_its_loader() {
    let scene = Scene::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (config, agent) = (schema(&scene, "config"), schema(&scene, "agent"));
    let example = "examples/profiles.toml";
    let text = std::fs::read_to_string(root.join(example)).unwrap();
    assert_eq!(fault(&config, &of_toml(&text), example), None);
    divisi::config::load_text(&text, example).unwrap();
    let definitions = std::fs::read_dir(root.join("src/agent/data")).unwrap();
    let mut seen = 0;
    for path in definitions.map(|entry| entry.unwrap().path()) {
        if path.extension().is_some_and(|ext| ext == "toml") && !path.ends_with("known-bad.toml") {
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(fault(&agent, &of_toml(&text), &path.to_string_lossy()), None);
            seen += 1;
        }
    }
    assert!(seen > 20);
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (repository, mut shown) = (schema(&scene, "repository"), 0);
    for text in fences(&readme, "```toml\n") {
        let schema = if text.contains(".divisi.toml") { &repository } else { &config };
        assert_eq!(fault(schema, &of_toml(&text), "README.md"), None, "{text}");
        shown += 1;
    }
    assert!(shown >= 2, "the README has examples");
    // Every setting with the value it has.
    let list = scene.env.json(&scene.repo, &["config", "list"]);
    let each = |setting: &Value| {
        let said = |key: &str| setting[key].as_str().unwrap().trim().to_owned();
        format!("{} = {}", said("key"), said("value"))
    };
    let text = list.as_array().unwrap().iter().map(each).collect::<Vec<_>>().join("\n");
    assert_eq!(fault(&config, &of_toml(&text), "config list"), None);
}

#[test]
fn what_a_loader_refuses_for_its_form_the_schema_refuses() {
    let scene = Scene::new();
    let config = schema(&scene, "config");
    for (text, words) in [
        ("[git]\nlandng = \"squash\"\n", "unknown landng"),
        ("[git]\nlanding = \"fast\"\n", "is none of"),
        ("[agents]\ngrace_sec = 601\n", "is above"),
        ("[agents]\nlease_sec = 0\n", "is below"),
        ("[git]\nlfs = 1\n", "is no \"boolean\""),
        ("[profiles.w]\nmodle = \"x\"\n", "unknown modle"),
        ("[mcp.w]\nargs = \"x\"\n", "is no \"array\""),
    ] {
        let found = fault(&config, &of_toml(text), "config").unwrap_or_default();
        assert!(found.contains(words), "{text}: {found}");
        assert!(divisi::config::load_text(text, "config").is_err(), "{text}");
    }
    let agent = schema(&scene, "agent");
    assert!(fault(&agent, &json!({ "command": ["x"] }), "agent").unwrap().contains("lacks \"name\""));
}

#[test]
fn the_list_names_each_and_where_it_is() {
    let scene = Scene::new();
    let list = scene.env.json(&scene.repo, &["schema"]);
    let names: Vec<&str> = list.as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    for name in ["config", "repository", "agent"] {
        assert!(names.contains(&name), "{names:?}");
        assert!(scene.divisi(&["schema"]).ok().stdout.contains(name));
    }
    for name in names {
        let schema = schema(&scene, name);
        assert!(schema["$schema"].is_string() && schema["title"].is_string(), "{name}");
    }
    scene.divisi(&["schema", "nothing"]).exits(2);
}
