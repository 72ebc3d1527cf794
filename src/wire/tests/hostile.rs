//! A thousand malformed or hostile messages: each gets an error or a closed connection, and the daemon is alive after each.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::fake::{Daemon, Home, Raw, within};
use crate::wire::decode::fuzz_one;
use crate::wire::line::LONGEST_REQUEST;
use crate::wire::method;
use crate::wire::serve::Limits;

/// A small deterministic generator (xorshift): the corpus is the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % sides
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.roll(if depth == 0 { 7 } else { 9 }) {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(-1),
            3 => json!(1.5e300),
            4 => json!(u64::MAX),
            5 => json!("\u{0}\u{1b}[2J\u{202e}"),
            6 => json!("../../../etc/passwd"),
            7 => (0..self.roll(4)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let mut object = serde_json::Map::new();
                for _ in 0..self.roll(4) {
                    let name = *self.pick(&[
                        "session",
                        "text",
                        "repository",
                        "prompt",
                        "of",
                        "answer",
                        "scope",
                        "",
                        "\u{0}",
                        "__proto__",
                    ]);
                    object.insert(name.to_owned(), self.value(depth - 1));
                }
                Value::Object(object)
            }
        }
    }
}

/// One hostile message, newline included where it has one.
fn message(dice: &mut Dice, number: usize) -> Vec<u8> {
    let methods: Vec<_> = method::all().collect();
    let name = *dice.pick(&methods);
    let good =
        json!({"jsonrpc": "2.0", "id": number, "method": "session/send", "params": {"session": "s", "text": "t"}})
            .to_string();
    let wrong_params = |dice: &mut Dice| {
        let mut params = dice.value(3);
        if let Value::Object(params) = &mut params {
            // Whatever else it says, no method has this field.
            params.insert("no such field".to_owned(), json!(1));
        }
        json!({"jsonrpc": "2.0", "id": number, "method": name, "params": if params.is_null() { json!([1]) } else { params }}).to_string()
    };
    let mut bytes = match dice.roll(16) {
        0 => wrong_params(dice).into_bytes(),
        1 => json!({"jsonrpc": "2.0", "id": dice.value(2), "method": dice.value(2), "params": dice.value(4)})
            .to_string()
            .into_bytes(),
        2 => json!({"jsonrpc": dice.value(1), "id": number, "method": 7}).to_string().into_bytes(),
        3 => dice.value(5).to_string().into_bytes(),
        4 => good.as_bytes()[..=dice.roll(good.len() - 2)].to_vec(),
        5 => {
            let mut bytes = good.into_bytes();
            let at = dice.roll(bytes.len());
            bytes[at] = *dice.pick(&[0xff, 0xc0, 0x80, 0xfe]);
            bytes
        }
        6 => {
            let mut bytes = good.into_bytes();
            let at = dice.roll(bytes.len());
            bytes.insert(at, 0);
            bytes.splice(at..at, *b"\x1b]52;");
            bytes
        }
        7 => [b"{\"a\":".repeat(200 + dice.roll(5000)), b"1".to_vec()].concat(),
        8 => b"[".repeat(1000 + dice.roll(200_000)),
        9 => format!("[{good},{good}]").into_bytes(),
        10 => {
            (0..=dice.roll(400)).map(|_| u8::try_from(dice.roll(256)).unwrap()).filter(|byte| *byte != b'\n').collect()
        }
        11 => json!({"jsonrpc": "2.0", "id": "x".repeat(1000), "method": "session/list"}).to_string().into_bytes(),
        12 => json!({"jsonrpc": "2.0", "id": number, "method": "m".repeat(1 + dice.roll(300_000))})
            .to_string()
            .into_bytes(),
        13 => json!({"jsonrpc": "2.0", "id": number, "method": name, "params": {"command_id": dice.value(2), "x": 1}})
            .to_string()
            .into_bytes(),
        14 => b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r".to_vec(),
        _ => json!({"jsonrpc": "2.0", "id": number, "method": name, "params": {}, "extra": dice.value(2)})
            .to_string()
            .into_bytes(),
    };
    bytes.push(b'\n');
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_hostile_messages_harm_nothing() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    let mut dice = Dice(0x0d1e_5eed);
    let mut witness = Raw::greeted(&home.paths).await;
    let (mut errors, mut closed) = (0, 0);
    for number in 0..1000 {
        let bytes = message(&mut dice, number);
        fuzz_one(&bytes);
        // Every second one before hello, where less is forgiven.
        let mut raw = if number % 2 == 0 { Raw::greeted(&home.paths).await } else { Raw::connect(&home.paths).await };
        // It may be closed while we still write: that is one of the two allowed ends.
        let _ = within(raw.0.write_all(&bytes)).await;
        let _ = raw.0.shutdown().await;
        match raw.line().await {
            None => closed += 1,
            Some(line) => {
                let answer: Value = serde_json::from_str(&line).unwrap();
                assert!(answer["error"]["code"].is_i64(), "{line} for {:?}", String::from_utf8_lossy(&bytes));
                assert!(answer["error"]["data"]["kind"].is_string());
                assert!(!line.chars().any(char::is_control), "{line:?}");
                errors += 1;
            }
        }
        witness.say(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{number},\"method\":\"session/list\"}}")).await;
        assert_eq!(witness.json().await["id"], number);
    }
    assert_eq!(daemon.host.commands.lock().unwrap().len(), 0, "none of it was taken for a command");
    assert!(errors > 900 && closed < 100, "{errors} errors, {closed} closed");
    daemon.end().await;
}

#[tokio::test]
async fn a_line_over_the_limit_ends_the_connection_and_one_at_the_limit_does_not() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    let mut raw = Raw::greeted(&home.paths).await;
    let empty = json!({"jsonrpc": "2.0", "id": 1, "method": "session/send", "params": {"session": "s", "text": ""}})
        .to_string();
    let text = "x".repeat(LONGEST_REQUEST - empty.len());
    let full = empty.replace("\"text\":\"\"", &format!("\"text\":\"{text}\""));
    assert_eq!(full.len(), LONGEST_REQUEST);
    raw.say(&full).await;
    assert!(raw.json().await["result"].is_object());
    let flood = vec![b'x'; LONGEST_REQUEST + 100_000];
    // The daemon may close before everything is written.
    let _ = within(raw.0.write_all(&flood)).await;
    let said = raw.line().await;
    assert!(said.is_none_or(|line| line.contains("-32700")));
    let mut rest = Vec::new();
    let _ = within(raw.0.read_to_end(&mut rest)).await;
    assert!(Raw::greeted(&home.paths).await.0.peer_addr().is_ok());
    daemon.end().await;
}
