//! The one loop of this process: the editor's messages, the daemon's signals and what tasks bring back, one at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lsp_server::{Connection, Message, RequestId};
use serde_json::Value;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::batches::Check;
use super::capability::Client;
use super::documents::Documents;
use super::exchange::Offers;
use super::explorer::{Explorer, Papers};
use super::order::Order;
use super::questions::Questions;
use super::shelf::Shelf;
use super::state::{Changes, State};
use super::view::{Report, View};
use crate::base::paths::Paths;
use crate::model::agent::AgentView;
use crate::model::batch::{BatchDetail, BatchView};
use crate::model::diff::Diff;
use crate::model::evaluation::Evaluation;
use crate::model::id::{ApprovalId, BatchId, SessionId};
use crate::model::{Envelope, Refusal};
use crate::wire::kept::backend::Backend;
use crate::wire::kept::link::{self, Current, Signal};

/// What changed is shown this often at most.
const FRAME: Duration = Duration::from_millis(50);
/// How often it is looked whether the editor lives, where the kernel cannot tell of its end: it may be killed without closing the pipe.
const PARENT: Duration = Duration::from_millis(500);

/// What tasks bring back into the loop.
pub(super) enum Done {
    /// A session's changes were read.
    Changes(SessionId, Box<Result<Changes, Refusal>>),
    /// A page of a transcript was read.
    Events { session: SessionId, events: Vec<Envelope> },
    /// It could not be read.
    NoEvents(SessionId),
    /// A page of a transcript that is open as a virtual document.
    Followed(SessionId, Result<Vec<Envelope>, Refusal>),
    /// Which agents there are.
    Agents(Vec<AgentView>),
    /// What turns of a session changed.
    Turns(SessionId, Vec<(u32, Diff)>),
    /// Which batches there are.
    Batches(Vec<BatchView>),
    /// A batch was read, with the evaluations of runs that failed.
    Batch(BatchId, Box<Result<(BatchDetail, Vec<Evaluation>), Refusal>>),
    /// What the daemon says of a document of divisi's own, as it was then.
    Checked { path: PathBuf, text: String, answer: Result<Value, Refusal> },
    /// A report of a batch came.
    Exported { name: String, text: Result<String, Refusal> },
    /// Plans and suites were looked for.
    Found { papers: Papers, asked: Option<(RequestId, Option<PathBuf>)> },
    /// A batch or an evaluation was started as tests: the request, the leaves, and the answer.
    Started { id: RequestId, path: PathBuf, items: Vec<String>, outcome: Result<Value, Refusal> },
    /// What was answered to a report.
    Report(Report, Result<Value, String>),
    /// A command was carried out, or not.
    Called { said: String, outcome: Result<Value, Refusal>, file: Option<PathBuf> },
    /// The answer to a request of divisi's own extension.
    Answer(RequestId, Result<Value, Refusal>),
}

/// What is to happen when the editor answers.
#[derive(Debug)]
pub(super) enum Asked {
    /// Nothing; but a refusal of the method is remembered.
    Nothing,
    /// A view was to be shown; where that is impossible its path is said.
    Shown(PathBuf),
    /// The choice of something for a command.
    Choice(&'static str, &'static str, Vec<(String, Value)>),
    /// An approval.
    Approval(ApprovalId),
}

/// How the server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As the protocol wants it: `shutdown`, then `exit`.
    Orderly,
    /// `exit` without `shutdown`, or the input ended.
    Abrupt,
    /// The editor's process is gone.
    Orphaned,
}

