use proptest::prelude::*;

use super::*;

/// A conversation and what it yields.
struct Talk {
    conversation: PtyConversation,
    updates: Vec<Update>,
    journal: Vec<Recorded>,
}

#[derive(Clone, Debug)]
enum Recorded {
    Output(Vec<u8>),
    Written(String, Vec<u8>),
}

impl Talk {
    fn new(setup: PtySetup) -> Self {
        let mut talk = Self { conversation: PtyConversation::new(setup), updates: Vec::new(), journal: Vec::new() };
        talk.feed(ConversationInput::Started);
        talk
    }

    fn feed(&mut self, input: ConversationInput<'_>) {
        self.conversation.feed(input, &mut self.updates);
    }

    /// The program prints; what is written to it on that comes back at once.
    fn prints(&mut self, text: &str) {
        self.journal.push(Recorded::Output(text.as_bytes().to_vec()));
        self.feed(ConversationInput::Output { stderr: false, bytes: text.as_bytes() });
        self.write();
    }

    fn status(&mut self, state: &str) {
        self.prints(&format!("\u{1b}]7501;state={state}\u{1b}\\"));
    }

    fn quiet(&mut self) {
        self.feed(ConversationInput::Quiet);
        self.write();
    }

    fn prompt(&mut self, turn: &str, text: &str) {
        self.feed(ConversationInput::Prompt { turn: &turn.into(), text, content: &[], prompt: None });
        self.write();
    }

    /// The unit writes each key once and the journal shows it.
    fn write(&mut self) {
        let mut again = false;
        for update in std::mem::take(&mut self.updates) {
            match update {
                Update::Write { key, bytes } => {
                    let seen =
                        self.journal.iter().any(|one| matches!(one, Recorded::Written(known, _) if *known == key));
                    if !seen {
                        self.journal.push(Recorded::Written(key.clone(), bytes.clone()));
                        let mut more = Vec::new();
                        self.conversation.feed(ConversationInput::Written { key: &key, bytes: &bytes }, &mut more);
                        let writes = more.iter().any(|update| matches!(update, Update::Write { .. }));
                        self.updates.extend(more);
                        again |= writes;
                    }
                }
                other => self.updates.push(other),
            }
        }
        if again {
            self.write();
        }
    }

    fn written(&self) -> Vec<(&str, String)> {
        let written = self.journal.iter().filter_map(|one| match one {
            Recorded::Written(key, bytes) => Some((key.as_str(), String::from_utf8_lossy(bytes).into_owned())),
            Recorded::Output(_) => None,
        });
        written.collect()
    }

    fn take(&mut self) -> Vec<Update> {
        std::mem::take(&mut self.updates)
    }
}

fn ended(turn: &str, outcome: TurnOutcome) -> Update {
    Update::TurnEnded { turn: turn.into(), outcome }
}

fn done(reason: &str) -> TurnOutcome {
    TurnOutcome::Done { stop_reason: reason.to_owned() }
}

fn is_ready(update: &Update) -> bool {
    matches!(update, Update::Ready(_))
}

#[test]
fn a_prompt_waits_until_the_program_is_silent_and_enter_until_it_has_taken_the_paste() {
    let mut talk = Talk::new(PtySetup::default());
    talk.prompt("t1", "fix\nit \u{1b}[201~\u{3}");
    talk.prints("starting");
    assert_eq!(talk.conversation.quiet_after(), Some(QUIET));
    assert!(talk.written().is_empty() && talk.take().is_empty());
    talk.prints("\u{1b}[?2004h> ");
    talk.quiet();
    assert_eq!(talk.written(), [("prompt:t1", "\u{1b}[200~fix\nit [201~\u{1b}[201~".to_owned())]);
    assert!(talk.take().iter().any(is_ready));
    assert_eq!(talk.conversation.quiet_after(), Some(BEFORE_ENTER));
    talk.quiet();
    assert_eq!(talk.written()[1], ("enter:t1", "\r".to_owned()));
    assert_eq!(talk.conversation.quiet_after(), None);
}

#[test]
fn a_program_that_takes_no_pastes_is_typed_one_line() {
    let mut talk = Talk::new(PtySetup::default());
    talk.prompt("t1", "one\ntwo\tthree\n");
    talk.prints("$ ");
    talk.quiet();
    assert_eq!(talk.written(), [("prompt:t1", "one two    three".to_owned())]);
}

