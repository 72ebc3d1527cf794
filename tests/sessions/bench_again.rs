//! What becomes of a run of `divisi bench` afterwards: it is moved, repeated, reported, compared.

use std::fs;

use serde_json::Value;

use super::scene::Scene;
use crate::support::Ran;

const SUITE: &str = r##"version: 1
name: mine
defaults: {directory: files, script_command: 'test "$(cat answer)" = 42'}
cases:
  - {id: a, prompt: "#!script\nusage 100 50 0.25\nedit answer 42\\n\nsay done", reference: {command: echo 42 >answer}}
  - {id: b, prompt: "#!script\nedit answer 43\\n\nsay <b>no & no</b>", reference: {command: echo 42 >answer}}
  - {id: c, prompt: "#!script\nedit answer 42\\n\nsay done", reference: {command: echo 41 >answer}}
"##;

fn place(scene: &Scene) -> String {
    scene.env.write("here/files/answer", "41\n");
    scene.env.write("here/suite.yaml", SUITE).display().to_string()
}

fn lines(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_run_that_was_moved_is_read_and_repeated() {
    let scene = Scene::new();
    let suite = place(&scene);
    let out = scene.env.path("out").display().to_string();
    let run = ["bench", "run", &suite, "--agent", "scripted", "--attempts", "2", "--out", &out, "--env", "WORD=one"];
    scene.divisi(&run).exits(4).prints("within 2 of the attempts");

    // Another machine has everything at other places, and another day other cases.
    fs::create_dir(scene.env.path("there")).unwrap();
    fs::rename(&out, scene.env.path("there/run-1")).unwrap();
    fs::rename(scene.env.path("here"), scene.env.path("elsewhere")).unwrap();
    let moved = scene.env.path("there/run-1").display().to_string();
    scene.divisi(&["bench", "report", &moved]).ok().prints("resolved 4 of 6 attempts that count");
    let again = scene.env.path("there/run-2").display().to_string();
    let rerun = ["bench", "rerun", &moved, "--out", &again];
    scene.divisi(&rerun).exits(1).says("which is not here").says("--suite PATH");
    let suite = scene.env.path("elsewhere/suite.yaml").display().to_string();
    let rerun = [&rerun[..], &["--suite", &suite]].concat();
    scene.divisi(&rerun).exits(1).says("--env WORD=VALUE");
    let same = [&rerun[..], &["--env", "WORD=one", "--dry-run"]].concat();
    scene.divisi(&same).ok().prints("are as they were");

    fs::write(&suite, SUITE.replace("answer 43", "answer 42").replace("id: c,", "id: d,")).unwrap();
    let ran = scene.divisi(&[&rerun[..], &["--env", "WORD=two", "--json"]].concat());
    let lines = lines(ran.ok());
    let different: Vec<&str> =
        lines[0]["differences"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert_eq!(different, ["case b", "case c", "variable WORD (hash)"], "{lines:?}");
    let attempts: Vec<(&str, u64)> =
        lines.iter().filter_map(|line| Some((line["case"].as_str()?, line["attempt"].as_u64()?))).collect();
    assert_eq!(attempts, [("a", 1), ("a", 2), ("b", 1), ("b", 2)]);
    let comparison = &lines.last().unwrap()["comparison"];
    assert_eq!((&comparison["gained"][0], &comparison["only_first"][0]), (&"b".into(), &"c".into()), "{comparison}");
}

#[test]
fn a_report_tells_effort_and_chances_in_every_format() {
    let scene = Scene::new();
    let suite = place(&scene);
    let mut names = Vec::new();
    for name in ["one", "two"] {
        let out = scene.env.path(name).display().to_string();
        scene.divisi(&["bench", "run", &suite, "--agent", "scripted", "--out", &out]).exits(4);
        names.push(out);
    }
    let report = |more: &[&str]| scene.divisi(&[&["bench", "report", &names[0]][..], more].concat());
    let one = report(&["--json"]).ok().json();
    let run = &one["runs"][0];
    assert_eq!((run["resolved"].as_u64(), run["submitted"].as_u64()), (Some(2), Some(3)), "{run}");
    assert_eq!(run["effort"]["cost_micros"], 250_000);
    assert_eq!(run["effort"]["cost_unknown"], 2, "two told nothing: {run}");
    assert_eq!(run["effort"]["tools"]["edit"], 3, "{run}");
    assert!(run["share"]["low"].as_f64().unwrap() > 0.1 && run["share"]["high"].as_f64().unwrap() < 1.0);
    report(&[]).ok().prints("cost at least $0.2500: unknown of 2 attempts").prints("tools: edit 3");
    report(&["--format", "markdown"]).ok().prints("| unresolved | 1 |").prints("- cost at least");
    let csv = report(&["--format", "csv"]);
    assert_eq!(csv.ok().stdout.lines().count(), 4);
    let columns: Vec<usize> = csv.stdout.lines().map(|line| line.split(',').count()).collect();
    assert!(columns.iter().all(|count| *count == columns[0]), "{}", csv.stdout);
    let html = report(&[&names[1], "--format", "html"]).ok().stdout.clone();
    assert!(html.starts_with("<!doctype html>") && html.contains("From the first to the second"));
    assert!(html.contains("<ins>+42</ins>"), "the patch is in it");
    let both = report(&[&names[1], "--json"]).ok().json();
    assert_eq!((both["comparison"]["both"].as_u64(), both["comparison"]["p_value"].as_f64()), (Some(2), Some(1.0)));
}

#[test]
fn a_case_that_is_not_valid_here_is_never_counted_silently() {
    let scene = Scene::new();
    let suite = place(&scene);
    let before = scene.divisi(&["bench", "run", &suite, "--agent", "scripted", "--json"]);
    let summary = |ran: &Ran| lines(ran).last().cloned().unwrap();
    assert_eq!(summary(before.exits(4))["counted"], 3);
    scene.divisi(&["bench", "validate", &suite]).exits(4).prints("fails with the reference");
    let out = scene.env.path("out").display().to_string();
    let ran = scene.divisi(&["bench", "run", &suite, "--agent", "scripted", "--out", &out, "--json"]);
    let after = summary(ran.exits(4));
    assert_eq!((&after["counted"], &after["report"]["flagged"]), (&2.into(), &1.into()), "{after}");
    assert_eq!(lines(&ran)[2]["validity"], "gold_fails");
    scene.divisi(&["bench", "report", &out]).ok().prints("1 more are not counted: their cases are not valid");
    // Of a case that was changed nothing is known.
    fs::write(&suite, SUITE.replace("id: c, prompt: \"", "id: c, prompt: \"\\n")).unwrap();
    let changed = scene.divisi(&["bench", "run", &suite, "--agent", "scripted", "--json", "--case", "c"]);
    assert_eq!(summary(&changed)["counted"], 1);
}
