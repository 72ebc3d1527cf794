//! What can be chosen: a mode (when it asks, and what its sandbox lets it do), the model and how hard it thinks.

use serde_json::{Value, json};

use crate::model::agent::{Choice, ConfigOption};

use super::super::acp::wire;

/// A mode: a pair of Codex's settings under one name.
#[derive(Debug)]
pub(super) struct Mode {
    pub(super) id: &'static str,
    name: &'static str,
    description: &'static str,
    /// `approvalPolicy`.
    pub(super) approval: &'static str,
    /// `sandbox`.
    pub(super) sandbox: &'static str,
    /// The same as `sandboxPolicy.type`.
    policy: &'static str,
}

const MODES: [Mode; 5] = [
    Mode {
        id: "read-only",
        name: "Read only",
        description: "reads; asks before it changes anything",
        approval: "on-request",
        sandbox: "read-only",
        policy: "readOnly",
    },
    Mode {
        id: "ask",
        name: "Ask",
        description: "asks before it runs a command it does not trust; may write in the worktree",
        approval: "untrusted",
        sandbox: "workspace-write",
        policy: "workspaceWrite",
    },
    Mode {
        id: "auto",
        name: "Auto",
        description: "works in the worktree; asks when its sandbox is in the way",
        approval: "on-request",
        sandbox: "workspace-write",
        policy: "workspaceWrite",
    },
    Mode {
        id: "unattended",
        name: "Unattended",
        description: "works in the worktree and never asks: what the sandbox forbids fails",
        approval: "never",
        sandbox: "workspace-write",
        policy: "workspaceWrite",
    },
    Mode {
        id: "full-access",
        name: "Full access",
        description: "no sandbox, never asks",
        approval: "never",
        sandbox: "danger-full-access",
        policy: "dangerFullAccess",
    },
];

/// The mode with this id or name.
pub(super) fn mode(wanted: &str) -> Option<&'static Mode> {
    MODES.iter().find(|mode| mode.id.eq_ignore_ascii_case(wanted) || mode.name.eq_ignore_ascii_case(wanted))
}

/// What to say of a mode there is not.
pub(super) fn unknown_mode(wanted: &str) -> String {
    let names: Vec<&str> = MODES.iter().map(|mode| mode.id).collect();
    format!("the agent does not offer the mode {wanted:?} (it offers {}); it stays as configured", names.join(", "))
}

/// The options and where they stand.
#[derive(Debug, Clone, Default)]
pub(super) struct OptionBook {
    mode: String,
    model: String,
    effort: String,
    models: Vec<Choice>,
    efforts: Vec<(String, Vec<Choice>)>,
}

impl OptionBook {
    /// Reads the answer that opened the conversation, or `threadSettings`.
    pub(super) fn read(&mut self, answer: &Value) {
        if let Some(model) = wire::text(answer, "model") {
            model.clone_into(&mut self.model);
        }
        if let Some(effort) = wire::text(answer, "reasoningEffort").or_else(|| wire::text(answer, "effort")) {
            effort.clone_into(&mut self.effort);
        }
        let approval = wire::text(answer, "approvalPolicy");
        let policy =
            answer.pointer("/sandbox/type").or_else(|| answer.pointer("/sandboxPolicy/type")).and_then(Value::as_str);
        if let (Some(approval), Some(policy)) = (approval, policy) {
            let known = MODES.iter().find(|mode| mode.approval == approval && mode.policy == policy);
            self.mode = known.map_or_else(|| format!("{approval}, {policy}"), |mode| mode.id.to_owned());
        }
    }

    /// Reads the answer to `model/list`.
    pub(super) fn read_models(&mut self, answer: &Value) {
        self.models.clear();
        self.efforts.clear();
        for model in wire::list(answer, "data") {
            let Some(id) = wire::text(model, "model").or_else(|| wire::text(model, "id")) else { continue };
            if model.get("hidden").and_then(Value::as_bool) == Some(true) {
                continue;
            }
            let words = |value: &Value, field: &str| wire::text(value, field).map(str::to_owned);
            self.models.push(Choice {
                id: id.to_owned(),
                name: words(model, "displayName").unwrap_or_else(|| id.to_owned()),
                description: words(model, "description"),
            });
            let effort = |effort: &Value| {
                let id = words(effort, "reasoningEffort")?;
                Some(Choice { name: id.clone(), id, description: words(effort, "description") })
            };
            let efforts = wire::list(model, "supportedReasoningEfforts").iter().filter_map(effort).collect();
            self.efforts.push((id.to_owned(), efforts));
        }
    }

    /// Notes a new value of an option.
    pub(super) fn set(&mut self, id: &str, value: &str) {
        let place = match id {
            "mode" => &mut self.mode,
            "model" => &mut self.model,
            _ => &mut self.effort,
        };
        value.clone_into(place);
    }

    /// The list.
    pub(super) fn view(&self) -> Vec<ConfigOption> {
        let option = |id: &str, name: &str, category: &str, current: &str, choices: Vec<Choice>| ConfigOption {
            id: id.to_owned(),
            name: name.to_owned(),
            category: Some(category.to_owned()),
            current: current.to_owned(),
            choices,
            is_mode: id == "mode",
        };
        let mode = |mode: &Mode| Choice {
            id: mode.id.to_owned(),
            name: mode.name.to_owned(),
            description: Some(mode.description.to_owned()),
        };
        let efforts = self.efforts.iter().find(|(model, _)| *model == self.model).map(|(_, efforts)| efforts.clone());
        let mut view = vec![
            option("mode", "Mode", "mode", &self.mode, MODES.iter().map(mode).collect()),
            option("model", "Model", "model", &self.model, self.models.clone()),
        ];
        if let Some(efforts) = efforts.filter(|efforts| !efforts.is_empty()) {
            view.push(option("effort", "Reasoning effort", "thought_level", &self.effort, efforts));
        }
        view
    }
}

/// The parameters of the request that sets an option, or why there is none.
pub(super) fn settings(thread: &str, id: &str, value: &str) -> Result<Value, String> {
    match id {
        "mode" => {
            let mode = mode(value).ok_or_else(|| unknown_mode(value))?;
            Ok(json!({"threadId": thread, "approvalPolicy": mode.approval, "sandboxPolicy": {"type": mode.policy}}))
        }
        "model" => Ok(json!({"threadId": thread, "model": value})),
        "effort" => Ok(json!({"threadId": thread, "effort": value})),
        _ => Err(format!("Codex has no option {id:?}; it has mode, model and effort")),
    }
}

/// Reads which option a written request sets, and to what.
pub(super) fn written(params: &Value) -> Option<(String, String)> {
    if let Some(approval) = wire::text(params, "approvalPolicy") {
        let policy = params.pointer("/sandboxPolicy/type").and_then(Value::as_str);
        let mode = MODES.iter().find(|mode| mode.approval == approval && Some(mode.policy) == policy)?;
        return Some(("mode".to_owned(), mode.id.to_owned()));
    }
    ["model", "effort"].iter().find_map(|id| Some(((*id).to_owned(), wire::text(params, id)?.to_owned())))
}
