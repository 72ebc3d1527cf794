//! `divisi bench` as a person uses it, with a dataset, predictions and logs made here.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Ran, TestEnv};

struct Scene {
    env: TestEnv,
    folder: PathBuf,
}

fn log(output: &str) -> String {
    format!("+ : '>>>>> Start Test Output'\n{output}\n+ : '>>>>> End Test Output'\n")
}

impl Scene {
    fn new() -> Self {
        let env = TestEnv::new();
        let folder = env.path("bench");
        fs::create_dir_all(&folder).expect("a folder");
        let row = |id: &str, repo: &str, parser: &str| {
            json!({
                "instance_id": id, "repo": repo, "version": "1.0", "base_commit": "c0ffee", "patch": "gold", "test_patch": "",
                "problem_statement": "x", "FAIL_TO_PASS": "[\"t.py::a\"]", "PASS_TO_PASS": ["t.py::b"], "log_parser": parser,
                "eval_type": "pass_and_fail", "eval_script": "true",
            })
        };
        let rows = [
            row("o__p-1", "o/p", "parse_log_pytest"),
            row("o__p-2", "o/p", "parse_log_pytest"),
            row("o__p-3", "o/p", "parse_log_pytest"),
            row("r__c-4", "r/c", "parse_log_cargo"),
            row("r__c-5", "r/c", "parse_log_cargo"),
        ];
        fs::write(folder.join("d.jsonl"), rows.map(|row| format!("{row}\n")).concat()).expect("the dataset");
        let scene = Self { env, folder };
        scene.predictions(
            "p.jsonl",
            &[("o__p-1", json!("x")), ("o__p-2", json!("x")), ("o__p-3", json!("")), ("r__c-4", json!("x"))],
        );
        scene.log("o__p-1/test_output.txt", &log("PASSED t.py::a\nPASSED t.py::b"));
        scene.log("o__p-2/test_output.txt", &log("FAILED t.py::a - é\nPASSED t.py::b"));
        scene.log("r__c-4/test_output.txt", "Cannot allocate memory\n");
        scene
    }

    fn predictions(&self, name: &str, of: &[(&str, Value)]) {
        let line = |(id, patch): &(&str, Value)| {
            format!("{}\n", json!({ "instance_id": id, "model_name_or_path": "lab/m", "model_patch": patch }))
        };
        fs::write(self.folder.join(name), of.iter().map(line).collect::<String>()).expect("the predictions");
    }

    fn log(&self, path: &str, text: &str) {
        let path = self.folder.join("logs").join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        fs::write(path, text).expect("the log");
    }

    fn bench(&self, arguments: &[&str]) -> Ran {
        self.env.divisi_in(&self.folder, &[&["bench"], arguments].concat())
    }

    fn grade(&self, more: &[&str]) -> Ran {
        self.bench(&[&["grade", "--dataset", "d.jsonl", "--predictions", "p.jsonl", "--logs", "logs"], more].concat())
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

#[test]
fn saved_logs_are_graded_and_the_harness_files_written() {
    let scene = Scene::new();
    let ran = scene.grade(&["--out", "out", "--run-id", "r1"]);
    ran.exits(4);
    assert!(ran.stdout.contains("resolved 1 of 4 predictions: 25.0 %"), "{ran}");
    assert!(ran.stdout.contains("infrastructure (out of memory 1)") && ran.stdout.contains("empty patch"), "{ran}");
    let report = "{
    \"o__p-2\": {
        \"patch_is_None\": false,
        \"patch_exists\": true,
        \"patch_successfully_applied\": true,
        \"resolved\": false,
        \"infra_failure\": false,
        \"tests_status\": {
            \"FAIL_TO_PASS\": {
                \"success\": [],
                \"failure\": [
                    \"t.py::a\"
                ]
            },
            \"PASS_TO_PASS\": {
                \"success\": [
                    \"t.py::b\"
                ],
                \"failure\": []
            },
            \"FAIL_TO_FAIL\": {
                \"success\": [],
                \"failure\": []
            },
            \"PASS_TO_FAIL\": {
                \"success\": [],
                \"failure\": []
            }
        }
    }
}";
    assert_eq!(scene.read("out/logs/run_evaluation/r1/lab__m/o__p-2/report.json"), report);
    let run: Value = serde_json::from_str(&scene.read("out/lab__m.r1.json")).expect("JSON");
    assert_eq!(run["total_instances"], 5);
    assert_eq!((&run["resolved_ids"], &run["unresolved_ids"]), (&json!(["o__p-1"]), &json!(["o__p-2", "r__c-4"])));
    assert_eq!((&run["empty_patch_ids"], &run["incomplete_ids"]), (&json!(["o__p-3"]), &json!(["r__c-5"])));
    assert_eq!(run["failure_reasons"], json!({ "r__c-4": "out_of_memory" }));
    assert!(scene.read("out/lab__m.r1.json").ends_with("\"schema_version\": 2\n}\n"));
    assert!(
        scene.read("out/logs/run_evaluation/r1/run.json").contains("\"dataset\": \"d.jsonl\",\n  \"split\": \"test\"")
    );

    // The older release has other keys, and nothing of ours is in its files.
    scene.grade(&["--out", "old", "--run-id", "r1", "--compat", "v4"]).exits(4);
    let old: Value = serde_json::from_str(&scene.read("old/lab__m.r1.json")).expect("JSON");
    assert_eq!((&old["unstopped_instances"], old.get("infra_failure_ids")), (&json!(0), None));
    assert!(!scene.folder.join("old/logs/run_evaluation/r1/run.json").exists());
}

