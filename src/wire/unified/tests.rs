use super::{CELLS, unified};

#[test]
fn changes_stand_in_their_context() {
    let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
    let new = old.replace("5\n", "five\n").replace("12\n", "12\n13\n");
    let shown = unified(Some(old), &new, 100);
    let lines =
        ["@@ -2 +2 @@", " 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8", "@@ -10 +10 @@", " 10", " 11", " 12", "+13"];
    assert_eq!(shown.lines, lines);
    assert_eq!((shown.added, shown.removed, shown.left_out), (2, 1, 0));
}

#[test]
fn a_new_file_is_all_added_and_the_same_text_is_nothing() {
    assert_eq!(unified(None, "a\n\tb\n", 100).lines, ["@@ -1 +1 @@", "+a", "+\tb"]);
    assert!(unified(Some("a\nb\n"), "a\nb\n", 100).lines.is_empty());
    let gone = unified(Some("a\nb\n"), "", 100);
    assert_eq!((gone.lines.len(), gone.added, gone.removed), (3, 0, 2));
}

#[test]
fn what_is_too_much_is_counted() {
    let shown = unified(None, &"x\n".repeat(100), 10);
    assert_eq!((shown.lines.len(), shown.left_out, shown.added), (10, 91, 100));
    let many = |word: &str| (0..CELLS / 500).map(|n| [word, &n.to_string(), "\n"].concat()).collect::<String>();
    let large = unified(Some(&many("a")), &many("b"), 10);
    assert_eq!((large.added, large.removed), (CELLS / 500, CELLS / 500));
}

#[test]
fn nothing_reaches_a_screen_raw() {
    let shown = unified(Some("\u{1b}[2J\n"), "\u{202e}x\u{7}\r\n", 10).lines.join("\n");
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{7}', '\r']), "{shown:?}");
}
