use super::{PLAN, schema};
use crate::base::yaml::table::{Kind, Table};

#[test]
fn the_schema_has_every_key_and_nothing_else_is_allowed() {
    let schema = schema();
    require_same(&PLAN, &schema);
    assert_eq!(schema["required"], serde_json::json!(["version", "agents", "tasks"]));
    assert_eq!(schema["properties"]["execution"]["properties"]["concurrency"]["maximum"], 1000);
}

fn require_same(table: &Table, schema: &serde_json::Value) {
    assert_eq!(schema["additionalProperties"], false, "{}", table.what);
    let properties = schema["properties"].as_object().unwrap();
    let names: std::collections::BTreeSet<&str> = table.keys.iter().map(|key| key.name).collect();
    assert_eq!(properties.len(), names.len(), "{}", table.what);
    // What depends on the kind is said beside the kind.
    let twice = |name: &str| table.keys.iter().filter(|key| key.name == name).count() > 1;
    for key in table.keys.iter().filter(|key| !twice(key.name)) {
        let property = &properties[key.name];
        assert!(property["description"].as_str().is_some_and(|says| says.ends_with('.')), "{}", key.name);
        match key.kind {
            Kind::One(inner) => require_same(inner, property),
            Kind::Many(inner) => require_same(inner, &property["items"]),
            Kind::TextOrMany(inner) => require_same(inner, &property["items"]["anyOf"][1]),
            Kind::Named(inner) => require_same(inner, &property["additionalProperties"]),
            _ => {}
        }
    }
}
