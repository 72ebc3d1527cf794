use std::collections::BTreeSet;

use super::*;

#[test]
fn limits_are_said_to_the_shell() {
    let limits = Limits { cpu_sec: 3, file_mb: 1, ..Limits::default() };
    assert_eq!(limited(&limits), "ulimit -t 3 || exit 125; ulimit -f 2048 || exit 125; exec \"$@\"");
}

#[test]
fn what_a_committed_directory_or_link_leads_to_is_committed() {
    let files: BTreeSet<String> = ["a/b", "link"].map(str::to_owned).into();
    for path in ["a/b", "./a/b", "link/x", "link"] {
        assert!(place::is_committed(&files, path), "{path}");
    }
    for path in ["a", "a/c", "linked/x"] {
        assert!(!place::is_committed(&files, path), "{path}");
    }
}
