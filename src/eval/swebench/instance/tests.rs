use super::*;

fn read(row: &str) -> Result<Instance, String> {
    Dataset::read(format!("[{row}]").as_bytes(), Format::Json)
        .map(|mut dataset| dataset.instances.remove(0))
        .map_err(|error| error.to_string())
}

#[test]
fn lists_of_tests_come_in_four_shapes() {
    let shapes = [
        r#""FAIL_TO_PASS": ["a", "b'"], "PASS_TO_PASS": []"#,
        r#""FAIL_TO_PASS": "[\"a\", \"b'\"]", "PASS_TO_PASS": "[]""#,
        r#""fail_to_pass": "['a', \"b'\"]", "pass_to_pass": "[]""#,
        r#""fail_to_pass": "['\\x61', 'b\\'', ]", "pass_to_pass": " [ ] ""#,
    ];
    for shape in shapes {
        let instance =
            read(&format!(r#"{{"instance_id": "o__r-1", "repo": "o/r", "version": 1.5, {shape}}}"#)).unwrap();
        assert_eq!(
            (&*instance.version, instance.fail_to_pass, instance.pass_to_pass.len()),
            ("1.5", vec!["a".to_owned(), "b'".to_owned()], 0)
        );
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let rest = r#""FAIL_TO_PASS": [], "PASS_TO_PASS": []"#;
    for (row, complaint) in [
        (r#"{"repo": "o/r"}"#.to_owned(), "entry 1: an instance needs `instance_id`, a string"),
        (format!(r#"{{"instance_id": "a", {rest}}}"#), "entry 1: an instance needs `repo`, a string"),
        (
            r#"{"instance_id": "a", "repo": "r"}"#.to_owned(),
            "entry 1: an instance needs `FAIL_TO_PASS`, a list of strings",
        ),
        (format!(r#"{{"instance_id": "a", "repo": ["r"], {rest}}}"#), "entry 1: `repo` is a string, this is a list"),
        (
            r#"{"instance_id": "a", "repo": "r", "FAIL_TO_PASS": [3]}"#.to_owned(),
            "entry 1: `FAIL_TO_PASS` is a list of strings, one is a number",
        ),
        ("7".to_owned(), "entry 1: an instance is an object, this is a number"),
    ] {
        assert_eq!(read(&row), Err(complaint.to_owned()));
    }
    assert!(
        read(r#"{"instance_id": "a", "repo": "r", "FAIL_TO_PASS": "a, b"}"#)
            .unwrap_err()
            .contains("without a list in it")
    );
    let lines = Dataset::read(b"{}\n", Format::JsonLines).unwrap_err();
    assert_eq!(lines.place, "line 1");
}

#[test]
fn files_are_lists_lines_or_what_a_dataset_server_answers() {
    let row = r#"{"instance_id": "a", "repo": "o/r", "FAIL_TO_PASS": [], "PASS_TO_PASS": []}"#;
    let count = |text: &str, format| Dataset::read(text.as_bytes(), format).unwrap().instances.len();
    assert_eq!(count(&format!("{row}\n{row}\n"), Format::JsonLines), 2);
    assert_eq!(count(&format!(r#"{{"rows": [{{"row_idx": 0, "row": {row}}}]}}"#), Format::Json), 1);
    assert_eq!(count(&format!(r#"{{"a": {row}}}"#), Format::Json), 1);
    assert_eq!(
        (Format::of_name("x.jsonl"), Format::of_name("x.json"), Format::of_name("x.parquet"), Format::of_name("x")),
        (Some(Format::JsonLines), Some(Format::Json), Some(Format::Parquet), None)
    );
}

#[test]
fn what_the_dataset_does_not_say_the_project_does() {
    let project = |repo: &str| Instance { repo: repo.to_owned(), ..Instance::default() };
    assert_eq!(project("eslint/eslint").eval_type(Compat::V5), Ok(EvalType::FailOnly));
    assert_eq!(project("eslint/eslint").eval_type(Compat::V4), Ok(EvalType::PassAndFail));
    assert_eq!(project("chartjs/Chart.js").eval_type(Compat::V4), Ok(EvalType::FailOnly));
    assert_eq!(project("tokio-rs/tokio").language(), Some(Language::Rust));
    assert_eq!(project("nobody/nothing").language(), None);
}

#[test]
fn lists_as_python_prints_them_are_understood_or_refused() {
    assert_eq!(
        literal::strings(r#"['a\n\\', "é", '\u00e9', 'q\q']"#),
        Some(["a\n\\", "é", "é", "q\\q"].map(str::to_owned).to_vec())
    );
    for bad in ["", "[", "['a'", "['a' 'b']", "[a]", "['a'] x", "['\\x4']", "['\\ud800']"] {
        assert_eq!(literal::strings(bad), None, "{bad:?}");
    }
}
