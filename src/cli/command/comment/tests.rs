use super::place;

#[test]
fn a_place_is_a_path_with_or_without_lines() {
    for (text, expected) in [
        ("src/a.rs", ("src/a.rs", 0, 0)),
        ("src/a.rs:7", ("src/a.rs", 7, 7)),
        ("src/a.rs:7-9", ("src/a.rs", 7, 9)),
        ("C:x", ("C:x", 0, 0)),
        ("a:b:3", ("a:b", 3, 3)),
    ] {
        let (path, first, last) = place(text).unwrap();
        assert_eq!((path.as_str(), first, last), expected, "{text}");
    }
}

#[test]
fn lines_that_cannot_be_are_refused() {
    for text in ["", "a:0", "a:9-7", ":3"] {
        assert!(place(text).is_err(), "{text}");
    }
}
