//! Code actions: what can be done here. Nothing is offered that the daemon would refuse as far as it can be known.

use gen_lsp_types::{CodeAction, CodeActionKind, Command, Diagnostic, Message};
use serde_json::{Value, json};

use super::capability::SOURCE;
use super::diagnostics::{self, title};
use super::own::Lens;
use super::place::Spot;
use super::state::State;
use super::view::Mark;
use crate::base::text::visible_line;
use crate::model::approval::{Approval, ApprovalKind};
use crate::model::batch::BatchState;
use crate::model::diff::HunkDecision;
use crate::model::id::{BatchId, HunkId, SessionId};
use crate::model::session::SessionView;

/// A title's length, in characters.
const TITLE: usize = 60;
/// Sessions offered outside of the views.
const SESSIONS: usize = 10;
/// Agents offered for one thing.
const AGENTS: usize = 3;

/// Where actions are asked for.
pub struct Spotlight<'a> {
    /// The document's path relative to its repository, for prompts.
    pub name: &'a str,
    /// First and last line, zero-based.
    pub lines: (u32, u32),
    /// What is selected; empty when nothing is.
    pub selection: &'a str,
    /// Where a session about it starts.
    pub repository: Option<&'a str>,
    /// Hunks in the document.
    pub spots: &'a [Spot],
    /// What these lines of a view are about.
    pub marks: &'a [Mark],
    /// Other servers' diagnostics here.
    pub others: &'a [Diagnostic],
    /// Ours here.
    pub ours: &'a [Diagnostic],
    /// Sessions of this repository.
    pub sessions: &'a [&'a SessionView],
    /// Set in a file of prompts.
    pub prompt_file: Option<&'a str>,
}

/// Everything that can be done.
pub fn all(state: &State, here: &Spotlight<'_>) -> Vec<CodeAction> {
    let mut actions = Vec::new();
    if let Some(path) = here.prompt_file {
        actions.push(action("Send this", &CodeActionKind::QuickFix, "divisi.prompt.send", &json!({ "path": path })));
        return actions;
    }
    for mark in here.marks {
        match mark {
            Mark::Session(id) => state
                .sessions
                .get(id)
                .into_iter()
                .for_each(|view| of_session(view, state, &CodeActionKind::QuickFix, &mut actions)),
            Mark::Approval(id) => state
                .approvals
                .get(id)
                .into_iter()
                .for_each(|approval| answers(state, approval, &CodeActionKind::QuickFix, &mut actions)),
            Mark::Batch(id) => of_batch(state, id, &mut actions),
            Mark::Trust(repository, digest) => actions.push(action(
                "Trust exactly this content",
                &CodeActionKind::QuickFix,
                "divisi.trust",
                &json!({ "repository": repository, "digest": digest }),
            )),
            // What the editor shows may be old: the decision is the one of now, and a hunk that is gone is not decided.
            Mark::Hunk(session, id, _) => {
                let files = state.changes.get(session).into_iter().flat_map(|changes| &changes.diff.files);
                if let Some(hunk) = files.flat_map(|file| &file.hunks).find(|hunk| hunk.id == *id) {
                    decide(state, session, id, hunk.decision, "", &mut actions);
                }
            }
        }
    }
    for spot in here.spots.iter().filter(|spot| spot.touches(here.lines.0, here.lines.1)) {
        let counts = format!(" (+{} -{})", spot.counts.0, spot.counts.1);
        decide(state, &spot.session, &spot.hunk, spot.decision, &counts, &mut actions);
        if state.sessions.contains_key(&spot.session) {
            let argument = json!({ "session": spot.session, "path": spot.path, "first": spot.line });
            let title = format!("Comment on the hunk of {} ...", name(state, &spot.session));
            actions.push(action(&title, &CodeActionKind::QuickFix, "divisi.comment", &argument));
        }
    }
    let mut near = Vec::new();
    for diagnostic in here.ours {
        let id = diagnostic.data.as_ref().and_then(|data| data["approval"].as_str());
        near.extend(id.and_then(|id| state.approvals.get(&id.into())));
    }
    near.dedup_by_key(|approval| &approval.id);
    near.retain(|approval| !here.marks.contains(&Mark::Approval(approval.id.clone())));
    for approval in &near {
        answers(state, approval, &CodeActionKind::QuickFix, &mut actions);
    }
    fixes(state, here, &mut actions);
    for diagnostic in here.ours {
        left_by_batch(diagnostic, &mut actions);
    }
    if here.marks.is_empty() {
        let source = CodeActionKind::Custom(SOURCE.into());
        let elsewhere = here.sessions.iter().flat_map(|view| state.waiting(&view.id));
        for approval in elsewhere.filter(|approval| !near.iter().any(|near| near.id == approval.id)).take(AGENTS) {
            answers(state, approval, &source, &mut actions);
        }
        selections(state, here, &mut actions);
        for view in here.sessions.iter().take(SESSIONS) {
            of_session(view, state, &source, &mut actions);
        }
        actions.push(action("divisi: sessions", &source, "divisi.sessions", &json!({})));
        actions.push(action("divisi: new session ...", &source, "divisi.prompt", &started(here, json!({}))));
    }
    actions
}

