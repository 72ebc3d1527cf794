//! Grading: what a verdict on a recorded log costs, reading the file and writing the report included; the yardstick is the official
//! harness on the same logs. The logs are where `DIVISI_TEST_SWEBENCH` says or beside the checkout; the harness is installed by its
//! package's name, or `DIVISI_TEST_SWEBENCH_PYTHON` names a Python that has it.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use divisi::eval::swebench::{Compat, Dataset, Format, Instance, grade, text};
use serde_json::{Value, json};

use crate::{Measure, directory, median, scaled};

const ROUNDS: usize = 5;
const DATASETS: [&str; 3] = ["SWE-bench_Lite.test", "SWE-bench_Lite.dev", "SWE-bench_Verified.test"];

/// A log and what it is graded by.
struct Case {
    instance: Instance,
    path: PathBuf,
}

/// One log, on one processor.
pub(crate) fn grading() -> Vec<Measure> {
    let named = std::env::var_os("DIVISI_TEST_SWEBENCH").filter(|path| !path.is_empty()).map(PathBuf::from);
    let data = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/swebench"));
    if !data.is_dir() {
        return vec![skipped("grading a log: there are no recorded logs, and DIVISI_TEST_SWEBENCH names none")];
    }
    let home = directory();
    let cases = unpack(&data, home.path());
    let mut took: Vec<Duration> = (0..scaled(ROUNDS)).map(|_| ours(&cases)).collect();
    let each = median(&mut took) / u32::try_from(cases.len()).expect("a small number");
    let what = |who: &str| format!("a log graded by {who}, mean of {}", cases.len());
    let micros = |duration: Duration| format!("{:.3} ms", duration.as_secs_f64() * 1000.0);
    let (yardstick, ratio) = match theirs(&cases, home.path()) {
        Ok(total) => {
            let theirs = total / u32::try_from(cases.len()).expect("a small number");
            let measure = Measure {
                what: what("the harness"),
                median: micros(theirs),
                ratio: String::new(),
                goal: String::new(),
            };
            (measure, format!("{:.4}", each.as_secs_f64() / theirs.as_secs_f64()))
        }
        Err(why) => (skipped(&format!("the harness: {why}")), String::new()),
    };
    vec![yardstick, Measure { what: what("divisi"), median: micros(each), ratio, goal: "0.05".to_owned() }]
}

fn skipped(what: &str) -> Measure {
    Measure { what: what.to_owned(), median: "skipped".to_owned(), ratio: String::new(), goal: String::new() }
}

fn unpack(data: &Path, into: &Path) -> Vec<Case> {
    let mut instances = HashMap::new();
    for name in DATASETS {
        let output =
            Command::new("xz").arg("-dc").arg(data.join(format!("{name}.jsonl.xz"))).output().expect("xz runs");
        for instance in Dataset::read(&output.stdout, Format::JsonLines).expect("a dataset").instances {
            instances.entry(instance.instance_id.clone()).or_insert(instance);
        }
    }
    let unpacked =
        Command::new("tar").arg("-xJf").arg(data.join("logs.tar.xz")).arg("-C").arg(into).status().expect("tar runs");
    assert!(unpacked.success(), "the logs are not unpacked");
    let folders = |path: &Path| {
        std::fs::read_dir(path).expect("a folder").flatten().map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let mut cases: Vec<Case> = folders(into)
        .into_iter()
        .flat_map(|run| folders(&run))
        .filter_map(|case| {
            let id = case.file_name()?.to_str()?.to_owned();
            Some(Case { instance: instances.get(&id)?.clone(), path: case.join("test_output.txt") })
        })
        .collect();
    cases.sort_by(|a, b| a.path.cmp(&b.path));
    cases
}

fn ours(cases: &[Case]) -> Duration {
    let began = Instant::now();
    let mut written = 0;
    for Case { instance, path } in cases {
        let bytes = std::fs::read(path).expect("a log");
        let log = text(&bytes);
        let graded = grade(instance, Some("x"), &log, Compat::V5).expect("a verdict");
        written += graded.report.file(&instance.instance_id).len();
    }
    assert!(written > 0, "nothing was graded");
    began.elapsed()
}

/// The processor time of the harness, or why it cannot be had.
fn theirs(cases: &[Case], home: &Path) -> Result<Duration, String> {
    let python = match std::env::var("DIVISI_TEST_SWEBENCH_PYTHON") {
        Ok(named) if !named.is_empty() => named.split(':').next().map(PathBuf::from).ok_or("no Python is named")?,
        _ => install(&home.join("harness"))?,
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/swebench/oracle.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("it does not start: {error}"))?;
    let timed: Vec<Value> =
        cases.iter().map(|case| json!({ "instance": row(&case.instance), "path": case.path })).collect();
    let mut stdin = child.stdin.take().ok_or("it has no input")?;
    writeln!(stdin, "{}", json!({ "timed": timed })).map_err(|error| format!("it does not listen: {error}"))?;
    drop(stdin);
    let answer = BufReader::new(child.stdout.take().ok_or("it has no output")?).lines().nth(1);
    child.wait().map_err(|error| error.to_string())?;
    let answer = answer.and_then(Result::ok).ok_or("it says nothing")?;
    let answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
    answer["seconds"].as_f64().map(Duration::from_secs_f64).ok_or_else(|| answer.to_string())
}

fn row(instance: &Instance) -> Value {
    json!({
        "instance_id": instance.instance_id, "repo": instance.repo, "version": instance.version, "log_parser": instance.log_parser,
        "eval_type": instance.eval_type, "FAIL_TO_PASS": instance.fail_to_pass, "PASS_TO_PASS": instance.pass_to_pass,
    })
}

fn install(into: &Path) -> Result<PathBuf, String> {
    let run = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .output()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let last = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
        if output.status.success() { Ok(()) } else { Err(format!("it cannot be installed: {last}")) }
    };
    run(Path::new("python3"), &["-m", "venv", &into.to_string_lossy()])?;
    let python = into.join("bin/python");
    run(&python, &["-m", "pip", "install", "--quiet", "--no-deps", "swebench==5.0.2", "python-dotenv", "tqdm"])?;
    Ok(python)
}
