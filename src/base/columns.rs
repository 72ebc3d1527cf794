//! Text in columns of a screen.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cuts text to a number of columns, with an ellipsis.
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let mut kept: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= columns
        })
        .collect();
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// Text in exactly so many columns, at the left or at the right of them.
pub fn fit(text: &str, columns: usize, right: bool) -> String {
    let text = cut(text, columns);
    let space = " ".repeat(columns.saturating_sub(text.width()));
    if right { space + &text } else { text + &space }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_takes_the_columns_it_is_given() {
        assert_eq!(["", "ab", "abc", "abcd", "日本語"].map(|text| cut(text, 3)), ["", "ab", "abc", "ab…", "日…"]);
        assert_eq!(["", "ab", "abcd", "日本語"].map(|text| fit(text, 4, false)), ["    ", "ab  ", "abcd", "日… "]);
        assert_eq!(fit("7", 3, true), "  7");
        assert_eq!((cut("ab", 0), width("日")), (String::new(), 2));
    }
}
