//! A unit: the task that follows one process of an agent.
//!
//! It reads the journal from its beginning, rebuilds the conversation from the part whose meaning is committed, and goes on live from
//! there. What the process says goes to the dispatcher in batches, each with the journal offset it reaches; the next batch is read
//! once the last has committed, so a slow disk slows the reading and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::base::clock;
use crate::host::effect::{Delivery, Launch, Steering, UnitInput};
use crate::host::input::{AgentInput, Input};
use crate::host::port::{
    Attachments, Content, Conversation, ConversationInput, JobControl, JournalReader, Lifetime, Record, RecordKind,
    Update,
};
use crate::host::quiet::Quiet;
use crate::host::terminal::{LiveTerminal, ending};
use crate::model::Refusal;
use crate::model::attachment::Attachment;
use crate::model::id::SessionId;
use crate::model::job::JobEnd;
use crate::model::terminal::TerminalSize;

/// Keys of writes that deliver a prompt begin with this, in every protocol.
const PROMPT_KEY: &str = "prompt:";

/// How far a stop has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Nobody asked.
    No,
    /// The protocol's cancel was sent.
    Cancelled,
    /// SIGINT was sent.
    Interrupted,
    /// The tree is being ended.
    Ending,
}

/// One process, followed.
pub(crate) struct Unit {
    pub(crate) launch: Launch,
    pub(crate) lifetime: Lifetime,
    pub(crate) conversation: Box<dyn Conversation>,
    pub(crate) reader: Box<dyn JournalReader>,
    /// Absent when the process is gone and only its journal is left.
    pub(crate) control: Option<Arc<dyn JobControl>>,
    pub(crate) inputs: mpsc::UnboundedReceiver<UnitInput>,
    pub(crate) host: mpsc::UnboundedSender<Input>,
    /// The transcript so far, for a process that does not know the conversation.
    pub(crate) history: Option<String>,
    /// What goes with prompts.
    pub(crate) attachments: Arc<dyn Attachments>,
    /// Where the program's terminal is looked at.
    pub(crate) terminal: Option<LiveTerminal>,
}

/// What changes while a unit runs.
struct Progress {
    /// Bytes of the journal that were fed to the conversation.
    offset: u64,
    /// Keys the journal shows as written.
    written: BTreeSet<String>,
    /// Keys that were handed to the shim.
    sent: BTreeSet<String>,
    /// Writes that wait to be handed over.
    outbox: Vec<(String, Vec<u8>)>,
    /// Keys since whose write everything that was started is to be ended.
    sweeps: Vec<String>,
    /// The process said that it is ready; whether it knows the earlier conversation.
    ready: Option<bool>,
    /// Prompts that wait for that.
    prompts: Vec<(Delivery, Vec<Content>)>,
    /// What an input brought about that no record will show: told with the offset reached so far.
    told: Vec<Update>,
    stop: Stop,
    deadline: Option<Instant>,
    quiet: Quiet,
    end: Option<JobEnd>,
    /// When the process printed something last.
    heard: Instant,
}

impl Unit {
    /// Follows the process to its end; false when the host stops before that.
    pub(crate) async fn run(mut self, first: Vec<UnitInput>) -> bool {
        let mut progress = Progress {
            offset: 0,
            written: BTreeSet::new(),
            sent: BTreeSet::new(),
            outbox: Vec::new(),
            sweeps: Vec::new(),
            ready: None,
            prompts: Vec::new(),
            told: Vec::new(),
            stop: Stop::No,
            deadline: None,
            quiet: Quiet::new(self.launch.silence, self.launch.silent.as_ref()),
            end: None,
            heard: soon(),
        };
        let followed = self.follow(&mut progress, first).await;
        let ended = !matches!(followed, Ok(false));
        if let Err(refusal) = followed {
            let input =
                Input::UnitFailed { session: self.launch.session.clone(), job: self.launch.job.clone(), refusal };
            // The host is shutting down when nobody listens any more.
            let _ = self.host.send(input);
            if let Some(control) = &self.control {
                let _ = control.stop(self.launch.grace).await;
            }
        }
        ended
    }

