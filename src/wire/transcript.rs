//! A session's events as Markdown, line by line: for `divisi log` and for transcript buffers.
//!
//! Pure: events in, edits of a text out. The text only grows, except that a line which stands for something that changes (a tool
//! call, an approval, a plan entry, the fence of a block of output) is replaced in place. Everything is safe to show: control
//! characters and bidirectional overrides are pictures, and what an agent says cannot leave the block it is said in.

mod block;
mod lines;

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::base::text::visible_line;
use crate::model::agent::{PlanEntry, ToolCall, ToolStatus};
use crate::model::approval::{Answer, Approval, ApprovalKind, ApprovalState};
use crate::model::diff::DiffStat;
use crate::model::id::ApprovalId;
use crate::model::job::JobEnd;
use crate::model::landing::LandingState;
use crate::model::session::Setup;
use crate::model::turn::TurnOutcome;
use crate::model::worktree::WorktreeState;
use crate::model::{Envelope, Event};
use crate::wire::transcript::block::{Block, Kind};
pub use crate::wire::transcript::lines::Edit;
use crate::wire::transcript::lines::Lines;

/// Longest title on one line, in characters.
const TITLE: usize = 200;

/// The state of a transcript in the making. It remembers where lines are, not what they say.
#[derive(Debug, Default)]
pub struct Transcript {
    lines: Lines,
    block: Option<Block>,
    tools: HashMap<String, usize>,
    approvals: HashMap<ApprovalId, (usize, String)>,
    plan: Option<(usize, usize)>,
    turn: u32,
    running: bool,
}

impl Transcript {
    /// An empty transcript.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many lines there are so far.
    pub fn len(&self) -> usize {
        self.lines.count()
    }

    /// Whether there is nothing yet.
    pub fn is_empty(&self) -> bool {
        self.lines.count() == 0
    }

    /// What an event changes, in the order in which it is to be applied.
    pub fn push(&mut self, envelope: &Envelope) -> Vec<Edit> {
        match &envelope.event {
            Event::AgentMessage { text, .. } => self.stream(Kind::Message, text),
            Event::AgentThought { text, .. } => self.stream(Kind::Thought, text),
            Event::AgentOutput { text, stderr, .. } => self.stream(Kind::Output { stderr: *stderr }, text),
            Event::AgentTool { call, .. } => self.tool(call),
            Event::AgentPlan { entries } => self.plan(entries),
            Event::ApprovalRequested(approval) => self.asked(approval),
            Event::ApprovalAnswered { id, answer, by, .. } => {
                let (mark, text) = answered(answer, by);
                self.decided(id, mark, &text);
            }
            Event::ApprovalExpired { id, reason } => self.decided(id, '–', &format!("expired: {}", line(reason))),
            Event::TurnStarted { number, text, .. } => self.turn_started(*number, text),
            other => self.paragraphs(other),
        }
        self.lines.take()
    }

    fn stream(&mut self, kind: Kind, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.block.as_ref().is_none_or(|block| block.kind() != kind) {
            self.close();
            self.lines.paragraph();
            self.block = Some(Block::open(kind, &mut self.lines));
        }
        if let Some(block) = &mut self.block {
            block.push(text, &mut self.lines);
        }
    }

    /// Ends the streamed block, so that nothing of it reaches what follows.
    fn close(&mut self) {
        if let Some(block) = self.block.take() {
            block.close(&mut self.lines);
        }
    }

    fn paragraph(&mut self, text: &str) {
        self.close();
        self.lines.paragraph();
        self.lines.append(text.to_owned());
    }

    /// An item of a list: directly below another item, else a paragraph of its own.
    fn item(&mut self, text: String) -> usize {
        self.close();
        if !self.lines.ends_with_item() {
            self.lines.paragraph();
        }
        self.lines.append_item(text)
    }

    fn tool(&mut self, call: &ToolCall) {
        let text = tool_line(call);
        if let Some(at) = self.tools.get(&call.id) {
            self.lines.replace(*at, text);
        } else {
            let at = self.item(text);
            self.tools.insert(call.id.clone(), at);
        }
    }

    fn plan(&mut self, entries: &[PlanEntry]) {
        let texts: Vec<_> = entries.iter().map(plan_line).collect();
        match self.plan {
            Some((first, count)) if count == texts.len() => {
                for (offset, text) in texts.into_iter().enumerate() {
                    self.lines.replace(first + offset, text);
                }
            }
            _ if texts.is_empty() => {}
            _ => {
                self.paragraph("**Plan**");
                self.lines.paragraph();
                let first = self.lines.count();
                self.plan = Some((first, texts.len()));
                for text in texts {
                    self.lines.append_item(text);
                }
            }
        }
    }

