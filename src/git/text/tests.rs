use super::{quote, said, unquote};

#[test]
fn quoting_is_undone_by_unquoting() {
    for path in [
        &b"plain name.txt"[..],
        b"tab\there",
        b"\xff\xfe raw",
        b"\"quoted\"",
        b"back\\slash\n\xe4",
        "schön".as_bytes(),
        b"\x01\x7f",
    ] {
        assert_eq!(unquote(&quote(path)), path, "{}", quote(path));
    }
    assert_eq!(quote("schön".as_bytes()), "schön");
    assert_eq!(quote(b"a\xffb"), "\"a\\377b\"");
}

#[test]
fn what_git_said_is_one_harmless_line() {
    assert_eq!(said(b"fatal: \x1b[31mno\n\nhint: do this\nand\n"), "fatal: \u{241b}[31mno; and");
}
