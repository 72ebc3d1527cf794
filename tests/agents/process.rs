//! How the process behaves, the other protocols of the scripted agent, and shell jobs.

use std::path::Path;
use std::process::Stdio;

use divisi::agent::Catalog;
use divisi::host::port::{Agents as _, ConversationInput, ConversationSetup, Update};
use divisi::model::id::TurnId;
use divisi::model::job::JobEnd;
use divisi::model::turn::TurnOutcome;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::run::{Run, done, program};

fn said(update: &Update) -> bool {
    matches!(update, Update::Message(_))
}

#[test]
fn it_ends_when_nobody_listens_any_more() {
    for script in ["say x\n", "say x\nsleep-until never\n", "say x\nask-permission p Ask\n"] {
        let mut run = Run::start(script);
        run.prompt("s.t1", "x");
        run.until("it speaks", said);
        run.close_stdin();
        assert!(matches!(run.until_ended(true), JobEnd::Exited { .. }), "{script}");
    }
}

#[test]
fn crashes_and_exits_in_the_middle_of_a_turn() {
    for (script, expected) in [
        (
            "say x\ncrash\n",
            TurnOutcome::Failed {
                reason: "the agent crashed: it ended in the middle of the turn (killed by signal 6 (SIGABRT))"
                    .to_owned(),
            },
        ),
        (
            "say x\nexit 3\n",
            TurnOutcome::Failed { reason: "the agent crashed: it ended in the middle of the turn (exit 3)".to_owned() },
        ),
    ] {
        let mut run = Run::start(script);
        run.prompt("s.t1", "x");
        run.until_ended(true);
        assert_eq!(run.outcome("s.t1"), expected);
        assert_eq!(run.said(), "x");
    }
}

#[test]
fn a_deaf_agent_ignores_the_cancel_and_sigterm() {
    let mut run = Run::start("ignore-term\nhang deaf\n");
    run.prompt("s.t1", "x");
    run.until("it speaks", said);
    run.feed(ConversationInput::Cancel);
    run.signal(Signal::TERM);
    run.signal(Signal::KILL);
    assert_eq!(run.until_ended(true), JobEnd::Signaled { signal: 9, stopped: true, leaked: 0 });
    assert_eq!(run.outcome("s.t1"), TurnOutcome::Interrupted { reason: "stopped".to_owned() });
}

#[test]
fn it_goes_on_after_a_sigterm_that_it_ignores() {
    let mut run = Run::start("ignore-term\nsay one\nsleep-until go\nsay two\n");
    run.prompt("s.t1", "x");
    run.until("it speaks", said);
    run.signal(Signal::TERM);
    std::fs::write(run.dir.path().join("go"), "").unwrap();
    assert_eq!(run.outcome("s.t1"), done("end_turn"));
    assert_eq!(run.said(), "onetwo");
}

#[test]
fn without_ignoring_it_sigterm_ends_it() {
    let mut run = Run::start("hang x\n");
    run.prompt("s.t1", "x");
    run.until("it speaks", said);
    run.signal(Signal::TERM);
    assert_eq!(run.until_ended(true), JobEnd::Signaled { signal: 15, stopped: true, leaked: 0 });
}

/// The session of a process, as the system tells it: the fourth word after the program's name.
fn session_of(process: Pid) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    stat.rsplit(") ").next()?.split(' ').nth(3)?.parse().ok()
}

#[test]
fn what_it_leaves_behind_holds_standard_output_open() {
    for (step, own_session) in [("leak-child", false), ("leak-setsid", true)] {
        let mut run = Run::start(&format!("{step} leaked\nsay leaked\n"));
        assert_eq!(run.turn("s.t1", "x"), done("end_turn"));
        let leaked = Pid::from_raw(run.file("leaked").parse().unwrap()).unwrap();
        if own_session {
            // It leads a session of its own as soon as it runs its own code.
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
            // Not by getsid: before that it may be in a session that this namespace does not see, whose number is 0.
            while session_of(leaked) != Some(leaked.as_raw_nonzero().get()) {
                assert!(std::time::Instant::now() < deadline, "it never got a session of its own");
                std::thread::yield_now();
            }
        }
        run.close_stdin();
        assert_eq!(run.until_ended(false), JobEnd::Exited { code: 0, stopped: false, leaked: 0 });
        assert!(!run.stdout_closed, "{step}: somebody holds it open");
        test_kill_process(leaked).unwrap();
        kill_process(leaked, Signal::KILL).unwrap();
        run.until_ended(true);
    }
}

