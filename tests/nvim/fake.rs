//! A daemon that says what the test tells it to: JSON-RPC on a unix socket, sessions and events from a script.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What the fake knows.
#[derive(Default)]
pub(crate) struct State {
    seq: u64,
    events: Vec<Value>,
    sessions: Vec<Value>,
    approvals: Vec<Value>,
    /// Methods and parameters, as they came in.
    pub(crate) calls: Vec<(String, Value)>,
    /// Answers of the test's own, by method.
    pub(crate) answers: HashMap<String, Result<Value, Value>>,
    subscribers: Vec<mpsc::UnboundedSender<String>>,
}

/// A scripted daemon.
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    pub(crate) socket: PathBuf,
    tasks: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// The daemon's order, for the states that tests use.
fn attention(state: &Value, unread: &Value) -> u8 {
    match (state.as_str(), unread.as_bool()) {
        (Some("awaiting_input"), _) => 0,
        (Some("failed"), _) => 1,
        (Some("review"), Some(true)) => 3,
        (Some("running"), _) => 4,
        (Some("review"), _) => 7,
        _ => 8,
    }
}

/// A session as the daemon shows it.
pub(crate) fn view(id: &str, name: &str, state: &str, repository: &Path) -> Value {
    let path = repository.join(".worktrees").join(name);
    json!({
        "id": id, "name": name, "prompt": format!("do {name}"), "agent": "acp", "model": null, "mode": null,
        "repository": repository, "worktree": {
            "session": id, "repository": repository, "common_dir": repository.join(".git"), "path": path,
            "branch": format!("refs/heads/divisi/{name}/work"),
            "base": { "label": "main", "branch": "refs/heads/main", "commit": "a".repeat(40) }, "state": "ready", "port": 4000,
        },
        "state": state, "attention": attention(&json!(state), &json!(false)), "waiting_for": null, "unread": false, "activity": "thinking", "reason": null, "turns": 1, "turn": null,
        "queue": [], "approvals": 0, "policy": "ask", "stat": { "files": 1, "added": 2, "removed": 1 },
        "usage": { "scope": "turn", "source": "reported" }, "landing": null, "setup": { "state": "none" }, "plan": [],
        "options": [], "commands": [], "ready": null, "created_at": 1, "updated_at": 1, "removed": false,
    })
}

impl Fake {
    pub(crate) fn start(socket: PathBuf) -> Self {
        // Where the lock of those who start a daemon would be taken is a directory: no real one is started beside this one.
        std::fs::create_dir(socket.with_file_name("start.lock")).unwrap();
        let fake = Self { state: Arc::default(), socket, tasks: Arc::default() };
        fake.listen();
        fake
    }

