use proptest::prelude::*;

use super::*;
use crate::model::agent::AgentReady;
use crate::model::approval::ApprovalPolicy;
use crate::model::diff::HunkDecision;
use crate::model::id::Seq;
use crate::model::job::{JobEnd, ProcessIdentity};
use crate::model::samples::{
    approval, every_cause, every_event, landing, oid, prompt, session, turn_id, usage as used,
};
use crate::model::turn::TurnOutcome;
use crate::model::usage::UsageScope;

/// The session after some events, one a second, brought about by the engine.
fn after(events: &[Event]) -> Session {
    let mut session = session();
    for (n, event) in events.iter().enumerate() {
        apply(&mut session, event, &Cause::Host, 1000 * (i64::try_from(n).unwrap() + 1));
    }
    session
}

fn turn_started(number: u32) -> Event {
    Event::TurnStarted {
        turn: turn_id(number),
        number,
        prompt: prompt(number).id,
        text: format!("prompt {number}"),
        attachments: Vec::new(),
        from: oid('a'),
    }
}

fn turn_stopped(number: u32) -> Event {
    Event::TurnStopped { turn: turn_id(number), outcome: TurnOutcome::Done { stop_reason: "end_turn".to_owned() } }
}

fn turn_ended(number: u32) -> Event {
    Event::TurnEnded {
        turn: turn_id(number),
        checkpoint: Some(oid('b')),
        head: oid('b'),
        turn_stat: DiffStat { files: 1, added: 1, removed: 0 },
        stat: DiffStat { files: 2, added: 3, removed: 1 },
    }
}

#[test]
fn a_turn_takes_its_prompt_from_the_queue_and_ends_with_a_checkpoint() {
    let queued = after(&[Event::PromptQueued { prompt: prompt(1) }, Event::PromptQueued { prompt: prompt(2) }]);
    assert_eq!((queued.queue.len(), queued.prompts), (2, 2));
    let mut session = queued.clone();
    session.fault = Some("before".to_owned());
    for (n, event) in [turn_started(1), turn_stopped(1), turn_ended(1)].iter().enumerate() {
        apply(&mut session, event, &Cause::Host, 5000 + i64::try_from(n).unwrap());
    }
    assert_eq!(session.queue, [prompt(2)]);
    let turn = session.turn.as_ref().unwrap();
    assert_eq!((turn.number, turn.started_at, turn.ended_at), (1, 5000, Some(5002)));
    assert_eq!(turn.outcome, Some(TurnOutcome::Done { stop_reason: "end_turn".to_owned() }));
    assert_eq!((turn.checkpoint.clone(), turn.stat.files), (Some(oid('b')), 1));
    assert_eq!((session.turns, session.head.clone(), session.stat.files), (1, Some(oid('b')), 2));
    assert_eq!((session.fault.clone(), session.unread, session.updated_at), (None, true, 5002));
}

#[test]
fn the_first_outcome_of_a_turn_counts_and_another_turns_events_do_not_touch_it() {
    let lost = Event::TurnStopped { turn: turn_id(1), outcome: TurnOutcome::Interrupted { reason: "lost".to_owned() } };
    let session = after(&[turn_started(1), turn_stopped(1), lost]);
    assert!(matches!(session.turn.unwrap().outcome, Some(TurnOutcome::Done { .. })));
    let session = after(&[turn_started(2), turn_stopped(1), turn_ended(1)]);
    let turn = session.turn.unwrap();
    assert_eq!((turn.number, turn.outcome, turn.ended_at, session.turns), (2, None, None, 2));
    assert_eq!(session.head, Some(oid('b')), "the branch has moved all the same");
}

#[test]
fn waiting_prompts_are_edited_and_cancelled_by_their_id() {
    let queue = [Event::PromptQueued { prompt: prompt(1) }, Event::PromptQueued { prompt: prompt(2) }];
    let edit = Event::PromptEdited { id: prompt(2).id, text: "better".to_owned() };
    let session = after(&[queue[0].clone(), queue[1].clone(), edit, Event::PromptCancelled { id: prompt(1).id }]);
    assert_eq!(session.queue.iter().map(|prompt| prompt.text.as_str()).collect::<Vec<_>>(), ["better"]);
    assert_eq!(session.prompts, 2, "ids are not used twice");
}

