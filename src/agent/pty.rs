//! Programs with an interface of their own, on a terminal.
//!
//! What they do is known from what they say of themselves: the program status protocol (OSC 7501), else titles that are known to mean
//! something, else the bell or a notification, and the end of the process. Nothing is read off the screen. The transcript of a turn is
//! the text that was to be seen when it ended, once, and not everything that was drawn on the way.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::screen::{Image, Screen, Told};
use crate::base::text::visible_line;
use crate::host::port::attachments::named;
use crate::host::port::{Conversation, ConversationInput, ConversationSetup, Update};
use crate::model::agent::{AgentReady, ToolCall};
use crate::model::approval::ApprovalKind;
use crate::model::id::TurnId;
use crate::model::job::JobEnd;
use crate::model::terminal::{ASKS_ON_TERMINAL, TYPED_IN_TERMINAL, TerminalSize};
use crate::model::turn::TurnOutcome;

use super::end;
use status::{Mood, Status};

mod status;
mod typing;

/// A program that prints nothing for so long waits for somebody to type.
const QUIET: Duration = Duration::from_millis(700);
/// After a paste, before Enter: programs take an Enter that comes with the paste for a part of it.
const BEFORE_ENTER: Duration = Duration::from_millis(150);
/// A program that says that it is done may draw its last words after that: its screen is taken once it has been silent for so long,
const SETTLE: Duration = Duration::from_millis(120);
/// or, when it never is, after so many pieces of output.
const SETTLES_AFTER: u32 = 32;
/// The interrupt key of the programs that tell their state.
const ESCAPE: &[u8] = b"\x1b";

/// A turn that runs.
#[derive(Debug, Clone)]
struct Running {
    /// Absent: a person began it in the terminal.
    id: Option<TurnId>,
    /// The program said that it works since.
    worked: bool,
    /// The prompt was typed, and not given at the start.
    typed: bool,
    cancelling: bool,
}

/// A turn that is over, whose last words may still be drawn.
#[derive(Debug, Clone)]
struct Settling {
    outcome: TurnOutcome,
    /// Pieces of output since.
    pieces: u32,
}

/// How much the program tells of what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Source {
    #[default]
    Nothing,
    Titles,
    Status,
}

/// How a program on a terminal is begun and found again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PtySetup {
    /// The conversation it goes on with, when it was told one.
    pub conversation: ConversationSetup,
    /// Whether another process can go on with the newest conversation in the same directory.
    pub can_continue: bool,
}

/// A conversation with a program on a terminal.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; no two exclude each other")]
pub struct PtyConversation {
    setup: PtySetup,
    screen: Screen,
    ready: bool,
    ended: bool,
    wanted: Option<(TurnId, String)>,
    delivered: BTreeSet<TurnId>,
    /// The turn whose prompt is typed and waits for its Enter.
    unsent: Option<TurnId>,
    running: Option<Running>,
    settling: Option<Settling>,
    /// Records in the journal that a turn has settled: by them another daemon sees turns end where this one did.
    settled: u32,
    source: Source,
    mood: Mood,
    /// Questions so far, and whether the last is open.
    questions: u32,
    asking: bool,
    answers: u64,
    /// Output came since its text was told last.
    fresh: bool,
}

impl PtyConversation {
    /// With a process that is about to start, or was.
    pub fn new(setup: PtySetup) -> Self {
        let TerminalSize { columns, rows } = TerminalSize::default();
        let prompted = setup.conversation.prompted.clone();
        let running =
            prompted.clone().map(|id| Running { id: Some(id), worked: false, typed: false, cancelling: false });
        Self {
            screen: Screen::new(columns, rows),
            ready: false,
            ended: false,
            wanted: None,
            delivered: prompted.into_iter().collect(),
            unsent: None,
            running,
            settling: None,
            settled: 0,
            source: Source::Nothing,
            mood: Mood::Idle,
            questions: 0,
            asking: false,
            answers: 0,
            fresh: false,
            setup,
        }
    }

