//! One client's connection: requests in, responses and events out.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use serde::Serialize;
use serde_json::json;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};

use crate::base::clock;
use crate::base::text::visible_line;
use crate::host::handle::{HostHandle, Viewer};
use crate::model::Refusal;
use crate::model::id::CommandId;
use crate::model::query::{DaemonStatus, Query};
use crate::model::terminal::OpenTerminal;
use crate::wire::decode::{Call, Incoming, decode};
use crate::wire::editor::AttachedEditor;
use crate::wire::error::{CONFLICT, ErrorObject, INTERNAL, INVALID_REQUEST, PARSE, PROTOCOL_MISMATCH};
use crate::wire::line::{LONGEST_ANSWER, LONGEST_REQUEST, Line, LineReader};
use crate::wire::message::{Hello, Id, Subscribe, Subscribed, Unsubscribe, Welcome, failure, success};
use crate::wire::method::DAEMON_STOP;
use crate::wire::outgoing::{Gone, Outgoing};
use crate::wire::serve::Shared;
use crate::wire::subscription::{closed, pump};
use crate::wire::terminal::{TerminalOpened, Terminals};

/// How far the two ends have come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing but `hello` is served.
    Greeting,
    /// `hello` failed because of the protocol: only what every protocol has is served, so that the daemon can be replaced.
    Mismatched,
    /// Everything is served.
    Open,
}

/// Whether the connection goes on.
type Goes = Result<(), Gone>;

/// Serves one connection until either end closes it.
pub(super) async fn run(stream: UnixStream, shared: Arc<Shared>) {
    let (read, write) = stream.into_split();
    let (outgoing, writing) = Outgoing::new(write, shared.limits.stall);
    let mut writer = tokio::spawn(writing);
    let drain = shared.limits.drain;
    let mut connection = Connection::new(shared, outgoing);
    let told = tokio::select! {
        () = connection.read(LineReader::new(read, LONGEST_REQUEST)) => true,
        // The client does not read any more: there is no one to answer.
        _ = &mut writer => false,
    };
    if told {
        connection.finish().await;
        drop(connection);
        if timeout(drain, &mut writer).await.is_err() {
            writer.abort();
        }
    }
}

struct Connection {
    shared: Arc<Shared>,
    outgoing: Outgoing,
    stage: Stage,
    client: String,
    tasks: JoinSet<()>,
    slots: Arc<Semaphore>,
    subscriptions: HashMap<String, AbortHandle>,
    pumps: JoinSet<()>,
    subscribed: u64,
    terminals: Terminals,
    /// Present once the client has said that it is one.
    editor: Option<AttachedEditor>,
    /// Terminals that are looked for, with their request.
    looking: JoinSet<(Option<Id>, Result<Viewer, Refusal>)>,
}

impl Connection {
    fn new(shared: Arc<Shared>, outgoing: Outgoing) -> Self {
        let slots = Arc::new(Semaphore::new(shared.limits.in_flight));
        Self {
            shared,
            outgoing,
            stage: Stage::Greeting,
            client: String::new(),
            tasks: JoinSet::new(),
            slots,
            subscriptions: HashMap::new(),
            pumps: JoinSet::new(),
            subscribed: 0,
            terminals: Terminals::default(),
            editor: None,
            looking: JoinSet::new(),
        }
    }