    fn asked(&mut self, approval: &Approval) {
        let word = match approval.kind {
            ApprovalKind::Permission => "approval",
            ApprovalKind::Question => "question",
        };
        let what = approval.command_line.as_deref().unwrap_or(&approval.tool.title);
        let about = format!("**{word}** `{}` {}", approval.id, line(what));
        match &approval.state {
            ApprovalState::Open => {
                let at = self.item(format!("- ? {about}"));
                self.approvals.insert(approval.id.clone(), (at, about));
            }
            ApprovalState::Answered { answer, by, .. } => {
                let (mark, text) = answered(answer, by);
                self.item(format!("- {mark} {about} ({text})"));
            }
            ApprovalState::Expired { reason } => {
                self.item(format!("- – {about} (expired: {})", line(reason)));
            }
        }
    }

    fn decided(&mut self, id: &ApprovalId, mark: char, how: &str) {
        match self.approvals.remove(id) {
            Some((at, about)) => self.lines.replace(at, format!("- {mark} {about} ({how})")),
            None => {
                self.item(format!("- {mark} **approval** `{id}` ({how})"));
            }
        }
    }

    fn turn_started(&mut self, number: u32, text: &str) {
        self.turn = number;
        self.running = true;
        self.plan = None;
        self.paragraph(&format!("## Turn {number}"));
        self.lines.paragraph();
        let mut prompt = Block::open(Kind::Message, &mut self.lines);
        prompt.push(text.trim_end(), &mut self.lines);
        prompt.close(&mut self.lines);
        self.paragraph("---");
    }

    /// Events that are one or two lines of their own, or nothing.
    fn paragraphs(&mut self, event: &Event) {
        let text = match event {
            Event::SessionCreated(session) => {
                self.paragraph(&format!("# {}", line(&session.name)));
                let base = &session.worktree.base;
                Some(format!("{} on {} ({})", line(&session.agent), line(&base.label), base.commit.short()))
            }
            Event::SessionRemoved { preserved } => Some(match preserved {
                Some(reference) => format!("removed; unlanded work is kept as {}", line(reference)),
                None => "removed".to_owned(),
            }),
            Event::SessionRestored { head } => Some(format!("restored at {}", head.short())),
            Event::SessionFaulted { message } => Some(format!("failed: {}", line(message))),
            Event::WorktreeChanged { state, notes, .. } => worktree(*state, notes),
            Event::SetupChanged { setup, output } => {
                if !output.is_empty() {
                    self.stream(Kind::Output { stderr: false }, output);
                }
                setup_line(setup)
            }
            Event::PromptQueued { prompt } if self.running => {
                Some(format!("waiting prompt {}: {}", prompt.id, line(&prompt.text)))
            }
            Event::PromptEdited { id, text } => Some(format!("waiting prompt {id} is now: {}", line(text))),
            Event::PromptCancelled { id } => Some(format!("waiting prompt {id} was taken back")),
            Event::JobEnded { end, .. } => job(end),
            Event::JobAttached { .. } => Some("a new daemon found the agent running and goes on".to_owned()),
            Event::TurnStopRequested { by, .. } => Some(format!("{} asked to stop", line(by))),
            Event::SessionCheckpointed { head, mark: None, .. } => {
                Some(format!("checkpoint {} of changes outside of a turn", head.short()))
            }
            Event::SessionCheckpointed { head, mark: Some(mark), .. } => {
                Some(format!("checkpoint {} {}: {}", line(&mark.name), head.short(), line(&mark.what)))
            }
            Event::RewindEnded { reason: Some(reason) } => {
                Some(format!("the files stay as they are: {}", line(reason)))
            }
            Event::TurnStopped { outcome, .. } => {
                self.running = false;
                Some(format!("turn {} {}", self.turn, outcome_words(outcome)))
            }
            Event::TurnEnded { checkpoint: Some(commit), turn_stat, .. } => {
                Some(format!("checkpoint {}: {}", commit.short(), stat(*turn_stat)))
            }
            Event::AgentOutputElided { bytes, .. } => Some(format!("{bytes} bytes of output are only in the journal")),
            Event::AgentNotice { text, .. } => Some(line(text)),
            Event::HunkDecided { hunk, decision, .. } => Some(match decision {
                Some(decision) => format!("hunk {hunk} {}", format!("{decision:?}").to_lowercase()),
                None => format!("the decision about hunk {hunk} was taken back"),
            }),
            Event::LandingStarted(landing) => {
                Some(format!("landing {} on {}", landing.head.short(), line(&landing.onto)))
            }
            Event::LandingChanged { state, .. } => landing(state),
            _ => None,
        };
        if let Some(text) = text {
            self.paragraph(&format!("*{}*", text.replace('*', "\\*")));
        }
    }
}

