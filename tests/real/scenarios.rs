//! What every agent has to do. Written against [`Session`] alone.

use std::fs;

use divisi::model::agent::ToolStatus;
use divisi::model::turn::TurnOutcome;
use divisi::model::usage::{Usage, UsageScope, UsageSource};

use super::session::{Session, Stop};

/// How often an agent may ask in a turn before something is wrong.
const MOST_QUESTIONS: usize = 8;

/// Goes through a turn, answering everything it asks; gives the outcome and how often it asked.
fn play(session: &mut dyn Session, prompt: &str, answer: &str, message: Option<&str>) -> (TurnOutcome, usize) {
    session.prompt(prompt);
    for asked in 0..MOST_QUESTIONS {
        match session.next() {
            Stop::Ended(outcome) => return (outcome, asked),
            Stop::Asked { key, options, .. } => session.answer(&key, &options, answer, message),
        }
    }
    panic!("it does not stop asking");
}

fn at(session: &dyn Session, name: &str) -> String {
    session.worktree().join(name).display().to_string()
}

fn read(session: &dyn Session, name: &str) -> Option<String> {
    fs::read_to_string(session.worktree().join(name)).ok()
}

#[track_caller]
fn done(outcome: &TurnOutcome) {
    assert!(matches!(outcome, TurnOutcome::Done { .. }), "{outcome:?}");
}

#[track_caller]
fn interrupted(outcome: &TurnOutcome) {
    assert!(matches!(outcome, TurnOutcome::Interrupted { .. }), "{outcome:?}");
}

/// It creates a file and edits another in the mode in which it does not ask, says so, and shows both as tool calls.
pub(super) fn edits(session: &mut dyn Session) {
    let prompt = format!("please @@write={}", at(session, "hello.txt"));
    let (outcome, _) = play(session, &prompt, "allow_once", None);
    done(&outcome);
    assert_eq!(read(session, "hello.txt").as_deref(), Some("hello from the fake model\n"));
    assert!(
        session.said().contains("I will create the file.") && session.said().contains("Done."),
        "{:?}",
        session.said()
    );
    let tools = session.tools();
    assert!(tools.iter().any(|call| call.kind == "edit" && call.status == ToolStatus::Completed), "{tools:#?}");
    assert_eq!(session.raw(), Vec::<String>::new());

    let prompt = format!("please @@edit={}", at(session, "README.md"));
    let (outcome, _) = play(session, &prompt, "allow_once", None);
    done(&outcome);
    assert_eq!(read(session, "README.md").as_deref(), Some("# An edited repository\n"));
}

/// It asks for permission, is given it, and does what it asked for.
pub(super) fn asks_and_is_allowed(session: &mut dyn Session) {
    let prompt = format!("please @@write={}", at(session, "hello.txt"));
    let (outcome, asked) = play(session, &prompt, "allow_once", None);
    done(&outcome);
    assert!(asked > 0, "it did not ask");
    assert_eq!(read(session, "hello.txt").as_deref(), Some("hello from the fake model\n"));
    assert_eq!(session.raw(), Vec::<String>::new());
}

/// It asks for permission, is refused, and leaves it.
pub(super) fn asks_and_is_refused(session: &mut dyn Session, message: Option<&str>) {
    session.prompt(&format!("please @@write={}", at(session, "hello.txt")));
    let mut stop = session.next();
    let Stop::Asked { tool, options, .. } = &stop else { panic!("it did not ask: {stop:?}") };
    let id = tool.id.clone();
    assert!(options.iter().any(|option| option.kind.starts_with("allow")), "{options:?}");
    let outcome = loop {
        match stop {
            Stop::Asked { key, options, .. } => session.answer(&key, &options, "reject_once", message),
            Stop::Ended(outcome) => break outcome,
        }
        stop = session.next();
    };
    assert!(!matches!(outcome, TurnOutcome::Failed { .. }), "{outcome:?}");
    assert_eq!(read(session, "hello.txt"), None);
    let call = session.tools().into_iter().find(|call| call.id == id).expect("the call it asked about");
    assert_eq!(call.status, ToolStatus::Failed);
}

/// A command is shown with its command line when it asks, and with its output when it ran.
pub(super) fn runs_a_command(session: &mut dyn Session) {
    session.prompt("please @@shell");
    let mut line = None;
    let outcome = loop {
        match session.next() {
            Stop::Asked { key, options, command_line, .. } => {
                line = line.or(command_line);
                session.answer(&key, &options, "allow_once", None);
            }
            Stop::Ended(outcome) => break outcome,
        }
    };
    done(&outcome);
    assert!(line.is_some_and(|line| line.contains("echo made by a shell")), "it did not ask with the command line");
    assert_eq!(read(session, "shell.txt").as_deref(), Some("made by a shell\n"));
    let tools = session.tools();
    let call = tools.iter().find(|call| call.kind == "execute").unwrap_or_else(|| panic!("{tools:#?}"));
    assert!(call.status == ToolStatus::Completed && call.text.contains("made by a shell"), "{call:#?}");
}

/// What of its usage an agent tells.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tells {
    /// Input with and without the cache, output and the reasoning in it.
    Everything,
    /// All but the reasoning.
    NoReasoning,
    /// All, with the reasoning beside the output, as this provider counts it.
    ReasoningApart,
    /// Input and output as a whole.
    Sums,
    /// Everything, but of the last model call only.
    LastStep,
}

impl Tells {
    /// Input with the cache, and output with the reasoning in it, of two model calls.
    pub(super) fn sums(self) -> [u64; 2] {
        match self {
            Self::Everything | Self::NoReasoning | Self::Sums => [2400, 84],
            Self::ReasoningApart => [2400, 98],
            Self::LastStep => [1200, 42],
        }
    }
}

