//! Environments and what is tried again, in whole runs.

use super::swebench::Dataset;
use super::*;
use crate::model::bench_environment::EnvironmentRecord;

/// A run of nobody's, with this entry of an environment.
fn run_with(dataset: &Dataset, entry: &str, change: impl FnOnce(&mut BenchRequest)) -> (Vec<Attempted>, BenchRequest) {
    let file = dataset.place.root.path().join("environments.yaml");
    fs::write(&file, format!("version: 1\nenvironments:\n- {{repo: acme/anvil, {entry}}}\n")).unwrap();
    let mut request = dataset.request(Contestant::Null);
    request.environments = Some(file);
    change(&mut request);
    let nobody = Solver { solve: &|_| Err(Unsolved::Cancelled), leave: &|_| {} };
    let results = run(&request, nobody, &Plain, &|_| {}, &AtomicBool::new(false)).unwrap();
    (results, request)
}

#[test]
fn a_case_that_spoils_its_environment_does_not_reach_the_next() {
    // Each attempt looks at what is there, and spoils it.
    let spoil = "cat packages/thing && echo spoiled >packages/thing; sh tests/check.sh";
    let dataset = Dataset::new(spoil);
    let log = dataset.place.root.path().join("log");
    let install = format!(
        "install: ['echo made >>{log}; mkdir packages; cat answer; echo pure >packages/thing'], reads: [answer], makes: [packages]",
        log = log.display()
    );
    let (results, request) = run_with(&dataset, &install, |request| (request.attempts, request.concurrency) = (4, 2));
    assert_eq!(results.len(), 4);
    for result in &results {
        assert_eq!(result.outcome, Outcome::Unresolved, "{result:?}");
        let said = fs::read_to_string(request.directory.join(&result.artefacts).join("test_output.txt")).unwrap();
        assert!(said.contains("\npure\n") && !said.contains("\nspoiled\n"), "{said}");
        assert_eq!(fs::read(request.directory.join(&result.artefacts).join("patch.diff")).unwrap(), b"");
    }
    assert_eq!(fs::read_to_string(&log).unwrap(), "made\n");
    // What it was is in the run's directory.
    let id = results[0].environment.clone().unwrap();
    assert!(results.iter().all(|result| result.environment.as_ref() == Some(&id)));
    let record = fs::read(request.directory.join(format!("environments/{id}.json"))).unwrap();
    let record: EnvironmentRecord = serde_json::from_slice(&record).unwrap();
    assert_eq!((record.id(), record.name.as_str()), (id, "acme/anvil 1.0"));
    assert_eq!(record.reads[0].0, "answer");
}

#[test]
fn what_fails_here_is_tried_again_within_the_run() {
    let dataset = Dataset::new("sh tests/check.sh");
    let count = dataset.place.root.path().join("count");
    let setup = |rest: &str| format!("pre_install: ['echo x >>{}; {rest}']", count.display());
    let tries = || {
        let counted = fs::read_to_string(&count).unwrap_or_default().lines().count();
        fs::write(&count, "").unwrap();
        counted
    };
    let fails_once = setup(&format!("[ $(wc -l <{}) -gt 1 ] || {{ echo no network; exit 7; }}", count.display()));
    let (results, _) = run_with(&dataset, &fails_once, |request| request.directory.push("once"));
    assert_eq!((outcome(&results), tries()), (&Outcome::Unresolved, 2));
    assert_eq!(results[0].faults, ["the setup ended with code 7: no network"]);

    let fails = setup("echo no network; exit 7");
    let (results, _) = run_with(&dataset, &fails, |request| request.directory.push("always"));
    let Outcome::Infrastructure(why) = outcome(&results) else { panic!("{results:?}") };
    let log = "cases/acme__anvil-1/null/1/preparation.txt";
    let told = format!("the setup ended with code 7: no network (tried 3 times) (all of it: {log})");
    assert_eq!((why, tries()), (&told, 3));

    let (results, _) = run_with(&dataset, &fails, |request| {
        request.directory.push("not at all");
        request.retries.tries = 1;
    });
    let Outcome::Infrastructure(why) = outcome(&results) else { panic!("{results:?}") };
    assert_eq!((why, tries()), (&format!("the setup ended with code 7: no network (all of it: {log})"), 1));
    // Of a long output the line that tells it, and all of it beside the results.
    let wordy = setup("echo begin; echo error: no such package; seq 99; echo a hint; exit 7");
    let (results, request) = run_with(&dataset, &wordy, |request| {
        request.directory.push("long");
        request.retries.tries = 1;
    });
    let Outcome::Infrastructure(why) = outcome(&results) else { panic!("{results:?}") };
    assert!(why.starts_with("the setup ended with code 7: error: no such package ("), "{why}");
    let said = fs::read_to_string(request.directory.join(log)).unwrap();
    assert!(said.starts_with("begin\n") && said.ends_with("a hint\n"), "{said}");
}

