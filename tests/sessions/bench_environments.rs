//! Environments of benchmark cases, through the whole program: killed while one is made, listed, cleared, and in a run that is repeated.

use std::fs;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::scene::{DEADLINE, Scene, is_alive};
use crate::support::{Ran, wait_until};

/// A dataset with one instance, whose environment `install` makes.
struct Anvil {
    scene: Scene,
    dataset: String,
    clones: String,
}

impl Anvil {
    fn new(check: &str) -> Self {
        let scene = Scene::new();
        scene.env.write("repo/answer", "41\n");
        scene.env.write("repo/package.json", "{}\n");
        scene.env.write("repo/.gitignore", "node_modules/\n");
        scene.env.git(&scene.repo, &["add", "--all"]);
        scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "The bug"]);
        let base = scene.env.git(&scene.repo, &["rev-parse", "HEAD"]);
        fs::create_dir(scene.env.path("clones")).unwrap();
        fs::rename(&scene.repo, scene.env.path("clones/acme__anvil")).unwrap();
        fs::create_dir(&scene.repo).unwrap();
        let script = format!(
            "#!/bin/bash\nset -uxo pipefail\ncd /testbed\n: '>>>>> Start Test Output'\n{check}\necho 'FAILED t.py::answer - no'\n: '>>>>> End Test Output'\n"
        );
        let instance = json!({
            "repo": "acme/anvil", "instance_id": "acme__anvil-1", "base_commit": base.trim(), "patch": "", "test_patch": "",
            "problem_statement": "p", "hints_text": "", "created_at": "2020-01-01", "version": "1",
            "FAIL_TO_PASS": ["t.py::answer"], "PASS_TO_PASS": [], "eval_script": script, "log_parser": "parse_log_pytest",
            "eval_type": "pass_and_fail",
        });
        let dataset = scene.env.write("dataset.jsonl", format!("{instance}\n")).display().to_string();
        let clones = scene.env.path("clones").display().to_string();
        Self { scene, dataset, clones }
    }

    /// The options of a run with this entry.
    fn arguments(&self, entry: &str) -> Vec<String> {
        let file = format!("version: 1\nenvironments:\n  - {{repo: acme/anvil, {entry}}}\n");
        let file = self.scene.env.write("environments.yaml", file).display().to_string();
        let fixed = [
            "bench",
            "run",
            &self.dataset,
            "--agent",
            "null",
            "--repos",
            &self.clones,
            "--environments",
            &file,
            "--containers",
            "never",
        ];
        fixed.map(str::to_owned).to_vec()
    }

    fn run(&self, entry: &str, more: &[&str]) -> Ran {
        let mut all = self.arguments(entry);
        all.extend(more.iter().map(|word| (*word).to_owned()));
        self.scene.divisi(&all.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn kept(&self) -> Value {
        self.scene.divisi(&["bench", "environments", "--json"]).ok().json()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scene.env.path(name)
    }
}

fn lines(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_kill_while_one_is_made_leaves_no_half() {
    let anvil = Anvil::new("cat node_modules/whole");
    let (gate, pid) = (anvil.path("gate"), anvil.path("pid"));
    let wait = format!("[ -e {gate} ] || {{ echo $$ >{pid}; sleep 600; }}", gate = gate.display(), pid = pid.display());
    let entry = format!(
        "install: ['mkdir node_modules; echo half >node_modules/half; {wait}; echo whole >node_modules/whole'], makes: [node_modules]"
    );
    let arguments = anvil.arguments(&entry);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let running = anvil.scene.env.spawn_divisi(&anvil.scene.repo, &arguments);
    wait_until(DEADLINE, "it is being made", || fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')));
    let maker: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    kill_process(Pid::from_raw(i32::try_from(running.pid()).unwrap()).unwrap(), Signal::KILL).unwrap();
    running.wait(DEADLINE);
    wait_until(DEADLINE, "the commands are gone with the one who ran them", || !is_alive(maker));
    assert_eq!(anvil.kept()["kept"], json!([]));
    fs::write(&gate, "").unwrap();
    let out = anvil.path("out").display().to_string();
    let ran = anvil.run(&entry, &["--json", "--out", &out]);
    assert_eq!(lines(ran.exits(4))[0]["outcome"], "unresolved");
    let said = fs::read_to_string(anvil.path("out/cases/acme__anvil-1/null/1/test_output.txt")).unwrap();
    assert!(said.contains("\nwhole\n"), "{said}");
    assert_eq!(anvil.kept()["kept"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_run_that_is_repeated_says_which_packages_are_others() {
    let anvil = Anvil::new("cat node_modules/.package-lock.json");
    let registry = |version: &str| {
        let list =
            json!({"packages": {"node_modules/left": {"version": version}, "node_modules/right": {"version": "7.0"}}});
        anvil.scene.env.write("registry", list.to_string());
    };
    registry("1.0");
    let install =
        format!("mkdir node_modules; cp {} node_modules/.package-lock.json", anvil.path("registry").display());
    let entry = format!("install: ['{install}'], reads: [package.json], makes: [node_modules]");
    let out = anvil.path("out").display().to_string();
    anvil.run(&entry, &["--out", &out]).exits(4);
    let kept = anvil.kept()["kept"].as_array().unwrap().clone();
    assert_eq!(
        (kept.len(), &kept[0]["packages"], &kept[0]["name"]),
        (1, &json!(["left@1.0", "right@7.0"]), &"acme/anvil 1".into())
    );

    // Another place, the same machine: what is kept is what it was, whatever the registry gives today.
    registry("2.0");
    fs::create_dir(anvil.path("there")).unwrap();
    fs::rename(&out, anvil.path("there/run-1")).unwrap();
    let moved = anvil.path("there/run-1").display().to_string();
    let again = |name: &str| {
        let out = anvil.path(&format!("there/{name}")).display().to_string();
        let ran = anvil.scene.divisi(&["bench", "rerun", &moved, "--out", &out, "--json"]);
        lines(ran.exits(4)).into_iter().find(|line| line["environments"].is_array()).unwrap()["environments"].clone()
    };
    assert_eq!(again("same"), json!([]));

    // Another machine has none of it, and its registry gives others.
    anvil.scene.divisi(&["bench", "environments"]).ok().prints("acme/anvil 1").prints("just now");
    anvil
        .scene
        .divisi(&["bench", "environments", "--clear"])
        .ok()
        .prints("removed 1 of")
        .prints("no environments are kept");
    let different = again("other");
    assert_eq!(different, json!([{"what": "packages of case acme__anvil-1", "was": "left@1.0", "now": "left@2.0"}]));
    let result = fs::read_to_string(anvil.path("there/other/results.jsonl")).unwrap();
    let result: Value = serde_json::from_str(result.lines().next().unwrap()).unwrap();
    let id = result["environment"].as_str().unwrap();
    let record = fs::read_to_string(anvil.path(&format!("there/other/environments/{id}.json"))).unwrap();
    assert!(record.contains("left@2.0") && record.contains("\"package.json\""), "{record}");
}

#[test]
fn a_setup_that_fails_once_is_tried_again_and_said() {
    let anvil = Anvil::new("true");
    let count = anvil.path("count");
    let entry = format!(
        "pre_install: ['echo x >>{0}; [ $(wc -l <{0}) -gt 1 ] || {{ echo no network; exit 7; }}']",
        count.display()
    );
    let out = anvil.path("out").display().to_string();
    let ran = anvil.run(&entry, &["--out", &out]);
    ran.exits(4).says("the setup ended with code 7: no network; tried again in").prints("unresolved  acme__anvil-1");
    assert_eq!(fs::read_to_string(&count).unwrap().lines().count(), 2);
    fs::write(&count, "").unwrap();
    let ran = anvil.run(&entry, &["--json", "--retries", "0"]);
    assert_eq!(lines(ran.exits(4))[0]["outcome"], "infrastructure");
    assert_eq!(fs::read_to_string(&count).unwrap().lines().count(), 1);
}
