//! A session made of a conversation and a real process on pipes: what the shim and the unit do, small.
//!
//! It keeps a journal as they do. When it is dropped, a second conversation is fed that journal, cut in other places, and has to tell
//! the same: with real agents' real output.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use divisi::agent::Catalog;
use divisi::host::port::{
    AgentDefinition, Agents as _, Conversation, ConversationInput, ConversationSetup, Lifetime, Update,
};
use divisi::model::agent::{AgentReady, ToolCall};
use divisi::model::approval::ApprovalOption;
use divisi::model::id::TurnId;
use divisi::model::job::JobEnd;
use divisi::model::usage::Usage;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::wait_until;

use super::agents::Agent;
use super::session::{Session, Stop};
use super::stage::Stage;

/// How long anything may take here.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long a process may take to end by itself before everything it started is killed.
const GRACE: Duration = Duration::from_secs(5);

/// What the process did.
enum Happened {
    Output { stderr: bool, bytes: Vec<u8> },
    Closed,
    Exited(ExitStatus),
}

/// A record of the journal.
#[derive(Debug, Clone)]
enum Record {
    Started,
    Output { stderr: bool, bytes: Vec<u8> },
    Written { key: String, bytes: Vec<u8> },
    Ended(JobEnd),
}

impl Record {
    fn input(&self) -> ConversationInput<'_> {
        match self {
            Self::Started => ConversationInput::Started,
            Self::Output { stderr, bytes } => ConversationInput::Output { stderr: *stderr, bytes },
            Self::Written { key, bytes } => ConversationInput::Written { key, bytes },
            Self::Ended(end) => ConversationInput::Ended(end),
        }
    }
}

/// One process and its conversation.
struct Process {
    conversation: Box<dyn Conversation>,
    setup: ConversationSetup,
    turn: Option<TurnId>,
    journal: Vec<Record>,
    told: Vec<Update>,
    written: BTreeSet<String>,
    stdin: Option<ChildStdin>,
    happened: Receiver<Happened>,
    pid: Pid,
    exited: Option<ExitStatus>,
    open: u8,
    stopped: bool,
    ended: bool,
}

/// See the module's documentation.
pub(super) struct PipeSession {
    process: Option<Process>,
    catalog: Catalog,
    agent: AgentDefinition,
    variables: BTreeMap<String, String>,
    mode: Option<String>,
    ready: AgentReady,
    updates: Vec<Update>,
    seen: usize,
    turns: u32,
    stage: Stage,
}

fn pump(mut from: impl Read + Send + 'static, stderr: bool, to: Sender<Happened>) {
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if to.send(Happened::Output { stderr, bytes: buffer[..read].to_vec() }).is_err() {
                return;
            }
        }
        let _ = to.send(Happened::Closed);
    });
}

impl PipeSession {
    /// A session with an agent in a mode, ready for its first prompt; nothing when it is not installed.
    pub(super) fn start(test: &str, agent: &Agent, mode: Option<&str>) -> Option<Self> {
        let stage = Stage::set(test, agent.program)?;
        let variables = (agent.prepare)(&stage);
        let own = Path::new(env!("CARGO_BIN_EXE_divisi"));
        let (catalog, findings) = Catalog::load(None, own, &stage.programs.to_string_lossy());
        assert_eq!(findings, []);
        let definition = catalog.find(agent.name).expect("its program is there");
        let mut session = Self {
            process: None,
            catalog,
            agent: definition,
            variables,
            mode: mode.map(str::to_owned),
            ready: AgentReady::default(),
            updates: Vec::new(),
            seen: 0,
            turns: 0,
            stage,
        };
        session.open();
        Some(session)
    }

    /// Goes on with a conversation there is not, and gives what is told of that.
    pub(super) fn resume_lost(&mut self, conversation: &str) -> (String, Vec<String>) {
        self.finish();
        self.ready.conversation = Some(conversation.to_owned());
        self.spawn(None);
        match self.until("it gives up", |update| matches!(update, Update::Unusable { .. } | Update::Ready(_))) {
            Update::Unusable { reason, hints } => (reason, hints),
            other => panic!("{other:?}"),
        }
    }

    fn lifetime(&self) -> Lifetime {
        self.catalog.lifetime(&self.agent)
    }

