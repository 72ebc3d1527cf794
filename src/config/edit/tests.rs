use std::fs;

use super::{get, list, set};
use crate::config::{Config, load, load_text};
use crate::model::Refusal;

#[test]
fn setting_keeps_comments_and_everything_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/config.toml");
    set(&path, "git.landing", "rebase").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "[git]\nlanding = \"rebase\"\n");
    fs::write(&path, "# mine\n[git] # here\n# why\nlanding = \"rebase\" # because\nlfs = true\n").unwrap();
    set(&path, "git.landing", "merge").unwrap();
    set(&path, "agents.environment", "[\"A\"]").unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "# mine\n[git] # here\n# why\nlanding = \"merge\" # because\nlfs = true\n\n[agents]\nenvironment = [\"A\"]\n"
    );
}

#[test]
fn what_is_set_is_what_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    for (key, given, shown) in [
        ("core.idle_exit_sec", "12", "12"),
        ("core.log_level", "trace", "\"trace\""),
        ("git.commit_prefix", "true", "\"true\""),
        ("git.run_hooks", "true", "true"),
        ("git.worktrees_root", "/w t", "\"/w t\""),
        ("security.policy", "\"auto\"", "\"auto\""),
        ("ui.editor", "nvim -n", "\"nvim -n\""),
    ] {
        set(&path, key, given).unwrap();
        assert_eq!(get(&load(&path).unwrap(), key).unwrap().value, shown, "{key}");
    }
}

#[test]
fn a_value_that_does_not_fit_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    fs::write(&path, "[git]\nlfs = true\n").unwrap();
    let refusal = Refusal::from(set(&path, "git.lfs", "3").unwrap_err());
    assert_eq!(refusal.message, "failed to set `git.lfs`: it must be true or false, not an integer");
    let refusal = Refusal::from(set(&path, "git.lsf", "true").unwrap_err());
    assert_eq!(
        (refusal.message.as_str(), refusal.hints[0].as_str()),
        ("there is no setting `git.lsf`", "did you mean `git.lfs`?")
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "[git]\nlfs = true\n");
    fs::write(&path, "[git]\nwrong = true\n").unwrap();
    assert!(set(&path, "git.lfs", "true").is_err(), "a file that is wrong already is not made worse");
}

#[test]
fn the_list_is_a_valid_configuration() {
    let text: String = list(&Config::default())
        .iter()
        .fold(String::new(), |text, setting| text + setting.key + " = " + &setting.value + "\n");
    assert_eq!(load_text(&text, "list").unwrap(), Config::default());
    assert!(list(&Config::default()).iter().all(|setting| setting.default && !setting.about.is_empty()));
}
