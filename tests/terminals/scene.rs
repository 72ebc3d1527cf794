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

/// A repository in which the agent `fake` can be used.
pub(super) fn scene() -> Scene {
    let scene = Scene::new();
    with_fake(&scene.env);
    scene
}

/// A session of it that has done a first turn.
pub(super) fn idle(name: &str) -> Scene {
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