fn line(text: &str) -> String {
    visible_line(text, TITLE)
}

fn tool_line(call: &ToolCall) -> String {
    let mark = match call.status {
        ToolStatus::Pending => '○',
        ToolStatus::InProgress => '…',
        ToolStatus::Completed => '✓',
        ToolStatus::Failed => '✗',
    };
    let kind = visible_line(if call.kind.is_empty() { "tool" } else { &call.kind }, 40);
    let mut text = format!("- {mark} **{kind}** {}", line(&call.title));
    if let Some(place) = call.locations.first().filter(|place| !call.title.contains(&place.path)) {
        let number = place.line.map(|number| format!(":{number}")).unwrap_or_default();
        let _ = write!(text, " ({}{number})", line(&place.path));
    }
    text
}

fn plan_line(entry: &PlanEntry) -> String {
    let mark = match entry.status.as_str() {
        "completed" => "x",
        "in_progress" => "…",
        _ => " ",
    };
    format!("- [{mark}] {}", line(&entry.content))
}

fn answered(answer: &Answer, by: &str) -> (char, String) {
    let by = visible_line(by, 40);
    match answer {
        Answer::Once => ('✓', format!("allowed once by {by}")),
        Answer::Always { .. } => ('✓', format!("allowed always by {by}")),
        Answer::Reject { message: None } => ('✗', format!("rejected by {by}")),
        Answer::Reject { message: Some(message) } => ('✗', format!("rejected by {by}: {}", line(message))),
    }
}

fn worktree(state: WorktreeState, notes: &[String]) -> Option<String> {
    let notes = notes.iter().map(|note| line(note)).collect::<Vec<_>>().join("; ");
    match state {
        WorktreeState::Failed => {
            Some(format!("the worktree could not be made{}{notes}", if notes.is_empty() { "" } else { ": " }))
        }
        _ if notes.is_empty() => None,
        _ => Some(notes),
    }
}

fn setup_line(setup: &Setup) -> Option<String> {
    match setup {
        Setup::None | Setup::Done => None,
        Setup::Running => Some("setup runs".to_owned()),
        Setup::Untrusted => Some(
            "the repository's setup commands did not run: its .divisi.toml is not trusted (divisi trust)".to_owned(),
        ),
        Setup::Failed { reason } => Some(format!("setup failed: {}", line(reason))),
    }
}

fn job(end: &JobEnd) -> Option<String> {
    let leaked =
        |count: u32| if count == 0 { String::new() } else { format!("; {count} leftover processes were ended") };
    match end {
        JobEnd::Exited { code: 0, leaked: 0, .. }
        | JobEnd::Exited { stopped: true, leaked: 0, .. }
        | JobEnd::Signaled { stopped: true, leaked: 0, .. } => None,
        JobEnd::Exited { code, leaked: count, .. } => {
            Some(format!("the agent's process exited with {code}{}", leaked(*count)))
        }
        JobEnd::Signaled { signal, leaked: count, .. } => {
            Some(format!("signal {signal} ended the agent's process{}", leaked(*count)))
        }
        JobEnd::NotStarted { reason } => Some(format!("the agent could not be started: {}", line(reason))),
        JobEnd::Lost => Some("the agent's process was lost".to_owned()),
    }
}

fn outcome_words(outcome: &TurnOutcome) -> String {
    match outcome {
        TurnOutcome::Done { stop_reason } => format!("done ({})", line(stop_reason)),
        TurnOutcome::Failed { reason } => format!("failed: {}", line(reason)),
        TurnOutcome::Interrupted { reason } => format!("interrupted: {}", line(reason)),
    }
}

fn landing(state: &LandingState) -> Option<String> {
    match state {
        LandingState::Started => None,
        LandingState::Conflicted { paths } => {
            let paths = paths.iter().map(|path| line(path)).collect::<Vec<_>>().join(", ");
            Some(format!("landing stopped at conflicts in {paths}"))
        }
        LandingState::Completed { commit, checkout } if checkout.is_empty() => {
            Some(format!("landed as {}", commit.short()))
        }
        LandingState::Completed { commit, checkout } => {
            Some(format!("landed as {}; {}", commit.short(), line(checkout)))
        }
        LandingState::Failed { reason } => Some(format!("landing failed: {}", line(reason))),
        LandingState::Aborted => Some("landing given up".to_owned()),
    }
}

fn stat(stat: DiffStat) -> String {
    let plural = if stat.files == 1 { "" } else { "s" };
    format!("{} file{plural}, +{} -{}", stat.files, stat.added, stat.removed)
}

#[cfg(test)]
mod tests;
