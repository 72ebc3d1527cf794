//! What the editor sends: requests, notifications, answers.

use std::path::Path;

use gen_lsp_types::{CodeActionParams, DidChangeTextDocumentParams, TextDocumentContentChangeEvent};
use lsp_server::{ErrorCode, Notification, Request, RequestId, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::actions::{self, Spotlight};
use super::capability::{Client, SOURCE, offered};
use super::documents;
use super::own;
use super::place::spots;
use super::server::{Asked, Phase, Server};
use super::text;
use super::uri;
use super::verbs;
use super::view::{Mark, View};
use crate::model::session::SessionView;

impl Server {
    pub(super) fn request(&mut self, request: Request) {
        let Request { id, method, params } = request;
        match (self.phase, method.as_str()) {
            (Phase::Uninitialized, "initialize") => self.initialize(id, &params),
            (Phase::Uninitialized, _) => {
                self.answer_error(id, ErrorCode::ServerNotInitialized, "not initialized yet");
            }
            (Phase::ShutDown, _) => self.answer_error(id, ErrorCode::InvalidRequest, "the server is shutting down"),
            (Phase::Running, "initialize") => self.answer_error(id, ErrorCode::InvalidRequest, "initialized already"),
            (Phase::Running, "shutdown") => {
                self.phase = Phase::ShutDown;
                self.answer(id, Value::Null);
            }
            (Phase::Running, "textDocument/codeAction") => self.typed(id, params, Self::code_actions),
            (Phase::Running, "codeAction/resolve") => self.resolve(id, params),
            (Phase::Running, "textDocument/hover") => self.hover(id, &params),
            (Phase::Running, "textDocument/codeLens") => self.lenses(id, &params),
            (Phase::Running, "textDocument/completion") => self.completion(id, &params),
            (Phase::Running, "textDocument/inlayHint") => self.hints(id, &params),
            (Phase::Running, "textDocument/documentSymbol") => self.symbols(id, &params),
            (Phase::Running, "textDocument/documentLink") => self.links(id, &params),
            (Phase::Running, "workspace/executeCommand") => {
                // Answered before it is done: Helix shows no error of a command, and gives up after 20 seconds.
                self.answer(id, Value::Null);
                let command = params["command"].as_str().unwrap_or_default().to_owned();
                let arguments = params["arguments"].as_array().cloned().unwrap_or_default();
                self.execute(&command, &arguments);
            }
            (Phase::Running, asked) if documents::concerns(asked) => self.document_content(id, &params),
            (Phase::Running, "divisi/call") => self.forward(id, &params),
            (Phase::Running, "divisi/tests") => self.tests(id, &params),
            (Phase::Running, "divisi/test/run") => self.run_tests(id, &params),
            (Phase::Running, "divisi/test/cancel") => self.cancel_tests(id, &params),
            (Phase::Running, _) => {
                self.answer_error(id, ErrorCode::MethodNotFound, &format!("divisi does not know {method}"));
            }
        }
    }

    fn initialize(&mut self, id: RequestId, params: &Value) {
        self.client = Client::new(params);
        // One that is of another namespace, or gone already, cannot be watched.
        self.client.process = self.client.process.filter(|pid| Path::new(&format!("/proc/{pid}")).exists());
        self.watched = self.client.process.is_some_and(|process| super::parent::watch(process, &self.gone));
        let capabilities = offered(&self.client, verbs::names());
        let server = json!({ "name": "divisi", "version": env!("CARGO_PKG_VERSION") });
        self.phase = Phase::Running;
        self.dirty = true;
        self.answer(id, json!({ "capabilities": capabilities, "serverInfo": server }));
        self.read_all_changes();
    }

    fn typed<P: DeserializeOwned>(&mut self, id: RequestId, params: Value, handle: fn(&mut Self, &P) -> Value) {
        match serde_json::from_value(params) {
            Ok(params) => {
                let result = handle(self, &params);
                self.answer(id, result);
            }
            Err(error) => self.answer_error(id, ErrorCode::InvalidParams, &error.to_string()),
        }
    }

    fn code_actions(&mut self, params: &CodeActionParams) -> Value {
        let Some(path) = uri::to_path(params.text_document.uri.as_ref()) else { return json!([]) };
        let document = self.documents.get(&path).map(String::as_str).unwrap_or_default();
        let lines = text::lines(params.range);
        let selected = params.range.start != params.range.end;
        let selection = if selected { text::slice(document, params.range, self.client.encoding) } else { "" };
        let (ours, others) = actions::split(&params.context.diagnostics);
        let ours = self.published_at(&path, lines, ours);
        let view = self.shelf.at(&path);
        let text = self.documents.get(&path).map(String::as_str);
        let page = view.and_then(|(_, open)| open.page_of(text));
        let marks: Vec<Mark> = page.into_iter().flat_map(|page| page.marked(lines.0, lines.1).cloned()).collect();
        let sessions: Vec<&SessionView> = match view {
            Some(_) => Vec::new(),
            None => self.state.sorted().into_iter().filter(|view| path.starts_with(&view.repository)).collect(),
        };
        let prompt_file =
            view.filter(|(view, _)| matches!(view, View::Prompt(_))).map(|_| path.to_string_lossy().into_owned());
        let spots = if view.is_some() { Vec::new() } else { spots(&self.state, &path, document) };
        let name = self.relative(&path);
        let repository = self.home(&path).map(|folder| folder.to_string_lossy().into_owned());
        let here = Spotlight {
            name: &name,
            lines,
            selection,
            repository: repository.as_deref(),
            spots: &spots,
            marks: &marks,
            others: &others,
            ours: &ours,
            sessions: &sessions,
            prompt_file: prompt_file.as_deref(),
        };
        let mut found = actions::all(&self.state, &here);
        found.splice(0..0, own::fixes(&path, &ours));
        if let Some(kind) = own::kind(&self.around(&path, document)) {
            // What the file itself is for comes before what can be done everywhere.
            let first = found.iter().take_while(|action| action.edit.is_some()).count();
            found.splice(first..first, actions::of_lenses(&self.lenses_of(kind, &path, document), lines));
        }
        found.retain(|action| action.command.as_ref().is_none_or(|command| self.client.runs(&command.command)));
        if let Some(only) = &params.context.only {
            let wanted: Vec<Value> = only.iter().map(|kind| json!(kind)).collect();
            found.retain(|action| {
                let kind = json!(action.kind);
                let kind = kind.as_str().unwrap_or(SOURCE);
                wanted.iter().filter_map(Value::as_str).any(|wanted| {
                    kind.strip_prefix(wanted)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || wanted.is_empty())
                })
            });
        }
        if self.client.action_literals {
            if self.client.resolves {
                self.offers.keep(&mut found);
            }
            json!(found)
        } else {
            found.iter().filter_map(|action| action.command.as_ref()).map(|command| json!(command)).collect()
        }
    }

    /// Our diagnostics on these lines: some clients send only those under the cursor.
    fn published_at(
        &self,
        path: &Path,
        lines: (u32, u32),
        mut sent: Vec<gen_lsp_types::Diagnostic>,
    ) -> Vec<gen_lsp_types::Diagnostic> {
        let known = self.published.get(path).and_then(Value::as_array).into_iter().flatten();
        for diagnostic in
            known.filter_map(|value| serde_json::from_value::<gen_lsp_types::Diagnostic>(value.clone()).ok())
        {
            let on = text::lines(diagnostic.range);
            if on.0 <= lines.1 && lines.0 <= on.1 && !sent.iter().any(|sent| sent.data == diagnostic.data) {
                sent.push(diagnostic);
            }
        }
        sent
    }

    /// Where a session about a document starts: in its repository as sessions know it, or else the folder that it is in.
    fn home(&self, path: &Path) -> Option<std::path::PathBuf> {
        let inside = self.state.inhabitant(path).map(|view| std::path::PathBuf::from(&view.repository));
        let folders = self.client.folders.iter().filter(|folder| path.starts_with(folder));
        inside.or_else(|| folders.max_by_key(|folder| folder.as_os_str().len()).cloned())
    }

    /// A document's path as prompts name it.
    fn relative(&self, path: &Path) -> String {
        let trees =
            self.state.sessions.values().flat_map(|view| [&view.worktree.path, &view.repository]).map(Path::new);
        let roots = trees.chain(self.client.folders.iter().map(std::path::PathBuf::as_path));
        let best = roots.filter_map(|root| path.strip_prefix(root).ok()).min_by_key(|rest| rest.as_os_str().len());
        best.unwrap_or(path).to_string_lossy().into_owned()
    }

    pub(super) fn notification(&mut self, notification: Notification) {
        if self.phase != Phase::Running {
            return;
        }
        let Notification { method, params } = notification;
        let path = params.pointer("/textDocument/uri").and_then(Value::as_str).and_then(uri::to_path);
        match (method.as_str(), path) {
            ("initialized", _) => {
                self.greeted = true;
                self.look_for_papers(None);
                self.watch_papers();
            }
            ("textDocument/didOpen", Some(path)) => {
                let text = params.pointer("/textDocument/text").and_then(Value::as_str).unwrap_or_default();
                self.documents.insert(path, text.to_owned());
                self.dirty = true;
            }
            ("textDocument/didChange", Some(path)) => {
                let Ok(params) = serde_json::from_value::<DidChangeTextDocumentParams>(params) else { return };
                let whole = params.content_changes.into_iter().rev().find_map(|change| match change {
                    TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => Some(whole.text),
                    TextDocumentContentChangeEvent::TextDocumentContentChangePartial(_) => None,
                });
                if let Some(text) = whole {
                    self.documents.insert(path, text);
                    self.dirty = true;
                }
            }
            ("textDocument/didClose", Some(path)) => {
                self.documents.remove(&path);
                if let Err(error) = self.shelf.closed(&path) {
                    tracing::warn!(%error, "the file of a prompt that was sent stays");
                }
                self.dirty = true;
            }
            ("textDocument/didSave", Some(path)) => self.saved(&path),
            ("workspace/didChangeWatchedFiles", _) => self.look_for_papers(None),
            ("divisi/quiet", _) => {
                self.client.quiet = params["quiet"] == json!(true);
                self.dirty = true;
            }
            ("textDocument/didClose", None) => {
                self.document_closed(params.pointer("/textDocument/uri").and_then(Value::as_str).unwrap_or_default());
            }
            ("workspace/didChangeWorkspaceFolders", _) => self.folders_changed(&params),
            ("window/workDoneProgress/cancel", _) => {
                let token = params["token"].as_str().unwrap_or_default().to_owned();
                self.cancelled(&token);
            }
            _ => {}
        }
    }

    fn folders_changed(&mut self, params: &Value) {
        let of = |name: &str| -> Vec<std::path::PathBuf> {
            let folders = params.pointer(&format!("/event/{name}")).and_then(Value::as_array).into_iter().flatten();
            folders.filter_map(|folder| uri::to_path(folder["uri"].as_str()?)).collect()
        };
        let removed = of("removed");
        self.client.folders.retain(|folder| !removed.contains(folder));
        self.client.folders.extend(of("added"));
        let Self { state, client, .. } = self;
        state.changes.retain(|id, _| {
            state.sessions.get(id).is_some_and(|view| super::state::State::concerns(view, &client.folders))
        });
        self.dirty = true;
        self.read_all_changes();
        self.strangers.clear();
        self.read_batches();
        self.look_for_papers(None);
    }

    pub(super) fn response(&mut self, response: Response) {
        let Response { id, response_result } = response;
        let Some((method, asked)) = self.asked.remove(&id) else { return };
        let result = match response_result {
            Ok(result) => Some(result),
            Err(error) => {
                if error.code == ErrorCode::MethodNotFound as i32 {
                    self.client.refuses(method);
                }
                None
            }
        };
        self.answered(asked, result);
    }

    fn answered(&mut self, asked: Asked, result: Option<Value>) {
        match asked {
            Asked::Nothing => {}
            Asked::Shown(path) => {
                if result.is_none_or(|result| result["success"] != json!(true)) {
                    self.say(&format!("the view is {}", path.display()));
                }
            }
            Asked::Approval(approval) => self.approval_answered(&approval, result.as_ref()),
            Asked::Choice(verb, what, choices) => {
                let title = result.as_ref().and_then(|result| result["title"].as_str());
                // Dismissed is no answer.
                if let Some((_, arguments)) = title.and_then(|title| choices.iter().find(|(choice, _)| choice == title))
                {
                    self.execute(verb, std::slice::from_ref(arguments));
                } else if result.is_none() {
                    let names: Vec<&str> = choices.iter().map(|(title, _)| title.as_str()).collect();
                    self.error(&format!("{verb}: which {what}? {}", names.join(", ")));
                }
            }
        }
    }
}
