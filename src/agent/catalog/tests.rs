use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::entry::OWN_PROGRAM;
use super::*;

const EXE: &str = "/opt/divisi";

fn built_in() -> Catalog {
    let (catalog, findings) = Catalog::load(None, Path::new(EXE), "/nowhere");
    assert_eq!(findings, []);
    catalog
}

/// A configuration directory with these files, and a `bin` directory with these programs.
fn user(files: &[(&str, &str)], programs: &[&str]) -> (tempfile::TempDir, Catalog, Vec<Finding>) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("agents")).unwrap();
    fs::create_dir_all(dir.path().join("bin")).unwrap();
    for (name, text) in files {
        fs::write(dir.path().join("agents").join(name), text).unwrap();
    }
    for name in programs {
        let path = dir.path().join("bin").join(name);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path_env = dir.path().join("bin").display().to_string();
    let (catalog, findings) = Catalog::load(Some(dir.path()), Path::new(EXE), &path_env);
    (dir, catalog, findings)
}

#[test]
fn every_built_in_definition_is_sound() {
    let catalog = built_in();
    assert_eq!(catalog.entries.len(), BUILT_IN.len());
    for (file, text) in BUILT_IN {
        let name = DefinitionFile::parse(text).unwrap().name;
        assert_eq!(file, format!("{name}.toml"));
    }
    for view in catalog.list(&Listing::default()) {
        assert_eq!(view.source, "built-in");
        assert!(view.install_hint.is_some() || view.name == "scripted", "{}", view.name);
        assert!(view.command.iter().all(|word| !word.contains(OWN_PROGRAM)));
    }
    let gemini = &catalog.entries["gemini"];
    assert_eq!(gemini.environment["GEMINI_CLI_NO_RELAUNCH"], "true");
    assert!(!catalog.entries["copilot"].environment.contains_key("COPILOT_OFFLINE"));
    assert_eq!(catalog.entries["scripted"].command[0], EXE);
    assert!(catalog.notes("claude-acp").unwrap().contains("0.100.0"));
}

#[test]
fn the_shell_needs_nothing_and_takes_the_prompt_as_one_word() {
    let catalog = built_in();
    let shell = catalog.find("shell").unwrap();
    let setup = ConversationSetup::default();
    assert_eq!(catalog.command(&shell, &setup, Some("-n \"x\"; y")), ["/bin/sh", "-c", "--", "-n \"x\"; y"]);
    assert_eq!(catalog.lifetime(&shell), Lifetime::Turn);
    assert!(!catalog.wants_stdin(&shell));
    assert!(!catalog.converse(&shell, &setup, Some(&TurnId::from("s.t1"))).can_cancel());
}

#[test]
fn acp_agents_live_as_long_as_the_session() {
    let (_dir, catalog, _) = user(&[], &["gemini"]);
    let agent = catalog.find("gemini").unwrap();
    let setup = ConversationSetup::default();
    assert!(agent.command[0].ends_with("/bin/gemini"), "{:?}", agent.command);
    assert_eq!(catalog.command(&agent, &setup, Some("ignored"))[1..], ["--acp"]);
    assert_eq!(catalog.lifetime(&agent), Lifetime::Session);
    assert!(catalog.wants_stdin(&agent));
    assert!(catalog.converse(&agent, &setup, None).can_cancel());
}

#[test]
fn an_unknown_name_hints_at_names_like_it() {
    let catalog = built_in();
    let hints = |name: &str| catalog.find(name).unwrap_err().hints.join("\n");
    assert!(hints("gemni").contains("gemini"));
    assert!(hints("cluade").contains("claude"));
    assert!(hints("Codex").contains("codex"));
    assert!(!hints("zzzzzzzz").contains("did you mean"));
    assert!(hints("zzzzzzzz").contains("divisi agents"));
}

#[test]
fn a_missing_program_says_how_to_install_it() {
    let refusal = built_in().find("qwen").unwrap_err();
    assert!(refusal.message.contains("qwen"), "{}", refusal.message);
    assert!(refusal.hints[0].contains("npm install -g @qwen-code/qwen-code@"));
    let view = built_in().list(&Listing::default()).into_iter().find(|view| view.name == "qwen").unwrap();
    assert!(!view.installed && view.path.is_none());
}

