//! An editor. What the server sends to show a state (diagnostics, progress, lenses) is folded into that state; everything else has to be
//! expected by the test, or its end fails.

use std::collections::{BTreeMap, VecDeque};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use divisi::lsp::uri;
use lsp_server::{Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};

use crate::sessions::scene::{DEADLINE, Scene};

/// How it introduces itself.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    /// Its name.
    pub(crate) name: &'static str,
    /// `capabilities`.
    pub(crate) capabilities: Value,
    /// Whether it answers what it is asked.
    pub(crate) answers: bool,
    /// `initializationOptions.divisi`.
    pub(crate) options: Value,
}

impl Manner {
    /// One that can everything, as VS Code.
    pub(crate) fn able() -> Self {
        let capabilities = json!({
            "window": { "workDoneProgress": true, "showDocument": { "support": true } },
            "workspace": { "codeLens": { "refreshSupport": true } },
            "textDocument": {
                "codeAction": { "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["quickfix"] } } },
                "publishDiagnostics": { "relatedInformation": true },
            },
        });
        Self { name: "Visual Studio Code", capabilities, answers: true, options: json!({}) }
    }

    /// One that said nothing of itself.
    pub(crate) fn bare() -> Self {
        Self { name: "some editor", capabilities: json!({}), answers: true, options: json!({}) }
    }
}

pub(crate) struct Editor {
    child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<Message>,
    manner: Manner,
    number: i32,
    /// Diagnostics as they are now, by path.
    pub(crate) diagnostics: BTreeMap<PathBuf, Vec<Value>>,
    /// What is in progress, by title.
    pub(crate) progress: BTreeMap<String, String>,
    /// What the test has not expected yet.
    unexpected: VecDeque<Message>,
    answers: BTreeMap<String, Response>,
    /// Notifications that the test is not about.
    forgotten: &'static [&'static str],
    /// Whether the server was told to end already.
    pub(crate) ended: bool,
}

impl Editor {
    /// An editor on the scene's repository.
    pub(crate) fn open(scene: &Scene, manner: Manner) -> Self {
        let folder = scene.repo.clone();
        Self::on(scene, manner, &folder, Some(std::process::id()))
    }

    pub(crate) fn on(scene: &Scene, manner: Manner, folder: &Path, process: Option<u32>) -> Self {
        Self::on_all(scene, manner, &[folder], process)
    }

    /// An editor with several folders.
    pub(crate) fn on_all(scene: &Scene, manner: Manner, folders: &[&Path], process: Option<u32>) -> Self {
        let folder = folders[0];
        let each = |folder: &&Path| json!({ "uri": uri::from_path(folder), "name": "a folder" });
        let all: Vec<Value> = folders.iter().map(each).collect();
        let mut editor = Self::start(scene.env.divisi_command(folder, &["lsp", "--stdio"]), manner);
        let answer = editor.request(
            "initialize",
            json!({
                "processId": process, "clientInfo": { "name": editor.manner.name }, "rootUri": uri::from_path(folder),
                "workspaceFolders": all, "initializationOptions": { "divisi": editor.manner.options },
                "capabilities": editor.manner.capabilities,
            }),
        );
        assert_eq!(answer["serverInfo"]["name"], "divisi");
        editor.notify("initialized", json!({}));
        editor.find_daemon();
        editor
    }

    /// Waits until the server has its daemon: a test must not end while one is being started.
    #[track_caller]
    pub(crate) fn find_daemon(&mut self) {
        let status = self.request("divisi/call", json!({ "method": "daemon/status" }));
        assert!(status["pid"].is_number(), "{status}");
    }

    /// Only the process.
    pub(crate) fn start(mut command: Command, manner: Manner) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start divisi lsp");
        let stdout = child.stdout.take().expect("a pipe");
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            while let Ok(Some(message)) = Message::read(&mut reader) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let stdin = child.stdin.take();
        Self {
            child,
            stdin,
            messages,
            manner,
            number: 0,
            diagnostics: BTreeMap::new(),
            progress: BTreeMap::new(),
            unexpected: VecDeque::new(),
            answers: BTreeMap::new(),
            forgotten: &[],
            ended: false,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn send(&mut self, message: &Message) {
        message.write(self.stdin.as_mut().expect("open")).expect("the server reads");
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&Message::Notification(Notification { method: method.to_owned(), params }));
    }

    /// Sends a request; its answer is waited for by [`Self::answer`].
    pub(crate) fn post(&mut self, method: &str, params: Value) -> RequestId {
        self.number += 1;
        let id = RequestId::from(self.number);
        self.send(&Message::Request(Request { id: id.clone(), method: method.to_owned(), params }));
        id
    }

