use super::*;
use crate::model::samples::{approval, landing, oid, prompt, session, turn_id};
use crate::model::usage::Usage;

/// A session that is ready to work.
fn ready() -> Session {
    let mut session = session();
    session.worktree.state = WorktreeState::Ready;
    session
}

fn turn(outcome: Option<TurnOutcome>, ended: bool) -> Turn {
    Turn {
        head: None,
        id: turn_id(1),
        session: session().id,
        number: 1,
        prompt_id: None,
        prompt: String::new(),
        attachments: Vec::new(),
        started_at: 5,
        stopping: false,
        ended_at: ended.then_some(8),
        outcome,
        from: oid('a'),
        checkpoint: None,
        stat: DiffStat::default(),
        usage: Usage::default(),
        failure: None,
        silence: None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape the field has")]
fn done() -> Option<TurnOutcome> {
    Some(TurnOutcome::Done { stop_reason: "end_turn".to_owned() })
}

#[expect(clippy::unnecessary_wraps, reason = "the shape the field has")]
fn failed() -> Option<TurnOutcome> {
    Some(TurnOutcome::Failed { reason: "exit 3".to_owned() })
}

#[expect(clippy::unnecessary_wraps, reason = "the shape the field has")]
fn interrupted() -> Option<TurnOutcome> {
    Some(TurnOutcome::Interrupted { reason: "stopped by cli".to_owned() })
}

/// A change of a session.
type Change = fn(&mut Session);

/// What is changed in a ready session, the state that follows and the reason given for it.
const TABLE: &[(&str, Change, SessionState, Option<&str>)] = {
    use SessionState::{Completed, Failed, Initializing, Interrupted, Queued, Review, Running};
    &[
        ("nothing to do", |_| {}, Completed, None),
        ("removed", |s| (s.removed, s.turn) = (true, Some(turn(failed(), true))), Completed, None),
        ("intended", |s| s.worktree.state = WorktreeState::Intended, Initializing, None),
        ("no worktree", |s| s.worktree.state = WorktreeState::Failed, Failed, Some("its worktree could not be made")),
        (
            "no worktree, and why",
            |s| (s.worktree.state, s.fault) = (WorktreeState::Failed, Some("failed to add\na worktree".to_owned())),
            Failed,
            Some("failed to add a worktree"),
        ),
        ("setup", |s| (s.setup, s.queue) = (Setup::Running, vec![prompt(1)]), Initializing, None),
        (
            "setup failed",
            |s| (s.setup, s.queue) = (Setup::Failed { reason: "npm: exit 1".to_owned() }, vec![prompt(1)]),
            Failed,
            Some("the setup failed: npm: exit 1"),
        ),
        ("nobody trusted the setup", |s| (s.setup, s.queue) = (Setup::Untrusted, vec![prompt(1)]), Queued, None),
        ("a prompt waits", |s| s.queue = vec![prompt(1)], Queued, None),
        ("a turn runs", |s| s.turn = Some(turn(None, false)), Running, None),
        (
            "a turn runs, a prompt waits",
            |s| (s.turn, s.queue) = (Some(turn(None, false)), vec![prompt(2)]),
            Running,
            None,
        ),
        ("the checkpoint is to come", |s| s.turn = Some(turn(done(), false)), Running, None),
        (
            "the checkpoint failed",
            |s| (s.turn, s.fault) = (Some(turn(done(), false)), Some("failed to commit".to_owned())),
            Failed,
            Some("failed to commit"),
        ),
        ("done without changes", |s| s.turn = Some(turn(done(), true)), Completed, None),
        ("done with changes", |s| (s.turn, s.stat.files) = (Some(turn(done(), true)), 1), Review, None),
        ("done, the next waits", |s| (s.turn, s.queue) = (Some(turn(done(), true)), vec![prompt(2)]), Queued, None),
        ("failed", |s| (s.turn, s.stat.files) = (Some(turn(failed(), true)), 1), Failed, Some("exit 3")),
        ("interrupted", |s| s.turn = Some(turn(interrupted(), true)), Interrupted, Some("stopped by cli")),
        (
            "a fault after the turn",
            |s| (s.turn, s.fault) = (Some(turn(done(), true)), Some("failed to start".to_owned())),
            Failed,
            Some("failed to start"),
        ),
        ("landed", |s| (s.turn, s.stat.files) = landed(s, 9), Completed, None),
        (
            "landed after a failed turn",
            |s| (s.turn, s.stat.files) = (landed(s, 9).0.map(|_| turn(failed(), true)), 1),
            Completed,
            None,
        ),
        ("worked on after landing", |s| (s.turn, s.stat.files) = landed(s, 1), Review, None),
        (
            "conflicts",
            |s| land(s, 9, LandingState::Conflicted { paths: ["a", "b", "c", "d", "e"].map(str::to_owned).into() }),
            Review,
            Some("conflicts to resolve in a, b, c and 2 more"),
        ),
        (
            "the landing failed",
            |s| {
                s.stat.added = 1;
                land(s, 9, LandingState::Failed { reason: "the base moved".to_owned() });
            },
            Review,
            Some("the landing failed: the base moved"),
        ),
        (
            "conflicts given up",
            |s| {
                s.stat.added = 1;
                land(s, 9, LandingState::Aborted);
            },
            Review,
            None,
        ),
    ]
};

fn land(session: &mut Session, started_at: i64, state: LandingState) {
    session.turn = Some(turn(done(), true));
    session.landing = Some(Landing { started_at, state, ..landing() });
}

fn landed(session: &mut Session, started_at: i64) -> (Option<Turn>, u32) {
    land(session, started_at, LandingState::Completed { commit: oid('d'), checkout: String::new() });
    (session.turn.clone(), 1)
}

#[test]
fn every_situation_has_its_state_and_reason() {
    for (name, change, expected, why) in TABLE {
        let mut session = ready();
        change(&mut session);
        assert_eq!(state(&session, &[]), *expected, "{name}");
        assert_eq!(reason(&session, &[]).as_deref(), *why, "{name}");
        assert_eq!(waiting_for(&session, &[]), None, "{name}");
    }
}

#[test]
fn an_open_approval_waits_for_a_person_and_says_for_what() {
    let mut session = ready();
    session.turn = Some(turn(None, false));
    let permission = Approval { asked_at: 7, ..approval("ls") };
    let question = Approval { asked_at: 3, kind: ApprovalKind::Question, ..approval("ls") };
    for policy in [ApprovalPolicy::Ask, ApprovalPolicy::Hold] {
        session.policy = policy;
        assert_eq!(state(&session, &[&permission]), SessionState::AwaitingInput);
        assert_eq!(waiting_for(&session, &[&permission]), Some("approval"));
        assert_eq!(waiting_for(&session, &[&permission, &question]), Some("question"), "the older one");
    }
    session.policy = ApprovalPolicy::Auto;
    assert_eq!(state(&session, &[&permission]), SessionState::Running, "it is being answered");
    assert_eq!(waiting_for(&session, &[&permission, &question]), Some("question"), "nobody else can answer it");
}

#[test]
fn closed_approvals_and_those_of_others_do_not_count() {
    let mut session = ready();
    session.turn = Some(turn(None, false));
    let closed = Approval { state: ApprovalState::Expired { reason: String::new() }, ..approval("ls") };
    let other = Approval { session: "other".into(), ..approval("ls") };
    assert_eq!(state(&session, &[&closed, &other]), SessionState::Running);
    assert_eq!(view(&session, &[&closed, &other]).approvals, 0);
    assert_eq!(view(&session, &[&closed, &approval("ls")]).approvals, 1);
}

#[test]
fn a_removed_session_waits_for_nobody() {
    let session = Session { removed: true, ..ready() };
    assert_eq!(state(&session, &[&approval("ls")]), SessionState::Completed);
}

#[test]
fn what_needs_a_person_comes_first() {
    use SessionState::{
        AwaitingInput, Completed, Evaluating, Failed, Initializing, Interrupted, Queued, Review, Running,
    };
    let order = [
        (AwaitingInput, false),
        (Failed, false),
        (Interrupted, false),
        (Review, true),
        (Running, true),
        (Evaluating, false),
        (Queued, false),
        (Review, false),
        (Completed, true),
    ];
    let ranks: Vec<u8> = order.iter().map(|(state, unread)| attention_rank(*state, *unread)).collect();
    assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
    assert_eq!(attention_rank(Initializing, false), attention_rank(Queued, true));
}

#[test]
fn a_view_says_the_same_as_the_functions() {
    let mut session = ready();
    session.turn = Some(turn(failed(), true));
    let view = view(&session, &[]);
    assert_eq!((view.state, view.reason.as_deref()), (SessionState::Failed, Some("exit 3")));
    assert_eq!((view.repository.as_str(), view.name.as_str()), ("/r", "fix-parser"));
}

#[test]
fn of_equals_the_one_that_moved_last_comes_first() {
    let of = |name: &str, updated_at: i64, files: u32| {
        let mut session = Session { name: name.to_owned(), updated_at, unread: true, ..ready() };
        session.stat.files = files;
        view(&session, &[])
    };
    let mut views = [of("old", 1, 1), of("done", 9, 0), of("b", 5, 1), of("a", 5, 1)];
    views.sort_by(by_attention);
    assert_eq!(views.map(|view| view.name), ["a", "b", "old", "done"]);
}
