//! Reading lines of bounded length. Cancel safe: what was read stays in the reader.

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Longest line a daemon reads.
pub const LONGEST_REQUEST: usize = 8 * 1024 * 1024;

/// Longest line a client reads; the daemon sends none longer.
pub const LONGEST_ANSWER: usize = 128 * 1024 * 1024;

const READ: usize = 64 * 1024;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line without its newline.
    Full(Vec<u8>),
    /// The line in progress is longer than allowed; framing is lost.
    TooLong,
    /// The other end closed; `partial` when in the middle of a line.
    End {
        /// Whether bytes without a newline were left.
        partial: bool,
    },
}

/// A reader of lines.
pub struct LineReader<R> {
    source: R,
    limit: usize,
    buffer: Vec<u8>,
    scanned: usize,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    /// A reader that refuses lines longer than `limit` bytes.
    pub fn new(source: R, limit: usize) -> Self {
        Self { source, limit, buffer: Vec::new(), scanned: 0 }
    }

    /// The next line.
    ///
    /// # Errors
    /// When reading fails.
    pub async fn next(&mut self) -> std::io::Result<Line> {
        loop {
            if let Some(at) = self.buffer[self.scanned..].iter().position(|byte| *byte == b'\n') {
                let end = self.scanned + at;
                if end > self.limit {
                    return Ok(Line::TooLong);
                }
                let rest = self.buffer.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.truncate(end);
                self.scanned = 0;
                return Ok(Line::Full(line));
            }
            self.scanned = self.buffer.len();
            if self.buffer.len() > self.limit {
                return Ok(Line::TooLong);
            }
            self.buffer.reserve(READ);
            let read = (&mut self.source).take(READ as u64).read_buf(&mut self.buffer).await?;
            if read == 0 {
                return Ok(Line::End { partial: !self.buffer.is_empty() });
            }
        }
    }
}

#[cfg(test)]
mod tests;
