use super::super::tests::text;
use super::*;

const LINE: &str = r#"{"task_id": "Python/3", "prompt": "def two():\n", "declaration": "", "canonical_solution": "    return 2",
    "buggy_solution": "    return 3", "test": "assert two() == 2\n", "instruction": "Give two."}"#;

#[test]
fn a_line_is_a_case_with_hidden_tests() {
    let case = case(LINE).unwrap();
    assert_eq!(case.id, "python/3");
    let Source::Files(files) = &case.source else { panic!("not files") };
    assert_eq!(text(files, "solution.py"), "def two():\n    return 3\n");
    assert_eq!(files.len(), 1);
    assert_eq!(text(&case.hidden, "hidden.py"), "assert two() == 2\n");
    assert!(case.prompt.ends_with("Give two."));
}

#[test]
fn what_is_wrong_with_a_line_is_said() {
    assert!(case("{}").unwrap_err().contains("task_id"));
    assert!(case(&LINE.replace("Python/3", "Cobol/3")).unwrap_err().contains("Cobol"));
    assert!(case(&LINE.replace("Python/3", "Python/../3")).unwrap_err().contains("odd task_id"));
}
