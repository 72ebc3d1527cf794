//! Benches: `cargo bench --bench bench -- [NAME...]` prints a Markdown table of medians, each with its ratio to a yardstick that was
//! measured in the same run. Without names all run. `DIVISI_BENCH_DIR` is where the files are made (a real disk), by default the
//! system's directory for temporary files; [`size`] and [`scaled`] say what makes them larger.

mod batch;
mod create;
mod editor;
mod grade;
mod idle;
mod latency;
mod lsp;
mod many;
mod nvim;
mod overhead;
mod scene;
mod start;
mod store;
#[path = "../support/wait.rs"]
#[expect(dead_code, reason = "tests wait for more than benches do")]
mod wait;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// One line of the table.
struct Measure {
    /// What was measured.
    what: String,
    /// The median, with its unit.
    median: String,
    /// The yardstick and the ratio to it; empty for the yardstick itself.
    ratio: String,
    /// The goal, when there is one.
    goal: String,
}

/// A bench: a name to call it by, and what it does.
type Bench = (&'static str, fn() -> Vec<Measure>);

const BENCHES: &[Bench] = &[
    ("create", create::creation),
    ("batch", batch::batches),
    ("latency", latency::streaming),
    ("sixteen", overhead::sixteen),
    ("idle", idle::idleness),
    ("start", start::starting),
    ("size", idle::sizes),
    ("store", store::throughput),
    ("store-open", store::opening),
    ("nvim-attach", nvim::attach),
    ("nvim-thousand", many::listing),
    ("nvim-startup", editor::startup),
    ("nvim-keys", editor::latency),
    ("lsp", lsp::serving),
    ("grade", grade::grading),
];

fn main() -> std::process::ExitCode {
    if std::env::args().nth(1).as_deref() == Some(latency::AS_AGENT) {
        latency::play_agent();
        return std::process::ExitCode::SUCCESS;
    }
    if std::env::args().nth(1).as_deref() == Some(lsp::AS_SERVER) {
        lsp::play_server(std::env::args().nth(2).as_deref());
        return std::process::ExitCode::SUCCESS;
    }
    // Cargo passes `--bench`; everything else that looks like an option is refused.
    let names: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let known = |name: &String| BENCHES.iter().any(|(bench, _)| bench == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        say(&format!("unknown bench {unknown:?}; there are: {}", all.join(", ")));
        return std::process::ExitCode::from(2);
    }
    say("| bench | measured | median | ratio | goal |\n|---|---|---|---|---|");
    for (name, run) in BENCHES {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            for Measure { what, median, ratio, goal } in run() {
                say(&format!("| {name} | {what} | {median} | {ratio} | {goal} |"));
            }
        }
    }
    std::process::ExitCode::SUCCESS
}

fn say(line: &str) {
    // A closed pipe ends the table, nothing else.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A directory for a bench's files, deleted at the end.
fn directory() -> tempfile::TempDir {
    let parent = std::env::var_os("DIVISI_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    tempfile::Builder::new().prefix("divisi-bench").tempdir_in(parent).expect("the bench directory can be written")
}

/// How long something took.
fn timed<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let begin = Instant::now();
    let result = run();
    (begin.elapsed(), result)
}

/// The median of some values.
fn median<T: Ord + Copy>(values: &mut [T]) -> T {
    percentile(values, 50)
}

/// A percentile of some values.
fn percentile<T: Ord + Copy>(values: &mut [T], percent: usize) -> T {
    values.sort_unstable();
    values[(values.len() * percent / 100).min(values.len() - 1)]
}

/// A duration in milliseconds, three significant places.
fn millis(duration: Duration) -> String {
    format!("{:.3} ms", duration.as_secs_f64() * 1000.0)
}

/// KiB as MiB.
fn kib(kib: u64) -> String {
    format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024)
}

/// A size that a variable can change: `DIVISI_BENCH_FILES` (of the largest repository), `DIVISI_BENCH_SESSIONS` (that an idle daemon
/// knows), `DIVISI_BENCH_EVENTS` (at a start).
fn size(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A number of repetitions, times `DIVISI_BENCH_ROUNDS`.
fn scaled(rounds: usize) -> usize {
    rounds * size("DIVISI_BENCH_ROUNDS", 1).max(1)
}
