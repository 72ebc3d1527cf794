//! What a batch adds to its runs: many shell runs through `divisi batch run`, against `xargs -P` doing the same worktree, command, commit
//! and removal with git, half of it before and half after, each in a repository of its own that begins with the same. And a report of them.

use std::fmt::Write as _;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use super::Measure;
use super::scene::{DIVISI, Daemon, Scene};
use super::wait::wait_until;

/// Runs, unless `DIVISI_BENCH_RUNS` says otherwise.
const RUNS: usize = 1_000;
/// Between two measurements: ext4 looks at every inode that was deleted in the last five seconds before it gives one out, so that whoever
/// comes next would pay for the files that were removed before.
const REST: Duration = Duration::from_secs(6);
/// At the same time.
const AT_ONCE: usize = 4;

const SCRIPT: &str = r#"set -e
git worktree add --quiet -b "x/$1" "../by-hand/$1" HEAD
cd "../by-hand/$1"
sh -c 'echo made > made.txt'
git add --all
git commit --quiet --message made
cd ../../hand
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

fn rest() {
    let began = Instant::now();
    wait_until(REST * 2, "some time has gone by", || began.elapsed() >= REST);
}

/// Some runs, then all of them, in the same daemon, and their report.
pub(super) fn batches() -> Vec<Measure> {
    let runs = super::size("DIVISI_BENCH_RUNS", RUNS);
    let scene = Scene::new();
    scene.repository("r", 10);
    let other = scene.repository("hand", 10);
    let first = xargs(&scene, &other, 1..=runs / 2);
    let daemon = scene.daemon();
    let before = super::scene::memory(daemon.pid(), &["Rss"]);
    // Enough to fill what remembers a fixed number of things, the last 4,096 events above all.
    let few = runs.min(500);
    carry_out(&scene, &plan(&scene, "few", few));
    let after_few = super::scene::memory(daemon.pid(), &["Rss"]);
    let gits = processes(&daemon);
    rest();
    let ours = carry_out(&scene, &plan(&scene, "bench", runs));
    let gits = processes(&daemon) - gits;
    let after = super::scene::memory(daemon.pid(), &["Rss"]);
    rest();
    let by_hand = first + xargs(&scene, &other, runs / 2 + 1..=runs);
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

fn xargs(scene: &Scene, repository: &Path, runs: RangeInclusive<usize>) -> Duration {
    let script = scene.path("by-hand.sh");
    fs::write(&script, SCRIPT).expect("the bench directory can be written");
    fs::create_dir_all(scene.path("by-hand")).expect("the bench directory can be written");
    let began = Instant::now();
    // Worktrees that git makes at the same time get into each other's way now and then: those are made again, as a person would.
    let line = format!(
        "seq {1} {2} | xargs -P {AT_ONCE} -I @ sh -c 'sh {0} @ 2>/dev/null || sh {0} @b 2>/dev/null || sh {0} @c'",
        script.display(),
        runs.start(),
        runs.end(),
    );
    let status = scene.command("sh").args(["-c", &line]).current_dir(repository).status().expect("sh runs");
    let took = began.elapsed();
    assert!(status.success(), "xargs did all of it");
    took
}