#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
pub(super) struct Server {
    pub(super) connection: Connection,
    pub(super) client: Client,
    pub(super) phase: Phase,
    /// It said `initialized`. VS Code answers "unhandled method" to what it is asked before, which would be believed for good.
    pub(super) greeted: bool,
    pub(super) state: State,
    /// Open documents.
    pub(super) documents: BTreeMap<PathBuf, String>,
    pub(super) shelf: Shelf,
    /// Virtual documents.
    pub(super) pages: Documents,
    /// Diagnostics as they were sent last.
    pub(super) published: BTreeMap<PathBuf, Value>,
    /// Progress that is shown, by token: what was said last.
    pub(super) progress: BTreeMap<String, String>,
    pub(super) asked: HashMap<RequestId, (&'static str, Asked)>,
    pub(super) number: i32,
    /// Sessions whose changes are being read, and whether they are to be read once more after that.
    pub(super) reading: BTreeMap<SessionId, bool>,
    pub(super) dirty: bool,
    pub(super) transcripts: BTreeSet<SessionId>,
    pub(super) current: Current,
    pub(super) wanted: Arc<Notify>,
    pub(super) done: mpsc::UnboundedSender<Done>,
    /// Whether the last state told was "no connection", so that it is said once.
    pub(super) told_lost: bool,
    /// The user's configuration directory.
    pub(super) config_dir: Option<PathBuf>,
    pub(super) offers: Offers,
    pub(super) questions: Questions,
    /// Sessions that somebody wants to be told of when they are at rest.
    pub(super) waiting: BTreeSet<SessionId>,
    /// Sessions whose turns are being read.
    pub(super) reading_turns: BTreeSet<SessionId>,
    /// Batches that are being read, and whether they are to be read once more after that.
    pub(super) reading_batches: BTreeMap<BatchId, bool>,
    /// What is wrong with divisi's own documents, by their readers.
    pub(super) checks: BTreeMap<PathBuf, Check>,
    pub(super) explorer: Explorer,
    /// Tells of the end of the editor's process,
    pub(super) gone: Arc<Notify>,
    /// when that is watched.
    pub(super) watched: bool,
    /// Batches of plans that nobody here has open.
    pub(super) strangers: BTreeSet<BatchId>,
    /// Reports that may be old.
    pub(super) old_reports: bool,
    ended: Option<End>,
}

/// Where the protocol stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Uninitialized,
    Running,
    ShutDown,
}

/// Runs until the editor ends it, or is gone.
pub async fn run(backend: Arc<dyn Backend>, connection: Connection) -> End {
    let (signal_sender, mut signals) = mpsc::unbounded_channel();
    let (current_sender, current) = watch::channel(None);
    let (done_sender, mut done) = mpsc::unbounded_channel();
    let wanted = Arc::new(Notify::new());
    let keeper = tokio::spawn(link::keep(backend, signal_sender, current_sender, Arc::clone(&wanted)));
    let mut messages = bridge(&connection);
    let mut server = Server::new(connection, current, wanted, done_sender);
    let gone = Arc::clone(&server.gone);
    let mut frame = interval(FRAME);
    frame.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut parent = interval(PARENT);
    parent.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let end = loop {
        tokio::select! {
            biased;
            message = messages.recv() => match message {
                Some(message) => server.message(message),
                None => break End::Abrupt,
            },
            Some(signal) = signals.recv() => server.signal(signal),
            Some(done) = done.recv() => server.done(done),
            _ = frame.tick(), if server.has_news() => server.show(),
            () = gone.notified() => break End::Orphaned,
            _ = parent.tick(), if !server.watched && server.client.process.is_some() => {
                if server.client.process.is_some_and(super::parent::is_gone) {
                    break End::Orphaned;
                }
            }
        }
        if let Some(end) = server.ended {
            break end;
        }
    };
    keeper.abort();
    server.shelf.clear();
    end
}

/// The editor's messages, in order, for the loop. The connection's own channel blocks.
fn bridge(connection: &Connection) -> mpsc::UnboundedReceiver<Message> {
    let (sender, messages) = mpsc::unbounded_channel();
    let receiver = connection.receiver.clone();
    std::thread::spawn(move || receiver.iter().try_for_each(|message| sender.send(message)));
    messages
}

impl Server {
    pub(super) fn new(
        connection: Connection,
        current: Current,
        wanted: Arc<Notify>,
        done: mpsc::UnboundedSender<Done>,
    ) -> Self {
        Self {
            connection,
            client: Client::default(),
            phase: Phase::Uninitialized,
            greeted: false,
            state: State::default(),
            documents: BTreeMap::new(),
            shelf: Shelf::default(),
            pages: Documents::default(),
            published: BTreeMap::new(),
            progress: BTreeMap::new(),
            asked: HashMap::new(),
            number: 0,
            reading: BTreeMap::new(),
            dirty: false,
            transcripts: BTreeSet::new(),
            current,
            wanted,
            done,
            told_lost: false,
            config_dir: Paths::from_environment().ok().map(|paths| paths.config_dir),
            offers: Offers::default(),
            questions: Questions::default(),
            waiting: BTreeSet::new(),
            reading_turns: BTreeSet::new(),
            reading_batches: BTreeMap::new(),
            checks: BTreeMap::new(),
            explorer: Explorer::default(),
            strangers: BTreeSet::new(),
            gone: Arc::default(),
            watched: false,
            old_reports: false,
            ended: None,
        }
    }