#[test]
fn states_end_turns_and_what_came_before_the_work_does_not() {
    let mut talk = Talk::new(PtySetup::default());
    talk.prompt("t1", "go");
    talk.status("idle");
    talk.quiet();
    talk.status("idle");
    assert!(!talk.take().iter().any(|update| matches!(update, Update::TurnEnded { .. })), "nothing was worked on yet");
    talk.status("working");
    talk.prints("\r\nresult\r\n");
    talk.status("done");
    talk.status("idle");
    talk.quiet();
    let updates = talk.take();
    assert!(updates.contains(&ended("t1", done("end_turn"))), "{updates:?}");
    assert_eq!(updates.iter().filter(|update| matches!(update, Update::TurnEnded { .. })).count(), 1);
    assert!(updates.iter().any(|update| matches!(update, Update::Output { text, .. } if text.contains("result"))));
    talk.prompt("t2", "again");
    talk.quiet();
    talk.status("error:msg=bm8gbW9kZWw=");
    talk.quiet();
    assert!(talk.take().contains(&ended("t2", TurnOutcome::Failed { reason: "no model".to_owned() })));
}

#[test]
fn a_question_is_open_until_the_program_goes_on() {
    let mut talk = Talk::new(PtySetup::default());
    talk.status("idle");
    talk.prompt("t1", "go");
    talk.quiet();
    talk.status("working");
    talk.take();
    talk.status("blocked:kind=permission:msg=d3JpdGUgaXQ=");
    talk.status("blocked:kind=permission:msg=d3JpdGUgaXQ=");
    let asked = talk.take();
    let [Update::Approval { key, kind: ApprovalKind::Question, tool, options, .. }] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!((tool.title.as_str(), tool.kind.as_str(), options.len()), ("write it", ASKS_ON_TERMINAL, 0));
    talk.status("working");
    let withdrawn = Update::ApprovalWithdrawn { key: key.clone(), reason: "answered in the terminal".to_owned() };
    assert_eq!(talk.take(), [withdrawn]);
}

#[test]
fn titles_are_believed_only_while_there_is_nothing_better() {
    let mut talk = Talk::new(PtySetup::default());
    talk.prompt("t1", "go");
    talk.prints("\u{1b}]0;✳ ready\u{7}");
    talk.quiet();
    talk.prints("\u{1b}]0;⠋ busy\u{7}");
    assert!(talk.conversation.can_cancel());
    talk.prints("\u{1b}]0;✳ ready again\u{7}");
    talk.quiet();
    assert!(talk.take().contains(&ended("t1", done("idle"))));
    talk.status("working");
    talk.take();
    talk.prints("\u{1b}]0;✳ ready\u{7}");
    assert!(talk.take().is_empty());
}

#[test]
fn the_bell_ends_a_typed_turn_of_a_program_that_says_nothing_else() {
    let mut talk = Talk::new(PtySetup::default());
    talk.prompt("t1", "go");
    talk.prints("> ");
    talk.quiet();
    talk.prints("\u{7}");
    assert!(!talk.take().iter().any(|update| matches!(update, Update::TurnEnded { .. })), "the Enter is still to come");
    talk.quiet();
    talk.prints("\u{1b}]9;finished\u{7}");
    let updates = talk.take();
    assert!(updates.contains(&Update::Notice("finished".to_owned())) && updates.contains(&ended("t1", done("bell"))));
    let prompted = ConversationSetup { prompted: Some("t1".into()), ..ConversationSetup::default() };
    let mut talk = Talk::new(PtySetup { conversation: prompted, can_continue: false });
    talk.prints("\u{7}");
    assert!(!talk.take().iter().any(|update| matches!(update, Update::TurnEnded { .. })), "its end decides");
    let exited = JobEnd::Exited { code: 3, stopped: false, leaked: 0 };
    talk.feed(ConversationInput::Ended(&exited));
    assert!(talk.take().contains(&ended("t1", TurnOutcome::Failed { reason: "exit 3".to_owned() })));
}

#[test]
fn what_a_person_begins_is_told_and_ends_like_any_turn() {
    let mut talk = Talk::new(PtySetup::default());
    talk.status("idle");
    talk.take();
    talk.status("working");
    assert_eq!(talk.take(), [Update::Began { text: TYPED_IN_TERMINAL.to_owned() }]);
    talk.prompt("t2", "queued meanwhile");
    assert!(talk.written().is_empty(), "typed when it is free");
    talk.status("done");
    talk.quiet();
    assert!(talk.take().contains(&Update::Rested { outcome: done("end_turn") }));
    assert_eq!(talk.written()[1].0, "prompt:t2");
}

#[test]
fn an_interrupted_turn_is_interrupted_whatever_the_program_calls_it() {
    let mut talk = Talk::new(PtySetup::default());
    talk.status("idle");
    talk.prompt("t1", "go");
    talk.quiet();
    talk.status("working");
    talk.feed(ConversationInput::Cancel);
    talk.write();
    assert_eq!(talk.written().last().unwrap().1, "\u{1b}");
    talk.status("idle");
    talk.quiet();
    assert!(talk.take().contains(&ended("t1", TurnOutcome::Interrupted { reason: "interrupted".to_owned() })));
}

