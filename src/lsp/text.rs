//! Positions in a text.

use gen_lsp_types::{Position, Range};

use super::capability::Encoding;

/// What stands in a range. Positions after a line's end mean its end, those after the text mean the text's end.
pub fn slice(text: &str, range: Range, encoding: Encoding) -> &str {
    let (start, end) = (offset(text, range.start, encoding), offset(text, range.end, encoding));
    text.get(start..end.max(start)).unwrap_or_default()
}

/// The byte of a position.
pub fn offset(text: &str, position: Position, encoding: Encoding) -> usize {
    let mut at = 0;
    let mut lines = text.split_inclusive('\n');
    for _ in 0..position.line {
        let Some(line) = lines.next() else { return text.len() };
        at += line.len();
    }
    let line = lines.next().unwrap_or_default().trim_end_matches(['\n', '\r']);
    let mut units = 0;
    for (index, c) in line.char_indices() {
        if units >= position.character {
            return at + index;
        }
        units += match encoding {
            Encoding::Utf8 => u32::try_from(c.len_utf8()).unwrap_or(4),
            Encoding::Utf16 => u32::try_from(c.len_utf16()).unwrap_or(2),
            Encoding::Utf32 => 1,
        };
    }
    at + line.len()
}

/// The position of a byte.
pub fn position(text: &str, at: usize, encoding: Encoding) -> Position {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line = before.matches('\n').count();
    let rest = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
    let units = match encoding {
        Encoding::Utf8 => rest.len(),
        Encoding::Utf16 => rest.encode_utf16().count(),
        Encoding::Utf32 => rest.chars().count(),
    };
    Position { line: u32::try_from(line).unwrap_or(u32::MAX), character: u32::try_from(units).unwrap_or(u32::MAX) }
}

/// The range of bytes. An empty one is widened to the end of its line, for something has to be seen.
pub fn range(text: &str, span: &std::ops::Range<usize>, encoding: Encoding) -> Range {
    let start = position(text, span.start, encoding);
    let end = if span.is_empty() {
        let rest = text.get(span.start..).unwrap_or_default();
        span.start + rest.find('\n').unwrap_or(rest.len())
    } else {
        span.end
    };
    Range { start, end: position(text, end, encoding) }
}

/// The first and the last line that a range is about: one that ends before the first character of a line is not about that line.
pub fn lines(range: Range) -> (u32, u32) {
    let last =
        if range.end.character == 0 && range.end.line > range.start.line { range.end.line - 1 } else { range.end.line };
    (range.start.line, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: (u32, u32), to: (u32, u32)) -> Range {
        let at = |(line, character)| Position { line, character };
        Range { start: at(from), end: at(to) }
    }

    #[test]
    fn each_encoding_counts_its_own_units() {
        let text = "a𝄞ü\r\nxyz\n";
        for (encoding, end) in [(Encoding::Utf8, 7), (Encoding::Utf16, 4), (Encoding::Utf32, 3)] {
            assert_eq!(slice(text, range((0, 1), (0, end)), encoding), "𝄞ü");
        }
        assert_eq!(slice(text, range((0, 1), (1, 1)), Encoding::Utf16), "𝄞ü\r\nx");
    }

    #[test]
    fn positions_outside_are_at_the_edge() {
        assert_eq!(slice("ab\ncd", range((0, 1), (0, 99)), Encoding::Utf16), "b");
        assert_eq!(slice("ab\ncd", range((1, 0), (9, 9)), Encoding::Utf16), "cd");
        assert_eq!(slice("ab", range((0, 2), (0, 1)), Encoding::Utf16), "");
        assert_eq!(slice("ü", range((0, 0), (0, 1)), Encoding::Utf8), "ü");
    }

    #[test]
    fn a_line_selection_is_not_about_the_line_after() {
        assert_eq!(lines(range((2, 0), (4, 0))), (2, 3));
        assert_eq!(lines(range((2, 0), (2, 0))), (2, 2));
        assert_eq!(lines(range((2, 3), (4, 1))), (2, 4));
    }
}
