//! The language server: how soon diagnostics are there, and how long code actions take, with many sessions. The daemon is played, so
//! that what is measured is this face; the yardstick is a server that answers everything with nothing, over the same channels.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use divisi::lsp::uri;
use divisi::model::Refusal;
use divisi::model::id::Seq;
use divisi::wire::kept::backend::{Backend, Batch, CallError, Daemon, Link};
use lsp_server::{Connection, Message, Notification, Request, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{Measure, directory, kib, median, millis, percentile, say, scaled};

const ROUNDS: usize = 200;
const STARTS: usize = 20;
const FILES: usize = 20;
const LINES: usize = 400;

/// The argument that makes this program a language server with an editor of its own, and tell what memory that took: the number of
/// sessions follows, or nothing for the one that does nothing.
pub(crate) const AS_SERVER: &str = "--as-language-server";

/// For 1, 100 and 1,000 sessions, each against the server that does nothing, in this run.
pub(crate) fn serving() -> Vec<Measure> {
    let home = directory();
    let root = home.path().canonicalize().expect("a folder");
    let text = write_files(&root);
    let mut bare_first: Vec<Duration> = (0..scaled(STARTS)).map(|_| Server::bare(&root).until_diagnostics()).collect();
    let bare_first = median(&mut bare_first);
    let mut bare = actions(&Server::bare(&root), &root, &text);
    let (bare_half, bare_slow) = (percentile(&mut bare, 50), percentile(&mut bare, 99));
    let bare_memory = memory(None);
    let yardstick = |what: &str, median: String| Measure {
        what: what.to_owned(),
        median,
        ratio: String::new(),
        goal: String::new(),
    };
    let mut measures = vec![
        yardstick("a server that does nothing: initialize to the first diagnostics", millis(bare_first)),
        yardstick("a server that does nothing: code actions", millis(bare_half)),
        yardstick("a server that does nothing: code actions, 99th percentile", millis(bare_slow)),
        yardstick("a server that does nothing: memory", kib(bare_memory)),
    ];
    for sessions in [1, 100, 1000] {
        let server = Server::divisi(&root, sessions);
        let first = server.until_diagnostics();
        let mut took = actions(&server, &root, &text);
        let (half, slow) = (percentile(&mut took, 50), percentile(&mut took, 99));
        let mut add = |what: &str, median: String, ratio: f64, goal: &str| {
            let what = format!("{what}, {sessions} sessions");
            measures.push(Measure { what, median, ratio: format!("{ratio:.1}"), goal: goal.to_owned() });
        };
        let over = |took: Duration, yardstick: Duration| took.as_secs_f64() / yardstick.as_secs_f64().max(1e-9);
        add("initialize to the first diagnostics", millis(first), over(first, bare_first), "");
        add("code actions", millis(half), over(half, bare_half), "");
        let goal = if sessions == 100 { "10 ms" } else { "" };
        add("code actions, 99th percentile", millis(slow), over(slow, bare_slow), goal);
        let taken = memory(Some(sessions));
        #[expect(clippy::cast_precision_loss, reason = "memory of a process in KiB")]
        add("memory", kib(taken), taken as f64 / bare_memory.max(1) as f64, "");
    }
    measures
}

fn write_files(root: &Path) -> String {
    let text = (0..LINES).map(|line| format!("line {line}")).collect::<Vec<_>>().join("\n");
    for file in 0..FILES {
        std::fs::write(root.join(format!("f{file}.txt")), &text).expect("a file");
    }
    text
}

/// What a process takes that is a server with this many sessions, KiB: after its first diagnostics and some code actions.
fn memory(sessions: Option<usize>) -> u64 {
    let program = std::env::current_exe().expect("this program");
    let number = sessions.map_or_else(|| "none".to_owned(), |sessions| sessions.to_string());
    let ran = Command::new(program).args([AS_SERVER, &number]).output().expect("this program runs");
    String::from_utf8_lossy(&ran.stdout).trim().parse().expect("a number")
}

/// Is that process; prints its memory.
pub(crate) fn play_server(sessions: Option<&str>) {
    let home = directory();
    let root = home.path().canonicalize().expect("a folder");
    let text = write_files(&root);
    let server = match sessions.and_then(|number| number.parse().ok()) {
        Some(sessions) => Server::divisi(&root, sessions),
        None => Server::bare(&root),
    };
    server.until_diagnostics();
    actions(&server, &root, &text);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let taken =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse::<u64>().ok());
    say(&taken.unwrap_or(0).to_string());
}

/// How long each request for code actions took, over all lines.
fn actions(server: &Server, root: &Path, text: &str) -> Vec<Duration> {
    let uri = uri::from_path(&root.join("f0.txt"));
    let document = json!({ "uri": uri, "languageId": "text", "version": 1, "text": text });
    server.send(Message::Notification(Notification {
        method: "textDocument/didOpen".to_owned(),
        params: json!({ "textDocument": document }),
    }));
    let ask = |round: usize| {
        let at = json!({ "line": round % LINES, "character": 0 });
        let params = json!({ "textDocument": { "uri": uri }, "range": { "start": at, "end": at }, "context": { "diagnostics": [] } });
        let began = Instant::now();
        server.request(i32::try_from(round).expect("a small number") + 10, "textDocument/codeAction", params);
        began.elapsed()
    };
    (0..scaled(ROUNDS)).map(ask).collect()
}

