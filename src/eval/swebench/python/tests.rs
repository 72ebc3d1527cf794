use super::*;

#[test]
fn the_separators_are_whitespace_and_zero_width_space_is_not() {
    let all: String = (0..0x11_0000).filter_map(char::from_u32).filter(|c| is_space(*c)).collect();
    let expected = "\t\n\u{b}\u{c}\r\u{1c}\u{1d}\u{1e}\u{1f} \u{85}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\
                    \u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";
    assert_eq!(all, expected);
}

#[test]
fn digits_of_every_script_count_and_other_numbers_do_not() {
    assert!(['0', '9', '٣', '９', '𝟘'].into_iter().all(is_digit));
    assert!(!['²', '½', '五', 'a', '/', ':'].into_iter().any(is_digit));
}

#[test]
fn every_kind_of_line_end_is_one() {
    assert_eq!(text(b"a\r\nb\rc\n\r\r\nd"), "a\nb\nc\n\n\nd");
    assert_eq!(text(b"a\xffb\xe2\x82"), "a\u{fffd}b\u{fffd}");
    assert!(matches!(text(b"plain\n"), Cow::Borrowed(_)));
}

#[test]
fn words_are_split_as_python_does() {
    assert_eq!(words(" a\u{1c}b \u{a0} c\u{200b}").collect::<Vec<_>>(), ["a", "b", "c\u{200b}"]);
    assert_eq!(squeeze("\n a \t\n b\u{1f}"), "a b");
    assert_eq!(indent("\u{a0} \tx"), 3);
}