fn action(title: &str, kind: &CodeActionKind, command: &str, argument: &Value) -> CodeAction {
    let title = visible_line(title, TITLE + 20);
    let command = Command {
        title: title.clone(),
        tooltip: None,
        command: command.to_owned(),
        arguments: Some(vec![argument.clone()]),
    };
    CodeAction { title, kind: Some(kind.clone()), command: Some(command), ..CodeAction::default() }
}

/// With the repository to start in, where it is known.
fn started(here: &Spotlight<'_>, mut argument: Value) -> Value {
    if let Some(repository) = here.repository {
        argument["repository"] = json!(repository);
    }
    argument
}

fn name(state: &State, session: &SessionId) -> String {
    state.sessions.get(session).map_or_else(|| session.to_string(), |view| visible_line(&view.name, 30))
}

fn decide(
    state: &State,
    session: &SessionId,
    hunk: &HunkId,
    decision: Option<HunkDecision>,
    counts: &str,
    actions: &mut Vec<CodeAction>,
) {
    if !state.sessions.get(session).is_some_and(|view| view.state.at_rest()) {
        return;
    }
    let name = name(state, session);
    let argument = json!({ "session": session, "hunk": hunk });
    let mut offer =
        |title: String, command| actions.push(action(&title, &CodeActionKind::QuickFix, command, &argument));
    if decision.is_some() {
        offer(format!("Take the decision back: {name}{counts}"), "divisi.hunk.undo");
    } else {
        offer(format!("Accept the hunk of {name}{counts}"), "divisi.hunk.accept");
        offer(format!("Reject the hunk of {name}{counts}"), "divisi.hunk.reject");
    }
}

fn answers(state: &State, approval: &Approval, kind: &CodeActionKind, actions: &mut Vec<CodeAction>) {
    let what = visible_line(&format!("{} ({})", title(approval), name(state, &approval.session)), TITLE - 10);
    let argument = json!({ "approval": approval.id });
    if approval.kind == ApprovalKind::Question {
        for option in &approval.options {
            let argument = json!({ "approval": approval.id, "option": option.id });
            actions.push(action(
                &format!("{}: {what}", visible_line(&option.name, 30)),
                kind,
                "divisi.approve",
                &argument,
            ));
        }
        return;
    }
    actions.push(action(&format!("Allow once: {what}"), kind, "divisi.approve", &argument));
    actions.push(action(&format!("Reject: {what}"), kind, "divisi.reject", &argument));
    actions.push(action(&format!("Always allow: {what}"), kind, "divisi.approve.always", &argument));
}

fn of_session(view: &SessionView, state: &State, kind: &CodeActionKind, actions: &mut Vec<CodeAction>) {
    let name = visible_line(&view.name, 30);
    let argument = json!({ "session": view.id });
    let mut offer = |title: String, command| actions.push(action(&title, kind, command, &argument));
    offer(format!("{name}: transcript ({})", view.state.phrase()), "divisi.transcript");
    if view.stat.files > 0 {
        offer(format!("{name}: review"), "divisi.review");
    }
    if !view.state.at_rest() {
        offer(format!("{name}: stop"), "divisi.stop");
    }
    let ready = state
        .changes
        .get(&view.id)
        .and_then(|changes| changes.preflight.as_ref())
        .is_some_and(|preflight| preflight.ready);
    if ready && view.state.at_rest() {
        offer(format!("{name}: land"), "divisi.land");
    }
    if view.review.comments + view.review.rejected > 0 && view.state.at_rest() {
        offer(format!("{name}: send the review"), "divisi.review.send");
    }
    offer(format!("{name}: open the worktree"), "divisi.open");
    offer(format!("{name}: send a prompt ..."), "divisi.prompt");
}

/// What can be done with a batch.
fn of_batch(state: &State, id: &BatchId, actions: &mut Vec<CodeAction>) {
    let Some(batch) = state.batches.get(id) else { return };
    let (kind, argument) = (CodeActionKind::QuickFix, json!({ "batch": id }));
    let name = visible_line(&batch.view.name, 30);
    let mut offer = |title: String, command| actions.push(action(&title, &kind, command, &argument));
    match batch.view.state {
        BatchState::Active => offer(format!("{name}: pause"), "divisi.batch.pause"),
        BatchState::Paused => offer(format!("{name}: resume"), "divisi.batch.resume"),
        BatchState::Cancelling | BatchState::Ended => {}
    }
    if matches!(batch.view.state, BatchState::Active | BatchState::Paused) {
        offer(format!("{name}: cancel"), "divisi.batch.cancel");
    }
    let counts = batch.view.counts;
    if counts.failed + counts.cancelled + counts.skipped > 0 {
        offer(format!("{name}: run again what did not pass"), "divisi.batch.retry");
    }
    offer(format!("{name}: report"), "divisi.batch.export");
}

