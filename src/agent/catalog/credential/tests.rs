use super::*;

fn sh(script: &str) -> Result<Secret, Refusal> {
    let words = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let environment = BTreeMap::from([("GIVEN".to_owned(), "from-environment".to_owned())]);
    look_up(&CredentialSource::Command(words), &environment, OsStr::new("/usr/bin:/bin"))
}

fn refused(script: &str) -> String {
    sh(script).unwrap_err().message
}

#[test]
fn the_first_line_of_a_command_is_the_credential() {
    assert_eq!(sh("echo 'hunter2 '").unwrap().expose(), "hunter2 ");
    assert_eq!(sh("printf 'x\\r\\n'").unwrap().expose(), "x");
    assert_eq!(sh("echo $GIVEN").unwrap().expose(), "from-environment");
}

#[test]
fn what_a_command_printed_is_in_no_error() {
    for script in [
        "echo hunter2; echo more",
        "echo hunter2; exit 3",
        "echo hunter2; echo 'bad: hunter2' >&2; exit 3",
        "printf 'hunter2\\0'",
        "printf 'hunter2\\377'",
        "echo hunter2; kill -9 $$",
        "yes hunter2",
    ] {
        let message = refused(script);
        assert!(!message.contains("hunter2"), "{script}: {message}");
    }
    assert_eq!(refused("true"), "/bin/sh printed nothing");
    assert_eq!(refused("echo 'no such entry' >&2; exit 1"), "/bin/sh exited with code 1: no such entry");
}

#[test]
fn what_is_missing_is_named() {
    let environment = BTreeMap::from([("EMPTY".to_owned(), String::new())]);
    let look = |source: CredentialSource| look_up(&source, &environment, OsStr::new("/nowhere")).unwrap_err();
    assert!(look(CredentialSource::Variable("EMPTY".to_owned())).message.contains("EMPTY is not set"));
    let keyring = look(CredentialSource::Keyring { service: "divisi".to_owned(), account: "work".to_owned() });
    assert!(keyring.message.contains("was not found in PATH"), "{keyring:?}");
    assert!(keyring.hints[0].contains("'work'"), "{keyring:?}");
}
