//! Hovers and code lenses over hunks.

use std::fmt::Write as _;

use gen_lsp_types::{CodeLens, Command};
use serde_json::{Value, json};

use super::authorship::turn_of;
use super::diagnostics::whole_lines;
use super::own::Lens;
use super::place::Spot;
use super::state::State;
use crate::base::text::visible_line;
use crate::model::approval::Approval;
use crate::model::diff::HunkDecision;
use crate::model::session::SessionView;
use crate::wire::transcript::cost;

/// Whose hunks and questions are on a line, and why.
pub fn hover(state: &State, spots: &[Spot], asked: &[&Approval], line: Option<u32>) -> Value {
    let Some(line) = line else { return Value::Null };
    let hunks = spots.iter().filter(|spot| spot.touches(line, line)).filter_map(|spot| describe(state, spot));
    let said: Vec<String> = asked.iter().filter_map(|approval| question(state, approval)).chain(hunks).collect();
    if said.is_empty() {
        return Value::Null;
    }
    json!({ "contents": { "kind": "markdown", "value": said.join("\n\n---\n\n") } })
}

/// Who it is: name, agent, model, and what it cost so far.
fn who(view: &SessionView) -> String {
    let model = view.model.as_deref().map_or_else(String::new, |model| format!(", {}", visible_line(model, 60)));
    let cost = cost(&view.usage).map_or_else(String::new, |cost| format!(", {cost} so far"));
    format!("**{}** ({}{model}{cost})", visible_line(&view.name, 60), visible_line(&view.agent, 40))
}

fn question(state: &State, approval: &Approval) -> Option<String> {
    let view = state.sessions.get(&approval.session)?;
    let mut said = format!("{} asks for your leave\n\n> {}\n", who(view), visible_line(&view.prompt, 300));
    let words = approval.command_line.as_deref().unwrap_or(&approval.tool.title);
    fenced(&mut said, "", words.lines().take(40));
    Some(said)
}

fn describe(state: &State, spot: &Spot) -> Option<String> {
    let view = state.sessions.get(&spot.session)?;
    let decision = match spot.decision {
        Some(HunkDecision::Accepted) => "accepted",
        Some(HunkDecision::Rejected) => "rejected",
        None => "undecided",
    };
    let changes = state.changes.get(&spot.session)?;
    let hunk = changes.diff.files.iter().flat_map(|file| &file.hunks).find(|hunk| hunk.id == spot.hunk)?;
    let turn = turn_of(state, &spot.session, &spot.path, hunk);
    let turn = turn.map_or_else(String::new, |turn| format!(" of turn {turn}"));
    let mut said = format!(
        "{}: {}; this hunk{turn} is {decision}\n\n> {}\n",
        who(view),
        view.state.phrase(),
        visible_line(&view.prompt, 300),
    );
    fenced(&mut said, "diff", hunk.lines.iter().take(40).map(String::as_str));
    Some(said)
}

fn fenced<'a>(said: &mut String, language: &str, lines: impl Iterator<Item = &'a str>) {
    let lines: Vec<String> = lines.map(|line| visible_line(line, 200)).collect();
    let longest = lines.iter().map(|line| line.matches('`').count()).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    // Writing to a String cannot fail.
    let _ = write!(said, "\n{fence}{language}\n{}\n{fence}", lines.join("\n"));
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
