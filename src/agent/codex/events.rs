//! What it tells without being asked.

use serde_json::{Value, json};

use crate::base::date;
use crate::base::text::visible_line;
use crate::host::port::Update;
use crate::model::agent::PlanEntry;
use crate::model::turn::TurnOutcome;

use super::super::acp::wire;
use super::super::failure::{Diagnosis, Ending};
use super::super::turns::{done, failed, interrupted};
use super::{CodexConversation, LOGIN, failures, request};

impl CodexConversation {
    /// Takes a notification; false when it is not known.
    pub(super) fn on_event(&mut self, method: &str, params: &Value, updates: &mut Vec<Update>) -> bool {
        // A conversation inside this one (a subagent's) is not part of its transcript, but its tools are shown.
        let ours =
            wire::text(params, "threadId").is_none_or(|thread| thread == self.thread() || self.thread().is_empty());
        match method {
            "turn/started" if ours => {
                if let (Some(id), Some(_)) = (params.pointer("/turn/id").and_then(Value::as_str), &self.turns.running) {
                    self.on_turn_id(id, updates);
                }
            }
            "turn/completed" if ours => self.on_completed(params, updates),
            "item/started" | "item/completed" => {
                return self.on_item(params, method == "item/completed", ours, updates);
            }
            "item/agentMessage/delta" | "item/plan/delta" if ours => self.on_delta(params, false),
            "item/reasoning/summaryTextDelta" | "item/reasoning/textDelta" if ours => self.on_delta(params, true),
            "item/commandExecution/outputDelta" | "item/fileChange/outputDelta" => self.on_output(params, updates),
            "item/fileChange/patchUpdated" => self.on_patch(params, updates),
            "item/mcpToolCall/progress" => self.on_progress(params, updates),
            "thread/tokenUsage/updated" if ours => {
                let told = params.get("tokenUsage").unwrap_or(&Value::Null);
                updates.extend(self.counter.step(told, self.turns.running.is_some()).map(Update::Usage));
            }
            "turn/plan/updated" if ours => {
                updates.push(Update::Plan(wire::list(params, "plan").iter().filter_map(plan_entry).collect()));
            }
            "thread/settings/updated" if ours => {
                self.options.read(params.get("threadSettings").unwrap_or(&Value::Null));
                updates.push(Update::Options(self.options.view()));
            }
            "serverRequest/resolved" => {
                let id = params.get("requestId").unwrap_or(&Value::Null);
                self.on_resolved(id, updates);
            }
            "error" => self.on_error(params, updates),
            "account/rateLimits/updated" => self.on_rate_limits(params, updates),
            "warning" | "configWarning" | "deprecationNotice" | "guardianWarning" => on_warning(params, updates),
            "thread/compacted" => updates.push(Update::Notice("the agent compacted its context".to_owned())),
            "model/rerouted" => {
                let model = wire::text(params, "toModel").unwrap_or("another model");
                updates.push(Update::Notice(format!("the agent goes on with {}", visible_line(model, 100))));
            }
            "mcpServer/startupStatus/updated" => on_server_status(params, updates),
            _ => return is_silent(method),
        }
        true
    }

    fn on_delta(&mut self, params: &Value, thought: bool) {
        if let Some(text) = wire::text(params, "delta") {
            self.speech.piece(thought, text);
        }
    }

    fn on_completed(&mut self, params: &Value, updates: &mut Vec<Update>) {
        let turn = params.get("turn").unwrap_or(&Value::Null);
        let Some(running) = &self.turns.running else {
            return;
        };
        if self.turn.is_some() && wire::text(turn, "id") != self.turn.as_deref() {
            return;
        }
        let ending: Ending = match wire::text(turn, "status").unwrap_or_default() {
            "completed" => done("completed").into(),
            "interrupted" if running.cancelling => interrupted("cancelled").into(),
            "interrupted" if running.refused => interrupted("ended with a refusal").into(),
            "interrupted" => interrupted("the agent was interrupted").into(),
            _ => match (turn.get("error").filter(|error| error.is_object()), &running.fault) {
                (Some(error), _) => self.told_of(error).into(),
                (None, Some(fault)) => fault.clone().into(),
                (None, None) => failed("the agent ended the turn without saying why").into(),
            },
        };
        if matches!(ending.outcome, TurnOutcome::Interrupted { .. }) {
            // A command that had begun a moment before outlives the interrupt, and goes on changing the worktree.
            let key = format!("clean:{}", running.id);
            updates.push(request(&key, "thread/backgroundTerminals/clean", &json!({"threadId": self.thread()})));
        }
        self.close(ending, updates);
    }