    fn on_output(&mut self, bytes: &[u8], updates: &mut Vec<Update>) {
        self.fresh = true;
        if let Some(settling) = &mut self.settling {
            settling.pieces += 1;
        }
        for told in self.screen.feed(bytes) {
            match told {
                Told::Asked(bytes) => {
                    self.answers += 1;
                    updates.push(Update::Write { key: format!("terminal:{}", self.answers), bytes });
                }
                Told::Status(body) => {
                    if let Some(status) = status::parse(&body) {
                        self.source = Source::Status;
                        self.on_status(status, updates);
                    }
                }
                Told::Title(title) => {
                    if self.source <= Source::Titles
                        && let Some(mood) = status::of_title(&title)
                    {
                        self.source = Source::Titles;
                        self.on_status(Status { mood, message: None }, updates);
                    }
                }
                Told::Notification(text) => {
                    updates.push(Update::Notice(visible_line(&text, 300)));
                    self.on_bell(updates);
                }
                Told::Bell => self.on_bell(updates),
            }
        }
        if self.settling.as_ref().is_some_and(|settling| settling.pieces >= SETTLES_AFTER) {
            self.settle(updates);
        }
    }

    /// From a program that tells nothing else, the bell after a typed prompt means that it is a person's move.
    fn on_bell(&mut self, updates: &mut Vec<Update>) {
        let typed = self.running.as_ref().is_some_and(|running| running.typed);
        if self.source == Source::Nothing && typed && self.unsent.is_none() {
            self.end_turn(TurnOutcome::Done { stop_reason: "bell".to_owned() }, updates);
        }
    }

    fn on_status(&mut self, status: Status, updates: &mut Vec<Update>) {
        let before = std::mem::replace(&mut self.mood, status.mood);
        if status.mood != Mood::Blocked && std::mem::take(&mut self.asking) {
            let reason = "answered in the terminal".to_owned();
            updates.push(Update::ApprovalWithdrawn { key: format!("asks:{}", self.questions), reason });
        }
        if matches!(status.mood, Mood::Working | Mood::Blocked) {
            // It goes on: what it drew until now belongs to what is over.
            self.settle(updates);
        }
        match status.mood {
            Mood::Working | Mood::Blocked => {
                // Some ask whether the directory is trusted before anything was asked of them.
                if self.running.is_none() && self.wanted.is_none() && status.mood == Mood::Working {
                    self.running = Some(Running { id: None, worked: true, typed: true, cancelling: false });
                    updates.push(Update::Began { text: TYPED_IN_TERMINAL.to_owned() });
                } else if let Some(running) = &mut self.running {
                    running.worked |= status.mood == Mood::Working;
                }
                if status.mood == Mood::Blocked && before != Mood::Blocked {
                    self.ask(status.message, updates);
                }
            }
            Mood::Idle => {
                self.readied(updates);
                self.end_worked(TurnOutcome::Done { stop_reason: "idle".to_owned() }, updates);
            }
            Mood::Done => {
                self.readied(updates);
                self.end_worked(TurnOutcome::Done { stop_reason: "end_turn".to_owned() }, updates);
            }
            Mood::Error => {
                self.readied(updates);
                let reason = status.message.map_or("it reports an error".to_owned(), |text| visible_line(&text, 300));
                self.end_soon(TurnOutcome::Failed { reason });
            }
        }
    }

    fn ask(&mut self, message: Option<String>, updates: &mut Vec<Update>) {
        self.questions += 1;
        self.asking = true;
        let key = format!("asks:{}", self.questions);
        let title = message.map_or("it asks in its terminal".to_owned(), |text| visible_line(&text, 300));
        let tool = ToolCall { id: key.clone(), title, kind: ASKS_ON_TERMINAL.to_owned(), ..ToolCall::default() };
        updates.push(Update::Approval {
            key,
            kind: ApprovalKind::Question,
            tool,
            command_line: None,
            options: Vec::new(),
        });
    }

    /// It can be typed to.
    fn readied(&mut self, updates: &mut Vec<Update>) {
        if !std::mem::replace(&mut self.ready, true) {
            updates.push(Update::Ready(self.about(false)));
        }
        self.type_prompt(updates);
    }

    /// What is known of the program. Its newest conversation can be gone on with once there is one.
    fn about(&self, spoke: bool) -> AgentReady {
        match &self.setup.conversation.resume {
            Some(earlier) => AgentReady { resumed: true, ..earlier.clone() },
            None => AgentReady {
                conversation: (spoke && self.setup.can_continue).then(|| "newest".to_owned()),
                can_resume: spoke && self.setup.can_continue,
                resumed: true,
                ..AgentReady::default()
            },
        }
    }

