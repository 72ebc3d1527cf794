//! `[evaluation]`: what has to pass before anything lands.

use std::path::PathBuf;

use crate::base::schema::Shape;
use crate::config::key::{Key, text_of};

pub(super) static KEYS: &[Key] = &[Key {
    name: "evaluation.gates",
    about: "an absolute path of a suite file whose required evaluators must pass before a landing; empty: none",
    shape: || Shape::Text,
    get: |config| {
        let gates = config.settings.gates.as_ref();
        gates.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default().into()
    },
    set: |config, value| {
        let text = text_of(value)?;
        if !text.is_empty() && !text.starts_with('/') {
            return Err("it has to be an absolute path".to_owned());
        }
        config.settings.gates = (!text.is_empty()).then(|| PathBuf::from(text));
        Ok(())
    },
}];
