//! The one loop of this process: requests from Lua and signals from the daemon in, batches out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use nvim_rs::Neovim;
use nvim_rs::create::tokio::new_parent;
use rmpv::Value as Pack;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::document::Document;
use super::editor::{Editing, EditorDuty};
use super::handler::{Ask, Door, Writer};
use super::outbox::Outbox;
use super::push::{Gone, deliver};
use super::watch::{BenchRuns, Look, PULSE, Watch};
use super::{answer, row};
use crate::base::clock;
use crate::base::text::visible_line;
use crate::model::Refusal;
use crate::model::command::Command;
use crate::model::query::Query;
use crate::wire::client::Client;
use crate::wire::kept::backend::{Backend, Daemon};
use crate::wire::kept::link::{self, Current, Signal, call};

/// One batch per frame.
const FRAME: Duration = Duration::from_millis(16);
/// New lines of transcripts in a batch: more of them, after a delay, would keep a key waiting.
const FRAME_LINES: usize = 240;
/// And at least so many for each.
const LEAST_LINES: usize = 25;
/// At most so long between two batches, however slow the editor is.
const SLOWEST_FRAME: Duration = Duration::from_millis(250);
/// How long a request waits for a connection and its answer.
const CALL_DEADLINE: Duration = Duration::from_secs(60);
/// Text that streams comes without views; a session of which only that comes is looked at this often, for its activity.
const LOOK: Duration = Duration::from_secs(1);
/// The number of the protocol between the Lua side and this process; `lua/divisi/version.lua` has the same.
const PLUGIN: u32 = 1;

/// What spawned calls send back into the loop.
pub(super) enum Done {
    Answer { id: u64, method: String, outcome: Result<Value, Refusal> },
    History { session: String, events: Vec<Value>, complete: bool },
    NoHistory { session: String, refusal: Refusal },
    View(Value),
    Editing(Editing),
    Look(Look),
    News(Value),
}

/// Runs until Neovim closes this process's standard input.
///
/// # Errors
/// When standard input and output cannot be used.
pub async fn run(backend: Arc<dyn Backend>, bench: Arc<dyn BenchRuns>) -> std::io::Result<()> {
    let (asks, mut asked) = mpsc::unbounded_channel();
    let (nvim, io) = new_parent(Door { asks }).await?;
    let (signal_sender, mut signals) = mpsc::unbounded_channel();
    let (current_sender, current) = watch::channel(None);
    let (done_sender, mut done) = mpsc::unbounded_channel();
    let wanted = Arc::new(Notify::new());
    let keeper = tokio::spawn(link::keep(backend, signal_sender, current_sender, Arc::clone(&wanted)));
    tokio::spawn(introduce(nvim.clone()));
    let mut host = Host {
        nvim,
        current,
        wanted,
        done: done_sender,
        outbox: Outbox::default(),
        documents: BTreeMap::new(),
        reading: HashMap::new(),
        stale: BTreeSet::new(),
        seen: HashMap::new(),
        daemon: None,
        editor: EditorDuty::default(),
        watch: Watch::default(),
        bench,
        number: 0,
    };
    let mut frame = interval(FRAME);
    frame.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pulse = interval(PULSE);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut began = clock::instant();
    let mut delivery: Option<JoinHandle<Result<(), Gone>>> = None;
    tokio::pin!(io);
    loop {
        tokio::select! {
            biased;
            _ = &mut io => break,
            Some(ask) = asked.recv() => host.ask(ask),
            Some(signal) = signals.recv() => host.signal(signal),
            Some(done) = done.recv() => host.done(done),
            outcome = async { delivery.as_mut().expect("guarded by the condition").await }, if delivery.is_some() => {
                delivery = None;
                if matches!(outcome, Ok(Err(Gone))) {
                    break;
                }
                // An editor that is slow to draw gets as much time for itself as it spent on us.
                frame.reset_after(began.elapsed().clamp(FRAME, SLOWEST_FRAME));
            }
            _ = look.tick(), if !host.stale.is_empty() => host.look(),
            _ = pulse.tick(), if !host.watch.open.is_empty() => host.look_at_boards(),
            _ = frame.tick(), if delivery.is_none() && host.has_news() => {
                began = clock::instant();
                delivery = host.deliver();
            }
        }
    }
    keeper.abort();
    Ok(())
}

pub(super) struct Host {
    nvim: Neovim<Writer>,
    pub(super) current: Current,
    /// Told when a person asks something while there is no connection.
    wanted: Arc<Notify>,
    pub(super) done: mpsc::UnboundedSender<Done>,
    outbox: Outbox,
    pub(super) documents: BTreeMap<String, Document>,
    /// Sessions whose history is being read, and whether it is to be read once more after that.
    pub(super) reading: HashMap<String, bool>,
    /// Sessions that said something since their view was seen.
    stale: BTreeSet<String>,
    /// When sessions were updated last, by their newest row.
    seen: HashMap<String, u64>,
    daemon: Option<Daemon>,
    pub(super) editor: EditorDuty,
    pub(super) watch: Watch,
    pub(super) bench: Arc<dyn BenchRuns>,
    number: u64,
}

