//! How much memory a file may take once it is read: a few hundred bytes can say that they are many gigabytes, by repeating one long text
//! from a dictionary, by compression, or by the number of rows and columns.

use serde_json::Value;

/// What a value takes beside its text: itself, its name's place in its row, the allocations.
const VALUE: usize = 128;
/// What a part of the file's own description takes, for each of its bytes.
const DESCRIBED: usize = 40;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Room {
    whole: usize,
    left: usize,
}

impl Room {
    /// So many bytes.
    pub(super) fn new(whole: usize) -> Self {
        Self { whole, left: whole }
    }

    /// Takes bytes, before they are allocated. They are not given back: what was read once is read no more often for that.
    ///
    /// # Errors
    /// When there are not so many left.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            let whole = self.whole >> 20;
            format!("it holds more than {whole} MiB once it is unpacked, and no more is read: split it, or select fewer columns")
        })?;
        Ok(())
    }

    /// Takes what so many values need that are named like this in their rows.
    ///
    /// # Errors
    /// As [`Room::take`].
    pub(super) fn take_values(&mut self, count: usize, name: &str) -> Result<(), String> {
        self.take(count.saturating_mul(VALUE.saturating_add(name.len())))
    }

    /// Takes what a description of so many bytes needs.
    ///
    /// # Errors
    /// As [`Room::take`].
    pub(super) fn take_description(&mut self, bytes: usize) -> Result<(), String> {
        self.take(bytes.saturating_mul(DESCRIBED))
    }

    /// A copy of a value.
    ///
    /// # Errors
    /// As [`Room::take`].
    pub(super) fn copy(&mut self, value: &Value) -> Result<Value, String> {
        self.take(value.as_str().map_or(0, str::len))?;
        Ok(value.clone())
    }
}
