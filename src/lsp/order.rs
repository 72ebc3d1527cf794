//! The commands of `workspace/executeCommand`: what is asked of the daemon, or shown.
//!
//! Arguments are one JSON object, or plain values in the order given here (`:lsp-workspace-command divisi.land "parser"`). A session
//! that is left out is the only one that fits; when several fit, the person is asked where that is safe, else told.

use serde_json::{Map, Value, json};

use super::state::State;
use super::view::View;
use crate::base::near::near;
use crate::base::text::visible_line;
use crate::model::id::SessionId;
use crate::model::session::SessionView;

/// A command.
#[derive(Debug)]
pub struct Verb {
    /// Its name.
    pub name: &'static str,
    /// Names of its arguments, in order; one with `?` may be left out.
    pub arguments: &'static [&'static str],
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// The wire's method of the same parameters, with more parameters that are always so (JSON), and what is said afterwards.
    Call {
        method: &'static str,
        fixed: &'static str,
        said: &'static str,
        fits: fn(&SessionView) -> bool,
    },
    Start,
    ShowSessions,
    ShowTranscript,
    ShowReview,
    WritePrompt,
    SendPrompt,
}

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
    /// Open the file to write a prompt in; with what it is about.
    Write(Option<SessionId>, String),
    /// Send what stands in a file of prompts.
    SendFile(std::path::PathBuf),
    /// Ask which session is meant: title, and the arguments with it.
    Ask {
        /// The command again.
        verb: &'static str,
        /// The choices.
        choices: Vec<(String, Value)>,
    },
    /// It cannot be done; why, and what to do.
    No(String),
}

fn any(_: &SessionView) -> bool {
    true
}

fn runs(view: &SessionView) -> bool {
    !view.state.at_rest()
}

fn lands(view: &SessionView) -> bool {
    view.state.awaits_review() && view.stat.files > 0
}

const fn call(method: &'static str, fixed: &'static str, said: &'static str, fits: fn(&SessionView) -> bool) -> Kind {
    Kind::Call { method, fixed, said, fits }
}