    async fn follow(&mut self, progress: &mut Progress, first: Vec<UnitInput>) -> Result<bool, Refusal> {
        self.rebuild(progress).await?;
        for input in first {
            self.on_input(progress, input).await;
        }
        self.flush(progress).await;
        let mut unconfirmed: Option<oneshot::Receiver<()>> = None;
        let mut open = true;
        let mut wanted = self.terminal.as_ref().map(|live| live.terminal.wanted());
        loop {
            if unconfirmed.is_none() && !progress.told.is_empty() {
                let told = std::mem::take(&mut progress.told);
                unconfirmed = Some(self.report(progress, told)?);
            }
            let quiet = self.conversation.quiet_after().map(|silence| progress.heard + silence);
            if unconfirmed.is_none()
                && let Some(end) = progress.end.take()
            {
                if let Some(live) = &self.terminal {
                    live.terminal.end(&ending(&end), self.conversation.image());
                }
                let (session, job) = (self.launch.session.clone(), self.launch.job.clone());
                let _ = self.host.send(Input::JobEnded { session, job, end, offset: progress.offset });
                return Ok(true);
            }
            tokio::select! {
                committed = async { unconfirmed.as_mut().expect("guarded").await }, if unconfirmed.is_some() => {
                    if committed.is_err() {
                        return Ok(false); // The host is shutting down; the next one reads on from the committed offset.
                    }
                    unconfirmed = None;
                }
                records = self.reader.read(progress.offset), if unconfirmed.is_none() && progress.end.is_none() => {
                    let updates = self.on_records(progress, &records?);
                    self.sweep(progress).await;
                    if progress.quiet.is_broken() {
                        self.tell_silence(None);
                    }
                    progress.heard = soon();
                    self.show();
                    self.flush(progress).await;
                    if !updates.is_empty() {
                        unconfirmed = Some(self.report(progress, updates)?);
                    }
                }
                input = self.inputs.recv(), if open => match input {
                    Some(input) => {
                        self.on_input(progress, input).await;
                        self.flush(progress).await;
                    }
                    None => open = false,
                },
                () = sleep_until(progress.quiet.deadline()), if unconfirmed.is_none() && progress.quiet.is_watched() => {
                    let since = Some(progress.quiet.tell());
                    self.tell_silence(since);
                }
                looked = async { wanted.as_mut().expect("guarded").changed().await }, if wanted.is_some() => {
                    if looked.is_err() {
                        wanted = None;
                    }
                    let size = wanted.as_mut().and_then(|wanted| wanted.borrow_and_update().size);
                    self.on_look(size).await;
                }
                () = sleep_until(quiet.unwrap_or_else(far)), if quiet.is_some() && unconfirmed.is_none() => {
                    let updates = self.on_quiet(progress);
                    self.flush(progress).await;
                    if !updates.is_empty() {
                        unconfirmed = Some(self.report(progress, updates)?);
                    }
                }
                () = sleep_until(progress.deadline.unwrap_or_else(far)), if progress.deadline.is_some() => {
                    self.next_rung(progress).await;
                }
            }
        }
    }

    /// Feeds the committed part of the journal, keeping nothing but what still has to be written.
    async fn rebuild(&mut self, progress: &mut Progress) -> Result<(), Refusal> {
        while progress.offset < self.launch.offset && progress.end.is_none() {
            let records = self.reader.read(progress.offset).await?;
            if records.is_empty() {
                break;
            }
            // A record past the committed offset is read again below, live.
            let committed: Vec<_> =
                records.into_iter().take_while(|record| record.offset <= self.launch.offset).collect();
            if committed.is_empty() {
                break;
            }
            let _already_committed = self.on_records(progress, &committed);
        }
        progress.sweeps.clear();
        Ok(())
    }

    /// Feeds records; returns what the host has to know. Writes go to the outbox.
    fn on_records(&mut self, progress: &mut Progress, records: &[Record]) -> Vec<Update> {
        let mut updates = Vec::new();
        for record in records {
            progress.offset = record.offset;
            progress.quiet.heard(record.time);
            match record.kind {
                RecordKind::Started => {
                    self.feed_size(&record.bytes, &mut updates);
                    self.conversation.feed(ConversationInput::Started, &mut updates);
                }
                RecordKind::Stdout | RecordKind::Stderr => {
                    let stderr = record.kind == RecordKind::Stderr;
                    self.conversation.feed(ConversationInput::Output { stderr, bytes: &record.bytes }, &mut updates);
                }
                RecordKind::Stdin => {
                    progress.written.insert(record.key.clone());
                    self.conversation
                        .feed(ConversationInput::Written { key: &record.key, bytes: &record.bytes }, &mut updates);
                }
                RecordKind::Resized => self.feed_size(&record.bytes, &mut updates),
                RecordKind::Ended => {
                    let end = record.end.clone().unwrap_or(JobEnd::Lost);
                    self.conversation.feed(ConversationInput::Ended(&end), &mut updates);
                    progress.end = Some(end);
                }
            }
        }
        if records.is_empty() {
            self.conversation.feed(ConversationInput::Ended(&JobEnd::Lost), &mut updates);
            progress.end = Some(JobEnd::Lost);
        }
        self.sort_out(progress, updates)
    }

