//! What the editors of these tests work on: a repository, divisi on `PATH`, and the scripted agent for whoever names none.

use crate::sessions::scene::{DEADLINE, Scene};
use crate::support::wait_until;

/// A scene with a file of 24 lines, every other one empty, in which a script has something to change.
pub(super) fn scene() -> Scene {
    let mut scene = Scene::new();
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_divisi")).parent().expect("it is in a folder").to_owned();
    let others = std::env::var_os("PATH").expect("PATH is set");
    let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&others)));
    scene.env.set("PATH", path.expect("no colon in a folder's name"));
    let lines = (1..=12).map(|number| format!("line {number}\n\n")).collect::<Vec<_>>().concat();
    scene.env.write("repo/notes.md", lines);
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Add notes"]);
    scene.divisi(&["config", "set", "agents.default", "scripted"]).ok();
    scene
}

/// Asks once, then changes two places of the notes.
pub(super) const SCRIPT: [&str; 5] = [
    "#!script",
    "say I begin",
    "ask-permission a Run the tests :: make test",
    "replace notes.md line 2 :: zwei",
    "replace notes.md line 11 :: elf",
];

/// Waits until the notes of a session hold a text. For a moment git has them away while it changes them.
#[track_caller]
pub(super) fn comes_to_hold(scene: &Scene, name: &str, text: &str) {
    let path = scene.worktree(name).join("notes.md");
    wait_until(DEADLINE, &format!("{name} has {text:?}"), || {
        std::fs::read_to_string(&path).is_ok_and(|notes| notes.contains(text))
    });
}
