use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn program(dir: &Path, name: &str, body: &str) -> Question {
    let path = dir.join(name);
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let environment = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    Question { path, program: name.to_owned(), arguments: vec!["--version".to_owned()], environment }
}

fn asked(question: &Question) -> Probe {
    let answers = Answers::default();
    answers.ask(std::slice::from_ref(question));
    answers.known(question).unwrap()
}

#[test]
fn a_program_is_asked_once_until_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let count = dir.path().join("count");
    let body = |version: &str| format!("echo x >> {}; echo 'thing {version} (build)'", count.display());
    let question = program(dir.path(), "claude", &body("2.1.197"));
    let answers = Answers::default();
    assert_eq!(answers.known(&question), None);
    answers.ask(&[question.clone(), question.clone()]);
    answers.ask(std::slice::from_ref(&question));
    let probe = answers.known(&question).unwrap();
    assert_eq!((probe.version.as_deref(), probe.problems.len()), (Some("2.1.197"), 1));
    assert_eq!(fs::read_to_string(&count).unwrap(), "x\n");
    let question = program(dir.path(), "claude", &body("2.1.3290"));
    assert_eq!(answers.known(&question), None);
    answers.ask(std::slice::from_ref(&question));
    assert_eq!(answers.known(&question).unwrap().problems, []);
    assert_eq!(answers.0.lock().unwrap().len(), 1);
}

#[test]
fn what_went_wrong_is_said_without_escapes() {
    let dir = tempfile::tempdir().unwrap();
    let fails = asked(&program(dir.path(), "a", "printf 'no \\033[31mnode\\n' >&2; exit 7"));
    assert_eq!(fails.version, None);
    let fault = fails.fault.unwrap();
    assert!(fault.starts_with("a --version exits with code 7: no "), "{fault}");
    assert!(!fault.contains('\u{1b}'));
    let silent = asked(&program(dir.path(), "b", "exit 0"));
    assert_eq!(silent.fault.as_deref(), Some("b --version tells no version"));
    let killed = asked(&program(dir.path(), "c", "kill -9 $$"));
    assert_eq!(killed.fault.as_deref(), Some("c --version was ended by signal 9"));
}

#[test]
fn one_that_hangs_costs_two_seconds_once_for_all() {
    let dir = tempfile::tempdir().unwrap();
    let questions: Vec<_> = (0..6).map(|number| program(dir.path(), &format!("h{number}"), "exec sleep 60")).collect();
    let begin = crate::base::clock::instant();
    let answers = Answers::default();
    answers.ask(&questions);
    assert!(crate::base::clock::instant() - begin < Duration::from_secs(8), "they were asked one after the other");
    for question in &questions {
        let fault = answers.known(question).unwrap().fault.unwrap();
        assert!(fault.ends_with("did not answer within 2 s"), "{fault}");
    }
}

#[test]
fn a_package_tells_its_version_without_being_run() {
    let dir = tempfile::tempdir().unwrap();
    let package = dir.path().join("lib/node_modules/@x/agent");
    fs::create_dir_all(package.join("dist")).unwrap();
    fs::write(package.join("package.json"), r#"{"name":"@x/agent","version":"0.49.0-linux-x64"}"#).unwrap();
    fs::write(package.join("dist/package.json"), r#"{"type":"module"}"#).unwrap();
    program(&package.join("dist"), "index.js", "echo run > ran; exit 1");
    let link = dir.path().join("claude-agent-acp");
    symlink(package.join("dist/index.js"), &link).unwrap();
    let question = Question {
        path: link,
        program: "claude-agent-acp".to_owned(),
        arguments: Vec::new(),
        environment: BTreeMap::new(),
    };
    let probe = asked(&question);
    assert_eq!(probe.version.as_deref(), Some("0.49.0"));
    assert_eq!(probe.problems.len(), 1);
    assert!(!package.join("dist/ran").exists());
}