impl Host {
    fn has_news(&self) -> bool {
        !self.outbox.is_empty()
            || self.documents.values().any(Document::changed)
            || self.watch.open.values().any(|watched| watched.board.changed())
    }

    fn deliver(&mut self) -> Option<JoinHandle<Result<(), Gone>>> {
        let mut batch = self.outbox.take();
        let news = self.documents.values().filter(|document| document.changed()).count().max(1);
        let most = (FRAME_LINES / news).max(LEAST_LINES);
        batch.extend(self.documents.iter_mut().filter_map(|(session, document)| document.take(session, most)));
        batch.extend(self.watch.open.iter_mut().filter_map(|(name, watched)| watched.board.take(name)));
        if batch.is_empty() {
            return None;
        }
        self.number += 1;
        Some(tokio::spawn(deliver(self.nvim.clone(), self.number, batch)))
    }

    fn ask(&mut self, ask: Ask) {
        let session = ask.params.get("session").and_then(Value::as_str).unwrap_or_default().to_owned();
        match ask.method.as_str() {
            method if method.starts_with("transcript/") => self.of_transcript(ask, &session),
            method if method.starts_with("board/") || method.starts_with("bench/") => self.of_board(ask),
            "batch/find" | "batch/rows" => self.of_board(ask),
            // A person uses the plugin: the next attempt to connect comes at once and may start a daemon.
            "host/wake" => {
                self.wake();
                self.answer(ask.id, &ask.method, Ok(json!({})));
            }
            "host/status" => {
                let daemon = self.daemon.as_ref().map(
                    |daemon| json!({ "version": daemon.version, "protocol": daemon.protocol, "socket": daemon.socket }),
                );
                let connected = self.current.borrow().is_some();
                let status = json!({ "version": env!("CARGO_PKG_VERSION"), "plugin": PLUGIN, "pid": std::process::id(), "connected": connected, "daemon": daemon });
                self.answer(ask.id, &ask.method, Ok(status));
            }
            method => match self.say_as_editor(method, &ask.params) {
                Some(outcome) => self.answer(ask.id, &ask.method, outcome),
                None => self.forward(ask),
            },
        }
    }

    /// Passes a command or a query on, in a task of its own; it waits for a connection and is repeated when one breaks.
    fn forward(&self, ask: Ask) {
        let Ask { id, method, mut params } = ask;
        let request = json!({ "method": method, "params": params });
        let is_command = serde_json::from_value::<Command>(request.clone()).is_ok();
        if !is_command && let Err(error) = serde_json::from_value::<Query>(request) {
            let refusal =
                Refusal::internal(format!("the plugin asked for {method} in a way this divisi does not know: {error}"))
                    .hint("update the plugin and the binary together, then :checkhealth divisi");
            self.answer_later(id, method, Err(refusal));
            return;
        }
        if is_command {
            params["command_id"] = json!(Client::command_id());
        }
        self.wake();
        let (current, done) = (self.current.clone(), self.done.clone());
        tokio::spawn(async move {
            let outcome = timeout(CALL_DEADLINE, call(current, &method, params)).await.unwrap_or_else(|_| {
                Err(Refusal::environment(format!("no answer to {method} in {} s", CALL_DEADLINE.as_secs()))
                    .hint("see whether the daemon runs: :checkhealth divisi"))
            });
            // The loop ends only with the process.
            let _ = done.send(Done::Answer { id, method, outcome });
        });
    }

    pub(super) fn wake(&self) {
        if self.current.borrow().is_none() {
            self.wanted.notify_one();
        }
    }

    pub(super) fn answer_later(&self, id: u64, method: String, outcome: Result<Value, Refusal>) {
        // The loop ends only with the process.
        let _ = self.done.send(Done::Answer { id, method, outcome });
    }