    async fn read(&mut self, mut lines: LineReader<OwnedReadHalf>) {
        let stop = self.shared.stop.clone();
        let greeted_by = Instant::from_std(clock::instant()) + self.shared.limits.hello;
        loop {
            while self.tasks.try_join_next().is_some() {}
            while self.pumps.try_join_next().is_some() {}
            let greeting = self.stage == Stage::Greeting;
            let next = async {
                if greeting { timeout_at(greeted_by, lines.next()).await.ok() } else { Some(lines.next().await) }
            };
            let line = tokio::select! {
                () = stop.requested() => return,
                Some(found) = self.looking.join_next() => {
                    if self.found(found).await.is_err() {
                        return;
                    }
                    continue;
                }
                line = next => line,
            };
            let goes = match line {
                Some(Ok(Line::Full(line))) => self.serve(&line).await,
                Some(Ok(Line::TooLong)) => {
                    let error = ErrorObject::new(PARSE, format!("the line is longer than {LONGEST_REQUEST} bytes"));
                    // The connection ends in any case: where the next message begins is unknown.
                    let _ = self.outgoing.send(failure(None, &error)).await;
                    return;
                }
                Some(Ok(Line::End { partial: true })) => {
                    let error = ErrorObject::new(PARSE, "the connection was closed in the middle of a line");
                    let _ = self.outgoing.send(failure(None, &error)).await;
                    return;
                }
                Some(Ok(Line::End { partial: false }) | Err(_)) => return,
                None => {
                    let error = ErrorObject::new(INVALID_REQUEST, "`hello` did not come in time");
                    let _ = self.outgoing.send(failure(None, &error)).await;
                    return;
                }
            };
            if goes.is_err() {
                return;
            }
        }
    }

