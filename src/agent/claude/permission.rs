//! What it asks: permission to use a tool, and questions of the model to the person.

use serde_json::{Value, json};

use crate::host::port::Update;
use crate::model::agent::ToolStatus;
use crate::model::approval::{ApprovalKind, ApprovalOption};

use super::super::acp::wire;
use super::super::calls;
use super::super::turns::Asked;
use super::{ClaudeConversation, render, write};

/// What the agent is told with a refusal that has no message.
const REFUSED: &str =
    "The person does not allow this. Do not try it again in another way; go on without it or say what you need.";

const ALLOW: &str = "allow";
const ALWAYS: &str = "allow_always";
const REJECT: &str = "reject";
const STOP: &str = "reject_and_stop";
/// Options of a question begin so; the number of the choice follows.
const CHOICE: &str = "choice:";

fn option(id: &str, name: &str, kind: &str) -> ApprovalOption {
    ApprovalOption { id: id.to_owned(), name: name.to_owned(), kind: kind.to_owned() }
}

fn answer(key: &str, response: &Value) -> Update {
    write(&format!("answer:{key}"), render::answer(key, response))
}

fn deny(message: &str, interrupt: bool) -> Value {
    if interrupt {
        json!({"behavior": "deny", "message": message, "interrupt": true})
    } else {
        json!({"behavior": "deny", "message": message})
    }
}

impl ClaudeConversation {
    pub(super) fn on_control_request(&mut self, message: &Value, updates: &mut Vec<Update>) -> bool {
        let Some(key) = wire::text(message, "request_id").map(str::to_owned) else {
            return false;
        };
        let request = message.get("request").unwrap_or(&Value::Null);
        let subtype = wire::text(request, "subtype").unwrap_or_default();
        if let ("can_use_tool", Some(name)) = (subtype, wire::text(request, "tool_name")) {
            self.on_permission(&key, name, request, updates);
        } else {
            updates.push(Update::Raw(message.clone()));
            let bytes = render::error(&key, &format!("divisi does not know the request {subtype:?}"));
            updates.push(write(&format!("answer:{key}"), bytes));
        }
        true
    }

    fn on_permission(&mut self, key: &str, name: &str, request: &Value, updates: &mut Vec<Update>) {
        let tool = wire::text(request, "tool_use_id").unwrap_or(key).to_owned();
        let input = request.get("input").cloned().unwrap_or_default();
        self.turns.calls.named(&tool, name, &input, ToolStatus::Pending);
        if self.turns.cancelling() {
            updates.extend(self.turns.calls.fail(&tool).map(Update::Tool));
            updates.push(answer(key, &deny("The turn is cancelled.", true)));
            return;
        }
        let question = question(name, &input);
        let shown = match &question {
            Some(question) => Some(question.text.clone()),
            None => wire::text(&input, "plan").or_else(|| wire::text(request, "decision_reason")).map(str::to_owned),
        };
        let call = self.turns.calls.upsert(&tool, |call| {
            call.status = ToolStatus::Pending;
            if let Some(shown) = shown {
                calls::set_text(call, &shown);
            }
        });
        updates.push(Update::Tool(call.clone()));
        let (kind, options) = match question {
            Some(question) => (ApprovalKind::Question, question.options),
            None => (ApprovalKind::Permission, options(request)),
        };
        self.turns.ask(key, kind, call, Asked { options, tool, request: request.clone() }, updates);
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
        let input = asked.request.get("input").cloned().unwrap_or_default();
        let told = message.filter(|message| !message.trim().is_empty()).unwrap_or(REFUSED);
        let response = match known {
            Some(ALLOW) => json!({"behavior": "allow", "updatedInput": input}),
            Some(ALWAYS) => json!({
                "behavior": "allow",
                "updatedInput": input,
                "updatedPermissions": asked.request.get("permission_suggestions"),
            }),
            Some(REJECT) => deny(told, false),
            Some(choice) if choice != STOP => chosen_of(choice, input),
            Some(_) | None => deny(told, true),
        };
        updates.push(answer(key, &response));
    }

