//! The repertoire of bad behaviour, one script each, and how every one of them must end.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use divisi::host::port::{ConversationInput, Update};
use divisi::model::turn::TurnOutcome;
use rustix::process::{Pid, Signal, kill_process};

use super::run::Run;

/// What a person would have to do for the turn to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Nothing,
    Allow,
    Cancel,
    Gate,
    Kill,
    End,
}

/// Script, what it needs, and the outcome: `done`, `failed`, `interrupted` or `unusable` with a part of the reason.
const ENDS: &[(&str, Need, &str)] = &[
    ("asks_permission", Need::Allow, "done end_turn"),
    ("closes_stdout", Need::End, "failed exit 0"),
    ("crashes", Need::End, "failed SIGABRT"),
    ("deaf", Need::Kill, "interrupted stopped"),
    ("edits", Need::Nothing, "done end_turn"),
    ("ends_early", Need::End, "failed exit 0"),
    ("exits_3", Need::End, "failed exit 3"),
    ("fails_prompt", Need::Nothing, "failed the model is tired"),
    ("floods", Need::Nothing, "done end_turn"),
    ("garbage", Need::Nothing, "done end_turn"),
    ("half_line", Need::End, "failed exit 0"),
    ("leaks_child", Need::Nothing, "done end_turn"),
    ("leaks_setsid", Need::Nothing, "done end_turn"),
    ("long_line", Need::Nothing, "done end_turn"),
    ("needs_login", Need::Nothing, "unusable not logged in"),
    ("refuses", Need::Nothing, "failed refused"),
    ("slow_start", Need::Nothing, "done end_turn"),
    ("speaks_version_2", Need::Nothing, "unusable version 2"),
    ("waits_for_cancel", Need::Cancel, "interrupted cancelled"),
    ("waits_for_file", Need::Gate, "done end_turn"),
];

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents")
}

fn ending(update: &Update) -> Option<String> {
    Some(match update {
        Update::Unusable { reason, .. } => format!("unusable {reason}"),
        Update::TurnEnded { outcome: TurnOutcome::Done { stop_reason }, .. } => format!("done {stop_reason}"),
        Update::TurnEnded { outcome: TurnOutcome::Failed { reason }, .. } => format!("failed {reason}"),
        Update::TurnEnded { outcome: TurnOutcome::Interrupted { reason }, .. } => format!("interrupted {reason}"),
        _ => return None,
    })
}

fn played(name: &str, need: Need) -> (Run, String) {
    let mut run = Run::start(&fs::read_to_string(directory().join(format!("{name}.script"))).unwrap());
    run.prompt("s.t1", "work");
    let works = |update: &Update| matches!(update, Update::Message(_));
    match need {
        Need::Nothing => {}
        Need::Allow => {
            let asked = run.until("it asks", |update| matches!(update, Update::Approval { .. }));
            let Update::Approval { key, .. } = asked else { unreachable!() };
            run.feed(ConversationInput::Answer { key: &key, option: Some("allow-once"), message: None });
        }
        Need::Cancel => {
            run.until("it works", works);
            run.feed(ConversationInput::Cancel);
        }
        Need::Gate => {
            run.until("it works", works);
            fs::write(run.dir.path().join("go"), "").unwrap();
        }
        Need::Kill => {
            run.until("it works", works);
            run.feed(ConversationInput::Cancel);
            run.signal(Signal::TERM);
            run.signal(Signal::KILL);
            run.until_ended(true);
        }
        Need::End => {
            run.until_ended(true);
        }
    }
    let end = run.until("it ends", |update| ending(update).is_some());
    let end = ending(&end).unwrap_or_default();
    if let Ok(pid) = fs::read_to_string(run.dir.path().join("leaked.pid")) {
        kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    }
    (run, end)
}

#[test]
fn every_script_ends_as_it_must() {
    for (name, need, expected) in ENDS {
        let (kind, part) = expected.split_once(' ').unwrap();
        let (mut run, end) = played(name, *need);
        assert!(end.starts_with(kind) && end.contains(part), "{name}: {end}");
        // And nothing lives on: it ends by itself when nobody listens.
        if !matches!(need, Need::End | Need::Kill) {
            run.close_stdin();
            run.until_ended(true);
        }
        let ends = run.updates.iter().filter(|update| ending(update).is_some()).count();
        assert_eq!(ends, 1, "{name} ends once");
    }
}

#[test]
fn work_that_was_done_before_the_end_is_kept() {
    for name in ["crashes", "exits_3"] {
        assert_eq!(played(name, Need::End).0.file("half.txt"), "kept\n");
    }
    assert_eq!(played("edits", Need::Nothing).0.file("sub/dir/deep.txt"), "deep\n");
    assert_eq!(played("asks_permission", Need::Allow).0.file("built.txt"), "yes\n");
}

#[test]
fn the_table_is_complete() {
    let files: BTreeSet<String> = fs::read_dir(directory())
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".script")?.to_owned()))
        .collect();
    assert_eq!(files, ENDS.iter().map(|(name, _, _)| (*name).to_owned()).collect());
}
