use clap::{CommandFactory as _, Parser as _};

use super::{Cli, Verb};

fn code(line: &str) -> i32 {
    match Cli::try_parse_from(line.split(' ')) {
        Ok(_) => 0,
        Err(error) => error.exit_code(),
    }
}

#[test]
fn the_verbs_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_verb_has_words() {
    for verb in Cli::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
        assert!(verb.get_about().is_some(), "{}", verb.get_name());
        for argument in verb.get_arguments().filter(|argument| !argument.is_hide_set() && argument.get_id() != "help") {
            assert!(argument.get_help().is_some(), "{} {}", verb.get_name(), argument.get_id());
        }
    }
}

#[test]
fn the_contract_is_accepted() {
    for line in [
        "divisi new fix the parser",
        "divisi new --repo d --base v1 --name n --agent a --model m --mode x --env A=1 --env B --from-file f --wait --json",
        "divisi new -",
        "divisi list --json",
        "divisi show s",
        "divisi log s --follow",
        "divisi wait a b c",
        "divisi send s do it",
        "divisi stop s",
        "divisi remove s --discard",
        "divisi restore s",
        "divisi open s --editor",
        "divisi diff s --stat",
        "divisi diff s --name-only --turn 2",
        "divisi accept s abcd ef01",
        "divisi undo s abcd",
        "divisi approvals",
        "divisi answer k always --scope prefix:cargo --repository",
        "divisi preflight s --onto release",
        "divisi land s --squash --onto b -m msg",
        "divisi land s --rebase --pr",
        "divisi land s --patch -",
        "divisi land s --continue",
        "divisi queue edit s p1 new words",
        "divisi queue cancel s p1",
        "divisi queue list s --json",
        "divisi option s mode plan",
        "divisi policy s hold",
        "divisi trust --digest x",
        "divisi trust --yes",
        "divisi doctor --fix",
        "divisi daemon run --detached",
        "divisi daemon restart",
        "divisi config set a.b -1",
        "divisi completions zsh",
    ] {
        assert_eq!(code(line), 0, "{line}");
    }
}

#[test]
fn wrong_usage_is_two_and_help_is_zero() {
    for line in [
        "divisi",
        "divisi nothing",
        "divisi show",
        "divisi diff s --stat --patch",
        "divisi land s --squash --merge",
        "divisi land s --continue --abort",
        "divisi answer k maybe",
        "divisi new --from-file f words",
        "divisi option s mode",
        "divisi wait",
    ] {
        assert_eq!(code(line), 2, "{line}");
    }
    assert_eq!([code("divisi --help"), code("divisi new --help"), code("divisi --version")], [0, 0, 0]);
}

#[test]
fn prompts_keep_their_words() {
    let Verb::New(args) = Cli::try_parse_from(["divisi", "new", "--wait", "a b", "c"]).unwrap().command else {
        panic!()
    };
    assert!(format!("{args:?}").contains(r#"words: ["a b", "c"]"#));
}