    fn type_prompt(&mut self, updates: &mut Vec<Update>) {
        if self.ended || !self.ready || self.running.is_some() || self.mood == Mood::Blocked {
            return;
        }
        if let Some((turn, text)) = &self.wanted {
            let bytes = typing::pasted(text, self.screen.takes_pastes());
            updates.push(Update::Write { key: format!("prompt:{turn}"), bytes });
        }
    }

    fn on_written(&mut self, key: &str, updates: &mut Vec<Update>) {
        if key.starts_with("prompt:") {
            // Another daemon typed it: for that one the turn before was over.
            self.settle(updates);
        }
        if key.starts_with("prompt:") && !std::mem::replace(&mut self.ready, true) {
            // It was silent once before an earlier daemon typed this.
            updates.push(Update::Ready(self.about(false)));
        }
        if let Some(turn) = key.strip_prefix("prompt:").map(TurnId::from) {
            self.wanted = self.wanted.take().filter(|(wanted, _)| *wanted != turn);
            if self.delivered.insert(turn.clone()) {
                self.unsent = Some(turn.clone());
                self.running = Some(Running { id: Some(turn), worked: false, typed: true, cancelling: false });
            }
        } else if key.starts_with("enter:") {
            self.unsent = None;
        } else if key.starts_with("settled:") {
            self.settled += 1;
            self.settle(updates);
            self.type_prompt(updates);
        } else if key.starts_with("cancel:")
            && let Some(running) = &mut self.running
        {
            running.cancelling = true;
        }
    }

    fn on_quiet(&mut self, updates: &mut Vec<Update>) {
        if self.settling.is_some() {
            // Nothing is typed: that it was silent now is all the journal is to say.
            updates.push(Update::Write { key: format!("settled:{}", self.settled), bytes: Vec::new() });
        } else if let Some(turn) = &self.unsent {
            updates.push(Update::Write { key: format!("enter:{turn}"), bytes: b"\r".to_vec() });
        } else {
            self.readied(updates);
        }
    }

    fn cancel(&mut self, updates: &mut Vec<Update>) {
        if self.settling.is_some() {
            // It is over already.
        } else if let Some(running) = &self.running {
            let turn = running.id.as_ref().map_or("typed", TurnId::as_str);
            updates.push(Update::Write { key: format!("cancel:{turn}:{}", self.answers), bytes: ESCAPE.to_vec() });
        } else if let Some((turn, _)) = self.wanted.take() {
            let outcome = TurnOutcome::Interrupted { reason: "cancelled before it was typed".to_owned() };
            updates.push(Update::TurnEnded { turn, outcome });
        }
    }

    /// Ends the turn if the program said that it worked on it.
    fn end_worked(&mut self, outcome: TurnOutcome, updates: &mut Vec<Update>) {
        if self.running.as_ref().is_some_and(|running| running.worked || running.cancelling) {
            self.end_soon(outcome);
        }
        self.type_prompt(updates);
    }

    /// The turn is over as soon as its last words are drawn. What was said of its end first counts.
    fn end_soon(&mut self, outcome: TurnOutcome) {
        if self.running.is_some() && self.settling.is_none() {
            self.settling = Some(Settling { outcome, pieces: 0 });
        }
    }

    /// Its last words are drawn.
    fn settle(&mut self, updates: &mut Vec<Update>) {
        if let Some(Settling { outcome, .. }) = self.settling.take() {
            self.end_turn(outcome, updates);
        }
    }

    fn end_turn(&mut self, outcome: TurnOutcome, updates: &mut Vec<Update>) {
        let Some(running) = self.running.take() else { return };
        self.tell_text(updates);
        let outcome = if running.cancelling && matches!(outcome, TurnOutcome::Done { .. }) {
            TurnOutcome::Interrupted { reason: "interrupted".to_owned() }
        } else {
            outcome
        };
        if self.setup.can_continue && !self.ended {
            updates.push(Update::Ready(self.about(true)));
        }
        updates.push(match running.id {
            Some(turn) => Update::TurnEnded { turn, outcome },
            None => Update::Rested { outcome },
        });
    }