/// What the turn used is reported, with nothing counted twice: two model calls, each of 200 tokens beside 1000 cached ones, and of 35
/// beside 7 of reasoning.
pub(super) fn reports_usage(session: &mut dyn Session, tells: Tells) {
    // A new file every time: agents do not overwrite what they have not read.
    let name = (0..100).map(|number| format!("usage-{number}.txt")).find(|name| read(session, name).is_none()).unwrap();
    let prompt = format!("please @@write={}", at(session, &name));
    let (outcome, _) = play(session, &prompt, "allow_once", None);
    done(&outcome);
    let counted: Vec<_> = session.usage().into_iter().filter(|usage| usage.input + usage.output > 0).collect();
    assert!(!counted.is_empty() && counted.iter().all(|usage| usage.source == UsageSource::Reported), "{counted:#?}");
    // Steps are added; of anything else the last counts.
    let parts = match counted.iter().rfind(|usage| usage.scope != UsageScope::Step) {
        Some(last) => vec![last.clone()],
        None => counted,
    };
    let sum = |part: fn(&Usage) -> u64| parts.iter().map(part).sum::<u64>();
    let found = [
        sum(|usage| usage.input),
        sum(|usage| usage.cache_read),
        sum(|usage| usage.output),
        sum(|usage| usage.reasoning),
    ];
    let expected = match tells {
        Tells::Everything => [400, 2000, 70, 14],
        Tells::NoReasoning => [400, 2000, 84, 0],
        Tells::ReasoningApart => [400, 2000, 84, 14],
        Tells::Sums => [2400, 0, 84, 0],
        Tells::LastStep => [200, 1000, 35, 7],
    };
    assert_eq!(found, expected, "input, cache read, output, reasoning of {parts:#?}");
}

/// A model that fails is a failed turn with a reason that says so, and the next turn works.
pub(super) fn meets_a_model_error(session: &mut dyn Session, script: &str, words: &[&str]) {
    let (outcome, _) = play(session, &format!("please @@{script}"), "allow_once", None);
    let TurnOutcome::Failed { reason } = &outcome else { panic!("{outcome:?}") };
    assert!(words.iter().any(|words| reason.contains(words)), "{reason}");
    assert!(!reason.contains('\n'), "{reason:?}");
}

/// After whatever happened before, a turn works.
pub(super) fn still_works(session: &mut dyn Session) {
    let (outcome, _) = play(session, "please @@text", "allow_once", None);
    done(&outcome);
    assert!(session.said().contains("Just text, no tools."), "{:?}", session.said());
}

/// It is interrupted in the middle of a command, and the command does not finish.
pub(super) fn is_interrupted_in_a_tool(session: &mut dyn Session) {
    begin_long_command(session);
    session.cancel();
    match session.next() {
        Stop::Ended(outcome) => interrupted(&outcome),
        asked @ Stop::Asked { .. } => panic!("{asked:?}"),
    }
    assert_eq!(read(session, "long.txt").as_deref(), Some("begin\n"));
}

/// It is interrupted in the middle of a sentence.
pub(super) fn is_interrupted_in_a_sentence(session: &mut dyn Session) {
    session.prompt("please @@slow");
    session.wait_for_words("tick");
    session.cancel();
    match session.next() {
        Stop::Ended(outcome) => interrupted(&outcome),
        asked @ Stop::Asked { .. } => panic!("{asked:?}"),
    }
}

/// Its process is ended in the middle of a command: the turn is interrupted, and nothing survives.
pub(super) fn is_stopped_with_a_command_running(session: &mut dyn Session) {
    begin_long_command(session);
    let left = session.stop();
    assert_eq!(left, Vec::<String>::new());
    match session.next() {
        Stop::Ended(outcome) => interrupted(&outcome),
        asked @ Stop::Asked { .. } => panic!("{asked:?}"),
    }
    assert_eq!(read(session, "long.txt").as_deref(), Some("begin\n"));
}

fn begin_long_command(session: &mut dyn Session) {
    session.prompt("please @@longshell");
    // Not every agent asks; that the command runs shows in the worktree.
    while let Some(stop) = session.next_or_file("long.txt") {
        match stop {
            Stop::Asked { key, options, .. } => session.answer(&key, &options, "allow_once", None),
            Stop::Ended(outcome) => panic!("the command did not run: {outcome:?}"),
        }
    }
}

/// It is told a word that it may be asked for in a later turn.
pub(super) fn is_told_a_word(session: &mut dyn Session) {
    let (outcome, _) = play(session, "the word is plover-17 @@text", "allow_once", None);
    done(&outcome);
}

/// The model gets what was said in an earlier turn.
pub(super) fn remembers(session: &mut dyn Session) {
    let (outcome, _) = play(session, "which word was it? @@recall=plover-17", "allow_once", None);
    done(&outcome);
    assert!(session.said().contains("I remember that."), "{:?}", session.said());
}

/// A new process goes on with the same conversation.
pub(super) fn is_resumed(session: &mut dyn Session) {
    is_told_a_word(session);
    let before = session.ready();
    assert!(before.conversation.is_some(), "{before:?}");
    session.resume();
    let prompt = format!("please @@write={}", at(session, "again.txt"));
    let (outcome, _) = play(session, &prompt, "allow_once", None);
    done(&outcome);
    let after = session.ready();
    assert_eq!(after.conversation, before.conversation);
    assert!(after.resumed, "{after:?}");
    assert_eq!(read(session, "again.txt").as_deref(), Some("hello from the fake model\n"));
    remembers(session);
}