    /// Listens (again).
    pub(crate) fn listen(&self) {
        let listener = UnixListener::bind(&self.socket).unwrap();
        // As the daemon's, which health looks at.
        std::fs::set_permissions(&self.socket, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let (state, tasks) = (Arc::clone(&self.state), Arc::clone(&self.tasks));
        let accept = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = tokio::spawn(serve(stream, Arc::clone(&state)));
                tasks.lock().unwrap().push(served);
            }
        });
        self.tasks.lock().unwrap().push(accept);
    }

    /// Dies like a daemon that was killed; what it knows stays for the next one.
    pub(crate) fn die(&self) {
        for task in self.tasks.lock().unwrap().drain(..) {
            task.abort();
        }
        self.state().subscribers.clear();
        std::fs::remove_file(&self.socket).unwrap();
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Adds or replaces a session without telling anyone.
    pub(crate) fn put(&self, view: Value) {
        let mut state = self.state();
        let at = state.sessions.iter().position(|known| known["id"] == view["id"]);
        match at {
            Some(at) => state.sessions[at] = view,
            None => state.sessions.push(view),
        }
    }

    /// Changes fields of a session without telling anyone.
    #[expect(clippy::needless_pass_by_value, reason = "tests read better with json! in place")]
    pub(crate) fn set(&self, id: &str, fields: Value) {
        let mut state = self.state();
        let view = state.sessions.iter_mut().find(|view| view["id"] == id).unwrap();
        for (key, value) in fields.as_object().unwrap() {
            view[key] = value.clone();
        }
        view["attention"] = json!(attention(&view["state"], &view["unread"]));
    }

    /// Forgets a session without telling anyone, as a daemon does once it is removed.
    pub(crate) fn forget(&self, id: &str) {
        self.state().sessions.retain(|view| view["id"] != id);
    }

    /// Something happened: recorded, and told with the session's view.
    #[expect(clippy::needless_pass_by_value, reason = "tests read better with json! in place")]
    pub(crate) fn emit(&self, session: &str, kind: &str, payload: Value) -> u64 {
        self.record(session, kind, &payload, true)
    }

    /// Something happened that no subscriber is told of.
    #[expect(clippy::needless_pass_by_value, reason = "tests read better with json! in place")]
    pub(crate) fn emit_unheard(&self, session: &str, kind: &str, payload: Value) -> u64 {
        self.record(session, kind, &payload, false)
    }

    fn record(&self, session: &str, kind: &str, payload: &Value, heard: bool) -> u64 {
        let mut state = self.state();
        state.seq += 1;
        let seq = state.seq;
        let event = json!({
            "seq": seq, "time": 1_000 + seq, "session": session, "cause": { "by": "host" }, "type": kind, "payload": payload,
        });
        state.events.push(event.clone());
        let views: Vec<Value> = state.sessions.iter().filter(|view| view["id"] == session).cloned().collect();
        if heard {
            state.tell(&json!({ "events": [event], "sessions": views }));
        }
        seq
    }

    /// Sends parameters of `event/batch` as they are.
    pub(crate) fn tell(&self, params: &Value) {
        self.state().tell(params);
    }

    /// Sends a line as it is.
    pub(crate) fn raw(&self, line: &str) {
        self.state().subscribers.retain(|client| client.send(line.to_owned()).is_ok());
    }

    pub(crate) fn say(&self, session: &str, text: &str) -> u64 {
        self.emit(session, "agent.message", json!({ "turn": format!("{session}.t1"), "text": text }))
    }

    pub(crate) fn turn(&self, session: &str, number: u32, text: &str) {
        let turn = format!("{session}.t{number}");
        let payload = json!({ "turn": turn, "number": number, "prompt": "p", "text": text, "from": "a".repeat(40) });
        self.emit(session, "turn.started", payload);
    }

    /// An agent asks for a permission.
    pub(crate) fn ask(&self, id: &str, session: &str, command: &str) {
        let approval = json!({
            "id": id, "session": session, "turn": format!("{session}.t1"), "job": format!("{session}.j1"), "key": "1",
            "kind": "permission", "tool": { "id": "c", "title": "Run a command", "kind": "execute", "status": "pending" },
            "command_line": command, "options": [{ "id": "y", "name": "Allow", "kind": "allow_once" }], "state": "open", "asked_at": 1,
        });
        self.state().approvals.push(approval.clone());
        self.set(session, json!({ "state": "awaiting_input", "waiting_for": "approval", "approvals": 1 }));
        self.emit(session, "approval.requested", approval);
    }

    /// Somebody answers.
    pub(crate) fn answer(&self, id: &str, answer: &str, by: &str) -> bool {
        let session = {
            let mut state = self.state();
            let Some(at) = state.approvals.iter().position(|approval| approval["id"] == id) else { return false };
            state.approvals.remove(at)["session"].as_str().unwrap().to_owned()
        };
        self.set(&session, json!({ "state": "running", "waiting_for": null, "approvals": 0 }));
        self.emit(&session, "approval.answered", json!({ "id": id, "answer": { "answer": answer }, "by": by }));
        true
    }

    /// Calls of a method so far.
    pub(crate) fn called(&self, method: &str) -> Vec<Value> {
        let state = self.state();
        state.calls.iter().filter(|(name, _)| name == method).map(|(_, params)| params.clone()).collect()
    }

    pub(crate) fn answers(&self, method: &str, answer: Value) {
        self.state().answers.insert(method.to_owned(), Ok(answer));
    }

    pub(crate) fn refuses(&self, method: &str, kind: &str, message: &str) {
        let error =
            json!({ "code": -32000, "message": message, "data": { "kind": kind, "hints": ["try something else"] } });
        self.state().answers.insert(method.to_owned(), Err(error));
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        for task in self.tasks.lock().unwrap().drain(..) {
            task.abort();
        }
    }
}

impl State {
    fn tell(&mut self, params: &Value) {
        let mut params = params.clone();
        params["subscription"] = json!("s1");
        let line = json!({ "jsonrpc": "2.0", "method": "event/batch", "params": params }).to_string();
        self.subscribers.retain(|client| client.send(line.clone()).is_ok());
    }