#[test]
fn the_user_extends_and_overrides() {
    let (_dir, catalog, findings) = user(
        &[
            (
                "mine.toml",
                "name = \"mine\"\ndescription = \"d\"\nprotocol = \"shell\"\ncommand = [\"mytool\", \"--message\", \"{prompt}\", \"-v\"]\n",
            ),
            ("gemini.toml", "name = \"gemini\"\npass_environment = [\"MORE\"]\n[environment]\nEXTRA = \"{exe} x\"\n"),
            ("notes.txt", "not a definition"),
        ],
        &["mytool", "gemini"],
    );
    assert_eq!(findings, []);
    let mine = catalog.find("mine").unwrap();
    let command = catalog.command(&mine, &ConversationSetup::default(), Some("do it"));
    assert_eq!(command[1..], ["--message", "do it", "-v"]);
    let gemini = catalog.find("gemini").unwrap();
    assert_eq!(gemini.environment["GEMINI_CLI_NO_RELAUNCH"], "true");
    assert_eq!(gemini.environment["EXTRA"], format!("{EXE} x"));
    assert!(gemini.pass_environment.contains(&"MORE".to_owned()));
    assert!(gemini.source.ends_with("gemini.toml"));
}

#[test]
fn a_bad_file_names_its_line_and_takes_nothing_else_down() {
    let good = "name = \"good\"\ndescription = \"d\"\nprotocol = \"acp\"\ncommand = [\"good\"]\n";
    let cases = [
        (
            "key.toml",
            "name = \"a1\"\ndescription = \"d\"\npass_enviroment = []\n",
            "line 3: unknown key `pass_enviroment` (did you mean `pass_environment`?)",
        ),
        ("syntax.toml", "name = \"a2\"\ncommand = [\n", "line "),
        ("protocol.toml", "name = \"a3\"\nprotocol = \"telepathy\"\n", "line 2: `protocol` must be one of \"shell\", "),
        ("type.toml", "name = \"a4\"\ncommand = \"x y\"\n", "line 2: "),
        ("missing.toml", "name = \"a5\"\ndescription = \"d\"\nprotocol = \"acp\"\n", "`command` is missing"),
        ("empty.toml", "name = \"a6\"\ncommand = []\n", "`command` is empty"),
        ("relative.toml", "name = \"a7\"\ncommand = [\"./x\"]\n", "bare name or an absolute path"),
        ("name.toml", "name = \"../a8\"\n", "`name` is"),
        ("variable.toml", "name = \"a9\"\n[environment]\n\"A=B\" = \"x\"\n", "environment variable"),
        ("zz_twice.toml", good, "already defined by"),
    ];
    let mut files = vec![("aa_good.toml", good)];
    files.extend(cases.iter().map(|(file, text, _)| (*file, *text)));
    let (_dir, catalog, findings) = user(&files, &["good"]);
    assert!(catalog.find("good").is_ok());
    assert_eq!(findings.len(), cases.len(), "{findings:#?}");
    for (file, _, expected) in cases {
        let found =
            findings.iter().find(|found| found.subject.as_ref().is_some_and(|path| path.ends_with(file))).unwrap();
        assert!(found.message.contains(expected), "{file}: {}", found.message);
        assert_eq!(found.level, "error");
    }
    assert_eq!(catalog.entries.len(), BUILT_IN.len() + 1);
}

#[test]
fn the_current_directory_is_not_searched() {
    let catalog = Catalog::load(None, Path::new(EXE), "").0;
    assert!(catalog.find("gemini").is_err());
}

