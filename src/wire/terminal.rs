//! A client's terminals: what is to be seen on one goes out when the last of it was taken, so a slow client gets fewer and newer
//! pictures, and never a backlog.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::host::handle::{Keyboard, Shown, Viewer};
use crate::model::Refusal;
use crate::model::terminal::TerminalSize;
use crate::wire::message::notification;
use crate::wire::method::{TERMINAL_ENDED, TERMINAL_OUTPUT};
use crate::wire::outgoing::Outgoing;

/// Pictures follow each other no quicker: more than a person sees, and less work for whoever shows them.
const BETWEEN: Duration = Duration::from_millis(12);

/// The answer to `terminal/open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalOpened {
    /// Its id on this connection.
    pub terminal: String,
}

/// Parameters of `terminal/input`: the text, then the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalInput {
    /// Its id.
    pub terminal: String,
    /// What is typed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What is typed and is no text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bytes: Vec<u8>,
}

/// Parameters of `terminal/resize`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalResize {
    /// Its id.
    pub terminal: String,
    /// Characters in a row of the viewer's terminal.
    pub columns: u16,
    /// Its rows.
    pub rows: u16,
}

/// Parameters of `terminal/close`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalClose {
    /// Its id.
    pub terminal: String,
}

/// The notification `terminal/output`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalOutput {
    /// Which.
    pub terminal: String,
    /// To be written to the viewer's terminal.
    pub text: String,
}

/// The notification `terminal/ended`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalEnded {
    /// Which.
    pub terminal: String,
    /// How the program ended, one sentence.
    pub reason: String,
    /// True when the program goes on, and only the daemon is told to stop.
    #[serde(default)]
    pub goes_on: bool,
}

/// One of a connection's terminals.
struct Open {
    keyboard: Keyboard,
    sizes: tokio::sync::watch::Sender<Option<TerminalSize>>,
    pump: AbortHandle,
}

/// A connection's terminals.
#[derive(Default)]
pub(super) struct Terminals {
    open: HashMap<String, Open>,
    opened: u64,
}

impl Terminals {
    /// Looks away from all of them, and tells the client that only the daemon ends.
    pub(super) fn stop(&mut self) -> Vec<Vec<u8>> {
        let reason = "the daemon was told to stop".to_owned();
        let told = |(terminal, _)| {
            notification(TERMINAL_ENDED, &TerminalEnded { terminal, reason: reason.clone(), goes_on: true })
        };
        self.open.drain().map(told).collect()
    }

    /// How many are open.
    pub(super) fn count(&mut self) -> usize {
        self.open.retain(|_, open| !open.pump.is_finished());
        self.open.len()
    }

    /// A new id.
    pub(super) fn name(&mut self) -> String {
        self.opened += 1;
        format!("t{}", self.opened)
    }

    /// Begins to show what a viewer sees. Looking away ends it, whoever drops this.
    pub(super) fn begin(&mut self, terminal: String, viewer: Viewer, outgoing: Outgoing) {
        let keyboard = viewer.keyboard();
        let sizes = tokio::sync::watch::Sender::new(None);
        let changes = sizes.subscribe();
        let pump = tokio::spawn(pump(terminal.clone(), viewer, changes, outgoing)).abort_handle();
        self.open.insert(terminal, Open { keyboard, sizes, pump });
    }

    /// Where to type.
    pub(super) fn keyboard(&self, terminal: &str) -> Result<Keyboard, Refusal> {
        self.find(terminal).map(|open| open.keyboard.clone())
    }

    /// The viewer's terminal has another size.
    pub(super) fn resize(&self, resize: &TerminalResize) -> Result<(), Refusal> {
        let size = TerminalSize { columns: resize.columns, rows: resize.rows };
        let open = self.find(&resize.terminal)?;
        open.sizes.send_replace(Some(size));
        Ok(())
    }

    /// Looks away.
    pub(super) fn close(&mut self, terminal: &str) -> Result<(), Refusal> {
        self.find(terminal)?;
        self.open.remove(terminal);
        Ok(())
    }

    fn find(&self, terminal: &str) -> Result<&Open, Refusal> {
        self.open.get(terminal).ok_or_else(|| {
            let shown = crate::base::text::visible_line(terminal, 40);
            Refusal::user(format!("there is no terminal `{shown}` open on this connection"))
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Shows until the program has ended or the client is gone.
async fn pump(
    terminal: String,
    mut viewer: Viewer,
    mut sizes: tokio::sync::watch::Receiver<Option<TerminalSize>>,
    outgoing: Outgoing,
) {
    loop {
        let shown = tokio::select! {
            shown = viewer.next() => shown,
            changed = sizes.changed() => {
                if changed.is_err() {
                    return;
                }
                if let Some(size) = *sizes.borrow_and_update() {
                    viewer.resize(size);
                }
                continue;
            }
        };
        let message = match shown {
            None => return,
            Some(Shown::Drawing(text)) => {
                notification(TERMINAL_OUTPUT, &TerminalOutput { terminal: terminal.clone(), text })
            }
            Some(Shown::Ended(reason)) => {
                notification(TERMINAL_ENDED, &TerminalEnded { terminal: terminal.clone(), reason, goes_on: false })
            }
        };
        if outgoing.send_through(message).await.is_err() {
            return;
        }
        sleep(BETWEEN).await;
    }
}
