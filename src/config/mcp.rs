//! `[mcp.NAME]`: MCP servers that every session's agent is given. Tables of the user's own naming, so no settings like the others.

use toml_edit::{Item, TableLike};

use crate::config::Config;
use crate::model::mcp::{McpServer, is_name};

/// The name of the section.
pub(super) const SECTION: &str = "mcp";

/// Reads one server into a configuration; the error says what is wrong with it.
pub(super) fn read(config: &mut Config, name: &str, item: &Item) -> Result<(), String> {
    if !is_name(name) {
        return Err("must have a name of letters, digits, _ and -".to_owned());
    }
    let table = item.as_table_like().ok_or("must be a table: command, args and env, or url and headers")?;
    let server = parse(table)?;
    if let Some(fault) = server.fault() {
        return Err(fault);
    }
    config.settings.mcp.insert(name.to_owned(), server);
    Ok(())
}

fn parse(table: &dyn TableLike) -> Result<McpServer, String> {
    let mut document = toml_edit::DocumentMut::new();
    for (key, item) in table.iter() {
        document.insert(key, item.clone());
    }
    toml_edit::de::from_document(document)
        .map_err(|error| format!("is wrong: {}", error.message().trim().replace('\n', ", ")))
}
