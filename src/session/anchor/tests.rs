use super::{Place, locate, locate_hunk, make};
use crate::model::review::samples::comment;
use crate::model::review::{Comment, RejectedHunk};

const FILE: &str = "a\nb\nc\nsame\nd\ne\nf\nsame\ng\n";

fn on(text: &str, first: u32, last: u32) -> Comment {
    Comment { first, last, anchor: make(text, first, last, 0).expect("these lines exist"), ..comment(1) }
}

#[test]
fn a_comment_stays_where_nothing_changed() {
    assert_eq!(locate(&on(FILE, 5, 6), FILE), Place::Here(5));
}

#[test]
fn it_follows_its_lines_when_others_come_before_them() {
    let moved = format!("new\nnew\n{FILE}");
    assert_eq!(locate(&on(FILE, 5, 6), &moved), Place::Here(7));
}

#[test]
fn of_equal_lines_it_takes_those_with_the_same_surroundings() {
    let comment = on(FILE, 8, 8);
    assert_eq!(locate(&comment, FILE), Place::Here(8));
    // The first of the two is gone: the other is now where the first one was.
    let shorter = "e\nf\nsame\ng\na\nb\nc\nsame\nd\n";
    assert_eq!(locate(&comment, shorter), Place::Here(3));
}

#[test]
fn changed_lines_are_found_by_what_is_around_them() {
    let changed = FILE.replace("d\ne\n", "x\ny\nz\n");
    assert_eq!(locate(&on(FILE, 5, 6), &changed), Place::About(5));
    let moved = format!("1\n2\n{changed}");
    assert_eq!(locate(&on(FILE, 5, 6), &moved), Place::About(7));
    assert_eq!(locate(&on(FILE, 5, 6), "nothing\nof\nit\n"), Place::Gone);
    assert_eq!(locate(&on(FILE, 5, 6), ""), Place::Gone);
}

#[test]
fn a_comment_on_a_file_is_on_no_line_and_lines_that_do_not_exist_have_no_anchor() {
    let whole = Comment { first: 0, last: 0, anchor: make(FILE, 0, 0, 2).unwrap(), ..comment(1) };
    assert_eq!((locate(&whole, ""), whole.anchor.round), (Place::Here(0), 2));
    assert_eq!(make(FILE, 9, 10, 0), None);
    assert_eq!(make(FILE, 3, 2, 0), None);
    assert_eq!(make("", 1, 1, 0), None);
}

#[test]
fn long_ranges_and_long_lines_are_cut_and_still_found() {
    let text = (0..100).map(|n| format!("{n} {}\n", "x".repeat(1_000))).collect::<Vec<_>>().concat();
    let comment = on(&text, 10, 90);
    assert_eq!(comment.anchor.lines.len(), 20);
    assert!(comment.anchor.lines.iter().all(|line| line.chars().count() == 400));
    assert_eq!(locate(&comment, &format!("first\n{text}")), Place::Here(11));
}

#[test]
fn a_rejected_hunk_is_where_its_lines_are_back() {
    let lines: Vec<String> = [" c", "-same", "+new", "+newer", " d"].map(str::to_owned).to_vec();
    let hunk = RejectedHunk { id: "h".into(), path: "a".to_owned(), line: 4, lines, told: false };
    assert_eq!(locate_hunk(&hunk, FILE), 4);
    assert_eq!(locate_hunk(&hunk, &format!("1\n2\n{FILE}")), 6);
    assert_eq!(locate_hunk(&hunk, "all\nelse\n"), 4);
}
