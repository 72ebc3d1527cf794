//! A repository with sessions, driven through the command line as a person would.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Ran, TestEnv, wait_until};

/// How long anything a session does in a test may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// An environment with one repository.
pub(crate) struct Scene {
    pub(crate) env: TestEnv,
    pub(crate) repo: PathBuf,
}

impl Scene {
    /// A repository with one commit and a text file of twelve lines.
    pub(crate) fn new() -> Self {
        let env = TestEnv::new();
        let repo = env.repo("repo");
        let lines = (1..=12).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n") + "\n";
        env.write("repo/lines.txt", lines);
        env.git(&repo, &["add", "--all"]);
        env.git(&repo, &["commit", "--quiet", "--message", "Add lines"]);
        Self { env, repo }
    }

    /// Runs divisi in the repository.
    #[track_caller]
    pub(crate) fn divisi(&self, arguments: &[&str]) -> Ran {
        self.env.divisi_in(&self.repo, arguments)
    }

    /// Starts a shell session and waits for its turn to end.
    #[track_caller]
    pub(crate) fn shell(&self, name: &str, command: &str) -> Ran {
        self.divisi(&["new", "--name", name, "--agent", "shell", "--wait", command])
    }

    /// Starts a session of the scripted agent.
    #[track_caller]
    pub(crate) fn scripted(&self, name: &str, script: &str) {
        let prompt = format!("#!script\n{script}");
        self.divisi(&["new", "--name", name, "--agent", "scripted", &prompt]).ok();
    }

    /// Sends a follow-up script.
    #[track_caller]
    pub(crate) fn send_script(&self, name: &str, script: &str) {
        let prompt = format!("#!script\n{script}");
        self.divisi(&["send", name, &prompt]).ok();
    }

    /// The session as `show --json` has it.
    #[track_caller]
    pub(crate) fn show(&self, name: &str) -> Value {
        self.env.json(&self.repo, &["show", name])
    }

    /// The session's state.
    #[track_caller]
    pub(crate) fn state(&self, name: &str) -> String {
        self.show(name)["state"].as_str().expect("a state").to_owned()
    }

    /// Waits until the session is in one of these states.
    #[track_caller]
    pub(crate) fn wait_for(&self, name: &str, states: &[&str]) -> Value {
        let mut seen = Value::Null;
        wait_until(DEADLINE, &format!("session {name} is one of {states:?}"), || {
            seen = self.show(name);
            states.iter().any(|state| seen["state"] == *state)
        });
        seen
    }

    /// The events of a session, oldest first.
    #[track_caller]
    pub(crate) fn events(&self, name: &str) -> Vec<Value> {
        let log = self.env.json(&self.repo, &["log", name]);
        log.as_array().expect("an array of events").clone()
    }

    /// Everything a session's agents said and printed, in order.
    #[track_caller]
    pub(crate) fn spoken(&self, name: &str) -> String {
        let events = self.events(name);
        let texts =
            events.iter().filter(|event| matches!(event["type"].as_str(), Some("agent.message" | "agent.output")));
        texts.map(|event| event["payload"]["text"].as_str().unwrap_or_default()).collect()
    }

    /// Open approvals.
    #[track_caller]
    pub(crate) fn approvals(&self) -> Vec<Value> {
        self.env.json(&self.repo, &["approvals"]).as_array().expect("an array").clone()
    }

    /// Waits for an open approval of a session; answers its id.
    #[track_caller]
    pub(crate) fn wait_for_approval(&self, name: &str) -> String {
        self.wait_for(name, &["awaiting_input"]);
        let session = self.show(name)["id"].clone();
        let open = self.approvals();
        let approval = open.iter().find(|approval| approval["session"] == session).expect("an approval of the session");
        approval["id"].as_str().expect("an id").to_owned()
    }

    /// A session's worktree.
    #[track_caller]
    pub(crate) fn worktree(&self, name: &str) -> PathBuf {
        Path::new(self.show(name)["worktree"]["path"].as_str().expect("a path")).to_owned()
    }

    /// A file in a session's worktree.
    #[track_caller]
    pub(crate) fn read(&self, name: &str, file: &str) -> String {
        let path = self.worktree(name).join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
    }

    /// The daemon's process id.
    #[track_caller]
    pub(crate) fn daemon_pid(&self) -> i32 {
        // Any reading verb starts one.
        self.env.json(&self.repo, &["list"]);
        let status = self.env.json(&self.repo, &["daemon", "status"]);
        i32::try_from(status["pid"].as_i64().expect("a pid")).expect("a small number")
    }

    /// Kills the daemon at once, and waits until it is gone.
    #[track_caller]
    pub(crate) fn kill_daemon(&self) {
        kill(self.daemon_pid());
    }

    /// Removes sessions for good, with whatever runs in them.
    #[track_caller]
    pub(crate) fn discard(&self, names: &[&str]) {
        for name in names {
            self.divisi(&["remove", name, "--discard"]).ok();
        }
    }
}

/// Kills a process and waits until it is gone or a zombie that its parent has not reaped.
#[track_caller]
pub(crate) fn kill(pid: i32) {
    let process = rustix::process::Pid::from_raw(pid).expect("a pid");
    // Fails only when it is gone already.
    let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
    wait_until(DEADLINE, &format!("process {pid} is gone"), || !is_alive(pid));
}

/// Whether a process runs. One whose first thread is a zombie runs while another thread has not ended yet: its sockets are open
/// until then, and whoever writes to them is not told that nobody reads.
pub(crate) fn is_alive(pid: i32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let state = stat.rsplit(')').next().unwrap_or_default().trim().chars().next();
    let others = || std::fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|tasks| tasks.count() > 1);
    !matches!(state, Some('Z' | 'X') | None) || others()
}
