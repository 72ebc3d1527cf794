use proptest::prelude::*;

use super::{LIMIT, branch, first_free, require_valid, slug};

#[test]
fn prompts_become_readable_names() {
    for (prompt, name) in [
        ("Add error handling to the parser, please", "add-error-handling-to-the"),
        ("sed -i s/a/b/ *.txt", "sed-i-s-a-b"),
        ("\n\n  Fix #123!\nmore", "fix-123"),
        ("日本語だけ", "session"),
        ("", "session"),
        ("HEAD", "session"),
        ("../../etc/passwd", "etc-passwd"),
        ("\x1b[31mred\x07", "31mred"),
    ] {
        assert_eq!(slug(prompt), name, "{prompt:?}");
    }
}

#[test]
fn a_taken_name_gets_a_number() {
    let taken = ["fix", "fix-2"];
    assert_eq!(first_free("fix", |name| taken.contains(&name)), "fix-3");
    assert_eq!(first_free("new", |name| taken.contains(&name)), "new");
    let long = "a".repeat(LIMIT);
    let free = first_free(&long, |name| name == long);
    assert_eq!(free.len(), LIMIT);
    assert!(free.ends_with("-2"));
}

#[test]
fn dangerous_names_are_refused() {
    for name in [
        "",
        "-x",
        "x-",
        "a--b",
        "a/b",
        "..",
        "a..b",
        "x.lock",
        "Ab",
        "nul",
        "head",
        "a b",
        "a\u{1b}b",
        "é",
        &"a".repeat(LIMIT + 1),
    ] {
        assert!(require_valid(name).is_err(), "{name:?}");
    }
    for name in ["a", "fix-login", "x2", "2-x"] {
        assert!(require_valid(name).is_ok(), "{name:?}");
    }
    assert!(!require_valid("a\u{1b}b").unwrap_err().message.contains('\u{1b}'));
}

#[test]
fn the_branch_is_a_directory_of_its_own() {
    assert_eq!(branch("fix"), "refs/heads/divisi/fix/work");
}

proptest! {
    #[test]
    fn every_slug_is_a_valid_name(prompt in "\\PC*", extra in any::<String>()) {
        for text in [prompt, extra] {
            let name = slug(&text);
            prop_assert!(require_valid(&name).is_ok(), "{name:?}");
        }
    }
}
