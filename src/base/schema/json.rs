//! A description as a JSON Schema (draft 7, which editors' TOML and YAML servers read).

use serde_json::{Map, Value, json};

use super::{Field, Shape};

/// The schema of a document.
pub fn document(title: &str, about: &str, shape: &Shape) -> Value {
    let mut schema = of(shape);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!(title);
    schema["description"] = json!(about);
    schema
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Number { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Text | Shape::Prose => json!({ "type": "string" }),
        Shape::Agent => json!({ "type": "string", "minLength": 1 }),
        Shape::Choice(names) => json!({ "type": "string", "enum": names }),
        Shape::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Shape::Table(fields) => {
            let properties: Map<String, Value> =
                fields.iter().map(|field| (field.name.clone(), described(field))).collect();
            let mut table = json!({ "type": "object", "properties": properties, "additionalProperties": false });
            let required: Vec<&str> =
                fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
            if !required.is_empty() {
                table["required"] = json!(required);
            }
            table
        }
        Shape::Map { pattern, item, .. } => {
            let mut map = json!({ "type": "object", "additionalProperties": of(item) });
            if !pattern.is_empty() {
                map["propertyNames"] = json!({ "pattern": pattern });
            }
            map
        }
        Shape::Either(one, other) => json!({ "anyOf": [of(one), of(other)] }),
        Shape::Checked(inner, _) => of(inner),
    }
}

fn described(field: &Field) -> Value {
    let mut schema = of(&field.shape);
    schema["description"] = json!(field.about);
    if let Some(default) = field.default.as_deref().and_then(|text| text.parse::<toml_edit::Value>().ok()) {
        schema["default"] = plain(&default);
    }
    schema
}

/// A TOML value as JSON.
pub fn plain(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => json!(text.value()),
        toml_edit::Value::Integer(number) => json!(number.value()),
        toml_edit::Value::Float(number) => json!(number.value()),
        toml_edit::Value::Boolean(flag) => json!(flag.value()),
        toml_edit::Value::Datetime(when) => json!(when.value().to_string()),
        toml_edit::Value::Array(array) => array.iter().map(plain).collect(),
        toml_edit::Value::InlineTable(table) => {
            Value::Object(table.iter().map(|(name, value)| (name.to_owned(), plain(value))).collect())
        }
    }
}
