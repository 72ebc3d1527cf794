//! What the agent asks: permissions and questions. Everything else it may ask is refused.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::host::port::Update;
use crate::model::agent::ToolCall;
use crate::model::approval::{ApprovalKind, ApprovalOption};

use super::super::form::{self, Form};
use super::{AcpConversation, render, tools, wire};

/// JSON-RPC: no such method.
const NO_SUCH_METHOD: i64 = -32601;
/// JSON-RPC: bad parameters.
const BAD_PARAMETERS: i64 = -32602;

/// A request that waits for an answer.
#[derive(Debug, Clone)]
struct Open {
    /// The agent's id of it: a number or a string.
    id: Value,
    options: Vec<ApprovalOption>,
    /// The tool call it is about.
    tool: Option<String>,
    /// Set for an elicitation.
    form: Option<Form>,
}

/// Requests of the agent by key: their id as JSON, with `#n` when an agent uses an id again.
#[derive(Debug, Clone, Default)]
pub(super) struct RequestBook {
    open: BTreeMap<String, Open>,
    seen: BTreeMap<String, u32>,
}

impl RequestBook {
    fn key(&mut self, id: &Value) -> String {
        let text = id.to_string();
        let times = self.seen.entry(text.clone()).or_default();
        *times += 1;
        if *times == 1 { text } else { format!("{text}#{times}") }
    }

    /// The newest open request with this id.
    fn open_with(&self, id: &Value) -> Option<String> {
        self.open.iter().filter(|(_, open)| open.id == *id).map(|(key, _)| key.clone()).next_back()
    }
}

impl Open {
    fn cancelled(&self) -> Vec<u8> {
        match &self.form {
            None => render::result(&self.id, &json!({"outcome": {"outcome": "cancelled"}})),
            Some(form) => render::result(&self.id, &form.answer(None, None)),
        }
    }

    fn chosen(&self, option: &str, message: Option<&str>) -> Vec<u8> {
        let answer = match &self.form {
            None => json!({"outcome": {"outcome": "selected", "optionId": option}}),
            Some(form) => form.answer(Some(option), message),
        };
        render::result(&self.id, &answer)
    }
}

fn write_answer(key: &str, bytes: Vec<u8>) -> Update {
    Update::Write { key: format!("answer:{key}"), bytes }
}

impl AcpConversation {
    pub(super) fn on_request(&mut self, id: &Value, method: &str, params: &Value, updates: &mut Vec<Update>) {
        let key = self.requests.key(id);
        match method {
            "session/request_permission" => self.on_permission(&key, id, params, updates),
            "elicitation/create" => self.on_elicitation(&key, id, params, updates),
            _ => {
                updates.push(Update::Raw(json!({"id": id, "method": method, "params": params})));
                let message = format!("Method not found: {method}");
                updates.push(write_answer(&key, render::error(id, NO_SUCH_METHOD, &message)));
            }
        }
    }

    fn on_permission(&mut self, key: &str, id: &Value, params: &Value, updates: &mut Vec<Update>) {
        let options: Vec<ApprovalOption> = wire::list(params, "options").iter().filter_map(option).collect();
        let tool = params.get("toolCall").and_then(|call| self.tools.merge(call)).cloned();
        let (Some(tool), false) = (tool, options.is_empty()) else {
            updates
                .push(Update::Notice("the agent asked a permission without a tool call or without options".to_owned()));
            let refusal = render::error(id, BAD_PARAMETERS, "toolCall.toolCallId and options are needed");
            updates.push(write_answer(key, refusal));
            return;
        };
        updates.push(Update::Tool(tool.clone()));
        let answers = |option: &ApprovalOption| option.kind.starts_with("allow") || option.kind.starts_with("reject");
        let kind = if options.iter().any(answers) { ApprovalKind::Permission } else { ApprovalKind::Question };
        let open = Open { id: id.clone(), options, tool: Some(tool.id.clone()), form: None };
        self.ask(key, kind, tool, open, updates);
    }

    fn on_elicitation(&mut self, key: &str, id: &Value, params: &Value, updates: &mut Vec<Update>) {
        let form = Form::of(params.get("requestedSchema").unwrap_or(&Value::Null));
        let options = form::options(form.as_ref());
        let text = form::note(form.as_ref(), wire::text(params, "url"));
        let tool = ToolCall {
            id: format!("elicitation:{key}"),
            title: wire::text(params, "message").unwrap_or("The agent asks").to_owned(),
            kind: "other".to_owned(),
            text: text.to_owned(),
            input: params.get("requestedSchema").cloned().unwrap_or_default(),
            ..ToolCall::default()
        };
        let open = Open { id: id.clone(), options, tool: None, form: Some(form.unwrap_or(Form::Empty)) };
        self.ask(key, ApprovalKind::Question, tool, open, updates);
    }

