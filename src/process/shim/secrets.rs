//! Secrets that belong into messages: their names are in the journal, their values only on the pipe.
//!
//! An ACP agent is told the variables of MCP servers in the message that opens a conversation. The daemon writes that message with
//! `${DIVISI_MCP_0}` in their place; here the values are put in, from the program's environment. Only in those messages, whose words
//! are divisi's own: a prompt that contains such a name keeps it.

use std::collections::BTreeMap;

/// What the names of the variables begin with.
const PREFIX: &str = "DIVISI_MCP_";
/// Keys of the messages that open a conversation.
const OPENING: [&str; 3] = ["new", "resume", "load"];

/// The secrets of a program.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// What stands in a message, and what it stands for, as it is written in a JSON string.
    values: Vec<(String, String)>,
}

impl Secrets {
    /// Those in an environment.
    pub(super) fn of(environment: &BTreeMap<String, String>) -> Self {
        let held = environment.iter().filter(|(name, _)| name.starts_with(PREFIX));
        let values = held.map(|(name, value)| {
            let quoted = serde_json::Value::from(value.as_str()).to_string();
            (format!("${{{name}}}"), quoted[1..quoted.len() - 1].to_owned())
        });
        Self { values: values.collect() }
    }

    /// What is written to the program for a message that stands in the journal.
    pub(super) fn fill(&self, key: &str, bytes: Vec<u8>) -> Vec<u8> {
        if self.values.is_empty() || !OPENING.contains(&key) {
            return bytes;
        }
        match String::from_utf8(bytes) {
            Ok(text) => self.values.iter().fold(text, |text, (name, value)| text.replace(name, value)).into_bytes(),
            Err(error) => error.into_bytes(),
        }
    }
}

#[test]
fn only_a_message_that_opens_a_conversation_gets_the_values() {
    let environment = BTreeMap::from([
        ("DIVISI_MCP_0".to_owned(), "a\"b\\c".to_owned()),
        ("DIVISI_MCP_10".to_owned(), "ten".to_owned()),
        ("HOME".to_owned(), "/h".to_owned()),
    ]);
    let secrets = Secrets::of(&environment);
    let message = br#"{"x":"${DIVISI_MCP_0} ${DIVISI_MCP_10} ${HOME}"}"#.to_vec();
    let filled = secrets.fill("new", message.clone());
    let value: serde_json::Value = serde_json::from_slice(&filled).unwrap();
    assert_eq!(value["x"], "a\"b\\c ten ${HOME}");
    assert_eq!(secrets.fill("prompt:s.t1", message.clone()), message);
}
