//! A host that answers without doing anything, behind the real bus, and a daemon made of it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::base::paths::Paths;
use crate::host::bus::Bus;
use crate::host::handle::{HostHandle, Request};
use crate::host::port::{Batch, DamagedEvent, LiveRows, Row, Store, Table};
use crate::model::command::{Command, Outcome, Receipt};
use crate::model::id::{CommandId, Seq, SessionId, TurnId};
use crate::model::query::Query;
use crate::model::{Cause, Envelope, Event, Refusal};
use crate::wire::serve::{About, Limits, Server};
use crate::wire::socket::bind;
use crate::wire::stop::Stop;

/// Nothing here may take longer.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Default)]
pub(super) struct FakeStore(Mutex<Vec<Envelope>>);

impl Store for FakeStore {
    fn append(&self, batch: Batch, committed: Box<dyn FnOnce() + Send>) {
        self.0.lock().unwrap().extend(batch.events);
        committed();
    }
    fn head(&self) -> Seq {
        self.0.lock().unwrap().last().map_or(Seq(0), |event| event.seq)
    }
    fn blocked(&self) -> Option<String> {
        None
    }
    fn events(&self, after: Seq, session: Option<&SessionId>, limit: usize) -> Result<Vec<Envelope>, Refusal> {
        let events = self.0.lock().unwrap();
        let wanted =
            |event: &&Envelope| event.seq > after && session.is_none_or(|id| event.session.as_ref() == Some(id));
        Ok(events.iter().filter(wanted).take(limit).cloned().collect())
    }
    fn before_last(&self, session: &SessionId, count: u32) -> Result<Seq, Refusal> {
        let events = self.0.lock().unwrap();
        let mut own = events.iter().rev().filter(|event| event.session.as_ref() == Some(session));
        Ok(own.nth(count as usize).map_or(Seq(0), |event| event.seq))
    }
    fn damaged_event(&self, _: Seq, _: Option<&SessionId>) -> Result<Option<DamagedEvent>, Refusal> {
        Ok(None)
    }
    fn live_rows(&self, _: Table) -> Result<LiveRows, Refusal> {
        Ok(LiveRows::default())
    }
    fn ended_rows(&self, _: Table) -> Result<LiveRows, Refusal> {
        Ok(LiveRows::default())
    }

    fn row(&self, _: Table, _: &str) -> Result<Option<Row>, Refusal> {
        Ok(None)
    }
    fn rows_of(&self, _: Table, _: &SessionId) -> Result<Vec<Row>, Refusal> {
        Ok(Vec::new())
    }
    fn verify(&self) -> Result<Vec<String>, Refusal> {
        Ok(Vec::new())
    }
    fn path(&self) -> String {
        "memory".to_owned()
    }
}

/// What the fake host was asked, and what it is to say.
pub(super) struct FakeHost {
    pub(super) store: Arc<FakeStore>,
    bus: Arc<Bus>,
    pub(super) handle: HostHandle,
    pub(super) commands: Arc<Mutex<Vec<(CommandId, Command, String)>>>,
    /// Requests for the session `slow` wait for this.
    pub(super) gate: watch::Sender<bool>,
    /// What `daemon/status` says is running.
    pub(super) running: Arc<Mutex<u32>>,
}

impl FakeHost {
    pub(super) fn start(store: Arc<FakeStore>) -> Self {
        let (requests, inbox) = mpsc::unbounded_channel();
        let bus = Bus::new(Arc::clone(&store) as Arc<dyn Store>);
        let host = Self {
            handle: HostHandle::new(requests, Arc::clone(&bus), Arc::default(), Arc::default()),
            store,
            bus,
            commands: Arc::default(),
            gate: watch::Sender::new(false),
            running: Arc::default(),
        };
        tokio::spawn(answer(
            inbox,
            Arc::clone(&host.store),
            Arc::clone(&host.commands),
            host.gate.clone(),
            Arc::clone(&host.running),
        ));
        host
    }

    /// Commits and publishes events of a session.
    pub(super) fn publish(&self, count: u64, make: impl Fn(u64) -> Event) {
        let first = self.store.head().0 + 1;
        let events: Vec<_> = (first..first + count).map(|seq| envelope(seq, make(seq))).collect();
        self.store.append(Batch { events: events.clone(), rows: Vec::new() }, Box::new(|| {}));
        let shared: Vec<_> = events.into_iter().map(Arc::new).collect();
        self.bus.publish(&shared);
    }
}

pub(super) fn envelope(seq: u64, event: Event) -> Envelope {
    Envelope { seq: Seq(seq), time: 0, session: Some(SessionId::from("s")), cause: Cause::Host, event }
}

pub(super) fn said(seq: u64) -> Event {
    Event::AgentMessage { turn: TurnId::from("s.t1"), text: format!("word {seq}") }
}