    #[track_caller]
    pub(crate) fn answer(&mut self, id: &RequestId) -> Result<Value, String> {
        let key = id.to_string();
        let until = Instant::now() + DEADLINE;
        while !self.answers.contains_key(&key) {
            self.take(until, "an answer");
        }
        self.answers.remove(&key).expect("it is there").response_result.map_err(|error| error.message)
    }

    #[track_caller]
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.post(method, params);
        self.answer(&id).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Takes one message in.
    #[track_caller]
    fn take(&mut self, until: Instant, what: &str) {
        match self.messages.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(message) => self.fold(message),
            Err(RecvTimeoutError::Timeout) => {
                panic!("no {what} in time; there is {:?}, {:?}", self.unexpected, self.diagnostics)
            }
            Err(RecvTimeoutError::Disconnected) => panic!("the server ended before {what}"),
        }
    }

    fn fold(&mut self, message: Message) {
        match message {
            Message::Response(response) => drop(self.answers.insert(response.id.to_string(), response)),
            Message::Notification(Notification { method, params }) if method == "textDocument/publishDiagnostics" => {
                let path = uri::to_path(params["uri"].as_str().expect("a uri")).expect("a file");
                let found = params["diagnostics"].as_array().expect("an array").clone();
                if found.is_empty() {
                    self.diagnostics.remove(&path)
                } else {
                    self.diagnostics.insert(path, found)
                };
            }
            Message::Notification(Notification { method, params }) if method == "$/progress" => {
                let token = params["token"].as_str().expect("a token").to_owned();
                let message = params["value"]["message"].as_str().unwrap_or_default().to_owned();
                match params["value"]["kind"].as_str().expect("a kind") {
                    "end" => assert!(self.progress.remove(&token).is_some(), "an end without a beginning"),
                    _ => drop(self.progress.insert(token, message)),
                }
            }
            Message::Request(Request { id, method, .. })
                if matches!(
                    method.as_str(),
                    "window/workDoneProgress/create" | "workspace/codeLens/refresh" | "workspace/inlayHint/refresh"
                ) =>
            {
                if self.manner.answers && !self.ended {
                    self.send(&Message::Response(Response::new_ok(id, Value::Null)));
                }
            }
            other => self.unexpected.push_back(other),
        }
    }

    /// Waits until what the server shows is so.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let until = Instant::now() + DEADLINE;
        while !is_so(self) {
            self.take(until, what);
        }
    }

    /// Waits for a message to the person that says this, and takes it.
    #[track_caller]
    pub(crate) fn told(&mut self, text: &str) -> String {
        let says = |message: &Message| match message {
            Message::Notification(Notification { method, params }) if method == "window/showMessage" => {
                params["message"].as_str().filter(|said| said.contains(text)).map(str::to_owned)
            }
            _ => None,
        };
        self.until(text, |editor| editor.unexpected.iter().any(|message| says(message).is_some()));
        let at = self.unexpected.iter().position(|message| says(message).is_some()).expect("it is there");
        says(&self.unexpected.remove(at).expect("it is there")).expect("it says so")
    }

    /// Waits for a request of the server, and takes it.
    #[track_caller]
    pub(crate) fn asked(&mut self, method: &str) -> (RequestId, Value) {
        let is = |message: &Message| matches!(message, Message::Request(request) if request.method == method);
        self.until(method, |editor| editor.unexpected.iter().any(is));
        let at = self.unexpected.iter().position(is).expect("it is there");
        match self.unexpected.remove(at) {
            Some(Message::Request(request)) => (request.id, request.params),
            _ => unreachable!("it is a request"),
        }
    }

    /// Answers a request of the server.
    pub(crate) fn respond(&mut self, id: RequestId, result: Value) {
        self.send(&Message::Response(Response::new_ok(id, result)));
    }

    /// The view that the server opens next: its path.
    #[track_caller]
    pub(crate) fn shown(&mut self) -> PathBuf {
        let (id, params) = self.asked("window/showDocument");
        self.respond(id, json!({ "success": true }));
        uri::to_path(params["uri"].as_str().expect("a uri")).expect("a file")
    }

    /// Opens a file, as it is on disk.
    pub(crate) fn open_file(&mut self, path: &Path) {
        let text = std::fs::read_to_string(path).expect("a file");
        let document = json!({ "uri": uri::from_path(path), "languageId": "text", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// Changes a file's text, in the editor only.
    pub(crate) fn type_text(&mut self, path: &Path, text: &str) {
        let document = json!({ "uri": uri::from_path(path), "version": 2 });
        self.notify(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": [{ "text": text }] }),
        );
    }

    /// A request about a place in a file.
    #[track_caller]
    pub(crate) fn at(&mut self, method: &str, path: &Path, line: u32, character: u32) -> Value {
        let params = json!({
            "textDocument": { "uri": uri::from_path(path) }, "position": { "line": line, "character": character },
            "range": { "start": { "line": 0, "character": 0 }, "end": { "line": 9999, "character": 0 } },
        });
        self.request(method, params)
    }

    /// Waits for a notification of the server, and takes it.
    #[track_caller]
    pub(crate) fn notified(&mut self, method: &str) -> Value {
        let is = |message: &Message| matches!(message, Message::Notification(sent) if sent.method == method);
        self.until(method, |editor| editor.unexpected.iter().any(is));
        let at = self.unexpected.iter().position(is).expect("it is there");
        match self.unexpected.remove(at) {
            Some(Message::Notification(sent)) => sent.params,
            _ => unreachable!("it is a notification"),
        }
    }

    /// Waits for a notification of the server that is one of these, and takes it.
    #[track_caller]
    pub(crate) fn any_of(&mut self, methods: &[&str]) -> Notification {
        let is = |message: &Message| matches!(message, Message::Notification(sent) if methods.contains(&sent.method.as_str()));
        self.until("a notification", |editor| editor.unexpected.iter().any(is));
        let at = self.unexpected.iter().position(is).expect("it is there");
        match self.unexpected.remove(at) {
            Some(Message::Notification(sent)) => sent,
            _ => unreachable!("it is a notification"),
        }
    }

    /// Takes all notifications of these kinds that came, and those that come until the end: the test is not about them.
    pub(crate) fn forget(&mut self, methods: &'static [&'static str]) {
        self.forgotten = methods;
    }

    /// The code actions on a line.
    #[track_caller]
    pub(crate) fn actions(&mut self, path: &Path, line: u32) -> Vec<Value> {
        let at = json!({ "line": line, "character": 0 });
        let params = json!({
            "textDocument": { "uri": uri::from_path(path) }, "range": { "start": at, "end": at }, "context": { "diagnostics": [] },
        });
        self.request("textDocument/codeAction", params).as_array().expect("an array").clone()
    }

    /// Chooses a code action whose title contains this.
    #[track_caller]
    pub(crate) fn choose(&mut self, path: &Path, line: u32, title: &str) {
        let actions = self.actions(path, line);
        let titles: Vec<&str> = actions.iter().filter_map(|action| action["title"].as_str()).collect();
        let at = titles
            .iter()
            .position(|found| found.contains(title))
            .unwrap_or_else(|| panic!("no {title:?} in {titles:?}"));
        let command = &actions[at]["command"];
        let command = if command.is_object() { command } else { &actions[at] };
        let params = json!({ "command": command["command"], "arguments": command["arguments"] });
        assert_eq!(self.request("workspace/executeCommand", params), Value::Null);
    }

    #[track_caller]
    pub(crate) fn execute(&mut self, command: &str, arguments: &[Value]) {
        self.request("workspace/executeCommand", json!({ "command": command, "arguments": arguments }));
    }

    /// What is left that no test expected.
    pub(crate) fn left(&mut self) -> Vec<Message> {
        while let Ok(message) = self.messages.try_recv() {
            self.fold(message);
        }
        let forgotten = self.forgotten;
        let is = |message: &Message| matches!(message, Message::Notification(sent) if forgotten.contains(&sent.method.as_str()));
        self.unexpected.drain(..).filter(|message| !is(message)).collect()
    }

    /// Ends the server as the protocol wants it; its exit code, and how long it took after `exit`.
    #[track_caller]
    pub(crate) fn quit(&mut self) -> (Option<i32>, Duration) {
        let answer = self.request("shutdown", Value::Null);
        assert_eq!(answer, Value::Null);
        let since = Instant::now();
        self.notify("exit", Value::Null);
        self.ended = true;
        (self.gone(), since.elapsed())
    }

    /// Waits for the process to end.
    #[track_caller]
    pub(crate) fn gone(&mut self) -> Option<i32> {
        let mut code = None;
        crate::support::wait_until(DEADLINE, "the end of the server", || {
            code = self.child.try_wait().expect("a child");
            code.is_some()
        });
        self.ended = true;
        code.and_then(|status| status.code())
    }

    pub(crate) fn close_input(&mut self) {
        self.stdin = None;
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.child.kill();
            let _ = self.child.wait();
            return;
        }
        if !self.ended {
            assert_eq!(self.quit().0, Some(0));
        }
        let left = self.left();
        assert!(left.is_empty(), "messages that nobody expected: {left:?}");
    }
}
