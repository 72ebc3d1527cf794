//! The documented run of real cases, `examples/bench/real/run`, over small data sets in the same formats that are made here: its options,
//! what it says is missing, and what it ends with. Toolchains are played.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use super::scene::Scene;
use crate::support::Ran;

/// Plays uv, npm, cargo, rustc and the Pythons: a solution is one that has 42 in it.
const PLAYED: &str = r#"
case ${0##*/} in
uv)
    case $1 in
    venv) for where; do :; done; mkdir -p "$where/bin"; cp "$0" "$where/bin/python" ;;
    esac ;;
python) grep -q 42 answer.py ;;
python3) grep -q 42 case.py ;;
cargo) grep -q 42 src/lib.rs ;;
rustc)
    case $1 in --version) echo played; exit 0 ;; esac
    grep -q 42 case.rs && printf '#!/bin/sh\n' >case && chmod +x case ;;
node)
    case $1 in --version) echo played; exit 0 ;; esac
    grep -q 42 case.js ;;
esac
"#;

/// The script, over what is made.
struct Stage {
    scene: Scene,
    script: PathBuf,
}

impl Stage {
    fn new() -> Self {
        let mut scene = Scene::new();
        for name in ["uv", "npm", "cargo", "rustc", "node", "python3"] {
            scene.env.script(format!("tools/{name}"), PLAYED);
        }
        let path = format!("{}:{}", scene.env.path("tools").display(), std::env::var("PATH").expect("PATH is set"));
        scene.env.set("PATH", path);
        scene.env.set("DIVISI", env!("CARGO_BIN_EXE_divisi"));
        let real = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bench/real/run"));
        let script = scene.env.write("examples/real/run", fs::read(real).expect("the script"));
        scene.env.write("examples/real/instances", "# Only one.\nacme__anvil-1 Verified.test\n");
        scene.env.write("examples/environments.yaml", "version: 1\nenvironments: []\n");
        Self { scene, script }
    }

    /// The data sets and the repositories.
    fn filled(mut self) -> Self {
        let env = &self.scene.env;
        env.write("mirrors/acme__anvil/answer", "41\n");
        env.git("mirrors/acme__anvil", &["init", "--quiet", "--initial-branch=main"]);
        env.git("mirrors/acme__anvil", &["add", "--all"]);
        env.git("mirrors/acme__anvil", &["commit", "--quiet", "--message", "The bug"]);
        let base = env.git("mirrors/acme__anvil", &["rev-parse", "HEAD"]);
        env.write("mirrors/acme__anvil/answer", "42\n");
        let patch = env.git("mirrors/acme__anvil", &["diff"]) + "\n";
        env.git("mirrors/acme__anvil", &["commit", "--quiet", "--all", "--message", "The fix"]);
        let script = "#!/bin/bash\nset -uxo pipefail\ncd /testbed\n: '>>>>> Start Test Output'\n\
                      if grep -q 42 answer; then echo PASSED x::answer; else echo FAILED x::answer; fi\n\
                      : '>>>>> End Test Output'\n";
        let instance = json!({
            "repo": "acme/anvil", "instance_id": "acme__anvil-1", "base_commit": base, "patch": patch, "test_patch": "",
            "problem_statement": "The answer is wrong.", "version": "1.0", "FAIL_TO_PASS": ["x::answer"], "PASS_TO_PASS": [],
            "eval_script": script, "log_parser": "parse_log_pytest", "eval_type": "pass_and_fail",
        });
        env.write("data/SWE-bench_Verified.test.jsonl", format!("{instance}\n"));
        for (language, solution, reference) in
            [("python", "answer.py", "exemplar.py"), ("rust", "src/lib.rs", "example.rs")]
        {
            let exercise = format!("mirrors/Aider-AI/polyglot-benchmark/{language}/exercises/practice/answer");
            let example = if language == "rust" { "example" } else { "exemplar" };
            let files = json!({ "files": {
                "solution": [solution], "test": ["tests.txt"], example: [format!(".meta/{reference}")]
            } });
            env.write(format!("{exercise}/.meta/config.json"), files.to_string());
            env.write(format!("{exercise}/.meta/{reference}"), "42\n");
            env.write(format!("{exercise}/.docs/instructions.md"), "Say 42.\n");
            env.write(format!("{exercise}/{solution}"), "41\n");
            env.write(format!("{exercise}/tests.txt"), "It has to be 42.\n");
        }
        for (directory, language) in [("python", "Python"), ("js", "JavaScript"), ("rust", "Rust")] {
            // One that no reference resolves.
            let good = if directory == "rust" { "43" } else { "42" };
            let row = json!({
                "task_id": format!("{language}/0"), "prompt": "", "declaration": "", "canonical_solution": good,
                "buggy_solution": "41", "test": "", "instruction": "Say it.",
            });
            let below = "mirrors/bigcode-project/octopack/evaluation/create/humaneval-x/data";
            env.write(format!("{below}/{directory}/data/humanevalpack.jsonl"), format!("{row}\n"));
        }
        for repository in ["mirrors/Aider-AI/polyglot-benchmark", "mirrors/bigcode-project/octopack"] {
            env.git(repository, &["init", "--quiet", "--initial-branch=main"]);
            env.git(repository, &["add", "--all"]);
            env.git(repository, &["commit", "--quiet", "--message", "Everything"]);
        }
        let (data, mirrors) = (env.path("data"), env.path("mirrors"));
        self.scene.env.set("DATASETS", data);
        self.scene.env.set("MIRRORS", mirrors);
        self
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command: Command = self.scene.env.command("bash");
        command.arg(&self.script).args(arguments);
        // Nothing is fetched from anywhere else.
        command.env("GITHUB", self.scene.env.path("nowhere"));
        crate::support::run(command)
    }
}

