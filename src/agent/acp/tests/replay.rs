//! The heart of agents that outlive the daemon: a conversation rebuilt from any prefix of its journal goes on as if nothing had happened.

use std::collections::BTreeSet;

use super::*;

/// A record of a journal.
#[derive(Debug, Clone, PartialEq)]
enum Record {
    Started,
    Out(Vec<u8>),
    Err(Vec<u8>),
    Written(String, Vec<u8>),
    Ended(JobEnd),
}

impl Record {
    fn input(&self) -> ConversationInput<'_> {
        match self {
            Self::Started => ConversationInput::Started,
            Self::Out(bytes) => ConversationInput::Output { stderr: false, bytes },
            Self::Err(bytes) => ConversationInput::Output { stderr: true, bytes },
            Self::Written(key, bytes) => ConversationInput::Written { key, bytes },
            Self::Ended(end) => ConversationInput::Ended(end),
        }
    }
}

/// What the played agent prints when it reads the write with this key.
fn reaction(key: &str) -> Vec<Record> {
    let out = |message: Value| Record::Out(format!("{message}\n").into_bytes());
    let update =
        |update: Value| out(json!({"method": "session/update", "params": {"sessionId": "S", "update": update}}));
    let say = |text: &str| {
        update(
            json!({"sessionUpdate": "agent_message_chunk", "messageId": "m", "content": {"type": "text", "text": text}}),
        )
    };
    let answer = |id: &str, result: Value| out(json!({"jsonrpc": "2.0", "id": id, "result": result}));
    let ask = |id: Value, tool: &str| {
        let options = json!([{"optionId": "y", "name": "Yes", "kind": "allow_once"}, {"optionId": "n", "name": "No", "kind": "reject_once"}]);
        let call = json!({"toolCallId": tool, "title": format!("Do {tool} ü"), "kind": "execute", "rawInput": {"command": "x"}});
        out(
            json!({"id": id, "method": "session/request_permission", "params": {"sessionId": "S", "toolCall": call, "options": options}}),
        )
    };
    match key {
        "initialize" => vec![
            Record::Err("starting ü\n".as_bytes().to_vec()),
            answer(
                "initialize",
                json!({"protocolVersion": 1, "agentCapabilities": {"loadSession": true}, "agentInfo": {"name": "played", "version": "1"}}),
            ),
        ],
        "load" => vec![
            say("replayed"),
            out(json!({"jsonrpc": "2.0", "id": "load", "error": {"code": -32002, "message": "gone"}})),
        ],
        "new" => vec![
            update(
                json!({"sessionUpdate": "available_commands_update", "availableCommands": [{"name": "c", "description": "d"}]}),
            ),
            answer(
                "new",
                json!({"sessionId": "S", "modes": {"currentModeId": "a", "availableModes": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]}}),
            ),
        ],
        "mode" => vec![answer("mode", json!({}))],
        "prompt:s.t1" => vec![
            say("one"),
            Record::Out(b"garbage ".to_vec()),
            Record::Out(b"in two records\n".to_vec()),
            update(json!({"sessionUpdate": "tool_call", "toolCallId": "t0", "title": "Zero", "status": "in_progress"})),
            ask(json!(0), "t1"),
            ask(json!("zwei"), "t2"),
            update(json!({"sessionUpdate": "unheard_of"})),
        ],
        "answer:0" => vec![
            update(json!({"sessionUpdate": "tool_call_update", "toolCallId": "t1", "status": "completed"})),
            out(json!({"id": 9, "method": "fs/read_text_file", "params": {}})),
        ],
        "answer:9" => vec![say("no file then")],
        "answer:\"zwei\"" => vec![
            update(json!({"sessionUpdate": "usage_update", "used": 5, "size": 9})),
            answer("prompt:s.t1", json!({"stopReason": "end_turn", "usage": {"inputTokens": 1, "outputTokens": 2}})),
        ],
        "option:0" | "option:1" => vec![answer(key, json!({}))],
        "prompt:s.t2" => vec![ask(json!(0), "t3"), say("cancel me")],
        "cancel:s.t2" => {
            vec![update(json!({"sessionUpdate": "tool_call_update", "toolCallId": "t3", "title": "Late"}))]
        }
        "answer:0#2" => vec![answer("prompt:s.t2", json!({"stopReason": "cancelled"}))],
        "prompt:s.t3" => vec![
            ask(json!(1), "t4"),
            Record::Err(b"panic: oh no\n".to_vec()),
            Record::Out(b"{\"half\":".to_vec()),
            Record::Ended(JobEnd::Signaled { signal: 11, stopped: false, leaked: 2 }),
        ],
        other => panic!("nobody plays {other}"),
    }
}

