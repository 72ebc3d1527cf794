use crate::config::load_text;
use crate::model::Refusal;
use crate::model::profile::{CredentialSource, Profile};

fn profiles(text: &str) -> std::collections::BTreeMap<String, Profile> {
    load_text(text, "config.toml").unwrap().settings.profiles
}

fn refused(text: &str) -> String {
    let refusal = Refusal::from(load_text(text, "config.toml").unwrap_err());
    format!("{} | {}", refusal.message, refusal.hints.join(" | "))
}

#[test]
fn a_profile_with_everything() {
    let read = profiles(
        r#"
[profiles.work]
description = "the company's gateway"
agents = ["claude", "claude-acp"]
model = "opus"
mode = "plan"
base_url = "https://gateway.example/v1"
program = "/opt/claude/bin/claude"
arguments = ["--settings", "/etc/x.json"]
unset = ["ANTHROPIC_MODEL"]
environment = { CLAUDE_CODE_MAX_RETRIES = "2" }

[profiles.work.credentials]
ANTHROPIC_API_KEY = "env:WORK_KEY"
A = { command = ["pass", "show", "work/claude"] }
B = "keyring:claude"
C = { keyring = "me", service = "corp" }
D = { env = "D2" }
"#,
    );
    let work = &read["work"];
    assert!(work.fits("claude") && !work.fits("codex") && Profile::default().fits("codex"));
    assert_eq!(work.base_url.as_deref(), Some("https://gateway.example/v1"));
    assert_eq!(work.environment["CLAUDE_CODE_MAX_RETRIES"], "2");
    assert_eq!(work.reads().collect::<Vec<_>>(), ["WORK_KEY", "D2"]);
    let shown: Vec<_> = work.credentials.values().map(CredentialSource::shown).collect();
    assert_eq!(shown, ["command pass", "env:WORK_KEY", "keyring divisi/claude", "keyring corp/me", "env:D2"]);
}

#[test]
fn a_credential_that_is_written_out_is_refused_and_not_repeated() {
    for text in [
        "[profiles.w.environment]\nANTHROPIC_API_KEY = \"hunter2\"\n",
        "[profiles.w.credentials]\nANTHROPIC_API_KEY = \"hunter2\"\n",
        "[profiles.w]\nbase_url = \"https://me:hunter2@host\"\n",
        "[profiles.w.credentials]\nX = { value = \"hunter2\" }\n",
        "[profiles.w.credentials]\nX = [\"hunter2\"]\n",
    ] {
        let said = refused(text);
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.starts_with("config.toml:2: "), "{said}");
    }
    assert!(
        refused("[profiles.w.environment]\nX_TOKEN = \"a\"\n").contains("put X_TOKEN into [profiles.w.credentials]")
    );
}

#[test]
fn mistakes_name_the_line_and_what_was_meant() {
    let cases = [
        (
            "[profiles.w]\n\nmodle = \"x\"\n",
            "config.toml:3: unknown key `profiles.w.modle` | did you mean `profiles.w.mode`?",
        ),
        ("[profiles.w]\nagents = \"claude\"\n", "config.toml:2: `profiles.w.agents` must be an array of strings"),
        ("[profiles.w]\nprogram = \"amp\"\n", "must be an absolute path"),
        ("[profiles]\nw = 1\n", "config.toml:2: `profiles.w` must be a table"),
        ("profiles = 1\n", "`profiles` must be a table"),
        ("[profiles.none]\n", "(and not \"none\")"),
        ("[profiles.\"a b\"]\n", "must be named with"),
        ("[profiles.w.credentials]\n\"A=B\" = \"env:X\"\n", "must name an environment variable"),
        ("[profiles.w.credentials]\nA = { command = [] }\n", "must be one of"),
        ("[profiles.w.credentials]\nA = { command = [\"x\"], keyring = \"y\" }\n", "must be one of"),
        ("[profiles.w]\nenvironment = { A = \"1\" }\ncredentials = { A = \"env:A\" }\n", "gives A twice"),
        ("[agents.profiles]\nclaude = 1\n", "`agents.profiles.claude` must be"),
        ("[agents.profiles]\nclaude = \"home\"\n[profiles.work]\n", "there is no profile \"home\""),
    ];
    for (text, expected) in cases {
        let said = refused(text);
        assert!(said.contains(expected), "{text}: {said}");
    }
}

#[test]
fn defaults_by_agent() {
    let config = load_text("[agents]\nprofiles = { claude = \"work\" }\n[profiles.work]\n", "c").unwrap();
    assert_eq!(config.settings.default_profiles["claude"], "work");
    let config = load_text("[agents.profiles]\ncodex = \"work\"\n[profiles.work]\n", "c").unwrap();
    assert_eq!(config.settings.default_profiles["codex"], "work");
}

#[test]
fn the_examples_are_right() {
    let text = include_str!("../../../examples/profiles.toml");
    let config = load_text(text, "examples/profiles.toml").unwrap();
    for name in ["amp-local", "amp-production", "amp-ci", "claude-gateway"] {
        assert!(config.settings.profiles.contains_key(name), "{name}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}", key in "[a-z_]{1,12}") {
        let _ = load_text(&text, "c");
        let _ = load_text(&format!("[profiles.w]\n{key} = {text}\n"), "c");
        let _ = load_text(&format!("[profiles.w.credentials]\n{key} = {{ {text} }}\n"), "c");
    }
}

#[test]
fn every_key_of_the_description_is_read() {
    use crate::base::schema::Shape;
    let shape = super::shape();
    for (path, around) in
        [(vec!["w"], "[profiles.w]\n"), (vec!["w", "credentials", "A"], "[profiles.w.credentials.A]\n")]
    {
        let (_, table) = shape.at(path).unwrap();
        for field in table.fields() {
            let value = match field.shape.bare() {
                Shape::Texts => "[\"/x\"]",
                Shape::Map { .. } => "{}",
                _ => "\"/x\"",
            };
            let text = format!("{around}{} = {value}\n", field.name);
            let error = load_text(&text, "c").err().map(|error| error.to_string()).unwrap_or_default();
            assert!(!error.contains("is not read"), "{}: {error}", field.name);
        }
    }
}
