//! `[mcp.NAME]`: MCP servers, in the user's configuration and in a repository's.

use toml_edit::{Item, TableLike};

use super::variable;
use crate::base::schema::{Field, Shape};
use crate::model::mcp::{McpServer, is_name};

/// What `[mcp]` may hold.
pub fn servers() -> Shape {
    Shape::map(server, "^[A-Za-z0-9_-]{1,64}$", Shape::Table(fields()))
}

fn fields() -> Vec<Field> {
    vec![
        Field::new("command", "the program of a server on standard input and output", Shape::Prose),
        Field::new("args", "its arguments", Shape::Texts),
        Field::new(
            "env",
            "its variables: values, or \"env:NAME\" for one that is looked up when the agent starts",
            Shape::map(variable, "", Shape::Prose),
        ),
        Field::new("url", "the address of a server over HTTP", Shape::Prose),
        Field::new(
            "headers",
            "what is sent with every request: values, or ones that end with \"env:NAME\" (\"Bearer env:TOKEN\")",
            Shape::map(any, "", Shape::Prose),
        ),
    ]
}

// What a header may be called is among the faults of the whole server.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a rule")]
fn any(_: &str, _: &Item) -> Result<(), String> {
    Ok(())
}

fn server(name: &str, item: &Item) -> Result<(), String> {
    read(name, item).map(drop)
}

/// Reads one server.
///
/// # Errors
/// What is wrong with it; the words fit after its key.
pub fn read(name: &str, item: &Item) -> Result<McpServer, String> {
    if !is_name(name) {
        return Err("must have a name of letters, digits, _ and -".to_owned());
    }
    let table = item.as_table_like().ok_or("must be a table: command, args and env, or url and headers")?;
    let server = parse(table)?;
    server.fault().map_or(Ok(server), Err)
}

fn parse(table: &dyn TableLike) -> Result<McpServer, String> {
    let mut document = toml_edit::DocumentMut::new();
    for (key, item) in table.iter() {
        document.insert(key, item.clone());
    }
    toml_edit::de::from_document(document)
        .map_err(|error| format!("is wrong: {}", error.message().trim().replace('\n', ", ")))
}