#[test]
fn what_is_slow_and_fails_is_not_tried_for_longer_than_a_run_may() {
    let dataset = Dataset::new("sh tests/check.sh");
    let count = dataset.place.root.path().join("count");
    let slow = format!("pre_install: ['echo x >>{}; sleep 0.4; exit 7']", count.display());
    let (results, _) = run_with(&dataset, &slow, |request| {
        request.attempts = 4;
        request.retries = Retries { tries: 100, total_sec: 1, pause_ms: 0 };
    });
    assert!(results.iter().all(|result| !result.outcome.counts()), "{results:?}");
    let tries = fs::read_to_string(&count).unwrap().lines().count();
    // Each once, and what fits into a second for all of them together.
    assert!((4..=6).contains(&tries), "{tries}");
}

#[test]
fn a_verdict_is_never_tried_again_and_neither_is_what_cannot_change() {
    let place = Place::new(concat!(
        "  - {id: one, prompt: p, script_command: 'echo x >>\"$COUNT\"; exit 1'}\n",
        "  - {id: two, prompt: p, base: nowhere}\n",
    ));
    let count = place.root.path().join("count");
    let mut request = place.request(Contestant::Null);
    request.environment = vec![("COUNT".to_owned(), count.display().to_string())];
    let again = Mutex::new(Vec::new());
    let tell = |progress: Progress| {
        if let Progress::Again { case, .. } = progress {
            again.lock().unwrap().push(case);
        }
    };
    let nobody = Solver { solve: &|_| Err(Unsolved::Cancelled), leave: &|_| {} };
    let results = run(&request, nobody, &Plain, &tell, &AtomicBool::new(false)).unwrap();
    let of = |case: &str| &results.iter().find(|result| result.case == case).unwrap().outcome;
    assert_eq!(of("one"), &Outcome::Unresolved);
    assert!(matches!(of("two"), Outcome::Infrastructure(why) if why.ends_with("no commit nowhere")));
    assert_eq!(fs::read_to_string(&count).unwrap(), "x\n");
    assert!(again.into_inner().unwrap().is_empty());
}

#[test]
fn an_agent_that_could_not_work_begins_again_in_a_fresh_checkout() {
    let place = Place::new("  - {id: one, prompt: p, follow_ups: [more]}\n");
    let mut request = place.request(agent());
    request.allowance = Allowance { micros: Some(1000), tokens: None };
    let turns = Mutex::new(Vec::new());
    let left = Mutex::new(Vec::new());
    let solve = |task: &Task| {
        let mut turns = turns.lock().unwrap();
        turns.push((task.prompt.clone(), task.session.clone(), task.repository.join("trace").exists()));
        let cost = Usage { cost_micros: Some(100), output: 10, ..Usage::default() };
        task.meter.note(&task.meter_key, &cost);
        fs::write(task.repository.join("trace"), "").unwrap();
        if turns.len() == 2 {
            return Err(Unsolved::Infrastructure("the daemon is gone".to_owned()));
        }
        fs::write(task.repository.join("answer"), "42\n").unwrap();
        let session = format!("s{}", turns.len());
        let session = task.session.clone().unwrap_or(session);
        Ok(Solved { files: task.repository.clone(), session, usage: cost, tools: BTreeMap::new() })
    };
    let leave = |session: &str| left.lock().unwrap().push(session.to_owned());
    let results =
        run(&request, Solver { solve: &solve, leave: &leave }, &Plain, &|_| {}, &AtomicBool::new(false)).unwrap();
    assert_eq!(outcome(&results), &Outcome::Resolved);
    let turns = turns.into_inner().unwrap();
    let turn = |prompt: &str, session: Option<&str>, trace| (prompt.to_owned(), session.map(str::to_owned), trace);
    assert_eq!(
        turns,
        [
            turn("p", None, false),
            turn("more", Some("s1"), true),
            turn("p", None, false),
            turn("more", Some("s3"), true)
        ]
    );
    assert_eq!(left.into_inner().unwrap(), ["s1", "s3"]);
    assert_eq!(results[0].faults, ["the daemon is gone"]);
    let usage = results[0].usage.as_ref().unwrap();
    assert_eq!((usage.cost_micros, usage.output), (Some(200), 20), "what the first session used counts");
}

