//! The only door to the engine: submit a command, ask a query, subscribe to events.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::host::bus::{Bus, Subscription};
pub use crate::host::editors::Editor;
use crate::host::editors::Editors;
use crate::host::terminal::Terminals;
pub use crate::host::terminal::{Keyboard, Shown, Viewer};
use crate::model::Refusal;
use crate::model::command::{Command, Receipt};
use crate::model::editor::ToEditor;
use crate::model::id::{CommandId, Seq, SessionId};
use crate::model::query::Query;
use crate::model::session::SessionView;
use crate::model::terminal::TerminalSize;

/// What comes in through the door.
pub(crate) enum Request {
    /// A command with its receipt's way back.
    Submit { id: CommandId, command: Box<Command>, client: String, reply: oneshot::Sender<Result<Receipt, Refusal>> },
    /// A query.
    Query { query: Query, reply: oneshot::Sender<Result<Value, Refusal>> },
    /// Views of sessions as they are now; unknown ids are left out.
    Views { ids: Vec<SessionId>, reply: oneshot::Sender<Vec<SessionView>> },
    /// Whether a session's program is on a terminal, or about to be.
    Terminal { session: SessionId, reply: oneshot::Sender<Result<(), Refusal>> },
    /// How many clients are connected has changed.
    Clients { count: u32 },
    /// Stop: no more commands, agents stay with their shims.
    Shutdown { reply: oneshot::Sender<()> },
}

/// A cheap, cloneable handle to a running engine.
#[derive(Clone)]
pub struct HostHandle {
    requests: mpsc::UnboundedSender<Request>,
    bus: Arc<Bus>,
    terminals: Arc<Terminals>,
    editors: Arc<Editors>,
}

/// How long a terminal is waited for whose program is being started.
const TERMINAL_WITHIN: Duration = Duration::from_secs(30);

impl HostHandle {
    pub(crate) fn new(
        requests: mpsc::UnboundedSender<Request>,
        bus: Arc<Bus>,
        terminals: Arc<Terminals>,
        editors: Arc<Editors>,
    ) -> Self {
        Self { requests, bus, terminals, editors }
    }

    /// Submits a command; the receipt comes when the decision has committed. A repeated id gets the first receipt. `client` names the
    /// face, for "answered by".
    ///
    /// # Errors
    /// The refusal, or that the host is shutting down.
    pub async fn submit(&self, id: CommandId, command: Command, client: &str) -> Result<Receipt, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Submit { id, command: Box::new(command), client: client.to_owned(), reply })?;
        answer.await.map_err(|_| gone())?
    }

    /// Asks a query; the answer's shape is documented with each [`Query`].
    ///
    /// # Errors
    /// The refusal, or that the host is shutting down.
    pub async fn query(&self, query: Query) -> Result<Value, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Query { query, reply })?;
        answer.await.map_err(|_| gone())?
    }

    /// Views of some sessions as they are now, for showing beside events.
    ///
    /// # Errors
    /// When the host is shutting down.
    pub async fn views(&self, ids: Vec<SessionId>) -> Result<Vec<SessionView>, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Views { ids, reply })?;
        answer.await.map_err(|_| gone())
    }

    /// Subscribes to everything after a cursor (absent: from now on).
    pub fn subscribe(&self, after: Option<Seq>, session: Option<SessionId>) -> Subscription {
        self.bus.subscribe(after, session)
    }

    /// The newest published event's number.
    pub fn head(&self) -> Seq {
        self.bus.head()
    }

    /// Looks at the terminal of a session's program with a viewer of this size; waits for a program that is being started.
    ///
    /// # Errors
    /// When the session's program is not on a terminal, or does not come to be there.
    pub async fn open_terminal(&self, session: &SessionId, size: TerminalSize) -> Result<Viewer, Refusal> {
        let mut changes = self.terminals.changes();
        let opened = async {
            loop {
                changes.borrow_and_update();
                if let Some(viewer) = self.terminals.open(session, size) {
                    return Ok(viewer);
                }
                let (reply, answer) = oneshot::channel();
                self.send(Request::Terminal { session: session.clone(), reply })?;
                answer.await.map_err(|_| gone())??;
                if changes.changed().await.is_err() {
                    return Err(gone());
                }
            }
        };
        tokio::time::timeout(TERMINAL_WITHIN, opened).await.unwrap_or_else(|_| {
            let message = format!("its program was not on a terminal within {} s", TERMINAL_WITHIN.as_secs());
            Err(Refusal::environment(message).hint(format!("divisi show {session}")))
        })
    }

    /// Attaches an editor; what agents ask of it comes out of the second half.
    pub fn attach_editor(&self) -> (Editor, mpsc::UnboundedReceiver<ToEditor>) {
        self.editors.attach()
    }

    /// Tells the host how many clients are connected, for its status.
    pub fn set_clients(&self, count: u32) {
        // A host that is gone needs no count.
        let _ = self.requests.send(Request::Clients { count });
    }

    /// Stops the host: open work is committed, agents stay with their shims.
    pub async fn shutdown(&self) {
        let (reply, answer) = oneshot::channel();
        if self.send(Request::Shutdown { reply }).is_ok() {
            let _ = answer.await;
        }
    }

    fn send(&self, request: Request) -> Result<(), Refusal> {
        self.requests.send(request).map_err(|_| gone())
    }
}

fn gone() -> Refusal {
    Refusal::environment("the host is shutting down").hint("try again: the next command starts a new daemon")
}
