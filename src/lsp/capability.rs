//! What the client can do and what this server offers. A client is asked for nothing that it did not say it can.

use std::collections::BTreeSet;
use std::path::PathBuf;

use gen_lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProvider, CodeLensOptions, CompletionOptions, DocumentLinkOptions,
    DocumentSymbolProvider, ExecuteCommandOptions, HoverProvider, InlayHintProvider, PositionEncodingKind, Save,
    ServerCapabilities, TextDocumentContentOptions, TextDocumentSync, TextDocumentSyncKind, TextDocumentSyncOptions,
    WorkspaceFoldersServerCapabilities, WorkspaceOptions,
};
use serde_json::{Value, json};

use super::documents;
use super::uri;

/// The kind of the actions on sessions, which stay out of the way of fixes.
pub const SOURCE: &str = "source.divisi";

/// What the client may be asked, and where it says that it can be; `showMessageRequest` is old enough to be known everywhere.
const REQUESTS: &[(&str, &str)] = &[
    ("window/showDocument", "/window/showDocument/support"),
    ("window/workDoneProgress/create", "/window/workDoneProgress"),
    ("workspace/codeLens/refresh", "/workspace/codeLens/refreshSupport"),
    ("workspace/inlayHint/refresh", "/workspace/inlayHint/refreshSupport"),
    ("window/showMessageRequest", ""),
    (documents::WATCH, "/workspace/didChangeWatchedFiles/dynamicRegistration"),
    (documents::REFRESH, "/workspace/textDocumentContent/dynamicRegistration"),
];

/// Commands that came after the first extension for VS Code.
const LATER: &[&str] = &["divisi.comment", "divisi.open", "divisi.review.send", "divisi.trust"];

/// Beginnings of others.
const LATER_FAMILIES: &[&str] = &["divisi.batch", "divisi.eval"];

/// How columns are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// What every client can.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

/// A client, as it introduced itself.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
pub struct Client {
    /// Its name, in lower case.
    pub name: String,
    /// Its process, which this one does not outlive.
    pub process: Option<i32>,
    /// The folders it has open.
    pub folders: Vec<PathBuf>,
    /// How it counts columns.
    pub encoding: Encoding,
    /// It knows code actions; otherwise they come as bare commands.
    pub action_literals: bool,
    /// It shows related places of a diagnostic.
    pub related: bool,
    /// It asks for a code action's command when it is chosen.
    pub resolves: bool,
    /// It shows symbols within symbols.
    pub nested_symbols: bool,
    /// divisi's own extension, which wants to be told of changes.
    pub extension: bool,
    /// It has a command of its own name for each of the server's. Editors that run the server's commands have; divisi's own extension
    /// says so.
    pub all_commands: bool,
    /// Hints that tell who wrote lines are wanted.
    pub authorship: bool,
    /// Approvals are to be asked as questions of the editor's own.
    pub asks_approvals: bool,
    /// It shows plans and suites as tests.
    pub tests: bool,
    /// Somebody else in the same editor tells what happens: neither messages about it nor progress nor questions.
    pub quiet: bool,
    /// Requests that need no announcement, or were announced, and were not answered with "method not found".
    takes: BTreeSet<&'static str>,
}

