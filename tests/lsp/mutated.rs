//! Conversations of editors in which things are changed at random, the same way in every run: nothing makes the server panic, and every
//! request gets one answer.

use std::panic::catch_unwind;

use serde_json::{Value, json};

use crate::support::Dice;

/// A value that nobody expects.
fn made_up(dice: &mut Dice) -> Value {
    match dice.below(10) {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(u64::MAX),
        3 => json!("\u{1b}[2J\u{202e}\u{0}"),
        4 => json!("file:///nowhere/r/.divisi.toml"),
        5 => json!([]),
        6 => json!({}),
        7 => json!({ "line": 4_294_967_295_u32, "character": 4_294_967_295_u32 }),
        8 => json!(["docs", { "session": "docs" }]),
        _ => json!("divisi.land"),
    }
}

/// Changes something somewhere in a value.
fn change(dice: &mut Dice, value: &mut Value) {
    let inner = match value {
        Value::Object(fields) if !fields.is_empty() => {
            let at = dice.below(fields.len());
            fields.values_mut().nth(at)
        }
        Value::Array(entries) if !entries.is_empty() => {
            let at = dice.below(entries.len());
            entries.get_mut(at)
        }
        _ => None,
    };
    match inner {
        Some(inner) if dice.below(4) > 0 => change(dice, inner),
        Some(inner) => *inner = made_up(dice),
        None => *value = made_up(dice),
    }
}

fn view(name: &str, state: &str) -> Value {
    json!({
        "id": name, "name": name, "prompt": "do it", "agent": "claude", "repository": "/nowhere/r",
        "worktree": {
            "session": name, "repository": "/nowhere/r", "common_dir": "/nowhere/r/.git", "path": format!("/nowhere/w/{name}"),
            "branch": "refs/heads/divisi/x/work", "base": { "label": "main", "commit": "a".repeat(40) }, "state": "ready", "port": 20000,
        },
        "state": state, "unread": false, "attention": 2, "turns": 1, "queue": [], "approvals": 0, "policy": "ask",
        "stat": { "files": 1, "added": 1, "removed": 1 }, "usage": divisi::model::usage::Usage::default(),
        "setup": { "state": "none" }, "plan": [], "options": [], "commands": [], "created_at": 1, "updated_at": 1, "removed": false,
    })
}