    fn ask(&mut self, key: &str, kind: ApprovalKind, tool: ToolCall, open: Open, updates: &mut Vec<Update>) {
        if self.turn.as_ref().is_some_and(|turn| turn.cancelling) {
            updates.push(write_answer(key, open.cancelled()));
            updates.extend(self.tools.fail(&tool.id).map(Update::Tool));
            return;
        }
        let command_line = tools::command_line(&tool);
        updates.push(Update::Approval { key: key.to_owned(), kind, tool, command_line, options: open.options.clone() });
        self.requests.open.insert(key.to_owned(), open);
    }

    /// A person answered. What follows from it follows when the answer is seen as written.
    pub(super) fn on_answer(&self, key: &str, option: Option<&str>, message: Option<&str>, updates: &mut Vec<Update>) {
        let Some(open) = self.requests.open.get(key) else {
            return;
        };
        let known = option.filter(|option| open.options.iter().any(|offered| offered.id == *option));
        if let (Some(option), None) = (option, known) {
            updates.push(Update::Notice(format!(
                "the agent does not offer the answer {option:?}; it was told: cancelled"
            )));
        }
        // A message beside a permission's answer has no place in the protocol; the host makes it the next prompt.
        updates.push(write_answer(key, known.map_or_else(|| open.cancelled(), |option| open.chosen(option, message))));
    }

    /// An answer is on its way: the request is no longer open. Agents do not always say that a refused call failed.
    pub(super) fn on_answer_written(&mut self, key: &str, bytes: &[u8], updates: &mut Vec<Update>) {
        let Some(open) = self.requests.open.remove(key) else {
            return;
        };
        let answer = wire::parse(bytes).unwrap_or_default();
        let chosen = answer.pointer("/result/outcome/optionId").and_then(Value::as_str);
        let rejected = match chosen {
            Some(id) => open.options.iter().any(|option| option.id == id && option.kind.starts_with("reject")),
            None => open.form.is_none(),
        };
        if rejected {
            if let Some(turn) = &mut self.turn {
                turn.refused = true;
            }
            updates.extend(open.tool.and_then(|tool| self.tools.fail(&tool)).map(Update::Tool));
        }
    }

    /// The agent takes a request back (`$/cancel_request`).
    pub(super) fn on_request_withdrawn(&mut self, params: &Value, updates: &mut Vec<Update>) {
        let id = params.get("requestId").or_else(|| params.get("id")).unwrap_or(&Value::Null);
        if let Some(key) = self.requests.open_with(id) {
            self.withdraw(&key, "the agent took the request back", updates);
        }
    }

    /// Closes every open request, telling the agent so.
    pub(super) fn withdraw_all(&mut self, reason: &str, updates: &mut Vec<Update>) {
        let keys: Vec<String> = self.requests.open.keys().cloned().collect();
        for key in keys {
            self.withdraw(&key, reason, updates);
        }
    }

    fn withdraw(&mut self, key: &str, reason: &str, updates: &mut Vec<Update>) {
        if let Some(open) = self.requests.open.remove(key) {
            updates.push(write_answer(key, open.cancelled()));
            updates.push(Update::ApprovalWithdrawn { key: key.to_owned(), reason: reason.to_owned() });
            updates.extend(open.tool.and_then(|tool| self.tools.fail(&tool)).map(Update::Tool));
        }
    }

    /// Closes every open request of a process that ended: nobody is there to be told.
    pub(super) fn drop_requests(&mut self, reason: &str, updates: &mut Vec<Update>) {
        for key in std::mem::take(&mut self.requests.open).into_keys() {
            updates.push(Update::ApprovalWithdrawn { key, reason: reason.to_owned() });
        }
    }
}

fn option(value: &Value) -> Option<ApprovalOption> {
    let id = wire::text(value, "optionId")?;
    Some(ApprovalOption {
        id: id.to_owned(),
        name: wire::text(value, "name").unwrap_or(id).to_owned(),
        kind: wire::text(value, "kind").unwrap_or_default().to_owned(),
    })
}
