//! The control socket: connections, frames in and out.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use crate::process::protocol::{self, Frame, Reply, Request};

/// More connections at once than any daemon makes.
const MAX_CONNECTIONS: usize = 16;
/// One that lets this much lie unread is dropped; what it missed is in the journal.
const MAX_UNREAD: usize = 1 << 20;

/// What one connection asked.
#[derive(Debug)]
pub(super) struct Asked {
    /// Which connection.
    pub(super) connection: u64,
    /// The request, or the id and why it is none.
    pub(super) request: Result<Request, (u64, String)>,
    /// The frame's body.
    pub(super) body: Vec<u8>,
}

#[derive(Debug)]
struct Connection {
    number: u64,
    stream: UnixStream,
    input: Vec<u8>,
    output: Vec<u8>,
    written: usize,
    /// Answers that may be given when the journal is that long.
    held: VecDeque<(u64, Reply)>,
    /// Attached: the journal's length it was told last.
    told: Option<u64>,
    detached: bool,
    broken: bool,
}

/// Who went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// Nobody who was attached.
    Nobody,
    /// The last attached one, without a word.
    LastWithoutDetach,
}

/// The listener and its connections.
#[derive(Debug)]
pub(super) struct Control {
    listener: UnixListener,
    connections: Vec<Connection>,
    next: u64,
}

impl Control {
    pub(super) fn new(listener: UnixListener) -> Self {
        Self { listener, connections: Vec::new(), next: 1 }
    }

    pub(super) fn listener(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// Every connection: its number, its descriptor, and whether something waits to be written to it.
    pub(super) fn connections(&self) -> impl Iterator<Item = (u64, BorrowedFd<'_>, bool)> {
        self.connections.iter().map(|one| (one.number, one.stream.as_fd(), !one.output.is_empty()))
    }

    /// Takes those who called, as far as they belong to the same user.
    pub(super) fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let own = rustix::process::getuid();
            let same = rustix::net::sockopt::socket_peercred(&stream).is_ok_and(|peer| peer.uid == own);
            if !same || self.connections.len() >= MAX_CONNECTIONS || stream.set_nonblocking(true).is_err() {
                continue;
            }
            self.connections.push(Connection {
                number: self.next,
                stream,
                input: Vec::new(),
                output: Vec::new(),
                written: 0,
                held: VecDeque::new(),
                told: None,
                detached: false,
                broken: false,
            });
            self.next += 1;
        }
    }

    /// Reads what a connection sent, and returns its whole requests.
    pub(super) fn receive(&mut self, number: u64, buffer: &mut [u8]) -> Vec<Asked> {
        let Some(connection) = self.connections.iter_mut().find(|one| one.number == number) else { return Vec::new() };
        match connection.stream.read(buffer) {
            Ok(0) => connection.broken = true,
            Ok(count) => connection.input.extend_from_slice(&buffer[..count]),
            Err(error) if is_passing(&error) => {}
            Err(_) => connection.broken = true,
        }
        connection.take_requests()
    }

    /// Answers a request once the journal is `after` long.
    pub(super) fn answer(&mut self, number: u64, reply: Reply, after: u64) {
        if let Some(connection) = self.connections.iter_mut().find(|one| one.number == number) {
            connection.held.push_back((after, reply));
        }
    }

    /// A connection attached.
    pub(super) fn attach(&mut self, number: u64) {
        if let Some(connection) = self.connections.iter_mut().find(|one| one.number == number) {
            connection.told = connection.told.or(Some(0));
        }
    }

    /// A connection goes on purpose. True when it was the last attached one.
    pub(super) fn detach(&mut self, number: u64) -> bool {
        let Some(connection) = self.connections.iter_mut().find(|one| one.number == number) else { return false };
        let was_attached = connection.told.take().is_some();
        connection.detached = true;
        was_attached && !self.is_attached()
    }

    fn is_attached(&self) -> bool {
        self.connections.iter().any(|one| one.told.is_some())
    }

    /// Gives the answers that may be given, tells the journal's length, writes what can be written, and forgets who went.
    pub(super) fn pump(&mut self, journal: u64) -> Gone {
        let was_attached = self.is_attached();
        for connection in &mut self.connections {
            connection.pump(journal);
        }
        self.connections.retain(|one| !one.broken);
        if was_attached && !self.is_attached() { Gone::LastWithoutDetach } else { Gone::Nobody }
    }
}

impl Connection {
    fn take_requests(&mut self) -> Vec<Asked> {
        let mut asked = Vec::new();
        let mut taken = 0;
        while !self.broken {
            match protocol::decode::<serde_json::Value>(&self.input[taken..]) {
                Ok(None) => break,
                Ok(Some(Frame { head, body, length })) => {
                    taken += length;
                    let Some(id) = head.get("id").and_then(serde_json::Value::as_u64) else {
                        self.broken = true;
                        break;
                    };
                    let request = understand(id, head);
                    asked.push(Asked { connection: self.number, request, body });
                }
                Err(_) => self.broken = true,
            }
        }
        self.input.drain(..taken);
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        asked
    }

    fn pump(&mut self, journal: u64) {
        while self.held.front().is_some_and(|&(after, _)| after <= journal) {
            if let Some((_, reply)) = self.held.pop_front() {
                protocol::encode(&mut self.output, &reply, b"");
            }
        }
        loop {
            // Told only when the last word was taken: a slow daemon gets the newest length, not all of them.
            if self.output.is_empty() && self.told.is_some_and(|told| told < journal) {
                self.told = Some(journal);
                protocol::encode(&mut self.output, &Reply::Length(journal), b"");
            }
            self.write();
            // What grew while an earlier word waited is told as soon as that is taken: nothing else may ever wake the daemon.
            if self.broken || !self.output.is_empty() || self.told.is_none_or(|told| told >= journal) {
                break;
            }
        }
        self.broken |= self.output.len() > MAX_UNREAD;
    }

    /// Writes what can be written.
    fn write(&mut self) {
        while self.written < self.output.len() && !self.broken {
            match self.stream.write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.broken = true,
            }
        }
        if self.written >= self.output.len() {
            self.output.clear();
            self.written = 0;
        }
    }
}

fn understand(id: u64, head: serde_json::Value) -> Result<Request, (u64, String)> {
    let version = head.get("version").and_then(serde_json::Value::as_u64);
    if version != Some(u64::from(protocol::VERSION)) {
        let asked = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
        return Err((id, format!("this shim speaks version {} of its protocol, not {asked}", protocol::VERSION)));
    }
    serde_json::from_value(head).map_err(|error| (id, format!("this shim does not understand the request: {error}")))
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
