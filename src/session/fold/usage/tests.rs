use super::*;
use crate::model::event::{Cause, Event};
use crate::model::samples::{oid, prompt, session, turn_id, usage};
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
fn absurd_figures_do_not_overflow() {
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
    let ((input, output, _), _) = sums(&events);
    assert_eq!((input, output), (u64::MAX, u64::MAX));
}
