//! Tasks of the type `evaluation` in batches, from end to end: cases in repositories without history, judged on other trees.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::batches::{LONG, plan, states, status};
use super::scene::{DEADLINE, Scene, is_alive};
use crate::support::wait_until;

/// A suite of one's own; what its agents do is in a variable of theirs.
const SUITE: &str = r#"version: 1
name: mine
defaults:
  repository: ../repo
  base: BASE
  restore: [check.sh]
cases:
  - {id: answer, prompt: 'eval "$SOLVE"', script_command: sh check.sh}
  - {id: bare, prompt: 'eval "$SOLVE"'}
"#;

const AGENTS: &str = "agents:
  - {id: gold, agent: shell, env: {SOLVE: 'echo 42 >answer; git log --all --format=%s >seen; cat seen'}}
  - {id: idle, agent: shell, env: {SOLVE: 'true'}}
  - {id: cheat, agent: shell, env: {SOLVE: 'echo true >check.sh; echo 43 >answer'}}
";

/// A repository with the fix after the base, and a suite beside it.
fn suite(scene: &Scene, text: &str) -> PathBuf {
    scene.env.write("repo/answer", "41\n");
    scene.env.write("repo/check.sh", "test \"$(cat answer)\" = 42\n");
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "The question"]);
    let base = scene.env.git(&scene.repo, &["rev-parse", "HEAD"]);
    scene.env.write("repo/answer", "42\n");
    scene.env.git(&scene.repo, &["commit", "--quiet", "--all", "--message", "The fix"]);
    scene.env.write("data/mine.yaml", text.replace("BASE", base.trim()))
}

