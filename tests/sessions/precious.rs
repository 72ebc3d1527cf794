//! Whatever an agent does and whatever befalls it: every byte it wrote is afterwards in its worktree, in a branch or under a preserved
//! ref (promise P2). `DIVISI_TEST_SCALE` multiplies the number of random lives.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

use super::scene::{DEADLINE, Scene};
use crate::support::wait_until;

/// Lives at scale 1.
const LIVES: u64 = 12;

/// Small random numbers from a seed (xorshift).
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            dice.roll(2);
        }
        dice
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % sides
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.roll(of.len() as u64)).unwrap()]
    }
}

/// One life: a session, and what it wrote that must not get lost, by path.
struct Life<'a> {
    scene: &'a Scene,
    name: String,
    dice: Dice,
    token: u32,
    written: BTreeMap<String, String>,
    told: String,
}

impl Life<'_> {
    /// Shell commands of one turn, and what they leave.
    fn edits(&mut self) -> String {
        let mut script = String::new();
        for _ in 0..2 + self.dice.roll(6) {
            let path = self.dice.pick(&[
                "lines.txt",
                "new.txt",
                "dir/deep.txt",
                "with space",
                "ignored.log",
                "staged.txt",
                ".hidden",
            ]);
            self.token += 1;
            let token = format!("{}-token-{}-", self.name, self.token);
            let line = match self.dice.roll(10) {
                0 => format!("rm -f '{path}'"),
                1 => format!("printf '%s' '{token}' > '{path}'; git add '{path}' 2>/dev/null"),
                2 => format!("printf '%s' '{token}' > '{path}'; git add -A; git commit -qm 'by the agent'"),
                _ => format!("mkdir -p dir; printf '%s' '{token}' > '{path}'"),
            };
            // A commit of the agent keeps what a later edit overwrites; to be found is what the files hold at the end.
            if line.starts_with("rm") {
                self.written.remove(path);
            } else {
                self.written.insert(path.to_owned(), token);
            }
            let _ = writeln!(script, "mkdir -p dir; {line}");
        }
        let trick = self.dice.pick(&[
            "",
            "",
            "git checkout -q --detach",
            "git checkout -q --detach; git commit -qm detached --allow-empty",
            "git branch -m \"renamed-$DIVISI_SESSION_NAME\"",
            "git switch -qc \"other-$DIVISI_SESSION_NAME\"",
            "git switch -qc \"more-$DIVISI_SESSION_NAME\"; git add -A; git commit -qm elsewhere",
        ]);
        let _ = writeln!(script, "{trick}");
        script
    }

    fn turn(&mut self, first: bool) {
        let edits = self.edits();
        let (done, gate) = (
            self.scene.env.path(format!("{}.done{}", self.name, self.token)),
            self.scene.env.path(format!("{}.gate{}", self.name, self.token)),
        );
        let script =
            format!("{edits}touch '{}'; until [ -e '{}' ]; do sleep 0.02; done", done.display(), gate.display());
        let befalls = self.dice.pick(&["nothing", "stop", "kill", "kill and stop", "lock", "kill at the end"]);
        let _ = writeln!(self.told, "turn:\n{script}\nbefalls: {befalls}");
        let scene = self.scene;
        if first {
            scene.divisi(&["new", "--name", &self.name, "--agent", "shell", &script]).ok();
        } else {
            scene.divisi(&["send", &self.name, &script]).ok();
        }
        wait_until(DEADLINE, &format!("the agent has written\n{}", self.told), || done.exists());
        if befalls.starts_with("kill") && befalls != "kill at the end" {
            scene.kill_daemon();
        }
        let path = scene
            .env
            .git(scene.worktree(&self.name), &["rev-parse", "--path-format=absolute", "--git-path", "index.lock"]);
        if befalls == "lock" {
            std::fs::write(&path, "").unwrap();
        }
        if befalls.ends_with("stop") {
            scene.divisi(&["stop", &self.name]).ok();
        }
        std::fs::write(&gate, "").unwrap();
        if befalls == "kill at the end" {
            scene.kill_daemon();
        }
        let states = ["review", "completed", "failed", "interrupted"];
        wait_until(DEADLINE, &format!("the turn has ended\n{}", self.told), || {
            let session = scene.show(&self.name);
            states.iter().any(|state| session["state"] == *state)
                && session["queue"].as_array().is_none_or(Vec::is_empty)
        });
        self.check("the turn");
        if befalls == "lock" {
            std::fs::remove_file(&path).unwrap();
        }
    }

    fn end(&mut self) {
        let end = self.dice.pick(&[
            "nothing",
            "land",
            "land and remove",
            "discard",
            "discard and restore",
            "discard and kill",
        ]);
        let _ = writeln!(self.told, "end: {end}");
        let scene = self.scene;
        if end.starts_with("land") {
            // May be refused: then nothing has changed.
            let landed = scene.divisi(&["land", &self.name]);
            let _ = writeln!(self.told, "{landed}");
            self.check("landing");
        }
        if end == "land and remove" {
            let removed = scene.divisi(&["remove", &self.name]);
            let _ = writeln!(self.told, "{removed}");
        }
        if end == "discard and kill" {
            let pid = scene.daemon_pid();
            let removing = scene.env.spawn_divisi(&scene.repo, &["remove", &self.name, "--discard"]);
            super::scene::kill(pid);
            removing.wait(DEADLINE);
        } else if end.starts_with("discard") {
            let removed = scene.divisi(&["remove", &self.name, "--discard"]);
            let _ = writeln!(self.told, "{removed}");
        }
        self.check(end);
        if end.ends_with("restore") {
            let restored = scene.divisi(&["restore", &self.name]);
            let _ = writeln!(self.told, "{restored}");
            self.check("restoring");
        }
    }

    /// Everything written is somewhere where a person finds it.
    fn check(&self, after: &str) {
        let worktree = self.scene.repo.join(".worktrees").join(&self.name);
        let kept = in_refs(self.scene, &worktree);
        for (path, token) in &self.written {
            let there = std::fs::read_to_string(worktree.join(path)).is_ok_and(|text| text.contains(token.as_str()));
            assert!(
                there || kept.contains(token.as_str()),
                "{path} ({token}) is lost after {after}\n{}\n{:#?}\n{}",
                self.told,
                self.scene.env.divisi_in(&self.scene.repo, &["list", "--removed", "--json"]),
                kept
            );
        }
    }
}

