use super::{visible, visible_line};

#[test]
fn control_characters_become_pictures() {
    assert_eq!(visible("a\x1b]52;c;AAAA\x07b\0c\x7f"), "a␛]52;c;AAAA␇b␀c␡");
    assert_eq!(visible("line\r\nnext\rover"), "line\nnext␍over");
    assert_eq!(visible("\u{9b}31m \u{202e}evil"), "<U+009B>31m <U+202E>evil");
    assert_eq!(visible("tab\tand ünïcode 日本"), "tab\tand ünïcode 日本");
}

#[test]
fn one_line_is_cut_with_an_ellipsis() {
    assert_eq!(visible_line("one\ntwo\tthree", 40), "one two three");
    assert_eq!(visible_line("abcdef", 4), "abc…");
    assert_eq!(visible_line("  padded  ", 10), "padded");
}
