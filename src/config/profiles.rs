//! `[profiles.NAME]`: named ways to run an agent. Credentials are named by their source; written out they are refused.

use std::collections::BTreeMap;

use toml_edit::{Item, TableLike, Value};

use crate::base::schema::{Field, Shape};
use crate::config::key::{text_of, texts_of};
use crate::config::load::Source;
use crate::config::{Config, ConfigError};
use crate::model::profile::{CredentialSource, NONE, Profile};
use crate::model::secret::{names_a_credential, without_userinfo};

/// How a source of a credential is written.
const SOURCES: &str = "\"env:NAME\", \"keyring:ACCOUNT\", { keyring = \"ACCOUNT\", service = \"...\" } or { command = [\"pass\", \"show\", \"...\"] }";

/// The service of a keyring's entry when none is named.
const KEYRING_SERVICE: &str = "divisi";

/// Reads the section `profiles`.
///
/// # Errors
/// When a key is unknown, a value of the wrong type, or a credential is written out.
pub(super) fn read(section: &Item, source: &Source<'_>) -> Result<BTreeMap<String, Profile>, ConfigError> {
    let table = table_of(section, "profiles", 1, source)?;
    let mut profiles = BTreeMap::new();
    for (name, item) in table.iter() {
        let place = format!("profiles.{name}");
        let line = source.line_of_key(table, name, item, 1);
        if !is_name(name) || name == NONE {
            return Err(wrong(source, line, &place, NAMED.to_owned()));
        }
        let profile = one(table_of(item, &place, line, source)?, &place, line, source)?;
        profiles.insert(name.to_owned(), profile);
    }
    Ok(profiles)
}

/// A profile as `config profiles` shows it: sources in the place of credentials.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ProfileView {
    /// Its name.
    pub name: String,
    /// One line.
    pub description: Option<String>,
    /// The agents it is for; empty: any.
    pub agents: Vec<String>,
    /// The agents whose default it is.
    pub default_of: Vec<String>,
    /// The model it asks for.
    pub model: Option<String>,
    /// The mode it asks for.
    pub mode: Option<String>,
    /// The server.
    pub base_url: Option<String>,
    /// The program in the place of the agent's own.
    pub program: Option<String>,
    /// Arguments.
    pub arguments: Vec<String>,
    /// Variables that are taken away.
    pub unset: Vec<String>,
    /// Variables, passwords in URLs masked.
    pub environment: BTreeMap<String, String>,
    /// Where credentials come from.
    pub credentials: BTreeMap<String, String>,
}

impl ProfileView {
    /// Whom it is for, and whose default it is.
    pub fn agents_shown(&self) -> String {
        let agents = if self.agents.is_empty() { "any".to_owned() } else { self.agents.join(", ") };
        if self.default_of.is_empty() {
            agents
        } else {
            format!("{agents} (default of {})", self.default_of.join(", "))
        }
    }

    /// Everything it sets, one line.
    pub fn sets_shown(&self) -> String {
        let single =
            [("model", &self.model), ("mode", &self.mode), ("url", &self.base_url), ("program", &self.program)];
        let single = single.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
        let arguments = (!self.arguments.is_empty()).then(|| format!("arguments {}", self.arguments.join(" ")));
        let unset = self.unset.iter().map(|name| format!("no {name}"));
        let environment = self.environment.iter().map(|(name, value)| format!("{name}={value}"));
        let credentials = self.credentials.iter().map(|(name, source)| format!("{name} from {source}"));
        single.chain(arguments).chain(unset).chain(environment).chain(credentials).collect::<Vec<_>>().join(", ")
    }
}

/// Every profile, for people.
pub fn list(config: &Config) -> Vec<ProfileView> {
    let defaults = &config.settings.default_profiles;
    let view = |(name, profile): (&String, &Profile)| ProfileView {
        name: name.clone(),
        description: profile.description.clone(),
        agents: profile.agents.clone(),
        default_of: defaults.iter().filter(|(_, default)| *default == name).map(|(agent, _)| agent.clone()).collect(),
        model: profile.model.clone(),
        mode: profile.mode.clone(),
        base_url: profile.base_url.clone(),
        program: profile.program.clone(),
        arguments: profile.arguments.clone(),
        unset: profile.unset.iter().cloned().collect(),
        environment: profile.environment.iter().map(|(name, value)| (name.clone(), without_userinfo(value))).collect(),
        credentials: profile.credentials.iter().map(|(name, source)| (name.clone(), source.shown())).collect(),
    };
    config.settings.profiles.iter().map(view).collect()
}

