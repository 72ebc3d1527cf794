use super::*;

const COLUMNS: [Column; 4] = [
    Column { title: "N", from: 0, most: 3, wide: 3, right: true },
    Column { title: "NAME", from: 0, most: 6, wide: 20, right: false },
    Column { title: "MORE", from: 80, most: 9, wide: 9, right: false },
    Column { title: "WHY", from: 0, most: 9, wide: 9, right: false },
];

fn row(texts: [&str; 4]) -> (Vec<Cell>, Value) {
    (texts.iter().map(|text| cell(Tone::Plain, text)).collect(), json!({ "id": texts[1] }))
}

fn texts(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| line.cells.iter().map(|(_, text)| text.as_str()).collect()).collect()
}

#[test]
fn a_table_has_room_for_what_is_in_it() {
    let rows = || vec![row(["1", "abcdefgh", "m", "because\n"]), row(["12", "b", "", ""])];
    let mut widths = Widths::default();
    assert_eq!(texts(&table(&COLUMNS, rows(), 60, &mut widths)), [" N NAME   WHY", " 1 abcde… because", "12 b"]);
    let mut widths = Widths::default();
    assert_eq!(
        texts(&table(&COLUMNS, rows(), 120, &mut widths)),
        [" N NAME     MORE WHY", " 1 abcdefgh m    because", "12 b"]
    );
    // Columns do not become narrower.
    let fewer = table(&COLUMNS, vec![row(["1", "b", "", "x"])], 120, &mut widths);
    assert_eq!(texts(&fewer), [" N NAME     MORE WHY", " 1 b             x"]);
    assert_eq!(table(&COLUMNS, Vec::new(), 60, &mut Widths::default()), []);
}

#[test]
fn parts_flow_over_as_many_lines_as_they_need() {
    let parts = |texts: &[&str]| texts.iter().map(|text| cell(Tone::Quiet, text)).collect::<Vec<_>>();
    assert_eq!(texts(&flow(parts(&["one", "two", "three"]), 80)), ["one, two, three"]);
    assert_eq!(texts(&flow(parts(&["one", "two", "three"]), 10)), ["one, two", "three"]);
    assert_eq!(texts(&flow(parts(&["longer than all", "x"]), 5)), ["longer than all", "x"]);
    assert_eq!(texts(&flow(Vec::new(), 5)), [""]);
}

#[test]
fn lua_gets_what_changed() {
    let line = |text: &str| Line::of(vec![cell(Tone::Good, text)]);
    let mut board = Board::default();
    board.resend();
    assert!(!board.changed());
    board.show(vec![line("a"), line("b"), line("c")], json!({ "state": "active" }));
    let first = board.take("batch/x").unwrap();
    assert_eq!(
        (&first["reset"], &first["count"], first["lines"].as_array().unwrap().len()),
        (&json!(true), &json!(3), 3)
    );
    assert_eq!(first["lines"][0], json!([1, { "cells": [["a", "DivisiPassed"]] }]));
    assert_eq!(board.take("batch/x"), None);
    board.show(vec![line("a"), line("B"), line("c")], json!({ "state": "active" }));
    let second = board.take("batch/x").unwrap();
    assert_eq!(
        (&second["reset"], &second["lines"]),
        (&json!(false), &json!([[2, { "cells": [["B", "DivisiPassed"]] }]]))
    );
    board.show(vec![line("a"), line("B"), line("c")], json!({ "state": "active" }));
    assert!(!board.changed());
    board.show(vec![line("a")], json!({ "state": "ended" }));
    let third = board.take("batch/x").unwrap();
    assert_eq!((&third["count"], &third["lines"], &third["about"]["state"]), (&json!(1), &json!([]), &json!("ended")));
    board.resend();
    assert_eq!(board.take("batch/x").unwrap()["lines"].as_array().unwrap().len(), 1);
}
