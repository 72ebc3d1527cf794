//! What a well-behaved agent does, and how it refuses.

use divisi::host::port::{ConversationInput, ConversationSetup, Update};
use divisi::model::agent::{AgentReady, ToolStatus};
use divisi::model::approval::ApprovalKind;
use divisi::model::turn::TurnOutcome;

use super::run::{Run, done};

fn asked(update: &Update) -> bool {
    matches!(update, Update::Approval { .. })
}

fn answer(run: &mut Run, option: &str) {
    let Update::Approval { key, .. } = run.until("it asks", asked) else { unreachable!() };
    run.feed(ConversationInput::Answer { key: &key, option: Some(option), message: None });
}

const TOUR: &str = include_str!("../../src/agent/script/tour.script");

#[test]
fn the_tour_says_thinks_plans_edits_asks_once_and_counts() {
    let mut run = Run::start(TOUR);
    run.prompt("s.t1", "greet the world");
    answer(&mut run, "allow-once");
    assert_eq!(run.outcome("s.t1"), done("end_turn"));
    assert!(
        run.said().contains("The task: greet the world") && run.said().contains("The check passed."),
        "{}",
        run.said()
    );
    assert!(run.file("GREETING.md").starts_with("# Hello"));
    assert_eq!(run.file("NOTES.md"), "- greeted\n- the check was allowed and passed\n");
    let has = |wanted: fn(&Update) -> bool| run.updates.iter().filter(|update| wanted(update)).count();
    assert_eq!(has(asked), 1);
    assert_eq!(has(|update| matches!(update, Update::Thought(_))), 1);
    assert_eq!(has(|update| matches!(update, Update::Plan(_))), 4);
    assert_eq!(has(|update| matches!(update, Update::Raw(_) | Update::Notice(_))), 0);
    assert!(has(|update| matches!(update, Update::Usage(usage) if usage.cost_micros == Some(3100))) == 1);
    assert!(has(|update| matches!(update, Update::Usage(usage) if usage.input == 1200 && usage.output == 84)) == 1);
}

#[test]
fn a_refused_tour_leaves_the_check_out() {
    let mut run = Run::start(TOUR);
    run.prompt("s.t1", "x");
    answer(&mut run, "reject");
    assert_eq!(run.outcome("s.t1"), done("end_turn"));
    assert_eq!(run.file("NOTES.md"), "- greeted\n");
    let failed = |update: &Update| matches!(update, Update::Tool(call) if call.id == "check" && call.status == ToolStatus::Failed);
    assert!(run.updates.iter().any(failed));
}

#[test]
fn every_turn_has_its_steps_and_a_prompt_can_be_a_script() {
    let mut run = Run::start("say other\non-turn 2\nsay second: \nprompt\n");
    assert_eq!(run.turn("s.t1", "a"), done("end_turn"));
    assert_eq!(run.turn("s.t2", "b"), done("end_turn"));
    assert_eq!(run.turn("s.t3", "c\n#!script\nedit \"x y\" made\nstop max_tokens\n"), done("max_tokens"));
    assert_eq!(run.turn("s.t4", "d"), done("end_turn"));
    assert_eq!(run.said(), "othersecond:\u{20}bother".replace(": b", ":b"));
    assert_eq!(run.file("x y"), "made");
    let outcome = run.turn("s.t5", "#!script\nfly\n");
    assert!(matches!(outcome, TurnOutcome::Failed { reason } if reason.contains("line 1: unknown step fly")));
}

#[test]
fn a_cancel_ends_the_turn_while_it_waits_or_asks() {
    for (script, before) in [
        ("say go\nwait-cancel\n", ""),
        ("say go\nask-permission p Do it\n", "asked"),
        ("say go\nsleep-until never\n", ""),
    ] {
        let mut run = Run::start(script);
        run.prompt("s.t1", "x");
        run.until(
            "it works",
            |update| if before.is_empty() { matches!(update, Update::Message(_)) } else { asked(update) },
        );
        run.feed(ConversationInput::Cancel);
        assert_eq!(run.outcome("s.t1"), TurnOutcome::Interrupted { reason: "cancelled".to_owned() }, "{script}");
        let withdrawn = run.updates.iter().filter(|update| matches!(update, Update::ApprovalWithdrawn { .. })).count();
        assert_eq!(withdrawn, usize::from(!before.is_empty()));
        assert_eq!(run.turn("s.t2", "#!script\nsay again"), done("end_turn"), "the next turn works");
    }
}

