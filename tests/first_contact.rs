//! `divisi try` as a newcomer meets it: piped, at a terminal, interrupted, removed.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::support::{TestEnv, wait_until};

const DEADLINE: Duration = Duration::from_secs(45);

/// An environment whose user has no identity in git, signs everything, and runs a hook everywhere.
fn newcomer() -> TestEnv {
    let env = TestEnv::new();
    let hook = env.script("hooks/pre-commit", "touch \"$HOME/hook-ran\"; exit 1\n");
    let hooks = hook.parent().unwrap().display().to_string();
    env.write(
        "home/.gitconfig",
        format!("[core]\nhooksPath = {hooks}\n[commit]\ngpgSign = true\n[user]\nuseConfigOnly = true\n"),
    );
    env
}

fn project(env: &TestEnv, number: u32) -> PathBuf {
    env.path(format!("home/state/divisi/try/{number}/tally"))
}

/// `divisi try` at a terminal of its own.
struct Terminal {
    child: Child,
    master: File,
    slave: OwnedFd,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn start(env: &TestEnv, columns: u16, arguments: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        tcsetwinsize(&slave, Winsize { ws_row: 20, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        let mut command = env.divisi_command("", arguments);
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let master = File::from(master);
        let mut reader = master.try_clone().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&seen);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                collected.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        });
        Self { child, master, slave, seen }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    fn until(&self, what: &str) {
        wait_until(DEADLINE, &format!("the terminal shows {what:?}"), || self.text().contains(what));
    }

    fn key(&mut self, key: &str) {
        self.master.write_all(key.as_bytes()).unwrap();
    }