#[test]
fn the_living_job_is_known_until_it_ends() {
    let (first, second) = ("abcdefghij.j1", "abcdefghij.j2");
    let shim = ProcessIdentity { pid: 1, start_time: 2, boot_id: "b".to_owned() };
    let begin = [
        Event::JobIntended {
            job: first.into(),
            turn: None,
            resume: None,
            chosen: std::collections::BTreeMap::new(),
            terminal: None,
        },
        Event::JobStarted { job: first.into(), shim },
    ];
    assert_eq!(after(&begin).job, Some(first.into()));
    let mut attached = after(&begin);
    apply(&mut attached, &Event::JobAttached { job: first.into() }, &Cause::Recovery, 99_999);
    assert_eq!(attached, after(&begin), "a new daemon sees the same session");
    let mut events = begin.to_vec();
    events.push(Event::JobIntended {
        job: second.into(),
        turn: None,
        resume: None,
        chosen: std::collections::BTreeMap::new(),
        terminal: None,
    });
    events.push(Event::JobEnded { job: first.into(), end: JobEnd::Lost });
    let session = after(&events);
    assert_eq!((session.job, session.jobs), (Some(second.into()), 2), "the end of an older job changes nothing");
    events.push(Event::JobEnded { job: second.into(), end: JobEnd::Lost });
    assert_eq!(after(&events).job, None);
}

#[test]
fn what_happens_is_unread_until_somebody_looks_unless_they_did_it_themselves() {
    let news = [
        turn_ended(1),
        Event::ApprovalRequested(Box::new(approval("ls"))),
        Event::SessionFaulted { message: "x".to_owned() },
        Event::WorktreeChanged { state: WorktreeState::Failed, head: None, notes: vec![] },
        Event::SetupChanged { setup: Setup::Failed { reason: "x".to_owned() }, output: String::new() },
    ];
    for event in news {
        let mut session = after(std::slice::from_ref(&event));
        assert!(session.unread, "{event:?}");
        let updated = session.updated_at;
        apply(&mut session, &Event::SessionRead {}, &Cause::Host, 99_999);
        assert_eq!((session.unread, session.updated_at), (false, updated), "{event:?}");
        apply(&mut session, &event, &Cause::Command { id: "c".into() }, 99_999);
        assert!(!session.unread, "{event:?}");
    }
    let answered = Approval {
        state: ApprovalState::Answered {
            answer: crate::model::approval::Answer::Once,
            option: None,
            by: "rule".to_owned(),
        },
        ..approval("ls")
    };
    for quiet in [turn_started(1), turn_stopped(1), Event::ApprovalRequested(Box::new(answered))] {
        assert!(!after(std::slice::from_ref(&quiet)).unread, "{quiet:?}");
    }
}

#[test]
fn a_landing_is_followed_by_its_id() {
    let changed = |id: &str, state| Event::LandingChanged { id: id.into(), state };
    let begun = Event::LandingStarted(Box::new(landing()));
    let paths = vec!["a".to_owned()];
    let session = after(&[begun.clone(), changed("abcdefghij.l1", LandingState::Conflicted { paths })]);
    assert!(matches!(session.landing.as_ref().unwrap().state, LandingState::Conflicted { .. }));
    assert_eq!((session.landings, session.unread), (1, true));
    let session = after(&[begun, changed("abcdefghij.l9", LandingState::Aborted)]);
    assert_eq!(session.landing.unwrap().state, LandingState::Started);
}

#[test]
fn decisions_removal_and_restoring() {
    let hunk = |decision| Event::HunkDecided { hunk: "h1".into(), decision, patch: None, part: None };
    assert_eq!(after(&[hunk(Some(HunkDecision::Accepted))]).decisions.len(), 1);
    assert_eq!(after(&[hunk(Some(HunkDecision::Rejected)), hunk(None)]).decisions.len(), 0);
    let gone =
        [Event::PromptQueued { prompt: prompt(1) }, Event::SessionRemoved { preserved: Some("refs/x".to_owned()) }];
    let session = after(&gone);
    assert!(session.removed && session.queue.is_empty());
    assert_eq!(session.worktree.state, WorktreeState::Removed);
    assert_eq!(session.worktree.preserved.as_deref(), Some("refs/x"));
    let mut events = gone.to_vec();
    events.push(Event::SessionRestored { head: oid('c') });
    let session = after(&events);
    assert!(!session.removed);
    assert_eq!((session.worktree.state, session.head), (WorktreeState::Ready, Some(oid('c'))));
}