impl Client {
    /// From the parameters of `initialize`. Anything missing or of another shape counts as "cannot".
    pub fn new(parameters: &Value) -> Self {
        let can = |pointer: &str| parameters.pointer(&format!("/capabilities{pointer}")) == Some(&json!(true));
        let has = |pointer: &str| parameters.pointer(&format!("/capabilities{pointer}")).is_some_and(Value::is_object);
        let text = |pointer: &str| parameters.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let option = |name: &str| parameters.pointer(&format!("/initializationOptions/divisi/{name}"));
        let offered: Vec<&str> = parameters
            .pointer("/capabilities/general/positionEncodings")
            .and_then(Value::as_array)
            .map(|all| all.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let encoding = if offered.contains(&"utf-8") {
            Encoding::Utf8
        } else if offered.contains(&"utf-32") && !offered.contains(&"utf-16") {
            Encoding::Utf32
        } else {
            Encoding::Utf16
        };
        Self {
            name: text("/clientInfo/name").to_lowercase(),
            process: parameters["processId"].as_i64().and_then(|pid| i32::try_from(pid).ok()),
            folders: folders(parameters),
            encoding,
            action_literals: has("/textDocument/codeAction/codeActionLiteralSupport"),
            related: can("/textDocument/publishDiagnostics/relatedInformation"),
            resolves: parameters
                .pointer("/capabilities/textDocument/codeAction/resolveSupport/properties")
                .and_then(Value::as_array)
                .is_some_and(|properties| properties.contains(&json!("command"))),
            nested_symbols: can("/textDocument/documentSymbol/hierarchicalDocumentSymbolSupport"),
            extension: option("changes") == Some(&json!(true)),
            all_commands: option("changes") != Some(&json!(true)) || option("commands") == Some(&json!("all")),
            authorship: option("authorship") == Some(&json!(true)),
            asks_approvals: option("approvals") == Some(&json!("ask")),
            tests: option("tests") == Some(&json!(true)),
            quiet: option("quiet") == Some(&json!(true)),
            takes: REQUESTS
                .iter()
                .filter(|(_, pointer)| pointer.is_empty() || can(pointer))
                .map(|(method, _)| *method)
                .collect(),
        }
    }

    /// Whether it can run a command that is offered.
    pub fn runs(&self, command: &str) -> bool {
        let later = LATER.contains(&command) || LATER_FAMILIES.iter().any(|family| command.starts_with(family));
        self.all_commands || !later
    }

    /// Whether a question of the editor's own can only be answered on purpose. In Helix a key that was meant for the text chooses.
    pub fn may_ask(&self) -> bool {
        !self.name.contains("helix")
    }

    /// Whether a request may be sent.
    pub fn takes(&self, method: &str) -> bool {
        self.takes.contains(method)
    }

    /// Whether it notices that a file changed on disk. Helix shows what it read, until it is told to read again.
    pub fn watches(&self) -> bool {
        !self.name.contains("helix")
    }

    /// It said that it does not know a request: it is not asked again.
    pub fn refuses(&mut self, method: &str) {
        self.takes.remove(method);
    }
}

fn folders(parameters: &Value) -> Vec<PathBuf> {
    let listed = parameters["workspaceFolders"].as_array().into_iter().flatten();
    let mut folders: Vec<PathBuf> = listed.filter_map(|folder| uri::to_path(folder["uri"].as_str()?)).collect();
    if folders.is_empty() {
        folders.extend(parameters["rootUri"].as_str().and_then(uri::to_path));
    }
    if folders.is_empty() {
        folders.extend(parameters["rootPath"].as_str().map(PathBuf::from));
    }
    folders
}

/// What this server offers to a client.
pub fn offered(client: &Client, commands: Vec<String>) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(match client.encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        }),
        text_document_sync: Some(TextDocumentSync::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::Full),
            save: Some(Save::Bool(true)),
            ..TextDocumentSyncOptions::default()
        })),
        code_action_provider: Some(CodeActionProvider::CodeActionOptions(CodeActionOptions {
            code_action_kinds: Some(vec![
                CodeActionKind::QuickFix,
                CodeActionKind::RefactorRewrite,
                CodeActionKind::Custom(SOURCE.into()),
            ]),
            resolve_provider: Some(client.resolves),
            ..CodeActionOptions::default()
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some([".", "=", "\"", "[", ":"].map(str::to_owned).to_vec()),
            ..CompletionOptions::default()
        }),
        document_link_provider: Some(DocumentLinkOptions::default()),
        document_symbol_provider: Some(DocumentSymbolProvider::Bool(true)),
        inlay_hint_provider: client.authorship.then_some(InlayHintProvider::Bool(true)),
        code_lens_provider: Some(CodeLensOptions::default()),
        hover_provider: Some(HoverProvider::Bool(true)),
        execute_command_provider: Some(ExecuteCommandOptions { commands, ..ExecuteCommandOptions::default() }),
        workspace: Some(WorkspaceOptions {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(true.into()),
            }),
            text_document_content: Some(TextDocumentContentOptions::new(vec![documents::SCHEME.to_owned()]).into()),
            ..WorkspaceOptions::default()
        }),
        experimental: client.tests.then(|| json!({ "divisi": { "tests": 1 } })),
        ..ServerCapabilities::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_nothing_asked() {
        let client = Client::new(&json!({ "capabilities": "what?", "processId": "x" }));
        assert!(!client.takes("window/showDocument") && !client.takes("window/workDoneProgress/create"));
        assert_eq!((client.encoding, client.folders.len()), (Encoding::Utf16, 0));
    }

    #[test]
    fn a_refused_request_is_not_sent_again() {
        let mut client = Client::new(&json!({ "capabilities": { "window": { "showDocument": { "support": true } } } }));
        assert!(client.takes("window/showDocument"));
        client.refuses("window/showDocument");
        assert!(!client.takes("window/showDocument"));
    }

    #[test]
    fn what_is_optional_is_off_unless_it_is_asked_for() {
        let plain = Client::new(&json!({ "capabilities": {} }));
        assert!(!plain.authorship && !plain.asks_approvals && !plain.quiet && !plain.extension && !plain.resolves);
        let offered = |client: &Client| json!(offered(client, Vec::new()));
        assert!(offered(&plain)["inlayHintProvider"].is_null());
        let divisi = json!({ "authorship": true, "approvals": "ask", "quiet": true, "changes": true });
        let all =
            Client::new(&json!({ "initializationOptions": { "divisi": divisi }, "clientInfo": { "name": "helix" } }));
        assert!(all.authorship && all.asks_approvals && all.quiet && all.extension && !all.may_ask());
        assert_eq!(offered(&all)["inlayHintProvider"], true);
        assert!(plain.runs("divisi.open") && !all.runs("divisi.open") && all.runs("divisi.land"));
        let complete = json!({ "initializationOptions": { "divisi": { "changes": true, "commands": "all" } } });
        assert!(Client::new(&complete).runs("divisi.open"));
        // An editor that can ask later for edits only is given the commands at once.
        let resolving = |properties: Value| {
            let capabilities =
                json!({ "textDocument": { "codeAction": { "resolveSupport": { "properties": properties } } } });
            Client::new(&json!({ "capabilities": capabilities })).resolves
        };
        assert!(resolving(json!(["edit", "command"])) && !resolving(json!(["edit"])));
    }

    #[test]
    fn the_encoding_is_the_clients() {
        let encoding = |offered: Value| {
            Client::new(&json!({ "capabilities": { "general": { "positionEncodings": offered } } })).encoding
        };
        assert_eq!(encoding(json!(["utf-16", "utf-8"])), Encoding::Utf8);
        assert_eq!(encoding(json!(["utf-16", "utf-32"])), Encoding::Utf16);
        assert_eq!(encoding(json!(["utf-32"])), Encoding::Utf32);
        assert_eq!(encoding(json!(7)), Encoding::Utf16);
    }

    #[test]
    fn folders_come_from_whatever_the_client_sends() {
        let of = |parameters: Value| Client::new(&parameters).folders;
        assert_eq!(of(json!({ "workspaceFolders": [{ "uri": "file:///a%20b" }] })), [PathBuf::from("/a b")]);
        assert_eq!(of(json!({ "workspaceFolders": null, "rootUri": "file:///r" })), [PathBuf::from("/r")]);
        assert_eq!(of(json!({ "rootPath": "/p" })), [PathBuf::from("/p")]);
    }
}
