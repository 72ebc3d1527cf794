//! A user's hour: Neovim in a terminal, installed as the README says, three sessions, and everything a person does with them; every step
//! is seen on the screen or in the daemon.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::editor::installed;
use crate::sessions::scene::{DEADLINE, Scene, is_alive, kill};
use crate::support::{NvimEnd, TestTerminal, holds_within, nvim, wait_until};

/// Files that the first agent changes, and the rows that it changes in each: thirty hunks.
const FILES: [(char, &[u32]); 8] = [
    ('a', &[5, 20, 35, 50]),
    ('b', &[5, 20, 35, 50]),
    ('c', &[5, 20, 35, 50]),
    ('d', &[5, 20, 35, 50]),
    ('e', &[5, 20, 35, 50]),
    ('f', &[5, 20, 35, 50]),
    ('g', &[5, 20, 35]),
    ('h', &[5, 20, 35]),
];

/// A person with a terminal in which Neovim runs.
struct Person {
    terminal: TestTerminal,
}

impl Person {
    fn start(scene: &Scene, neovim: &Path) -> Self {
        let mut command = scene.env.command(neovim);
        command.current_dir(&scene.repo);
        Self { terminal: TestTerminal::start(&command, 120, 40) }
    }

    fn text(&self) -> String {
        self.terminal.text()
    }

    #[track_caller]
    fn sees(&self, texts: &[&str]) {
        self.terminal.until_all(texts);
    }

    #[track_caller]
    fn sees_no(&self, text: &str) {
        let gone = holds_within(DEADLINE, || !self.text().contains(text));
        assert!(gone, "{text:?} is still to be seen:\n{}", self.text());
    }

    fn keys(&mut self, keys: &str) {
        self.terminal.type_in(keys);
    }

    fn ex(&mut self, command: &str) {
        self.keys(&format!(":{command}\r"));
    }

    /// Leaves insert mode; Escape and a key at once would be a key with Alt.
    #[track_caller]
    fn escape(&mut self) {
        self.sees(&["-- INSERT --"]);
        self.keys("\u{1b}");
        self.sees_no("-- INSERT --");
    }

    /// The Neovim behind the terminal's: the one that has everything.
    #[track_caller]
    fn server(&self) -> i32 {
        let of = format!(" {} ", self.terminal.pid());
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let found = entries.filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            stat.rsplit(')').next()?.get(2..)?.starts_with(&of).then_some(pid)
        });
        found.min().expect("Neovim has a server")
    }
}

