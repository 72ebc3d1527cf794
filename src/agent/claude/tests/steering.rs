//! Prompts into the running turn, and what goes with prompts.

use crate::host::port::Content;

use super::*;

impl Talk {
    /// A prompt for the turn, by the waiting prompt's id.
    fn steer(&mut self, prompt: &str, turn: &str) {
        let (prompt, turn) = (PromptId::from(prompt), TurnId::from(turn));
        self.feed(ConversationInput::Steer { prompt: &prompt, turn: &turn, text: "not that", content: &[] });
    }

    /// What became of a prompt, as Claude Code tells it.
    fn lifecycle(&mut self, key: &str, state: &str) {
        let uuid = render::uuid(key);
        self.says(&json!({"type": "command_lifecycle", "command_uuid": uuid, "state": state}));
    }

    fn result(&mut self) {
        let usage = json!({"input_tokens": 10, "output_tokens": 1});
        self.says(&json!({"type": "result", "subtype": "success", "is_error": false, "stop_reason": "end_turn", "usage": usage}));
    }

    fn ends(&self) -> usize {
        self.updates.iter().filter(|update| matches!(update, Update::TurnEnded { .. })).count()
    }

    fn told(&self) -> Vec<String> {
        let words = self.updates.iter().filter_map(|update| match update {
            Update::Steered { prompt } => Some(format!("{prompt} in")),
            Update::SteerMissed { prompt, .. } => Some(format!("{prompt} missed")),
            _ => None,
        });
        words.collect()
    }
}

#[test]
fn it_can_be_steered_once_it_has_shown_that_it_tells_what_became_of_a_prompt() {
    let mut talk = Talk::ready();
    let can = |talk: &Talk| talk.updates.iter().any(|update| matches!(update, Update::Ready(ready) if ready.can_steer));
    talk.prompt("s.t1");
    assert!(!can(&talk));
    talk.lifecycle("prompt:s.t1", "queued");
    assert!(can(&talk));
}

#[test]
fn a_prompt_is_taken_between_two_steps() {
    let mut talk = Talk::ready();
    talk.prompt("s.t1");
    talk.steer("s.p2", "s.t1");
    let (key, message) = talk.last_written();
    assert_eq!((key, &message["uuid"]), ("steer:s.p2", &json!(render::uuid("steer:s.p2"))));
    talk.lifecycle("steer:s.p2", "queued");
    assert_eq!(talk.told(), Vec::<String>::new());
    talk.lifecycle("steer:s.p2", "started");
    talk.lifecycle("steer:s.p2", "completed");
    assert_eq!(talk.told(), ["s.p2 in"]);
    talk.result();
    assert_eq!(talk.ends(), 1);
    // Asked again by a new daemon, nothing happens again.
    talk.steer("s.p2", "s.t1");
    assert_eq!(talk.told(), ["s.p2 in"]);
}

#[test]
fn a_turn_goes_on_with_a_prompt_that_was_taken_after_its_last_step() {
    let mut talk = Talk::ready();
    talk.prompt("s.t1");
    talk.steer("s.p2", "s.t1");
    talk.result();
    assert_eq!(talk.ends(), 0);
    talk.lifecycle("steer:s.p2", "started");
    talk.result();
    assert_eq!((talk.ends(), talk.told()), (1, vec!["s.p2 in".to_owned()]));
    let scopes: Vec<_> = talk
        .updates
        .iter()
        .filter_map(|update| if let Update::Usage(usage) = update { Some(usage.scope) } else { None })
        .collect();
    // Both results are parts of one turn: they add up.
    assert_eq!(scopes, [crate::model::usage::UsageScope::Step; 2]);
}

#[test]
fn an_interrupt_takes_along_what_was_not_taken_up() {
    let mut talk = Talk::ready();
    talk.prompt("s.t1");
    talk.steer("s.p2", "s.t1");
    talk.feed(ConversationInput::Cancel);
    assert_eq!(talk.last_written().1["request"], json!({"subtype": "interrupt", "cancel_queued": true}));
    talk.says(&json!({"type": "result", "subtype": "error_during_execution", "terminal_reason": "aborted_tools"}));
    assert_eq!((talk.ends(), talk.told()), (1, vec!["s.p2 missed".to_owned()]));
    // A prompt for a turn that is over is not written.
    talk.steer("s.p3", "s.t1");
    assert_eq!(talk.told()[1], "s.p3 missed");
    assert!(talk.written.iter().all(|(key, _)| key != "steer:s.p3"));
}

