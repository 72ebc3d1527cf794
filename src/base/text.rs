//! Text from agents, repositories and file names, made safe to show.
//!
//! Everything that came from outside is hostile: an escape sequence in a file name or a title may move the cursor, set the
//! clipboard or retitle the window. Faces show text only after it went through [`visible`] or [`visible_line`].

/// Replaces every control character except newline and tab by a visible picture, and every bidirectional override by its code point.
///
/// `ESC` becomes `␛`, `NUL` becomes `␀`, `DEL` becomes `␡`, C1 controls and bidi overrides become `<U+009B>`. A carriage return
/// directly before a newline is dropped, any other becomes `␍`.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\u{0}'..='\u{1f}' => shown.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
            '\u{7f}' => shown.push('\u{2421}'),
            '\u{80}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => {
                use std::fmt::Write as _;
                let _ = write!(shown, "<U+{:04X}>", u32::from(c));
            }
            _ => shown.push(c),
        }
    }
    shown
}

/// [`visible`], on one line: newlines and tabs become spaces, and the text is cut to `width` characters with an ellipsis.
pub fn visible_line(text: &str, width: usize) -> String {
    let flat: String = visible(text).chars().map(|c| if c == '\n' || c == '\t' { ' ' } else { c }).collect();
    let flat = flat.trim();
    if flat.chars().count() <= width {
        return flat.to_owned();
    }
    let mut cut: String = flat.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// The bytes of a path in the model's form: as it is, or C-quoted as git does with names that are no plain text.
pub fn unquote(path: &str) -> Vec<u8> {
    let Some(inner) = path.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return path.as_bytes().to_vec();
    };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let Some((&escaped, after)) = rest.split_first() else { break };
        if let (b'0'..=b'3', Some(digits)) = (escaped, rest.get(..3)) {
            if let Ok(value) = u8::from_str_radix(&String::from_utf8_lossy(digits), 8) {
                bytes.push(value);
            }
            rest = &rest[3..];
            continue;
        }
        rest = after;
        bytes.push(match escaped {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'a' => 7,
            b'b' => 8,
            b'v' => 11,
            b'f' => 12,
            other => other,
        });
    }
    bytes
}

#[cfg(test)]
mod tests;