/// All contents that branches, what divisi preserves, and the worktree's own head and index reach.
fn in_refs(scene: &Scene, worktree: &Path) -> String {
    let mut list = scene.env.command("git");
    list.current_dir(if worktree.exists() { worktree } else { &scene.repo });
    list.args([
        "rev-list",
        "--objects",
        "--no-object-names",
        "--indexed-objects",
        "--branches",
        "--glob=refs/divisi",
        "HEAD",
    ]);
    let listed = list.output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let mut cat = scene.env.command("git");
    cat.current_dir(&scene.repo).args(["cat-file", "--batch", "--buffer"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = cat.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut input, &listed.stdout));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn lives(shard: u64) {
    let scale: u64 = std::env::var("DIVISI_TEST_SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1);
    let mut scene = Scene::new();
    scene.env.set("DIVISI_TEST_LOCK_WAIT_MS", "200");
    scene.env.write("repo/.gitignore", "*.log\n.worktrees\n");
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Ignore"]);
    // A failing seed alone: DIVISI_TEST_SEED=N.
    let only: Option<u64> = std::env::var("DIVISI_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = (shard..LIVES * scale).step_by(2).filter(|seed| only.is_none() || only == Some(*seed));
    for seed in seeds {
        let mut life = Life {
            scene: &scene,
            name: format!("life-{seed}"),
            dice: Dice::new(seed + 1),
            token: 0,
            written: BTreeMap::new(),
            told: format!("seed {seed}\n"),
        };
        life.turn(true);
        if life.dice.roll(2) == 0 {
            life.turn(false);
        }
        life.end();
    }
}

#[test]
fn no_byte_of_an_agent_is_lost_in_even_lives() {
    lives(0);
}

#[test]
fn no_byte_of_an_agent_is_lost_in_odd_lives() {
    lives(1);
}
