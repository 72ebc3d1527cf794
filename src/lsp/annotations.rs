//! Hovers and code lenses over hunks.

use std::fmt::Write as _;

use gen_lsp_types::{CodeLens, Command};
use serde_json::{Value, json};

use super::diagnostics::whole_lines;
use super::own::Lens;
use super::place::Spot;
use super::state::State;
use crate::base::text::visible_line;
use crate::model::diff::HunkDecision;

/// Whose hunk this is, and why it is there.
pub fn hover(state: &State, spots: &[Spot], line: Option<u32>) -> Value {
    let Some(line) = line else { return Value::Null };
    let said: Vec<String> =
        spots.iter().filter(|spot| spot.touches(line, line)).filter_map(|spot| describe(state, spot)).collect();
    if said.is_empty() {
        return Value::Null;
    }
    json!({ "contents": { "kind": "markdown", "value": said.join("\n\n---\n\n") } })
}

fn describe(state: &State, spot: &Spot) -> Option<String> {
    let view = state.sessions.get(&spot.session)?;
    let decision = match spot.decision {
        Some(HunkDecision::Accepted) => "accepted",
        Some(HunkDecision::Rejected) => "rejected",
        None => "undecided",
    };
    let agent = visible_line(&view.agent, 40);
    let model = view.model.as_deref().map_or_else(String::new, |model| format!(", {}", visible_line(model, 60)));
    let mut said = format!(
        "**{}** ({agent}{model}): {}; this hunk is {decision}\n\n> {}\n",
        visible_line(&view.name, 60),
        view.state.phrase(),
        visible_line(&view.prompt, 300),
    );
    let hunk = state
        .changes
        .get(&spot.session)?
        .diff
        .files
        .iter()
        .flat_map(|file| &file.hunks)
        .find(|hunk| hunk.id == spot.hunk)?;
    let lines: Vec<String> = hunk.lines.iter().take(40).map(|line| visible_line(line, 200)).collect();
    let longest = lines.iter().map(|line| line.matches('`').count()).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    // Writing to a String cannot fail.
    let _ = write!(said, "\n{fence}diff\n{}\n{fence}", lines.join("\n"));
    Some(said)
}

/// A session's state over the file, and its two answers over each hunk.
pub fn lenses(state: &State, spots: &[Spot]) -> Value {
    let mut lenses = Vec::new();
    let mut seen = Vec::new();
    for spot in spots {
        let Some(view) = state.sessions.get(&spot.session) else { continue };
        let name = visible_line(&view.name, 40);
        if !seen.contains(&&spot.session) {
            seen.push(&spot.session);
            let title = format!("{name}: {} (+{} -{})", view.state.phrase(), view.stat.added, view.stat.removed);
            lenses.push(lens((0, 0), &title, "divisi.review", &json!({ "session": spot.session })));
        }
        let argument = json!({ "session": spot.session, "hunk": spot.hunk });
        match spot.decision {
            _ if !view.state.awaits_review() => {}
            Some(_) => lenses.push(lens(spot.lines, &format!("take back ({name})"), "divisi.hunk.undo", &argument)),
            None => {
                lenses.push(lens(spot.lines, &format!("accept ({name})"), "divisi.hunk.accept", &argument));
                lenses.push(lens(spot.lines, "reject", "divisi.hunk.reject", &argument));
            }
        }
    }
    json!(lenses)
}

/// A lens of one of divisi's own documents.
pub fn own(of: &Lens) -> Value {
    json!(lens((of.line, of.line), &of.title, of.command, &of.argument))
}

fn lens(lines: (u32, u32), title: &str, command: &str, argument: &Value) -> CodeLens {
    let command = Command {
        title: title.to_owned(),
        tooltip: None,
        command: command.to_owned(),
        arguments: Some(vec![argument.clone()]),
    };
    CodeLens { range: whole_lines((lines.0, lines.0)), command: Some(command), data: None }
}
