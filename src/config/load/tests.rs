use std::time::Duration;

use super::load_text;
use crate::config::{Color, Config, LogLevel};
use crate::model::Refusal;
use crate::model::approval::ApprovalPolicy;
use crate::model::landing::Strategy;

fn error(text: &str) -> Refusal {
    load_text(text, "config.toml").unwrap_err().into()
}

#[test]
fn every_section_is_read() {
    let config = load_text(
        "core = { idle_exit_sec = 5, log_level = \"debug\" }\n[git]\nlanding = \"rebase\"\nworktrees_root = \"/w\"\nlfs = true\n\
         preserve_ignored_limit_kb = 3\n[agents]\ndefault = \"x\"\nenvironment = [\"A\", \"B\"]\n[security]\npolicy = \"hold\"\n[ui]\ncolor = \"never\"\n",
        "f",
    )
    .unwrap();
    assert_eq!(config.settings.idle_exit, Duration::from_secs(5));
    assert_eq!(config.log_level, LogLevel::Debug);
    assert_eq!(config.settings.landing, Strategy::Rebase);
    assert_eq!(config.settings.worktrees_root.as_deref(), Some(std::path::Path::new("/w")));
    assert_eq!(config.settings.preserve_ignored_limit, 3072);
    assert_eq!(config.settings.agent_environment, ["A", "B"]);
    assert_eq!(config.settings.policy, ApprovalPolicy::Hold);
    assert_eq!(config.ui.color, Color::Never);
    assert!(config.settings.lfs);
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(load_text("# nothing\n", "f").unwrap(), Config::default());
    assert_eq!(load_text("[git]\n", "f").unwrap(), Config::default());
}

#[test]
fn unknown_keys_name_file_line_and_neighbours() {
    let refusal = error("# comment\n[git]\nlandng = \"squash\"\n");
    assert_eq!(refusal.message, "config.toml:3: unknown key `git.landng`");
    assert_eq!(refusal.hints[0], "did you mean `git.landing`?");
    assert_eq!(error("\n\n[gti]\nlanding = 1\n").message, "config.toml:3: unknown key `gti`");
    assert_eq!(error("nonsense = 1\n").message, "config.toml:1: unknown key `nonsense`");
    assert_eq!(error("git.lfs.deep = 1\n").message, "config.toml:1: `git.lfs` must be a value, not a table");
}

#[test]
fn wrong_values_say_what_is_wanted() {
    assert_eq!(error("[git]\nlfs = \"yes\"\n").message, "config.toml:2: `git.lfs` must be true or false, not a string");
    assert_eq!(error("git = 3\n").message, "config.toml:1: `git` must be a table of settings");
    let refusal = error("[git]\n\nlanding = \"fast\"\n");
    assert_eq!(
        refusal.message,
        "config.toml:3: `git.landing` must be one of \"squash\", \"rebase\", \"merge\", not \"fast\""
    );
    assert_eq!(
        error("[agents]\ngrace_sec = -1").message,
        "config.toml:2: `agents.grace_sec` must be between 0 and 600, not -1"
    );
    assert!(error("[git]\nworktrees_root = \"here\"").message.contains("absolute"));
    assert!(error("[git]\ncommit_prefix = \"a\\u001b[31m\"").message.contains("control characters"));
}

#[test]
fn broken_toml_names_the_line() {
    assert!(error("[git]\nlfs = = 1\n").message.starts_with("config.toml:2: not valid TOML"));
}
