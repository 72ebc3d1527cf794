//! This terminal, attached to the terminal of a session's program.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

use crate::base::clock;
use crate::cli::command::Outcome;
use crate::cli::context::{Context, caller};
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::cli::render::screen::{self, RawScreen};
use crate::model::Refusal;
use crate::model::session::SessionView;
use crate::model::terminal::OpenTerminal;
use crate::wire::client::{CallError, Client, FromTerminal, TerminalInputs, TerminalOutputs, open_terminal};

pub(crate) mod detach;
mod keyboard;

use detach::{Detach, DetachKey};
use keyboard::Keyboard;

/// How long a daemon is waited for that was told to stop.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// Why this ended.
enum End {
    /// The person wanted it.
    Detached,
    /// This program was told to end, or its terminal went away.
    Signal,
    /// The program ended, how.
    Program(String),
}

/// How a connection ended.
enum Connection {
    Over(End),
    /// It broke; the program goes on.
    Lost,
    /// The daemon was told to stop; the program goes on.
    Stopping,
}

/// Shows the terminal of a session's program until the person detaches or it ends.
pub(crate) async fn attach(context: &Context, session: &SessionView, key: DetachKey) -> Outcome {
    let name = &session.name;
    let raw = RawScreen::enter().map_err(|error| {
        Refusal::user(format!("failed to show the terminal of {name}: this is no terminal ({error})"))
            .hint(format!("divisi log {name}"))
    })?;
    let end = show(context, session, key).await;
    drop(raw);
    match end? {
        End::Detached => render::remark(&format!("detached; {name} goes on: divisi open {name} --terminal")),
        End::Program(how) => render::remark(&format!("{name}: {how}")),
        End::Signal => return Ok(Exit::Interrupted),
    }
    Ok(Exit::Done)
}

async fn show(context: &Context, session: &SessionView, key: DetachKey) -> Result<End, Refusal> {
    let mut attached = Attached {
        kept: Vec::new(),
        keyboard: Keyboard::listen().map_err(|error| failed("read the keyboard", &error))?,
        detach: Detach::new(key),
        signals: Signals::listen().map_err(|error| failed("listen for signals", &error))?,
    };
    loop {
        let size = screen::size();
        let open = OpenTerminal { session: session.id.clone(), columns: size.columns, rows: size.rows };
        let caller = caller();
        let opened = tokio::select! {
            opened = open_terminal(&context.paths.socket, &caller, &open) => opened,
            end = attached.leave() => return Ok(end),
        };
        let ended = match opened {
            Ok((outputs, inputs)) => attached.run(outputs, inputs).await?,
            Err(CallError::Lost) => Connection::Lost,
            Err(CallError::Refused(refusal)) => return Err(refusal),
        };
        let back = async {
            match ended {
                Connection::Over(end) => Ok(Some(end)),
                // Whoever killed it did not mean the programs: the next one finds them.
                Connection::Lost => context.connect().await.map(|_| None),
                Connection::Stopping => wait_for_daemon(context).await.map(|()| None),
            }
        };
        let end = tokio::select! {
            end = back => end?,
            end = attached.leave() => Some(end),
        };
        if let Some(end) = end {
            return Ok(end);
        }
    }
}

fn failed(what: &str, error: &io::Error) -> Refusal {
    Refusal::environment(format!("failed to {what}: {error}"))
}

/// A daemon that was told to stop is not started again by us, but may be by somebody else.
async fn wait_for_daemon(context: &Context) -> Result<(), Refusal> {
    let until = Instant::from_std(clock::instant()) + PATIENCE;
    while Instant::from_std(clock::instant()) < until {
        if Client::connect(&context.paths.socket, &caller()).await.is_ok() {
            return Ok(());
        }
        sleep(LOOK).await;
    }
    Err(Refusal::environment("the daemon was told to stop; the program goes on without it")
        .hint("any divisi command starts the next one"))
}

/// The signals that matter here.
struct Signals {
    resized: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            resized: signal(SignalKind::window_change())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// The most that is kept of what is typed while there is no daemon.
const KEPT: usize = 4096;

/// The person's end.
struct Attached {
    /// Typed while there was no daemon.
    kept: Vec<u8>,
    keyboard: Keyboard,
    detach: Detach,
    signals: Signals,
}

impl Attached {
    /// Keeps what was typed for the next daemon.
    fn keep(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// While there is no connection, what is typed is kept; leaving is heard.
    async fn leave(&mut self) -> End {
        loop {
            tokio::select! {
                _ = self.signals.terminate.recv() => return End::Signal,
                _ = self.signals.hangup.recv() => return End::Signal,
                typed = self.keyboard.next() => match typed {
                    None => return End::Signal,
                    Some(bytes) => match self.detach.take(&bytes) {
                        None => return End::Detached,
                        Some(bytes) => self.keep(&bytes),
                    },
                },
            }
        }
    }

    async fn run(&mut self, mut outputs: TerminalOutputs, mut inputs: TerminalInputs) -> Result<Connection, Refusal> {
        let kept = std::mem::take(&mut self.kept);
        if !kept.is_empty() && inputs.type_in(&kept).await.is_err() {
            self.kept = kept;
            return Ok(Connection::Lost);
        }
        loop {
            let sent = tokio::select! {
                _ = self.signals.terminate.recv() => return Ok(Connection::Over(End::Signal)),
                _ = self.signals.hangup.recv() => return Ok(Connection::Over(End::Signal)),
                _ = self.signals.resized.recv() => inputs.resize(screen::size()).await,
                typed = self.keyboard.next() => match typed {
                    None => return Ok(Connection::Over(End::Signal)),
                    Some(bytes) => match self.detach.take(&bytes) {
                        None => return Ok(Connection::Over(End::Detached)),
                        Some(bytes) if bytes.is_empty() => Ok(()),
                        Some(bytes) => {
                            let sent = inputs.type_in(&bytes).await;
                            if matches!(sent, Err(CallError::Lost)) {
                                self.keep(&bytes);
                            }
                            sent
                        }
                    },
                },
                from = outputs.next() => match from {
                    FromTerminal::Output(drawing) => {
                        // Not on this thread: a terminal that is slow or stopped must not keep us from hearing signals.
                        let drawn = tokio::task::spawn_blocking(move || screen::draw(&drawing));
                        tokio::select! {
                            drawn = drawn => if !matches!(drawn, Ok(Ok(()))) {
                                return Ok(Connection::Over(End::Signal));
                            },
                            _ = self.signals.terminate.recv() => return Ok(Connection::Over(End::Signal)),
                            _ = self.signals.hangup.recv() => return Ok(Connection::Over(End::Signal)),
                        }
                        Ok(())
                    }
                    FromTerminal::Ended(how) => return Ok(Connection::Over(End::Program(how))),
                    FromTerminal::Stopping => return Ok(Connection::Stopping),
                    FromTerminal::Lost => return Ok(Connection::Lost),
                },
            };
            match sent {
                Ok(()) => {}
                Err(CallError::Lost) => return Ok(Connection::Lost),
                Err(CallError::Refused(refusal)) => return Err(refusal),
            }
        }
    }
}
