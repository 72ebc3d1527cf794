//! Paths and messages of git as text: shown safely, quoted as git quotes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

pub(super) use crate::base::text::unquote;
use crate::base::text::visible_line;

/// A path for a message, safe to show.
pub(super) fn path(path: &Path) -> String {
    visible_line(&path.to_string_lossy(), 400)
}

/// What a program said on standard error, in one line, safe to show.
pub(super) fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("hint:")).take(4).collect();
    visible_line(&lines.join("; "), 500)
}

/// A path of the repository as the model carries it: as it is when it is UTF-8 without control characters, else C-quoted as git does.
pub(super) fn quote(path: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(path)
        && !text.chars().any(char::is_control)
        && !text.starts_with('"')
    {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(path.len() + 8);
    quoted.push('"');
    for byte in path {
        match byte {
            b'"' => quoted.push_str("\\\""),
            b'\\' => quoted.push_str("\\\\"),
            b'\n' => quoted.push_str("\\n"),
            b'\t' => quoted.push_str("\\t"),
            b'\r' => quoted.push_str("\\r"),
            b' '..=b'~' => quoted.push(char::from(*byte)),
            _ => {
                use std::fmt::Write as _;
                let _ = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted.push('"');
    quoted
}

/// A path with its side (`a/`, `b/`) exactly as git writes it in a patch's headers (with `core.quotePath`).
pub(super) fn header(side: &str, path: &[u8]) -> Vec<u8> {
    let mut whole = side.as_bytes().to_vec();
    whole.extend_from_slice(path);
    if whole.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        return whole;
    }
    let mut quoted = vec![b'"'];
    for byte in whole {
        let letter = match byte {
            7 => b'a',
            8 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            11 => b'v',
            12 => b'f',
            b'\r' => b'r',
            b'"' | b'\\' => byte,
            b' '..=b'~' => {
                quoted.push(byte);
                continue;
            }
            _ => {
                quoted.extend_from_slice(format!("\\{byte:03o}").as_bytes());
                continue;
            }
        };
        quoted.extend_from_slice(&[b'\\', letter]);
    }
    quoted.push(b'"');
    quoted
}

/// Bytes of git's output as a path.
pub(super) fn os(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

/// The pieces of a NUL-terminated list.
pub(super) fn nul_list(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == 0).filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests;