#[test]
fn tests_that_fail_here_are_tried_again_with_the_same_patch() {
    // The first time the tests cannot begin.
    let place = Place::new("  - {id: one, prompt: p, setup: 'echo x >>\"$COUNT\"; [ $(wc -l <\"$COUNT\") != 2 ]'}\n");
    let mut request = place.request(agent());
    request.environment = vec![("COUNT".to_owned(), place.root.path().join("count").display().to_string())];
    let turns = Mutex::new(0);
    let results = Place::turns(&request, |task| {
        *turns.lock().unwrap() += 1;
        fs::write(task.repository.join("answer"), "42\n").unwrap();
        Ok(())
    });
    assert_eq!(outcome(&results), &Outcome::Resolved);
    assert_eq!((turns.into_inner().unwrap(), results[0].faults.len()), (1, 1), "{results:?}");
}

#[test]
fn a_patch_that_does_not_fit_the_tests_checkout_is_told_apart() {
    // What the setup makes is another thing in each checkout.
    let place = Place::new("  - {id: one, prompt: p, setup: 'echo \"$CASE_ROOT\" >generated'}\n");
    let results = Place::agent(&place.request(agent()), "echo mine >generated; echo 42 >answer");
    assert!(matches!(outcome(&results), Outcome::ApplyFailed(why) if why.contains("generated")), "{results:?}");
    assert!(results[0].faults.is_empty() && results[0].counts());
}

#[test]
fn cases_of_a_suite_share_what_they_need_and_each_has_its_own_copy() {
    let place = Place::new(concat!(
        "  - {id: one, prompt: p}\n",
        "  - {id: two, prompt: p}\n",
        "  - {id: other, prompt: p, environment: {variables: {WHO: other}}, script_command: 'echo $WHO; ls'}\n",
    ));
    let log = place.root.path().join("log");
    let suite = fs::read_to_string(place.root.path().join("suite.yaml")).unwrap();
    let environment = format!(
        "  environment:\n    variables: {{WHO: all}}\n    install: ['echo $WHO >>{}; mkdir made; cp answer made/thing']\n    reads: [answer]\n    makes: [made]\ncases:\n",
        log.display()
    );
    let suite = suite
        .replace("cases:\n", &environment)
        // Each looks at what is there, and spoils it.
        .replace("sh tests/check.sh", "'echo $WHO; cat made/thing && echo spoiled >made/thing; sh tests/check.sh'");
    fs::write(place.root.path().join("suite.yaml"), suite).unwrap();
    let request = place.request(Contestant::Null);
    let nobody = Solver { solve: &|_| Err(Unsolved::Cancelled), leave: &|_| {} };
    let results = run(&request, nobody, &Plain, &|_| {}, &AtomicBool::new(false)).unwrap();
    let said = |case: &str| {
        let result = results.iter().find(|result| result.case == case).unwrap();
        let said = fs::read_to_string(request.directory.join(&result.artefacts).join("test_output.txt")).unwrap();
        (said, result.environment.clone())
    };
    let (one, two, other) = (said("one"), said("two"), said("other"));
    assert_eq!((one.0.as_str(), two.0.as_str()), ("all\n41\n", "all\n41\n"), "{results:?}");
    assert_eq!(other, ("other\nanswer\ntests\n".to_owned(), None));
    assert_eq!(fs::read_to_string(&log).unwrap(), "all\n", "it is made once");
    assert!(one.1.is_some() && one.1 == two.1);
    // What is made is no part of what an agent did.
    let patch = request.directory.join("cases/one/null/1/patch.diff");
    assert_eq!(fs::read(patch).unwrap(), b"");
}