/// What the section may hold.
pub(super) fn shape() -> Shape {
    let prose = |name: &str, about: &str| Field::new(name, about, Shape::Text);
    let credential = Shape::Table(vec![
        Field::new("command", "program and arguments that print it", Shape::Texts),
        prose("env", "the variable that holds it"),
        prose("keyring", "the account in the keyring"),
        prose("service", "the service in the keyring").or("\"divisi\""),
    ]);
    let credential = Shape::Either(Box::new(Shape::Text), Box::new(credential));
    Shape::map(
        profile_name,
        "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$",
        Shape::Table(vec![
            prose("description", "one line, for `divisi config profiles`"),
            Field::new("agents", "the agents it is for; left out: any", Shape::Texts),
            prose("model", "the model that is asked for"),
            prose("mode", "the mode that is asked for"),
            prose("base_url", "the server that the agent talks to"),
            prose("program", "a program in the place of the agent's own, as an absolute path"),
            Field::new("arguments", "more arguments", Shape::Texts),
            Field::new("unset", "variables that are taken away", Shape::Texts),
            Field::new(
                "environment",
                "variables; credentials are refused here",
                Shape::map(variable_name, "", Shape::Text),
            ),
            Field::new(
                "credentials",
                "where credentials are, by the variable that hands them on: never the credentials themselves",
                Shape::map(variable_name, "", credential),
            ),
        ]),
    )
}

fn profile_name(name: &str, _: &Item) -> Result<(), String> {
    if is_name(name) && name != NONE { Ok(()) } else { Err(NAMED.to_owned()) }
}

fn variable_name(name: &str, _: &Item) -> Result<(), String> {
    variable(name)
}

const NAMED: &str = "must be named with at most 64 of the characters a-z A-Z 0-9 - _ . (and not \"none\")";

/// Whether a profile may be called that.
fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 64 && name.chars().all(word) && !name.starts_with(['-', '.'])
}

fn one(table: &dyn TableLike, place: &str, around: usize, source: &Source<'_>) -> Result<Profile, ConfigError> {
    let mut profile = Profile::default();
    for (key, item) in table.iter() {
        let dotted = format!("{place}.{key}");
        let line = source.line_of_key(table, key, item, around);
        let bad = |message: String| wrong(source, line, &dotted, message);
        match key {
            "agents" => profile.agents = texts_of(value_of(item).map_err(bad)?).map_err(bad)?,
            "arguments" => profile.arguments = texts_of(value_of(item).map_err(bad)?).map_err(bad)?,
            "unset" => {
                let names = texts_of(value_of(item).map_err(bad)?).map_err(bad)?;
                names.iter().try_for_each(|name| variable(name)).map_err(bad)?;
                profile.unset = names.into_iter().collect();
            }
            "description" | "model" | "mode" | "base_url" | "program" => {
                let text = text_of(value_of(item).map_err(bad)?).map_err(bad)?;
                let slot = match key {
                    "description" => &mut profile.description,
                    "model" => &mut profile.model,
                    "mode" => &mut profile.mode,
                    "base_url" => {
                        if without_userinfo(&text) != text {
                            return Err(bad("must not hold a user name or password: they would be shown".to_owned()));
                        }
                        &mut profile.base_url
                    }
                    _ => {
                        if !text.starts_with('/') {
                            return Err(bad("must be an absolute path".to_owned()));
                        }
                        &mut profile.program
                    }
                };
                *slot = Some(text);
            }
            "environment" => {
                let table = table_of(item, &dotted, line, source)?;
                profile.environment = environment(table, &dotted, line, source)?;
            }
            "credentials" => {
                let table = table_of(item, &dotted, line, source)?;
                profile.credentials = credentials(table, &dotted, line, source)?;
            }
            _ => return Err(unknown(source, line, &dotted, key, place)),
        }
    }
    if let Some(name) = profile.credentials.keys().find(|name| profile.environment.contains_key(*name)) {
        let message = format!("gives {name} twice: in `environment` and in `credentials`");
        return Err(wrong(source, around, place, message));
    }
    Ok(profile)
}

