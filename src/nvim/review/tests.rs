use serde_json::{Value, json};

use super::view;

fn hunk(start: u64, count: u64, lines: &[&str]) -> Value {
    let review = json!({ "diff": { "files": [{
        "path": "a", "status": "modified",
        "hunks": [{ "id": "h", "new_start": start, "new_lines": count, "lines": lines }],
    }] } });
    view(&review)["files"][0]["hunks"][0].clone()
}

fn blocks(hunk: &Value) -> Vec<(u64, u64, usize)> {
    let block = |block: &Value| {
        (block["at"].as_u64().unwrap(), block["added"].as_u64().unwrap(), block["removed"].as_array().unwrap().len())
    };
    hunk["blocks"].as_array().unwrap().iter().map(block).collect()
}

#[test]
fn a_hunk_is_blocks_of_lines_that_went_and_came() {
    let hunk = hunk(10, 7, &[" a", "-b", "+c", "+d", " e", " f", "-g", " h", "+i"]);
    assert_eq!(blocks(&hunk), [(11, 2, 1), (15, 0, 1), (16, 1, 0)]);
    assert_eq!((&hunk["first"], &hunk["last"]), (&json!(11), &json!(16)));
    assert_eq!((&hunk["from"], &hunk["to"]), (&json!(10), &json!(16)));
}

#[test]
fn lines_that_go_after_lines_that_came_are_another_block() {
    assert_eq!(blocks(&hunk(1, 2, &["-a", "+b", "-c", "+d"])), [(1, 1, 1), (2, 1, 1)]);
}

#[test]
fn a_hunk_that_only_takes_away_is_at_the_line_after() {
    let middle = hunk(5, 0, &["-a", "-b"]);
    assert_eq!(blocks(&middle), [(6, 0, 2)]);
    assert_eq!((&middle["first"], &middle["last"]), (&json!(6), &json!(6)));
    let all = hunk(0, 0, &["-a", "\\ No newline at end of file"]);
    assert_eq!((blocks(&all), &all["from"]), (vec![(1, 0, 1)], &json!(1)));
}

#[test]
fn what_was_taken_away_is_shown_safely_and_bounded() {
    let mut lines = vec!["-\u{1b}[2Jx\u{202e}".to_owned()];
    lines.extend((0..500).map(|n| format!("-{n}")));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let hunk = hunk(1, 0, &lines);
    let removed = hunk["blocks"][0]["removed"].as_array().unwrap();
    assert_eq!(removed[0], "␛[2Jx<U+202E>");
    assert_eq!((removed.len(), removed.last().unwrap()), (201, &json!("… 301 more lines")));
}

#[test]
fn files_comments_and_rejections_are_counted() {
    let review = json!({
        "session": "s", "of": "round", "number": 2, "round": 2, "message": "m\u{7}",
        "diff": { "files": [
            { "path": "a", "status": "added", "viewed": true, "content": "c", "hunks": [
                { "id": "1", "new_start": 1, "new_lines": 1, "lines": ["+x"], "decision": "accepted" },
                { "id": "2", "new_start": 9, "new_lines": 1, "lines": ["+y"], "returned": true },
            ] },
            { "path": "\"b\\377\"", "status": "renamed", "binary": true },
        ] },
        "comments": [
            { "id": "s.c1", "path": "a", "first": 3, "last": 5, "line": 7, "outdated": true, "text": "one\n\u{1b}two" },
            { "id": "s.c2", "path": "a", "first": 3, "last": 3, "outdated": true, "text": "x", "round": 1, "side": "old" },
        ],
        "rejected": [{ "id": "r", "path": "a", "line": 0, "lines": ["-a", "+b", "+c"], "told": false }],
    });
    let shown = view(&review);
    assert_eq!(
        (&shown["decided"], &shown["total"], &shown["open"], &shown["untold"]),
        (&json!(2), &json!(3), &json!(1), &json!(1))
    );
    assert_eq!((&shown["files"][0]["decided"], &shown["files"][0]["total"]), (&json!(2), &json!(3)));
    assert_eq!((&shown["files"][1]["letter"], &shown["files"][1]["openable"]), (&json!("R"), &json!(false)));
    let comment = &shown["comments"][0];
    assert_eq!((&comment["line"], &comment["last"], &comment["gone"]), (&json!(7), &json!(9), &json!(false)));
    assert_eq!(comment["lines"], json!(["one", "␛two"]));
    assert_eq!((&shown["comments"][1]["gone"], &shown["comments"][1]["old"]), (&json!(true), &json!(true)));
    assert_eq!((&shown["rejected"][0]["line"], &shown["rejected"][0]["added"]), (&json!(1), &json!(2)));
    assert_eq!(shown["message"], "m␇");
}

#[test]
fn an_answer_of_another_shape_is_harmless() {
    for value in [
        Value::Null,
        json!(3),
        json!([]),
        json!({ "diff": 3 }),
        json!({ "diff": { "files": [1, {}] }, "comments": [{}], "rejected": "x" }),
    ] {
        assert_eq!(view(&value)["files"], json!([]), "{value}");
    }
}
