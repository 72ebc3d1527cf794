//! What divisi's own documents may say: the parts that several readers share. The machinery is [`crate::base::schema`].

pub mod definition;
pub mod mcp;
pub mod repository;

use toml_edit::Item;

/// Whether a name can be that of an environment variable.
///
/// # Errors
/// When it cannot; the words fit after its key.
pub fn variable(name: &str, _: &Item) -> Result<(), String> {
    if name.is_empty() || name.contains('=') || name.contains(char::is_control) {
        return Err("must name an environment variable".to_owned());
    }
    Ok(())
}
