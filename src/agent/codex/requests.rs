//! What it asks: permission to run commands, change files and leave its sandbox, and questions, also those of MCP servers. Everything
//! else is refused.

use serde_json::{Value, json};

use crate::host::port::Update;
use crate::model::agent::ToolStatus;
use crate::model::approval::{ApprovalKind, ApprovalOption};

use super::super::acp::wire;
use super::super::calls;
use super::super::form::{self, Form};
use super::super::turns::Asked;
use super::{CodexConversation, render};

/// JSON-RPC: no such method.
const NO_SUCH_METHOD: i64 = -32601;

const ACCEPT: &str = "accept";
const SESSION: &str = "acceptForSession";
const AMEND: &str = "acceptWithExecpolicyAmendment";
const DECLINE: &str = "decline";
const CANCEL: &str = "cancel";
/// A question of an MCP server, or of Codex about one of its tools.
const ELICITATION: &str = "mcpServer/elicitation/request";
/// Where the latter says so.
const APPROVAL: &str = "/_meta/codex_approval_kind";
/// Options of a question begin so; the number of the choice follows.
const CHOICE: &str = "choice:";

fn option(id: &str, name: &str, kind: &str) -> ApprovalOption {
    ApprovalOption { id: id.to_owned(), name: name.to_owned(), kind: kind.to_owned() }
}

fn answer(key: &str, bytes: Vec<u8>) -> Update {
    Update::Write { key: format!("answer:{key}"), bytes }
}

impl CodexConversation {
    pub(super) fn on_request(&mut self, id: &Value, method: &str, params: &Value, updates: &mut Vec<Update>) {
        let key = self.key_of(id);
        let options = match method {
            "item/commandExecution/requestApproval" => command_options(params),
            "item/fileChange/requestApproval" => vec![
                option(ACCEPT, "Allow", "allow_once"),
                option(SESSION, "Allow, and later changes of these files in this session", "allow_always"),
                option(DECLINE, "Reject", "reject_once"),
                option(CANCEL, "Reject and stop the turn", "reject_once"),
            ],
            "item/permissions/requestApproval" => vec![
                option(ACCEPT, "Allow in this turn", "allow_once"),
                option(SESSION, "Allow in this session", "allow_always"),
                option(DECLINE, "Reject", "reject_once"),
            ],
            "item/tool/requestUserInput" => question_options(params),
            ELICITATION if params.pointer(APPROVAL).is_some() => vec![
                option(ACCEPT, "Allow", "allow_once"),
                option(DECLINE, "Reject", "reject_once"),
                option(CANCEL, "Reject and stop the turn", "reject_once"),
            ],
            ELICITATION => form::options(form_of(params).as_ref()),
            _ => {
                updates.push(Update::Raw(json!({"id": id, "method": method, "params": params})));
                let message = format!("Method not found: {method}");
                updates.push(answer(&key, render::error(id, NO_SUCH_METHOD, &message)));
                return;
            }
        };
        let tool = wire::text(params, "itemId").unwrap_or(&key).to_owned();
        let call = self.turns.calls.upsert(&tool, |call| {
            call.status = ToolStatus::Pending;
            describe(call, method, params);
        });
        let request = json!({"id": id, "method": method, "params": params});
        let asked = Asked { options, tool, request };
        if self.turns.cancelling() {
            let bytes = render::result(id, &refusal(&asked.request, true));
            updates.push(answer(&key, bytes));
            updates.extend(self.turns.calls.fail(&asked.tool).map(Update::Tool));
            return;
        }
        updates.push(Update::Tool(call.clone()));
        let kind = match method {
            "item/tool/requestUserInput" => ApprovalKind::Question,
            ELICITATION if params.pointer(APPROVAL).is_none() => ApprovalKind::Question,
            _ => ApprovalKind::Permission,
        };
        self.turns.ask(&key, kind, call, asked, updates);
    }

    /// The key of a request: its id as JSON, with `#n` when an id is used again.
    fn key_of(&mut self, id: &Value) -> String {
        let text = id.to_string();
        let times = self.seen.entry(text.clone()).or_default();
        *times += 1;
        if *times == 1 { text } else { format!("{text}#{times}") }
    }

