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

#[cfg(test)]
mod tests;