fn environment(
    table: &dyn TableLike,
    place: &str,
    around: usize,
    source: &Source<'_>,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut variables = BTreeMap::new();
    for (name, item) in table.iter() {
        let dotted = format!("{place}.{name}");
        let line = source.line_of_key(table, name, item, around);
        let bad = |message: String| wrong(source, line, &dotted, message);
        variable(name).map_err(bad)?;
        if names_a_credential(name) {
            let section = place.rsplit_once('.').map_or(place, |(profile, _)| profile);
            return Err(bad(format!(
                "names a credential, which is not written down: put {name} into [{section}.credentials] as {SOURCES}"
            )));
        }
        let text = text_of(value_of(item).map_err(bad)?).map_err(bad)?;
        variables.insert(name.to_owned(), text);
    }
    Ok(variables)
}

fn credentials(
    table: &dyn TableLike,
    place: &str,
    around: usize,
    source: &Source<'_>,
) -> Result<BTreeMap<String, CredentialSource>, ConfigError> {
    let mut found = BTreeMap::new();
    for (name, item) in table.iter() {
        let dotted = format!("{place}.{name}");
        let line = source.line_of_key(table, name, item, around);
        let bad = |message: String| wrong(source, line, &dotted, message);
        variable(name).map_err(bad)?;
        let credential = match item {
            Item::Value(Value::String(text)) => from_text(text.value()).map_err(bad)?,
            item => match item.as_table_like() {
                Some(inner) => from_table(inner, &dotted, line, source)?,
                None => return Err(bad(format!("must be {SOURCES}"))),
            },
        };
        found.insert(name.to_owned(), credential);
    }
    Ok(found)
}

/// The text itself is in no error: it may be the credential.
fn from_text(text: &str) -> Result<CredentialSource, String> {
    match text.split_once(':') {
        Some(("env", name)) if variable(name).is_ok() => Ok(CredentialSource::Variable(name.to_owned())),
        Some(("keyring", account)) if !account.is_empty() && !account.contains(char::is_control) => {
            Ok(CredentialSource::Keyring { service: KEYRING_SERVICE.to_owned(), account: account.to_owned() })
        }
        _ => Err(format!("must say where the credential is, not what it is: {SOURCES}")),
    }
}

fn from_table(
    table: &dyn TableLike,
    place: &str,
    around: usize,
    source: &Source<'_>,
) -> Result<CredentialSource, ConfigError> {
    let mut command = None;
    let mut account = None;
    let mut service = None;
    let mut name = None;
    for (key, item) in table.iter() {
        let dotted = format!("{place}.{key}");
        let line = source.line_of_key(table, key, item, around);
        let bad = |message: String| wrong(source, line, &dotted, message);
        match key {
            "command" => command = Some(texts_of(value_of(item).map_err(bad)?).map_err(bad)?),
            "keyring" => account = Some(text_of(value_of(item).map_err(bad)?).map_err(bad)?),
            "service" => service = Some(text_of(value_of(item).map_err(bad)?).map_err(bad)?),
            "env" => name = Some(text_of(value_of(item).map_err(bad)?).map_err(bad)?),
            _ => return Err(unknown(source, line, &dotted, key, place)),
        }
    }
    let service_given = service.is_some();
    match (command, account, name) {
        (Some(words), None, None) if !service_given && words.first().is_some_and(|word| !word.is_empty()) => {
            Ok(CredentialSource::Command(words))
        }
        (None, Some(account), None) if !account.is_empty() => {
            let service = service.unwrap_or_else(|| KEYRING_SERVICE.to_owned());
            Ok(CredentialSource::Keyring { service, account })
        }
        (None, None, Some(name)) if !service_given && variable(&name).is_ok() => Ok(CredentialSource::Variable(name)),
        _ => Err(wrong(source, around, place, format!("must be one of {SOURCES}"))),
    }
}

fn variable(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(['=', '\0']) || name.contains(char::is_control) {
        return Err("must name an environment variable".to_owned());
    }
    Ok(())
}

fn table_of<'a>(item: &'a Item, key: &str, line: usize, source: &Source<'_>) -> Result<&'a dyn TableLike, ConfigError> {
    item.as_table_like().ok_or_else(|| wrong(source, line, key, "must be a table".to_owned()))
}

fn value_of(item: &Item) -> Result<&Value, String> {
    item.as_value().ok_or_else(|| "must be a value, not a table".to_owned())
}

fn wrong(source: &Source<'_>, line: usize, key: &str, message: String) -> ConfigError {
    ConfigError::Value { file: source.file.to_owned(), line, key: key.to_owned(), message }
}

/// The description was checked before: this is a key that it has and this reader has not.
fn unknown(source: &Source<'_>, line: usize, dotted: &str, key: &str, place: &str) -> ConfigError {
    wrong(source, line, dotted, format!("is not read: {place} has no {key}"))
}

#[cfg(test)]
mod tests;
