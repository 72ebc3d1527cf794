//! `[mcp.NAME]`: MCP servers that every session's agent is given. Tables of the user's own naming, so no settings like the others.

use toml_edit::Item;

use crate::config::Config;
use crate::model::schema::mcp;

/// The name of the section.
pub(super) const SECTION: &str = "mcp";

/// Reads one server into a configuration; the error says what is wrong with it.
pub(super) fn read(config: &mut Config, name: &str, item: &Item) -> Result<(), String> {
    let server = mcp::read(name, item)?;
    config.settings.mcp.insert(name.to_owned(), server);
    Ok(())
}