#[test]
fn a_log_that_is_missing_is_no_verdict() {
    let scene = Scene::new();
    scene.predictions("p.jsonl", &[("r__c-5", json!("x"))]);
    scene.log("r__c-5/run_instance.log", ">>>>> Patch Apply Failed:\nerror: corrupt patch\n");
    let ran = scene.grade(&["--json"]);
    assert_eq!(ran.ok().json()["cases"][0]["outcome"], "apply_failed");
    scene.predictions("p.jsonl", &[("r__c-5", json!("x")), ("o__p-1", json!("x"))]);
    fs::remove_dir_all(scene.folder.join("logs/r__c-5")).expect("the log goes");
    let ran = scene.grade(&["--json"]);
    let said = ran.exits(4).json();
    assert_eq!((&said["outcomes"]["infrastructure"], &said["outcomes"]["resolved"]), (&json!(1), &json!(1)));
    assert_eq!(said["cases"][1]["reason"], "no_log");
}

#[test]
fn mistakes_are_told_with_their_place_and_what_to_do() {
    let scene = Scene::new();
    scene.predictions("p.jsonl", &[("o__p-11", json!("x"))]);
    scene
        .grade(&[])
        .exits(1)
        .says("failed to find o__p-11, which is predicted, in the dataset")
        .says("did you mean o__p-1?");
    fs::write(scene.folder.join("p.jsonl"), "{\"instance_id\": \"o__p-1\"}\n{\"id\": 3}\n").expect("written");
    scene.grade(&[]).exits(1).says("p.jsonl: line 2: a prediction needs `instance_id`");
    fs::write(scene.folder.join("p.yaml"), "").expect("written");
    let ran = scene.bench(&["grade", "--dataset", "d.jsonl", "--predictions", "p.yaml", "--logs", "logs"]);
    ran.exits(1).says("p.yaml: its name ends in neither .json, .jsonl nor .parquet");
    scene
        .bench(&["list", "--dataset", "missing.jsonl"])
        .exits(1)
        .says("failed to read the dataset missing.jsonl: No such file");
    scene
        .bench(&["list", "--dataset", "d.jsonl", "--ids", "o__p-1,o__p-9"])
        .exits(1)
        .says("failed to find o__p-9, which is chosen");
    scene.bench(&["list", "--dataset", "d.jsonl", "--language", "cobol"]).exits(1).says("none is like that");
    scene.bench(&["list", "--dataset", "d.jsonl", "--seed", "3"]).exits(2);
    scene.predictions("p.jsonl", &[("o__p-1", json!("x"))]);
    scene.grade(&["--out", "out", "--run-id", "../r"]).exits(1).says("\"../r\": it is no name for a file");
    assert!(!scene.folder.join("out").exists(), "nothing is written when something is wrong");
}