#[test]
fn placeholders_become_arguments_or_nothing() {
    let (_dir, catalog, findings) = user(&[], &["claude", "codex", "gemini", "opencode"]);
    assert_eq!(findings, []);
    let resume = crate::model::agent::AgentReady { conversation: Some("c1".to_owned()), ..Default::default() };
    let fresh = ConversationSetup::default();
    let full = ConversationSetup {
        resume: Some(resume),
        mode: Some("yolo".to_owned()),
        model: Some("m".to_owned()),
        ..fresh.clone()
    };
    let command = |name: &str, setup: &ConversationSetup| {
        let agent = catalog.find(name).unwrap();
        catalog.command(&agent, setup, Some("-x {mode} do it"))[1..].join(" ")
    };
    assert_eq!(
        command("gemini-once", &fresh),
        "--output-format stream-json --skip-trust --approval-mode=auto_edit --prompt=-x {mode} do it"
    );
    assert!(command("gemini-once", &full).contains("--approval-mode=yolo --model=m --resume=c1 --prompt=-x"));
    assert!(command("codex-once", &full).starts_with("exec resume c1 --json"));
    assert!(command("codex-once", &fresh).ends_with("sandbox_mode=workspace-write -- -x {mode} do it"));
    assert!(command("claude", &full).ends_with("--permission-prompt-tool stdio --strict-mcp-config --resume=c1"));
    assert!(!command("claude", &fresh).contains("do it"));
    for (name, lifetime) in
        [("claude", Lifetime::Session), ("codex", Lifetime::Session), ("opencode-once", Lifetime::Turn)]
    {
        let agent = catalog.find(name).unwrap();
        assert_eq!(catalog.lifetime(&agent), lifetime);
        assert_eq!(catalog.wants_stdin(&agent), lifetime == Lifetime::Session);
        assert_eq!(catalog.converse(&agent, &fresh, None).can_cancel(), lifetime == Lifetime::Session);
    }
}

#[test]
fn json_lines_need_a_dialect_that_there_is() {
    let base = "description = \"d\"\nprotocol = \"json_lines\"\ncommand = [\"x\"]\n";
    let without = format!("name = \"a\"\n{base}");
    let wrong = format!("name = \"b\"\n{base}dialect = \"klingon\"\n");
    let (_dir, catalog, findings) = user(&[("a.toml", &without), ("b.toml", &wrong)], &[]);
    assert!(findings[0].message.contains("`dialect` is missing"), "{}", findings[0].message);
    assert!(findings[1].message.contains("not \"klingon\""), "{}", findings[1].message);
    assert!(!catalog.entries.contains_key("a") && !catalog.entries.contains_key("b"));
}

#[test]
fn a_repositorys_definitions_are_laid_over_the_catalog_for_whoever_holds_them() {
    let (_dir, catalog, _) = user(&[], &["gemini", "theirs"]);
    let text = "[setup]\ncommands = [\"x\"]\n[agents.gemini]\ncommand = [\"theirs\", \"{model}\"]\n[agents.gemini.arguments]\nmodel = [\"-m\", \"{value}\"]\n";
    let definitions = catalog.in_repository(text).unwrap();
    let variant = Variant { definition: Some(&definitions["gemini"]), program: None };
    let agent = catalog.find_as("gemini", variant).unwrap();
    assert!(agent.command[0].ends_with("/theirs") && agent.environment.contains_key("GEMINI_CLI_NO_RELAUNCH"));
    let setup = ConversationSetup { model: Some("m1".to_owned()), ..ConversationSetup::default() };
    assert_eq!(catalog.command(&agent, &setup, None)[1..], ["-m", "m1"]);
    assert!(catalog.find("gemini").unwrap().command[0].ends_with("/gemini"));
    for (text, words) in [
        ("[agents.x]\nprotocol = \"acp\"\n", "[agents.x]: `command` is missing"),
        ("[agents.x]\n\ncomand = [\"y\"]\n", "line 3: unknown key `agents.x.comand`"),
        ("[agents.x]\ncommand = [\"./evil\"]\n", "bare name or an absolute path"),
        ("[agents.x]\nname = \"y\"\n", "`name` that says \"y\""),
        ("[agents.\"../x\"]\ncommand = [\"y\"]\n", "`name` that is"),
    ] {
        let refusal = catalog.in_repository(text).unwrap_err();
        assert!(refusal.message.contains(words), "{}", refusal.message);
    }
}

#[test]
fn a_profiles_program_takes_the_place_of_the_agents_own() {
    let (dir, catalog, _) = user(&[], &["mine"]);
    let program = dir.path().join("bin/mine").display().to_string();
    let variant = |program: &'static str| Variant { definition: None, program: Some(program) };
    let found = catalog.find_as("amp", Variant { definition: None, program: Some(&program) }).unwrap();
    assert_eq!(found.command[0], program);
    let refusal = catalog.find_as("amp", variant("/nowhere/amp")).unwrap_err();
    assert!(refusal.message.ends_with("its program /nowhere/amp was not found"), "{}", refusal.message);
    assert_eq!(refusal.hints, ["correct `program` in the profile"]);
}

