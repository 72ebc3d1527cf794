use std::collections::BTreeMap;

use super::*;
use crate::model::evaluation::Limits;

fn suite(protected: Protected, restore: &[&str]) -> Suite {
    Suite {
        name: "s".to_owned(),
        evaluators: Vec::new(),
        restore: restore.iter().map(|path| (*path).to_owned()).collect(),
        prepare: None,
        protected,
        limits: Limits::default(),
        digest: String::new(),
    }
}

fn changed(paths: &[&str]) -> Changed {
    let files: BTreeMap<_, _> = paths.iter().map(|path| ((*path).to_owned(), Vec::new())).collect();
    Changed { files, ..Changed::default() }
}

#[test]
fn what_tells_judges_how_to_judge_is_known() {
    for path in [
        "conftest.py",
        "a/b/conftest.py",
        ".cargo/config.toml",
        "web/package.json",
        "eslint.config.mjs",
        ".golangci.yml",
        ".github/workflows/ci.yml",
        "sub/.circleci/config.yml",
        "Makefile",
        "crates/a/Cargo.toml",
        ".config/nextest.toml",
    ] {
        assert!(tells_judges(path), "{path}");
    }
    for path in ["src/a.py", "conftest.pyc", "package-lock.json", "config.toml", "Cargo.lock", "github/workflows/a.md"]
    {
        assert!(!tells_judges(path), "{path}");
    }
}

#[test]
fn what_it_means_is_the_suites_to_say() {
    let changed = changed(&["conftest.py", "src/a.py"]);
    let (note, result) = said(&suite(Protected::Note, &[]), &changed, &[]);
    assert!(note.unwrap().contains("how to judge: conftest.py;") && result.is_none());
    let (note, result) = said(&suite(Protected::Ask, &[]), &changed, &[]);
    let result = result.unwrap();
    assert!(note.unwrap().contains("nothing lands by itself") && !result.required && !result.passed());
    assert_eq!(result.findings.iter().filter_map(|one| one.file.as_deref()).collect::<Vec<_>>(), ["conftest.py"]);
    let (_, result) = said(&suite(Protected::Fail, &[]), &changed, &[]);
    assert!(result.is_some_and(|result| result.required && result.outcome == EvaluatorOutcome::Failed));
    // What is judged as the base has it fools nobody.
    let restored = ["conftest.py".to_owned()];
    for protected in [Protected::Ask, Protected::Fail, Protected::Note] {
        assert_eq!(said(&suite(protected, &[]), &changed, &restored), (None, None));
    }
    let (note, result) = said(&suite(Protected::Restore, &[]), &changed, &restored);
    assert!(note.unwrap().contains("as the base has it") && result.is_none());
    // What was to be restored and was not is no pass.
    assert!(said(&suite(Protected::Restore, &[]), &changed, &[]).1.is_some_and(|result| result.required));
}

#[test]
fn only_what_was_changed_is_restored_and_named_literally() {
    let mut changed = changed(&["a[1]/conftest.py", "src/a.py"]);
    assert_eq!(restored(&suite(Protected::Ask, &["tests/**"]), &changed), ["tests/**"]);
    let restored = restored(&suite(Protected::Restore, &["tests/**"]), &changed);
    assert_eq!(restored, ["tests/**", "a\\[1]/conftest.py"]);
    // A name that nothing has any more is gone, as what it said is.
    changed.files.clear();
    changed.renamed.insert("pytest.ini".to_owned());
    let (note, result) = said(&suite(Protected::Fail, &[]), &changed, &[]);
    assert!(note.unwrap().contains("pytest.ini") && result.is_some());
}

#[test]
fn a_list_of_many_files_is_cut() {
    let many: Vec<String> = (0..20).map(|number| format!("d{number}/conftest.py")).collect();
    assert!(named(&many).ends_with("and 12 more"), "{}", named(&many));
}
