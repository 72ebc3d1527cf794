use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::host::port::ConversationSetup;
use crate::host::tests::TwoAgents;
use crate::model::profile::CredentialSource;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn agent() -> AgentDefinition {
    AgentDefinition {
        environment: map(&[("QUIET", "agent"), ("BOTH", "agent")]),
        pass_environment: ["KEY", "URL"].map(str::to_owned).to_vec(),
        mode_variable: Some("MODE".to_owned()),
        editor: None,
        ..TwoAgents.find("stays").unwrap()
    }
}

fn launch(profile: Profile, caller: Caller) -> Launch {
    Launch {
        session: "s".into(),
        job: "s.j1".into(),
        agent: "stays".to_owned(),
        setup: ConversationSetup { mode: Some("plan".to_owned()), ..Default::default() },
        turn: None,
        environment: map(&[("PATH", "/bin"), ("GIVEN", "session"), ("HTTPS_PROXY", "daemon")]),
        given: ["GIVEN".to_owned()].into(),
        pass: Vec::new(),
        caller: Arc::new(caller),
        profile: Some(("work".to_owned(), profile)),
        definition: None,
        on_daemon_death: crate::model::job::OnDaemonDeath::Keep,
        lease: Duration::ZERO,
        grace: Duration::ZERO,
        mcp: BTreeMap::new(),
        silence: Duration::ZERO,
        silent: None,
        on_terminal: false,
        offset: 0,
        steers: Vec::new(),
    }
}

fn command(words: &[&str]) -> CredentialSource {
    CredentialSource::Command(words.iter().map(|word| (*word).to_owned()).collect())
}

#[test]
fn who_wins_over_whom() {
    let profile = Profile {
        base_url: Some("http://server".to_owned()),
        unset: ["URL", "HTTPS_PROXY", "GIVEN"].map(str::to_owned).into(),
        environment: map(&[("BOTH", "profile"), ("GIVEN", "profile")]),
        credentials: [("KEY".to_owned(), command(&["/opt/bin/pass", "x"])), ("GIVEN".to_owned(), command(&["no"]))]
            .into(),
        ..Profile::default()
    };
    let daemon = map(&[("KEY", "daemon"), ("URL", "daemon"), ("OTHER", "daemon")]);
    let got = environment(&TwoAgents, &daemon, &agent(), &launch(profile, Caller::new())).unwrap();
    let expected = map(&[
        ("PATH", "/bin"),
        ("GIVEN", "session"),
        ("QUIET", "agent"),
        ("BOTH", "profile"),
        ("KEY", "secret of command pass"),
        ("SERVER", "http://server"),
        ("MODE", "plan"),
    ]);
    assert_eq!(got, expected);
}

#[test]
fn the_caller_decides_and_what_it_has_not_set_is_not_set() {
    let daemon = map(&[("KEY", "daemon"), ("URL", "daemon"), ("PASSED", "daemon")]);
    let caller: Caller = [("KEY".to_owned(), Some(Secret::new("caller"))), ("URL".to_owned(), None)].into();
    let mut launch = launch(Profile::default(), caller);
    launch.pass = vec!["PASSED".to_owned()];
    let got = environment(&TwoAgents, &daemon, &agent(), &launch).unwrap();
    assert_eq!((got["KEY"].as_str(), got.get("URL"), got["PASSED"].as_str()), ("caller", None, "daemon"));
    launch.pass.push("FORGOTTEN".to_owned());
    let refusal = environment(&TwoAgents, &daemon, &agent(), &launch).unwrap_err();
    assert!(refusal.message.contains("FORGOTTEN"), "{refusal:?}");
    assert!(refusal.hints[0].starts_with("divisi send s --env FORGOTTEN"), "{refusal:?}");
    assert!(!format!("{launch:?}").contains("caller\""), "the values of a caller are not shown");
}

#[test]
fn a_credential_that_is_missing_is_named_with_its_profile() {
    let credentials = [("KEY".to_owned(), CredentialSource::Variable("NOWHERE".to_owned()))].into();
    let launch = launch(Profile { credentials, ..Profile::default() }, Caller::new());
    let refusal = environment(&TwoAgents, &BTreeMap::new(), &agent(), &launch).unwrap_err();
    assert_eq!(refusal.message, "the profile 'work' has no KEY: it is not there");
}

#[test]
fn which_profile() {
    let claude = Profile { agents: vec!["claude".to_owned()], ..Profile::default() };
    let settings = Settings {
        profiles: [("work".to_owned(), claude), ("any".to_owned(), Profile::default())].into(),
        default_profiles: map(&[("claude", "work")]),
        ..Settings::default()
    };
    let name =
        |wanted: Option<&str>, agent: &str| choose(&settings, wanted, agent).map(|chosen| chosen.map(|(name, _)| name));
    assert_eq!(name(None, "claude").unwrap(), Some("work"));
    assert_eq!(name(Some("none"), "claude").unwrap(), None);
    assert_eq!(name(Some("any"), "claude").unwrap(), Some("any"));
    assert_eq!(name(None, "codex").unwrap(), None);
    assert!(name(Some("work"), "codex").unwrap_err().message.contains("is for claude, not for codex"));
    assert_eq!(name(Some("wrok"), "claude").unwrap_err().hints[0], "did you mean work?");
}

#[test]
fn arguments_come_before_what_ends_the_options() {
    for (command, expected) in [
        (vec!["a", "--acp"], "a --acp +x +y"),
        (vec!["a", "exec", "--json", "--", "{prompt}"], "a exec --json +x +y -- {prompt}"),
        (vec!["amp", "{resume}", "--execute={prompt}"], "amp {resume} +x +y --execute={prompt}"),
        (vec!["pi", "-p", "{prompt}", "-v"], "pi +x +y -p {prompt} -v"),
        (vec!["a", "{prompt}"], "a +x +y {prompt}"),
        (vec!["a"], "a +x +y"),
    ] {
        let mut agent = AgentDefinition { command: command.iter().map(|word| (*word).to_owned()).collect(), ..agent() };
        with_arguments(&mut agent, &["+x".to_owned(), "+y".to_owned()]);
        assert_eq!(agent.command.join(" "), expected);
    }
}