    fn handle(&mut self, method: &str, params: &Value, client: &mpsc::UnboundedSender<String>) -> Result<Value, Value> {
        self.calls.push((method.to_owned(), params.clone()));
        if let Some(answer) = self.answers.get(method) {
            return answer.clone();
        }
        let receipt = json!({ "command": params["command_id"], "seq": self.seq, "outcome": { "outcome": "done" } });
        match method {
            "hello" => Ok(
                json!({ "version": env!("CARGO_PKG_VERSION"), "protocol": 1, "pid": 1, "generation": "g", "head": self.seq }),
            ),
            "event/subscribe" => {
                self.subscribers.push(client.clone());
                if let Some(after) = params["after"].as_u64() {
                    let missed: Vec<&Value> =
                        self.events.iter().filter(|event| event["seq"].as_u64() > Some(after)).collect();
                    let batch = json!({ "subscription": "s1", "events": missed, "sessions": self.sessions });
                    let line = json!({ "jsonrpc": "2.0", "method": "event/batch", "params": batch });
                    client.send(line.to_string()).unwrap();
                }
                Ok(json!({ "subscription": "s1", "head": self.seq }))
            }
            "session/list" => Ok(json!(self.sessions)),
            "session/show" => match self.sessions.iter().find(|view| view["id"] == params["session"]) {
                Some(view) => Ok(view.clone()),
                None => Err(
                    json!({ "code": -32000, "message": "no such session", "data": { "kind": "user", "hints": [] } }),
                ),
            },
            "approval/list" => Ok(json!(self.approvals)),
            "batch/list" => Ok(json!([])),
            "event/list" => {
                let limit = usize::try_from(params["limit"].as_u64().unwrap_or(1_000)).unwrap();
                let of_session = |event: &&Value| {
                    event["seq"].as_u64() > params["after"].as_u64().or(Some(0))
                        && event["session"] == params["session"]
                };
                let all: Vec<&Value> = self.events.iter().filter(of_session).collect();
                let last = params["last"].as_u64().map_or(all.len(), |last| usize::try_from(last).unwrap());
                let page: Vec<&Value> = all.iter().skip(all.len().saturating_sub(last)).take(limit).copied().collect();
                Ok(json!({ "events": page, "head": self.seq }))
            }
            "agent/list" => Ok(json!([
                { "name": "shell", "description": "a command", "protocol": "shell", "command": ["sh"], "installed": true, "source": "built-in" },
                { "name": "other", "description": "not here", "protocol": "acp", "command": ["x"], "installed": false, "source": "built-in" },
                { "name": "old", "description": "an old one", "protocol": "acp", "command": ["old"], "installed": true, "source": "built-in",
                  "probe": { "version": "0.1", "problems": [{ "versions": "<0.2", "what": "it forgets", "remedy": "npm install" }] },
                  "login": { "state": "no", "hint": "old login" } },
            ])),
            "agent/variables" => Ok(json!(["HOME", "NOT_SET_HERE"])),
            "session/create" | "session/send" | "session/stop" | "session/read" | "session/remove"
            | "landing/start" | "prompt/edit" | "prompt/cancel" | "session/policy" => Ok(receipt),
            _ => Err(json!({ "code": -32601, "message": format!("no method {method}") })),
        }
    }
}

async fn serve(stream: UnixStream, state: Arc<Mutex<State>>) {
    let (read, mut write) = stream.into_split();
    let (client, mut lines) = mpsc::unbounded_channel::<String>();
    let mut requests = BufReader::new(read).lines();
    loop {
        tokio::select! {
            request = requests.next_line() => {
                let Ok(Some(request)) = request else { return };
                let request: Value = serde_json::from_str(&request).unwrap();
                let method = request["method"].as_str().unwrap();
                let answer = answer(&state, method, &request["params"], &client);
                let mut response = json!({ "jsonrpc": "2.0", "id": request["id"] });
                match answer {
                    Ok(result) => response["result"] = result,
                    Err(error) => response["error"] = error,
                }
                client.send(response.to_string()).unwrap();
            }
            Some(mut line) = lines.recv() => {
                line.push('\n');
                if write.write_all(line.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn answer(
    state: &Arc<Mutex<State>>,
    method: &str,
    params: &Value,
    client: &mpsc::UnboundedSender<String>,
) -> Result<Value, Value> {
    if method == "approval/answer" && !state.lock().unwrap().answers.contains_key(method) {
        state.lock().unwrap().calls.push((method.to_owned(), params.clone()));
        let fake = Fake { state: Arc::clone(state), socket: PathBuf::new(), tasks: Arc::default() };
        let id = params["approval"].as_str().unwrap();
        return if fake.answer(id, params["answer"].as_str().unwrap(), "nvim") {
            Ok(json!({ "command": params["command_id"], "seq": 1, "outcome": { "outcome": "done" } }))
        } else {
            Err(
                json!({ "code": -32000, "message": "already answered by cli", "data": { "kind": "conflict", "hints": [] } }),
            )
        };
    }
    state.lock().unwrap().handle(method, params, client)
}
