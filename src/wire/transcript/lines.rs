//! The growing text, as edits.

/// One change of the text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "edit")]
pub enum Edit {
    /// New lines at the end.
    Append {
        /// Whole lines, without newlines.
        lines: Vec<String>,
    },
    /// More text at the end of the last line.
    ExtendLast {
        /// Without newlines.
        text: String,
    },
    /// Other lines in the place of some.
    Splice {
        /// Zero-based, the first of them.
        line: usize,
        /// How many go.
        removed: usize,
        /// Whole lines, without newlines.
        lines: Vec<String>,
    },
    /// Another text for a line.
    Replace {
        /// Zero-based.
        line: usize,
        /// Without newlines.
        text: String,
    },
}

/// Applies an edit to a text, for faces that hold one.
impl Edit {
    /// Changes `lines` as the edit says; an edit that does not fit changes nothing.
    pub fn apply(&self, lines: &mut Vec<String>) {
        match self {
            Self::Append { lines: more } => lines.extend(more.iter().cloned()),
            Self::ExtendLast { text } => {
                if let Some(last) = lines.last_mut() {
                    last.push_str(text);
                }
            }
            Self::Splice { line, removed, lines: more } => {
                if line + removed <= lines.len() {
                    lines.splice(*line..line + removed, more.iter().cloned());
                }
            }
            Self::Replace { line, text } => {
                if let Some(slot) = lines.get_mut(*line) {
                    slot.clone_from(text);
                }
            }
        }
    }
}

/// What is at the end of the text.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing, or an empty line.
    #[default]
    Empty,
    /// An item of a list.
    Item,
    /// Anything else.
    Text,
}

/// Collects edits and knows where the end is.
#[derive(Debug, Default)]
pub(super) struct Lines {
    count: usize,
    last: Last,
    edits: Vec<Edit>,
}

impl Lines {
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn take(&mut self) -> Vec<Edit> {
        std::mem::take(&mut self.edits)
    }

    pub(super) fn append(&mut self, text: String) -> usize {
        self.last = if text.is_empty() { Last::Empty } else { Last::Text };
        match self.edits.last_mut() {
            Some(Edit::Append { lines }) => lines.push(text),
            _ => self.edits.push(Edit::Append { lines: vec![text] }),
        }
        self.count += 1;
        self.count - 1
    }

    pub(super) fn append_item(&mut self, text: String) -> usize {
        let at = self.append(text);
        self.last = Last::Item;
        at
    }

    pub(super) fn ends_with_item(&self) -> bool {
        self.last == Last::Item
    }

    pub(super) fn extend(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.last = Last::Text;
        match self.edits.last_mut() {
            Some(Edit::Append { lines }) => {
                if let Some(last) = lines.last_mut() {
                    last.push_str(text);
                }
            }
            Some(Edit::ExtendLast { text: before }) => before.push_str(text),
            _ => self.edits.push(Edit::ExtendLast { text: text.to_owned() }),
        }
    }

    pub(super) fn replace(&mut self, line: usize, text: String) {
        self.edits.push(Edit::Replace { line, text });
    }

    /// Replaces whole lines before the last one.
    pub(super) fn splice(&mut self, line: usize, removed: usize, lines: Vec<String>) {
        self.count = self.count + lines.len() - removed;
        self.edits.push(Edit::Splice { line, removed, lines });
    }

    /// Makes sure that what follows begins after an empty line.
    pub(super) fn paragraph(&mut self) {
        if self.last != Last::Empty {
            self.append(String::new());
        }
    }
}
