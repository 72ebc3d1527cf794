use std::collections::HashSet;

use super::{is_context, parse};

#[test]
fn porcelain_is_read() {
    let output = b"1 .M N... 100644 100644 100644 aa bb a b.txt\0\
        1 D. N... 100644 000000 000000 aa 00 gone\0\
        u UU N... 100644 100644 100644 100644 aa bb cc both\0\
        u UD N... 100644 100644 000000 100644 aa bb 00 theirs deleted\0\
        ? new file\0? nested/\0? AGENT_CONTEXT/task.md\0? .env\0";
    let included = HashSet::from([b".env".to_vec()]);
    let status = parse(output, &included);
    let paths: Vec<_> =
        status.changes.iter().map(|change| String::from_utf8_lossy(&change.path).into_owned()).collect();
    assert_eq!(paths, ["a b.txt", "gone", "both", "theirs deleted", "new file"]);
    assert_eq!(status.changes[0].unstaged, b'M');
    assert_eq!(status.changes[1].staged, b'D');
    assert_eq!(status.changes[2].stages, [true, true, true]);
    assert_eq!(status.changes[3].stages, [true, true, false]);
    assert_eq!(status.nested, [b"nested".to_vec()]);
    assert_eq!(status.unmerged().count(), 2);
    assert_eq!(status.untracked().collect::<Vec<_>>(), [b"new file"]);
}

#[test]
fn only_the_context_directory_is_the_context() {
    assert!(is_context(b"AGENT_CONTEXT"));
    assert!(is_context(b"AGENT_CONTEXT/x"));
    assert!(!is_context(b"AGENT_CONTEXT.md"));
    assert!(!is_context(b"a/AGENT_CONTEXT/x"));
}
