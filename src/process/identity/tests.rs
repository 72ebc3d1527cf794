use super::*;

#[test]
fn a_name_with_parentheses_does_not_shift_the_fields() {
    let line =
        b"4711 (a) Z 1 (2) b) S 17 18 19 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 10 18446744073709551615\n";
    let expected = ProcessStat { pid: 4711, state: b'S', parent: 17, group: 18, session: 19, start_time: 987_654 };
    assert_eq!(parse(line), Some(expected));
}

#[test]
fn a_cut_line_is_no_process() {
    for line in [&b""[..], b"12", b"12 (x", b"12 (x)", b"12 (x) S 1 2 3", b"(x) S 1"] {
        assert_eq!(parse(line), None, "{line:?}");
    }
}

#[test]
fn this_process_runs_and_a_changed_start_time_does_not() {
    let own = own().unwrap();
    assert!(is_running(&own));
    assert!(!is_running(&ProcessIdentity { start_time: own.start_time + 1, ..own.clone() }));
    assert!(!is_running(&ProcessIdentity { boot_id: "another".into(), ..own }));
}
