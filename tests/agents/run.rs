//! One agent process on pipes, with its conversation: what the shim and the unit do, small.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use divisi::agent::acp::AcpConversation;
use divisi::host::port::{Conversation, ConversationInput, ConversationSetup, Update};
use divisi::model::id::TurnId;
use divisi::model::job::JobEnd;
use divisi::model::turn::TurnOutcome;
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take here.
const DEADLINE: Duration = Duration::from_secs(60);

/// What the process did.
enum Happened {
    Output { stderr: bool, bytes: Vec<u8> },
    Closed { stderr: bool },
    Exited(ExitStatus),
}

/// A running agent.
pub(super) struct Run {
    pub(super) dir: tempfile::TempDir,
    pub(super) updates: Vec<Update>,
    conversation: Box<dyn Conversation>,
    written: BTreeSet<String>,
    stdin: Option<ChildStdin>,
    happened: Receiver<Happened>,
    pid: Pid,
    end: Option<JobEnd>,
    stopped: bool,
    pub(super) stdout_closed: bool,
}

fn pump(mut from: impl Read + Send + 'static, stderr: bool, to: Sender<Happened>) {
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if to.send(Happened::Output { stderr, bytes: buffer[..read].to_vec() }).is_err() {
                return;
            }
        }
        let _ = to.send(Happened::Closed { stderr });
    });
}

/// The agent-script program with nothing inherited.
pub(super) fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_divisi"));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", dir).current_dir(dir).arg("agent-script");
    command
}

impl Run {
    /// Starts a script in a directory of its own.
    pub(super) fn start(script: &str) -> Self {
        Self::start_with(script, ConversationSetup::default())
    }

    pub(super) fn start_with(script: &str, mut setup: ConversationSetup) -> Self {
        let dir = tempfile::tempdir().unwrap();
        setup.directory = dir.path().display().to_string();
        fs::write(dir.path().join("script"), script).unwrap();
        let mut command = program(dir.path());
        command.arg("script");
        Self::spawn(command, dir, Box::new(AcpConversation::new(setup)), true)
    }

    pub(super) fn spawn(
        mut command: Command,
        dir: tempfile::TempDir,
        conversation: Box<dyn Conversation>,
        stdin: bool,
    ) -> Self {
        let input = if stdin { Stdio::piped() } else { Stdio::null() };
        let mut child = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, happened) = mpsc::channel();
        pump(child.stdout.take().unwrap(), false, sender.clone());
        pump(child.stderr.take().unwrap(), true, sender.clone());
        let stdin = child.stdin.take();
        let pid = Pid::from_child(&child);
        thread::spawn(move || {
            if let Ok(status) = child.wait() {
                let _ = sender.send(Happened::Exited(status));
            }
        });
        let mut run = Self {
            dir,
            updates: Vec::new(),
            conversation,
            written: BTreeSet::new(),
            stdin,
            happened,
            pid,
            end: None,
            stopped: false,
            stdout_closed: false,
        };
        run.feed(ConversationInput::Started);
        run
    }

    pub(super) fn feed(&mut self, input: ConversationInput<'_>) {
        let mut news = Vec::new();
        self.conversation.feed(input, &mut news);
        for update in news {
            if let Update::Write { key, bytes } = update {
                if self.written.insert(key.clone()) {
                    if let Some(stdin) = &mut self.stdin {
                        // It may have ended already; its end says so.
                        let _ = stdin.write_all(&bytes);
                    }
                    // What follows from a write is written after it.
                    self.feed(ConversationInput::Written { key: &key, bytes: &bytes });
                }
            } else {
                self.updates.push(update);
            }
        }
    }

    /// Takes the next thing that happens.
    fn step(&mut self, until: Instant, what: &str) {
        let left = until.saturating_duration_since(Instant::now());
        let Ok(happened) = self.happened.recv_timeout(left) else {
            panic!(
                "waited in vain until {what}; so far: {:#?}",
                self.updates.iter().rev().take(10).collect::<Vec<_>>()
            );
        };
        match happened {
            Happened::Output { stderr, bytes } => self.feed(ConversationInput::Output { stderr, bytes: &bytes }),
            Happened::Closed { stderr } => self.stdout_closed |= !stderr,
            Happened::Exited(status) => {
                let (stopped, leaked) = (self.stopped, 0);
                self.end = Some(match (status.code(), status.signal()) {
                    (Some(code), _) => JobEnd::Exited { code, stopped, leaked },
                    (None, signal) => JobEnd::Signaled { signal: signal.unwrap_or_default(), stopped, leaked },
                });
            }
        }
    }

    /// Goes on until an update is there; gives it.
    pub(super) fn until(&mut self, what: &str, wanted: impl Fn(&Update) -> bool) -> Update {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(found) = self.updates.iter().find(|update| wanted(update)) {
                return found.clone();
            }
            self.step(deadline, what);
        }
    }

    /// Goes on until the process ended and, if nobody else holds it open, all it printed was read; then its end is told.
    pub(super) fn until_ended(&mut self, read_all: bool) -> JobEnd {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.end.clone() {
                Some(end) if self.stdout_closed || !read_all => {
                    self.feed(ConversationInput::Ended(&end));
                    return end;
                }
                _ => self.step(deadline, "the process ended"),
            }
        }
    }

    pub(super) fn prompt(&mut self, turn: &str, text: &str) {
        self.feed(ConversationInput::Prompt { turn: &TurnId::from(turn), text, content: &[], prompt: None });
    }

    /// Goes on until a turn ended; gives its outcome.
    pub(super) fn outcome(&mut self, turn: &str) -> TurnOutcome {
        let wanted = TurnId::from(turn);
        match self.until("the turn ended", |update| matches!(update, Update::TurnEnded { turn, .. } if *turn == wanted))
        {
            Update::TurnEnded { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Prompts and goes on until the turn ended.
    pub(super) fn turn(&mut self, turn: &str, text: &str) -> TurnOutcome {
        self.prompt(turn, text);
        self.outcome(turn)
    }

    /// Everything said so far.
    pub(super) fn said(&self) -> String {
        let said = |update: &Update| if let Update::Message(text) = update { Some(text.clone()) } else { None };
        self.updates.iter().filter_map(said).collect()
    }

    pub(super) fn notices(&self) -> Vec<String> {
        let notice = |update: &Update| if let Update::Notice(text) = update { Some(text.clone()) } else { None };
        self.updates.iter().filter_map(notice).collect()
    }

    pub(super) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        self.stopped = true;
        kill_process(self.pid, signal).unwrap();
    }

    pub(super) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.end.is_none() {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}

pub(super) fn done(reason: &str) -> TurnOutcome {
    TurnOutcome::Done { stop_reason: reason.to_owned() }
}
