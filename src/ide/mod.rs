//! Endpoints for agents that look for an editor by themselves: Claude Code's IDE protocol.
//!
//! One port on loopback, with a token of its own, for each process that shows its own interface; so a question is always that of one
//! session, and goes to the editor that shows its worktree. The daemon keeps them: agents live longer than editors, and several
//! editors may look. What is said is MCP over a `WebSocket`, as <https://github.com/coder/claudecode.nvim/blob/main/PROTOCOL.md> and
//! Claude Code 2.1.329 have it.
//!
//! - [`lock`]: the file by which the agent finds the port and the token, and our own note of it.
//! - [`server`]: accepts, checks, and talks; [`mcp`] reads messages, [`tools`] knows what can be asked and how it is answered.

mod lock;
mod mcp;
mod server;
mod tools;

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::AbortHandle;

use crate::host::port::{EditorDoor, Endpoint, EndpointSpec, Endpoints};
use crate::model::Refusal;
use crate::model::editor::EditorProtocol;
use crate::model::id::JobId;
use lock::Note;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 16;

/// Opens endpoints; knows those of the daemon before.
pub struct IdeEndpoints {
    /// Where our notes are.
    notes: PathBuf,
    /// What an earlier daemon had open, by process.
    earlier: Mutex<HashMap<String, Note>>,
}

impl IdeEndpoints {
    /// Reads what an earlier daemon left, and takes its lock files away: nobody listens there until a process is found again.
    pub fn new(state_dir: &Path) -> Self {
        let notes = state_dir.join("endpoints");
        let earlier = Mutex::new(lock::take_all(&notes));
        Self { notes, earlier }
    }

    fn start(
        &self,
        job: &JobId,
        note: Note,
        listener: TcpListener,
        door: Arc<dyn EditorDoor>,
    ) -> Result<Box<dyn Endpoint>, Refusal> {
        let note_file = lock::note_file(&self.notes, job.as_str());
        let written = lock::write(&note_file, &note);
        // From here on what was written goes with it.
        let mut open = OpenEndpoint { note, note_file, server: None };
        written.map_err(|error| {
            Refusal::environment(format!("failed to write {}: {error}", open.note.lock.display()))
                .hint("see who owns that directory")
        })?;
        let talk = server::Talk { token: open.note.token.clone(), worktree: open.note.worktree.clone(), door };
        open.server = Some(tokio::spawn(server::run(listener, Arc::new(talk))).abort_handle());
        Ok(Box::new(open))
    }
}

struct OpenEndpoint {
    note: Note,
    note_file: PathBuf,
    server: Option<AbortHandle>,
}

impl Endpoint for OpenEndpoint {
    fn variables(&self) -> BTreeMap<String, String> {
        let pairs =
            [("CLAUDE_CODE_SSE_PORT", self.note.port.to_string()), ("ENABLE_IDE_INTEGRATION", "true".to_owned())];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn close(self: Box<Self>) {
        // Found again at the next start and taken away then, if it cannot be now.
        let _ = std::fs::remove_file(&self.note_file);
    }
}

impl Drop for OpenEndpoint {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
        lock::remove(&self.note);
    }
}

#[async_trait]
impl Endpoints for IdeEndpoints {
    async fn open(&self, spec: &EndpointSpec, door: Arc<dyn EditorDoor>) -> Result<Box<dyn Endpoint>, Refusal> {
        let EditorProtocol::Claude = spec.protocol;
        let directory = lock::directory(&spec.environment)
            .ok_or_else(|| Refusal::user("neither CLAUDE_CONFIG_DIR nor HOME is an absolute path"))?;
        let (listener, port) = listen(0).map_err(|error| unbound(0, &error))?;
        let lock = directory.join(format!("{port}.lock"));
        let note = Note { port, token: fresh_token()?, lock, worktree: spec.worktree.clone() };
        self.start(&spec.job, note, listener, door)
    }

    async fn reopen(&self, job: &JobId, door: Arc<dyn EditorDoor>) -> Result<Option<Box<dyn Endpoint>>, Refusal> {
        let known = self.earlier.lock().unwrap_or_else(PoisonError::into_inner).remove(job.as_str());
        let Some(note) = known else { return Ok(None) };
        let (listener, _) = listen(note.port).map_err(|error| unbound(note.port, &error))?;
        self.start(job, note, listener, door).map(Some)
    }
}

fn listen(port: u16) -> std::io::Result<(TcpListener, u16)> {
    let socket = TcpSocket::new_v4()?;
    // Connections of the daemon before may still be closing when its successor listens here; both have to say that this is well.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let listener = socket.listen(BACKLOG)?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

fn unbound(port: u16, error: &std::io::Error) -> Refusal {
    let which = if port == 0 { "a port".to_owned() } else { format!("port {port}") };
    Refusal::environment(format!("failed to listen on {which} of the loopback interface: {error}"))
}

/// 128 random bits.
fn fresh_token() -> Result<String, Refusal> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Refusal::environment(format!("the system has no random numbers: {error}")))?;
    Ok(crate::base::hex::encode(&random))
}