    /// The text that was to be seen since it was told last.
    fn tell_text(&mut self, updates: &mut Vec<Update>) {
        if !std::mem::take(&mut self.fresh) {
            return;
        }
        let mut text = self.screen.take_scrolled();
        text.push_str(&self.screen.text());
        let text = squeezed(&text);
        if !text.trim().is_empty() {
            updates.push(Update::Output { stderr: false, text });
        }
    }

    fn on_ended(&mut self, job_end: &JobEnd, updates: &mut Vec<Update>) {
        if self.ended {
            return;
        }
        self.settle(updates);
        self.ended = true;
        if std::mem::take(&mut self.asking) {
            let reason = "the program ended".to_owned();
            updates.push(Update::ApprovalWithdrawn { key: format!("asks:{}", self.questions), reason });
        }
        updates.extend(end::leak_notice(job_end).map(Update::Notice));
        let how = end::describe(job_end);
        let outcome = match job_end {
            _ if end::was_stopped(job_end) => TurnOutcome::Interrupted { reason: "stopped".to_owned() },
            JobEnd::Exited { code: 0, .. } => TurnOutcome::Done { stop_reason: how.clone() },
            JobEnd::Exited { .. } | JobEnd::Signaled { .. } | JobEnd::NotStarted { .. } => {
                TurnOutcome::Failed { reason: how.clone() }
            }
            JobEnd::Lost => TurnOutcome::Interrupted { reason: how.clone() },
        };
        if self.running.is_some() {
            self.end_turn(outcome, updates);
        } else {
            self.tell_text(updates);
        }
        if let Some((turn, _)) = self.wanted.take() {
            let reason = format!("the program had ended before the prompt could be typed ({how})");
            updates.push(Update::TurnEnded { turn, outcome: TurnOutcome::Failed { reason } });
        }
    }
}

impl Conversation for PtyConversation {
    fn feed(&mut self, input: ConversationInput<'_>, updates: &mut Vec<Update>) {
        match input {
            ConversationInput::Started if self.setup.conversation.prompted.is_some() => self.readied(updates),
            ConversationInput::Output { bytes, .. } if !self.ended => self.on_output(bytes, updates),
            ConversationInput::Resized(TerminalSize { columns, rows }) => self.screen.resize(columns, rows),
            ConversationInput::Written { key, .. } => self.on_written(key, updates),
            ConversationInput::Ended(job_end) => self.on_ended(job_end, updates),
            ConversationInput::Quiet if !self.ended => self.on_quiet(updates),
            ConversationInput::Prompt { turn, text, content, prompt: _ } if !self.delivered.contains(turn) => {
                let named: String =
                    content.iter().map(|content| named(&content.name, &content.media_type, &content.path)).collect();
                self.wanted = Some((turn.clone(), format!("{text}{named}")));
                if self.ended {
                    self.on_ended_before_prompt(updates);
                }
                self.type_prompt(updates);
            }
            ConversationInput::Cancel => self.cancel(updates),
            // Questions are answered where they are asked, and there are no options to set.
            _ => {}
        }
    }

    /// A program that tells its state says, too, that it was interrupted; of any other a stop has to make sure.
    fn can_cancel(&self) -> bool {
        self.source != Source::Nothing
    }

    fn quiet_after(&self) -> Option<Duration> {
        // What it asks is for a person: a prompt must not be typed as the answer.
        if self.ended || self.mood == Mood::Blocked {
            None
        } else if self.settling.is_some() {
            Some(SETTLE)
        } else if self.unsent.is_some() {
            Some(BEFORE_ENTER)
        } else if !self.ready {
            Some(QUIET)
        } else {
            None
        }
    }

    fn image(&self) -> Option<Image> {
        Some(self.screen.image())
    }
}

impl PtyConversation {
    fn on_ended_before_prompt(&mut self, updates: &mut Vec<Update>) {
        if let Some((turn, _)) = self.wanted.take() {
            let reason = "the program had ended before the prompt could be typed".to_owned();
            updates.push(Update::TurnEnded { turn, outcome: TurnOutcome::Failed { reason } });
        }
    }
}

/// The lines, of empty ones in a row only one: a screen is mostly empty.
fn squeezed(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines() {
        if !(empty && line.trim().is_empty()) {
            squeezed.push_str(line);
            squeezed.push('\n');
        }
        empty = line.trim().is_empty();
    }
    squeezed
}

#[cfg(test)]
mod tests;