/// What became of each run: agent, case, state, verdict.
fn verdicts(status: &Value) -> Vec<String> {
    let runs = status["runs"].as_array().expect("runs");
    runs.iter()
        .map(|run| {
            let last = run["attempts"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
            let verdict = last["case"]["verdict"]["outcome"].as_str().unwrap_or("nothing").to_owned();
            format!("{} {} {} {verdict}", run["agent"], run["prompt"], run["state"]).replace('"', "")
        })
        .collect()
}

/// Directories of attempts that are there.
fn grounds(scene: &Scene) -> Vec<PathBuf> {
    let batches = fs::read_dir(scene.env.path("home/state/divisi/cases")).into_iter().flatten().flatten();
    let inner = batches.flat_map(|batch| fs::read_dir(batch.path()).into_iter().flatten().flatten());
    inner.map(|entry| entry.path()).filter(|path| !path.ends_with("kept") && !path.ends_with("results")).collect()
}

fn remove_all(scene: &Scene) {
    let list = scene.env.json(&scene.repo, &["list"]);
    let is_going = |session: &&Value| session["worktree"]["state"] == "removing";
    for session in list.as_array().expect("sessions").iter().filter(|session| !is_going(session)) {
        scene.divisi(&["remove", session["id"].as_str().expect("an id"), "--discard"]).ok();
    }
    wait_until(DEADLINE, "the repositories of cases are gone", || grounds(scene).is_empty());
}

#[test]
fn each_agent_attempts_each_case_and_the_tests_have_the_last_word() {
    let scene = Scene::new();
    suite(&scene, SUITE);
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/evaluation.plan.yaml");
    scene.divisi(&["batch", "check", example]).ok().prints("evaluation: 12 runs");
    let task = "tasks: [{id: swe, type: evaluation, dataset: mine, cases_dir: data, script_command: 'test \"$(cat answer)\" = 42'}]";
    let text = format!(
        "version: 3\nmetadata: {{name: cases}}\nexecution: {{concurrency: 3}}\n{AGENTS}{task}\nmetrics: {{export_formats: [jsonl, csv, md, html]}}\n"
    );
    let file = plan(&scene, &text);
    scene.divisi(&["batch", "check", &file]).ok().prints("cases: 6 runs").prints("is judged by tests");
    let out = scene.env.path("out");
    let ran = scene.divisi(&["batch", "run", &file, "--out", &out.display().to_string()]);
    ran.exits(4).prints("swe/answer idle mine empty patch").prints("swe/answer gold mine resolved");
    let cases = status(&scene, "cases");
    assert_eq!(
        verdicts(&cases),
        [
            "gold answer passed resolved",
            "idle answer failed empty_patch",
            // The script that judges is the base's.
            "cheat answer failed unresolved",
            "gold bare passed resolved",
            "idle bare failed empty_patch",
            "cheat bare failed unresolved",
        ]
    );
    let shown = scene.divisi(&["batch", "status", "cases"]).exits(4).stdout.clone();
    assert!(shown.contains("VERDICT") && shown.contains("empty patch") && shown.contains("resolved"), "{shown}");
    let read = |name: &str| fs::read_to_string(out.join(format!("report.{name}"))).expect("a report");
    assert!(read("csv").contains(",unresolved,"), "{}", read("csv"));
    assert!(read("jsonl").contains("\"verdict\":\"empty patch\""));
    assert!(read("md").contains("| gold | 2 of 2, 100 %"), "{}", read("md"));
    let html = read("html");
    assert!(html.contains("<th>Resolved (interval at 95 %)</th>"), "{html}");
    assert!(html.contains("<th class='n'>Cost of a resolved case</th>"), "{html}");
    // The agent saw one commit; what it made is shown although its worktree and repository are gone.
    assert!(html.contains("<ins>+42</ins>") && html.contains("<ins>+The question</ins>"), "{html}");
    assert!(!html.contains("<ins>+The fix</ins>"), "the agent saw what came later");
    assert_eq!(grounds(&scene).len(), 4, "only those of attempts that failed are kept");
    scene.divisi(&["batch", "retry", "cases", "2"]).ok();
    scene.divisi(&["batch", "open", "cases"]).exits(4);
    assert_eq!(status(&scene, "cases")["runs"][1]["attempts"].as_array().map(Vec::len), Some(2));
    remove_all(&scene);
}

#[test]
fn instances_are_found_by_their_datasets_name_and_chosen() {
    let scene = Scene::new();
    let suite = suite(&scene, SUITE);
    fs::remove_file(suite).expect("the suite goes");
    let base = scene.env.git(&scene.repo, &["rev-parse", "HEAD~1"]);
    scene.env.git(scene.env.root(), &["clone", "--quiet", "repo", "clones/acme__anvil"]);
    let script = "#!/bin/bash\nset -uxo pipefail\ncd /testbed\n: '>>>>> Start Test Output'\n\
                  if [ \"$(cat answer)\" = 42 ]; then echo 'PASSED t.py::answer'; else echo 'FAILED t.py::answer - no'; fi\n\
                  : '>>>>> End Test Output'\n";
    let instance = |number: u32, repo: &str| {
        let id = format!("{}-{number}", repo.replace('/', "__"));
        json!({
            "repo": repo, "instance_id": id, "base_commit": base.trim(), "patch": "p", "test_patch": "",
            "problem_statement": "eval \"$SOLVE\"", "hints_text": "", "created_at": "2020-01-01", "version": "1",
            "FAIL_TO_PASS": ["t.py::answer"], "PASS_TO_PASS": [], "eval_script": script,
            "log_parser": "parse_log_pytest", "eval_type": "pass_and_fail",
        })
    };
    let lines: Vec<String> = [(1, "acme/anvil"), (2, "acme/anvil"), (3, "acme/gone")]
        .map(|(number, repo)| instance(number, repo).to_string())
        .into();
    scene.env.write("data/SWE-bench_Lite.test.jsonl", lines.join("\n"));
    let head = "version: 3\nmetadata: {name: swe}\nexecution: {retry_policy: {max_attempts: 2, backoff_ms: 1}}\n";
    let agents = AGENTS.lines().take(2).collect::<Vec<_>>().join("\n");
    let task = |more: &str| {
        format!(
            "{head}{agents}\ntasks:\n  - {{id: swe, type: evaluation, dataset: swe-bench-lite, cases_dir: data, repos_dir: clones{more}}}\n"
        )
    };
    let check = |more: &str| scene.divisi(&["batch", "check", &plan(&scene, &task(more))]);
    check("").ok().prints("swe: 3 runs");
    check(", select: {repositories: [anvil], size: 1}").ok().prints("swe: 1 run");
    check(", select: {ids: [acme__anvil-4]}").exits(1).prints("7:").prints("acme__anvil-4");
    check(", select: {languages: [cobol]}").exits(1).prints("no case of SWE-bench_Lite.test is in");
    let file = plan(&scene, &task(""));
    scene.divisi(&["batch", "run", &file]).exits(4);
    let swe = status(&scene, "swe");
    assert_eq!(
        verdicts(&swe),
        [
            "gold acme__anvil-1 passed resolved",
            "gold acme__anvil-2 passed resolved",
            "gold acme__gone-3 failed infrastructure",
        ]
    );
    // Only what says nothing of the agent is tried again.
    let attempts = |run: usize| swe["runs"][run]["attempts"].as_array().map(Vec::len);
    assert_eq!((attempts(0), attempts(2)), (Some(1), Some(2)));
    let why = swe["runs"][2]["reason"].as_str().expect("a reason");
    assert!(why.starts_with("infrastructure: ") && why.contains("acme__gone"), "{why}");
    wait_until(DEADLINE, "the repositories of cases are gone", || grounds(&scene).is_empty());
}

#[test]
fn what_is_wrong_with_cases_is_said_before_anything_starts() {
    let scene = Scene::new();
    suite(&scene, &SUITE.replace("restore:", "restores:"));
    let of = |task: &str| format!("version: 3\n{AGENTS}tasks:\n  - id: swe\n    type: evaluation\n{task}");
    let check = |task: &str| scene.divisi(&["batch", "check", &plan(&scene, &of(task))]);
    // The plan's place, and the file's own.
    let wrong = "    dataset: mine\n    cases_dir: data\n";
    check(wrong).exits(1).prints("plan.yaml:9:14: ").prints("mine.yaml:6:3: ").prints("did you mean 'restore'?");
    scene.divisi(&["batch", "run", &plan(&scene, &of(wrong))]).exits(1).says("mine.yaml:6:3");
    check("    dataset: mein\n    cases_dir: data\n")
        .exits(1)
        .prints("9:14: there is no suite 'mein' in")
        .prints("mine");
    check("    cases_dir: nowhere\n    dataset: mine\n").exits(1).prints("9:16: failed to read the directory");
    check("    prompts: [a]\n    dataset: mine\n")
        .exits(1)
        .prints("9:14: 'prompts' is not for tasks of type 'evaluation'");
    check("    data_set: mine\n").exits(1).prints("did you mean 'dataset'?");
    check("    priority: 1\n").exits(1).prints("7:5: a task of type 'evaluation' needs 'dataset', 'cases_dir' or both");
    suite(&scene, SUITE);
    check("    cases_dir: data\n").exits(1).prints("case bare needs 'script_command'");
    let good = "    cases_dir: data\n    script_command: 'true'\nmatrix: {exclude: [{prompt: bear}]}\n";
    check(good).exits(1).prints("11:29: the matrix names the prompt 'bear'").prints("did you mean bare?");
    check(&good.replace("bear", "bare")).ok().prints("3 runs");
    assert_eq!(scene.env.json(&scene.repo, &["list"]), json!([]));
    assert!(!scene.env.path("home/state/divisi/cases").exists(), "something was kept of what never began");
}

/// A plan with one case, whose setup or tests say that they run and wait until somebody lets them go on.
fn slow(scene: &Scene, setup: &str, script: &str) -> String {
    let signs = scene.env.path("signs").display().to_string();
    fs::create_dir_all(&signs).expect("a directory");
    let wait = |sign: &str| format!("echo $$ >{signs}/{sign}; while [ ! -e {signs}/go ]; do sleep 0.05; done");
    let fill = |text: &str| text.replace("WAIT", &wait("pid"));
    let text = format!(
        "version: 1\nname: slow\ncases:\n  - id: slow\n    repository: ../repo\n    prompt: 'eval \"$SOLVE\"'\n    setup: '{}'\n    \
         script_command: '{}'\n",
        fill(setup),
        fill(script)
    );
    suite(scene, SUITE);
    scene.env.write("data/slow.yaml", text);
    let agents = AGENTS.lines().take(2).collect::<Vec<_>>().join("\n");
    let text = format!(
        "version: 3\nmetadata: {{name: slow}}\n{agents}\ntasks: [{{id: t, type: evaluation, dataset: slow, cases_dir: data}}]\n"
    );
    plan(scene, &text)
}

fn waiting(scene: &Scene) -> i32 {
    let sign = scene.env.path("signs/pid");
    let read = || fs::read_to_string(&sign).ok()?.trim().parse().ok();
    wait_until(DEADLINE, "a command of the case runs", || read().is_some());
    read().expect("a process id")
}

/// What a person sees of it, and that it ends at once, with everything that ran.
fn cancelled_while(setup: &str, script: &str, activity: &str) {
    let scene = Scene::new();
    let file = slow(&scene, setup, script);
    scene.divisi(&["batch", "run", &file, "--detach"]).ok();
    let pid = waiting(&scene);
    wait_until(DEADLINE, "it is said what is done", || status(&scene, "slow")["runs"][0]["activity"] == activity);
    let before = Instant::now();
    scene.divisi(&["batch", "cancel", "slow"]).ok();
    assert!(before.elapsed() < Duration::from_secs(5), "it took {:?}", before.elapsed());
    let slow = status(&scene, "slow");
    assert_eq!(verdicts(&slow), ["gold slow cancelled cancelled"]);
    assert!(!is_alive(pid), "the command of the case lives");
    remove_all(&scene);
}

#[test]
fn cancelled_while_a_case_is_prepared() {
    cancelled_while("WAIT", "true", "preparing the case");
}

#[test]
fn cancelled_while_the_tests_run() {
    cancelled_while("true", "WAIT", "the case's tests run");
}

/// The daemon is killed while a command of the case runs; the next one begins with the case, or its tests, again.
fn killed_while(setup: &str, script: &str) {
    let mut scene = Scene::new();
    scene.env.tolerate("divisi.sock");
    let file = slow(&scene, setup, script);
    scene.divisi(&["batch", "run", &file, "--detach"]).ok();
    let pid = waiting(&scene);
    scene.kill_daemon();
    wait_until(DEADLINE, "the command of the case ended with its daemon", || !is_alive(pid));
    fs::write(scene.env.path("signs/go"), "").expect("a sign");
    scene.divisi(&["batch", "open", "slow"]).ok();
    let slow = status(&scene, "slow");
    assert_eq!(verdicts(&slow), ["gold slow passed resolved"]);
    assert_eq!(slow["runs"][0]["attempts"].as_array().map(Vec::len), Some(1), "{slow:#}");
    assert_eq!(slow["runs"][0]["attempts"][0]["turns"], 1, "the agent did not work twice");
    remove_all(&scene);
    let jobs = || fs::read_dir(scene.env.path("home/state/divisi/case-jobs")).into_iter().flatten().count();
    wait_until(DEADLINE, "nothing is left of the commands", || jobs() == 0);
}

#[test]
fn killed_while_a_case_is_prepared() {
    killed_while("WAIT", "test \"$(cat answer)\" = 42");
}

#[test]
fn killed_between_the_agents_end_and_the_verdict() {
    killed_while("true", "WAIT; test \"$(cat answer)\" = 42");
}

#[test]
fn a_daemon_killed_at_any_event_gives_each_case_one_verdict() {
    let play = |kill: Option<String>| {
        let mut scene = Scene::new();
        if let Some(points) = kill {
            scene.env.set("DIVISI_TEST_KILL", points);
            scene.env.tolerate("divisi.sock");
        }
        suite(&scene, SUITE);
        let agents = AGENTS.lines().take(2).collect::<Vec<_>>().join("\n");
        let task = "tasks: [{id: t, type: evaluation, dataset: mine, cases_dir: data, script_command: 'false', select: {ids: [answer]}}]";
        let text = format!("version: 3\nmetadata: {{name: killed}}\n{agents}\n{task}\n");
        let file = plan(&scene, &text);
        scene.env.spawn_divisi(&scene.repo, &["batch", "run", &file]).wait(LONG).ok();
        let killed = status(&scene, "killed");
        wait_until(DEADLINE, "the repositories of cases are gone", || {
            // One that was killed behind the batch's end is followed by whoever asks next.
            scene.env.json(&scene.repo, &["list"]);
            grounds(&scene).is_empty()
        });
        let head = scene.env.json(&scene.repo, &["daemon", "status"])["head"].as_u64().expect("a number");
        let attempts = killed["runs"][0]["attempts"].as_array().map(Vec::len);
        ((verdicts(&killed), states(&killed), attempts), head)
    };
    let (expected, head) = play(None);
    assert_eq!(expected.0, ["gold answer passed resolved"]);
    assert!(head >= 15, "the batch has {head} events");
    for seq in (2..=head).step_by(3) {
        let (left, _) = play(Some(format!("after:{seq}")));
        assert_eq!(left, expected, "the daemon was killed after event {seq}");
    }
}

#[test]
fn an_agent_may_try_again_and_reads_what_the_tests_said() {
    let scene = Scene::new();
    let text = SUITE
        .replace("defaults:", "defaults:\n  max_iterations: 3")
        .replace("sh check.sh}", "'echo WRONG; sh check.sh'}");
    let text = text
        .replace("eval \"$SOLVE\"", "#!script\\nedit answer 43\\\\n\\nsay done")
        .replace("'#!", "\"#!")
        .replace("done'", "done\"");
    suite(&scene, &text);
    let plan_text = "version: 3\nmetadata: {name: again}\nagents: [{id: a, agent: scripted}]\n\
                     tasks: [{id: t, type: evaluation, dataset: mine, cases_dir: data, script_command: 'false', select: {ids: [answer]}}]\n";
    let file = plan(&scene, plan_text);
    scene.divisi(&["batch", "run", &file]).exits(4);
    let again = status(&scene, "again");
    assert_eq!(verdicts(&again), ["a answer failed unresolved"]);
    let attempt = &again["runs"][0]["attempts"][0];
    assert_eq!((&attempt["case"]["iterations"], &attempt["turns"]), (&json!(3), &json!(3)), "{again:#}");
    let name = scene.env.json(&scene.repo, &["list"])[0]["id"].as_str().expect("a session").to_owned();
    let log = scene.divisi(&["log", &name]).ok().stdout.clone();
    assert!(log.contains("WRONG"), "{log}");
    remove_all(&scene);
}
