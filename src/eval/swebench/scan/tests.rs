use super::*;

#[test]
fn a_search_that_only_goes_forward_finds_every_place() {
    let mut ahead = Ahead::new("a--b--", "--");
    assert_eq!((ahead.find(0), ahead.find(1), ahead.find(2), ahead.find(5)), (Some(1), Some(1), Some(4), None));
    assert_eq!(ahead.find(6), None);
    assert_eq!(places_from_end("aaa", "aa").collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn escape_sequences_go_and_what_is_none_stays() {
    assert_eq!(without_escapes("\u{1b}[1;32mok\u{1b}[0m \u{1b}Mx \u{1b}[é \u{1b}"), "ok x \u{1b}[é \u{1b}");
    assert_eq!(without_escapes("\u{1b}[ \u{1b}[12"), "\u{1b}[ \u{1b}[12");
}

#[test]
fn lines_begin_where_they_begin() {
    assert_eq!(line_starts("a\n\nb").collect::<Vec<_>>(), [0, 2, 3]);
}
