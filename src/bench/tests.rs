//! With real git and real commands: what a case is worth, and the ways to pass one without doing it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::carry_out::{run, validate};
use crate::model::attempt::{
    Asked, Attempted, BenchRequest, Contestant, Outcome, Progress, Solved, Solver, Task, Unsolved, Validity,
};
use crate::model::container::Containers;
use crate::model::meter::Allowance;
use crate::model::retries::Retries;
use crate::model::suite::Limits;
use crate::model::usage::Usage;

/// A repository with a bug in its first commit and the fix in a later one, and a suite over it.
struct Place {
    root: tempfile::TempDir,
    base: String,
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@t.invalid", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Place {
    fn new(cases: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        // The name needs an address' escapes.
        let repository = root.path().join("the repo 100%");
        fs::create_dir(&repository).unwrap();
        git(&repository, &["init", "--quiet", "--initial-branch=main"]);
        fs::create_dir(repository.join("tests")).unwrap();
        fs::write(repository.join("answer"), "41\n").unwrap();
        fs::write(repository.join("tests/check.sh"), "[ \"$(cat answer)\" = 42 ]\n").unwrap();
        git(&repository, &["add", "."]);
        git(&repository, &["commit", "--quiet", "-m", "the bug"]);
        let base = git(&repository, &["rev-parse", "HEAD"]);
        fs::write(repository.join("answer"), "42\n").unwrap();
        git(&repository, &["commit", "--quiet", "-am", "the fix"]);
        let patch = git(&repository, &["diff", "HEAD~1", "HEAD"]);
        fs::write(root.path().join("fix.patch"), patch + "\n").unwrap();
        let head = "version: 1\nname: mine\ndefaults:\n  repository: the repo 100%\n  base: BASE\n  \
                    script_command: sh tests/check.sh\n  restore: ['tests/**']\ncases:\n";
        fs::write(root.path().join("suite.yaml"), format!("{head}{cases}").replace("BASE", &base)).unwrap();
        Self { root, base }
    }

    fn request(&self, contestant: Contestant) -> BenchRequest {
        BenchRequest {
            suite: self.root.path().join("suite.yaml"),
            only: Vec::new(),
            size: None,
            seed: 0,
            attempts: 1,
            concurrency: 2,
            directory: self.root.path().join("run"),
            repositories: None,
            environments: None,
            environment: Vec::new(),
            contestant,
            asked: Asked::default(),
            keep: false,
            allowance: Allowance::default(),
            limits: Limits::default(),
            cache: self.root.path().join("cache"),
            containers: Containers::Never,
            images: BTreeMap::new(),
            network: None,
            retries: Retries { pause_ms: 0, ..Retries::default() },
        }
    }

    /// An agent that is a command of `sh` in the repository it is given.
    fn agent(request: &BenchRequest, command: &str) -> Vec<Attempted> {
        Self::turns(request, |task| {
            let output = Command::new("sh").arg("-c").arg(command).current_dir(&task.repository).output().unwrap();
            if output.status.success() { Ok(()) } else { Err(Unsolved::Agent("it fell over".to_owned())) }
        })
    }

    fn turns(request: &BenchRequest, turn: impl Fn(&Task) -> Result<(), Unsolved> + Sync) -> Vec<Attempted> {
        let solve = |task: &Task| {
            turn(task)?;
            Ok(Solved {
                files: task.repository.clone(),
                session: "s1".to_owned(),
                usage: Usage::default(),
                tools: BTreeMap::new(),
            })
        };
        let left = Mutex::new(Vec::new());
        let leave = |session: &str| left.lock().unwrap().push(session.to_owned());
        let results =
            run(request, Solver { solve: &solve, leave: &leave }, &Plain, &|_| {}, &AtomicBool::new(false)).unwrap();
        let with_session = results.iter().filter(|result| result.session.is_some()).count();
        assert!(left.into_inner().unwrap().len() <= with_session);
        results
    }
}

mod environments;
pub(in crate::bench) mod plain;
mod swebench;

use plain::Plain;

const ONE: &str = "  - {id: one, prompt: Make it 42., reference: {patch: fix.patch}}\n";

fn agent() -> Contestant {
    Contestant::Agent("a".to_owned())
}

fn outcome(results: &[Attempted]) -> &Outcome {
    let [one] = results else { panic!("{results:?}") };
    &one.outcome
}

