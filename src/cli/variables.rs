//! Variables on their way to an agent: what `--env` says, and what of this process's environment the daemon has a use for.

use std::collections::BTreeMap;

use crate::cli::context::Door;
use crate::model::Refusal;
use crate::model::query::{ListVariables, Query};
use crate::model::secret::{Secret, names_a_credential};

/// What `--env` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    /// Written out: stored with the session.
    pub(crate) environment: BTreeMap<String, String>,
    /// Named: the value is taken from here and not stored.
    pub(crate) pass: Vec<String>,
}

/// Reads the values of `--env`. A credential that is written out is refused.
///
/// # Errors
/// When one is no variable, is not set here, or would store a credential.
pub(crate) fn given(arguments: &[String]) -> Result<Given, Refusal> {
    let mut given = Given::default();
    for argument in arguments {
        match argument.split_once('=') {
            Some(("", _)) => return Err(Refusal::user("failed to read --env: a value without a name")),
            Some((name, _)) if names_a_credential(name) => {
                return Err(Refusal::user(format!(
                    "failed to read --env {name}=...: {name} names a credential, and what is written out is stored"
                ))
                .hint(format!("export {name}, then: --env {name}    # your value is handed on and not stored"))
                .hint("or put it into the credentials of a profile, and use: --profile NAME"));
            }
            Some((name, value)) => {
                given.environment.insert(name.to_owned(), value.to_owned());
            }
            None => {
                std::env::var(argument).map_err(|error| {
                    Refusal::user(format!("failed to read --env {argument}: {error}"))
                        .hint(format!("export {argument}=..."))
                })?;
                given.pass.push(argument.clone());
            }
        }
    }
    Ok(given)
}

/// This process's values of the variables that a session of an agent takes from whoever starts it, and of those named. They travel over
/// the user's own socket and are kept in the daemon's memory.
///
/// # Errors
/// When the daemon cannot be asked, or knows no such profile.
pub(crate) async fn of_caller(
    door: &mut Door<'_>,
    agent: Option<&str>,
    profile: Option<&str>,
    named: &[String],
) -> Result<BTreeMap<String, Option<Secret>>, Refusal> {
    let query = ListVariables { agent: agent.map(str::to_owned), profile: profile.map(str::to_owned) };
    let wanted: Vec<String> = door.query(Query::ListVariables(query)).await?;
    Ok(values(wanted.into_iter().chain(named.iter().cloned())))
}

/// This process's values of some variables.
pub(crate) fn values(names: impl Iterator<Item = String>) -> BTreeMap<String, Option<Secret>> {
    names.map(|name| (std::env::var(&name).ok().map(Secret::new), name)).map(|(value, name)| (name, value)).collect()
}
