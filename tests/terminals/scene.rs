//! A repository with sessions of the fake interface, and people in front of terminals.

use crate::sessions::scene::Scene;
use crate::support::{TestEnv, TestTerminal};

/// The fake interface.
const TUI: &str = include_str!("../fixtures/terminals/tui.js");

/// Adds the agent `fake`, whose first prompt is typed.
pub(super) fn with_fake(env: &TestEnv) {
    env.write("tui.js", TUI);
    let path = env.path("tui.js");
    let definition = format!(
        "name = \"fake\"\ndescription = \"A fake interface\"\nprotocol = \"pty\"\ncommand = [\"node\", {path:?}]\n"
    );
    env.write("home/config/divisi/agents/fake.toml", definition);
}

/// A repository whose sessions are removed in the end, with what runs in them.
pub(super) struct Stage(Scene);

impl std::ops::Deref for Stage {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.0
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let sessions = self.0.env.json(&self.0.repo, &["list"]);
        for session in sessions.as_array().into_iter().flatten() {
            self.0.discard(&[session["name"].as_str().expect("a name")]);
        }
    }
}

/// A repository in which the agent `fake` can be used.
pub(super) fn scene() -> Stage {
    let scene = Scene::new();
    with_fake(&scene.env);
    Stage(scene)
}

/// A session of it that has done a first turn.
pub(super) fn idle(name: &str) -> Stage {
    let scene = scene();
    scene.divisi(&["new", "--name", name, "--agent", "fake", "hello there"]).ok();
    scene.wait_for(name, &["completed"]);
    scene
}

/// Somebody who looks at a session's terminal.
pub(super) fn look(scene: &Scene, name: &str, columns: u16, rows: u16) -> TestTerminal {
    let command = scene.env.divisi_command(&scene.repo, &["open", name, "--terminal"]);
    TestTerminal::start(&command, columns, rows)
}
