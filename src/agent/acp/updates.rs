//! What the agent tells: `session/update` and other notifications.

use serde_json::{Value, json};

use crate::host::port::Update;
use crate::model::agent::{AgentCommand, PlanEntry};
use crate::model::usage::UsageScope;

use super::super::output::floor_boundary;
use super::turn::Message;
use super::{AcpConversation, Phase, usage, wire};

/// How much of a message's beginning is remembered.
const HEAD: usize = 400;

impl AcpConversation {
    pub(super) fn on_notification(&mut self, method: &str, params: &Value, updates: &mut Vec<Update>) {
        match method {
            "session/update" => self.on_session_update(params, updates),
            "$/cancel_request" => self.on_request_withdrawn(params, updates),
            _ => updates.push(raw(method, params)),
        }
    }

    fn on_session_update(&mut self, params: &Value, updates: &mut Vec<Update>) {
        let update = params.get("update").unwrap_or(&Value::Null);
        let kind = wire::text(update, "sessionUpdate").unwrap_or_default().to_owned();
        // A conversation inside this one (a subagent's) is not part of its transcript.
        let foreign = wire::text(params, "sessionId")
            .is_some_and(|id| !self.conversation().is_empty() && id != self.conversation());
        // While an earlier conversation is loaded its history is played again; we have it.
        let replay = self.phase == Phase::Opening("load");
        let known = match kind.as_str() {
            _ if foreign => false,
            "user_message_chunk" => true,
            "agent_message_chunk" | "agent_thought_chunk" | "tool_call" | "tool_call_update" | "plan" if replay => true,
            "agent_message_chunk" => self.on_chunk(update, false, updates),
            "agent_thought_chunk" => self.on_chunk(update, true, updates),
            "tool_call" | "tool_call_update" => self.on_tool(update, updates),
            "plan" => on_plan(update, updates),
            "available_commands_update" => self.on_commands(update, updates),
            "current_mode_update" => self.on_mode(update, updates),
            "config_option_update" => self.on_config(update, updates),
            "usage_update" => match usage::of_update(update) {
                Some(usage) => {
                    updates.push(Update::Usage(usage));
                    true
                }
                None => false,
            },
            "session_info_update" => {
                self.on_session_info(update, updates);
                true
            }
            "notice" => on_notice(update, updates),
            _ => false,
        };
        if !known {
            updates.push(raw("session/update", params));
        }
    }

    fn on_chunk(&mut self, update: &Value, thought: bool, updates: &mut Vec<Update>) -> bool {
        // Qwen reports the usage of a step on an empty message.
        let step = update.pointer("/_meta/usage").and_then(|usage| usage::tokens(usage, UsageScope::Step));
        let counted = step.is_some();
        updates.extend(step.map(Update::Usage));
        let Some(mut text) = update.get("content").and_then(wire::block_text) else {
            return counted;
        };
        if text.is_empty() {
            return true;
        }
        if let Some(turn) = &mut self.turn {
            let id = wire::text(update, "messageId").map(str::to_owned);
            let message = turn.message.get_or_insert_with(|| Message { id: id.clone(), thought, ..Message::default() });
            if message.thought != thought || message.id != id {
                let apart = message.thought == thought && !message.ends_line && message.id.is_some() && id.is_some();
                *message = Message { id, thought, ..Message::default() };
                if apart {
                    text.insert_str(0, "\n\n");
                }
            }
            let room = floor_boundary(&text, HEAD.saturating_sub(message.head.len()));
            message.head.push_str(text[..room].trim_start_matches('\n'));
            message.ends_line = text.ends_with('\n');
        }
        updates.push(if thought { Update::Thought(text) } else { Update::Message(text) });
        true
    }

    fn on_tool(&mut self, update: &Value, updates: &mut Vec<Update>) -> bool {
        let Some(call) = self.tools.merge(update).cloned() else {
            return false;
        };
        if let Some(turn) = &mut self.turn {
            turn.message = None;
        }
        updates.push(Update::Tool(call));
        true
    }

    fn on_mode(&mut self, update: &Value, updates: &mut Vec<Update>) -> bool {
        let Some(mode) = wire::text(update, "currentModeId") else {
            return false;
        };
        if let Some(option) = self.options.find("mode") {
            self.options.set_current(&option.id, mode);
            updates.push(Update::Options(self.options.view()));
        }
        true
    }

    /// Agents send the whole list, tens of kilobytes, again and again; it is told when it changed.
    fn on_commands(&mut self, update: &Value, updates: &mut Vec<Update>) -> bool {
        let Some(offered) = update.get("availableCommands").and_then(Value::as_array) else {
            return false;
        };
        let commands: Vec<AgentCommand> = offered.iter().filter_map(command).collect();
        if self.commands != commands {
            self.commands.clone_from(&commands);
            updates.push(Update::Commands(commands));
        }
        true
    }

    fn on_config(&mut self, update: &Value, updates: &mut Vec<Update>) -> bool {
        let known = self.options.read(update);
        if known {
            updates.push(Update::Options(self.options.view()));
        }
        known
    }
}

fn raw(method: &str, params: &Value) -> Update {
    Update::Raw(json!({"method": method, "params": params}))
}

fn on_plan(update: &Value, updates: &mut Vec<Update>) -> bool {
    let Some(entries) = update.get("entries").and_then(Value::as_array) else {
        return false;
    };
    let entry = |entry: &Value| {
        Some(PlanEntry {
            content: wire::text(entry, "content")?.to_owned(),
            status: wire::text(entry, "status").unwrap_or("pending").to_owned(),
            priority: wire::text(entry, "priority").unwrap_or_default().to_owned(),
        })
    };
    updates.push(Update::Plan(entries.iter().filter_map(entry).collect()));
    true
}

fn command(value: &Value) -> Option<AgentCommand> {
    Some(AgentCommand {
        name: wire::text(value, "name")?.trim_start_matches('/').to_owned(),
        description: wire::text(value, "description").unwrap_or_default().to_owned(),
    })
}

fn on_notice(update: &Value, updates: &mut Vec<Update>) -> bool {
    let text = wire::text(update, "message")
        .or_else(|| wire::text(update, "text"))
        .map(str::to_owned)
        .or_else(|| update.get("content").and_then(wire::block_text));
    let known = text.is_some();
    updates.extend(text.map(Update::Notice));
    known
}