#[test]
fn what_the_agent_says_of_itself_is_kept_newest_first_wins_nothing() {
    let ready =
        |name: &str| Event::AgentReadied { ready: AgentReady { name: Some(name.to_owned()), ..AgentReady::default() } };
    assert_eq!(after(&[ready("a"), ready("b")]).ready.unwrap().name.as_deref(), Some("b"));
    let policy = Event::SessionPolicyChanged { policy: ApprovalPolicy::Hold };
    assert_eq!(after(&[policy]).policy, ApprovalPolicy::Hold);
    for event in every_event() {
        let changed = match &event {
            Event::AgentPlan { .. } => !after(&[event]).plan.is_empty(),
            Event::AgentOptions { .. } => !after(&[event]).options.is_empty(),
            Event::AgentCommands { .. } => !after(&[event]).commands.is_empty(),
            _ => true,
        };
        assert!(changed);
    }
}

#[test]
fn an_event_that_is_not_understood_changes_only_the_time() {
    let unknown = Event::Unknown { kind: "future.thing".to_owned(), payload: serde_json::json!({}) };
    assert_eq!(after(&[unknown]), Session { updated_at: 1000, ..session() });
}

/// Any event, about turns, jobs and prompts whose numbers meet now and then.
fn any_event() -> impl Strategy<Value = Event> {
    let samples = every_event();
    prop_oneof![
        4 => (0..samples.len()).prop_map(move |n| samples[n].clone()),
        1 => (1..4_u32).prop_map(turn_started),
        1 => (1..4_u32).prop_map(turn_stopped),
        1 => (1..4_u32).prop_map(turn_ended),
        1 => (1..4_u32).prop_map(|n| Event::PromptQueued { prompt: prompt(n) }),
        2 => ("[a-z \n\r\u{1b}é]{0,40}", any::<bool>()).prop_map(|(text, stderr)| {
            if stderr {
                Event::AgentOutput { turn: None, stderr, text }
            } else {
                Event::AgentMessage { turn: turn_id(1), text }
            }
        }),
        1 => (0..3, any::<u64>(), any::<u64>(), any::<Option<i64>>()).prop_map(|(scope, input, output, cost)| {
            let scope = [UsageScope::Step, UsageScope::Turn, UsageScope::Session][usize::try_from(scope).unwrap()];
            Event::UsageReported { turn: None, usage: used(scope, input, output, cost) }
        }),
        1 => ("[a-z.]{0,12}", any::<u8>()).prop_map(|(id, number)| Event::JobEnded {
            job: format!("{id}.j{number}").as_str().into(),
            end: JobEnd::Exited { code: i32::from(number), stopped: false, leaked: 0 },
        }),
    ]
}

proptest! {
    #[test]
    fn the_fold_is_total_deterministic_and_its_result_survives_json(
        events in prop::collection::vec((any_event(), 0..4_usize, any::<i64>()), 0..60),
    ) {
        let causes = every_cause();
        let (mut once, mut again) = (session(), session());
        let created = (Event::SessionCreated(Box::new(session())), 0, 1);
        let stored: Vec<Envelope> = std::iter::once(&created)
            .chain(&events)
            .zip(1..)
            .map(|((event, cause, time), seq)| Envelope {
                seq: Seq(seq),
                time: *time,
                session: Some(once.id.clone()),
                cause: causes[*cause].clone(),
                event: event.clone(),
            })
            .collect();
        for (event, cause, time) in &events {
            apply(&mut once, event, &causes[*cause], *time);
            apply(&mut again, event, &causes[*cause], *time);
            // As a daemon does that is killed after every event: the document is all that is left.
            let document = serde_json::to_string(&again).unwrap();
            again = serde_json::from_str(&document).unwrap();
            prop_assert_eq!(&once, &again, "after {:?}", event);
            let shown = once.activity.clone().unwrap_or_default();
            prop_assert!(!shown.chars().any(char::is_control), "{:?}", shown);
        }
        prop_assert_eq!(rebuild(&stored), Some(once));
        prop_assert_eq!(rebuild(&stored[1..]).is_some(), matches!(events.first(), Some((Event::SessionCreated(_), ..))));
    }
}
