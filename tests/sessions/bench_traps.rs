//! Ways in which a benchmark's verdicts were found to be wrong elsewhere, with the real programs that go wrong.
//! The whole list is in `doc/TESTING.md`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::scene::Scene;

fn outcomes(scene: &Scene, arguments: &[&str], code: i32) -> Vec<(String, String)> {
    let ran = scene.divisi(arguments);
    let lines = ran.exits(code).stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    lines.filter(|line| line["case"].is_string()).map(|line| (text(&line["case"]), text(&line["outcome"]))).collect()
}

/// Cargo takes a file that is older than what was built from another checkout for unchanged.
#[test]
fn bad_code_does_not_pass_with_what_was_built_for_good_code() {
    let scene = Scene::new();
    scene.env.write("crate/Cargo.toml", "[package]\nname = \"sum\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    scene.env.write("crate/Cargo.lock", "version = 3\n\n[[package]]\nname = \"sum\"\nversion = \"0.1.0\"\n");
    scene.env.write(
        "crate/src/lib.rs",
        "pub fn two() -> u8 { 2 }\n\n#[test]\nfn is_two() {\n    assert_eq!(two(), 2);\n}\n",
    );
    let cases = "  - {id: good, prompt: p}\n  - {id: bad, prompt: p, setup: 'sed -i s/.2.}/{\\ 3\\ }/ src/lib.rs && touch -d 2020-01-01 src/lib.rs'}\n";
    // The cargo of this toolchain, which finds its compiler without the user's home.
    let command = "PATH=\"$TOOLCHAIN:$PATH\" CARGO_HOME=\"$CASE_ROOT/cargo\" cargo test --offline --quiet";
    let command = format!("'{command}'");
    let suite =
        format!("version: 1\nname: sum\ndefaults: {{directory: crate, script_command: {command}}}\ncases:\n{cases}");
    let suite = scene.env.write("suite.yaml", suite).display().to_string();
    let toolchain = format!("TOOLCHAIN={}", Path::new(env!("CARGO")).parent().unwrap().display());
    let run = ["bench", "run", &suite, "--agent", "null", "--json", "--env", &toolchain];
    let of = |case: &str, outcome: &str| (case.to_owned(), outcome.to_owned());
    assert_eq!(outcomes(&scene, &run, 4), [of("good", "resolved"), of("bad", "unresolved")]);
}

/// `patch --batch` without `--forward` assumes `-R`, takes the fix back, and says that all is well.
#[test]
fn a_patch_that_is_there_already_is_not_taken_back() {
    let scene = Scene::new();
    scene.env.write("repo/answer", "41\n");
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "The bug"]);
    scene.env.write("repo/answer", "42\n");
    let fix = scene.env.git(&scene.repo, &["diff"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--all", "--message", "The fix"]);
    let fixed = scene.env.git(&scene.repo, &["rev-parse", "HEAD"]);
    fs::create_dir(scene.env.path("clones")).unwrap();
    fs::rename(&scene.repo, scene.env.path("clones/acme__anvil")).unwrap();
    fs::create_dir(&scene.repo).unwrap();
    let script = "#!/bin/bash\nset -uxo pipefail\ncd /testbed\n: '>>>>> Start Test Output'\n\
                  if [ \"$(cat answer)\" = 42 ]; then echo 'PASSED t.py::answer'; else echo 'FAILED t.py::answer - no'; fi\n\
                  : '>>>>> End Test Output'\n";
    let instance = json!({
        "repo": "acme/anvil", "instance_id": "acme__anvil-1", "base_commit": fixed.trim(), "patch": format!("{}\n", fix.trim_end()),
        "test_patch": "", "problem_statement": "p", "hints_text": "", "created_at": "2020-01-01", "version": "1",
        "FAIL_TO_PASS": ["t.py::answer"], "PASS_TO_PASS": [], "eval_script": script, "log_parser": "parse_log_pytest",
        "eval_type": "pass_and_fail",
    });
    let dataset = scene.env.write("dataset.jsonl", format!("{instance}\n")).display().to_string();
    let clones = scene.env.path("clones").display().to_string();
    let out = scene.env.path("out").display().to_string();
    let run = ["bench", "run", &dataset, "--agent", "gold", "--repos", &clones, "--out", &out, "--json"];
    assert_eq!(outcomes(&scene, &run, 0), [("acme__anvil-1".to_owned(), "resolved".to_owned())]);
}

#[test]
fn tests_do_not_reach_the_packages_of_the_next_case() {
    let scene = Scene::new();
    scene.env.write("files/answer", "42\n");
    let cases = "  - id: one\n    prompt: p\n    setup: 'mkdir -p \"$UV_CACHE_DIR\" && echo good >\"$UV_CACHE_DIR/kept\"'\n    \
                 script_command: '[ -z \"${UV_CACHE_DIR:-}${PIP_CACHE_DIR:-}${npm_config_cache:-}\" ]'\n  \
                 - id: two\n    prompt: p\n    setup: '[ \"$(cat \"$UV_CACHE_DIR/kept\")\" = good ] && [ \"$UV_LINK_MODE\" = copy ]'\n    \
                 script_command: 'true'\n";
    let suite = format!("version: 1\nname: kept\ndefaults: {{directory: files}}\ncases:\n{cases}");
    let suite = scene.env.write("suite.yaml", suite).display().to_string();
    let run = ["bench", "run", &suite, "--agent", "null", "--json"];
    let of = |case: &str| (case.to_owned(), "resolved".to_owned());
    assert_eq!(outcomes(&scene, &run, 0), [of("one"), of("two")]);
}

/// Scripts of instances made for containers install what they test; outside of one that Python may be the person's own.
#[test]
fn nothing_is_installed_into_the_persons_python_unless_they_say_so() {
    let scene = Scene::new();
    scene.env.write("files/a", "a\n");
    let suite = "version: 1\nname: own\ndefaults: {directory: files}\ncases:\n  - {id: kept, prompt: p, script_command: 'test \"$PIP_REQUIRE_VIRTUALENV\" = 1'}\n";
    let suite = scene.env.write("suite.yaml", suite).display().to_string();
    let run = ["bench", "run", &suite, "--agent", "null", "--json"];
    let of = |outcome: &str| vec![("kept".to_owned(), outcome.to_owned())];
    assert_eq!(outcomes(&scene, &run, 0), of("resolved"));
    let allowed = [&run[..], &["--env", "PIP_REQUIRE_VIRTUALENV=0"]].concat();
    assert_eq!(outcomes(&scene, &allowed, 4), of("unresolved"));
}