/// A repository with eight files of sixty rows, and two agents as a person would define them: one that is thorough, one that asks.
fn prepare() -> Scene {
    let mut scene = Scene::new();
    scene.env.tolerate("run/nvim.");
    for (file, _) in FILES {
        let rows = (1..=60).map(|row| format!("{file}: row {row}.\n")).collect::<Vec<_>>().concat();
        scene.env.write(format!("repo/src/{file}.txt"), rows);
    }
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Add rows"]);
    let replace = |(file, rows): &(char, &[u32])| {
        let line = |row: &u32| format!("replace src/{file}.txt row {row}. :: ROW {row}.\n");
        rows.iter().map(line).collect::<String>()
    };
    let changes: String = FILES.iter().map(replace).collect();
    let thorough = format!(
        "on-turn 1\nsay I go through all files.\n{changes}say All rows are done, see src/a.txt:5.\n\
         on-turn 2\nreplace src/a.txt row 12. :: an answer.\nreplace src/c.txt row 30. :: an answer.\nsay Both are answered.\n"
    );
    let gate = scene.env.path("gate");
    let asking = format!(
        "on-turn 1\nsleep-until {}\nask-permission one Make it :: make one\nask-permission two Make it :: make two\n\
         ask-permission three Make it :: make three\nreplace src/a.txt row 5. :: ROW 5.\nreplace src/a.txt row 20. :: Row 20.\nsay Done.\n",
        gate.display()
    );
    for (name, script) in [("thorough", thorough), ("asking", asking)] {
        let script = scene.env.write(format!("home/{name}.script"), script);
        let definition = format!(
            "name = {name:?}\ndescription = \"an agent of the test\"\nprotocol = \"acp\"\n\
             command = [{:?}, \"agent-script\", \"--protocol\", \"acp\", {:?}]\n",
            env!("CARGO_BIN_EXE_divisi"),
            script.display().to_string()
        );
        scene.env.write(format!("home/config/divisi/agents/{name}.toml"), definition);
    }
    // cargo, as far as this plugin needs it.
    let built = env!("CARGO_BIN_EXE_divisi");
    scene.env.script("bin/cargo", &format!("mkdir -p target/release && ln -sf {built} target/release/divisi\n"));
    let path = format!("{}:{}", scene.env.path("bin").display(), std::env::var("PATH").unwrap());
    scene.env.set("PATH", path);
    scene
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().flatten() {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

/// The plugin as a repository of its own; answers where.
fn plugin(scene: &Scene) -> PathBuf {
    let place = scene.env.path("home/src/divisi");
    std::fs::create_dir_all(&place).unwrap();
    for part in ["build.lua", "ftplugin", "lua", "plugin", "syntax", "doc/divisi.txt"] {
        if let Some(folder) = Path::new(part).parent() {
            std::fs::create_dir_all(place.join(folder)).unwrap();
        }
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(part), &place.join(part));
    }
    scene.env.write("home/src/divisi/Cargo.toml", "");
    scene.env.git(&place, &["init", "--quiet"]);
    scene.env.git(&place, &["add", "--all"]);
    scene.env.git(&place, &["commit", "--quiet", "--message", "The plugin"]);
    place
}

/// Installs the plugin as the README says: with `vim.pack` where there is one, else from a local path; answers the person at work.
fn install(scene: &Scene, neovim: &Path) -> Person {
    let place = plugin(scene).display().to_string();
    let readme = include_str!("../../README.md");
    let mut help = scene.env.command(neovim);
    help.args(["--clean", "--headless", "-c", "lua io.write(vim.pack and 'pack' or 'none')", "-c", "qa!"]);
    let pack = String::from_utf8(help.output().unwrap().stdout).unwrap() == "pack";
    let lua = if pack {
        let block =
            readme.split("```lua\n").find(|block| block.starts_with("vim.api.nvim_create_autocmd('PackChanged'"));
        let block = block.and_then(|block| block.split("```").next()).expect("the README shows how");
        assert!(block.contains("file:///home/me/src/divisi"), "{block}");
        block.replace("/home/me/src/divisi", &place)
    } else {
        format!("vim.opt.rtp:prepend({place:?})\n")
    };
    scene.env.write("home/config/nvim/init.lua", lua);
    let mut person = Person::start(scene, neovim);
    if pack {
        person.sees(&["Proceed?"]);
        person.keys("y");
    } else {
        person.sees(&["[No Name]"]);
        person.ex("Divisi build");
        person.sees(&["building with cargo done"]);
    }
    person.sees(&["[No Name]"]);
    person
}

/// What the daemon says of a session's decisions: accepted, rejected, waiting.
fn decisions(scene: &Scene, name: &str) -> (usize, usize, usize) {
    let review = scene.env.json(&scene.repo, &["review", name]);
    let files = review["diff"]["files"].as_array().unwrap().iter();
    let hunks: Vec<&Value> = files.flat_map(|file| file["hunks"].as_array().unwrap()).collect();
    let accepted = hunks.iter().filter(|hunk| hunk["decision"] == "accepted").count();
    let rejected = review["rejected"].as_array().map_or(0, Vec::len);
    (accepted, rejected, hunks.len() - accepted)
}

#[track_caller]
fn decided(scene: &Scene, expected: (usize, usize, usize)) {
    let mut seen = (0, 0, 0);
    let so = holds_within(DEADLINE, || {
        seen = decisions(scene, "parser");
        seen == expected
    });
    assert!(so, "accepted, rejected, waiting: {seen:?} instead of {expected:?}");
}

/// An agent asks three times while the person writes: the text is as typed.
fn writes_while_agents_ask(scene: &Scene, person: &mut Person) {
    person.ex("edit mine.txt");
    person.sees(&["mine.txt"]);
    person.keys("ione two ");
    person.sees(&["-- INSERT --", "one two"]);
    scene.env.write("gate", "");
    person.sees(&["rival asks: make one", "-- INSERT --"]);
    person.keys("three ");
    person.sees(&["one two three"]);
    let approval = scene.wait_for_approval("rival");
    scene.divisi(&["answer", &approval, "once"]).ok();
    person.sees(&["rival asks: make two"]);
    person.keys("four");
    person.sees(&["one two three four", "-- INSERT --"]);
    person.escape();
    person.ex("Divisi approvals");
    person.sees(&["divisi://approvals", "o once", "make two"]);
    person.keys("o");
    // For a moment nothing was asked: the queue may have gone, and what comes next is in the float.
    person.sees(&["make three"]);
    person.ex("Divisi approvals");
    person.sees(&["divisi://approvals", "o once", "make three"]);
    person.sees_no("make two");
    person.keys("r");
    wait_until(DEADLINE, "nothing is asked any more", || scene.approvals().is_empty());
    // The queue has gone and the person is where they were.
    person.sees_no("divisi://approvals");
    person.ex("write");
    let mine = || std::fs::read_to_string(scene.repo.join("mine.txt")).unwrap_or_default();
    wait_until(DEADLINE, "it is written", || !mine().is_empty());
    assert_eq!(mine(), "one two three four\n");
    scene.wait_for("rival", &["review"]);
}

/// Accepts five hunks, rejects three, comments on two; nothing is sent yet, and a prompt is half written.
fn reviews(scene: &Scene, person: &mut Person) {
    person.ex("Divisi review parser");
    person.sees(&["parser against main", "0/30 decided", "M src/a.txt", "M src/h.txt", "a: ROW 5."]);
    for count in 1..=5 {
        person.keys("\\a");
        person.sees(&[&format!("{count}/30 decided")]);
    }
    decided(scene, (5, 0, 25));
    for count in 1..=3 {
        person.keys("\\x");
        person.sees(&[&format!("{}/30 decided", 5 + count)]);
        decided(scene, (5, count, 25 - count));
    }
    assert!(std::fs::read_to_string(scene.worktree("parser").join("src/b.txt")).unwrap().contains("b: row 50.\n"));
    for (row, text) in [("c: ROW 20.", "why so loud?"), ("c: ROW 35.", "is this needed?")] {
        person.keys(&format!("/{row}\r"));
        person.keys("\\c");
        person.sees(&["src/c.txt:", "-- INSERT --"]);
        person.keys(&format!("question: {text}"));
        person.escape();
        person.ex("w");
        person.sees(&[&format!("question src/c.txt:{}", if row.ends_with("20.") { 20 } else { 35 })]);
    }
    person.ex("Divisi ask docs");
    person.sees(&["to docs", "-- INSERT --"]);
    person.keys("a draft of mine");
    person.escape();
    let state = scene.env.path("home/state/nvim/divisi");
    let kept = || {
        let files = std::fs::read_dir(&state).into_iter().flatten().flatten();
        files
            .into_iter()
            .any(|file| std::fs::read_to_string(file.path()).is_ok_and(|text| text.contains("a draft of mine")))
    };
    wait_until(DEADLINE, "the draft is kept", kept);
}

/// Neovim is killed, started again, and everything is there.
fn is_killed_and_starts_again(scene: &Scene, neovim: &Path, mut person: Person) -> Person {
    let daemon = scene.daemon_pid();
    kill(person.server());
    person.terminal.end();
    let mut person = Person::start(scene, neovim);
    person.sees(&["[No Name]"]);
    person.ex("Divisi list");
    person.sees(&["parser", "rival", "docs", "3 review"]);
    assert_eq!(scene.daemon_pid(), daemon);
    person.ex("Divisi review parser");
    person.sees(&["8/30 decided", "2 comments", "question src/c.txt:20", "question src/c.txt:35", "✗ src/b.txt"]);
    // The file is the person's to edit: what the killed Neovim left of it holds nothing.
    assert!(!person.text().contains("[RO]"), "{}", person.text());
    decided(scene, (5, 3, 22));
    person.ex("Divisi ask docs");
    person.sees(&["a draft of mine", "to docs"]);
    person.escape();
    person.ex("q");
    person.sees_no("to docs");
    person
}

/// The round goes, and the second review has its answer alone.
fn sends_a_round(scene: &Scene, person: &mut Person) {
    person.keys("\\s");
    person.sees(&["round 1 to parser: 2 comments, 3 rejected hunks"]);
    person.ex("w");
    person.sees(&["parser since round 1", "0/2 decided", "src/a.txt", "src/c.txt"]);
    for gone in ["M src/b.txt", "M src/h.txt"] {
        assert!(!person.text().contains(gone), "{}", person.text());
    }
    scene.wait_for("parser", &["review"]);
    let prompts: Vec<Value> =
        scene.events("parser").into_iter().filter(|event| event["type"] == "turn.started").collect();
    let round = prompts.last().unwrap()["payload"]["text"].as_str().unwrap().to_owned();
    for told in ["why so loud?", "is this needed?", "src/b.txt"] {
        assert!(round.contains(told), "{told:?} is not in the round:\n{round}");
    }
    person.keys("]h");
    person.sees(&["an answer."]);
    person.keys("\\a");
    person.sees(&["1/2 decided"]);
    person.keys("\\a");
    person.sees(&["2/2 decided"]);
}

fn compares_and_lands(scene: &Scene, person: &mut Person) {
    person.ex("Divisi compare parser rival");
    person.sees(&["divisi://compare/parser,rival", "1  parser", "2  rival", "src/a.txt"]);
    person.keys("q");
    person.sees_no("divisi://compare");
    person.ex("Divisi land parser");
    person.sees(&["divisi://land/parser", "# strategy  squash", "3 taken out"]);
    person.keys("ccLanded within the hour");
    person.escape();
    person.ex("w");
    person.sees_no("divisi://land/parser");
    scene.wait_for("parser", &["completed"]);
    assert_eq!(scene.env.git(&scene.repo, &["log", "-1", "--format=%s", "main"]), "Landed within the hour");
    let landed = |file: &str| scene.env.git(&scene.repo, &["show", &format!("main:src/{file}.txt")]);
    assert!(landed("a").contains("a: ROW 5.\n") && landed("a").contains("a: an answer."), "{}", landed("a"));
    // What was rejected is as it was: the fourth of `a` was accepted, the first of `b` too.
    assert!(landed("b").contains("b: ROW 5.\n") && landed("b").contains("b: row 20.\n"), "{}", landed("b"));
    assert!(std::fs::read_to_string(scene.repo.join("src/a.txt")).unwrap().contains("a: ROW 5.\n"));
}

/// The whole hour, in one of the two Neovims.
fn hour(end: NvimEnd, test: &str) {
    let Some(neovim) = nvim(end, test) else { return };
    let scene = prepare();
    let mut person = install(&scene, &neovim);
    person.ex("Divisi new --name parser --agent thorough write the rows large");
    person.ex("Divisi new --name rival --agent asking write the rows large");
    person.ex("Divisi new --name docs --agent shell echo text > docs.md");
    person.ex("Divisi list");
    person.sees(&["parser", "rival", "docs"]);
    scene.wait_for("parser", &["review"]);
    person.sees(&["2 review", "+30 −30/8", "1 running"]);
    person.keys("q");
    person.sees_no("divisi://sessions");

    writes_while_agents_ask(&scene, &mut person);
    reviews(&scene, &mut person);
    let mut person = is_killed_and_starts_again(&scene, &neovim, person);
    sends_a_round(&scene, &mut person);
    compares_and_lands(&scene, &mut person);
    person.ex("qa!");
    assert_eq!(person.terminal.end(), Some(0), "{}", person.text());
    assert!(person.terminal.is_as_before());
    scene.discard(&["rival", "docs", "parser"]);
    wait_until(Duration::from_secs(5), "no worktree is left", || {
        scene.env.git(&scene.repo, &["worktree", "list"]).lines().count() == 1
    });
}

#[test]
fn a_users_hour_in_the_newest_neovim() {
    hour(NvimEnd::New, "a_users_hour_in_the_newest_neovim");
}

#[test]
fn a_users_hour_in_the_oldest_neovim() {
    hour(NvimEnd::Old, "a_users_hour_in_the_oldest_neovim");
}

/// `:restart`, where there is one: Neovim 0.12.
#[test]
fn restart_brings_the_same_back() {
    for neovim in installed() {
        let scene = prepare();
        let mut person = install(&scene, &neovim);
        person.ex("if exists(':restart') == 2 | file has-it | else | file has-none | endif");
        person.sees(&["has-"]);
        if person.text().contains("has-none") {
            person.ex("qa!");
            person.terminal.end();
            continue;
        }
        person.ex("Divisi new --name rival --agent asking write the rows large");
        scene.env.write("gate", "");
        person.sees(&["rival asks: make one"]);
        let (daemon, server) = (scene.daemon_pid(), person.server());
        person.ex("restart");
        wait_until(DEADLINE, "the old server is gone", || !is_alive(server));
        person.sees(&["[No Name]"]);
        person.ex("Divisi approvals");
        person.sees(&["divisi://approvals", "make one", "o once"]);
        assert_eq!((scene.daemon_pid(), scene.state("rival")), (daemon, "awaiting_input".to_owned()));
        person.keys("o");
        person.sees(&["make two"]);
        person.ex("qa!");
        person.terminal.end();
        scene.discard(&["rival"]);
    }
}