#[test]
fn null_and_gold_say_what_a_case_is_worth() {
    let place = Place::new(concat!(
        "  - {id: good, prompt: p, reference: {patch: fix.patch}}\n",
        "  - {id: free, prompt: p, script_command: 'true', reference: {patch: fix.patch}}\n",
        "  - {id: impossible, prompt: p, script_command: 'false', reference: {patch: fix.patch}}\n",
        "  - {id: blind, prompt: p}\n",
        "  - {id: broken, prompt: p, base: nowhere, reference: {patch: fix.patch}}\n",
        "  - {id: unprepared, prompt: p, setup: 'echo no network >&2; exit 3', reference: {patch: fix.patch}}\n",
        "  - {id: slow, prompt: p, script_command: 'sleep 600', test_timeout_sec: 1, reference: {patch: fix.patch}}\n",
    ));
    let said = validate(&place.request(Contestant::Null), &Plain, &|_| {}, &AtomicBool::new(false)).unwrap();
    let said: BTreeMap<&str, (Validity, &str)> =
        said.iter().map(|judged| (judged.case.as_str(), (judged.validity, judged.why.as_str()))).collect();
    assert_eq!(said["good"], (Validity::Valid, ""));
    assert_eq!(said["free"], (Validity::NullPasses, ""));
    assert_eq!(said["impossible"], (Validity::GoldFails, "unresolved"));
    assert_eq!(said["blind"], (Validity::NoReference, ""));
    assert_eq!(said["broken"].0, Validity::Broken);
    assert!(said["broken"].1.contains("has no commit nowhere"), "{said:?}");
    assert_eq!(said["unprepared"].0, Validity::Broken);
    assert!(said["unprepared"].1.contains("the setup ended with code 3: no network"), "{said:?}");
    assert_eq!(said["slow"], (Validity::GoldFails, "timed out"));
}

#[test]
fn an_agent_sees_one_commit_and_nothing_of_the_fix() {
    let place = Place::new(ONE);
    let request = place.request(agent());
    let seen = Mutex::new(String::new());
    let results = Place::turns(&request, |task| {
        let all = git(&task.repository, &["rev-list", "--all", "--reflog", "HEAD"]);
        let objects = git(&task.repository, &["cat-file", "--batch-all-objects", "--batch-check"]);
        let remotes = git(&task.repository, &["remote"]);
        let shown = fs::read_to_string(task.repository.join(".git/config")).unwrap();
        *seen.lock().unwrap() = format!("{all}\n--\n{remotes}\n--\n{objects}\n{shown}");
        assert!(!task.repository.join(".git/FETCH_HEAD").exists());
        Ok(())
    });
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.split("--").next().unwrap().trim(), place.base);
    assert_eq!(seen.matches(" commit ").count(), 1, "{seen}");
    assert!(!seen.contains("the repo"), "{seen}");
    assert_eq!(outcome(&results), &Outcome::EmptyPatch);
}

#[test]
fn who_does_it_is_resolved_and_who_edits_the_tests_is_not() {
    for (command, wanted) in [
        ("echo 42 >answer", Outcome::Resolved),
        ("echo 42 >answer && git add -A && git -c user.name=a -c user.email=a@a commit -qm done", Outcome::Resolved),
        ("echo true >tests/check.sh", Outcome::Unresolved),
        ("rm -r tests && mkdir tests && echo true >tests/check.sh", Outcome::Unresolved),
        ("mkdir -p x && echo 43 >answer", Outcome::Unresolved),
        ("exit 1", Outcome::AgentFailed("it fell over".to_owned())),
        // What it configured for git is not run when its work is looked at.
        (
            "git config core.fsmonitor 'echo 42 >'\"$PWD\"'/answer; false' && git config filter.x.clean 'echo 42' && \
             echo 'answer filter=x' >.gitattributes",
            Outcome::Unresolved,
        ),
        ("git config core.worktree /nowhere; rm -rf .git/objects; echo 42 >answer", Outcome::Resolved),
    ] {
        let place = Place::new(ONE);
        assert_eq!(outcome(&Place::agent(&place.request(agent()), command)), &wanted, "{command}");
    }
}

#[test]
fn only_what_is_to_be_carried_over_is() {
    let place = Place::new(
        "  - {id: one, prompt: p, carry: ['answer'], script_command: 'sh tests/check.sh && ! [ -e extra ]'}\n",
    );
    let results = Place::agent(&place.request(agent()), "echo 42 >answer; echo x >extra");
    assert_eq!(outcome(&results), &Outcome::Resolved);
    let patch = fs::read_to_string(place.root.path().join("run/cases/one/a/1/patch.diff")).unwrap();
    assert!(patch.contains("+42") && !patch.contains("extra"), "{patch}");
}

#[test]
fn a_second_try_reads_what_the_tests_said() {
    let place = Place::new(
        "  - {id: one, prompt: first, max_iterations: 3, script_command: 'echo wanted is 42; sh tests/check.sh'}\n",
    );
    let prompts = Mutex::new(Vec::new());
    let results = Place::turns(&place.request(agent()), |task| {
        let mut prompts = prompts.lock().unwrap();
        prompts.push((task.prompt.clone(), task.session.clone()));
        fs::write(task.repository.join("answer"), format!("{}\n", 40 + prompts.len())).unwrap();
        Ok(())
    });
    assert_eq!(outcome(&results), &Outcome::Resolved);
    assert_eq!(results[0].iterations, 2, "the first try changes nothing: its tests are not run");
    let prompts = prompts.into_inner().unwrap();
    assert_eq!(prompts[0], ("first".to_owned(), None));
    assert!(prompts[1].0.contains("nothing was changed"), "{prompts:?}");
    assert_eq!(prompts[1].1.as_deref(), Some("s1"));
    assert_eq!(prompts.len(), 2);
}

