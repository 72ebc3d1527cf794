use super::*;

fn run(inputs: &[ConversationInput<'_>]) -> Vec<Update> {
    let mut conversation = ShellConversation::new(TurnId::from("s.t1"));
    let mut updates = Vec::new();
    for input in inputs {
        conversation.feed(*input, &mut updates);
    }
    updates
}

fn outcome(job_end: &JobEnd) -> TurnOutcome {
    match run(&[ConversationInput::Started, ConversationInput::Ended(job_end)]).pop() {
        Some(Update::TurnEnded { turn, outcome }) if turn.as_str() == "s.t1" => outcome,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_end_decides_the_outcome() {
    let exited = |code, stopped| JobEnd::Exited { code, stopped, leaked: 0 };
    let signaled = |signal, stopped| JobEnd::Signaled { signal, stopped, leaked: 0 };
    let failed = |reason: &str| TurnOutcome::Failed { reason: reason.to_owned() };
    let stopped = TurnOutcome::Interrupted { reason: "stopped".to_owned() };
    assert_eq!(outcome(&exited(0, false)), TurnOutcome::Done { stop_reason: "exit 0".to_owned() });
    assert_eq!(outcome(&exited(3, false)), failed("exit 3"));
    assert_eq!(outcome(&exited(0, true)), stopped);
    assert_eq!(outcome(&signaled(15, true)), stopped);
    assert_eq!(outcome(&signaled(9, false)), failed("killed by signal 9 (SIGKILL)"));
    assert_eq!(outcome(&signaled(40, false)), failed("killed by signal 40"));
    assert_eq!(
        outcome(&JobEnd::NotStarted { reason: "no such file".to_owned() }),
        failed("could not be started: no such file")
    );
    assert!(matches!(outcome(&JobEnd::Lost), TurnOutcome::Interrupted { .. }));
}

#[test]
fn output_is_the_transcript_and_the_turn_ends_once() {
    let job_end = JobEnd::Exited { code: 0, stopped: false, leaked: 2 };
    let updates = run(&[
        ConversationInput::Started,
        ConversationInput::Output { stderr: false, bytes: b"one\n" },
        ConversationInput::Output { stderr: true, bytes: b"warn \xe2\x82" },
        ConversationInput::Ended(&job_end),
        ConversationInput::Ended(&job_end),
        ConversationInput::Output { stderr: false, bytes: b"late" },
    ]);
    assert_eq!(
        updates,
        [
            Update::Output { stderr: false, text: "one\n".to_owned() },
            Update::Output { stderr: true, text: "warn ".to_owned() },
            Update::Output { stderr: true, text: "\u{fffd}".to_owned() },
            Update::Notice("2 processes of its tree outlived it and were ended".to_owned()),
            Update::TurnEnded {
                turn: TurnId::from("s.t1"),
                outcome: TurnOutcome::Done { stop_reason: "exit 0".to_owned() }
            },
        ]
    );
}

#[test]
fn inputs_of_other_protocols_do_nothing() {
    let turn = TurnId::from("s.t1");
    assert_eq!(
        run(&[
            ConversationInput::Prompt { turn: &turn, text: "x", content: &[], prompt: None },
            ConversationInput::Answer { key: "1", option: None, message: None },
            ConversationInput::Cancel,
            ConversationInput::Option { id: "a", value: "b" },
            ConversationInput::Written { key: "k", bytes: b"x" },
        ]),
        []
    );
}