    fn code(&mut self) -> i32 {
        let mut status = None;
        wait_until(DEADLINE, "it ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code().unwrap_or(-1)
    }

    fn is_as_before(&self) -> bool {
        tcgetattr(&self.slave).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Has ended, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn piped_it_says_what_it_does_lands_one_and_leaves_nothing_when_removed() {
    let env = newcomer();
    let ran = env.divisi(&["try"]);
    let said = &ran.ok().stdout;
    assert!(!said.contains('\u{1b}'), "{ran}");
    for expected in [
        "word-count asks: may I run `rm lib/count.awk`?",
        "no terminal to ask at: answered once",
        "word-count     review",
        "help-option    review",
        "licence-lines  review         4 files +4 -0",
        "+  wc -w <\"$1\" | tr -d ' '",
        "landed word-count as ",
        "(HEAD -> main) Count the last word of a file without a final newline",
        "divisi try --remove",
    ] {
        assert!(said.contains(expected), "{expected}: {ran}");
    }
    let dir = project(&env, 1);
    assert!(fs::read_to_string(dir.join("lib/count.sh")).unwrap().contains("wc -w"));
    assert!(!dir.join("lib/count.awk").exists(), "the approval was answered");
    assert_eq!(
        env.git(&dir, &["show", "main:lib/count.sh"]),
        fs::read_to_string(dir.join("lib/count.sh")).unwrap().trim_end()
    );
    assert_eq!(env.git(&dir, &["status", "--porcelain"]), "");
    assert_eq!(env.git(&dir, &["log", "-1", "--format=%an"]), "divisi try");
    assert!(!env.path("home/hook-ran").exists(), "the user's hooks are for the user's work");
    // What the agents wrote works: the project's own check passes, and so does that of every session.
    for place in ["", ".worktrees/help-option", ".worktrees/licence-lines"] {
        let ran = crate::support::run(env.command(dir.join(place).join("tests/check")));
        assert_eq!(ran.ok().stdout, "ok\n");
    }
    // What it says to type next works.
    env.divisi_in(&dir, &["land", "help-option"]).ok();
    env.divisi_in(&dir, &["land", "licence-lines"]).ok();
    env.divisi_in(&dir, &["send", "help-option", "--wait", "thank you"]).ok();
    assert!(env.divisi_in(&dir, &["log", "help-option"]).ok().stdout.contains("You wrote: thank you"));

    let removed = env.divisi(&["try", "--remove"]);
    assert!(removed.ok().stdout.contains("and 3 sessions"), "{removed}");
    assert!(!env.path("home/state/divisi/try").exists());
    assert_eq!(env.json("", &["list"]), serde_json::json!([]));
    assert_eq!(env.divisi(&["doctor"]).ok().stdout, "nothing is wrong\n");
    assert!(env.divisi(&["try", "--remove"]).ok().stdout.contains("no example"));
    // Names are used once in a repository, so the next one is another.
    env.divisi(&["try"]).ok();
    assert!(project(&env, 2).exists() && !project(&env, 1).exists());
    env.divisi(&["try", "--remove"]).ok();
}

#[test]
fn at_a_terminal_a_key_answers_and_a_table_is_drawn_in_place() {
    let env = newcomer();
    let mut terminal = Terminal::start(&env, 60, &["try"]);
    terminal.until("[o]nce, [r]eject");
    terminal.key("x");
    terminal.key("r");
    terminal.until("landed word-count");
    assert_eq!(terminal.code(), 0, "{}", terminal.text());
    assert!(terminal.is_as_before());
    let text = terminal.text();
    assert!(text.contains("\u{1b}[3A") || text.contains("\u{1b}[4A"), "drawn over itself: {text:?}");
    assert!(!text.contains("\u{1b}[?1049h"), "in the ordinary buffer");
    assert!(text.contains("\u{1b}[32mreview\u{1b}[0m"), "with colours");
    let dir = project(&env, 1);
    assert!(dir.join("lib/count.awk").exists(), "the deletion was rejected");
    assert!(fs::read_to_string(dir.join("lib/count.sh")).unwrap().contains("wc -w"), "the rest was landed");
    env.divisi(&["try", "--remove"]).ok();
}

#[test]
fn a_person_takes_their_time_to_answer() {
    let env = newcomer();
    let mut terminal = Terminal::start(&env, 100, &["try"]);
    terminal.until("[o]nce, [r]eject");
    // Nobody works any more, and the newest table says so.
    let rested = || terminal.text().rsplit("SESSION").next().unwrap_or_default().matches("review").count() == 2;
    wait_until(DEADLINE, "the other two are done", rested);
    terminal.key("o");
    terminal.until("landed word-count");
    assert_eq!(terminal.code(), 0, "{}", terminal.text());
    assert!(!project(&env, 1).join("lib/count.awk").exists(), "the deletion was allowed");
    env.divisi(&["try", "--remove"]).ok();
}

#[test]
fn no_line_of_the_table_is_wider_than_the_terminal() {
    let mut env = newcomer();
    env.set("NO_COLOR", "1");
    let mut terminal = Terminal::start(&env, 60, &["try"]);
    terminal.until("[o]nce, [r]eject");
    terminal.key("\r");
    assert_eq!(terminal.code(), 0, "{}", terminal.text());
    let text = terminal.text();
    let table = text.split("worktree of its own").nth(1).unwrap().split("What word-count changed").next().unwrap();
    for line in table.replace("\u{1b}[K", "").lines() {
        let line = line.rsplit('\r').find(|part| !part.is_empty()).unwrap_or_default();
        assert!(line.chars().count() <= 60, "{line:?}");
    }
    assert!(!text.contains("\u{1b}[32m"), "NO_COLOR is obeyed");
    env.divisi(&["try", "--remove"]).ok();
}

#[test]
fn ctrl_c_stops_the_sessions_and_restores_the_terminal() {
    let env = newcomer();
    let mut terminal = Terminal::start(&env, 80, &["try"]);
    terminal.until("[o]nce, [r]eject");
    let pid = Pid::from_raw(i32::try_from(terminal.child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(terminal.code(), 130, "{}", terminal.text());
    assert!(terminal.is_as_before());
    assert!(terminal.text().contains("what they did is kept"), "{}", terminal.text());
    let sessions = env.json("", &["list"]);
    let states: Vec<_> = sessions.as_array().unwrap().iter().map(|view| view["state"].as_str().unwrap()).collect();
    assert_eq!(states.len(), 3);
    assert!(states.iter().all(|state| ["interrupted", "review", "completed"].contains(state)), "{states:?}");
    assert_eq!(env.json("", &["approvals"]), serde_json::json!([]));
    env.divisi(&["try", "--remove"]).ok();
}

#[test]
fn without_git_it_says_so() {
    let mut env = newcomer();
    env.divisi(&["daemon", "stop"]);
    env.set("PATH", env.path("empty"));
    let ran = env.divisi(&["try"]);
    assert!(ran.exits(1).stderr.contains("git"), "{ran}");
    assert!(!env.path("home/state/divisi/try").exists(), "nothing half made");
}
