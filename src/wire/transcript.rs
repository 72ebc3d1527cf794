//! A session's events as Markdown, line by line: for `divisi log` and for transcript buffers.
//!
//! Pure: events in, edits of a text out. The text only grows, except that a line which stands for something that changes (a tool
//! call, an approval, a plan entry, the fence of a block of output) is replaced in place. Everything is safe to show: control
//! characters and bidirectional overrides are pictures, and what an agent says cannot leave the block it is said in.

mod anchors;
mod block;
mod lines;
mod tool;
mod turns;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::base::date;
use crate::base::text::visible_line;
use crate::model::agent::{PlanEntry, ToolCall};
use crate::model::approval::{Approval, ApprovalKind, ApprovalState};
use crate::model::attachment::Attachment;
use crate::model::failure::Silence;
use crate::model::id::{ApprovalId, Seq};
use crate::model::{Envelope, Event};
use crate::wire::transcript::anchors::{Anchor, Anchors};
use crate::wire::transcript::block::{Block, Kind};
pub use crate::wire::transcript::lines::Edit;
use crate::wire::transcript::lines::Lines;
pub use crate::wire::transcript::tool::{all as whole_call, changes};
use crate::wire::transcript::tool::{body, tool_line};
use crate::wire::transcript::turns::Took;
pub use crate::wire::transcript::turns::{cost, duration};
use crate::wire::transcript::words::{answered, job, landing, outcome_words, setup_line, stat, worktree};

/// Longest title on one line, in characters.
const TITLE: usize = 200;

/// The state of a transcript in the making. It remembers where lines are, not what they say.
#[derive(Debug, Default)]
pub struct Transcript {
    lines: Lines,
    block: Option<Block>,
    anchors: Anchors,
    tools: HashMap<String, Tool>,
    approvals: HashMap<ApprovalId, (Anchor, String)>,
    plan: Option<(Anchor, usize)>,
    turn: u32,
    running: bool,
    took: Took,
    /// Headings of turns by number, with what the turn took,
    headings: BTreeMap<u32, (Anchor, String)>,
    /// and which of them changed.
    changed: BTreeSet<u32>,
    /// Whether changes and results stand below tool calls.
    detailed: bool,
}

/// A tool call in the text.
#[derive(Debug)]
struct Tool {
    anchor: Anchor,
    /// Lines below it.
    body: usize,
    /// The event with its newest state.
    seq: Seq,
}

/// What stands at the right of a turn's heading.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TurnMark {
    /// The turn's number.
    pub turn: u32,
    /// The heading's line, zero-based.
    pub line: usize,
    /// Model, tokens, cost and time as far as they are known.
    pub text: String,
}

impl Transcript {
    /// An empty transcript.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty transcript in which changes and results stand below tool calls, to be folded away.
    pub fn detailed() -> Self {
        Self { detailed: true, ..Self::default() }
    }

    /// What stands beside the headings of turns, as far as it changed since the last time.
    pub fn changed_marks(&mut self) -> Vec<TurnMark> {
        let changed = std::mem::take(&mut self.changed);
        changed.iter().filter_map(|turn| self.mark(*turn)).collect()
    }

    /// What stands beside these turns counts as changed.
    pub fn mark_again(&mut self, turns: impl IntoIterator<Item = u32>) {
        self.changed.extend(turns);
    }

    /// What stands beside the headings of turns, all of it.
    pub fn marks(&self) -> Vec<TurnMark> {
        self.headings.keys().filter_map(|turn| self.mark(*turn)).collect()
    }

    fn mark(&self, turn: u32) -> Option<TurnMark> {
        let (anchor, text) = self.headings.get(&turn)?;
        Some(TurnMark { turn, line: self.anchors.line(*anchor), text: text.clone() })
    }

