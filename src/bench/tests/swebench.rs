//! Synthetic instances in SWE-bench's format, run and graded as real ones are.

use serde_json::{Value, json};

use super::*;

/// The script of an instance whose test file the reference's test patch brings.
fn script(base: &str, test_patch: &str, command: &str) -> String {
    let marker = "EOF_114329324912";
    format!(
        "#!/bin/bash\nset -uxo pipefail\nsource /opt/miniconda3/bin/activate\nconda activate testbed\ncd /testbed\n\
         git config --global --add safe.directory /testbed\ngit status\ngit -c core.fileMode=false diff {base}\n\
         git checkout {base} tests/check.sh\ngit apply -v - <<'{marker}'\n{test_patch}\n{marker}\n\
         : '>>>>> Start Test Output'\n{command}\n: '>>>>> End Test Output'\ngit checkout {base} tests/check.sh\n"
    )
}

/// Prints what pytest would, of two tests.
const CHECK: &str = "if [ \"$(cat answer)\" = 42 ]; then echo 'PASSED tests/x.py::answer'; else echo 'FAILED tests/x.py::answer - no'; fi\n\
                     if [ -e answer ]; then echo 'PASSED tests/x.py::there'; else echo 'FAILED tests/x.py::there - no'; fi\n\
                     [ \"$(cat answer)\" = 42 ]\n";

pub(super) struct Dataset {
    pub(super) place: Place,
    instance: Value,
}

impl Dataset {
    pub(super) fn new(command: &str) -> Self {
        let place = Place::new(ONE);
        let root = place.root.path();
        let repository = root.join("the repo 100%");
        // The test patch turns the placeholder into the real check.
        fs::write(repository.join("tests/check.sh"), CHECK).unwrap();
        git(&repository, &["add", "."]);
        let test_patch = git(&repository, &["diff", "--cached", &place.base, "--", "tests"]) + "\n";
        git(&repository, &["commit", "--quiet", "-m", "the tests"]);
        fs::create_dir(root.join("clones")).unwrap();
        fs::rename(&repository, root.join("clones/acme__anvil")).unwrap();
        let patch = fs::read_to_string(root.join("fix.patch")).unwrap();
        let instance = json!({
            "repo": "acme/anvil",
            "instance_id": "acme__anvil-1",
            "base_commit": place.base,
            "patch": patch,
            "test_patch": test_patch,
            "problem_statement": "The answer is wrong.",
            "hints_text": "",
            "created_at": "2020-01-01",
            "version": "1.0",
            "FAIL_TO_PASS": "[\"tests/x.py::answer\"]",
            "PASS_TO_PASS": "[\"tests/x.py::there\"]",
            "eval_script": script(&place.base, &test_patch, command),
            "log_parser": "parse_log_pytest",
            "eval_type": "pass_and_fail",
        });
        Self { place, instance }
    }

    pub(super) fn request(&self, contestant: Contestant) -> BenchRequest {
        let file = self.place.root.path().join("dataset.jsonl");
        fs::write(&file, format!("{}\n", self.instance)).unwrap();
        BenchRequest {
            suite: file,
            repositories: Some(self.place.root.path().join("clones")),
            directory: self.place.root.path().join(contestant.name()),
            ..self.place.request(contestant)
        }
    }

    fn validity(&self) -> Validity {
        validate(&self.request(Contestant::Null), &Plain, &|_| {}, &AtomicBool::new(false)).unwrap()[0].validity
    }
}

#[test]
fn an_instance_is_graded_by_its_log() {
    let dataset = Dataset::new("sh tests/check.sh");
    assert_eq!(dataset.validity(), Validity::Valid);
    for (number, (command, wanted)) in [
        ("echo 42 >answer", Outcome::Resolved),
        ("echo 43 >answer", Outcome::Unresolved),
        ("rm answer", Outcome::Unresolved),
        ("true", Outcome::EmptyPatch),
        // The tests are those of the instance, whatever became of them.
        ("echo 'echo PASSED tests/x.py::answer; echo PASSED tests/x.py::there' >tests/check.sh", Outcome::Unresolved),
    ]
    .into_iter()
    .enumerate()
    {
        let mut request = dataset.request(agent());
        request.directory = dataset.place.root.path().join(format!("run {number}"));
        assert_eq!(outcome(&Place::agent(&request, command)), &wanted, "{command}");
    }
}

#[test]
fn a_runner_that_is_missing_is_this_machines_fault() {
    let missing = Dataset::new("nosetests -v tests");
    for contestant in [Contestant::Null, Contestant::Gold] {
        let mut request = missing.request(contestant);
        request.retries.tries = 3;
        let nobody = Solver { solve: &|_| Err(Unsolved::Cancelled), leave: &|_| {} };
        let results = run(&request, nobody, &Plain, &|_| {}, &AtomicBool::new(false)).unwrap();
        let Outcome::Infrastructure(why) = outcome(&results) else { panic!("{results:?}") };
        assert!(
            why.starts_with("what runs the tests is missing here: ") && why.ends_with("nosetests: command not found")
        );
        // It is not here the next time either.
        assert_eq!(results[0].faults.len(), 0, "{results:?}");
    }
    // Who prints such a line to get rid of a verdict has it all the same.
    let printed = Dataset::new("cat answer");
    let results = Place::agent(&printed.request(agent()), "echo 'x: nosetests: command not found' >answer");
    assert_eq!(outcome(&results), &Outcome::NotGradable);
}

#[test]
fn a_log_that_contradicts_its_exit_code_is_not_believed() {
    let dataset = Dataset::new("echo 'PASSED tests/x.py::answer'; echo 'PASSED tests/x.py::there'; false");
    let results = Place::agent(&dataset.request(agent()), "echo 43 >answer");
    assert_eq!(outcome(&results), &Outcome::NotGradable);
}

#[test]
fn an_environment_is_made_for_every_checkout() {
    let dataset = Dataset::new("grep -q prepared \"$CASE_ROOT/made\" && [ \"$FLAG\" = up ] && sh tests/check.sh");
    let file = dataset.place.root.path().join("environments.yaml");
    let entry = "{repo: ACME/anvil, versions: ['1.0'], variables: {FLAG: up}, pre_install: ['echo prepared >>\"$CASE_ROOT/made\"']}";
    fs::write(&file, format!("version: 1\nenvironments:\n- {entry}\n")).unwrap();
    let mut request = dataset.request(agent());
    request.environments = Some(file);
    let results = Place::agent(&request, "echo 42 >answer");
    assert_eq!(outcome(&results), &Outcome::Resolved);
}

#[test]
fn what_an_instance_lacks_is_said() {
    let mut dataset = Dataset::new("true");
    let nobody = Solver { solve: &|_| Err(Unsolved::Cancelled), leave: &|_| {} };
    let go = |request: &BenchRequest| run(request, nobody, &Plain, &|_| {}, &AtomicBool::new(false));
    let mut request = dataset.request(Contestant::Null);
    request.repositories = None;
    assert!(go(&request).unwrap_err().message.contains("it is not said where they are"));
    request.repositories = Some("/nowhere".into());
    let results = go(&request).unwrap();
    assert!(matches!(outcome(&results), Outcome::Infrastructure(why) if why.contains("has no commit")), "{results:?}");
    dataset.instance["eval_script"] = Value::Null;
    assert!(go(&dataset.request(Contestant::Null)).unwrap_err().message.contains("has no eval_script"));
}
