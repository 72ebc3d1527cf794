//! Helix on a terminal: its own configuration and ours as it is shipped, keys typed, the screen read.

use std::path::Path;
use std::time::Duration;

use crate::sessions::scene::{DEADLINE, Scene};
use crate::support::{TestTerminal, holds_within};

/// The configuration that the README tells people to use.
const LANGUAGES: &str = include_str!("../../lsp/helix/languages.toml");
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(2);

/// A Helix.
pub(super) struct Helix {
    terminal: TestTerminal,
}

impl Helix {
    /// Helix on a file of the scene's repository; it has its language server.
    pub(super) fn open(scene: &Scene, program: &Path, file: &str) -> Self {
        scene.env.write("home/config/helix/languages.toml", LANGUAGES);
        scene.env.write("home/config/helix/config.toml", "");
        let mut command = scene.env.command(program);
        command.arg(file).current_dir(&scene.repo);
        let mut helix = Self { terminal: TestTerminal::start(&command, 120, 40) };
        helix.sees(file);
        let offers = (0..100).any(|_| {
            helix.keys(" ");
            helix.sees("Perform code action");
            helix.keys("a");
            let offer = "divisi: new session";
            // The server may not have started yet, or have nothing to say yet.
            let answers = [offer, "No code actions available", "No configured language server supports code actions"];
            let answered = holds_within(DEADLINE, || answers.iter().any(|text| helix.text().contains(text)));
            assert!(answered, "no answer:\n{}", helix.text());
            helix.text().contains(offer)
        });
        assert!(offers, "nothing is offered:\n{}", helix.text());
        helix.escape("divisi: new session");
        helix
    }

    /// Goes to the first of all diagnostics, when their list says this.
    #[track_caller]
    pub(super) fn goes_to_diagnostic(&mut self, text: &str) {
        // The list says only what was so when it was opened.
        let says = (0..15).any(|_| {
            self.keys(" D");
            self.sees("severity");
            let says = holds_within(ATTEMPT, || self.text().contains(text));
            if !says {
                self.escape("severity");
            }
            says
        });
        assert!(says, "{text:?} is not there:\n{}", self.text());
        self.keys("\r");
        self.sees_no("severity");
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

    /// The key Escape. What follows at once would be a key with Alt, so what it closes has to be seen, and then to be seen no more.
    #[track_caller]
    pub(super) fn escape(&mut self, closes: &str) {
        self.sees(closes);
        // A menu that was asked for twice lies on itself.
        let gone = (0..15).any(|_| {
            self.keys("\u{1b}");
            holds_within(ATTEMPT, || !self.text().contains(closes))
        });
        assert!(gone, "{closes:?} is still to be seen:\n{}", self.text());
    }

    /// A command, without its colon.
    pub(super) fn command(&mut self, command: &str) {
        self.keys(&format!(":{command}\r"));
    }

    /// A command of the language server, by name, with JSON after it.
    pub(super) fn ask(&mut self, command: &str) {
        self.command(&format!("lsp-workspace-command {command}"));
    }

    /// Reads the file again until this is on the screen: Helix does not notice that it was written.
    #[track_caller]
    pub(super) fn reloads_to(&mut self, text: &str) {
        let shown = (0..15).any(|_| {
            self.command("reload");
            holds_within(ATTEMPT, || self.text().contains(text))
        });
        assert!(shown, "{text:?} is not to be seen:\n{}", self.text());
    }

    /// Waits until one code action is offered where the cursor is and another is not. What is offered is what was known when it was asked for.
    #[track_caller]
    pub(super) fn offers(&mut self, title: &str, none: &str) {
        let so = (0..15).any(|_| {
            self.keys(" a");
            let so = holds_within(ATTEMPT, || {
                let text = self.text();
                text.contains(&format!("  {title}")) && !text.contains(&format!(": {none}"))
            });
            self.keys("\u{1b}");
            let closed = holds_within(ATTEMPT, || !self.text().contains("  divisi: "));
            so && closed
        });
        assert!(so, "{title:?} is not offered, or {none:?} is:\n{}", self.text());
    }

    /// Chooses a code action where the cursor is.
    #[track_caller]
    pub(super) fn choose(&mut self, title: &str) {
        self.keys(" a");
        self.sees(title);
        let above = self.terminal.look(|screen| {
            let rows = screen.size().0.get();
            let row = (0..rows).find(|&row| line(screen, row).contains(title)).expect("it is on the screen");
            let column = line(screen, row).find(title).map(|at| line(screen, row)[..at].chars().count());
            let column = u16::try_from(column.expect("it is in the line")).expect("a small number");
            // All of a menu has one colour behind it, and nothing around it has.
            let colour = |row: u16| screen.cell(row, column).expect("a cell").bgcolor();
            let is_menu = |other: u16| colour(other) == colour(row);
            (0..row).rev().take_while(|&row| is_menu(row)).count()
        });
        // The first one is selected.
        let down = "\u{e}".repeat(above);
        self.keys(&down);
        self.keys("\r");
        self.sees_no(&format!("  {title}"));
    }

    /// Leaves, and is not held back by anything.
    #[track_caller]
    pub(super) fn quits(mut self) {
        self.command("q");
        assert_eq!(self.terminal.end(), Some(0), "{}", self.text());
    }
}

fn line(screen: &vt100::Screen, row: u16) -> String {
    let columns = screen.size().1.get();
    (0..columns)
        .map(|column| {
            let text = screen.cell(row, column).map(|cell| cell.contents().to_owned()).unwrap_or_default();
            if text.is_empty() { " ".to_owned() } else { text }
        })
        .collect()
}
