//! What comes out, on which stream, with which exit code.

use crate::support::{Ran, TestEnv};

/// Characters a terminal obeys.
fn is_clean(ran: &Ran) -> bool {
    let obeyed =
        |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !ran.stdout.chars().chain(ran.stderr.chars()).any(obeyed)
}

#[test]
fn wrong_usage_is_2_and_starts_nothing() {
    let env = TestEnv::new();
    for arguments in [&["nothing"][..], &[], &["land", "s", "--squash", "--merge"], &["answer", "a", "maybe"]] {
        let ran = env.divisi(arguments);
        assert!(ran.exits(2).stdout.is_empty(), "{ran}");
    }
    assert!(env.divisi(&["--help"]).ok().stdout.contains("Exit codes"));
    assert!(env.divisi(&["new", "--help"]).ok().stdout.contains("Examples:"));
    for shell in ["bash", "zsh", "fish", "elvish"] {
        let script = env.divisi(&["completions", shell]).ok().stdout.clone();
        assert!(["preflight", "approvals", "squash"].iter().all(|word| script.contains(word)), "{shell}");
    }
    assert!(!env.path("run/divisi.sock").exists());
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let env = TestEnv::new();
    let mut command = env.command("sh");
    let divisi = env!("CARGO_BIN_EXE_divisi");
    command.args(["-c", &format!("{{ {divisi} completions zsh; echo $? >&2; }} | head -n 1")]);
    let ran = crate::support::run(command);
    assert_eq!((ran.ok().stderr.as_str(), ran.stdout.lines().count()), ("0\n", 1), "{ran}");
}

#[test]
fn a_refusal_says_what_to_try_on_standard_error() {
    let env = TestEnv::new();
    let ran = env.divisi(&["show", "nobody"]);
    assert!(ran.exits(1).stdout.is_empty() && ran.stderr.contains("  try: "), "{ran}");
}

#[test]
fn nothing_hostile_reaches_the_terminal_or_json() {
    let env = TestEnv::new();
    let repo = env.repo("repo");
    let evil = "\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}";
    let command = format!(
        "printf 'out \\033[2J\\n'; printf '\\033[31mred\\n' > \"$(printf 'a\\033[31m\\nb.txt')\"; printf 'c\\233d' > c.txt; : '{evil}'"
    );
    env.divisi_in(&repo, &["new", "--name", "evil", "--agent", "shell", "--wait", &command]).ok();
    let script = format!(
        "#!script\nsay {evil}\ntool-call t1 execute {evil}\nplan {evil} | b\nask-permission p1 {evil} :: rm {evil}\nsay end"
    );
    env.divisi_in(&repo, &["new", "--name", "asks", "--agent", "scripted", "--wait", &script]).exits(5);
    for arguments in [
        &["list"][..],
        &["show", "evil"],
        &["show", "asks"],
        &["log", "evil"],
        &["log", "asks"],
        &["diff", "evil"],
        &["diff", "evil", "--stat"],
        &["diff", "evil", "--name-only"],
        &["approvals"],
        &["preflight", "evil"],
        &["show", evil],
        &["list", "--json"],
        &["log", "evil", "--json"],
        &["log", "asks", "--json"],
        &["diff", "evil", "--json"],
        &["approvals", "--json"],
        &["answer", "evil", evil],
    ] {
        let ran = env.divisi_in(&repo, arguments);
        assert!(is_clean(&ran), "{arguments:?}: {:?} {:?}", ran.stdout, ran.stderr);
        assert!(arguments.contains(&evil) || ran.code() == 0, "{ran}");
    }
    env.divisi_in(&repo, &["remove", "asks", "evil", "--discard"]).ok();
}

#[test]
fn json_is_an_array_for_lists_and_an_object_for_one() {
    let env = TestEnv::new();
    let repo = env.repo("repo");
    let made = env.json(&repo, &["new", "--agent", "shell", "--name", "one", "--wait", "echo x > x.txt"]);
    assert_eq!((made["name"].as_str(), made["state"].as_str()), (Some("one"), Some("review")));
    assert_eq!(env.json(&repo, &["list"])[0]["id"], made["id"]);
    assert_eq!(env.json(&repo, &["wait", "one"])[0]["id"], made["id"]);
    assert_eq!(env.json(&repo, &["show", "one"])["stat"]["files"], 1);
    assert_eq!(env.json(&repo, &["diff", "one"])["files"][0]["path"], "x.txt");
    assert!(env.json(&repo, &["agents"]).as_array().unwrap().iter().any(|agent| agent["name"] == "shell"));
    let open = env.json(&repo, &["open", "one"])["path"].as_str().unwrap().to_owned();
    assert_eq!(env.divisi_in(&repo, &["open", "one"]).ok().stdout.trim_end(), open);
    assert_eq!(env.json(&repo, &["land", "one"])["state"], "completed");
    env.divisi_in(&repo, &["remove", "one"]).ok();
    assert_eq!(env.json(&repo, &["list"]).as_array().unwrap().len(), 0);
    assert_eq!(env.json(&repo, &["list", "--removed"])[0]["removed"], true);
}