/// The keys that a reader takes, as it says itself when it meets another one.
fn read_by<T: serde::de::DeserializeOwned>(section: &str) -> BTreeSet<String> {
    let error = toml_edit::de::from_str::<T>(&format!("{section}zz-none = 1\n")).err().unwrap().to_string();
    let expected = error.split("expected ").nth(1).unwrap();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn described(shape: &crate::base::schema::Shape, path: &[&str]) -> BTreeSet<String> {
    let (_, shape) = shape.at(path.iter().copied()).unwrap();
    shape.fields().iter().map(|field| field.name.clone()).collect()
}

#[test]
fn the_description_has_what_the_reader_has() {
    use crate::model::schema::{definition, repository};
    for (section, path) in [
        ("", vec![]),
        ("[login]\n", vec!["login"]),
        ("[arguments]\n", vec!["arguments"]),
        ("[terminal]\ncommand = []\n", vec!["terminal"]),
    ] {
        let head = format!("name = \"x\"\n{section}");
        assert_eq!(read_by::<DefinitionFile>(&head), described(&definition::file(), &path), "{section}");
    }
    let mut own = described(&definition::file(), &[]);
    assert_eq!(described(&repository::shape(), &["agents", "x"]), own, "the same in a repository");
    assert!(own.remove("name"));
    assert_eq!(read_by::<crate::model::mcp::McpServer>(""), described(&repository::shape(), &["mcp", "x"]));
    let mut names: Vec<String> = BUILT_IN.iter().map(|(file, _)| file.replace(".toml", "")).collect();
    names.sort();
    assert_eq!(names, definition::BUILT_IN);
    assert!(definition::DIALECTS.iter().all(|name| name.parse::<Dialect>().is_ok()));
    let error = "none".parse::<Dialect>().err().unwrap();
    assert!(error.ends_with(&definition::DIALECTS.join(", ")), "{error}");
    for word in definition::ABSENT {
        let text = format!("name = \"x\"\n[login]\nabsent = \"{word}\"\n");
        assert!(DefinitionFile::parse(&text).is_ok(), "{word}");
    }
}

#[test]
fn agents_that_take_words_literally_say_so() {
    let literal: Vec<String> = built_in()
        .list(&Listing::default())
        .into_iter()
        .filter(|agent| agent.literal)
        .map(|agent| agent.name)
        .collect();
    assert_eq!(literal, ["scripted", "shell", "terminal"]);
    let (_dir, catalog, findings) =
        user(&[("shell.toml", "name = \"shell\"\ncommand = [\"llm\", \"{prompt}\"]\n")], &["llm"]);
    assert_eq!(findings, []);
    let shell = catalog.list(&Listing::default()).into_iter().find(|agent| agent.name == "shell").unwrap();
    assert!(!shell.literal, "another program may understand words");
}

proptest::proptest! {
    #[test]
    fn no_definition_makes_a_panic(text in "\\PC{0,200}", key in "[a-z_]{1,18}", value in "\\PC{0,40}") {
        let catalog = built_in();
        let _ = DefinitionFile::parse(&text);
        let _ = catalog.in_repository(&text);
        let text = format!("[agents.x]\n{key} = {value}\n");
        if let Ok(definitions) = catalog.in_repository(&text) {
            for (name, definition) in &definitions {
                let _ = catalog.find_as(name, Variant { definition: Some(definition), program: None });
            }
        }
        let _ = catalog.find_as("shell", Variant { definition: Some(&value), program: None });
    }
}

#[test]
fn what_agents_tell_of_what_they_use_is_known_of_every_built_in_one() {
    use crate::model::tells::Tells;
    let catalog = built_in();
    let of = |wanted: Tells| -> Vec<&str> {
        let told = catalog.entries.iter().filter(|(_, entry)| entry.tells == wanted);
        told.map(|(name, _)| name.as_str()).collect()
    };
    assert_eq!(of(Tells::Unknown), Vec::<&str>::new());
    let nothing = ["claude-tui", "codex-tui", "copilot-once", "gemini-tui", "opencode-tui", "shell", "terminal"];
    assert_eq!(of(Tells::Nothing), nothing);
    assert_eq!(of(Tells::Cost), ["claude", "claude-acp", "opencode", "opencode-once", "pi", "scripted"]);
}
