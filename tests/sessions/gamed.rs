//! Agents that game what judges them: by attributes, by reports that are there already, by files that tell judges how to judge.

use super::evaluations::{eval, of};
use super::scene::Scene;

#[test]
fn attributes_hide_nothing_from_measures() {
    let scene = Scene::new();
    scene.env.write("repo/.gitattributes", "*.dat -diff\n");
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Compare no data"]);
    let key = "echo 'aws = \"AKIA''IOSFODNN7QRSTUVW\"'";
    scene
        .shell(
            "work",
            &format!("echo '* -diff' > .gitattributes; {key} > key.txt; {key} > key.dat; ({key}; printf '\\377\\n') > latin.txt"),
        )
        .ok();
    let suite = "version: 1\nevaluators: [{id: s, kind: secrets}, {id: d, kind: diff_size, lines: 2}]";
    let (evaluation, code) = eval(&scene, "work", suite);
    assert_eq!(code, 4, "{evaluation}");
    let files: Vec<_> =
        of(&evaluation, "s")["findings"].as_array().unwrap().iter().map(|one| one["file"].clone()).collect();
    assert_eq!(files, ["key.dat", "key.txt", "latin.txt"], "{evaluation}");
    assert_eq!(of(&evaluation, "d")["outcome"], "failed", "{evaluation}");
    let notes = evaluation["notes"].to_string();
    assert!(notes.contains("git shows no lines of key.dat"), "{notes}");
    // A person sees them too.
    assert!(scene.divisi(&["diff", "work"]).ok().stdout.contains("* -diff"));
    assert!(notes.contains("how to judge: .gitattributes;"), "{notes}");
}

#[test]
fn a_report_of_an_earlier_program_is_not_taken_for_a_later_ones() {
    let scene = Scene::new();
    let good = "<testsuite><testcase name=\"a\"/></testsuite>";
    // What the first evaluator runs is the agent's, and leaves a report for the second, whose program fails to write one.
    scene.shell("work", &format!("echo \"echo '{good}' > out.xml\" > first.sh")).ok();
    let second = |command: &str| {
        format!(
            "version: 1\nevaluators:\n  - {{id: first, kind: script, command: sh first.sh}}\n  - {{id: second, kind: script, format: junit, report: out.xml, command: {command}}}\n"
        )
    };
    let (evaluation, code) = eval(&scene, "work", &second("'true'"));
    assert_eq!((code, of(&evaluation, "second")["outcome"].as_str()), (4, Some("errored")), "{evaluation}");
    let (evaluation, code) = eval(&scene, "work", &second("sh first.sh"));
    assert_eq!(code, 0, "{evaluation}");
}

#[test]
fn a_finding_outside_of_the_tree_is_no_place_to_go() {
    let scene = Scene::new();
    let report = r#"{"passed": false, "findings": [{"file": "../../../etc/passwd", "line": 1, "message": "here"}, {"file": "lines.txt", "line": 2, "message": "there"}]}"#;
    scene.shell("work", &format!("echo '{report}' > said.json")).ok();
    let (evaluation, _) =
        eval(&scene, "work", "version: 1\nevaluators: [{id: a, kind: script, format: json, command: cat said.json}]");
    let findings = &of(&evaluation, "a")["findings"];
    assert_eq!((findings[0]["file"].as_str(), findings[1]["file"].as_str()), (None, Some("lines.txt")), "{findings}");
    assert_eq!(findings[0]["message"], "../../../etc/passwd:1: here");
}

#[test]
fn gates_count_from_the_moment_they_are_set() {
    let scene = Scene::new();
    scene.shell("work", "echo new > new.txt").ok();
    let gates = scene.env.write("gates.yaml", "version: 1\nevaluators: [{id: no, kind: script, command: 'false'}]\n");
    // The daemon runs already.
    let set = scene.divisi(&["config", "set", "evaluation.gates", gates.to_str().unwrap()]);
    assert!(!set.ok().stderr.contains("restart"), "{set}");
    let refused = scene.divisi(&["land", "work"]);
    assert!(refused.exits(1).stderr.contains("have not judged it"), "{refused}");
    scene.divisi(&["eval", "work"]).exits(4);
    scene.divisi(&["config", "set", "evaluation.gates", ""]).ok();
    scene.divisi(&["land", "work"]).ok();
}