    pub(super) fn message(&mut self, message: Message) {
        match message {
            Message::Request(request) => self.request(request),
            Message::Notification(notification) if notification.method == "exit" => {
                self.ended = Some(if self.phase == Phase::ShutDown { End::Orderly } else { End::Abrupt });
            }
            Message::Notification(notification) => self.notification(notification),
            Message::Response(response) => self.response(response),
        }
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        let stale = match signal {
            Signal::Snapshot { sessions, approvals, .. } => {
                self.told_lost = false;
                self.read_agents();
                self.read_batches();
                let stale = self.state.snapshot(sessions, approvals);
                self.tell_extension_of_all();
                stale
            }
            Signal::Batch(batch) => {
                self.tell_extension(&batch);
                let told = self.events_to_tell(&batch);
                let stale = self.state.batch(batch);
                for event in &told {
                    self.tell(event);
                }
                stale
            }
            Signal::Lost(refusal) => {
                self.state.connected = false;
                self.tell_extension_of_loss(&refusal.message);
                if !self.told_lost && self.phase == Phase::Running {
                    self.told_lost = true;
                    self.warn(&format!("no connection to the daemon: {}; it is tried again", refusal.message));
                }
                super::state::Stale::default()
            }
        };
        self.dirty = true;
        self.old_reports = true;
        self.tell_waiting();
        for session in stale.diffs {
            self.read_changes(&session);
        }
        for batch in stale.batches {
            self.read_batch(&batch);
        }
        for session in stale.transcripts {
            self.transcripts.insert(session);
        }
    }

    pub(super) fn done(&mut self, done: Done) {
        self.dirty = true;
        match done {
            Done::Changes(session, changes) => {
                let again = self.reading.remove(&session) == Some(true);
                match *changes {
                    Ok(changes) if self.state.sessions.contains_key(&session) => {
                        self.state.evaluated(&session, changes.newest.clone());
                        self.state.changes.insert(session.clone(), changes);
                    }
                    Ok(_) => {}
                    // The session is being made or removed; its next change brings another try.
                    Err(refusal) => tracing::debug!(%session, message = refusal.message, "no changes to show"),
                }
                if again {
                    self.read_changes(&session);
                } else {
                    self.has_come(&View::Review(session));
                }
            }
            Done::Events { session, events } => self.add_events(&session, events),
            Done::NoEvents(session) => {
                if let Some(record) = self.record(&session) {
                    record.reading = false;
                }
                self.has_come(&View::Transcript(session));
            }
            Done::Followed(session, page) => self.followed(&session, page),
            Done::Agents(agents) => {
                let fit = |agent: &&AgentView| agent.installed && !agent.literal;
                self.state.agents = agents.iter().filter(fit).map(|agent| agent.name.clone()).collect();
                self.state.catalog = agents;
            }
            Done::Turns(session, turns) => {
                self.reading_turns.remove(&session);
                if self.state.sessions.contains_key(&session) {
                    self.state.turns.entry(session).or_default().extend(turns);
                }
            }
            Done::Batches(views) => self.choose_batches(views),
            Done::Batch(id, answer) => self.batch_read(&id, *answer),
            Done::Checked { path, text, answer } => self.checked(&path, text, answer),
            Done::Exported { name, text } => self.exported(&name, text),
            Done::Found { papers, asked } => self.found(papers, asked),
            Done::Started { id, path, items, outcome } => self.trial_started(id, &path, &items, outcome),
            Done::Report(report, answer) => self.report_answered(report, answer),
            Done::Called { said, outcome, file } => self.called(&said, outcome, file.as_deref()),
            Done::Answer(id, outcome) => self.answer_outcome(id, outcome),
        }
    }

    pub(super) fn record(&mut self, session: &SessionId) -> Option<&mut super::shelf::Record> {
        self.shelf.get_mut(&View::Transcript(session.clone()))?.record.as_mut()
    }

    pub(super) fn has_news(&self) -> bool {
        self.phase == Phase::Running && self.greeted && (self.dirty || !self.transcripts.is_empty())
    }

    /// Where a new session starts: the first folder.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.client.folders.first().map(PathBuf::as_path)
    }

    pub(super) fn execute(&mut self, command: &str, arguments: &[Value]) {
        let folder = self.folder().map(|folder| folder.to_string_lossy().into_owned());
        let order = super::order::order(&self.state, folder.as_deref(), command, arguments);
        self.obey(order);
    }

    pub(super) fn obey(&mut self, order: Order) {
        match order {
            Order::Open(session, path) => self.open_worktree(&session, path.as_deref()),
            Order::OpenConfig => self.open_config(),
            Order::Wait(session) => self.wait_for(session),
            Order::Schema(name) => self.show_schema(&name),
            Order::Carry(errand) => self.carry(errand),
            Order::Call { method, params, said } => self.call(method, params, said, None),
            Order::Show(view) => self.open_view(&view),
            Order::Write(draft, about) => self.open_prompt(draft, &about),
            Order::SendFile(path) => self.send_file(&path),
            Order::Ask { verb, what, choices } => self.ask_which(verb, what, choices),
            Order::No(why) => self.error(&why),
        }
    }
}
