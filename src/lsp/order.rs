//! The commands of `workspace/executeCommand`: what is asked of the daemon, or shown.
//!
//! Arguments are one JSON object, or plain values in the order given here (`:lsp-workspace-command divisi.land "parser"`). A session
//! that is left out is the only one that fits; when several fit, the person is asked where that is safe, else told.

use serde_json::{Map, Value, json};

use super::choices::choices;
use super::state::State;
use super::verbs::{Errands, Kind, VERBS, Verb, any};
use super::view::{Draft, Report, View};
use crate::base::near::near;
use crate::base::text::visible_line;
use crate::model::batch::BatchView;
use crate::model::id::{BatchId, SessionId};
use crate::model::session::SessionView;

/// What a command comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Something for the daemon, and what the person is told when it is done.
    Call {
        /// The wire's method.
        method: &'static str,
        /// Its parameters.
        params: Value,
        /// The sentence.
        said: String,
    },
    /// Show a view.
    Show(View),
    /// Open the file to write something in; with what it is about.
    Write(Draft, String),
    /// Send what stands in such a file.
    SendFile(std::path::PathBuf),
    /// Open a session's worktree, at this path in it.
    Open(SessionId, Option<String>),
    /// Open the user's configuration.
    OpenConfig,
    /// Tell when a session is at rest.
    Wait(SessionId),
    /// Show the schema of that name.
    Schema(String),
    /// Something with a plan, a batch or a suite.
    Carry(Errand),
    /// Ask which one is meant: title, and the arguments with it.
    Ask {
        /// The command again.
        verb: &'static str,
        /// What is asked for.
        what: &'static str,
        /// The choices.
        choices: Vec<(String, Value)>,
    },
    /// It cannot be done; why, and what to do.
    No(String),
}

/// Something with a plan, a batch or a suite, with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Errand {
    /// What.
    pub what: Errands,
    /// The command's arguments by name, a session or a batch by its id.
    pub given: Map<String, Value>,
}

/// What a command comes to. `folder` is where a new session is started.
pub fn order(state: &State, folder: Option<&str>, command: &str, arguments: &[Value]) -> Order {
    // What the command line calls `answer ... reject` had this name once.
    let approval = matches!(arguments, [Value::Object(given)] if given.contains_key("approval"));
    let command = if command == "divisi.reject" && approval { "divisi.approve.reject" } else { command };
    let Some(verb) = VERBS.iter().find(|verb| verb.name == command) else {
        let advice = advice(command, VERBS.iter().map(|verb| verb.name));
        return Order::No(format!("there is no command {command}{advice}"));
    };
    let mut given = match named(verb, arguments) {
        Ok(given) => given,
        Err(problem) => return Order::No(problem),
    };
    if let Err(order) = resolve(state, verb, &mut given) {
        return order;
    }
    if let Some(missing) = verb.arguments.iter().find(|name| !name.ends_with('?') && !given.contains_key(**name)) {
        let session = given.get("session").and_then(Value::as_str);
        if let ("divisi.send", Some(session)) = (verb.name, session) {
            return Order::Write(Draft::To(session.into()), String::new());
        }
        let choices = choices(state, verb, missing, &given);
        return match choices {
            // One plan in these folders: that is meant.
            Some(choices) if *missing == "path" && choices.len() == 1 => {
                return order(state, folder, command, &[choices[0].1.clone()]);
            }
            Some(choices) if choices.is_empty() => Order::No(format!("{}: there is no {missing} to choose", verb.name)),
            Some(choices) => Order::Ask { verb: verb.name, what: missing, choices },
            None => Order::No(format!("{} needs {missing}: {}", verb.name, usage(verb))),
        };
    }
    carry_out(state, folder, verb, given)
}

