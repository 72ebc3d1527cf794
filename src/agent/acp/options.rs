//! What the agent lets one choose: modes, models and options, from three generations of the protocol, as one list.

use serde_json::{Value, json};

use crate::model::agent::{Choice, ConfigOption};

use super::wire;

/// A request that sets an option.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SetRequest {
    /// The method.
    pub(super) method: &'static str,
    /// Its parameters.
    pub(super) params: Value,
}

/// The options of a conversation.
#[derive(Debug, Clone, Default)]
pub(super) struct OptionBook {
    /// From `modes`, set with `session/set_mode`.
    modes: Option<ConfigOption>,
    /// From `models`, set with `session/set_model`.
    models: Option<ConfigOption>,
    /// From `configOptions`, set with `session/set_config_option`.
    configs: Vec<ConfigOption>,
    /// Ids of `configs` whose values are truth values.
    switches: Vec<String>,
}

impl OptionBook {
    /// Reads what a session offers from the answer that opened it, or from an update. True when something was there.
    pub(super) fn read(&mut self, offer: &Value) -> bool {
        let mut found = false;
        if let Some(modes) = offer.get("modes").filter(|modes| modes.is_object()) {
            self.modes = Some(ConfigOption {
                is_mode: true,
                ..choices("mode", "Mode", wire::text(modes, "currentModeId"), wire::list(modes, "availableModes"), "id")
            });
            found = true;
        }
        if let Some(models) = offer.get("models").filter(|models| models.is_object()) {
            let current = wire::text(models, "currentModelId");
            self.models = Some(choices("model", "Model", current, wire::list(models, "availableModels"), "modelId"));
            found = true;
        }
        if let Some(configs) = offer.get("configOptions").and_then(Value::as_array) {
            self.configs = configs.iter().filter_map(config).collect();
            let switch = |config: &&Value| config.get("type").and_then(Value::as_str) == Some("boolean");
            let ids = configs.iter().filter(switch).filter_map(|config| wire::text(config, "id"));
            self.switches = ids.map(str::to_owned).collect();
            // An agent that offers its modes both ways tells a change only the newer way.
            if let (Some(modes), Some(config)) = (&mut self.modes, self.configs.iter().find(|o| is(o, "mode")))
                && modes.choices.iter().any(|choice| choice.id == config.current)
            {
                modes.current.clone_from(&config.current);
            }
            found = true;
        }
        found
    }

    /// The list: each thing once.
    pub(super) fn view(&self) -> Vec<ConfigOption> {
        let configs = self.configs.iter().filter(|option| self.modes.is_none() || !is(option, "mode"));
        let models = self.models.iter().filter(|_| !self.configs.iter().any(|option| is(option, "model")));
        self.modes.iter().chain(models).chain(configs).cloned().collect()
    }

    /// The option with this id, or the one of this category (`mode`, `model`).
    pub(super) fn find(&self, id: &str) -> Option<ConfigOption> {
        let view = self.view();
        view.iter().find(|option| option.id == id).or_else(|| view.iter().find(|option| is(option, id))).cloned()
    }

    /// The request that sets an option of the list.
    pub(super) fn request(&self, conversation: &str, option: &ConfigOption, value: &str) -> SetRequest {
        if option.is_mode {
            let params = json!({"sessionId": conversation, "modeId": value});
            return SetRequest { method: "session/set_mode", params };
        }
        if !self.configs.iter().any(|config| config.id == option.id) {
            let params = json!({"sessionId": conversation, "modelId": value});
            return SetRequest { method: "session/set_model", params };
        }
        let value = if self.switches.contains(&option.id) { json!(value == "true") } else { json!(value) };
        let params = json!({"sessionId": conversation, "configId": option.id, "value": value});
        SetRequest { method: "session/set_config_option", params }
    }

    /// Notes a new value of an option.
    pub(super) fn set_current(&mut self, id: &str, value: &str) {
        let options = self.modes.iter_mut().chain(&mut self.models).chain(&mut self.configs);
        for option in options.filter(|option| option.id == id) {
            value.clone_into(&mut option.current);
        }
    }
}

/// Reads which option a written request sets, and to what.
pub(super) fn written(params: &Value) -> Option<(String, Value)> {
    if let Some(mode) = params.get("modeId") {
        return Some(("mode".to_owned(), mode.clone()));
    }
    if let Some(model) = params.get("modelId") {
        return Some(("model".to_owned(), model.clone()));
    }
    Some((wire::text(params, "configId")?.to_owned(), params.get("value")?.clone()))
}

/// The choice a person means: by id, else by name or id whatever the case.
pub(super) fn choice<'a>(option: &'a ConfigOption, wanted: &str) -> Option<&'a str> {
    let mut by_id = option.choices.iter().filter(|choice| choice.id == wanted);
    let same = |text: &str| text.to_lowercase() == wanted.to_lowercase();
    let mut by_name = option.choices.iter().filter(|choice| same(&choice.name) || same(&choice.id));
    by_id.next().or_else(|| by_name.next()).map(|choice| choice.id.as_str())
}

fn is(option: &ConfigOption, category: &str) -> bool {
    option.category.as_deref().unwrap_or(&option.id) == category
}

fn choices(id: &str, name: &str, current: Option<&str>, offered: &[Value], key: &str) -> ConfigOption {
    ConfigOption {
        id: id.to_owned(),
        name: name.to_owned(),
        category: Some(id.to_owned()),
        current: current.unwrap_or_default().to_owned(),
        choices: offered.iter().filter_map(|offer| one_choice(offer, key)).collect(),
        is_mode: false,
    }
}

fn one_choice(offer: &Value, key: &str) -> Option<Choice> {
    let id = wire::text(offer, key)?;
    Some(Choice {
        id: id.to_owned(),
        name: wire::text(offer, "name").unwrap_or(id).to_owned(),
        description: wire::text(offer, "description").map(str::to_owned),
    })
}

fn config(value: &Value) -> Option<ConfigOption> {
    let id = wire::text(value, "id")?;
    let current = match value.get("currentValue") {
        Some(Value::Bool(on)) => on.to_string(),
        Some(Value::String(current)) => current.clone(),
        _ => String::new(),
    };
    let choices = if value.get("type").and_then(Value::as_str) == Some("boolean") {
        let switch = |id: &str, name: &str| Choice { id: id.to_owned(), name: name.to_owned(), description: None };
        vec![switch("true", "On"), switch("false", "Off")]
    } else {
        // Choices may be grouped one level deep.
        let flat = wire::list(value, "options").iter().flat_map(|offer| match offer.get("options") {
            Some(Value::Array(group)) => group.as_slice(),
            _ => std::slice::from_ref(offer),
        });
        flat.filter_map(|offer| one_choice(offer, "value")).collect()
    };
    Some(ConfigOption {
        id: id.to_owned(),
        name: wire::text(value, "name").unwrap_or(id).to_owned(),
        category: wire::text(value, "category").map(str::to_owned),
        current,
        choices,
        is_mode: false,
    })
}
