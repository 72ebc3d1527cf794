//! What a batch adds to its runs: many shell runs through `divisi batch run`, against `xargs -P` doing the same worktree, command, commit
//! and removal with git, in the same repository size and the same run of the bench. And a report of them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use super::Measure;
use super::scene::{DIVISI, Daemon, Scene};

/// Runs, unless `DIVISI_BENCH_RUNS` says otherwise.
const RUNS: usize = 1_000;
/// At the same time.
const AT_ONCE: usize = 4;

const SCRIPT: &str = r#"set -e
git worktree add --quiet -b "x/$1" "../by-hand/$1" HEAD
cd "../by-hand/$1"
sh -c 'echo made > made.txt'
git add --all
git commit --quiet --message made
cd ../../r
git worktree remove "../by-hand/$1"
"#;

/// A plan of so many runs: as many repetitions as one task may have, in as many tasks as it takes.
fn plan(scene: &Scene, name: &str, runs: usize) -> PathBuf {
    let mut plan = format!(
        "version: 3\nmetadata: {{name: {name}}}\nexecution: {{concurrency: {AT_ONCE}, keep: none, max_load_percent: 100000}}\nagents: [{{id: sh, agent: shell}}]\ntasks:\n"
    );
    for task in 0..runs.div_ceil(100) {
        let repeat = (runs - task * 100).min(100);
        let _ = writeln!(
            plan,
            "  - {{id: t{task}, prompts: [\"echo made > made.txt\"], repositories: [r], repeat: {repeat}}}"
        );
    }
    let file = scene.path(&format!("{name}.yaml"));
    fs::write(&file, plan).expect("the bench directory can be written");
    file
}

/// Carries a plan out; how long it took.
fn carry_out(scene: &Scene, plan: &Path) -> Duration {
    let began = Instant::now();
    let status = scene
        .command(DIVISI)
        .args(["batch", "run"])
        .arg(plan)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("divisi runs");
    let took = began.elapsed();
    assert!(status.success(), "every run passed");
    took
}

/// Git processes that the daemon has started so far.
fn processes(daemon: &Daemon) -> u64 {
    daemon.connect().call("daemon/status", &json!({}))["git_processes"].as_u64().expect("a number")
}

/// A tenth of the runs, then all of them, in the same daemon, and their report.
pub(super) fn batches() -> Vec<Measure> {
    let runs = super::size("DIVISI_BENCH_RUNS", RUNS);
    let scene = Scene::new();
    let repository = scene.repository("r", 10);
    let by_hand = xargs(&scene, &repository.display().to_string(), runs);
    let daemon = scene.daemon();
    let before = super::scene::memory(daemon.pid(), &["Rss"]);
    let few = (runs / 10).max(1);
    carry_out(&scene, &plan(&scene, "few", few));
    let after_few = super::scene::memory(daemon.pid(), &["Rss"]);
    let gits = processes(&daemon);
    let ours = carry_out(&scene, &plan(&scene, "bench", runs));
    let gits = processes(&daemon) - gits;
    let after = super::scene::memory(daemon.pid(), &["Rss"]);
    let page = scene.path("report.html");
    let began = Instant::now();
    let status = scene
        .command(DIVISI)
        .args(["batch", "export", "bench", "--format", "html", "--out"])
        .arg(&page)
        .stdout(Stdio::null())
        .status()
        .expect("divisi runs");
    let report = began.elapsed();
    assert!(status.success(), "the report was written");
    let size = fs::metadata(&page).map_or(0, |page| page.len());
    daemon.stop();
    let count = f64::from(u32::try_from(runs).unwrap_or(u32::MAX));
    let each = |whole: Duration| format!("{:.1} ms", whole.as_secs_f64() * 1_000.0 / count);
    let ratio = format!("{:.2} x xargs", ours.as_secs_f64() / by_hand.as_secs_f64());
    let measure = |what: String, median: String, ratio: &str, goal: &str| Measure {
        what,
        median,
        ratio: ratio.to_owned(),
        goal: goal.to_owned(),
    };
    let per_run = f64::from(u32::try_from(gits).unwrap_or(u32::MAX)) / count;
    let more = after.saturating_sub(after_few);
    vec![
        measure(format!("a run by xargs and git, {runs} runs, {AT_ONCE} at once"), each(by_hand), "", ""),
        measure("the same run in a batch".to_owned(), each(ours), &ratio, "1.15 x"),
        measure("git processes of one run".to_owned(), format!("{per_run:.1}"), "", ""),
        measure(
            format!("memory of the daemon after {few} runs (before: {})", super::kib(before)),
            super::kib(after_few),
            "",
            "",
        ),
        measure(
            format!("what it has grown by after {runs} more"),
            super::kib(more),
            &format!("{} bytes a run", more * 1_024 / u64::try_from(runs).unwrap_or(u64::MAX)),
            "flat",
        ),
        measure(
            format!("report of {runs} runs as one page, {} kB", size / 1_000),
            format!("{} ms", report.as_millis()),
            "",
            "2000 ms, 5000 kB",
        ),
    ]
}

fn xargs(scene: &Scene, repository: &str, runs: usize) -> Duration {
    let script = scene.path("by-hand.sh");
    fs::write(&script, SCRIPT).expect("the bench directory can be written");
    fs::create_dir_all(scene.path("by-hand")).expect("the bench directory can be written");
    let began = Instant::now();
    // Worktrees that git makes at the same time get into each other's way now and then: those are made again, as a person would.
    let line = format!(
        "seq {runs} | xargs -P {AT_ONCE} -I @ sh -c 'sh {0} @ 2>/dev/null || sh {0} @b 2>/dev/null || sh {0} @c'",
        script.display()
    );
    let status = scene.command("sh").args(["-c", &line]).current_dir(repository).status().expect("sh runs");
    let took = began.elapsed();
    assert!(status.success(), "xargs did all of it");
    took
}