    /// A person answered. What follows from it follows when the answer is seen as written.
    pub(super) fn on_answer(&self, key: &str, chosen: Option<&str>, message: Option<&str>, updates: &mut Vec<Update>) {
        let Some(asked) = self.turns.asked.get(key) else {
            return;
        };
        let known = chosen.filter(|chosen| asked.options.iter().any(|offered| offered.id == *chosen));
        if let (Some(chosen), None) = (chosen, known) {
            updates.push(Update::Notice(format!(
                "the agent does not offer the answer {chosen:?}; it was told: cancelled"
            )));
        }
        let question = wire::text(&asked.request, "method") == Some("item/tool/requestUserInput");
        let elicitation = wire::text(&asked.request, "method") == Some(ELICITATION);
        let params = asked.request.get("params").unwrap_or(&Value::Null);
        if !question && !elicitation && message.is_some_and(|message| !message.is_empty()) {
            let text = "the agent's protocol carries no message with an answer; send it as a prompt after this turn";
            updates.push(Update::Notice(text.to_owned()));
        }
        let response = match known {
            _ if question => question_answer(&asked.request, known, message),
            _ if elicitation => {
                form_of(params).unwrap_or(Form::Empty).answer(known.filter(|id| *id != CANCEL), message)
            }
            Some(DECLINE) => refusal(&asked.request, false),
            Some(CANCEL) | None => refusal(&asked.request, true),
            Some(accepted) => acceptance(&asked.request, accepted),
        };
        let id = asked.request.get("id").unwrap_or(&Value::Null);
        updates.push(answer(key, render::result(id, &response)));
    }

    /// An answer is on its way: the request is no longer open.
    pub(super) fn on_answer_written(&mut self, key: &str, bytes: &[u8], updates: &mut Vec<Update>) {
        let Some(asked) = self.turns.asked.remove(key) else {
            return;
        };
        let message = wire::parse(bytes).unwrap_or_default();
        let decision = message.pointer("/result/decision");
        let granted = message
            .pointer("/result/permissions")
            .is_some_and(|granted| granted.as_object().is_some_and(|all| !all.is_empty()));
        let action = message.pointer("/result/action").and_then(Value::as_str);
        let refused = match decision.and_then(Value::as_str) {
            _ if action.is_some() => action != Some(ACCEPT),
            Some(word) => matches!(word, DECLINE | CANCEL),
            None => decision.is_none() && !granted && message.pointer("/result/answers").is_none(),
        };
        if refused {
            if let Some(running) = &mut self.turns.running {
                running.refused |= decision.and_then(Value::as_str).or(action) == Some(CANCEL);
            }
            updates.extend(self.turns.calls.fail(&asked.tool).map(Update::Tool));
        } else {
            let call = self.turns.calls.upsert(&asked.tool, |call| {
                if call.status == ToolStatus::Pending {
                    call.status = ToolStatus::InProgress;
                }
            });
            updates.push(Update::Tool(call));
        }
    }

    /// Codex settled a request itself.
    pub(super) fn on_resolved(&mut self, id: &Value, updates: &mut Vec<Update>) {
        let found =
            self.turns.asked.iter().find(|(_, asked)| asked.request.get("id") == Some(id)).map(|(key, _)| key.clone());
        if let Some(key) = found {
            self.turns.withdraw(&key, "the agent took the request back", updates);
        }
    }
}

/// The form of an elicitation.
fn form_of(params: &Value) -> Option<Form> {
    Form::of(params.get("requestedSchema").unwrap_or(&Value::Null))
}

/// What can be answered about a command. `availableDecisions` leaves out `decline`, which is understood all the same.
fn command_options(params: &Value) -> Vec<ApprovalOption> {
    let offered = params.get("availableDecisions").and_then(Value::as_array);
    let offers = |name: &str| {
        offered.is_none_or(|all| all.iter().any(|one| one.as_str() == Some(name) || one.get(name).is_some()))
    };
    let mut options = vec![option(ACCEPT, "Allow", "allow_once")];
    if offers(SESSION) {
        options.push(option(SESSION, "Allow in this session", "allow_always"));
    }
    if offers(AMEND) && params.get("proposedExecpolicyAmendment").is_some_and(Value::is_array) {
        options.push(option(AMEND, "Allow, and commands like it from now on", "allow_always"));
    }
    options.push(option(DECLINE, "Reject", "reject_once"));
    options.push(option(CANCEL, "Reject and stop the turn", "reject_once"));
    options
}

