use proptest::prelude::*;

use super::*;
use crate::model::agent::AgentReady;
use crate::model::event::{Cause, Event};
use crate::model::samples::{oid, prompt, session, turn_id, usage};
use crate::model::turn::TurnOutcome;
use crate::session::fold::apply;

/// Input, output and cost.
type Sums = (u64, u64, Option<i64>);

fn started(number: u32) -> Event {
    let text = String::new();
    Event::TurnStarted {
        turn: turn_id(number),
        number,
        prompt: prompt(number).id,
        text,
        attachments: Vec::new(),
        from: oid('a'),
    }
}

fn report(turn: u32, usage: Usage) -> Event {
    Event::UsageReported { turn: Some(turn_id(turn)), usage }
}

/// The session's and the newest turn's sums after some events.
fn sums(events: &[Event]) -> (Sums, Sums) {
    let mut session = session();
    for event in events {
        apply(&mut session, event, &Cause::Host, 1);
    }
    let of = |usage: &Usage| (usage.input, usage.output, usage.cost_micros);
    (of(&session.usage), session.turn.map_or((0, 0, None), |turn| of(&turn.usage)))
}

#[test]
fn steps_are_added() {
    let step = |input, output, cost| report(1, usage(UsageScope::Step, input, output, cost));
    assert_eq!(sums(&[started(1), step(10, 1, None), step(5, 2, Some(7))]), ((15, 3, Some(7)), (15, 3, Some(7))));
}

#[test]
fn turns_are_added_to_the_session_and_a_later_figure_of_the_same_turn_replaces_the_earlier() {
    let turn = |number, input, cost| report(number, usage(UsageScope::Turn, input, 1, cost));
    let first = [started(1), turn(1, 10, Some(100))];
    assert_eq!(sums(&first), ((10, 1, Some(100)), (10, 1, Some(100))));
    assert_eq!(sums(&[&first[..], &[turn(1, 12, Some(90))]].concat()), ((12, 1, Some(90)), (12, 1, Some(90))));
    let both = [&first[..], &[started(2), turn(2, 5, Some(50))]].concat();
    assert_eq!(sums(&both), ((15, 2, Some(150)), (5, 1, Some(50))));
    let after_steps = [started(1), report(1, usage(UsageScope::Step, 8, 1, None)), turn(1, 10, None)];
    assert_eq!(sums(&after_steps), ((10, 1, None), (10, 1, None)), "steps of the turn are not counted twice");
}

#[test]
fn a_session_figure_replaces_the_sum_and_the_turn_gets_the_difference() {
    let whole = |turn, input, cost| report(turn, usage(UsageScope::Session, input, 2, cost));
    let events = [started(1), whole(1, 10, Some(100)), started(2), whole(2, 16, Some(130)), whole(2, 20, Some(140))];
    assert_eq!(sums(&events), ((20, 2, Some(140)), (10, 0, Some(40))));
}

#[test]
fn tokens_from_one_place_and_cost_from_another_do_not_erase_each_other() {
    let mut cost = usage(UsageScope::Session, 0, 0, Some(500));
    cost.context_used = Some(9000);
    let mut state = session();
    for event in [started(1), report(1, usage(UsageScope::Turn, 10, 3, None)), report(1, cost)] {
        apply(&mut state, &event, &Cause::Host, 1);
    }
    let total = &state.usage;
    assert_eq!((total.input, total.output, total.cost_micros, total.context_used), (10, 3, Some(500), Some(9000)));
    assert_eq!(total.currency.as_deref(), Some("USD"));
}

#[test]
fn sums_carry_the_weakest_source_and_never_add_two_currencies() {
    let mut estimated = usage(UsageScope::Step, 1, 1, Some(5));
    estimated.source = UsageSource::Estimated;
    let mut foreign = usage(UsageScope::Step, 1, 1, Some(1_000_000));
    foreign.currency = Some("credits".to_owned());
    let mut state = session();
    for event in
        [started(1), report(1, usage(UsageScope::Step, 1, 1, Some(5))), report(1, estimated), report(1, foreign)]
    {
        apply(&mut state, &event, &Cause::Host, 1);
    }
    assert_eq!((state.usage.source, state.usage.cost_micros), (UsageSource::Estimated, Some(10)));
    assert_eq!(state.usage.input, 3);
}

#[test]
fn absurd_figures_do_not_overflow_and_nothing_is_negative() {
    let huge = |scope| report(1, usage(scope, u64::MAX, u64::MAX, Some(i64::MAX)));
    let low = report(1, usage(UsageScope::Turn, 1, 1, Some(i64::MIN)));
    let events = [
        started(1),
        huge(UsageScope::Step),
        huge(UsageScope::Step),
        huge(UsageScope::Turn),
        low,
        huge(UsageScope::Session),
    ];
    let ((input, output, cost), _) = sums(&events);
    assert_eq!((input, output, cost), (MOST, MOST, Some(MOST.cast_signed())));
}

#[test]
fn a_price_of_nothing_is_not_told() {
    let events = [started(1), report(1, usage(UsageScope::Step, 5, 5, Some(0)))];
    assert_eq!(sums(&events).0, (5, 5, None));
}

