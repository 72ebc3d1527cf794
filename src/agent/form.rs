//! Forms that MCP servers and agents put to a person (MCP's elicitation), as far as one answer can fill them in.

use serde_json::{Map, Value, json};

use crate::model::approval::ApprovalOption;

use super::acp::wire;

/// The option that accepts.
const ACCEPT: &str = "accept";
/// The option that declines.
pub(super) const DECLINE: &str = "decline";

/// What an answer is made of.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// Accepting is all there is.
    Empty,
    /// One field with values to choose from.
    Choice { field: String, values: Vec<(String, Value)> },
    /// One field of free text: the message of the answer.
    Text { field: String },
}

impl Form {
    /// What can be made of a form's schema; nothing when it asks more than one thing.
    pub(super) fn of(schema: &Value) -> Option<Self> {
        let Some(properties) = schema.get("properties").and_then(Value::as_object).filter(|fields| !fields.is_empty())
        else {
            return Some(Self::Empty);
        };
        let (field, property) = properties.iter().next().filter(|_| properties.len() == 1)?;
        let field = field.clone();
        let named = |value: &Value| (value.as_str().map_or_else(|| value.to_string(), str::to_owned), value.clone());
        let mut values: Vec<(String, Value)> = wire::list(property, "enum").iter().map(named).collect();
        values.extend(wire::list(property, "oneOf").iter().filter_map(|one| one.get("const")).map(named));
        match property.get("type").and_then(Value::as_str) {
            _ if !values.is_empty() => Some(Self::Choice { field, values }),
            Some("boolean") => {
                Some(Self::Choice { field, values: [json!(true), json!(false)].iter().map(named).collect() })
            }
            Some("string") => Some(Self::Text { field }),
            _ => None,
        }
    }

    /// The answer: `{"action": ..., "content": ...}`. Without an option it is cancelled.
    pub(super) fn answer(&self, option: Option<&str>, message: Option<&str>) -> Value {
        let accept = |content: Map<String, Value>| json!({"action": "accept", "content": content});
        let field = |name: &str, value: Value| Map::from_iter([(name.to_owned(), value)]);
        match (self, option) {
            (_, None) => json!({"action": "cancel"}),
            (_, Some(DECLINE)) => json!({"action": "decline"}),
            (Self::Empty, Some(_)) => accept(Map::new()),
            (Self::Text { field: name }, Some(_)) => accept(field(name, json!(message.unwrap_or_default()))),
            (Self::Choice { field: name, values }, Some(option)) => {
                let value = values.iter().find(|(id, _)| id == option).map_or(Value::Null, |(_, value)| value.clone());
                accept(field(name, value))
            }
        }
    }
}

/// What can be answered to a form.
pub(super) fn options(form: Option<&Form>) -> Vec<ApprovalOption> {
    let choice = |id: &str, name: &str, kind: &str| ApprovalOption {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: kind.to_owned(),
    };
    let mut options = match form {
        Some(Form::Empty) => vec![choice(ACCEPT, "Accept", "answer")],
        Some(Form::Text { .. }) => vec![choice(ACCEPT, "Answer with the message", "answer")],
        Some(Form::Choice { values, .. }) => values.iter().map(|(id, _)| choice(id, id, "answer")).collect(),
        None => Vec::new(),
    };
    options.push(choice(DECLINE, "Decline", "reject_once"));
    options
}

/// What a person is told besides the question.
pub(super) fn note<'a>(form: Option<&Form>, url: Option<&'a str>) -> &'a str {
    match (form, url) {
        (_, Some(url)) => url,
        (Some(_), None) => "",
        (None, None) => "divisi can only decline this form: it asks more than one thing, or something unusual",
    }
}
