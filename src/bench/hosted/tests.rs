use std::fs;

use super::find::find;
use super::*;
use crate::model::case::CaseSelection;

fn suite(ids: &[&str]) -> String {
    let cases: Vec<String> = ids.iter().map(|id| format!("  - {{id: {id}, prompt: p}}\n")).collect();
    format!("version: 1\nname: s\ndefaults: {{directory: .}}\ncases:\n{}", cases.concat())
}

fn wanted(dataset: Option<&str>, cases_dir: Option<&str>) -> PlanCases {
    PlanCases {
        dataset: dataset.map(str::to_owned),
        cases_dir: cases_dir.map(str::to_owned),
        script_command: Some("true".to_owned()),
        ..PlanCases::default()
    }
}

fn ids(found: Result<(PathBuf, Vec<Case>), Unfound>) -> Vec<String> {
    found.expect("cases").1.into_iter().map(|case| case.id).collect()
}

#[test]
fn a_suite_is_found_by_what_people_call_it() {
    let root = tempfile::tempdir().expect("a directory");
    let root = root.path();
    fs::create_dir_all(root.join("data/hub/data")).expect("directories");
    fs::write(root.join("data/My_Suite.v2.yaml"), suite(&["a"])).expect("a suite");
    fs::write(root.join("data/Other.test.yaml"), suite(&["b"])).expect("a suite");
    fs::write(root.join("data/Other.dev.yaml"), suite(&["c"])).expect("a suite");
    fs::write(root.join("data/hub/data/test-00000-of-00001.yaml"), suite(&["d"])).expect("a suite");
    fs::write(root.join("data/hub/data/train-00000-of-00001.yaml"), suite(&["e"])).expect("a suite");
    let of = |dataset| find(root, &wanted(Some(dataset), Some("data")));
    assert_eq!(ids(of("My_Suite.v2.yaml")), ["a"]);
    assert_eq!(ids(of("my-suite-v2")), ["a"]);
    assert_eq!(ids(of("somebody/other")), ["b"]);
    assert_eq!(ids(of("hub")), ["d"]);
    assert_eq!(ids(find(root, &wanted(Some("data/My_Suite.v2.yaml"), None))), ["a"]);
    let unfound = of("others").expect_err("there is none");
    assert!(unfound.message.contains("My_Suite.v2.yaml") && unfound.key == "dataset", "{unfound:?}");
    let several = find(root, &wanted(None, Some("data"))).expect_err("there are several");
    assert!(several.message.contains("'dataset' names one") && several.key == "cases_dir", "{several:?}");
}

#[test]
fn what_is_kept_does_not_tell_the_answer() {
    let root = tempfile::tempdir().expect("a directory");
    let text = suite(&["a", "b"]).replace("{directory: .}", "{directory: ., reference: {command: echo THE-ANSWER}}");
    fs::write(root.path().join("s.yaml"), text).expect("a suite");
    let mut wanted = wanted(Some("s"), None);
    wanted.select = CaseSelection { ids: vec!["b".to_owned()], ..CaseSelection::default() };
    let (_, cases) = find(root.path(), &wanted).expect("cases");
    let kept: Vec<FoundCase> = cases.into_iter().map(|case| found(case).expect("a document")).collect();
    assert_eq!(kept.len(), 1);
    let text = String::from_utf8(kept[0].document.clone()).expect("text");
    assert!(!text.contains("THE-ANSWER"), "{text}");
    let again: Case = serde_json::from_str(&text).expect("a case");
    assert_eq!((again.id.as_str(), again.test.as_str()), ("b", "true"));
    assert_eq!(kept[0].case.key, hex::encode(&Sha256::digest(&kept[0].document)));
}

#[test]
fn no_name_leads_out_of_the_directory() {
    for name in ["..", "a/b", "", "A", "a.b"] {
        assert!(plain(name).is_err(), "{name}");
    }
    assert_eq!(plain("r3-a1"), Ok("r3-a1"));
}

#[test]
fn of_a_batch_that_ended_long_ago_what_its_report_shows_stays() {
    let root = tempfile::tempdir().expect("a directory");
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    };
    write("kept/x.json", "{}");
    write("results/r1-a1/patch.diff", "the patch");
    write("results/r1-a1/test_output.txt", &format!("begin{}the end", "x".repeat(1_000_000)));
    write("results/r2-a1/test_output.txt", "short");
    for _ in 0..2 {
        retired::retire(root.path()).expect("it is retired");
        assert_eq!(names(root.path()), ["results"]);
        let excerpt = own_runs::excerpt(root.path(), "results/r1-a1", 12 * 1024);
        assert!(excerpt.said.ends_with("xxthe end") && excerpt.patch == "the patch");
        let long = fs::read(root.path().join("results/r1-a1/test_output.txt")).expect("an output");
        assert!(long.starts_with(b"[the beginning was removed]\nxx") && long.len() == 64 * 1024, "{}", long.len());
        assert_eq!(fs::read(root.path().join("results/r2-a1/test_output.txt")).expect("an output"), b"short");
    }
}
