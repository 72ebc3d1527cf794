//! divisi's own documents by name: what each may say, and its JSON Schema. The loaders check texts against the same descriptions.

use serde_json::Value;

use super::{Config, key, mcp, profiles};
use crate::base::schema::{Field, Shape, json};
use crate::model::schema::{cases, definition, plan, repository, suite};

/// A document.
#[derive(Debug, Clone, Copy)]
pub struct Document {
    /// Its name for `divisi schema`.
    pub name: &'static str,
    /// Where it is.
    pub place: &'static str,
    /// What it is, one line.
    pub about: &'static str,
    /// Its JSON Schema.
    pub schema: fn() -> Value,
}

/// All of them. One more kind of document is one more entry here, and one in `lsp::own`.
pub static DOCUMENTS: &[Document] = &[
    Document {
        name: "config",
        place: "~/.config/divisi/config.toml",
        about: "your own settings",
        schema: || json::document("divisi: config.toml", "the settings of divisi", &shape()),
    },
    Document {
        name: "repository",
        place: ".divisi.toml in a repository",
        about: "a repository's settings, which hold once you trust them",
        schema: || json::document("divisi: .divisi.toml", "a repository's settings for divisi", &repository::shape()),
    },
    Document {
        name: "agent",
        place: "~/.config/divisi/agents/NAME.toml",
        about: "the definition of an agent",
        schema: || json::document("divisi: agents/NAME.toml", "the definition of an agent", &definition::file()),
    },
    Document {
        name: "plan",
        place: "a YAML file, for divisi batch",
        about: "a batch: agents on tasks",
        schema: plan::schema,
    },
    Document {
        name: "suite",
        place: "a YAML file, for divisi eval and as gates",
        about: "evaluators that judge a session's work",
        schema: suite::schema,
    },
    Document {
        name: "bench",
        place: "a YAML file, for divisi bench",
        about: "a benchmark's cases",
        schema: cases::schema,
    },
];

/// What `config.toml` may say.
pub fn shape() -> Shape {
    let mut sections: Vec<(&str, Vec<Field>)> = Vec::new();
    let default = Config::default();
    for key in key::keys() {
        let Some((section, name)) = key.name.split_once('.') else { continue };
        let field = Field::new(name, key.about, (key.shape)()).or((key.get)(&default).to_string().trim());
        match sections.iter_mut().find(|(known, _)| *known == section) {
            Some((_, fields)) => fields.push(field),
            None => sections.push((section, vec![field])),
        }
    }
    let mut fields: Vec<Field> = sections
        .into_iter()
        .map(|(name, fields)| Field::new(name, &format!("the section {name}"), Shape::Table(fields)))
        .collect();
    fields.push(Field::new("profiles", "named ways to run an agent", profiles::shape()));
    fields.push(Field::new(
        mcp::SECTION,
        "MCP servers that every session's agent is given",
        crate::model::schema::mcp::servers(),
    ));
    Shape::Table(fields)
}

/// What is wrong with a configuration as its loader sees it, once its form is right: the dotted key and the words.
pub fn refused(text: &str) -> Option<(String, String)> {
    match super::load_text(text, "") {
        Err(super::ConfigError::Value { key, message, .. }) => Some((key, message)),
        Err(super::ConfigError::Unknown { key, .. }) => Some((key, "is not known".to_owned())),
        Err(super::ConfigError::Syntax { message, .. }) => Some((String::new(), message)),
        _ => None,
    }
}