#[test]
fn json_lines_and_plain_text() {
    let dir = tempfile::tempdir().unwrap();
    let script = "say hello\nedit f text\nask-permission p Do it :: make\nif-allowed\nsay yes\nend\nif-rejected\nsay no\nend\nexit 7\n";
    let run = |protocol: &str, answer: &str| {
        std::fs::write(dir.path().join("answer"), answer).unwrap();
        let input = std::fs::File::open(dir.path().join("answer")).unwrap();
        let mut command = program(dir.path());
        command.args(["--protocol", protocol, "-e", script]).stdin(Stdio::from(input));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(7), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let lines = run("jsonl", "{\"answer\":\"allow\"}\n");
    let kinds: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["say", "tool", "tool", "ask", "say"]);
    assert!(lines.contains("\"yes\""));
    assert!(run("plain", "y\n").ends_with("[ask] Do it \nyes"));
    assert!(run("plain", "n\n").ends_with("no"));
    assert!(run("plain", "").ends_with("no"));
}

#[test]
fn misuse_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, code, text) in [
        (vec!["--fly"], 2, "unknown option --fly"),
        (vec!["-e"], 2, "-e needs a script"),
        (vec!["-e", "say x", "file"], 1, "failed to read file"),
        (vec!["-e", "say x", "-e", "say y"], 2, "more than one script"),
        (vec!["--protocol", "smoke", "-e", "say x"], 2, "unknown protocol smoke"),
        (vec!["-e", "say x\nfly"], 1, "line 2: unknown step fly"),
        (vec!["missing.script"], 1, "failed to read missing.script"),
    ] {
        let output = program(dir.path()).args(&arguments).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(text), "{arguments:?}: {output:?}");
    }
}

/// Runs a shell job as the catalog says.
fn shell(prompt: &str) -> (Run, JobEnd) {
    let (catalog, findings) = Catalog::load(None, Path::new(env!("CARGO_BIN_EXE_divisi")), "/usr/bin:/bin");
    assert_eq!(findings, []);
    let agent = catalog.find("shell").unwrap();
    let setup = ConversationSetup::default();
    let words = catalog.command(&agent, &setup, Some(prompt));
    let dir = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(&words[0]);
    command.args(&words[1..]).env_clear().env("PATH", "/usr/bin:/bin").current_dir(dir.path());
    let conversation = catalog.converse(&agent, &setup, Some(&TurnId::from("s.t1")));
    let mut run = Run::spawn(command, dir, conversation, catalog.wants_stdin(&agent));
    let end = run.until_ended(true);
    (run, end)
}

#[test]
fn shell_jobs() {
    let (mut run, _) = shell("printf 'a\\303\\244'; echo err >&2; pwd > here; cat");
    assert_eq!(run.outcome("s.t1"), done("exit 0"));
    assert_eq!(run.file("here").trim(), run.dir.path().canonicalize().unwrap().to_string_lossy());
    assert!(run.updates.contains(&Update::Output { stderr: false, text: "aä".to_owned() }));
    assert_eq!(shell("exit 3").0.outcome("s.t1"), TurnOutcome::Failed { reason: "exit 3".to_owned() });
    let killed = TurnOutcome::Failed { reason: "killed by signal 9 (SIGKILL)".to_owned() };
    assert_eq!(shell("kill -9 $$").0.outcome("s.t1"), killed);
    assert_eq!(
        shell("-x").0.outcome("s.t1"),
        TurnOutcome::Failed { reason: "exit 127".to_owned() },
        "a prompt is never an option"
    );
}

#[test]
fn the_scripted_agent_is_in_the_catalog_and_starts() {
    let (catalog, _) = Catalog::load(None, Path::new(env!("CARGO_BIN_EXE_divisi")), "/usr/bin:/bin");
    let agent = catalog.find("scripted").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let setup = ConversationSetup { directory: dir.path().display().to_string(), ..ConversationSetup::default() };
    let words = catalog.command(&agent, &setup, None);
    let mut command = std::process::Command::new(&words[0]);
    command.args(&words[1..]).env_clear().current_dir(dir.path());
    let conversation = catalog.converse(&agent, &setup, None);
    let mut run = Run::spawn(command, dir, conversation, catalog.wants_stdin(&agent));
    assert_eq!(run.turn("s.t1", "#!script\nsay it works"), done("end_turn"));
    assert_eq!(run.said(), "it works");
}