/// What the host does next: a function of what it has committed, as in the engine.
fn act(conversation: &mut AcpConversation, committed: &[Update], options_sent: &mut usize, news: &mut Vec<Update>) {
    let ended = committed.iter().filter(|update| matches!(update, Update::TurnEnded { .. })).count();
    let turn = TurnId(format!("s.t{}", ended + 1));
    // A person changes the mode between the turns: each wish is passed on once.
    while *options_sent < ended.min(2) {
        let value = ["a", "b"][*options_sent];
        *options_sent += 1;
        conversation.feed(ConversationInput::Option { id: "mode", value }, news);
    }
    if ended < 3 {
        // Asked again and again until the journal shows it as written; before it is ready, too.
        conversation.feed(ConversationInput::Prompt { turn: &turn, text: "work", content: &[], prompt: None }, news);
    }
    for update in committed {
        match update {
            Update::Approval { key, tool, .. } if matches!(tool.id.as_str(), "t1" | "t2") => {
                let option = if tool.id == "t1" { "y" } else { "n" };
                conversation.feed(ConversationInput::Answer { key, option: Some(option), message: None }, news);
            }
            Update::Message(text) if text == "cancel me" && ended == 1 => {
                conversation.feed(ConversationInput::Cancel, news);
            }
            _ => {}
        }
    }
}

fn setup() -> ConversationSetup {
    ConversationSetup { mode: Some("b".to_owned()), ..resume("E") }
}

/// The engine, the shim and the agent in one: everything that outlives a crash.
struct World {
    journal: Vec<Record>,
    committed: Vec<Update>,
    /// Agent's output comes in records of at most this size.
    record_size: usize,
    /// How many of the person's wishes for an option were passed on.
    options_sent: usize,
}

impl World {
    fn new(record_size: usize) -> Self {
        Self { journal: vec![Record::Started], committed: Vec::new(), record_size, options_sent: 0 }
    }

    fn keys(&self) -> BTreeSet<&str> {
        self.journal
            .iter()
            .filter_map(|record| if let Record::Written(key, _) = record { Some(key.as_str()) } else { None })
            .collect()
    }

    /// The shim: writes a key once, into the journal first. The agent reacts.
    fn write(&mut self, key: &str, bytes: Vec<u8>) {
        if self.keys().contains(key) || matches!(self.journal.last(), Some(Record::Ended(_))) {
            return;
        }
        self.journal.push(Record::Written(key.to_owned(), bytes));
        for record in reaction(key) {
            match record {
                Record::Out(bytes) => {
                    self.journal.extend(bytes.chunks(self.record_size).map(|chunk| Record::Out(chunk.to_vec())));
                }
                other => self.journal.push(other),
            }
        }
    }

    /// Commits what is news and does what follows, until nothing follows any more.
    fn settle(&mut self, conversation: &mut AcpConversation, mut news: Vec<Update>) {
        loop {
            let mut said = false;
            for update in news {
                match update {
                    Update::Write { key, bytes } => self.write(&key, bytes),
                    other => {
                        said = true;
                        self.committed.push(other);
                    }
                }
            }
            if !said {
                return;
            }
            news = Vec::new();
            act(conversation, &self.committed, &mut self.options_sent, &mut news);
        }
    }

    /// Reads the journal from a record to its end, while it grows. Dies after `fatal` records when that is given: having committed
    /// the last one's updates, but before anything was done about them.
    fn run(&mut self, conversation: &mut AcpConversation, from: usize, fatal: Option<usize>) {
        let mut read = from;
        while read < self.journal.len() {
            let mut news = Vec::new();
            conversation.feed(self.journal[read].input(), &mut news);
            read += 1;
            if fatal == Some(read) {
                self.committed.extend(news.into_iter().filter(|update| !matches!(update, Update::Write { .. })));
                return;
            }
            self.settle(conversation, news);
        }
    }