#[test]
fn a_conversation_that_can_be_gone_on_with_is_told_once_there_is_one() {
    let mut talk = Talk::new(PtySetup { can_continue: true, ..PtySetup::default() });
    talk.status("idle");
    let told = talk.take();
    let [Update::Ready(first)] = told.as_slice() else { panic!("not ready: {told:?}") };
    assert_eq!(first.conversation, None);
    talk.prompt("t1", "go");
    talk.quiet();
    talk.status("working");
    talk.status("done");
    talk.quiet();
    let told = talk
        .take()
        .into_iter()
        .rev()
        .find_map(|update| if let Update::Ready(ready) = update { Some(ready) } else { None });
    let told = told.unwrap();
    assert!(told.can_resume && told.conversation.is_some());
}

/// A conversation whose turn `t1` works.
fn working() -> Talk {
    let mut talk = Talk::new(PtySetup::default());
    talk.status("idle");
    talk.prompt("t1", "go");
    talk.quiet();
    talk.status("working");
    talk.take();
    talk
}

fn tells(updates: &[Update], words: &str) -> bool {
    updates.iter().any(|update| matches!(update, Update::Output { text, .. } if text.contains(words)))
}

#[test]
fn words_that_are_drawn_after_the_program_said_that_it_is_done_are_told_with_the_turn() {
    let mut talk = working();
    talk.status("done");
    assert_eq!(talk.conversation.quiet_after(), Some(SETTLE));
    talk.prints("last words");
    assert!(talk.take().is_empty(), "the screen is not taken while it is drawn");
    talk.quiet();
    let updates = talk.take();
    assert!(tells(&updates, "last words") && updates.contains(&ended("t1", done("end_turn"))), "{updates:?}");
    assert_eq!(talk.conversation.quiet_after(), None);
    assert_eq!(talk.written().last().unwrap(), &("settled:0", String::new()), "another daemon sees it end here too");
}

#[test]
fn a_program_that_is_never_silent_ends_its_turns_all_the_same() {
    let mut talk = working();
    talk.status("done");
    for tick in 0..SETTLES_AFTER - 1 {
        talk.prints(&format!("\r{tick}"));
        assert!(talk.take().is_empty());
    }
    talk.prints("\rlast");
    assert!(talk.take().contains(&ended("t1", done("end_turn"))));
    // The next begins before the last has settled, or the process ends: what is over is over.
    let mut talk = working();
    talk.status("done");
    talk.prints("words");
    talk.status("working");
    let updates = talk.take();
    assert!(tells(&updates, "words") && updates.contains(&ended("t1", done("end_turn"))), "{updates:?}");
    let mut talk = working();
    talk.status("done");
    talk.feed(ConversationInput::Ended(&JobEnd::Exited { code: 3, stopped: false, leaked: 0 }));
    assert!(talk.take().contains(&ended("t1", done("end_turn"))), "it had said that it was done");
}

proptest! {
    #[test]
    fn no_output_breaks_it_and_a_new_daemon_comes_to_the_same_state(
        pieces in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::sample::select(vec![
                b"\x1b]7501;state=working\x1b\\".to_vec(), b"\x1b]7501;state=done\x07".to_vec(), b"\x1b]7501;state=idle\x07".to_vec(),
                b"\x1b]7501;state=blocked\x07".to_vec(), b"\x1b[6n".to_vec(), b"\x07".to_vec(), b"\x1b]0;\xe2\x9c\xb3 x\x07".to_vec(),
            ]),
        ], 0..30),

    ) {
        let mut talk = Talk::new(PtySetup::default());
        talk.prompt("t1", "go");
        for piece in &pieces {
            talk.journal.push(Recorded::Output(piece.clone()));
            talk.feed(ConversationInput::Output { stderr: false, bytes: piece });
            talk.write();
        }
        talk.quiet();
        talk.quiet();
        let mut again = PtyConversation::new(PtySetup::default());
        let mut updates = Vec::new();
        again.feed(ConversationInput::Started, &mut updates);
        for record in &talk.journal {
            match record {
                Recorded::Output(bytes) => again.feed(ConversationInput::Output { stderr: false, bytes }, &mut updates),
                Recorded::Written(key, bytes) => again.feed(ConversationInput::Written { key, bytes }, &mut updates),
            }
        }
        prop_assert_eq!(again.screen.text(), talk.conversation.screen.text());
        prop_assert_eq!(again.answers, talk.conversation.answers);
        prop_assert_eq!(again.source, talk.conversation.source);
        prop_assert_eq!(again.settled, talk.conversation.settled);
    }
}
