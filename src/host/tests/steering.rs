//! Prompts for the running turn, and options, decision by decision.

use super::*;
use crate::model::agent::{Choice, ConfigOption};
use crate::model::attachment::{Attach, When};
use crate::model::command::{Outcome, SetOption};
use crate::model::id::PromptId;

fn prompt(id: &SessionId, text: &str, when: When) -> SendPrompt {
    SendPrompt { session: id.clone(), text: text.to_owned(), attach: Vec::new(), when, caller: BTreeMap::new() }
}

fn send(brain: &mut Brain, command: &str, prompt: &SendPrompt) -> Decision {
    decide(brain, |change| on_prompt::on_send(change, &CommandId(command.to_owned()), prompt, "test").unwrap())
}

fn outcome(decision: &Decision) -> Outcome {
    decision.receipts[0].1.clone().unwrap().outcome
}

/// A session whose turn runs in an agent that can be steered.
fn steerable(brain: &mut Brain) -> (SessionId, JobId) {
    let (id, job) = running(brain, "stays");
    let ready = AgentReady { can_steer: true, ..AgentReady::default() };
    decide(brain, |change| on_agent::on_agent(change, &id, &job, vec![Update::Ready(ready)]));
    (id, job)
}

fn tells(brain: &mut Brain, id: &SessionId, job: &JobId, update: Update) -> Decision {
    decide(brain, |change| on_agent::on_agent(change, id, job, vec![update]))
}

fn second(id: &SessionId) -> PromptId {
    PromptId(format!("{id}.p2"))
}

#[test]
fn a_prompt_goes_into_the_running_turn_and_is_told_once() {
    let mut brain = brain();
    let (id, job) = steerable(&mut brain);
    let sent = send(&mut brain, "c2", &prompt(&id, "not that", When::Now));
    assert_eq!(effects(&sent), ["steer"]);
    assert!(matches!(outcome(&sent), Outcome::Steering { .. }));
    let taken = tells(&mut brain, &id, &job, Update::Steered { prompt: second(&id) });
    assert_eq!(events(&taken), ["prompt.steered"]);
    let again = tells(&mut brain, &id, &job, Update::Steered { prompt: second(&id) });
    assert_eq!(events(&again), Vec::<String>::new());
    finish(&mut brain, &id, &job);
    assert_eq!(events(&checkpoint(&mut brain, &id)), ["turn.ended"]);
}

#[test]
fn a_prompt_under_way_is_no_turn_of_its_own_until_it_was_missed() {
    let mut brain = brain();
    let (id, job) = steerable(&mut brain);
    send(&mut brain, "c2", &prompt(&id, "not that", When::Now));
    let edit = crate::model::command::EditPrompt { session: id.clone(), prompt: second(&id), text: "x".to_owned() };
    decide(&mut brain, |change| {
        on_prompt::on_edit_prompt(change, &CommandId("c3".to_owned()), &edit).unwrap_err();
    });
    finish(&mut brain, &id, &job);
    assert_eq!(events(&checkpoint(&mut brain, &id)), ["turn.ended"]);
    let missed = Update::SteerMissed { prompt: second(&id), reason: "over".to_owned() };
    let next = tells(&mut brain, &id, &job, missed);
    assert_eq!(events(&next), ["prompt.steer_missed", "turn.started"]);
    assert_eq!(effects(&next), ["prompt"]);
}

#[test]
fn a_prompt_under_way_survives_its_process() {
    let mut brain = brain();
    let (id, job) = steerable(&mut brain);
    send(&mut brain, "c2", &prompt(&id, "not that", When::Now));
    let end = JobEnd::Signaled { signal: 9, stopped: false, leaked: 0 };
    let ended = decide(&mut brain, |change| on_job::on_ended(change, &id, &job, end));
    assert_eq!(events(&ended), ["prompt.steer_missed", "turn.failed", "turn.stopped", "job.ended"]);
    assert_eq!(events(&checkpoint(&mut brain, &id))[1], "turn.started");
}

#[test]
fn what_cannot_be_put_into_the_turn_is_next_in_line() {
    let mut brain = brain();
    let (id, job) = running(&mut brain, "stays");
    send(&mut brain, "c2", &prompt(&id, "later", When::Free));
    let sent = send(&mut brain, "c3", &prompt(&id, "now", When::Now));
    assert!(matches!(outcome(&sent), Outcome::Queued { .. }));
    send(&mut brain, "c4", &prompt(&id, "now, too", When::Now));
    let texts: Vec<_> = brain.registry.sessions[&id].queue.iter().map(|prompt| prompt.text.as_str()).collect();
    assert_eq!(texts, ["now", "now, too", "later"]);
    finish(&mut brain, &id, &job);
    checkpoint(&mut brain, &id);
    assert_eq!(brain.registry.sessions[&id].turn.as_ref().unwrap().prompt, "now");
}

