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

#[test]
fn the_description_has_what_the_reader_has() {
    use crate::model::schema::repository::shape;
    for section in ["", "[setup]\n"] {
        let error = toml_edit::de::from_str::<RepositorySettings>(&format!("{section}zz-none = 1\n")).err().unwrap();
        let error = error.to_string();
        let mut read: Vec<&str> = error.split("expected ").nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        let path = if section.is_empty() { vec![] } else { vec!["setup"] };
        let shape = shape();
        let (_, table) = shape.at(path).unwrap();
        let mut described: Vec<&str> = table.fields().iter().map(|field| field.name.as_str()).collect();
        read.sort_unstable();
        described.sort_unstable();
        assert_eq!(described, read);
    }
}

#[test]
fn a_mistake_in_an_agent_is_not_this_readers_to_refuse() {
    let settings = parse("[setup]\ncommands = [\"make\"]\n[agents.x]\ncomand = [\"y\"]\n").unwrap();
    assert_eq!(settings.setup.commands, ["make"]);
}
