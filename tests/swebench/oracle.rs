//! The official harness itself, asked about logs made to be awkward: `DIVISI_TEST_SWEBENCH_PYTHON` names one Python or more, with a
//! colon between them, each with swebench 5.0.2 or 4.1.0 installed (`pip install --no-deps swebench==5.0.2 python-dotenv tqdm`).

use std::path::PathBuf;

use divisi::eval::swebench::{Compat, Instance, Parser, Subject, grade, text};
use serde_json::{Value, json};

use super::pieces::{self, ALL, MARKS};
use crate::support::{OUTER_TIMEOUT, Running, TestEnv, skip};

const NAMED: &str = "DIVISI_TEST_SWEBENCH_PYTHON";

/// Awkward logs for each reader.
const LOGS: usize = 400;

struct Oracle {
    program: Running,
    compat: Compat,
    parsers: Vec<String>,
    _env: TestEnv,
}

impl Oracle {
    fn all(test: &str) -> Vec<Self> {
        let named = std::env::var(NAMED).unwrap_or_default();
        let pythons: Vec<_> = named.split(':').filter(|python| !python.is_empty()).collect();
        if pythons.is_empty() {
            skip::skip(test, &format!("{NAMED} names no Python with the official harness"));
        }
        pythons.into_iter().map(Self::start).collect()
    }

    fn start(python: &str) -> Self {
        let env = TestEnv::new();
        let mut command = env.command(python);
        command.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/swebench/oracle.py"));
        let mut program = Running::start(command);
        let hello: Value = serde_json::from_str(&program.line(OUTER_TIMEOUT)).expect("JSON");
        let compat = if hello["version"] == "4.1.0" { Compat::V4 } else { Compat::V5 };
        let parsers =
            hello["parsers"].as_array().expect("a list").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Self { program, compat, parsers, _env: env }
    }

    fn ask(&mut self, question: &Value) -> Value {
        self.program.write(&format!("{question}\n"));
        serde_json::from_str(&self.program.line(OUTER_TIMEOUT)).expect("JSON")
    }
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("64 bits") % end
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// A log of pieces that a reader may know, and of some that no reader does.
fn log(numbers: &mut Numbers, own: &[&str]) -> String {
    let mut log = String::new();
    for _ in 0..=numbers.below(40) {
        let piece = match numbers.below(8) {
            0 => numbers.one(ALL),
            1 => numbers.one(&["\n", "\n", " ", "\n    ", "  ", "\t"]),
            _ => numbers.one(own),
        };
        log.push_str(piece);
        // Nearly always whole lines, sometimes not.
        if numbers.below(5) > 0 && piece.len() > 6 && !piece.ends_with('\n') && !piece.ends_with(' ') {
            log.push('\n');
        }
    }
    log
}

fn list(statuses: &divisi::eval::swebench::StatusMap<'_>) -> Value {
    statuses.iter().map(|(test, status)| json!([test, status.as_str()])).collect()
}

#[test]
fn awkward_logs_are_read_as_the_harness_reads_them() {
    for mut oracle in Oracle::all("swebench::oracle::awkward_logs_are_read_as_the_harness_reads_them") {
        let (mut differences, mut told, mut raised) = (Vec::new(), 0, 0);
        for parser in Parser::all() {
            if !oracle.parsers.iter().any(|name| name == parser.name) {
                assert_eq!(oracle.compat, Compat::V4, "{} is unknown to v5", parser.name);
                continue;
            }
            let own = pieces::of(parser.name);
            assert!(!own.is_empty(), "there are no pieces for {}", parser.name);
            let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ parser.name.len() as u64);
            for round in 0..LOGS {
                let log = log(&mut numbers, &own);
                let instance_id = ["a-b-2005", "a-2006", "x-9141", "jekyll__jekyll-8761", "none"][round % 5];
                let version = ["1.27", "9.5", "3.1", "2.4", "x"][round % 5];
                let subject = Subject { instance_id, version, compat: oracle.compat };
                let question =
                    json!({ "parser": parser.name, "log": log, "instance_id": instance_id, "version": version });
                let answer = oracle.ask(&question);
                let ours = parser.read(&log, &subject);
                let same = match &ours {
                    Ok(map) => list(map) == answer["statuses"],
                    Err(_) => answer["raised"].is_string(),
                };
                told += ours.as_ref().map_or(0, divisi::eval::swebench::StatusMap::len);
                raised += usize::from(ours.is_err());
                if !same && differences.len() < 12 {
                    let ours = ours.map_or_else(|fault| fault.to_string(), |map| list(&map).to_string());
                    let asked = format!("{} ({instance_id}, {version})\nlog: {log:?}", parser.name);
                    differences.push(format!("{asked}\nharness: {answer}\nours: {ours}"));
                }
            }
        }
        assert!(told > 20_000 && raised > 100, "the logs say little: {told} tests, {raised} exceptions");
        assert!(differences.is_empty(), "{:?}:\n{}", oracle.compat, differences.join("\n\n"));
    }
}

