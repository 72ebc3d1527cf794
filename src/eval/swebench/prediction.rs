//! Predictions: the patches that agents made, in the shapes that tools write them.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::instance::{Dataset, Format};

/// A patch for an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// Whose it is.
    pub instance_id: String,
    /// What made it; `None` (the word) if that is not said.
    pub model_name_or_path: String,
    /// The patch, if there is one.
    pub model_patch: Option<String>,
}

impl Prediction {
    /// Whether there is nothing to apply.
    pub fn is_empty(&self) -> bool {
        self.model_patch.as_deref().unwrap_or_default().is_empty()
    }
}

/// Why predictions cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct PredictionError {
    /// `line 3`, `entry 2`, or `the file`.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

/// Predictions by instance, in the order of their first mention; the last one for an instance counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Predictions(IndexMap<String, Prediction>);

impl Predictions {
    /// Reads `.jsonl` (one object per line), or `.json` (a list, or an object of objects as mini-swe-agent's `preds.json`).
    ///
    /// # Errors
    /// When something is no prediction; says where.
    pub fn read(bytes: &[u8], format: Format) -> Result<Self, PredictionError> {
        let mut read = Self::default();
        for (place, value) in
            format.values(bytes).map_err(|error| PredictionError { place: error.place, problem: error.problem })?
        {
            let prediction = prediction(&value).map_err(|problem| PredictionError { place, problem })?;
            read.0.insert(prediction.instance_id.clone(), prediction);
        }
        Ok(read)
    }

    /// The reference patches of a dataset, as the harness' `gold`.
    pub fn gold(dataset: &Dataset) -> Self {
        let gold = |instance: &super::Instance| Prediction {
            instance_id: instance.instance_id.clone(),
            model_name_or_path: "gold".to_owned(),
            model_patch: Some(instance.patch.clone()),
        };
        Self(dataset.instances.iter().map(|instance| (instance.instance_id.clone(), gold(instance))).collect())
    }

    /// One by its instance.
    pub fn get(&self, instance_id: &str) -> Option<&Prediction> {
        self.0.get(instance_id)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Prediction> {
        self.0.values()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Only those that `keep` wants.
    pub fn retain(&mut self, mut keep: impl FnMut(&Prediction) -> bool) {
        self.0.retain(|_, prediction| keep(prediction));
    }

    /// Those in order, from a list; the last one for an instance counts.
    pub fn of(list: impl IntoIterator<Item = Prediction>) -> Self {
        Self(list.into_iter().map(|prediction| (prediction.instance_id.clone(), prediction)).collect())
    }
}

fn prediction(value: &Value) -> Result<Prediction, String> {
    let Value::Object(fields) = value else {
        return Err(format!("a prediction is an object, this is {}", kind(value)));
    };
    let Some(instance_id) = fields.get("instance_id").and_then(Value::as_str) else {
        return Err("a prediction needs `instance_id`, a string".to_owned());
    };
    Ok(Prediction {
        instance_id: instance_id.to_owned(),
        model_name_or_path: string(fields, "model_name_or_path")?.unwrap_or_else(|| "None".to_owned()),
        model_patch: string(fields, "model_patch")?,
    })
}

fn string(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(format!("`{name}` is a string or null, this is {}", kind(other))),
    }
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