/// What can be done about a diagnostic that a batch left.
fn left_by_batch(diagnostic: &Diagnostic, actions: &mut Vec<CodeAction>) {
    let Some(data) = diagnostic.data.as_ref().filter(|data| data["batch"].is_string()) else { return };
    let kind = CodeActionKind::QuickFix;
    let batch = json!({ "batch": data["batch"] });
    let mut found = Vec::new();
    if let Some(runs) = data["runs"].as_array() {
        let title = if runs.len() == 1 { "Run it again".to_owned() } else { format!("Run these {} again", runs.len()) };
        let argument = json!({ "batch": data["batch"], "runs": data["runs"] });
        found.push(action(&title, &kind, "divisi.batch.retry", &argument));
    }
    found.push(action("Show the batch", &kind, "divisi.batch.open", &batch));
    found.push(action("Show no more of this batch here", &kind, "divisi.batch.dismiss", &batch));
    for mut one in found {
        one.diagnostics = Some(vec![diagnostic.clone()]);
        actions.push(one);
    }
}

/// The lenses over these lines as actions, for editors that have none; those over the first line are about the whole file.
pub fn of_lenses(lenses: &[Lens], lines: (u32, u32)) -> Vec<CodeAction> {
    let here = lenses.iter().filter(|lens| lens.line == 0 || (lines.0..=lines.1).contains(&lens.line));
    let kind = CodeActionKind::Custom(SOURCE.into());
    here.map(|lens| action(&lens.title, &kind, lens.command, &lens.argument)).collect()
}

/// "Fix with": other servers' diagnostics, given to an agent.
fn fixes(state: &State, here: &Spotlight<'_>, actions: &mut Vec<CodeAction>) {
    if here.others.is_empty() || here.name.is_empty() {
        return;
    }
    let words = |diagnostic: &Diagnostic| match &diagnostic.message {
        Message::String(text) => text.clone(),
        Message::MarkupContent(content) => content.value.clone(),
    };
    let list: Vec<String> = here
        .others
        .iter()
        .map(|other| format!("- {}:{}: {}", here.name, other.range.start.line + 1, words(other)))
        .collect();
    let prompt = format!("Fix these problems, and nothing else:\n\n{}\n", list.join("\n"));
    for agent in state.agents.iter().take(AGENTS) {
        let argument = started(here, json!({ "prompt": prompt, "agent": agent }));
        let mut fix = action(&format!("Fix with divisi: {agent}"), &CodeActionKind::QuickFix, "divisi.new", &argument);
        fix.diagnostics = Some(here.others.to_vec());
        actions.push(fix);
    }
}

/// A selection, given to an agent.
fn selections(state: &State, here: &Spotlight<'_>, actions: &mut Vec<CodeAction>) {
    // In Helix the character under the cursor is always selected.
    if here.selection.trim().chars().nth(1).is_none() || here.name.is_empty() {
        return;
    }
    let (first, last) = (here.lines.0 + 1, here.lines.1 + 1);
    let fence = "`".repeat(longest_run(here.selection).max(2) + 1);
    let about = format!(
        "In {} lines {first} to {last}:\n\n{fence}\n{}\n{fence}\n",
        here.name,
        here.selection.trim_end_matches('\n')
    );
    let kind = CodeActionKind::RefactorRewrite;
    for agent in state.agents.iter().take(AGENTS) {
        let argument =
            started(here, json!({ "prompt": format!("Write tests for this code.\n\n{about}"), "agent": agent }));
        actions.push(action(&format!("Write tests for this with divisi: {agent}"), &kind, "divisi.new", &argument));
    }
    actions.push(action(
        "Ask for or about this with divisi ...",
        &kind,
        "divisi.prompt",
        &started(here, json!({ "about": about })),
    ));
    for view in here.sessions.iter().take(AGENTS) {
        let argument = json!({ "session": view.id, "about": about });
        actions.push(action(
            &format!("Send this to {} ...", visible_line(&view.name, 30)),
            &kind,
            "divisi.prompt",
            &argument,
        ));
    }
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Ours and the others'.
pub fn split(all: &[Diagnostic]) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
    all.iter().cloned().partition(|diagnostic| diagnostic.source.as_deref() == Some(diagnostics::SOURCE))
}

#[cfg(test)]
mod tests;
