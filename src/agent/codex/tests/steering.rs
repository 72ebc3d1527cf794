//! Prompts into the running turn, what goes with prompts, and questions of MCP servers.

use crate::host::port::Content;
use crate::model::approval::ApprovalKind;

use super::*;

impl Talk {
    fn steer(&mut self, prompt: &str) {
        let (prompt, turn) = (PromptId::from(prompt), TurnId::from("s.t1"));
        self.feed(ConversationInput::Steer { prompt: &prompt, turn: &turn, text: "not that", content: &[] });
    }

    fn told(&self) -> Vec<String> {
        let words = self.updates.iter().filter_map(|update| match update {
            Update::Steered { prompt } => Some(format!("{prompt} in")),
            Update::SteerMissed { prompt, reason } => Some(format!("{prompt} missed: {reason}")),
            _ => None,
        });
        words.collect()
    }
}

#[test]
fn a_prompt_goes_into_the_turn_whose_id_is_known() {
    let mut talk = Talk::ready();
    talk.prompt("s.t1");
    talk.steer("s.p2");
    assert!(talk.written.iter().all(|(key, _)| key != "steer:s.p2"), "the turn's id is not known yet");
    talk.answers("prompt:s.t1", &json!({"turn": {"id": "c1"}}));
    let params = &talk.request("steer:s.p2")["params"];
    assert_eq!((&params["expectedTurnId"], &params["input"][0]["text"]), (&json!("c1"), &json!("not that")));
    talk.answers("steer:s.p2", &json!({"turnId": "c1"}));
    assert_eq!(talk.told(), ["s.p2 in"]);
    talk.steer("s.p3");
    talk.completed("c1", "completed", &Value::Null);
    talk.says(&json!({"id": "steer:s.p3", "error": {"code": -32600, "message": "no active turn"}}));
    assert_eq!(talk.told(), ["s.p2 in", "s.p3 missed: no active turn"]);
    talk.steer("s.p4");
    assert!(talk.told()[2].starts_with("s.p4 missed"));
}

#[test]
fn images_are_read_from_the_kept_copies() {
    let mut talk = Talk::ready();
    let image = Content {
        name: "a.png".to_owned(),
        media_type: "image/png".to_owned(),
        path: "/kept/a.png".to_owned(),
        bytes: Some(b"foo".to_vec()),
    };
    let turn = TurnId::from("s.t1");
    talk.feed(ConversationInput::Prompt { turn: &turn, text: "look", content: &[image], prompt: None });
    let input = &talk.request("prompt:s.t1")["params"]["input"];
    assert_eq!(*input, json!([{"type": "text", "text": "look"}, {"type": "localImage", "path": "/kept/a.png"}]));
}

#[test]
fn a_question_of_an_mcp_server_is_put_to_the_person() {
    let schema = json!({"type": "object", "properties": {"color": {"type": "string", "enum": ["red", "blue"]}}});
    let ask = |id: u32, meta: &Value, schema: &Value| {
        json!({"id": id, "method": "mcpServer/elicitation/request", "params": {
            "threadId": "th", "serverName": "paint", "mode": "form", "message": "Which?", "requestedSchema": schema, "_meta": meta,
        }})
    };
    let mut talk = Talk::ready();
    talk.prompt("s.t1");
    talk.says(&ask(7, &Value::Null, &schema));
    let Some(Update::Approval { key, kind, tool, options, .. }) = talk.updates.last().cloned() else { panic!() };
    assert_eq!((kind, tool.title.as_str()), (ApprovalKind::Question, "paint: Which?"));
    let ids: Vec<_> = options.iter().map(|option| option.id.as_str()).collect();
    assert_eq!(ids, ["red", "blue", "decline"]);
    talk.feed(ConversationInput::Answer { key: &key, option: Some("blue"), message: None });
    assert_eq!(talk.request("answer:7")["result"], json!({"action": "accept", "content": {"color": "blue"}}));

    // Whether one of its tools may be used is a permission.
    let empty = json!({"type": "object", "properties": {}});
    talk.says(&ask(8, &json!({"codex_approval_kind": "mcp_tool_call"}), &empty));
    let Some(Update::Approval { key, kind, options, .. }) = talk.updates.last().cloned() else { panic!() };
    assert_eq!((kind, options[0].kind.as_str()), (ApprovalKind::Permission, "allow_once"));
    talk.feed(ConversationInput::Answer { key: &key, option: Some("accept"), message: None });
    assert_eq!(talk.request("answer:8")["result"], json!({"action": "accept", "content": {}}));

    talk.says(&ask(9, &Value::Null, &schema));
    talk.feed(ConversationInput::Answer { key: "9", option: Some("decline"), message: None });
    assert_eq!(talk.request("answer:9")["result"], json!({"action": "decline"}));
    // A form of two fields cannot be answered with one word.
    let two = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}});
    talk.says(&ask(10, &Value::Null, &two));
    let Some(Update::Approval { options, .. }) = talk.updates.last().cloned() else { panic!() };
    assert_eq!(options.len(), 1);
}