    /// An answer is on its way: the request is no longer open.
    pub(super) fn on_answer_written(&mut self, key: &str, bytes: &[u8], updates: &mut Vec<Update>) {
        let Some(asked) = self.turns.asked.remove(key) else {
            return;
        };
        let message = wire::parse(bytes).unwrap_or_default();
        let response = message.pointer("/response/response").unwrap_or(&Value::Null);
        if wire::text(response, "behavior") == Some("allow") {
            let call = self.turns.calls.upsert(&asked.tool, |call| {
                if call.status == ToolStatus::Pending {
                    call.status = ToolStatus::InProgress;
                }
            });
            updates.push(Update::Tool(call));
        } else {
            if let Some(running) = &mut self.turns.running {
                running.refused |= response.get("interrupt").and_then(Value::as_bool) == Some(true);
            }
            updates.extend(self.turns.calls.fail(&asked.tool).map(Update::Tool));
        }
    }
}

/// What can be answered to a permission request.
fn options(request: &Value) -> Vec<ApprovalOption> {
    let mut options = vec![option(ALLOW, "Allow", "allow_once")];
    let suggestions: Vec<String> = wire::list(request, "permission_suggestions").iter().map(suggestion).collect();
    if !suggestions.is_empty() {
        options.push(option(ALWAYS, &format!("Allow, and {}", suggestions.join(", ")), "allow_always"));
    }
    options.push(option(REJECT, "Reject", "reject_once"));
    options.push(option(STOP, "Reject and stop the turn", "reject_once"));
    options
}

/// A change of permissions the agent suggests, in words.
fn suggestion(suggestion: &Value) -> String {
    let place = match wire::text(suggestion, "destination") {
        Some("session") => " in this session",
        Some("userSettings") => " in every project",
        Some(_) => " in this project",
        None => "",
    };
    match wire::text(suggestion, "type").unwrap_or_default() {
        "setMode" => format!("switch to the mode {}{place}", wire::text(suggestion, "mode").unwrap_or("?")),
        "addRules" => {
            let rules: Vec<String> = wire::list(suggestion, "rules")
                .iter()
                .map(|rule| match (wire::text(rule, "toolName").unwrap_or("?"), wire::text(rule, "ruleContent")) {
                    (tool, Some(content)) => format!("{tool}({content})"),
                    (tool, None) => tool.to_owned(),
                })
                .collect();
            format!("always {} {}{place}", wire::text(suggestion, "behavior").unwrap_or("allow"), rules.join(" and "))
        }
        "addDirectories" => {
            let names: Vec<&str> = wire::list(suggestion, "directories").iter().filter_map(Value::as_str).collect();
            format!("let it work in {}{place}", names.join(" and "))
        }
        other => format!("apply its suggestion {other:?}{place}"),
    }
}

/// A question of the model to the person.
struct Question {
    text: String,
    options: Vec<ApprovalOption>,
}

/// Reads the tool with which the model asks the person. One question with one choice can be answered by an option; anything else only
/// with words, which reach the model as the reason of a refusal.
fn question(name: &str, input: &Value) -> Option<Question> {
    let questions = wire::list(input, "questions");
    if name != "AskUserQuestion" || questions.is_empty() {
        return None;
    }
    let mut text = String::new();
    for asked in questions {
        text.push_str(wire::text(asked, "question").unwrap_or_default());
        text.push('\n');
        for (number, choice) in wire::list(asked, "options").iter().enumerate() {
            let label = wire::text(choice, "label").unwrap_or_default();
            let description = wire::text(choice, "description").unwrap_or_default();
            for piece in ["  ", &(number + 1).to_string(), ". ", label, ": ", description, "\n"] {
                text.push_str(piece);
            }
        }
    }
    let mut options = Vec::new();
    if let [only] = questions {
        let choices = wire::list(only, "options").iter().filter_map(|choice| wire::text(choice, "label")).enumerate();
        options.extend(choices.map(|(number, label)| option(&format!("{CHOICE}{number}"), label, "answer")));
    }
    options.push(option(REJECT, "Answer with the message, or decline", "reject_once"));
    Some(Question { text, options })
}

/// The answer to a question.
fn chosen_of(choice: &str, mut input: Value) -> Value {
    let number = choice.strip_prefix(CHOICE).and_then(|number| number.parse::<usize>().ok()).unwrap_or_default();
    let question = input.pointer("/questions/0/question").and_then(Value::as_str).unwrap_or_default().to_owned();
    let labels = input.pointer("/questions/0/options").and_then(Value::as_array).cloned().unwrap_or_default();
    let label =
        labels.iter().filter_map(|choice| wire::text(choice, "label")).nth(number).unwrap_or_default().to_owned();
    input["answers"] = json!({question: label});
    json!({"behavior": "allow", "updatedInput": input})
}