fn question_options(params: &Value) -> Vec<ApprovalOption> {
    let mut options = Vec::new();
    if let [only] = wire::list(params, "questions") {
        let choices = wire::list(only, "options").iter().filter_map(|choice| wire::text(choice, "label")).enumerate();
        options.extend(choices.map(|(number, label)| option(&format!("{CHOICE}{number}"), label, "answer")));
    }
    options.push(option(DECLINE, "Answer with the message, or decline", "reject_once"));
    options
}

/// Puts what a request tells into its call.
fn describe(call: &mut crate::model::agent::ToolCall, method: &str, params: &Value) {
    match method {
        "item/commandExecution/requestApproval" => {
            "execute".clone_into(&mut call.kind);
            if let Some(command) = wire::text(params, "command") {
                call.input = json!({"command": command, "cwd": params.get("cwd")});
                call.title = match wire::list(params, "commandActions") {
                    [only] => wire::text(only, "command").unwrap_or(command).to_owned(),
                    _ => command.to_owned(),
                };
            }
        }
        "item/fileChange/requestApproval" => "edit".clone_into(&mut call.kind),
        "item/permissions/requestApproval" => {
            "Permission beyond the sandbox".clone_into(&mut call.title);
            call.input = params.get("permissions").cloned().unwrap_or_default();
        }
        ELICITATION => {
            let words = wire::text(params, "message").unwrap_or("An MCP server asks");
            let server = wire::text(params, "serverName").unwrap_or("an MCP server");
            call.title = format!("{server}: {words}");
            call.input = params.get("requestedSchema").cloned().unwrap_or_default();
            let note = form::note(form_of(params).as_ref(), wire::text(params, "url"));
            calls::append(call, note);
        }
        _ => {
            let questions =
                wire::list(params, "questions").iter().filter_map(|question| wire::text(question, "question"));
            call.title = questions.collect::<Vec<_>>().join("\n");
        }
    }
    if let Some(reason) = wire::text(params, "reason") {
        calls::append(call, &format!("{reason}\n"));
    }
}

fn acceptance(request: &Value, option: &str) -> Value {
    let params = request.get("params").unwrap_or(&Value::Null);
    match wire::text(request, "method") {
        Some("item/permissions/requestApproval") => {
            let scope = if option == SESSION { "session" } else { "turn" };
            json!({"permissions": params.get("permissions"), "scope": scope})
        }
        _ if option == AMEND => {
            json!({"decision": {AMEND: {"execpolicy_amendment": params.get("proposedExecpolicyAmendment")}}})
        }
        _ => json!({"decision": option}),
    }
}

fn refusal(request: &Value, stop: bool) -> Value {
    match wire::text(request, "method") {
        Some("item/permissions/requestApproval") => json!({"permissions": {}}),
        Some("item/tool/requestUserInput") => json!({"answers": {}}),
        Some(ELICITATION) => json!({"action": if stop { "cancel" } else { "decline" }}),
        _ => json!({"decision": if stop { CANCEL } else { DECLINE }}),
    }
}

/// The answers to questions: the choice, else the message for every question.
fn question_answer(request: &Value, chosen: Option<&str>, message: Option<&str>) -> Value {
    let questions = request.pointer("/params/questions").and_then(Value::as_array).cloned().unwrap_or_default();
    let number = chosen.and_then(|chosen| chosen.strip_prefix(CHOICE)).and_then(|number| number.parse::<usize>().ok());
    let answers = questions.iter().filter_map(|question| {
        let label = number.and_then(|number| {
            wire::list(question, "options").iter().filter_map(|choice| wire::text(choice, "label")).nth(number)
        });
        let words = label.or(message.filter(|message| !message.is_empty()))?;
        Some((wire::text(question, "id")?.to_owned(), json!({"answers": [words]})))
    });
    json!({"answers": answers.collect::<serde_json::Map<_, _>>()})
}
