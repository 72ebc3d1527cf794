//! The interfaces of real agents, on a terminal: what a person sees and types there is what the session tells.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::sessions::scene::{DEADLINE, Scene};
use crate::support::{Running, TestTerminal, holds_within, wait_until};

use super::agents::{Agent, CLAUDE, CODEX};
use super::stage::Stage;

/// The session's name.
pub(super) const NAME: &str = "one";

/// A repository, an agent's own interface, and the model.
pub(super) struct House {
    // Dropped first: the environment takes what is still running for a leftover.
    _server: Running,
    pub(super) scene: Scene,
}

impl House {
    pub(super) fn new(test: &str, agent: &Agent) -> Option<Self> {
        let stage = Stage::set(test, agent.program)?;
        let variables = (agent.prepare)(&stage);
        // What a person answers once on a new machine and in a new directory.
        let worktree = stage.env.path("repo").join(".worktrees").join(NAME);
        let seed = json!({
            "hasCompletedOnboarding": true,
            "customApiKeyResponses": { "approved": ["dummy"] },
            "projects": { worktree.to_str().unwrap(): { "hasTrustDialogAccepted": true } },
        });
        stage.home(".claude.json", &seed.to_string());
        if agent.program == "codex" {
            let config = std::fs::read_to_string(stage.env.path("home/.codex/config.toml")).unwrap();
            let trusted = format!("{config}[projects.{:?}]\ntrust_level = \"trusted\"\n", stage.env.path("repo"));
            stage.home(
                ".codex/config.toml",
                &format!("approval_policy = \"on-request\"\nsandbox_mode = \"workspace-write\"\n{trusted}"),
            );
        }
        let (server, mut scene) = stage.into_scene();
        for (name, value) in variables {
            scene.env.set(name, value);
        }
        Some(Self { _server: server, scene })
    }

    pub(super) fn look(&self) -> TestTerminal {
        let command = self.scene.env.divisi_command(&self.scene.repo, &["open", NAME, "--terminal"]);
        TestTerminal::start(&command, 110, 34)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.scene.worktree(NAME).join(name)
    }

    /// Allows in the terminal what it asks there: the first choice is yes.
    pub(super) fn allow(&self, person: &mut TestTerminal) {
        self.scene.wait_for(NAME, &["awaiting_input"]);
        // It says that it asks a moment before it hears the answer.
        let answered = holds_within(DEADLINE, || {
            person.type_in("\r");
            holds_within(Duration::from_secs(2), || self.scene.state(NAME) != "awaiting_input")
        });
        assert!(answered, "{}", person.text());
    }

    pub(super) fn ended(&self, turns: u32, states: &[&str]) {
        wait_until(DEADLINE, &format!("turn {turns} ends in one of {states:?}"), || {
            let seen = self.scene.show(NAME);
            seen["turns"] == turns && states.iter().any(|state| seen["state"] == *state)
        });
    }
}

#[test]
fn claude_moves_to_its_own_interface_works_there_and_moves_back() {
    let Some(house) = House::new("claude_moves_to_its_own_interface", &CLAUDE) else { return };
    let scene = &house.scene;
    scene.divisi(&["new", "--name", NAME, "--agent", "claude", "--mode", "default", "please @@text"]).ok();
    scene.wait_for(NAME, &["completed"]);
    let mut person = house.look();
    person.until_all(&["Claude Code", "Just text, no tools."]);
    person.type_in(&format!("please @@write={}", house.file("typed.txt").display()));
    person.until("@@write=");
    person.type_in("\r");
    house.allow(&mut person);
    house.ended(2, &["review"]);
    assert!(house.file("typed.txt").exists());
    assert_eq!(scene.show(NAME)["turn"]["prompt"], "(typed in the terminal)");
    scene.divisi(&["send", NAME, &format!("please @@write={}", house.file("sent.txt").display())]).ok();
    house.allow(&mut person);
    house.ended(3, &["review"]);
    assert!(house.file("sent.txt").exists(), "what is sent is typed for the person");
    scene.divisi(&["send", NAME, "please @@slow"]).ok();
    person.until("esc to interrupt");
    wait_until(DEADLINE, "the turn runs", || scene.show(NAME)["turns"] == 4 && scene.state(NAME) == "running");
    scene.divisi(&["stop", NAME]).ok();
    house.ended(4, &["interrupted"]);
    scene.kill_daemon();
    // Interrupted before a word of the answer was there, it has put the prompt back into its input: that goes first.
    person.type_in("\u{15}");
    person.type_in("/exit");
    person.until("/exit");
    person.type_in("\r");
    assert_eq!(person.end(), Some(0), "{}", person.text());
    assert!(person.is_as_before());
    scene.divisi(&["send", NAME, "please @@text"]).ok();
    house.ended(5, &["review"]);
    assert!(scene.spoken(NAME).ends_with("Just text, no tools."), "by the protocol, in the same conversation");
    scene.discard(&[NAME]);
}

#[test]
fn claude_on_a_terminal_is_prompted_stopped_with_a_shell_running_and_goes_on() {
    let Some(house) = House::new("claude_on_a_terminal", &CLAUDE) else { return };
    let scene = &house.scene;
    let prompt = format!("please @@write={}", house_path(scene, "first.txt"));
    scene.divisi(&["new", "--name", NAME, "--agent", "claude-tui", "--mode", "acceptEdits", &prompt]).ok();
    house.ended(1, &["review"]);
    assert!(house.file("first.txt").exists());
    scene.divisi(&["send", NAME, "please @@longshell"]).ok();
    let mut person = house.look();
    wait_until(DEADLINE, "a shell runs", || house.file("long.txt").exists());
    person.type_in("\u{1c}");
    assert_eq!(person.end(), Some(0), "whoever looked away stops nothing");
    scene.discard(&[NAME]);
}

#[test]
fn codex_on_a_terminal_edits_and_says_when_it_is_done() {
    let Some(house) = House::new("codex_on_a_terminal", &CODEX) else { return };
    let scene = &house.scene;
    let prompt = format!("please @@write={}", house_path(scene, "first.txt"));
    scene.divisi(&["new", "--name", NAME, "--agent", "codex-tui", &prompt]).ok();
    let mut person = house.look();
    // It offers a newer model first; nothing is typed into that by itself.
    person.until("Use existing model");
    // It is drawn before it listens.
    let chosen = holds_within(DEADLINE, || {
        person.type_in("2");
        holds_within(Duration::from_secs(2), || !person.text().contains("Use existing model"))
    });
    assert!(chosen, "{}", person.text());
    house.ended(1, &["review"]);
    assert!(house.file("first.txt").exists());
    scene.divisi(&["send", NAME, "please @@text"]).ok();
    house.ended(2, &["review"]);
    person.until("Just text, no tools.");
    scene.discard(&[NAME]);
}

/// A path in the worktree that the session will have.
fn house_path(scene: &Scene, name: &str) -> String {
    scene.repo.join(".worktrees").join(NAME).join(name).display().to_string()
}
