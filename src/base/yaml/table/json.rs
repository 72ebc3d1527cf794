//! A description as a JSON Schema (2020-12).

use serde_json::{Map, Value, json};

use super::{KIND, Key, Kind, Table};

/// The schema of a document.
pub fn document(title: &str, table: &Table) -> Value {
    let mut schema = object(table);
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!(title));
    Value::Object(schema)
}

fn object(table: &Table) -> Map<String, Value> {
    let mut properties = Map::new();
    for key in table.keys {
        // What a key is that has several meanings is said below, beside each.
        let twice = table.keys.iter().filter(|other| other.name == key.name).count() > 1;
        let value = if twice { Value::Bool(true) } else { described(key) };
        properties.insert(key.name.to_owned(), value);
    }
    let always = |key: &&Key| key.required && key.with.is_empty();
    let required: Vec<&str> = table.keys.iter().filter(always).map(|key| key.name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    if table.keys.iter().any(|key| !key.with.is_empty()) {
        schema.insert("allOf".to_owned(), by_kind(table));
    }
    schema
}

fn described(key: &Key) -> Value {
    let mut value = of_kind(key.kind);
    value.insert("description".to_owned(), json!(key.says));
    Value::Object(value)
}

/// For each `kind` the keys that it has beside those that all have, and those that it has not.
fn by_kind(table: &Table) -> Value {
    let Some(Key { kind: Kind::Word(kinds), .. }) = table.keys.iter().find(|key| key.name == KIND) else {
        return json!([]);
    };
    let rule = |kind: &&str| {
        let mut properties = Map::new();
        for key in table.keys.iter().filter(|key| !key.with.is_empty()) {
            if key.fits(Some(kind)) {
                properties.insert(key.name.to_owned(), described(key));
            } else {
                properties.entry(key.name).or_insert(Value::Bool(false));
            }
        }
        let needed = table.keys.iter().filter(|key| key.required && !key.with.is_empty() && key.fits(Some(kind)));
        let needed: Vec<&str> = needed.map(|key| key.name).collect();
        json!({
            "if": { "properties": { KIND: { "const": kind } } },
            "then": { "properties": properties, "required": needed },
        })
    };
    kinds.iter().map(rule).collect()
}

fn of_kind(kind: Kind) -> Map<String, Value> {
    let text = json!({ "type": ["string", "number", "boolean"] });
    let value = match kind {
        Kind::Text | Kind::Agent | Kind::Ref(_) => text,
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Words(words) => json!({ "type": ["array", "string"], "items": { "enum": words } }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Money => json!({ "type": "number", "minimum": 0 }),
        Kind::Texts | Kind::Refs(_) => json!({ "type": ["array", "string"], "items": { "type": "string" } }),
        Kind::TextMap => json!({ "type": "object", "additionalProperties": text }),
        Kind::One(table) => Value::Object(object(table)),
        Kind::Many(table) => json!({ "type": "array", "items": object(table) }),
        Kind::TextOrMany(table) => {
            json!({ "type": ["array", "string"], "items": { "anyOf": [{ "type": "string" }, object(table)] } })
        }
        Kind::Named(table) => json!({ "type": "object", "additionalProperties": object(table) }),
        Kind::Any => json!({}),
    };
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