    /// A new daemon: rebuilds from the committed part, and sends what the journal does not show as written.
    fn restart(&mut self, read: usize) -> AcpConversation {
        let mut conversation = AcpConversation::new(setup());
        let mut rebuilt = Vec::new();
        for record in &self.journal[..read] {
            conversation.feed(record.input(), &mut rebuilt);
        }
        let mut news: Vec<Update> =
            rebuilt.into_iter().filter(|update| matches!(update, Update::Write { .. })).collect();
        self.options_sent = self.keys().iter().filter(|key| key.starts_with("option:")).count();
        act(&mut conversation, &self.committed, &mut self.options_sent, &mut news);
        self.settle(&mut conversation, news);
        conversation
    }
}

fn undisturbed(record_size: usize) -> World {
    let mut world = World::new(record_size);
    world.run(&mut AcpConversation::new(setup()), 0, None);
    world
}

#[test]
fn the_played_conversation_visits_everything() {
    let world = undisturbed(usize::MAX);
    let expected = [
        "answer:\"zwei\"",
        "answer:0",
        "answer:0#2",
        "answer:9",
        "cancel:s.t2",
        "initialize",
        "load",
        "mode",
        "new",
        "option:0",
        "option:1",
        "prompt:s.t1",
        "prompt:s.t2",
        "prompt:s.t3",
    ];
    assert_eq!(world.keys().into_iter().collect::<Vec<_>>(), expected);
    let outcomes: Vec<&str> = world
        .committed
        .iter()
        .filter_map(|update| match update {
            Update::TurnEnded { outcome: TurnOutcome::Done { .. }, .. } => Some("done"),
            Update::TurnEnded { outcome: TurnOutcome::Interrupted { .. }, .. } => Some("interrupted"),
            Update::TurnEnded { outcome: TurnOutcome::Failed { .. }, .. } => Some("failed"),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, ["done", "interrupted", "interrupted"], "{:#?}", world.committed);
    let withdrawn = world.committed.iter().filter(|update| matches!(update, Update::ApprovalWithdrawn { .. })).count();
    assert_eq!(withdrawn, 2);
}

#[test]
fn a_crash_after_any_record_changes_nothing() {
    for size in [usize::MAX, 9] {
        let whole = undisturbed(size);
        for fatal in 1..=whole.journal.len() {
            let mut world = World::new(size);
            world.run(&mut AcpConversation::new(setup()), 0, Some(fatal));
            let mut conversation = world.restart(fatal);
            world.run(&mut conversation, fatal, None);
            assert_eq!(world.journal, whole.journal, "crash after record {fatal}");
            assert_eq!(world.committed, whole.committed, "crash after record {fatal}");
        }
    }
}

#[test]
fn a_crash_at_every_record_changes_nothing() {
    let whole = undisturbed(usize::MAX);
    let mut world = World::new(usize::MAX);
    let mut read = 0;
    loop {
        let mut conversation = world.restart(read);
        if read == world.journal.len() {
            break;
        }
        world.run(&mut conversation, read, Some(read + 1));
        read += 1;
    }
    assert_eq!(world.journal, whole.journal);
    assert_eq!(world.committed, whole.committed);
}

/// Joins what was only split because the bytes were.
fn joined(updates: Vec<Update>) -> Vec<Update> {
    let mut all: Vec<Update> = Vec::new();
    for update in updates {
        match (all.last_mut(), update) {
            (Some(Update::Output { stderr: a, text }), Update::Output { stderr: b, text: more }) if *a == b => {
                text.push_str(&more);
            }
            (_, update) => all.push(update),
        }
    }
    all
}

#[test]
fn a_split_of_any_record_at_any_byte_changes_nothing() {
    let feed = |records: &[Record]| {
        let mut conversation = AcpConversation::new(setup());
        let mut updates = Vec::new();
        for record in records {
            conversation.feed(record.input(), &mut updates);
        }
        joined(updates)
    };
    let journal = undisturbed(usize::MAX).journal;
    let whole = feed(&journal);
    for (at, record) in journal.iter().enumerate() {
        let (Record::Out(bytes) | Record::Err(bytes)) = record else { continue };
        for split in 1..bytes.len() {
            let mut records = journal.clone();
            let piece = |bytes: &[u8]| match record {
                Record::Err(_) => Record::Err(bytes.to_vec()),
                _ => Record::Out(bytes.to_vec()),
            };
            records.splice(at..=at, [piece(&bytes[..split]), piece(&bytes[split..])]);
            assert_eq!(feed(&records), whole, "record {at} split at {split}");
        }
    }
}