    pub(super) fn answer(&mut self, id: u64, method: &str, outcome: Result<Value, Refusal>) {
        self.outbox.op(match outcome {
            Ok(value) => json!({ "kind": "result", "id": id, "ok": true, "value": answer::result(method, value) }),
            Err(refusal) => json!({ "kind": "result", "id": id, "ok": false, "error": answer::refusal(&refusal) }),
        });
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Editing(editing) => {
                if let Some(op) = self.editing(editing) {
                    self.outbox.op(op);
                }
            }
            Done::Look(look) => {
                if let Some(op) = self.looked(look) {
                    self.outbox.op(op);
                }
            }
            Done::News(op) => self.outbox.op(op),
            Done::Answer { id, method, outcome } => self.answer(id, &method, outcome),
            Done::History { session, events, complete } => {
                let again = complete && self.reading.remove(&session) == Some(true);
                if let Some(document) = self.documents.get_mut(&session) {
                    document.history(events);
                    if complete && !again {
                        document.complete();
                    }
                }
                if again {
                    self.read_history(&session);
                }
            }
            // It came over another connection than events do: one that is not newer than theirs may be older.
            Done::View(view) => {
                if let Some(row) = row::session(&view).filter(|row| updated(row) > self.seen_until(row)) {
                    self.show(row);
                }
            }
            Done::NoHistory { session, refusal } => {
                self.reading.remove(&session);
                if let Some(document) = self.documents.get_mut(&session) {
                    document.give_up();
                }
                self.outbox
                    .op(json!({ "kind": "transcript_error", "session": session, "error": answer::refusal(&refusal) }));
            }
        }
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Snapshot { daemon, sessions, approvals } => {
                self.attach_editor();
                self.outbox.op(json!({
                    "kind": "connection", "state": "attached", "version": daemon.version, "protocol": daemon.protocol,
                    "socket": daemon.socket,
                }));
                self.daemon = Some(daemon);
                let sessions: Vec<Value> = sessions.iter().filter_map(row::session).collect();
                let approvals: Vec<Value> = approvals.iter().filter_map(row::approval).collect();
                self.seen =
                    sessions.iter().filter_map(|row| Some((row["id"].as_str()?.to_owned(), updated(row)))).collect();
                self.outbox.snapshot(&sessions, &approvals);
                self.refresh_boards();
                let open: Vec<String> = self.documents.keys().cloned().collect();
                for session in open {
                    if let Some(document) = self.documents.get_mut(&session) {
                        document.reload();
                    }
                    self.read_history(&session);
                }
            }
            Signal::Batch(batch) => {
                batch.sessions.iter().filter_map(row::session).for_each(|row| self.show(row));
                for event in &batch.events {
                    self.stir_boards(event);
                    if let Some(row) = row::gone(event, &batch.sessions) {
                        if let Some(id) = row["id"].as_str() {
                            // Nothing brings it back but a view of the daemon's own accord.
                            self.seen.insert(id.to_owned(), u64::MAX);
                        }
                        self.outbox.row(row);
                    }
                    for op in [row::approval_change(event), row::event(event)].into_iter().flatten() {
                        self.outbox.op(op);
                    }
                    let session = event.get("session").and_then(Value::as_str);
                    if row::is_streamed(event) {
                        self.stale.extend(session.map(str::to_owned));
                    }
                    if let Some(document) = session.and_then(|session| self.documents.get_mut(session)) {
                        document.live(event);
                    }
                }
            }
            Signal::Lost(refusal) => {
                self.outbox.op(
                    json!({ "kind": "connection", "state": "lost", "message": visible_line(&refusal.message, 300) }),
                );
            }
        }
    }

    fn show(&mut self, row: Value) {
        if let Some(id) = row["id"].as_str() {
            self.seen.insert(id.to_owned(), updated(&row));
        }
        self.outbox.row(row);
    }

    fn seen_until(&self, row: &Value) -> u64 {
        row["id"].as_str().and_then(|id| self.seen.get(id)).copied().unwrap_or(0)
    }

    /// Asks for the views of sessions that went on without one.
    fn look(&mut self) {
        for session in std::mem::take(&mut self.stale) {
            let (Some(link), done) = (self.current.borrow().clone(), self.done.clone()) else { return };
            tokio::spawn(async move {
                if let Ok(view) = link.call("session/show", json!({ "session": session })).await {
                    // The loop ends only with the process. Without an answer the next view will do.
                    let _ = done.send(Done::View(view));
                }
            });
        }
    }
}

/// When a row's session was updated last, milliseconds since the epoch.
fn updated(row: &Value) -> u64 {
    row["updated_at"].as_u64().unwrap_or(0)
}

/// Tells Neovim who is on this channel, for `nvim_list_chans()`.
async fn introduce(nvim: Neovim<Writer>) {
    let map = |entries: Vec<(&str, Pack)>| {
        Pack::Map(entries.into_iter().map(|(key, value)| (Pack::from(key), value)).collect())
    };
    let version = map(vec![("commit", Pack::from(env!("CARGO_PKG_VERSION")))]);
    let args = vec![Pack::from("divisi"), version, Pack::from("plugin"), map(Vec::new()), map(Vec::new())];
    // Without it everything works as well.
    drop(nvim.call("nvim_set_client_info", args).await);
}