fn carry_out(state: &State, folder: Option<&str>, verb: &Verb, mut given: Map<String, Value>) -> Order {
    let session = given.get("session").and_then(Value::as_str).map(SessionId::from);
    let name = session.as_ref().and_then(|id| state.sessions.get(id)).map(|view| visible_line(&view.name, 60));
    let name = name.unwrap_or_default();
    let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let repository = given.get("repository").and_then(Value::as_str).or(folder).map(str::to_owned);
    let of_session = |make: fn(SessionId) -> Order| session.clone().map_or_else(|| Order::No(usage(verb)), make);
    match verb.kind {
        Kind::ShowSessions => Order::Show(View::Sessions),
        Kind::ShowTranscript => of_session(|id| Order::Show(View::Transcript(id))),
        Kind::ShowReview => of_session(|id| Order::Show(View::Review(id))),
        Kind::Wait => of_session(Order::Wait),
        Kind::Open => {
            let path = given.get("path").and_then(Value::as_str).map(str::to_owned);
            session.map_or_else(|| Order::No(usage(verb)), |id| Order::Open(id, path))
        }
        Kind::OpenConfig => Order::OpenConfig,
        Kind::Schema => Order::Schema(text("name")),
        Kind::Errand(what) => Order::Carry(Errand { what, given }),
        Kind::ShowBatch => Order::Show(View::Batch(BatchId(text("batch")))),
        Kind::OfBatch { method, said, .. } => of_batch(state, method, said, given),
        Kind::SendPrompt => Order::SendFile(text("path").into()),
        Kind::WritePrompt => match (session, repository) {
            (Some(id), _) => Order::Write(Draft::To(id), text("about")),
            (None, Some(folder)) => Order::Write(Draft::New(folder.into()), text("about")),
            (None, None) => Order::No(NO_FOLDER.to_owned()),
        },
        Kind::WriteComment => comment(verb, session, given),
        Kind::Start => start(repository, given),
        Kind::Combine => combine(state, given),
        Kind::Trust => trust(repository, &given),
        Kind::Report { method, fixed } => {
            extend(&mut given, fixed);
            let mut title = verb.name.trim_start_matches("divisi.").to_owned();
            if !name.is_empty() {
                title = format!("{title} {name}");
            }
            if let Some(number) = given.get("number").cloned() {
                given.insert("of".to_owned(), json!("turn"));
                title = format!("{title} turn {number}");
            }
            if let Err(order) = several(state, &mut given) {
                return order;
            }
            Order::Show(View::Report(Report { title, method, params: Value::Object(given).to_string() }))
        }
        Kind::Call { method, fixed, said, .. } => {
            extend(&mut given, fixed);
            Order::Call { method, params: Value::Object(given), said: said.replace("{}", &name) }
        }
    }
}

const NO_FOLDER: &str = "no folder is open: give the repository's path as `repository`";

fn extend(given: &mut Map<String, Value>, fixed: &str) {
    if let Ok(Value::Object(fixed)) = serde_json::from_str(fixed) {
        given.extend(fixed);
    }
}

fn start(repository: Option<String>, mut given: Map<String, Value>) -> Order {
    let Some(folder) = repository else { return Order::No(NO_FOLDER.to_owned()) };
    if given.get("prompt").and_then(Value::as_str).unwrap_or_default().trim().is_empty() {
        return Order::Write(Draft::New(folder.into()), String::new());
    }
    given.insert("repository".to_owned(), json!(folder));
    Order::Call { method: "session/create", params: Value::Object(given), said: "started {name}".to_owned() }
}

fn comment(verb: &Verb, session: Option<SessionId>, given: Map<String, Value>) -> Order {
    let Some(session) = session else { return Order::No(usage(verb)) };
    let path = given.get("path").and_then(Value::as_str).unwrap_or_default().to_owned();
    if given.get("text").and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
        let first = given.get("first").and_then(Value::as_u64).and_then(|line| u32::try_from(line).ok()).unwrap_or(0);
        return Order::Write(Draft::Comment(session, path, first), String::new());
    }
    Order::Call { method: "comment/add", params: Value::Object(given), said: "commented".to_owned() }
}

fn of_batch(state: &State, method: &'static str, said: &str, mut given: Map<String, Value>) -> Order {
    let id = given.get("batch").and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = state.batches.get(&BatchId(id.clone())).map_or_else(|| id.clone(), |batch| batch.view.name.clone());
    if let Some(runs) = given.get_mut("runs") {
        let numbers: Vec<u64> = match &*runs {
            Value::Array(numbers) => numbers.iter().filter_map(Value::as_u64).collect(),
            other => other.as_u64().into_iter().collect(),
        };
        *runs = numbers.iter().map(|number| format!("{id}.r{number}")).collect();
    }
    Order::Call { method, params: Value::Object(given), said: said.replace("{}", &visible_line(&name, 60)) }
}

/// Makes a batch's name, or none, into its id.
fn resolve_batch(state: &State, verb: &Verb, given: &mut Map<String, Value>) -> Result<(), Order> {
    let mut all: Vec<&BatchView> = state.batches.values().map(|batch| &batch.view).collect();
    all.sort_by_key(|view| std::cmp::Reverse(view.created_at));
    if let Some(word) = given.get("batch").and_then(Value::as_str) {
        let begins = |view: &&&BatchView| word.len() > 2 && view.id.as_str().starts_with(word);
        let exact = all.iter().find(|view| view.id.as_str() == word || view.name == word);
        // One that is not known here may still be known to the daemon.
        if let Some(view) = exact.or_else(|| all.iter().find(begins)) {
            given.insert("batch".to_owned(), json!(view.id));
        }
        return Ok(());
    }
    let fits = match verb.kind {
        Kind::OfBatch { fits, .. } => fits,
        _ => |_: &BatchView| true,
    };
    let fitting: Vec<&BatchView> = all.into_iter().filter(|view| fits(view)).collect();
    match fitting.as_slice() {
        [] => Err(Order::No(format!("no batch of a plan in these folders fits {}: {}", verb.name, usage(verb)))),
        [only] => {
            given.insert("batch".to_owned(), json!(only.id));
            Ok(())
        }
        several => {
            let choice = |view: &&BatchView| {
                let mut given = given.clone();
                given.insert("batch".to_owned(), json!(view.id));
                (format!("{} ({})", visible_line(&view.name, 40), view.id), Value::Object(given))
            };
            Err(Order::Ask { verb: verb.name, what: "batch", choices: several.iter().take(9).map(choice).collect() })
        }
    }
}