    /// Starts the process of a session-long agent and waits until it is ready.
    fn open(&mut self) {
        if self.lifetime() == Lifetime::Session {
            self.spawn(None);
            self.until("it is ready", |update| {
                assert!(!matches!(update, Update::Unusable { .. }), "{update:?}");
                matches!(update, Update::Ready(_))
            });
        }
    }

    fn spawn(&mut self, prompt: Option<&str>) {
        self.finish();
        let resume = self.ready.conversation.is_some().then(|| self.ready.clone());
        let setup = ConversationSetup {
            directory: self.stage.worktree.display().to_string(),
            resume,
            prompted: None,
            mode: self.mode.clone(),
            ..ConversationSetup::default()
        };
        let turn = prompt.map(|_| TurnId::from(format!("s.t{}", self.turns).as_str()));
        let words = self.catalog.command(&self.agent, &setup, prompt);
        let mut command = self.stage.command(&words);
        for (name, value) in &self.variables {
            assert!(self.agent.pass_environment.contains(name), "{name} would not reach {}", self.agent.name);
            command.env(name, value);
        }
        command.envs(&self.agent.environment).process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        let piped = self.catalog.wants_stdin(&self.agent);
        command.stdin(if piped { Stdio::piped() } else { Stdio::null() });
        let mut child = command.spawn().expect("the agent starts");
        let (to, happened) = mpsc::channel();
        pump(child.stdout.take().expect("piped"), false, to.clone());
        pump(child.stderr.take().expect("piped"), true, to.clone());
        let stdin = child.stdin.take();
        let pid = Pid::from_child(&child);
        thread::spawn(move || to.send(Happened::Exited(child.wait().expect("a child of ours"))));
        self.process = Some(Process {
            conversation: self.catalog.converse(&self.agent, &setup, turn.as_ref()),
            setup,
            turn,
            journal: Vec::new(),
            told: Vec::new(),
            written: BTreeSet::new(),
            stdin,
            happened,
            pid,
            exited: None,
            open: 2,
            stopped: false,
            ended: false,
        });
        self.record(Record::Started);
    }

    fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("a process was started")
    }

    /// Feeds a record and carries out what is to be written.
    fn record(&mut self, record: Record) {
        let process = self.process();
        let mut updates = Vec::new();
        process.conversation.feed(record.input(), &mut updates);
        process.journal.push(record);
        process.told.extend(updates.iter().cloned());
        self.carry_out(updates, true);
    }

    /// Feeds something that is not in the journal: only its writes count.
    fn input(&mut self, input: ConversationInput<'_>) {
        let mut updates = Vec::new();
        self.process().conversation.feed(input, &mut updates);
        self.carry_out(updates, false);
    }

    fn carry_out(&mut self, updates: Vec<Update>, told: bool) {
        for update in updates {
            match update {
                Update::Write { key, bytes } => {
                    let process = self.process();
                    if !process.written.insert(key.clone()) {
                        continue;
                    }
                    // A process that ended cannot be written to; its end is on the way.
                    if process.stdin.as_mut().is_some_and(|stdin| stdin.write_all(&bytes).is_ok()) {
                        self.record(Record::Written { key, bytes });
                    }
                }
                Update::CloseStdin => self.process().stdin = None,
                update if told => {
                    if let Update::Ready(ready) = &update {
                        self.ready = ready.clone();
                    }
                    self.updates.push(update);
                }
                _ => {}
            }
        }
    }

    /// Takes the next thing that happens; false when nothing did until then.
    fn step(&mut self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        match self.process().happened.recv_timeout(left) {
            Ok(Happened::Output { stderr, bytes }) => self.record(Record::Output { stderr, bytes }),
            Ok(Happened::Closed) => self.process().open -= 1,
            Ok(Happened::Exited(status)) => self.process().exited = Some(status),
            Err(_) => return false,
        }
        let process = self.process();
        if let (Some(status), 0, false) = (process.exited, process.open, process.ended) {
            process.ended = true;
            let stopped = process.stopped;
            let end = match (status.code(), status.signal()) {
                (Some(code), _) => JobEnd::Exited { code, stopped, leaked: 0 },
                (None, signal) => JobEnd::Signaled { signal: signal.unwrap_or_default(), stopped, leaked: 0 },
            };
            self.record(Record::Ended(end));
        }
        true
    }

    /// Waits for an update that was not looked at yet.
    fn until(&mut self, what: &str, mut wanted: impl FnMut(&Update) -> bool) -> Update {
        let deadline = Instant::now() + DEADLINE;
        loop {
            while self.seen < self.updates.len() {
                self.seen += 1;
                if wanted(&self.updates[self.seen - 1]) {
                    return self.updates[self.seen - 1].clone();
                }
            }
            assert!(
                self.step(deadline),
                "waited in vain until {what}; last: {:#?}",
                self.updates.iter().rev().take(8).collect::<Vec<_>>()
            );
        }
    }

    fn stop_of(&self, update: Update) -> Stop {
        match update {
            Update::Approval { key, tool, command_line, options, .. } => {
                Stop::Asked { key, tool: Box::new(tool), command_line, options }
            }
            Update::TurnEnded { turn, outcome } => {
                assert_eq!(turn, self.turn());
                Stop::Ended(outcome)
            }
            other => panic!("{other:?}"),
        }
    }

    fn turn(&self) -> TurnId {
        TurnId::from(format!("s.t{}", self.turns).as_str())
    }

    /// The updates of this turn.
    fn current(&self) -> impl Iterator<Item = &Update> {
        let begin =
            self.updates.iter().rposition(|update| matches!(update, Update::Notice(text) if *text == self.marker()));
        self.updates.iter().skip(begin.map_or(0, |at| at + 1))
    }

    fn marker(&self) -> String {
        format!("-- turn {} --", self.turns)
    }

    /// Ends the process if it is still there, and checks that its journal tells the same again.
    fn finish(&mut self) {
        let Some(process) = self.process.as_mut() else { return };
        process.stdin = None;
        if !process.ended {
            let deadline = Instant::now() + GRACE;
            while !self.process().ended && self.step(deadline) {}
            if !self.process().ended {
                self.kill();
            }
        }
        // As the shim does, what outlived it is ended.
        self.sweep();
        let process = self.process.take().expect("looked at above");
        for size in [1, 7, usize::MAX] {
            let mut again = self.catalog.converse(&self.agent, &process.setup, process.turn.as_ref());
            let mut told = Vec::new();
            for record in &process.journal {
                match record {
                    Record::Output { stderr, bytes } if size != usize::MAX && bytes.len() < 200_000 => {
                        for bytes in bytes.chunks(size) {
                            again.feed(ConversationInput::Output { stderr: *stderr, bytes }, &mut told);
                        }
                    }
                    record => again.feed(record.input(), &mut told),
                }
            }
            assert_eq!(plain(&told), plain(&process.told), "rebuilt from pieces of {size} bytes");
        }
    }

    /// Kills the process and everything it started.
    fn kill(&mut self) {
        self.process().stopped = true;
        self.sweep();
        let deadline = Instant::now() + DEADLINE;
        while !self.process().ended && self.step(deadline) {}
    }

    /// Kills whatever lives in this environment.
    fn sweep(&self) {
        wait_until(DEADLINE, "everything it started is gone", || {
            let left = self.stage.processes();
            for (pid, _) in &left {
                if let Some(pid) = Pid::from_raw(*pid) {
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
            left.is_empty()
        });
    }
}

/// Whether the person is waited for.
fn waits(update: &Update) -> bool {
    matches!(update, Update::Approval { .. } | Update::TurnEnded { .. } | Update::Unusable { .. })
}

/// Updates without writes, and with the pieces of standard error joined.
fn plain(updates: &[Update]) -> Vec<Update> {
    let mut plain: Vec<Update> = Vec::new();
    for update in updates {
        match (plain.last_mut(), update) {
            (_, Update::Write { .. }) => {}
            (Some(Update::Output { stderr, text }), Update::Output { stderr: same, text: more }) if stderr == same => {
                text.push_str(more);
            }
            (_, update) => plain.push(update.clone()),
        }
    }
    plain
}

impl Session for PipeSession {
    fn worktree(&self) -> &Path {
        &self.stage.worktree
    }

    fn prompt(&mut self, text: &str) {
        self.turns += 1;
        self.updates.push(Update::Notice(self.marker()));
        if self.lifetime() == Lifetime::Turn {
            self.spawn(Some(text));
        } else {
            let turn = self.turn();
            self.input(ConversationInput::Prompt { turn: &turn, text, content: &[], prompt: None });
        }
    }

    fn next(&mut self) -> Stop {
        let update = self.until("it asks or ends its turn", waits);
        self.stop_of(update)
    }

    fn next_or_file(&mut self, name: &str) -> Option<Stop> {
        let path = self.stage.worktree.join(name);
        let deadline = Instant::now() + DEADLINE;
        loop {
            if path.exists() {
                return None;
            }
            while self.seen < self.updates.len() {
                self.seen += 1;
                if waits(&self.updates[self.seen - 1]) {
                    let update = self.updates[self.seen - 1].clone();
                    return Some(self.stop_of(update));
                }
            }
            assert!(Instant::now() < deadline, "waited in vain for {name}");
            self.step((Instant::now() + Duration::from_millis(20)).min(deadline));
        }
    }

    fn answer(&mut self, key: &str, options: &[ApprovalOption], kind: &str, message: Option<&str>) {
        let option =
            options.iter().find(|option| option.kind == kind).unwrap_or_else(|| panic!("no {kind} in {options:?}"));
        self.input(ConversationInput::Answer { key, option: Some(&option.id), message });
    }

    fn wait_for_words(&mut self, words: &str) {
        let deadline = Instant::now() + DEADLINE;
        while !self.said().contains(words) {
            assert!(self.step(deadline), "waited in vain for {words:?}");
        }
    }

    fn cancel(&mut self) {
        if self.process().conversation.can_cancel() {
            self.input(ConversationInput::Cancel);
        } else {
            let pid = self.process().pid;
            kill_process(pid, Signal::INT).expect("it is running");
        }
    }

    fn choose(&mut self, id: &str, value: &str) {
        self.input(ConversationInput::Option { id, value });
        self.until("the option is set", |update| match update {
            Update::Options(options) => options.iter().any(|option| option.id == id && option.current == value),
            _ => false,
        });
    }

    fn stop(&mut self) -> Vec<String> {
        let process = self.process();
        process.stopped = true;
        let pid = process.pid;
        let _ = kill_process(pid, Signal::TERM);
        let deadline = Instant::now() + Duration::from_secs(1);
        while !self.process().ended && self.step(deadline) {}
        self.kill();
        self.stage.processes().into_iter().map(|(pid, command)| format!("{pid}: {command}")).collect()
    }

    fn resume(&mut self) {
        self.finish();
        self.open();
    }

    fn ready(&self) -> AgentReady {
        self.ready.clone()
    }

    fn said(&self) -> String {
        let said = self.current().map(|update| if let Update::Message(text) = update { text.as_str() } else { "" });
        said.collect()
    }

    fn notices(&self) -> Vec<String> {
        let notices = self
            .current()
            .filter_map(|update| if let Update::Notice(text) = update { Some(text.clone()) } else { None });
        notices.collect()
    }

    fn tools(&self) -> Vec<ToolCall> {
        let mut tools: Vec<ToolCall> = Vec::new();
        for update in self.current() {
            if let Update::Tool(call) = update {
                match tools.iter_mut().find(|known| known.id == call.id) {
                    Some(known) => known.clone_from(call),
                    None => tools.push(call.clone()),
                }
            }
        }
        tools
    }

    fn usage(&self) -> Vec<Usage> {
        let usage = self
            .current()
            .filter_map(|update| if let Update::Usage(usage) = update { Some(usage.clone()) } else { None });
        usage.collect()
    }

    fn raw(&self) -> Vec<String> {
        let raw = self
            .current()
            .filter_map(|update| if let Update::Raw(message) = update { Some(message.to_string()) } else { None });
        raw.collect()
    }
}

impl Drop for PipeSession {
    fn drop(&mut self) {
        if std::thread::panicking() {
            if self.process.is_some() {
                self.kill();
            }
            for update in self.updates.iter().rev().take(12).rev() {
                eprintln!("  {}", format!("{update:?}").chars().take(600).collect::<String>());
            }
        } else {
            self.finish();
        }
    }
}
