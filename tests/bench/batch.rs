//! What a batch adds to its runs: many shell runs through `divisi batch run`, against `xargs -P` doing the same worktree, command, commit
//! and removal with git, in the same repository size and the same run of the bench. And a report of them.

use std::fmt::Write as _;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::Measure;
use super::scene::{DIVISI, Scene};

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

/// A thousand runs, and their report.
pub(super) fn batches() -> Vec<Measure> {
    let runs = super::size("DIVISI_BENCH_RUNS", RUNS);
    let scene = Scene::new();
    let repository = scene.repository("r", 10);
    let by_hand = xargs(&scene, &repository.display().to_string(), runs);
    // As many repetitions as one task may have, in as many tasks as it takes.
    let tasks = runs.div_ceil(100);
    let mut plan = format!(
        "version: 3\nmetadata: {{name: bench}}\nexecution: {{concurrency: {AT_ONCE}, keep: none, max_load_percent: 100000}}\nagents: [{{id: sh, agent: shell}}]\ntasks:\n"
    );
    for task in 0..tasks {
        let repeat = (runs - task * 100).min(100);
        let _ = writeln!(
            plan,
            "  - {{id: t{task}, prompts: [\"echo made > made.txt\"], repositories: [r], repeat: {repeat}}}"
        );
    }
    let file = scene.path("plan.yaml");
    fs::write(&file, plan).expect("the bench directory can be written");
    let daemon = scene.daemon();
    let before = super::scene::memory(daemon.pid(), &["Rss"]);
    let began = Instant::now();
    let status = scene
        .command(DIVISI)
        .args(["batch", "run"])
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("divisi runs");
    let ours = began.elapsed();
    assert!(status.success(), "every run passed");
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
    let each = |whole: Duration| {
        format!("{:.1} ms", whole.as_secs_f64() * 1_000.0 / f64::from(u32::try_from(runs).unwrap_or(u32::MAX)))
    };
    let ratio = format!("{:.2} x xargs", ours.as_secs_f64() / by_hand.as_secs_f64());
    vec![
        Measure {
            what: format!("a run by xargs and git, {runs} runs, {AT_ONCE} at once"),
            median: each(by_hand),
            ratio: String::new(),
            goal: String::new(),
        },
        Measure { what: "the same run in a batch".to_owned(), median: each(ours), ratio, goal: "1.15 x".to_owned() },
        Measure {
            what: format!("memory the daemon keeps after {runs} runs"),
            median: super::kib(after.saturating_sub(before)),
            ratio: String::new(),
            goal: String::new(),
        },
        Measure {
            what: format!("report of {runs} runs as one page, {} kB", size / 1_000),
            median: format!("{} ms", report.as_millis()),
            ratio: String::new(),
            goal: "2000 ms, 5000 kB".to_owned(),
        },
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
