use super::*;

pub(super) fn text(files: &Files, path: &str) -> String {
    String::from_utf8(files[path].bytes.clone()).unwrap()
}

#[test]
fn paths_that_leave_the_checkout_are_told() {
    for good in ["a", "a/b.txt", ".github/x", "a..b"] {
        assert!(is_inside(good), "{good}");
    }
    for bad in ["", "/etc/passwd", "../a", "a/../../b", "a//b", "./a", ".git/hooks/pre-commit", "a/.GIT/config", "a\0b"]
    {
        assert!(!is_inside(bad), "{bad:?}");
    }
}
