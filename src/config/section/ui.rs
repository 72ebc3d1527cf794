//! `[ui]`: the faces.

use crate::base::schema::Shape;
use crate::config::Color;
use crate::config::key::{Key, choice_of, name_of, text_of};

const COLORS: &[(&str, Color)] = &[("auto", Color::Auto), ("always", Color::Always), ("never", Color::Never)];

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "ui.color",
        about: "colours on the command line: auto, always or never",
        shape: || Shape::choice(COLORS),
        get: |config| name_of(config.ui.color, COLORS),
        set: |config, value| {
            config.ui.color = choice_of(value, COLORS)?;
            Ok(())
        },
    },
    Key {
        name: "ui.editor",
        about: "the command that edits long prompts; empty: $VISUAL, $EDITOR, then vi",
        shape: || Shape::Text,
        get: |config| config.ui.editor.clone().unwrap_or_default().into(),
        set: |config, value| {
            let text = text_of(value)?;
            config.ui.editor = if text.trim().is_empty() { None } else { Some(text) };
            Ok(())
        },
    },
];
