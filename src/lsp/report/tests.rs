use serde_json::json;

use super::*;

fn shown(method: &'static str, answer: Value) -> Page {
    let report = Report { title: "t\u{1b}[2J".to_owned(), method, params: json!({ "repository": "/r" }).to_string() };
    page(&report, Some(&Ok(answer)))
}

#[test]
fn whatever_is_answered_is_readable_and_harmless() {
    let answer = json!([{ "name": "a\u{1b}[31m", "empty": null, "ok": true, "words": ["x", "y"],
        "deep": { "one_two": 3, "more": [{ "id": "z" }] }, "long": "one\ntwo\n```\n" }]);
    let page = shown("agent/list", answer);
    assert!(!page.text.contains('\u{1b}'), "{}", page.text);
    for words in ["## a", "- ok: yes", "- words: x, y", "### deep", "- one two: 3", "````\none"] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert!(!page.text.contains("empty"));
    assert!(shown("doctor/scan", json!([])).text.contains("Nothing."));
}

#[test]
fn a_patch_stays_in_its_fence() {
    let page = shown("session/patch", json!({ "patch": "+```\n+x\n" }));
    assert!(page.text.contains("\n````diff\n+```\n+x\n````\n"), "{}", page.text);
}

#[test]
fn what_is_trusted_is_what_was_shown() {
    let config =
        |trusted: bool| json!({ "path": "/r/.divisi.toml", "text": "[setup]\n", "digest": "abc", "trusted": trusted });
    let page = shown("repository/config", config(false));
    let line = u32::try_from(page.text.lines().position(|line| line == "[setup]").unwrap()).unwrap();
    let marks: Vec<&Mark> = page.marked(line, line).collect();
    assert_eq!(marks, [&Mark::Trust("/r".to_owned(), "abc".to_owned())]);
    assert!(shown("repository/config", config(true)).marks.is_empty());
}