    /// Lets requests that are being worked on finish; subscriptions end.
    async fn finish(&mut self) {
        self.looking.abort_all();
        // Nobody answers any more: whoever asked is to hear so now.
        self.editor = None;
        let terminals = self.terminals.stop();
        self.pumps.abort_all();
        while self.pumps.join_next().await.is_some() {}
        if self.shared.stop.is_triggered() {
            for ended in terminals {
                if !matches!(timeout(self.shared.limits.drain, self.outgoing.send(ended)).await, Ok(Ok(()))) {
                    break;
                }
            }
            let refusal = Refusal::environment("the daemon was told to stop");
            for subscription in std::mem::take(&mut self.subscriptions).into_keys() {
                let closed = closed(&subscription, refusal.clone());
                if !matches!(timeout(self.shared.limits.drain, self.outgoing.send(closed)).await, Ok(Ok(()))) {
                    break;
                }
            }
        }
        let drained =
            timeout(self.shared.limits.drain, async { while self.tasks.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tracing::warn!("{} requests of {} were not answered in time", self.tasks.len(), self.client);
        }
    }

    async fn serve(&mut self, line: &[u8]) -> Goes {
        match decode(line) {
            Ok(Incoming { id, call: Call::Hello(hello) }) => self.greet(id, hello).await,
            Ok(Incoming { id, call }) if self.is_served(&call) => self.call(id, call).await,
            Ok(Incoming { id, .. }) => {
                let error = match self.stage {
                    Stage::Mismatched => {
                        ErrorObject::new(PROTOCOL_MISMATCH, "only `daemon/status` and `daemon/stop` are served")
                    }
                    Stage::Greeting | Stage::Open => ErrorObject::new(INVALID_REQUEST, "`hello` has to come first"),
                };
                self.refuse(id, &error).await
            }
            Err(rejected) => {
                if rejected.answer {
                    self.outgoing.send(failure(rejected.id.as_ref(), &rejected.error)).await?;
                }
                // Whatever talks like this before `hello` is no client of ours.
                if self.stage == Stage::Greeting && rejected.error.code == PARSE { Err(Gone) } else { Ok(()) }
            }
        }
    }

    fn is_served(&self, call: &Call) -> bool {
        match self.stage {
            Stage::Open => true,
            Stage::Greeting => false,
            Stage::Mismatched => match call {
                Call::StopDaemon => true,
                Call::Query(query) => matches!(**query, Query::DaemonStatus {}),
                _ => false,
            },
        }
    }

    async fn greet(&mut self, id: Option<Id>, hello: Hello) -> Goes {
        if self.stage != Stage::Greeting {
            return self.refuse(id, &ErrorObject::new(INVALID_REQUEST, "`hello` was said already")).await;
        }
        let about = self.shared.about.clone();
        if !(hello.protocol.min..=hello.protocol.max).contains(&about.protocol) {
            self.stage = Stage::Mismatched;
            let running = self.running().await;
            let error = ErrorObject::new(
                PROTOCOL_MISMATCH,
                format!(
                    "the daemon (divisi {}) speaks protocol {}, the client {} to {}",
                    about.version, about.protocol, hello.protocol.min, hello.protocol.max
                ),
            )
            .hint("divisi daemon restart    # agents keep running")
            .with("protocol", about.protocol)
            .with("version", about.version)
            .with("running", running);
            return self.refuse(id, &error).await;
        }
        self.stage = Stage::Open;
        self.client = visible_line(&hello.client, 40);
        tracing::debug!("{} {} connected", self.client, visible_line(&hello.version, 40));
        let welcome = Welcome {
            version: about.version,
            protocol: about.protocol,
            pid: about.pid,
            generation: about.generation,
            head: self.shared.host.head(),
        };
        self.succeed(id, &welcome).await
    }

    /// Sessions whose agent runs; all of them when the host cannot say.
    async fn running(&self) -> u32 {
        let status = self.shared.host.query(Query::DaemonStatus {}).await;
        status
            .ok()
            .and_then(|value| serde_json::from_value::<DaemonStatus>(value).ok())
            .map_or(u32::MAX, |status| status.running)
    }

    async fn call(&mut self, id: Option<Id>, call: Call) -> Goes {
        match call {
            Call::Hello(_) => Ok(()),
            Call::Subscribe(subscribe) => self.subscribe(id, subscribe).await,
            Call::Unsubscribe(unsubscribe) => self.unsubscribe(id, &unsubscribe).await,
            Call::OpenTerminal(open) => self.open_terminal(id, open).await,
            Call::TypeIn(input) => match self.terminals.keyboard(&input.terminal) {
                Ok(keyboard) => {
                    let work = async move {
                        keyboard.type_in(&[input.text.as_bytes(), &input.bytes].concat()).await?;
                        Ok(json!({}))
                    };
                    self.begin(id, move |_| Box::pin(work)).await
                }
                Err(refusal) => self.refuse(id, &refusal.into()).await,
            },
            Call::ResizeTerminal(resize) => {
                let result = self.terminals.resize(&resize).map(|()| json!({}));
                self.answer(id, result).await
            }
            Call::CloseTerminal(close) => {
                let result = self.terminals.close(&close.terminal).map(|()| json!({}));
                self.answer(id, result).await
            }
            Call::Editor(call) => {
                let result = AttachedEditor::serve(&mut self.editor, call, &self.shared.host, &self.outgoing)
                    .map(|()| json!({}));
                self.answer(id, result).await
            }
            Call::StopDaemon => {
                tracing::info!("{DAEMON_STOP} was asked for by {}", self.client);
                self.succeed(id, &json!({ "stopping": true })).await?;
                self.shared.stop.trigger();
                Ok(())
            }
            Call::Command(command_id, command) => {
                let command_id = command_id.unwrap_or_else(fresh_command_id);
                let client = self.client.clone();
                self.begin(id, move |host| Box::pin(async move { host.submit(command_id, *command, &client).await }))
                    .await
            }
            Call::Query(query) => self.begin(id, move |host| Box::pin(async move { host.query(*query).await })).await,
        }
    }

    /// Begins a request at once, so that commands reach the host in the order in which they came, and answers it when it is done.
    async fn begin<T, F>(&mut self, id: Option<Id>, work: F) -> Goes
    where
        T: Serialize + 'static,
        F: FnOnce(HostHandle) -> Pin<Box<dyn Future<Output = Result<T, Refusal>> + Send>>,
    {
        let permit = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Gone)?;
        let mut work = work(self.shared.host.clone());
        match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
            Poll::Ready(result) => self.answer(id, result).await,
            Poll::Pending => {
                let outgoing = self.outgoing.clone();
                self.tasks.spawn(async move {
                    let result = work.await;
                    if let Some(bytes) = response(id.as_ref(), result) {
                        // Nobody is left to read it when this fails.
                        let _ = outgoing.send(bytes).await;
                    }
                    drop(permit);
                });
                Ok(())
            }
        }
    }

    /// Looks for a terminal, which may take until its program is there; nothing else waits for it.
    async fn open_terminal(&mut self, id: Option<Id>, open: OpenTerminal) -> Goes {
        let open_already = self.terminals.count() + self.looking.len();
        if open_already >= self.shared.limits.subscriptions {
            let error = ErrorObject::new(CONFLICT, format!("this connection has {open_already} terminals already"));
            return self.refuse(id, &error).await;
        }
        let host = self.shared.host.clone();
        self.looking.spawn(async move { (id, host.open_terminal(&open.session, open.size()).await) });
        Ok(())
    }

    /// A terminal was found, or not.
    async fn found(&mut self, found: Result<(Option<Id>, Result<Viewer, Refusal>), JoinError>) -> Goes {
        match found {
            Ok((id, Ok(viewer))) => {
                let terminal = self.terminals.name();
                self.succeed(id, &TerminalOpened { terminal: terminal.clone() }).await?;
                self.terminals.begin(terminal, viewer, self.outgoing.clone());
                Ok(())
            }
            Ok((id, Err(refusal))) => self.refuse(id, &refusal.into()).await,
            Err(error) => {
                tracing::error!("a terminal was looked for in vain: {error}");
                Ok(())
            }
        }
    }

    async fn subscribe(&mut self, id: Option<Id>, subscribe: Subscribe) -> Goes {
        let head = self.shared.host.head();
        self.subscriptions.retain(|_, pump| !pump.is_finished());
        if self.subscriptions.len() >= self.shared.limits.subscriptions {
            let error = ErrorObject::new(
                CONFLICT,
                format!("this connection has {} subscriptions already", self.subscriptions.len()),
            );
            return self.refuse(id, &error).await;
        }
        if let Some(after) = subscribe.after.filter(|after| *after > head) {
            let refusal = Refusal::conflict(format!(
                "failed to subscribe after event {after}: the newest is {head}, so this is not the database it was seen in"
            ));
            return self.refuse(id, &refusal.hint("subscribe anew without `after`").into()).await;
        }
        self.subscribed += 1;
        let subscription = format!("s{}", self.subscribed);
        let events = self.shared.host.subscribe(Some(subscribe.after.unwrap_or(head)), subscribe.session);
        self.succeed(id, &Subscribed { subscription: subscription.clone(), head }).await?;
        let work = pump(subscription.clone(), events, subscribe.views, self.shared.host.clone(), self.outgoing.clone());
        let pump = self.pumps.spawn(work);
        self.subscriptions.insert(subscription, pump);
        Ok(())
    }

    async fn unsubscribe(&mut self, id: Option<Id>, unsubscribe: &Unsubscribe) -> Goes {
        if let Some(pump) = self.subscriptions.remove(&unsubscribe.subscription) {
            pump.abort();
            return self.succeed(id, &json!({})).await;
        }
        let shown = visible_line(&unsubscribe.subscription, 40);
        let refusal = Refusal::user(format!("there is no subscription `{shown}` on this connection"));
        self.refuse(id, &refusal.into()).await
    }

    async fn answer<T: Serialize>(&self, id: Option<Id>, result: Result<T, Refusal>) -> Goes {
        match response(id.as_ref(), result) {
            Some(bytes) => self.outgoing.send(bytes).await,
            None => Ok(()),
        }
    }

    async fn succeed(&self, id: Option<Id>, result: &impl Serialize) -> Goes {
        self.answer(id, Ok(result)).await
    }

    async fn refuse(&self, id: Option<Id>, error: &ErrorObject) -> Goes {
        match id {
            Some(id) => self.outgoing.send(failure(Some(&id), error)).await,
            None => Ok(()),
        }
    }
}

/// The response to a request; absent when none is wanted.
fn response<T: Serialize>(id: Option<&Id>, result: Result<T, Refusal>) -> Option<Vec<u8>> {
    let id = id?;
    let bytes = match result {
        Ok(result) => success(id, &result),
        Err(refusal) => failure(Some(id), &refusal.into()),
    };
    if bytes.len() <= LONGEST_ANSWER {
        return Some(bytes);
    }
    let error = ErrorObject::new(INTERNAL, format!("the answer has {} bytes, more than {LONGEST_ANSWER}", bytes.len()))
        .hint("ask for less at once: `stat_only`, a `limit`");
    Some(failure(Some(id), &error))
}

/// A command's id for clients that give none: 128 random bits.
pub(super) fn fresh_command_id() -> CommandId {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).expect("the system has randomness");
    let hex = random.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    CommandId(hex)
}
