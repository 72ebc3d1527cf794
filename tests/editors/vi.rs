//! Neovim with the plugin, on a terminal: keys typed, the screen read.

use std::path::Path;

use crate::sessions::scene::{DEADLINE, Scene};
use crate::support::{TestTerminal, holds_within};

/// A Neovim.
pub(super) struct Vi {
    terminal: TestTerminal,
}

impl Vi {
    /// Neovim on a file of the scene's repository; the plugin knows the daemon.
    pub(super) fn open(scene: &mut Scene, program: &Path, file: &str) -> Self {
        scene.env.tolerate("run/nvim.");
        let mut command = scene.env.command(program);
        command
            .args(["-n", "--clean", "--cmd"])
            .arg(format!("set runtimepath^={}", env!("CARGO_MANIFEST_DIR")))
            .args(["-c", "lua require('divisi').attach()", file])
            .env("DIVISI_BIN", env!("CARGO_BIN_EXE_divisi"))
            .current_dir(&scene.repo);
        let mut vi = Self { terminal: TestTerminal::start(&command, 120, 40) };
        vi.sees(file);
        vi.command("Divisi list");
        vi.sees("No sessions");
        vi.keys("q");
        vi.sees_no("No sessions");
        vi
    }

    pub(super) fn text(&self) -> String {
        self.terminal.text()
    }

    /// Waits until this is on the screen.
    #[track_caller]
    pub(super) fn sees(&self, text: &str) {
        self.terminal.until(text);
    }

    /// Waits until this is on the screen no more.
    #[track_caller]
    pub(super) fn sees_no(&self, text: &str) {
        let gone = holds_within(DEADLINE, || !self.text().contains(text));
        assert!(gone, "{text:?} is still to be seen:\n{}", self.text());
    }

    /// Types.
    pub(super) fn keys(&mut self, keys: &str) {
        self.terminal.type_in(keys);
    }

    /// A command, without its colon.
    pub(super) fn command(&mut self, command: &str) {
        self.keys(&format!(":{command}\r"));
    }

    /// Leaves, and is not held back by anything.
    #[track_caller]
    pub(super) fn quits(mut self) {
        self.command("qall");
        assert_eq!(self.terminal.end(), Some(0), "{}", self.text());
    }
}
