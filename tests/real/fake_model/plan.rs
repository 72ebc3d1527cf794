//! The scripts: what the model says and does, step by step.

use super::tools::Wish;

/// One act of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// It says something.
    Say(String),
    /// It uses a tool.
    Use(Wish),
}

/// The scripts by name.
const SCRIPTS: [&str; 16] = [
    "pictures",
    "text",
    "write",
    "edit",
    "shell",
    "multi",
    "slow",
    "longshell",
    "gated",
    "failcmd",
    "err400",
    "err401",
    "err429",
    "err500",
    "err529",
    "long",
];

/// A script and its argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    name: String,
    argument: String,
}

impl Script {
    /// The last `@@name` or `@@name=argument` in the words, else the default, else `text`.
    pub(super) fn choose(words: &str, default: &str) -> Self {
        let mut found = None;
        for (at, _) in words.match_indices("@@") {
            let rest = &words[at + 2..];
            let directive: String = rest.chars().take_while(|c| !c.is_whitespace() && !"\"'<>".contains(*c)).collect();
            let (name, argument) = directive.split_once('=').unwrap_or((&directive, ""));
            if SCRIPTS.contains(&name) {
                found = Some(Self { name: name.to_owned(), argument: argument.to_owned() });
            }
        }
        let default = if SCRIPTS.contains(&default) { default } else { "text" };
        found.unwrap_or_else(|| Self { name: default.to_owned(), argument: String::new() })
    }

    /// The HTTP status to fail with.
    pub(super) fn error(&self) -> Option<u16> {
        self.name.strip_prefix("err")?.parse().ok()
    }

    /// Whether it says how many images it was shown.
    pub(super) fn looks(&self) -> bool {
        self.name == "pictures"
    }

    /// Whether it stops in the middle of a sentence.
    pub(super) fn hangs(&self) -> bool {
        self.name == "slow"
    }

    /// What the model does after so many tool results.
    pub(super) fn step(&self, step: usize) -> Vec<Act> {
        let say = |text: &str| Act::Say(text.to_owned());
        let shell = |command: &str| Act::Use(Wish::Shell { command: command.to_owned() });
        let path = if self.argument.is_empty() { "hello.txt" } else { &self.argument };
        let write = |text: &str| Act::Use(Wish::Write { path: path.to_owned(), text: text.to_owned() });
        let steps = match self.name.as_str() {
            "write" => vec![vec![say("I will create the file."), write("hello from the fake model\n")]],
            "shell" => {
                vec![vec![say("I will run a command."), shell("echo made by a shell > shell.txt && cat shell.txt")]]
            }
            "failcmd" => vec![vec![shell("echo oops >&2; exit 3")]],
            "longshell" => {
                vec![vec![say("I will wait."), shell("echo begin > long.txt; sleep 600; echo end >> long.txt")]]
            }
            "edit" => vec![
                vec![Act::Use(Wish::Read { path: path.to_owned() })],
                vec![Act::Use(Wish::Edit {
                    path: path.to_owned(),
                    old: "A repository".to_owned(),
                    new: "An edited repository".to_owned(),
                })],
            ],
            "gated" => vec![vec![
                say("I will wait for the gate."),
                shell(
                    "echo begin > long.txt; until [ -e gate.txt ]; do sleep 0.1; done; echo end >> long.txt; echo came through",
                ),
            ]],
            "multi" => vec![vec![say("Step one."), write("one\n")], vec![shell("echo two > two.txt")]],
            "slow" => return vec![say("tick one tick two")],
            "long" => return vec![say(&"many words ".repeat(2000))],
            _ => return vec![say("Just text, no tools.")],
        };
        steps.get(step).cloned().unwrap_or_else(|| vec![say("Done.")])
    }
}

#[test]
fn the_last_directive_wins() {
    let script = Script::choose("@@shell, no: \"@@write=/a/b.txt\" @@nonsense", "edit");
    assert_eq!(script, Script { name: "write".to_owned(), argument: "/a/b.txt".to_owned() });
    assert_eq!(Script::choose("do it", "edit").name, "edit");
    assert_eq!(Script::choose("do it", "v1").name, "text");
    assert_eq!(Script::choose("@@err429", "").error(), Some(429));
    assert_eq!(Script::choose("@@multi=/x", "").step(2), [Act::Say("Done.".to_owned())]);
}
