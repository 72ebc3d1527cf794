use super::valid_label;

#[test]
fn labels_are_names_and_nothing_else() {
    for good in ["main", "origin/main", "feature/a-b", "v1.2", "HEAD~2", "main^", "0123abc", "über"] {
        assert!(valid_label(good), "{good}");
    }
    for bad in
        ["", "-x", "--upload-pack=x", "a b", "a\nb", "a\x1b[m", "a..b", ":/text", "a:b", "x*", "a\\b", "/a", "a/", "a."]
    {
        assert!(!valid_label(bad), "{bad:?}");
    }
}