struct Server {
    client: Connection,
    began: Instant,
}

impl Server {
    fn divisi(root: &Path, sessions: usize) -> Self {
        let (client, server) = Connection::memory();
        let backend = Arc::new(Played { root: root.to_owned(), sessions, daemon: Daemon::default() });
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(divisi::lsp::run(backend, server));
        });
        Self { client, began: Instant::now() }.initialized(root)
    }

    fn initialized(self, root: &Path) -> Self {
        let folder = json!([{ "uri": uri::from_path(root), "name": "r" }]);
        let capabilities = json!({ "textDocument": { "codeAction": { "codeActionLiteralSupport": {} } } });
        self.request(
            1,
            "initialize",
            json!({ "processId": null, "workspaceFolders": folder, "capabilities": capabilities }),
        );
        // Before that it says nothing.
        self.send(Message::Notification(Notification { method: "initialized".to_owned(), params: json!({}) }));
        self
    }

    fn bare(root: &Path) -> Self {
        let (client, server) = Connection::memory();
        std::thread::spawn(move || {
            for message in &server.receiver {
                let Message::Request(request) = message else { continue };
                let first = request.method == "initialize";
                let mut sent = vec![Message::Response(Response::new_ok(request.id, json!([])))];
                if first {
                    let params = json!({ "uri": "file:///x", "diagnostics": [] });
                    let method = "textDocument/publishDiagnostics".to_owned();
                    sent.push(Message::Notification(Notification { method, params }));
                }
                if sent.into_iter().any(|message| server.sender.send(message).is_err()) {
                    return;
                }
            }
        });
        Self { client, began: Instant::now() }.initialized(root)
    }

    fn send(&self, message: Message) {
        self.client.sender.send(message).expect("the server lives");
    }

    fn request(&self, id: i32, method: &str, params: Value) {
        self.send(Message::Request(Request { id: id.into(), method: method.to_owned(), params }));
        let answer = lsp_server::RequestId::from(id);
        for message in &self.client.receiver {
            if matches!(&message, Message::Response(response) if response.id == answer) {
                return;
            }
        }
    }

    fn until_diagnostics(&self) -> Duration {
        for message in &self.client.receiver {
            if matches!(&message, Message::Notification(sent) if sent.method == "textDocument/publishDiagnostics") {
                break;
            }
        }
        self.began.elapsed()
    }
}

/// A daemon that says what it is told to.
struct Played {
    root: std::path::PathBuf,
    sessions: usize,
    daemon: Daemon,
}

#[async_trait]
impl Backend for Played {
    async fn connect(&self, _: bool) -> Result<Arc<dyn Link>, Refusal> {
        Ok(Arc::new(Played { root: self.root.clone(), sessions: self.sessions, daemon: Daemon::default() }))
    }
}

#[async_trait]
impl Link for Played {
    fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    async fn call(&self, method: &str, params: Value) -> Result<Value, CallError> {
        Ok(match method {
            "session/list" => (0..self.sessions).map(|number| self.session(number)).collect(),
            "session/diff" => diff(params["session"].as_str().and_then(|id| id[1..].parse().ok()).unwrap_or(0)),
            "session/preflight" => return Err(CallError::Refused(Refusal::user("not here"))),
            _ => json!([]),
        })
    }

    async fn subscribe(&self, _: Option<Seq>) -> Result<mpsc::UnboundedReceiver<Batch>, CallError> {
        let (sender, batches) = mpsc::unbounded_channel();
        // It stays open and says nothing.
        std::mem::forget(sender);
        Ok(batches)
    }

    fn dismissed(&self) -> bool {
        false
    }
}

impl Played {
    fn session(&self, number: usize) -> Value {
        let root = self.root.to_string_lossy();
        json!({
            "id": format!("s{number:09}"), "name": format!("session-{number}"), "prompt": "do it", "agent": "claude",
            "repository": root, "worktree": {
                "session": format!("s{number:09}"), "repository": root, "common_dir": format!("{root}/.git"),
                "path": format!("/nowhere/{number}"), "branch": format!("refs/heads/divisi/{number}/work"),
                "base": { "label": "main", "commit": "a".repeat(40) }, "state": "ready", "port": 20000,
            },
            "state": "review", "unread": false, "turns": 1, "queue": [], "approvals": 0, "policy": "ask",
            "stat": { "files": 1, "added": 1, "removed": 1 }, "usage": divisi::model::usage::Usage::default(),
            "setup": { "state": "none" }, "plan": [], "options": [], "commands": [], "created_at": 1, "updated_at": 1, "removed": false,
        })
    }
}

/// A hunk of one line in one of the files.
fn diff(number: usize) -> Value {
    let line = (number * 7) % (LINES - 2) + 1;
    let lines = [
        format!(" line {}", line - 1),
        format!("-line {line}"),
        format!("+other {number}"),
        format!(" line {}", line + 1),
    ];
    json!({
        "stat": { "files": 1, "added": 1, "removed": 1 },
        "files": [{
            "path": format!("f{}.txt", number % FILES), "status": "modified", "binary": false, "added": 1, "removed": 1,
            "hunks": [{
                "id": format!("{number:016x}"), "old_start": line, "old_lines": 3, "new_start": line, "new_lines": 3, "heading": "",
                "lines": lines,
            }],
        }],
    })
}