#[test]
fn one_call_runs_every_case_and_ends_with_what_came_of_it() {
    let stage = Stage::new().filled();
    stage.run(&["--check"]).ok().prints("nothing is missing");
    let place = stage.scene.env.path("where").display().to_string();
    let ran = stage.run(&[&place]);
    // One case is not valid.
    let text = &ran.exits(4).stdout;
    for line in [
        "swe-Verified.test        1 of 1 cases are valid here",
        "polyglot                 2 of 2 cases are valid here",
        "humaneval-python         1 of 1 cases are valid here",
        "humaneval-js             1 of 1 cases are valid here",
        "humaneval-rust           0 of 1 cases are valid here",
        "all                      5 of 6 cases are valid here",
    ] {
        assert!(text.lines().any(|found| found.starts_with(line)), "{line}\n{ran}");
    }
    // A second call uses what is there.
    let again = stage.run(&[&place, "polyglot"]);
    again.ok().prints("polyglot                 2 of 2 cases are valid here");
    assert!(again.stderr.contains("4 of 4 attempts were made before"), "{again}");
}

#[test]
fn what_is_missing_is_said_before_anything_runs() {
    let stage = Stage::new();
    stage.run(&[]).exits(2).prints("examples/bench/real/run WHERE");
    stage.run(&["--help"]).ok().prints("Exit codes:");
    stage.run(&["--check", "humanevil"]).exits(2).says("there is no part humanevil");
    fs::set_permissions(stage.scene.env.path("tools/npm"), fs::Permissions::from_mode(0o644)).expect("our own file");
    let ran = stage.run(&["--check"]);
    ran.exits(3)
        .says("SWE-bench_Verified.test.jsonl or .parquet in DATASETS (not set)")
        .says("the repository acme/anvil, neither in MIRRORS (not set) nor at")
        .says("the repository Aider-AI/polyglot-benchmark");
    let place = stage.scene.env.path("where");
    stage.run(&[&place.display().to_string(), "swe"]).exits(3);
    assert!(!place.join("swe-Verified.test").exists());
}