#[test]
fn builds_of_one_checkout_are_not_those_of_another() {
    let place = Place::new(concat!(
        "  - {id: one, prompt: p, script_command: '[ -z \"$(ls \"$CARGO_TARGET_DIR\" 2>/dev/null)\" ] && ",
        "mkdir -p \"$CARGO_TARGET_DIR/x\" && sh tests/check.sh'}\n",
    ));
    let mut request = place.request(agent());
    request.attempts = 3;
    request.environment = vec![("MINE".to_owned(), "yes".to_owned())];
    let results = Place::agent(&request, "echo 42 >answer");
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|result| result.outcome == Outcome::Resolved), "{results:?}");
}

#[test]
fn a_run_goes_on_where_it_ended() {
    let place = Place::new("  - {id: one, prompt: p}\n  - {id: two, prompt: p}\n  - {id: three, prompt: p}\n");
    let mut request = place.request(agent());
    request.concurrency = 1;
    let stop = AtomicBool::new(false);
    let solve = |task: &Task| {
        if task.case == "two" {
            stop.store(true, Ordering::Relaxed);
            return Err(Unsolved::Cancelled);
        }
        fs::write(task.repository.join("answer"), "42\n").unwrap();
        Ok(Solved {
            files: task.repository.clone(),
            session: "s".to_owned(),
            usage: Usage::default(),
            tools: BTreeMap::new(),
        })
    };
    let results = run(&request, Solver { solve: &solve, leave: &|_| {} }, &Plain, &|_| {}, &stop).unwrap();
    let ended: Vec<_> = results.iter().map(|result| (result.case.as_str(), result.outcome.word())).collect();
    assert_eq!(ended, [("one", "resolved"), ("two", "cancelled")]);

    // A crash cut the last line.
    let file = request.directory.join("results.jsonl");
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str("{\"case\": \"thr");
    fs::write(&file, text).unwrap();
    let begun = Mutex::new(Vec::new());
    let tell = |progress: Progress| {
        if let Progress::Begun { case, .. } = progress {
            begun.lock().unwrap().push(case);
        }
    };
    let solve = |task: &Task| {
        fs::write(task.repository.join("answer"), "42\n").unwrap();
        Ok(Solved {
            files: task.repository.clone(),
            session: "s".to_owned(),
            usage: Usage::default(),
            tools: BTreeMap::new(),
        })
    };
    let results =
        run(&request, Solver { solve: &solve, leave: &|_| {} }, &Plain, &tell, &AtomicBool::new(false)).unwrap();
    assert_eq!(begun.into_inner().unwrap(), ["two", "three"]);
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|result| result.outcome == Outcome::Resolved), "{results:?}");

    // The directory belongs to that run.
    request.seed = 7;
    let refused =
        run(&request, Solver { solve: &solve, leave: &|_| {} }, &Plain, &|_| {}, &AtomicBool::new(false)).unwrap_err();
    assert!(refused.message.contains("of another run"), "{refused:?}");
}

#[test]
fn a_stop_ends_what_runs() {
    let place =
        Place::new("  - {id: one, prompt: p, script_command: 'echo $$ >\"$PIDFILE\"; sleep 600 & sleep 600'}\n");
    let mut request = place.request(Contestant::Null);
    let pid_file = place.root.path().join("pid");
    request.environment = vec![("PIDFILE".to_owned(), pid_file.display().to_string())];
    let stop = AtomicBool::new(false);
    let nobody = Solver { solve: &|_| Err(Unsolved::Cancelled), leave: &|_| {} };
    let results = std::thread::scope(|scope| {
        let running = scope.spawn(|| run(&request, nobody, &Plain, &|_| {}, &stop).unwrap());
        let deadline = crate::base::clock::instant() + std::time::Duration::from_secs(20);
        while fs::read_to_string(&pid_file).unwrap_or_default().trim().is_empty() {
            assert!(crate::base::clock::instant() < deadline, "the tests did not begin");
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
        running.join().unwrap()
    });
    assert_eq!(outcome(&results), &Outcome::Cancelled);
    let group = fs::read_to_string(&pid_file).unwrap();
    let left: Vec<PathBuf> = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            // The fifth field after the name is the process group.
            let stat = fs::read_to_string(path.join("stat")).unwrap_or_default();
            let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
            fields.get(2) == Some(&group.trim()) && fields.first() != Some(&"Z")
        })
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_choice_depends_on_the_seed_alone() {
    let cases: Vec<String> = (0..20).map(|number| format!("  - {{id: c{number}, prompt: p}}\n")).collect();
    let place = Place::new(&cases.concat());
    let suite = super::load::load(&place.root.path().join("suite.yaml"), super::load::Places::default()).unwrap();
    let ids =
        |seed| -> Vec<String> { suite.choose(&[], Some(5), seed).unwrap().into_iter().map(|case| case.id).collect() };
    assert_eq!(ids(1).len(), 5);
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
    let none = suite.choose(&["c21".to_owned()], None, 0).unwrap_err();
    assert!(none.message.contains("no case c21") && !none.hints.is_empty(), "{none:?}");
}