    /// Feeds a size as the journal has it.
    fn feed_size(&mut self, bytes: &[u8], updates: &mut Vec<Update>) {
        if let [a, b, c, d] = *bytes {
            let size = TerminalSize { columns: u16::from_le_bytes([a, b]), rows: u16::from_le_bytes([c, d]) };
            self.conversation.feed(ConversationInput::Resized(size.within_limits()), updates);
        }
    }

    /// Shows what is to be seen on the program's terminal now, if anybody looks.
    fn show(&self) {
        if let Some(live) = &self.terminal {
            live.terminal.show(|| self.conversation.image());
        }
    }

    /// Somebody looks at the terminal, or away, or has another size.
    async fn on_look(&mut self, size: Option<TerminalSize>) {
        self.show();
        if let (Some(size), Some(control)) = (size, &self.control)
            && let Err(refusal) = control.resize(size).await
        {
            tracing::debug!(job = %self.launch.job, %refusal, "not resized");
        }
    }

    /// The process has been silent for as long as the conversation wanted to know.
    fn on_quiet(&mut self, progress: &mut Progress) -> Vec<Update> {
        let mut updates = Vec::new();
        self.conversation.feed(ConversationInput::Quiet, &mut updates);
        progress.heard = soon();
        self.sort_out(progress, updates)
    }

    /// Takes out what the unit carries out itself, and joins streamed text.
    fn sort_out(&mut self, progress: &mut Progress, updates: Vec<Update>) -> Vec<Update> {
        let mut kept: Vec<Update> = Vec::new();
        for update in updates {
            match update {
                Update::Write { key, bytes } => progress.outbox.push((key, bytes)),
                Update::EndSince { key } => progress.sweeps.push(key),
                Update::Ready(ready) => {
                    progress.ready = Some(ready.resumed);
                    kept.push(Update::Ready(ready));
                }
                Update::Rested { outcome } => {
                    progress.stop = Stop::No;
                    progress.deadline = None;
                    kept.push(Update::Rested { outcome });
                }
                Update::TurnEnded { turn, outcome } => {
                    progress.stop = Stop::No;
                    progress.deadline = None;
                    kept.push(Update::TurnEnded { turn, outcome });
                }
                update => match (kept.last_mut(), update) {
                    (Some(Update::Message(text)), Update::Message(more))
                    | (Some(Update::Thought(text)), Update::Thought(more)) => text.push_str(&more),
                    (Some(Update::Output { stderr, text }), Update::Output { stderr: same, text: more })
                        if *stderr == same =>
                    {
                        text.push_str(&more);
                    }
                    (Some(Update::Elided(bytes)), Update::Elided(more)) => *bytes = more,
                    (_, update) => kept.push(update),
                },
            }
        }
        if progress.ready.is_some() || self.lifetime == Lifetime::Turn {
            let mut updates = Vec::new();
            for (prompt, content) in std::mem::take(&mut progress.prompts) {
                self.deliver(progress, &prompt, &content, &mut updates);
            }
            for update in updates {
                match update {
                    Update::Write { key, bytes } => progress.outbox.push((key, bytes)),
                    update => kept.push(update),
                }
            }
        }
        kept
    }

    /// Renders a prompt; a process that does not know what was said before is told.
    fn deliver(&mut self, progress: &Progress, prompt: &Delivery, content: &[Content], updates: &mut Vec<Update>) {
        let first = !progress.written.iter().any(|key| key.starts_with(PROMPT_KEY));
        let ignorant = self.lifetime == Lifetime::Session && prompt.follow_up && first && progress.ready != Some(true);
        let primed;
        let text = match &self.history {
            Some(history) if ignorant => {
                primed = format!("{history}\n\n{}", prompt.text);
                &primed
            }
            _ => &prompt.text,
        };
        let (turn, prompt) = (&prompt.turn, prompt.prompt.as_ref());
        self.conversation.feed(ConversationInput::Prompt { turn, text, content, prompt }, updates);
    }