#[test]
fn an_interrupting_prompt_stops_the_turn_and_is_the_next() {
    let mut brain = brain();
    let (id, job) = steerable(&mut brain);
    send(&mut brain, "c2", &prompt(&id, "later", When::Free));
    let sent = send(&mut brain, "c3", &prompt(&id, "this", When::Interrupt));
    assert_eq!(events(&sent), ["prompt.queued", "turn.stop_requested", "command.accepted"]);
    assert_eq!(effects(&sent), ["stop turn"]);
    // A turn that is being stopped takes nothing more.
    let late = send(&mut brain, "c4", &prompt(&id, "and this", When::Now));
    assert!(matches!(outcome(&late), Outcome::Queued { .. }));
    finish(&mut brain, &id, &job);
    checkpoint(&mut brain, &id);
    assert_eq!(brain.registry.sessions[&id].turn.as_ref().unwrap().prompt, "this");
    // Nothing runs: there is nothing to interrupt.
    let (idle, job) = running(&mut brain, "stays");
    finish(&mut brain, &idle, &job);
    checkpoint(&mut brain, &idle);
    let sent = send(&mut brain, "c5", &prompt(&idle, "go on", When::Interrupt));
    assert_eq!(events(&sent), ["prompt.queued", "command.accepted", "turn.started"]);
}

#[test]
fn files_are_copied_before_a_prompt_is_accepted() {
    let mut brain = brain();
    let (id, _) = steerable(&mut brain);
    let attach = vec![Attach { path: "/x.png".to_owned(), image: true }];
    // The agent of this test is said to be a shell, whose prompts are command lines.
    let with_file = SendPrompt { attach, ..prompt(&id, "look", When::Free) };
    decide(&mut brain, |change| {
        let refusal = on_prompt::on_send(change, &CommandId("c2".to_owned()), &with_file, "test").unwrap_err();
        assert!(refusal.message.contains("command line"), "{refusal}");
    });
    let command = crate::model::command::Command::SendPrompt(prompt(&id, "look", When::Free));
    let ticket = brain.wait(&CommandId("c3".to_owned()), &command);
    let kept = vec![crate::model::samples::attachment()];
    let taken = decide(&mut brain, |change| on_prompt::on_attachments_kept(change, ticket, "test", Ok(kept.clone())));
    assert_eq!(events(&taken), ["prompt.queued", "command.accepted"]);
    assert_eq!(brain.registry.sessions[&id].queue[0].attachments, kept);
    let ticket = brain.wait(&CommandId("c4".to_owned()), &command);
    let refused = decide(&mut brain, |change| {
        on_prompt::on_attachments_kept(change, ticket, "test", Err(Refusal::user("cannot attach /x.png")));
    });
    assert_eq!(events(&refused), Vec::<String>::new());
    assert!(refused.receipts[0].1.is_err());
}

fn mode(current: &str) -> ConfigOption {
    let choice = |id: &str| Choice { id: id.to_owned(), name: id.to_owned(), description: None };
    ConfigOption {
        id: "mode".to_owned(),
        name: "Mode".to_owned(),
        category: Some("mode".to_owned()),
        current: current.to_owned(),
        choices: vec![choice("ask"), choice("plan")],
        is_mode: true,
    }
}

#[test]
fn a_chosen_option_reaches_later_processes_and_the_one_that_a_new_daemon_finds() {
    let mut brain = brain();
    let (id, job) = steerable(&mut brain);
    tells(&mut brain, &id, &job, Update::Options(vec![mode("ask")]));
    let set = SetOption { session: id.clone(), option: "mode".to_owned(), value: "plan".to_owned() };
    let chosen =
        decide(&mut brain, |change| on_option::on_set_option(change, &CommandId("c2".to_owned()), &set).unwrap());
    assert_eq!(events(&chosen), ["session.option_chosen", "command.accepted"]);
    assert_eq!((effects(&chosen), outcome(&chosen)), (vec!["option"], Outcome::Done));
    // The daemon dies before it was told.
    let found = decide(&mut brain, |change| on_job::on_attached(change, &id, &job, true));
    assert_eq!(effects(&found), ["option"]);
    tells(&mut brain, &id, &job, Update::Options(vec![mode("plan")]));
    let found = decide(&mut brain, |change| on_job::on_attached(change, &id, &job, true));
    assert_eq!(effects(&found), Vec::<&str>::new());
    finish(&mut brain, &id, &job);
    checkpoint(&mut brain, &id);
    let end = JobEnd::Exited { code: 0, stopped: false, leaked: 0 };
    decide(&mut brain, |change| on_job::on_ended(change, &id, &job, end));
    let next = send(&mut brain, "c3", &prompt(&id, "more", When::Free));
    let modes: Vec<_> = next
        .effects
        .iter()
        .filter_map(
            |effect| if let Effect::StartJob { launch, .. } = effect { launch.setup.mode.clone() } else { None },
        )
        .collect();
    assert_eq!(modes, ["plan"]);
    // What the agent refuses is not asked of its next process again.
    let job = brain.registry.sessions[&id].job.clone().unwrap();
    let refused = Some("not as root".to_owned());
    let (option, value) = ("mode".to_owned(), "plan".to_owned());
    tells(&mut brain, &id, &job, Update::OptionAnswered { id: option, value, refused });
    assert!(brain.registry.sessions[&id].chosen.is_empty());
}
