//! Terminals of running programs, and who looks at them.
//!
//! A unit feeds its conversation, which keeps the screen; here is the newest image of it, for any number of viewers. Each viewer is
//! sent what differs from what it was shown last, when it is ready for more: a slow one skips what lies between and holds nobody up.
//! The program's terminal is as large as the smallest viewer's. A viewer that goes, by whatever way, takes nothing with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::base::screen::Image;
use crate::host::port::JobControl;
use crate::model::Refusal;
use crate::model::id::SessionId;
use crate::model::job::JobEnd;
use crate::model::terminal::TerminalSize;

/// What the unit is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The size all viewers can show; absent while there is none.
    pub(crate) size: Option<TerminalSize>,
    /// Counts up when a new image is wanted.
    looks: u64,
}

#[derive(Default)]
struct State {
    image: Option<Image>,
    /// Somebody was shown the image, so a newer one is of use.
    taken: bool,
    /// There is something newer than the image.
    stale: bool,
    viewers: BTreeMap<u64, TerminalSize>,
    next: u64,
    ended: Option<String>,
}

/// One program's terminal.
pub(crate) struct Terminal {
    state: Mutex<State>,
    /// Counts up with every image.
    shown: watch::Sender<u64>,
    wanted: watch::Sender<Wanted>,
    control: Option<Arc<dyn JobControl>>,
}

impl Terminal {
    pub(crate) fn new(control: Option<Arc<dyn JobControl>>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            shown: watch::Sender::new(0),
            wanted: watch::Sender::new(Wanted { size: None, looks: 0 }),
            control,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the unit: what is asked for, now and later.
    pub(crate) fn wanted(&self) -> watch::Receiver<Wanted> {
        self.wanted.subscribe()
    }

    /// Shows the newest image, if anybody wants one. Making an image costs a copy, so it is made only then.
    pub(crate) fn show(&self, image: impl FnOnce() -> Option<Image>) {
        let mut state = self.state();
        if state.viewers.is_empty() || (state.image.is_some() && !state.taken) {
            state.stale = true;
            return;
        }
        state.image = image();
        state.taken = false;
        state.stale = false;
        drop(state);
        self.shown.send_modify(|count| *count += 1);
    }

    /// The program has ended, or is followed no more.
    pub(crate) fn end(&self, how: &str, image: Option<Image>) {
        let mut state = self.state();
        if state.ended.is_none() {
            state.ended = Some(how.to_owned());
            state.image = image.or_else(|| state.image.take());
        }
        drop(state);
        self.shown.send_modify(|count| *count += 1);
    }

    fn open(self: &Arc<Self>, size: TerminalSize) -> Viewer {
        let mut state = self.state();
        state.next += 1;
        let number = state.next;
        state.viewers.insert(number, size.within_limits());
        // Whoever comes wants to see the newest at once.
        state.taken = true;
        drop(state);
        let viewer =
            Viewer { terminal: Arc::clone(self), number, shown: self.shown.subscribe(), last: None, over: false };
        self.agree(true);
        viewer
    }

    /// Tells the unit what all viewers together want.
    fn agree(&self, look: bool) {
        let size = self.state().viewers.values().copied().reduce(TerminalSize::smaller);
        self.wanted.send_if_modified(|wanted| {
            let changed = look || wanted.size != size;
            wanted.size = size;
            wanted.looks += u64::from(look);
            changed
        });
    }
}

/// How a program ended, for whoever looked at it.
pub(crate) fn ending(end: &JobEnd) -> String {
    match end {
        JobEnd::Exited { code, .. } => format!("the program ended with exit code {code}"),
        JobEnd::Signaled { signal, .. } => format!("the program was ended by signal {signal}"),
        JobEnd::NotStarted { reason } => format!("the program could not be started: {reason}"),
        JobEnd::Lost => "the program was lost (killed, or the machine restarted)".to_owned(),
    }
}

/// Somebody who looks at a terminal. Dropping it is looking away.
pub struct Viewer {
    terminal: Arc<Terminal>,
    number: u64,
    shown: watch::Receiver<u64>,
    last: Option<Image>,
    over: bool,
}

/// What a viewer is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// To be written to its terminal.
    Drawing(String),
    /// There is nothing more to see: how the program ended.
    Ended(String),
}

impl Viewer {
    /// The next thing to see; waits until there is one. Absent after the end. Cancel safe.
    pub async fn next(&mut self) -> Option<Shown> {
        loop {
            if self.over {
                return None;
            }
            let (image, ended) = {
                self.shown.borrow_and_update();
                let mut state = self.terminal.state();
                state.taken = true;
                (state.image.clone(), state.ended.clone())
            };
            if let Some(image) = image {
                let drawing = image.drawing(self.last.as_ref());
                self.last = Some(image);
                if !drawing.is_empty() {
                    return Some(Shown::Drawing(drawing));
                }
            }
            if let Some(how) = ended {
                self.over = true;
                return Some(Shown::Ended(how));
            }
            let stale = std::mem::take(&mut self.terminal.state().stale);
            if stale {
                self.terminal.agree(true);
            }
            if self.shown.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Its terminal has another size.
    pub fn resize(&self, size: TerminalSize) {
        self.terminal.state().viewers.insert(self.number, size.within_limits());
        self.terminal.agree(false);
    }

    /// The way to the program's input.
    pub fn keyboard(&self) -> Keyboard {
        Keyboard { control: self.terminal.control.clone() }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.terminal.state().viewers.remove(&self.number);
        self.terminal.agree(false);
    }
}

/// Types on a terminal.
#[derive(Clone)]
pub struct Keyboard {
    control: Option<Arc<dyn JobControl>>,
}

impl Keyboard {
    /// Types these bytes, after those typed before.
    ///
    /// # Errors
    /// When the program has ended or does not read.
    pub async fn type_in(&self, bytes: &[u8]) -> Result<(), Refusal> {
        match &self.control {
            Some(control) => control.type_in(bytes).await,
            None => Err(Refusal::conflict("the program has ended")),
        }
    }
}

/// The terminals there are, by session.
#[derive(Default)]
pub(crate) struct Terminals {
    live: Mutex<HashMap<SessionId, Arc<Terminal>>>,
    changed: watch::Sender<u64>,
}

impl Terminals {
    fn live(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Terminal>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session's program has a terminal for as long as the answer lives.
    pub(crate) fn add(self: &Arc<Self>, session: &SessionId, control: Option<Arc<dyn JobControl>>) -> LiveTerminal {
        let terminal = Terminal::new(control);
        self.live().insert(session.clone(), Arc::clone(&terminal));
        self.changed.send_modify(|count| *count += 1);
        LiveTerminal { all: Arc::clone(self), session: session.clone(), terminal }
    }

    /// For waiting until a terminal is there.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Looks at a session's terminal, if it has one now.
    pub(crate) fn open(&self, session: &SessionId, size: TerminalSize) -> Option<Viewer> {
        let terminal = self.live().get(session).cloned()?;
        Some(terminal.open(size))
    }
}

/// Keeps a terminal known.
pub(crate) struct LiveTerminal {
    all: Arc<Terminals>,
    session: SessionId,
    pub(crate) terminal: Arc<Terminal>,
}

impl Drop for LiveTerminal {
    fn drop(&mut self) {
        {
            let mut live = self.all.live();
            if live.get(&self.session).is_some_and(|known| Arc::ptr_eq(known, &self.terminal)) {
                live.remove(&self.session);
            }
        }
        self.terminal.end("the program is followed no more", None);
        self.all.changed.send_modify(|count| *count += 1);
    }
}