#[test]
fn a_new_conversation_is_counted_from_where_the_session_stands() {
    let whole = |turn, input| report(turn, usage(UsageScope::Session, input, 1, None));
    let ready = |conversation: &str, resumed| Event::AgentReadied {
        ready: AgentReady { conversation: Some(conversation.to_owned()), resumed, ..AgentReady::default() },
    };
    let first = [ready("c1", false), started(1), whole(1, 100), stopped(1)];
    // Resumed: the total goes on.
    let resumed = [&first[..], &[started(2), ready("c1", true), whole(2, 150)]].concat();
    assert_eq!(sums(&resumed).0.0, 150);
    // Another conversation: its total is all new, however large.
    let anew = [&first[..], &[started(2), ready("c2", false), whole(2, 150), whole(2, 170)]].concat();
    assert_eq!((sums(&anew).0.0, sums(&anew).1.0), (270, 170));
    // The same, but the process began to count anew.
    let restarted = [&first[..], &[started(2), ready("c1", true), whole(2, 30), whole(2, 40)]].concat();
    assert_eq!((sums(&restarted).0.0, sums(&restarted).1.0), (140, 40));
}

#[test]
fn models_are_told_apart() {
    let of = |model: &str, scope, input, cost| {
        report(1, Usage { model: Some(model.to_owned()), ..usage(scope, input, 1, cost) })
    };
    let mut state = session();
    for event in [
        started(1),
        of("a", UsageScope::Step, 10, Some(5)),
        of("b", UsageScope::Step, 4, None),
        of("b", UsageScope::Turn, 12, None),
    ] {
        apply(&mut state, &event, &Cause::Host, 1);
    }
    let inputs: Vec<(&str, u64, Option<i64>)> =
        state.usage.models.iter().map(|(name, model)| (name.as_str(), model.input, model.cost_micros)).collect();
    assert_eq!(inputs, [("a", 10, Some(5)), ("b", 2, None)], "what is too much is the named model's first");
    assert_eq!((state.usage.input, state.usage.cost_micros, state.usage.cost_partial), (12, Some(5), true));
}

#[test]
fn a_sum_of_an_earlier_divisi_goes_on_without_models() {
    let mut state = session();
    state.usage = usage(UsageScope::Session, 100, 10, Some(50));
    for event in [started(1), report(1, usage(UsageScope::Step, 5, 1, Some(7)))] {
        apply(&mut state, &event, &Cause::Host, 1);
    }
    assert_eq!((state.usage.input, state.usage.output, state.usage.cost_micros), (105, 11, Some(57)));
}

fn stopped(turn: u32) -> Event {
    let outcome = TurnOutcome::Done { stop_reason: "end_turn".to_owned() };
    Event::TurnStopped { turn: turn_id(turn), outcome }
}

fn any_report() -> impl Strategy<Value = (Option<bool>, Usage)> {
    let scope = prop_oneof![Just(UsageScope::Step), Just(UsageScope::Turn), Just(UsageScope::Session)];
    let model = prop_oneof![Just(None), Just(Some("a")), Just(Some("b"))];
    let cost = prop_oneof![Just(None), (-5_i64..1000).prop_map(Some)];
    let split = any::<bool>();
    (prop::option::of(any::<bool>()), scope, model, 0_u64..500, 0_u64..50, cost, split).prop_map(
        |(event, scope, model, input, output, cost, split)| {
            let mut report = Usage { model: model.map(str::to_owned), ..usage(scope, input, output, cost) };
            if split {
                report.models = [("b".to_owned(), report.figures()), ("c".to_owned(), ModelUsage::default())].into();
            }
            (event, report)
        },
    )
}

proptest! {
    #[test]
    fn the_session_is_the_sum_of_its_turns_and_every_sum_that_of_its_models(
        reports in prop::collection::vec(any_report(), 1..40),
    ) {
        let mut state = session();
        let mut turns: Vec<Usage> = Vec::new();
        let mut number = 0;
        let close = |state: &Session, turns: &mut Vec<Usage>| turns.extend(state.turn.as_ref().map(|turn| turn.usage.clone()));
        for (event, report) in reports {
            if event == Some(true) || number == 0 {
                close(&state, &mut turns);
                number += 1;
                apply(&mut state, &started(number), &Cause::Host, 1);
            } else if event == Some(false) {
                let ready = AgentReady { conversation: Some(format!("c{number}")), ..AgentReady::default() };
                apply(&mut state, &Event::AgentReadied { ready }, &Cause::Host, 1);
            }
            apply(&mut state, &Event::UsageReported { turn: None, usage: report }, &Cause::Host, 1);
            let mut added = state.usage.clone();
            added.add_up();
            prop_assert_eq!(&added, &state.usage);
            prop_assert!(state.usage.models.values().all(|model| model.cost_micros.is_none_or(|cost| cost >= 0)));
        }
        close(&state, &mut turns);
        let sum = |pick: fn(&Usage) -> u64| turns.iter().map(pick).sum::<u64>();
        prop_assert_eq!(sum(|turn| turn.input), state.usage.input);
        prop_assert_eq!(sum(|turn| turn.output), state.usage.output);
        prop_assert_eq!(
            sum(|turn| turn.cost_micros.unwrap_or(0).unsigned_abs()),
            state.usage.cost_micros.unwrap_or(0).unsigned_abs()
        );
    }
}