/// All commands.
pub const VERBS: &[Verb] = &[
    Verb { name: "divisi.sessions", arguments: &[], kind: Kind::ShowSessions },
    Verb { name: "divisi.new", arguments: &["prompt?", "agent?", "name?", "base?", "repository?"], kind: Kind::Start },
    Verb { name: "divisi.prompt", arguments: &["session?", "about?"], kind: Kind::WritePrompt },
    Verb { name: "divisi.prompt.send", arguments: &["path"], kind: Kind::SendPrompt },
    Verb { name: "divisi.transcript", arguments: &["session"], kind: Kind::ShowTranscript },
    Verb { name: "divisi.review", arguments: &["session"], kind: Kind::ShowReview },
    Verb { name: "divisi.send", arguments: &["session", "text"], kind: call("session/send", "{}", "sent to {}", any) },
    Verb { name: "divisi.stop", arguments: &["session"], kind: call("session/stop", "{}", "stopping {}", runs) },
    Verb { name: "divisi.read", arguments: &["session"], kind: call("session/read", "{}", "", any) },
    Verb {
        name: "divisi.policy",
        arguments: &["session", "policy"],
        kind: call("session/policy", "{}", "the policy of {} is changed", any),
    },
    Verb {
        name: "divisi.option",
        arguments: &["session", "option", "value"],
        kind: call("session/option", "{}", "asked the agent of {}", any),
    },
    Verb {
        name: "divisi.land",
        arguments: &["session", "strategy?", "message?", "onto?"],
        kind: call("landing/start", "{}", "landing {}", lands),
    },
    Verb {
        name: "divisi.land.continue",
        arguments: &["session"],
        kind: call("landing/continue", "{}", "landing {}", any),
    },
    Verb {
        name: "divisi.land.abort",
        arguments: &["session"],
        kind: call("landing/abort", "{}", "the landing of {} is given up", any),
    },
    Verb {
        name: "divisi.remove",
        arguments: &["session", "discard?"],
        kind: call("session/remove", "{}", "removed {}", any),
    },
    Verb { name: "divisi.restore", arguments: &["session"], kind: call("session/restore", "{}", "restored {}", any) },
    Verb {
        name: "divisi.hunk.accept",
        arguments: &["session", "hunk"],
        kind: call("hunk/decide", r#"{"action":"accept"}"#, "", any),
    },
    Verb {
        name: "divisi.hunk.reject",
        arguments: &["session", "hunk"],
        kind: call("hunk/decide", r#"{"action":"reject"}"#, "", any),
    },
    Verb {
        name: "divisi.hunk.undo",
        arguments: &["session", "hunk"],
        kind: call("hunk/decide", r#"{"action":"undo"}"#, "", any),
    },
    Verb {
        name: "divisi.approve",
        arguments: &["approval", "option?"],
        kind: call("approval/answer", r#"{"answer":"once"}"#, "", any),
    },
    Verb {
        name: "divisi.approve.always",
        arguments: &["approval", "scope?"],
        kind: call("approval/answer", r#"{"answer":"always"}"#, "", any),
    },
    Verb {
        name: "divisi.reject",
        arguments: &["approval", "message?"],
        kind: call("approval/answer", r#"{"answer":"reject"}"#, "", any),
    },
];

/// Every command's name.
pub fn names() -> Vec<String> {
    VERBS.iter().map(|verb| verb.name.to_owned()).collect()
}

/// What a command comes to. `folder` is where a new session is started.
pub fn order(state: &State, folder: Option<&str>, command: &str, arguments: &[Value]) -> Order {
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
        if *missing == "text"
            && let Some(session) = given.get("session").and_then(Value::as_str)
        {
            return Order::Write(Some(session.into()), String::new());
        }
        return Order::No(format!("{} needs {missing}: {}", verb.name, usage(verb)));
    }
    carry_out(state, folder, verb, given)
}

fn carry_out(state: &State, folder: Option<&str>, verb: &Verb, mut given: Map<String, Value>) -> Order {
    let session = given.get("session").and_then(Value::as_str).map(SessionId::from);
    let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match verb.kind {
        Kind::ShowSessions => Order::Show(View::Sessions),
        Kind::WritePrompt => Order::Write(session, text("about")),
        Kind::SendPrompt => Order::SendFile(text("path").into()),
        Kind::ShowTranscript => session.map_or_else(|| Order::No(usage(verb)), |id| Order::Show(View::Transcript(id))),
        Kind::ShowReview => session.map_or_else(|| Order::No(usage(verb)), |id| Order::Show(View::Review(id))),
        Kind::Start => {
            if text("prompt").trim().is_empty() {
                return Order::Write(None, String::new());
            }
            let Some(folder) = given.get("repository").and_then(Value::as_str).or(folder).map(str::to_owned) else {
                return Order::No("no folder is open: give the repository's path as `repository`".to_owned());
            };
            given.insert("repository".to_owned(), json!(folder));
            Order::Call { method: "session/create", params: Value::Object(given), said: "started {name}".to_owned() }
        }
        Kind::Call { method, fixed, said, .. } => {
            let view = session.as_ref().and_then(|id| state.sessions.get(id));
            let name = view.map_or_else(String::new, |view| visible_line(&view.name, 60));
            if let Ok(Value::Object(fixed)) = serde_json::from_str(fixed) {
                given.extend(fixed);
            }
            Order::Call { method, params: Value::Object(given), said: said.replace("{}", &name) }
        }
    }
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
    if let Some(word) = given.get("session") {
        let word = word.as_str().unwrap_or_default().to_owned();
        // One that is not known here may still be known to the daemon: a removed one can be restored.
        if let Some(view) = state.find(&word) {
            given.insert("session".to_owned(), json!(view.id));
        } else if verb.name != "divisi.restore" {
            let advice = advice(&word, state.sessions.values().map(|view| view.name.as_str()));
            return Err(Order::No(format!("there is no session '{}'{advice}", visible_line(&word, 60))));
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
            Err(Order::Ask { verb: verb.name, choices: several.iter().take(9).map(choice).collect() })
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
