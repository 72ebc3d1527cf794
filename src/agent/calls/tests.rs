use serde_json::json;

use super::*;

#[test]
fn names_and_arguments_say_what_a_call_is() {
    let cases = [
        ("Write", "edit"),
        ("write_file", "edit"),
        ("MultiEdit", "edit"),
        ("apply_patch", "edit"),
        ("replace", "edit"),
        ("Bash", "execute"),
        ("run_shell_command", "execute"),
        ("exec_command", "execute"),
        ("Read", "read"),
        ("read_file", "read"),
        ("Grep", "search"),
        ("glob", "search"),
        ("WebFetch", "fetch"),
        ("web_search", "fetch"),
        ("TodoWrite", "think"),
        ("ExitPlanMode", "switch_mode"),
        ("Task", "think"),
        ("mcp__x__bash", "other"),
        ("zoom", "other"),
    ];
    for (name, kind) in cases {
        assert_eq!(kind_of(name), kind, "{name}");
    }
    let mut calls = Calls::default();
    let input = json!({"file_path": "/w/a/hello.txt", "old_string": "a", "new_string": "b"});
    let call = calls.named("1", "Edit", &input, ToolStatus::InProgress);
    assert_eq!(
        (call.title.as_str(), call.kind.as_str(), call.status),
        ("Edit hello.txt", "edit", ToolStatus::InProgress)
    );
    assert_eq!(call.diffs[0].old_text.as_deref(), Some("a"));
    assert_eq!(call.locations[0].path, "/w/a/hello.txt");
    let call = calls.named("2", "Bash", &json!({"command": "echo x"}), ToolStatus::Pending);
    assert_eq!(call.title, "echo x");
    assert_eq!(super::super::acp::tools::command_line(&call).as_deref(), Some("echo x"));
}

#[test]
fn a_finished_call_stays_finished() {
    let mut calls = Calls::default();
    calls.upsert("1", |call| call.status = ToolStatus::Completed);
    assert_eq!(calls.fail("1"), None);
    assert_eq!(calls.named("1", "Bash", &Value::Null, ToolStatus::InProgress).status, ToolStatus::Completed);
    calls.upsert("2", |call| call.status = ToolStatus::InProgress);
    assert_eq!(calls.fail_open().len(), 1);
    calls.forget_finished();
    assert!(calls.calls.is_empty());
}

#[test]
fn text_is_bounded_from_the_front() {
    let mut call = ToolCall::default();
    for _ in 0..40 {
        append(&mut call, &"äx".repeat(2_000));
    }
    assert!(call.text.len() <= 2 * TEXT + 6_000 && call.text.ends_with('x'));
    set_text(&mut call, &"ä".repeat(TEXT));
    assert!(call.text.len() <= TEXT);
}

#[test]
fn a_flood_of_output_is_told_rarely() {
    let mut calls = Calls::default();
    let told = (0..100_000).filter(|_| calls.stream("1", "0123456789").is_some()).count();
    assert!((LIVE / 10..LIVE / 10 + 20).contains(&told), "{told}");
    let told = (0..1000).filter(|length| calls.stream_whole("2", &"x".repeat(*length * 100)).is_some()).count();
    assert!(told < 60, "{told}");
}