/// Trusting takes the digest of what was seen; without one it is shown.
fn trust(repository: Option<String>, given: &Map<String, Value>) -> Order {
    let Some(folder) = repository else { return Order::No(NO_FOLDER.to_owned()) };
    let mut params = json!({ "repository": folder });
    match given.get("digest") {
        Some(digest) => {
            params["digest"] = digest.clone();
            Order::Call { method: "repository/trust", params, said: "trusted".to_owned() }
        }
        None => Order::Show(View::Report(Report {
            title: "trust".to_owned(),
            method: "repository/config",
            params: params.to_string(),
        })),
    }
}

/// Makes names of sessions into their ids: an array, or words in a string.
fn several(state: &State, given: &mut Map<String, Value>) -> Result<(), Order> {
    let Some(sessions) = given.get_mut("sessions") else { return Ok(()) };
    let words: Vec<String> = match &*sessions {
        Value::String(text) => text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let ids: Result<Vec<&SessionId>, Order> =
        words.iter().map(|word| state.find(word).map(|view| &view.id).ok_or_else(|| nobody(state, word))).collect();
    *sessions = json!(ids?);
    Ok(())
}

fn combine(state: &State, mut given: Map<String, Value>) -> Order {
    if let Err(order) = several(state, &mut given) {
        return order;
    }
    let sessions = given.remove("sessions").unwrap_or_default();
    let picks: Vec<Value> =
        sessions.as_array().into_iter().flatten().map(|session| json!({ "session": session })).collect();
    given.insert("picks".to_owned(), json!(picks));
    Order::Call { method: "session/combine", params: Value::Object(given), said: "combined as {name}".to_owned() }
}

fn nobody(state: &State, word: &str) -> Order {
    let advice = advice(word, state.sessions.values().map(|view| view.name.as_str()));
    Order::No(format!("there is no session '{}'{advice}", visible_line(word, 60)))
}

/// The arguments by name.
fn named(verb: &Verb, arguments: &[Value]) -> Result<Map<String, Value>, String> {
    let known = |name: &str| verb.arguments.iter().any(|known| known.trim_end_matches('?') == name);
    if let [Value::Object(given)] = arguments {
        let Some(unknown) = given.keys().find(|name| !known(name)) else { return Ok(given.clone()) };
        let advice = advice(unknown, verb.arguments.iter().map(|name| name.trim_end_matches('?')));
        return Err(format!("{} has no argument {unknown}{advice} ({})", verb.name, usage(verb)));
    }
    if arguments.len() > verb.arguments.len() {
        return Err(format!("too many arguments: {}", usage(verb)));
    }
    let names = verb.arguments.iter().map(|name| name.trim_end_matches('?').to_owned());
    Ok(names.zip(arguments.iter().cloned()).filter(|(_, value)| !value.is_null()).collect())
}

/// Makes a session's name, or none, into its id.
fn resolve(state: &State, verb: &Verb, given: &mut Map<String, Value>) -> Result<(), Order> {
    if verb.arguments.contains(&"batch") {
        return resolve_batch(state, verb, given);
    }
    if let Some(word) = given.get("session") {
        let word = word.as_str().unwrap_or_default().to_owned();
        // One that is not known here may still be known to the daemon: a removed one can be restored.
        if let Some(view) = state.find(&word) {
            given.insert("session".to_owned(), json!(view.id));
        } else if verb.name != "divisi.restore" {
            return Err(nobody(state, &word));
        }
        return Ok(());
    }
    if !verb.arguments.contains(&"session") {
        return Ok(());
    }
    let fits = match verb.kind {
        Kind::Call { fits, .. } => fits,
        _ => any,
    };
    let fitting: Vec<&SessionView> = state.sorted().into_iter().filter(|view| fits(view)).collect();
    match fitting.as_slice() {
        [] => Err(Order::No(format!("no session fits {}: {}", verb.name, usage(verb)))),
        [only] => {
            given.insert("session".to_owned(), json!(only.id));
            Ok(())
        }
        several => {
            let choice = |view: &&SessionView| {
                let mut given = given.clone();
                given.insert("session".to_owned(), json!(view.id));
                (visible_line(&view.name, 60), Value::Object(given))
            };
            Err(Order::Ask { verb: verb.name, what: "session", choices: several.iter().take(9).map(choice).collect() })
        }
    }
}

/// "Did you mean", if anything is near.
fn advice<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    near(wanted, known).first().map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

fn usage(verb: &Verb) -> String {
    let arguments: Vec<String> = verb
        .arguments
        .iter()
        .map(|name| name.strip_suffix('?').map_or_else(|| format!("\"{name}\""), |name| format!("[\"{name}\"]")))
        .collect();
    format!("{} {}", verb.name, arguments.join(" "))
}

#[cfg(test)]
mod tests;