/// A conversation with something of everything.
fn conversation() -> Vec<Value> {
    let document = |path: &str, text: &str| json!({ "textDocument": { "uri": format!("file://{path}"), "languageId": "x", "version": 1, "text": text } });
    let mut number = 0;
    let mut request = |method: &str, params: Value| {
        number += 1;
        json!({ "jsonrpc": "2.0", "id": number, "method": method, "params": params })
    };
    let notification = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "method": method, "params": params });
    let at = json!({ "line": 1, "character": 3 });
    let here = json!({ "textDocument": { "uri": "file:///nowhere/r/x.rs" }, "position": at, "range": { "start": at, "end": { "line": 2, "character": 1 } },
        "context": { "diagnostics": [{ "range": { "start": at, "end": at }, "message": "bad" }] } });
    let own = json!({ "textDocument": { "uri": "file:///nowhere/r/.divisi.toml" }, "position": at, "range": { "start": at, "end": at },
        "context": { "diagnostics": [] } });
    let capabilities = json!({
        "window": { "workDoneProgress": true, "showDocument": { "support": true } },
        "workspace": { "codeLens": { "refreshSupport": true } },
        "textDocument": { "codeAction": { "codeActionLiteralSupport": {}, "resolveSupport": { "properties": ["command"] } } },
    });
    let mut said = vec![
        request(
            "initialize",
            json!({
                "processId": null, "capabilities": capabilities, "workspaceFolders": [{ "uri": "file:///nowhere/r", "name": "r" }],
                "initializationOptions": { "divisi": { "authorship": true, "approvals": "ask" } },
            }),
        ),
        notification("initialized", json!({})),
        json!({ "daemon": { "sessions": [view("docs", "review"), view("parser", "running")], "events": [] } }),
        json!({ "diff": ["docs", { "stat": { "files": 1, "added": 1, "removed": 1 }, "files": [{
            "path": "x.rs", "status": "modified", "binary": false, "added": 1, "removed": 1,
            "hunks": [{ "id": "h1", "old_start": 2, "old_lines": 1, "new_start": 2, "new_lines": 1, "heading": "", "lines": ["-two", "+zwei"] }],
        }] }] }),
        json!({ "daemon": { "sessions": [view("parser", "awaiting_input")], "events": [{
            "seq": 1, "time": 1, "session": "parser", "cause": { "by": "host" }, "type": "approval.requested", "payload": {
                "id": "p1", "session": "parser", "turn": "parser.t1", "job": "parser.j1", "key": "1", "kind": "permission",
                "tool": { "id": "t", "title": "x", "kind": "execute", "status": "pending" }, "options": [], "state": "open", "asked_at": 5,
            },
        }] } }),
        notification("textDocument/didOpen", document("/nowhere/r/x.rs", "one\ntwo\nthree\n")),
        notification(
            "textDocument/didOpen",
            document("/nowhere/r/.divisi.toml", "[setup]\ncomands = []\n[agents.x]\n"),
        ),
        notification("textDocument/didOpen", document("/nowhere/w/docs/x.rs", "one\nzwei\n")),
        json!({ "jsonrpc": "2.0", "id": 1, "result": { "title": "Allow once" } }),
    ];
    for method in ["codeAction", "hover", "codeLens", "completion", "inlayHint", "documentSymbol", "documentLink"] {
        said.push(request(&format!("textDocument/{method}"), here.clone()));
        said.push(request(&format!("textDocument/{method}"), own.clone()));
    }
    said.push(request("codeAction/resolve", json!({ "title": "x", "data": { "offer": 1, "index": 0 } })));
    for verb in divisi::lsp::verbs::VERBS {
        said.push(request("workspace/executeCommand", json!({ "command": verb.name, "arguments": ["docs", "x"] })));
        said.push(request("workspace/executeCommand", json!({ "command": verb.name, "arguments": [] })));
    }
    let change = json!({ "textDocument": { "uri": "file:///nowhere/r/x.rs", "version": 2 }, "contentChanges": [{ "text": "𝄞\n" }] });
    said.push(notification("textDocument/didChange", change));
    said.push(notification(
        "workspace/didChangeWorkspaceFolders",
        json!({ "event": { "added": [], "removed": [{ "uri": "file:///nowhere/r" }] } }),
    ));
    said.push(notification("window/workDoneProgress/cancel", json!({ "token": "divisi/parser" })));
    said.push(request("shutdown", Value::Null));
    said
}

fn lines(said: &[Value]) -> Vec<u8> {
    said.iter().flat_map(|value| format!("{value}\n").into_bytes()).collect()
}

#[test]
fn nothing_an_editor_says_is_a_panic_or_goes_without_an_answer() {
    let whole = conversation();
    let sent = json!(divisi::lsp::fuzz_one(&lines(&whole))).to_string();
    for words in ["docs wants", "setup.comands", "Allow once", "window/showDocument"] {
        assert!(sent.contains(words), "the conversation is about {words}: {sent}");
    }
    let scale: u64 = std::env::var("DIVISI_TEST_SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1);
    for seed in 0..150 * scale {
        let mut dice = Dice::new(seed);
        let mut said = whole.clone();
        for _ in 0..=dice.below(6) {
            let at = dice.below(said.len());
            match dice.below(8) {
                0 => drop(said.remove(at)),
                1 => said.insert(at, said[dice.below(whole.len() - 6)].clone()),
                2 => {
                    let other = dice.below(said.len());
                    said.swap(at, other);
                }
                _ => change(&mut dice, &mut said[at]),
            }
        }
        let mut bytes = lines(&said);
        if dice.below(3) == 0 {
            for _ in 0..dice.below(8) {
                let at = dice.below(bytes.len());
                bytes[at] = u8::try_from(dice.below(256)).expect("below 256");
            }
        }
        assert!(
            catch_unwind(|| divisi::lsp::fuzz_one(&bytes)).is_ok(),
            "seed {seed}: {}",
            String::from_utf8_lossy(&bytes)
        );
    }
}
