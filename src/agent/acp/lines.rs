//! Lines out of chunks, bounded.

/// The longest line that is read, in bytes.
pub(in crate::agent) const LONGEST: usize = 16 * 1024 * 1024;

/// What a chunk completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum Line<'a> {
    /// A line without its end.
    Whole(&'a [u8]),
    /// A line grew over [`LONGEST`]; its rest is skipped.
    TooLong,
}

/// Collects lines from chunks that are split anywhere.
#[derive(Debug, Clone, Default)]
pub(in crate::agent) struct LineReader {
    partial: Vec<u8>,
    skipping: bool,
}

impl LineReader {
    /// Takes a chunk and gives every line it completes; empty ones are left out.
    pub(in crate::agent) fn push(&mut self, mut bytes: &[u8], on_line: &mut dyn FnMut(Line<'_>)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (piece, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            if self.partial.is_empty() && !self.skipping && piece.len() <= LONGEST {
                give(piece, on_line);
                continue;
            }
            self.collect(piece, on_line);
            if !std::mem::take(&mut self.skipping) {
                give(&self.partial, on_line);
            }
            self.partial.clear();
            self.partial.shrink_to(64 * 1024);
        }
        self.collect(bytes, on_line);
    }

    /// What is left without a line end.
    pub(in crate::agent) fn finish(&mut self) -> Vec<u8> {
        self.skipping = false;
        std::mem::take(&mut self.partial)
    }

    fn collect(&mut self, piece: &[u8], on_line: &mut dyn FnMut(Line<'_>)) {
        if self.skipping {
            return;
        }
        if self.partial.len() + piece.len() > LONGEST {
            self.partial = Vec::new();
            self.skipping = true;
            on_line(Line::TooLong);
        } else {
            self.partial.extend_from_slice(piece);
        }
    }
}

fn give(line: &[u8], on_line: &mut dyn FnMut(Line<'_>)) {
    let line = line.trim_ascii();
    if !line.is_empty() {
        on_line(Line::Whole(line));
    }
}

#[cfg(test)]
mod tests;