#[test]
fn a_prompt_that_came_a_moment_too_late_is_the_next_turn_and_is_not_sent_twice() {
    let mut talk = Talk::ready();
    talk.prompt("s.t1");
    talk.result();
    // The journal shows it written behind the result.
    let key = "steer:s.p2";
    talk.feed(ConversationInput::Written { key, bytes: &render::prompt(&Prompt::new("not that", &[]), key) });
    assert_eq!(talk.told(), ["s.p2 missed"]);
    let (turn, prompt) = (TurnId::from("s.t2"), PromptId::from("s.p2"));
    let delivery = ConversationInput::Prompt { turn: &turn, text: "not that", content: &[], prompt: Some(&prompt) };
    talk.feed(delivery);
    assert_eq!(talk.last_written(), ("prompt:s.t2", &json!({"type": "keep_alive"})));
    talk.feed(delivery);
    talk.result();
    assert_eq!(talk.ends(), 2);
    talk.prompt("s.t3");
    assert_eq!(talk.last_written().1["type"], "user");
}

#[test]
fn images_are_looked_at_and_large_files_are_named() {
    let mut talk = Talk::ready();
    let content = |media_type: &str, bytes: Option<&[u8]>| Content {
        name: "a".to_owned(),
        media_type: media_type.to_owned(),
        path: "/kept/a".to_owned(),
        bytes: bytes.map(<[u8]>::to_vec),
    };
    let all =
        [content("image/png", Some(b"foo")), content("text/plain", Some(b"words")), content("application/pdf", None)];
    let turn = TurnId::from("s.t1");
    talk.feed(ConversationInput::Prompt { turn: &turn, text: "look", content: &all, prompt: None });
    let message = &talk.last_written().1["message"]["content"];
    assert!(message[0]["text"].as_str().unwrap().ends_with("(application/pdf), which is here: /kept/a"), "{message}");
    assert_eq!(message[1]["source"], json!({"type": "base64", "media_type": "image/png", "data": "Zm9v"}));
    assert_eq!(message[2]["text"], "<attached-file name=\"a\">\nwords\n</attached-file>");
    assert!(
        talk.updates
            .iter()
            .any(|update| matches!(update, Update::Notice(text) if text.contains("where the attached file is")))
    );
}

#[test]
fn the_id_of_a_prompt_is_a_uuid_that_follows_from_its_key() {
    let id = render::uuid("prompt:s.t1");
    assert_eq!(id, render::uuid("prompt:s.t1"));
    assert_ne!(id, render::uuid("prompt:s.t2"));
    let bytes = id.as_bytes();
    assert_eq!((id.len(), bytes[14]), (36, b'8'));
    assert!(b"89ab".contains(&bytes[19]) && [8, 13, 18, 23].iter().all(|at| bytes[*at] == b'-'), "{id}");
}

#[test]
fn tasks_are_the_plan_of_newer_versions() {
    let mut talk = Talk::ready();
    talk.prompt("s.t1");
    let uses = |talk: &mut Talk, id: &str, name: &str, input: Value, result: &str| {
        let call = json!({"type": "tool_use", "id": id, "name": name, "input": input});
        talk.says(&json!({"type": "assistant", "message": {"content": [call]}}));
        let result = json!({"type": "tool_result", "tool_use_id": id, "content": result});
        talk.says(&json!({"type": "user", "message": {"content": [result]}}));
    };
    let plan = |talk: &Talk| {
        let mut plans = talk.updates.iter().rev().filter_map(|update| match update {
            Update::Plan(entries) => {
                Some(entries.iter().map(|one| format!("{} {}", one.status, one.content)).collect())
            }
            _ => None,
        });
        plans.next().unwrap_or_else(Vec::<String>::new)
    };
    uses(&mut talk, "1", "TaskCreate", json!({"subject": "Look"}), "Task #1 created successfully: Look");
    uses(&mut talk, "2", "TaskCreate", json!({"subject": "Change"}), "Task #2 created successfully: Change");
    uses(&mut talk, "3", "TaskUpdate", json!({"taskId": "1", "status": "completed"}), "Updated task #1 status");
    assert_eq!(plan(&talk), ["completed Look", "pending Change"]);
    uses(&mut talk, "4", "TaskUpdate", json!({"taskId": "2", "status": "deleted"}), "Updated task #2 deleted");
    assert_eq!(plan(&talk), ["completed Look"]);
    uses(&mut talk, "5", "TaskUpdate", json!({"taskId": "9", "status": "completed"}), "Task not found");
    assert_eq!(plan(&talk), ["completed Look"]);
}