    fn told_of(&self, error: &Value) -> Diagnosis {
        let words = failures::words(error);
        failures::of_error(error).told(&words, LOGIN, self.retry)
    }

    fn on_error(&mut self, params: &Value, updates: &mut Vec<Update>) {
        let error = params.get("error").unwrap_or(&Value::Null);
        let again = params.get("willRetry").and_then(Value::as_bool) == Some(true);
        let words = visible_line(&failures::words(error), 300);
        let text = if again { format!("the model call failed; the agent tries again: {words}") } else { words };
        updates.push(Update::Notice(text));
        let told = self.told_of(error);
        if let Some(running) = &mut self.turns.running {
            running.fault = Some(told);
        }
    }

    fn on_rate_limits(&mut self, params: &Value, updates: &mut Vec<Update>) {
        let limits = params.get("rateLimits").unwrap_or(&Value::Null);
        let reached = wire::text(limits, "rateLimitReachedType").is_some();
        let windows =
            ["primary", "secondary"].iter().filter_map(|name| limits.get(name).filter(|window| window.is_object()));
        let full = |window: &&Value| window.get("usedPercent").and_then(Value::as_i64).is_some_and(|used| used >= 100);
        let lifted = windows
            .filter(full)
            .filter_map(|window| window.get("resetsAt")?.as_i64())
            .max()
            .map(|seconds| seconds.saturating_mul(1000));
        if (reached || lifted.is_some()) && self.retry != lifted {
            let when = lifted.map(|when| format!("; it is lifted at {}", date::minute(when))).unwrap_or_default();
            updates.push(Update::Notice(format!("the usage limit is reached{when}")));
        }
        self.retry = lifted;
    }
}

/// Notifications that are understood and say nothing a person needs: what they tell comes in other ways, or is not about this work.
fn is_silent(method: &str) -> bool {
    // The state of conversations as a client with a list of them would show it.
    const STATE: [&str; 8] =
        ["archived", "attachment", "deleted", "goal", "prediction", "queue", "readState", "unarchived"];
    const SILENT: [&str; 22] = [
        "thread/started",
        "thread/status/changed",
        "thread/name/updated",
        "thread/closed",
        "turn/started",
        "turn/completed",
        // Changes are taken from git.
        "turn/diff/updated",
        "turn/plan/updated",
        "turn/moderationMetadata",
        "item/agentMessage/delta",
        "item/plan/delta",
        "item/reasoning/summaryPartAdded",
        "item/reasoning/summaryTextDelta",
        "item/reasoning/textDelta",
        "item/commandExecution/terminalInteraction",
        "thread/tokenUsage/updated",
        "thread/settings/updated",
        "remoteControl/status/changed",
        "skills/changed",
        "account/updated",
        "hook/started",
        "hook/completed",
    ];
    if let Some(rest) = method.strip_prefix("thread/") {
        let what = rest.split('/').next().unwrap_or_default();
        if STATE.contains(&what) {
            return true;
        }
    }
    SILENT.contains(&method)
}

fn on_warning(params: &Value, updates: &mut Vec<Update>) {
    let text =
        ["message", "summary"].iter().find_map(|field| wire::text(params, field)).unwrap_or("a warning without words");
    let text = match wire::text(params, "details") {
        Some(details) => format!("{text} ({details})"),
        None => text.to_owned(),
    };
    updates.push(Update::Notice(visible_line(&text, 500)));
}

fn on_server_status(params: &Value, updates: &mut Vec<Update>) {
    if wire::text(params, "status") == Some("failed") {
        let name = wire::text(params, "name").unwrap_or("?");
        let error = wire::text(params, "error").unwrap_or_default();
        updates.push(Update::Notice(visible_line(&format!("the MCP server {name} did not start: {error}"), 300)));
    }
}

fn plan_entry(step: &Value) -> Option<PlanEntry> {
    let status = match wire::text(step, "status") {
        Some("inProgress") => "in_progress",
        Some("completed") => "completed",
        _ => "pending",
    };
    Some(PlanEntry {
        content: wire::text(step, "step")?.to_owned(),
        status: status.to_owned(),
        priority: String::new(),
    })
}