#[test]
fn instances_are_chosen_by_what_they_are() {
    let scene = Scene::new();
    let ids = |arguments: &[&str]| -> Vec<String> {
        let ran = scene.bench(&[&["list", "--dataset", "d.jsonl", "--json"], arguments].concat());
        ran.ok()
            .json()
            .as_array()
            .expect("a list")
            .iter()
            .map(|case| case["instance_id"].as_str().expect("an id").to_owned())
            .collect()
    };
    assert_eq!(ids(&["--language", "rust"]), ["r__c-4", "r__c-5"]);
    assert_eq!(ids(&["--repo", "p", "--size", "2"]), ["o__p-1", "o__p-2"]);
    assert_eq!(ids(&["--ids", "r__c-5", "o__p-1"]), ["o__p-1", "r__c-5"]);
    assert_eq!(ids(&["--size", "3", "--seed", "7"]), ids(&["--size", "3", "--seed", "7"]));
    assert!(scene.bench(&["list", "--dataset", "d.jsonl"]).ok().stdout.contains("parse_log_cargo"));
}

#[test]
fn runs_are_compared_instance_by_instance() {
    let scene = Scene::new();
    scene.grade(&["--out", "one", "--run-id", "r1"]).exits(4);
    scene.log("o__p-2/test_output.txt", &log("PASSED t.py::a\nPASSED t.py::b"));
    scene.log("o__p-1/test_output.txt", &log("FAILED t.py::a\nPASSED t.py::b"));
    scene.log("r__c-4/test_output.txt", &log("test t.py::a ... ok\ntest t.py::b ... ok"));
    scene.grade(&["--out", "two", "--run-id", "r2"]).ok();

    let said = scene.bench(&["report", "one", "two/lab__m.r2.json", "--json"]).ok().json();
    assert_eq!(said["comparison"]["gained"], json!(["o__p-2", "r__c-4"]));
    assert_eq!((&said["comparison"]["lost"], &said["comparison"]["common"]), (&json!(["o__p-1"]), &json!(4)));
    assert_eq!(said["comparison"]["p_value"], 1.0);
    assert_eq!(said["pass_at"][1], json!({ "k": 2, "any": 0.75, "all": 0.0 }));
    assert_eq!(said["unsteady"].as_array().map(Vec::len), Some(3));

    let text = scene.bench(&["report", "one", "two"]).ok().stdout.clone();
    assert!(text.contains("resolved only in the second: 2: o__p-2 r__c-4") && text.contains("p = 1.0000"), "{text}");
    let markdown = scene.bench(&["report", "one", "--format", "markdown"]).ok().stdout.clone();
    assert!(markdown.contains("| r1 | lab/m | 1 | 4 | 25.0 % |"), "{markdown}");
    let csv = scene.bench(&["report", "one", "two", "--format", "csv"]).ok().stdout.clone();
    assert_eq!(csv.lines().count(), 9);
    assert!(csv.contains("r1,o__p-2,o/p,unresolved,,false,0,1,1,1,1,true,"), "{csv}");

    // The tree of reports alone, as the harness leaves it.
    fs::remove_file(scene.folder.join("two/logs/run_evaluation/r2/divisi.json")).expect("our record goes");
    let said = scene.bench(&["report", "two/logs/run_evaluation/r2", "--json"]).ok().json();
    assert_eq!((&said["runs"][0]["resolved"], &said["runs"][0]["run_id"]), (&json!(2), &json!("r2")));
    scene.bench(&["report", "logs"]).exits(1).says("failed to read the run logs");
}

#[test]
fn what_a_dataset_says_reaches_the_terminal_harmless() {
    let scene = Scene::new();
    let row =
        json!({ "instance_id": "a\u{1b}]0;x\u{7}", "repo": "\u{1b}[31mr", "FAIL_TO_PASS": [], "PASS_TO_PASS": [] });
    fs::write(scene.folder.join("d.jsonl"), row.to_string()).expect("written");
    let ran = scene.bench(&["list", "--dataset", "d.jsonl"]);
    assert!(!ran.ok().stdout.contains('\u{1b}') && !ran.stdout.contains('\u{7}'), "{ran}");
    scene.predictions("p.jsonl", &[("a\u{1b}]0;x\u{7}", json!("x"))]);
    let ran = scene.grade(&[]);
    assert!(!ran.exits(4).stdout.contains('\u{1b}'), "{ran}");
}
