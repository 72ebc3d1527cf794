//! Looks credentials up where a profile says they are. What is found goes to the caller and nowhere else: not into a log, not into an
//! error.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use crate::base::text::visible_line;
use crate::model::Refusal;
use crate::model::profile::CredentialSource;
use crate::model::secret::Secret;
use crate::process::run::{Finished, Program, RunError, run};

/// How long a command may take: it may have to ask a person for a passphrase.
const DEADLINE: Duration = Duration::from_secs(60);
/// A credential is shorter than this, bytes.
const LIMIT: usize = 64 * 1024;

/// Looks one up. Blocks the calling thread.
///
/// # Errors
/// When it is not there.
pub(super) fn look_up(
    source: &CredentialSource,
    environment: &BTreeMap<String, String>,
    path_env: &OsStr,
) -> Result<Secret, Refusal> {
    match source {
        CredentialSource::Variable(name) => match environment.get(name).filter(|value| !value.is_empty()) {
            Some(value) => Ok(Secret::new(value.clone())),
            None => Err(Refusal::user(format!("the variable {name} is not set"))
                .hint(format!("export {name}=... where you start sessions, or before: divisi daemon restart"))),
        },
        CredentialSource::Command(words) => told_by(words, environment, path_env, ""),
        CredentialSource::Keyring { service, account } => {
            told_by(&keyring_command(service, account), environment, path_env, &store_hint(service, account))
        }
    }
}

/// The command that prints an entry of the user's keyring.
fn keyring_command(service: &str, account: &str) -> Vec<String> {
    let words: &[&str] = if cfg!(target_os = "macos") {
        &["security", "find-generic-password", "-w", "-s", service, "-a", account]
    } else {
        &["secret-tool", "lookup", "service", service, "account", account]
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// How the entry is made; the value is asked for, not an argument.
fn store_hint(service: &str, account: &str) -> String {
    if cfg!(target_os = "macos") {
        format!("security add-generic-password -s '{service}' -a '{account}' -w")
    } else {
        format!("secret-tool store --label 'divisi {account}' service '{service}' account '{account}'")
    }
}

/// What a command prints, without the newline at its end.
fn told_by(
    words: &[String],
    environment: &BTreeMap<String, String>,
    path_env: &OsStr,
    hint: &str,
) -> Result<Secret, Refusal> {
    let name = words.first().map_or("", String::as_str);
    let hinted = |refusal: Refusal| if hint.is_empty() { refusal } else { refusal.hint(hint) };
    let refused = |why: &str| hinted(Refusal::user(format!("{name} {why}")));
    let Ok(program) = which::which_in(name, Some(path_env), "/") else {
        return Err(refused("was not found in PATH"));
    };
    let arguments: Vec<OsString> = words.iter().skip(1).map(OsString::from).collect();
    let environment: Vec<(OsString, OsString)> =
        environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let asked = run(&Program {
        program: &program,
        arguments: &arguments,
        directory: Path::new("/"),
        environment: &environment,
        input: &[],
        deadline: DEADLINE,
        limit: LIMIT,
    });
    match asked {
        Ok(Finished { code: Some(0), stdout, truncated: false, .. }) => {
            let text = String::from_utf8(stdout).map_err(|_| refused("printed something that is not text"))?;
            let value = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
            if value.is_empty() {
                return Err(refused("printed nothing"));
            }
            if value.contains(['\0', '\n']) {
                return Err(refused("printed more than one line: a credential is one"));
            }
            Ok(Secret::new(value))
        }
        Ok(Finished { truncated: true, .. }) => Err(refused("printed more than a credential")),
        Ok(Finished { code: Some(code), stdout, stderr, .. }) => {
            Err(refused(&format!("exited with code {code}{}", complaint(&stdout, &stderr))))
        }
        Ok(Finished { signal, .. }) => Err(refused(&format!("was ended by signal {}", signal.unwrap_or_default()))),
        Err(RunError::TimedOut { .. }) => Err(refused(&format!("did not end within {} s", DEADLINE.as_secs()))),
        // Of the error only that it failed: its words name the program's path, and that is all they know.
        Err(error) => Err(hinted(Refusal::environment(error.to_string()))),
    }
}

/// The last line of what it complained, unless that repeats anything it printed.
fn complaint(stdout: &[u8], stderr: &[u8]) -> String {
    let (printed, complained) = (String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr));
    let line = complained.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let repeats = printed.split_whitespace().any(|word| word.len() > 3 && line.contains(word));
    if line.is_empty() || repeats { String::new() } else { format!(": {}", visible_line(line, 160)) }
}

#[cfg(test)]
mod tests;