    /// The event that holds the newest state of the tool call on a line or above it.
    pub fn tool_at(&self, line: usize) -> Option<Seq> {
        let found = self.tools.values().find(|tool| {
            let first = self.anchors.line(tool.anchor);
            (first..=first + tool.body).contains(&line)
        });
        found.map(|tool| tool.seq)
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
        self.weigh(envelope);
        match &envelope.event {
            Event::AgentMessage { text, .. } => self.stream(Kind::Message, text),
            Event::AgentThought { text, .. } => self.stream(Kind::Thought, text),
            Event::AgentOutput { text, stderr, .. } => self.stream(Kind::Output { stderr: *stderr }, text),
            Event::AgentTool { call, .. } => self.tool(call, envelope.seq),
            Event::AgentPlan { entries } => self.plan(entries),
            Event::ApprovalRequested(approval) => self.asked(approval),
            Event::ApprovalAnswered { id, answer, by, .. } => {
                let (mark, text) = answered(answer, by);
                self.decided(id, mark, &text);
            }
            Event::ApprovalExpired { id, reason } => self.decided(id, '–', &format!("expired: {}", line(reason))),
            Event::TurnStarted { number, text, attachments, .. } => self.turn_started(*number, text, attachments),
            Event::PromptSteered { text, attachments, .. } => {
                self.paragraph("**While it works:**");
                self.prompt(text, attachments);
            }
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

    fn anchor(&mut self, line: usize) -> Anchor {
        self.anchors.add(line)
    }

    fn replace(&mut self, anchor: Anchor, text: String) {
        self.lines.replace(self.anchors.line(anchor), text);
    }

    /// What a turn takes, from whatever says something of it.
    fn weigh(&mut self, envelope: &Envelope) {
        match &envelope.event {
            Event::SessionCreated(session) => self.took.model(session.model.as_deref()),
            Event::AgentOptions { options } => self.took.options(options),
            Event::UsageReported { usage, .. } => self.took.reported(usage),
            Event::TurnStarted { .. } => self.took.begin(envelope.time),
            Event::TurnStopped { .. } => self.took.end(envelope.time),
            _ => return,
        }
        if matches!(envelope.event, Event::TurnStarted { .. }) {
            return;
        }
        let summary = self.took.summary();
        if let Some((_, text)) = self.headings.get_mut(&self.turn)
            && *text != summary
        {
            *text = summary;
            self.changed.insert(self.turn);
        }
    }

    fn tool(&mut self, call: &ToolCall, seq: Seq) {
        let text = tool_line(call);
        if let Some(known) = self.tools.get_mut(&call.id) {
            known.seq = seq;
            let anchor = known.anchor;
            self.replace(anchor, text);
        } else {
            let at = self.item(text);
            let anchor = self.anchor(at);
            self.tools.insert(call.id.clone(), Tool { anchor, body: 0, seq });
        }
        if self.detailed {
            self.below(&call.id, body(call));
        }
    }

    /// Puts lines below a tool call in the place of those that stand there.
    fn below(&mut self, id: &str, body: Vec<String>) {
        let Some(tool) = self.tools.get_mut(id) else { return };
        let (anchor, before) = (tool.anchor, std::mem::replace(&mut tool.body, body.len()));
        if before == 0 && body.is_empty() {
            return;
        }
        let first = self.anchors.line(anchor) + 1;
        if first == self.lines.count() {
            for line in body {
                self.lines.append_item(line);
            }
            return;
        }
        self.anchors.shift_after(anchor, before, body.len());
        if let Some(block) = &mut self.block {
            block.shift(before, body.len());
        }
        self.lines.splice(first, before, body);
    }

    fn plan(&mut self, entries: &[PlanEntry]) {
        let texts: Vec<_> = entries.iter().map(plan_line).collect();
        match self.plan {
            Some((first, count)) if count == texts.len() => {
                let first = self.anchors.line(first);
                for (offset, text) in texts.into_iter().enumerate() {
                    self.lines.replace(first + offset, text);
                }
            }
            _ if texts.is_empty() => {}
            _ => {
                self.paragraph("**Plan**");
                self.lines.paragraph();
                let first = self.anchor(self.lines.count());
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
                let anchor = self.anchor(at);
                self.approvals.insert(approval.id.clone(), (anchor, about));
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
            Some((anchor, about)) => self.replace(anchor, format!("- {mark} {about} ({how})")),
            None => {
                self.item(format!("- {mark} **approval** `{id}` ({how})"));
            }
        }
    }

    fn turn_started(&mut self, number: u32, text: &str, attachments: &[Attachment]) {
        self.turn = number;
        self.running = true;
        self.plan = None;
        self.paragraph(&format!("## Turn {number}"));
        let anchor = self.anchor(self.lines.count() - 1);
        self.headings.insert(number, (anchor, String::new()));
        self.prompt(text, attachments);
        self.paragraph("---");
    }

    fn prompt(&mut self, text: &str, attachments: &[Attachment]) {
        self.lines.paragraph();
        let mut prompt = Block::open(Kind::Message, &mut self.lines);
        prompt.push(text.trim_end(), &mut self.lines);
        prompt.close(&mut self.lines);
        for attachment in attachments {
            let Attachment { name, media_type, size, .. } = attachment;
            self.item(format!("- attached: {} ({}, {size} bytes)", line(name), line(media_type)));
        }
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
            Event::PromptSteerMissed { reason, .. } => {
                Some(format!("the prompt was not taken into this turn ({}): it waits for the next", line(reason)))
            }
            // That it was refused is a notice.
            Event::AgentOptionAnswered { option, value, refused: None } => {
                Some(format!("{} is now {}", line(option), line(value)))
            }
            Event::PromptCancelled { id } => Some(format!("waiting prompt {id} was taken back")),
            Event::JobEnded { end, .. } => job(end),
            Event::JobAttached { .. } => Some("a new daemon found the agent running and goes on".to_owned()),
            Event::TurnSilence { silence: None, .. } => Some("the agent is heard again".to_owned()),
            Event::TurnSilence { silence: Some(Silence { until: Some(until), .. }), .. } => {
                Some(format!("the agent is silent; it is waited on until {}", date::minute(*until)))
            }
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

fn plan_line(entry: &PlanEntry) -> String {
    let mark = match entry.status.as_str() {
        "completed" => "x",
        "in_progress" => "…",
        _ => " ",
    };
    format!("- [{mark}] {}", line(&entry.content))
}

#[cfg(test)]
mod tests;