async fn answer(
    mut inbox: mpsc::UnboundedReceiver<Request>,
    store: Arc<FakeStore>,
    commands: Arc<Mutex<Vec<(CommandId, Command, String)>>>,
    gate: watch::Sender<bool>,
    running: Arc<Mutex<u32>>,
) {
    let mut receipts: HashMap<String, Receipt> = HashMap::new();
    while let Some(request) = inbox.recv().await {
        match request {
            Request::Submit { id, command, client, reply } => {
                let receipt = receipts.entry(id.as_str().to_owned()).or_insert_with(|| {
                    commands.lock().unwrap().push((id.clone(), *command, client));
                    Receipt { command: id, seq: store.head(), outcome: Outcome::Done }
                });
                let _ = reply.send(Ok(receipt.clone()));
            }
            Request::Query { query: Query::DaemonStatus {}, reply } => {
                let running = *running.lock().unwrap();
                let _ = reply.send(Ok(json!({
                    "pid": 1, "version": "0", "protocol": 1, "started_at": 0, "socket": "", "database": "", "log": "",
                    "head": 0, "sessions": running, "running": running, "clients": 0, "git_processes": 0, "blocked": null,
                })));
            }
            Request::Query { query: Query::ShowSession(show), reply } if show.session == "slow" => {
                let mut gate = gate.subscribe();
                tokio::spawn(async move {
                    let _ = gate.wait_for(|open| *open).await;
                    let _ = reply.send(Ok(json!("slow")));
                });
            }
            Request::Query { query: Query::ShowSession(show), reply } => {
                let refusal = Refusal::conflict(format!("no session {}", show.session)).hint("divisi list");
                let _ = reply.send(Err(refusal));
            }
            Request::Query { reply, .. } => {
                let _ = reply.send(Ok(json!([])));
            }
            Request::Views { reply, .. } => {
                let _ = reply.send(Vec::new());
            }
            Request::Terminal { session, reply } => {
                let _ = reply.send(Err(Refusal::conflict(format!("{session} is not on a terminal"))));
            }
            Request::Clients { .. } => {}
            Request::Shutdown { reply } => {
                let _ = reply.send(());
            }
        }
    }
}

/// A directory with everything a daemon needs.
pub(super) struct Home {
    pub(super) paths: Paths,
    _dir: TempDir,
}

impl Home {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().as_os_str().to_owned();
        let lookup = |name: &str| (name == "HOME").then(|| home.clone());
        Self { paths: Paths::compute(lookup, Path::new("/nowhere")).unwrap(), _dir: dir }
    }
}

/// A served fake host.
pub(super) struct Daemon {
    pub(super) host: FakeHost,
    pub(super) stop: Stop,
    pub(super) clients: watch::Receiver<u32>,
    serving: JoinHandle<()>,
}

impl Daemon {
    pub(super) fn start(paths: &Paths, limits: Limits) -> Self {
        Self::with(paths, limits, 1, Arc::default())
    }

    pub(super) fn with(paths: &Paths, limits: Limits, protocol: u32, store: Arc<FakeStore>) -> Self {
        let host = FakeHost::start(store);
        let stop = Stop::new();
        let about = About { version: "9.9.9".to_owned(), protocol, pid: 7, generation: "g".to_owned() };
        let server = Server::new(bind(paths).unwrap(), host.handle.clone(), about, limits, stop.clone());
        let clients = server.clients();
        Self { host, stop, clients, serving: tokio::spawn(server.run()) }
    }

    /// Stops it and waits until it is gone; what it stored stays.
    pub(super) async fn end(self) -> Arc<FakeStore> {
        self.stop.trigger();
        within(self.serving).await.unwrap();
        self.host.store
    }
}

impl Daemon {
    /// Ends it at once, without a word to anyone; what it stored stays.
    pub(super) async fn die(self) -> Arc<FakeStore> {
        self.serving.abort();
        assert!(within(self.serving).await.is_err());
        self.host.store
    }
}

pub(super) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work).await.expect("it takes no longer than the deadline")
}

/// A client without manners: bytes in, bytes out.
pub(super) struct Raw(pub(super) UnixStream);

impl Raw {
    pub(super) async fn connect(paths: &Paths) -> Self {
        Self(within(UnixStream::connect(&paths.socket)).await.unwrap())
    }

    pub(super) async fn greeted(paths: &Paths) -> Self {
        let mut raw = Self::connect(paths).await;
        raw.say(r#"{"jsonrpc":"2.0","id":0,"method":"hello","params":{"client":"raw","protocol":{"min":1,"max":1}}}"#)
            .await;
        assert!(raw.line().await.unwrap().contains("\"protocol\":1"));
        raw
    }

    pub(super) async fn say(&mut self, line: &str) {
        within(self.0.write_all(format!("{line}\n").as_bytes())).await.unwrap();
    }

    /// The next line; absent when the connection is closed.
    pub(super) async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            match within(self.0.read_u8()).await {
                Ok(b'\n') => return Some(String::from_utf8(line).unwrap()),
                Ok(byte) => line.push(byte),
                Err(_) => return None,
            }
        }
    }

    /// The next line as JSON.
    pub(super) async fn json(&mut self) -> serde_json::Value {
        serde_json::from_str(&self.line().await.expect("the connection is open")).unwrap()
    }
}