#[test]
fn gates_are_files() {
    let mut run = Run::start("wait-start begin\npid pid\nsleep-until go\ntouch done\n");
    run.prompt("s.t1", "x");
    std::fs::write(run.dir.path().join("begin"), "").unwrap();
    std::fs::write(run.dir.path().join("go"), "").unwrap();
    assert_eq!(run.outcome("s.t1"), done("end_turn"));
    assert!(run.file("pid").parse::<u32>().unwrap() > 1);
    assert_eq!(run.file("done"), "");
}

#[test]
fn a_question_and_a_request_taken_back() {
    let mut run = Run::start("ask-question q Which colour? :: red | blue\nwithdraw-permission w Never mind\nsay end\n");
    run.prompt("s.t1", "x");
    let Update::Approval { kind, options, .. } = run.until("it asks", asked) else { unreachable!() };
    assert_eq!((kind, options.len()), (ApprovalKind::Question, 2));
    answer(&mut run, "blue");
    assert_eq!(run.outcome("s.t1"), done("end_turn"));
    assert_eq!(run.said(), "chosen: blue\nend");
    assert!(run.updates.iter().any(|update| matches!(update, Update::ApprovalWithdrawn { .. })));
}

#[test]
fn model_and_mode() {
    let setup = ConversationSetup {
        mode: Some("auto".to_owned()),
        model: Some("big".to_owned()),
        ..ConversationSetup::default()
    };
    let mut run = Run::start_with("modes ask | auto\nmodels small | big\nmode ask\n", setup);
    assert_eq!(run.turn("s.t1", "x"), done("end_turn"));
    let mut seen = Vec::new();
    for update in &run.updates {
        if let Update::Options(options) = update {
            seen.push(options.iter().map(|option| option.current.clone()).collect::<Vec<_>>().join(" "));
        }
    }
    assert_eq!(seen, ["ask small", "ask big", "auto big", "ask big"]);
}

#[test]
fn refusals_before_it_is_ready_are_told_apart() {
    for (script, expected) in [
        ("auth-required\n", "the agent is not logged in (session/new: Authentication required)"),
        ("refuse-initialize\n", "the agent refused initialize: the script refuses"),
        ("protocol-version 2\n", "the agent speaks version 2 of the protocol, divisi speaks 1"),
    ] {
        let mut run = Run::start(script);
        let Update::Unusable { reason, .. } =
            run.until("it refuses", |update| matches!(update, Update::Unusable { .. }))
        else {
            unreachable!()
        };
        assert_eq!(reason, expected);
    }
    let mut run = Run::start("die-at-start 41\nslow-start 1\n");
    run.until_ended(true);
    assert!(
        matches!(run.updates.last(), Some(Update::Unusable { reason, .. }) if reason.contains("exit 41")),
        "{:?}",
        run.updates
    );
}

#[test]
fn an_earlier_conversation_goes_on_where_the_agent_can() {
    for (script, resumed, replayed) in [
        ("capability load\nsay new", true, false),
        ("capability resume\nsay new", true, false),
        ("capability load\ncapability resume\nload-fails\nsay new", false, false),
        ("say new", false, false),
    ] {
        let earlier = AgentReady { conversation: Some("E".to_owned()), ..AgentReady::default() };
        let mut run =
            Run::start_with(script, ConversationSetup { resume: Some(earlier), ..ConversationSetup::default() });
        assert_eq!(run.turn("s.t1", "x"), done("end_turn"));
        let Update::Ready(ready) = run.until("it is ready", |update| matches!(update, Update::Ready(_))) else {
            unreachable!()
        };
        assert_eq!(ready.resumed, resumed, "{script}");
        assert_eq!(ready.conversation.as_deref() == Some("E"), resumed);
        assert_eq!(run.said().contains("an earlier answer"), replayed);
    }
}

#[test]
fn a_failed_prompt_says_why_and_the_next_one_works() {
    let mut run = Run::start("say ok\non-turn 1\nfail-prompt -32603 the model is tired\n");
    assert_eq!(run.turn("s.t1", "x"), TurnOutcome::Failed { reason: "the model is tired (error -32603)".to_owned() });
    assert_eq!(run.turn("s.t2", "x"), done("end_turn"));
}