    async fn on_input(&mut self, progress: &mut Progress, input: UnitInput) {
        let mut updates = Vec::new();
        match input {
            UnitInput::Prompt(prompt) => {
                let content = load(&self.attachments, &self.launch.session, &prompt.attachments).await;
                progress.prompts.push((prompt, content));
            }
            UnitInput::Steer(Steering { prompt, turn, text, attachments }) => {
                let content = load(&self.attachments, &self.launch.session, &attachments).await;
                let input = ConversationInput::Steer { prompt: &prompt, turn: &turn, text: &text, content: &content };
                self.conversation.feed(input, &mut updates);
            }
            UnitInput::Answer { key, option, message } => {
                let answer =
                    ConversationInput::Answer { key: &key, option: option.as_deref(), message: message.as_deref() };
                self.conversation.feed(answer, &mut updates);
            }
            UnitInput::Patience { until } => progress.quiet.wait_until(until),
            UnitInput::Option { id, value } => {
                self.conversation.feed(ConversationInput::Option { id: &id, value: &value }, &mut updates);
            }
            UnitInput::StopTurn => {
                if progress.stop == Stop::No {
                    if self.conversation.can_cancel() && progress.ready.is_some() {
                        self.conversation.feed(ConversationInput::Cancel, &mut updates);
                        progress.stop = Stop::Cancelled;
                        progress.deadline = Some(soon() + self.launch.grace);
                    } else {
                        self.next_rung(progress).await;
                    }
                }
            }
            UnitInput::End => {
                progress.stop = Stop::Ending;
                progress.deadline = None;
                self.end().await;
            }
        }
        // What an input brings about besides writes is seen again when the journal shows the write. Where nothing is written, it is not.
        let kept = self.sort_out(progress, updates);
        progress.told.extend(
            kept.into_iter()
                .filter(|update| matches!(update, Update::SteerMissed { .. } | Update::OptionAnswered { .. })),
        );
    }

    /// The next rung of the stop ladder: SIGINT, then the whole tree.
    async fn next_rung(&mut self, progress: &mut Progress) {
        match progress.stop {
            Stop::No | Stop::Cancelled => {
                progress.stop = Stop::Interrupted;
                progress.deadline = Some(soon() + self.launch.grace);
                if let Some(control) = &self.control
                    && let Err(refusal) = control.interrupt().await
                {
                    tracing::debug!(job = %self.launch.job, %refusal, "not interrupted");
                }
            }
            Stop::Interrupted => {
                progress.stop = Stop::Ending;
                progress.deadline = None;
                self.end().await;
            }
            Stop::Ending => progress.deadline = None,
        }
    }

    async fn end(&mut self) {
        let Some(control) = &self.control else { return };
        if let Err(refusal) = control.stop(self.launch.grace).await {
            tracing::debug!(job = %self.launch.job, %refusal, "not stopped: it is gone");
        }
    }

    /// Ends what a cancelled turn left, before anybody hears that it is over.
    async fn sweep(&mut self, progress: &mut Progress) {
        for key in std::mem::take(&mut progress.sweeps) {
            let Some(control) = &self.control else { continue };
            if let Err(refusal) = control.end_since(&key).await {
                tracing::warn!(job = %self.launch.job, key, %refusal, "what a cancelled turn started may still run");
            }
        }
    }

    /// Hands waiting writes to the shim, each key once.
    async fn flush(&mut self, progress: &mut Progress) {
        let mut last = BTreeSet::new();
        for (key, bytes) in std::mem::take(&mut progress.outbox) {
            if progress.written.contains(&key) || progress.sent.contains(&key) || !last.insert(key.clone()) {
                continue;
            }
            let Some(control) = &self.control else { continue };
            match control.write(&key, &bytes).await {
                Ok(()) => {
                    progress.sent.insert(key);
                }
                // Its end is on the way; the journal says how.
                Err(refusal) => tracing::debug!(job = %self.launch.job, key, %refusal, "not written"),
            }
        }
    }

    fn tell_silence(&self, since: Option<i64>) {
        let (session, job) = (self.launch.session.clone(), self.launch.job.clone());
        // The host is shutting down when nobody listens any more.
        let _ = self.host.send(Input::Silence { session, job, since });
    }

    fn report(&self, progress: &Progress, updates: Vec<Update>) -> Result<oneshot::Receiver<()>, Refusal> {
        let (committed, confirmation) = oneshot::channel();
        let input = AgentInput {
            session: self.launch.session.clone(),
            job: self.launch.job.clone(),
            updates,
            offset: progress.offset,
            committed,
        };
        self.host.send(Input::Agent(Box::new(input))).map_err(|_| Refusal::environment("the host is shutting down"))?;
        Ok(confirmation)
    }
}

/// Reads what goes with a prompt.
fn load(
    files: &Arc<dyn Attachments>,
    session: &SessionId,
    attachments: &[Attachment],
) -> impl Future<Output = Vec<Content>> + Send + use<> {
    let (files, session, attachments) = (Arc::clone(files), session.clone(), attachments.to_vec());
    async move {
        if attachments.is_empty() {
            return Vec::new();
        }
        let read = move || attachments.iter().map(|attachment| files.load(&session, attachment)).collect();
        tokio::task::spawn_blocking(read).await.unwrap_or_default()
    }
}

/// Now, on the runtime's clock.
pub(crate) fn soon() -> Instant {
    Instant::from_std(clock::instant())
}

/// A deadline that never comes; its branch is disabled.
pub(crate) fn far() -> Instant {
    soon() + Duration::from_secs(60 * 60)
}
