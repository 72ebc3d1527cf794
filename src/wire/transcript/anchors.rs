//! Places in the text that stay with their line when lines before them come or go.

/// An anchor's number; valid for the life of the transcript.
pub(super) type Anchor = usize;

/// Lines by anchor, in the order of the text: an anchor is made at the end of what there is.
#[derive(Debug, Default)]
pub(super) struct Anchors(Vec<usize>);

impl Anchors {
    /// Remembers a line at or after all that are remembered.
    pub(super) fn add(&mut self, line: usize) -> Anchor {
        self.0.push(line);
        self.0.len() - 1
    }

    pub(super) fn line(&self, anchor: Anchor) -> usize {
        self.0[anchor]
    }

    /// `removed` lines after `anchor`'s became `added`.
    pub(super) fn shift_after(&mut self, anchor: Anchor, removed: usize, added: usize) {
        for line in &mut self.0[anchor + 1..] {
            *line = (*line + added).saturating_sub(removed);
        }
    }
}