#[test]
fn awkward_runs_are_graded_as_the_harness_grades_them() {
    for mut oracle in Oracle::all("swebench::oracle::awkward_runs_are_graded_as_the_harness_grades_them") {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("test_output.txt");
        let mut numbers = Numbers(0x1234_5678_9abc_def1);
        let (mut resolved, mut gradable) = (0, 0);
        for round in 0..3000 {
            let (repo, parser, version) = [
                ("pytest-dev/pytest", "parse_log_pytest", "7.0"),
                ("astropy/astropy", "parse_log_pytest_v2", "4.3"),
                ("chartjs/Chart.js", "parse_log_chart_js", "4.0"),
                ("psf/requests", "parse_log_pytest_options", "2.3"),
            ][round % 4];
            let mut log = String::new();
            for piece in 0..=numbers.below(14) {
                let marks = if piece == 1 && round % 3 > 0 { &[">>>>> Start Test Output\n"] } else { MARKS };
                log.push_str(numbers.one(marks));
            }
            log.push_str(if round % 3 == 1 { ">>>>> End Test Output\n" } else { "" });
            std::fs::write(&path, &log).expect("the log");
            let cases = ["t.py::a", "t.py::b", "t.py::c[x]", "t.py::c[", "t.py::d[1", "Chart > a ", "t.py::e[/x]"];
            let mut some =
                || (0..numbers.below(4)).map(|_| cases[numbers.below(cases.len())].to_owned()).collect::<Vec<_>>();
            let eval_type = if repo.starts_with("chart") { "fail_only" } else { "pass_and_fail" };
            let instance = Instance {
                instance_id: "x__x-1".to_owned(),
                repo: repo.to_owned(),
                version: version.to_owned(),
                fail_to_pass: some(),
                pass_to_pass: some(),
                log_parser: Some(parser.to_owned()),
                eval_type: Some(eval_type.to_owned()),
                ..Instance::default()
            };
            let row = json!({
                "instance_id": "x__x-1", "repo": repo, "version": version, "log_parser": parser, "eval_type": eval_type,
                "FAIL_TO_PASS": instance.fail_to_pass, "PASS_TO_PASS": instance.pass_to_pass,
            });
            let answer = oracle.ask(&json!({ "instance": row, "path": path }));
            let log = text(log.as_bytes()).into_owned();
            let graded = grade(&instance, Some("x"), &log, oracle.compat).expect("no fault");
            let context = || format!("{:?}\n{row}\nlog: {log:?}\nharness: {answer}", oracle.compat);
            assert_eq!(answer["report"].as_str(), Some(&*graded.report.file("x__x-1")), "{}", context());
            assert_eq!(answer["statuses"], list(&graded.statuses), "{}", context());
            resolved += usize::from(graded.report.resolved);
            gradable += usize::from(graded.report.patch_successfully_applied);
        }
        assert!(resolved > 100 && gradable > 500, "the logs say little: {resolved} of {gradable}");
    }
}
