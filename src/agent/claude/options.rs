//! What can be chosen: the permission mode and the model.

use serde_json::{Value, json};

use crate::model::agent::{Choice, ConfigOption};

use super::super::acp::wire;

/// The permission modes, as `claude --help` names them. Which of them a user may set is decided when it is set.
const MODES: [(&str, &str, &str); 6] = [
    ("default", "Default", "asks before it edits files or runs commands"),
    ("acceptEdits", "Accept edits", "edits files without asking"),
    ("plan", "Plan", "only reads, then shows a plan"),
    ("auto", "Auto", "a classifier of the provider decides what is asked"),
    ("dontAsk", "Don't ask", "denies what is not allowed by a rule"),
    ("bypassPermissions", "Bypass permissions", "asks nothing; as root only with IS_SANDBOX=1"),
];

/// The two options and where they stand.
#[derive(Debug, Clone, Default)]
pub(super) struct OptionBook {
    mode: String,
    model: String,
    models: Vec<Choice>,
    /// The model behind each choice.
    resolved: Vec<(String, String)>,
}

impl OptionBook {
    /// Reads the answer to `initialize`.
    pub(super) fn read(&mut self, answer: &Value) {
        wire::text(answer, "current_permission_mode").unwrap_or("default").clone_into(&mut self.mode);
        "default".clone_into(&mut self.model);
        for model in wire::list(answer, "models") {
            let Some(id) = wire::text(model, "value") else { continue };
            self.models.push(Choice {
                id: id.to_owned(),
                name: wire::text(model, "displayName").unwrap_or(id).to_owned(),
                description: wire::text(model, "description").map(str::to_owned),
            });
            if let Some(resolved) = wire::text(model, "resolvedModel") {
                self.resolved.push((id.to_owned(), resolved.to_owned()));
            }
        }
    }

    /// Notes the mode that is set now; true when that is news.
    pub(super) fn set_mode(&mut self, mode: &str) -> bool {
        let news = self.mode != mode;
        mode.clone_into(&mut self.mode);
        news
    }

    /// Notes the model that is used now: a choice, or the model behind one. True when that is news.
    pub(super) fn set_model(&mut self, model: &str) -> bool {
        let same =
            self.model == model || self.resolved.iter().any(|(id, resolved)| *id == self.model && resolved == model);
        if same {
            return false;
        }
        let choice = self.resolved.iter().find(|(_, resolved)| resolved == model).map_or(model, |(id, _)| id.as_str());
        choice.to_owned().clone_into(&mut self.model);
        true
    }

    /// Notes a new value of an option.
    pub(super) fn set(&mut self, id: &str, value: &str) {
        if id == "mode" {
            self.set_mode(value);
        } else {
            value.clone_into(&mut self.model);
        }
    }

    /// The list.
    pub(super) fn view(&self) -> Vec<ConfigOption> {
        let option = |id: &str, name: &str, current: &str, choices: Vec<Choice>| ConfigOption {
            id: id.to_owned(),
            name: name.to_owned(),
            category: Some(id.to_owned()),
            current: current.to_owned(),
            choices,
            is_mode: id == "mode",
        };
        let mode = |(id, name, description): &(&str, &str, &str)| Choice {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            description: Some((*description).to_owned()),
        };
        vec![
            option("mode", "Mode", &self.mode, MODES.iter().map(mode).collect()),
            option("model", "Model", &self.model, self.models.clone()),
        ]
    }
}

/// The control request that sets an option; nothing for an option that is not offered. A model that is not among the choices is
/// passed on: full names of models are accepted too.
pub(super) fn request(id: &str, value: &str) -> Option<Value> {
    match id {
        "mode" => {
            let known = MODES
                .iter()
                .find(|(mode, name, _)| mode.eq_ignore_ascii_case(value) || name.eq_ignore_ascii_case(value));
            let mode = known.map_or(value, |(mode, _, _)| mode);
            Some(json!({"subtype": "set_permission_mode", "mode": mode}))
        }
        "model" => Some(json!({"subtype": "set_model", "model": value})),
        _ => None,
    }
}

/// Reads which option a written request sets, and to what.
pub(super) fn written(bytes: &[u8]) -> Option<(String, String)> {
    let message = wire::parse(bytes).ok()?;
    let request = message.get("request")?;
    let id = if wire::text(request, "subtype")? == "set_model" { "model" } else { "mode" };
    Some((id.to_owned(), wire::text(request, id)?.to_owned()))
}
