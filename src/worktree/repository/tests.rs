use super::{RepositorySettings, parse};

#[test]
fn commands_and_time_limit_are_read() {
    let settings = parse("[setup]\ncommands = [\"npm ci\", \"make\"]\ntimeout_sec = 30\n").unwrap();
    assert_eq!(settings.setup.commands, ["npm ci", "make"]);
    assert_eq!(settings.setup.timeout_sec, 30);
    assert_eq!(parse("").unwrap(), RepositorySettings::default());
}

#[test]
fn mistakes_are_named() {
    for (text, word) in [("[setup]\ncommand = []", "command"), ("setup = 3", "setup"), ("[setup", "TOML")] {
        let refusal = parse(text).unwrap_err();
        assert!(refusal.message.contains(word), "{refusal}");
    }
}
