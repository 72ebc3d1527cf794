//! What divisi's own documents may say: the parts that several readers share. The machinery is [`crate::base::schema`] for
//! TOML and [`crate::base::yaml::table`] for YAML.

pub mod cases;
pub mod definition;
pub mod environment;
pub mod mcp;
pub mod plan;
pub mod repository;
pub mod suite;

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
