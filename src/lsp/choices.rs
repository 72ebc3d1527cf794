//! What can be chosen for an argument that was left out.

use serde_json::{Map, Value, json};

use super::diagnostics::title;
use super::state::State;
use super::verbs::Verb;
use crate::base::text::visible_line;
use crate::config::schema::DOCUMENTS;
use crate::model::id::SessionId;

/// More than these nobody reads through in a question.
const MOST: usize = 9;

/// Titles, each with the arguments it stands for; nothing when the argument is a matter of words.
pub(super) fn choices(
    state: &State,
    verb: &Verb,
    missing: &str,
    given: &Map<String, Value>,
) -> Option<Vec<(String, Value)>> {
    let session = given.get("session").and_then(Value::as_str).map(SessionId::from);
    let view = session.as_ref().and_then(|id| state.sessions.get(id));
    let found: Vec<(String, Value)> = match missing {
        "hunk" => {
            let undo = verb.name.ends_with("undo");
            let files = session.as_ref().and_then(|id| state.changes.get(id)).map(|changes| &changes.diff.files);
            let hunks = files.into_iter().flatten().flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk)));
            hunks
                .filter(|(_, hunk)| hunk.decision.is_some() == undo)
                .map(|(file, hunk)| {
                    (format!("{}:{}", visible_line(&file.path, 60), hunk.new_start.max(1)), json!(hunk.id))
                })
                .collect()
        }
        "approval" => {
            let mut open: Vec<_> = state.approvals.values().collect();
            open.sort_by_key(|approval| approval.asked_at);
            let name =
                |id: &SessionId| state.sessions.get(id).map_or_else(String::new, |view| visible_line(&view.name, 30));
            open.into_iter()
                .map(|approval| (format!("{}: {}", name(&approval.session), title(approval)), json!(approval.id)))
                .collect()
        }
        "path" if verb.name.starts_with("divisi.batch") || verb.name.starts_with("divisi.eval") => {
            let wanted = if verb.name.starts_with("divisi.batch") { "plan" } else { "suite" };
            let papers = state.papers.iter().filter(|(_, kind)| **kind == wanted);
            papers
                .map(|(path, _)| (visible_line(&path.to_string_lossy(), 100), json!(path.to_string_lossy())))
                .collect()
        }
        "answer" => plain(&["once", "reject", "always"]),
        "policy" => plain(&["ask", "hold", "auto"]),
        "name" if verb.name == "divisi.schema" => {
            plain(&DOCUMENTS.iter().map(|document| document.name).collect::<Vec<_>>())
        }
        "prompt" => {
            let queue = view.map(|view| &view.queue).into_iter().flatten();
            queue.map(|prompt| (visible_line(&prompt.text, 60), json!(prompt.id))).collect()
        }
        "option" => {
            let options = view.map(|view| &view.options).into_iter().flatten();
            options.map(|option| (visible_line(&option.name, 60), json!(option.id))).collect()
        }
        "value" => {
            let wanted = given.get("option").and_then(Value::as_str).unwrap_or_default();
            let options = view.map(|view| &view.options).into_iter().flatten();
            let option = options.filter(|option| option.id == wanted || option.category.as_deref() == Some(wanted));
            option
                .flat_map(|option| &option.choices)
                .map(|choice| (visible_line(&choice.name, 60), json!(choice.id)))
                .collect()
        }
        _ => return None,
    };
    let with = |(title, value): (String, Value)| {
        let mut given = given.clone();
        given.insert(missing.to_owned(), value);
        (title, Value::Object(given))
    };
    Some(found.into_iter().take(MOST).map(with).collect())
}

fn plain(names: &[&str]) -> Vec<(String, Value)> {
    names.iter().map(|name| ((*name).to_owned(), json!(name))).collect()
}
