//! What a scenario plays on: a repository with a worktree, and a model server in a network namespace of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::sessions::scene::Scene;
use crate::support::{Running, TestEnv, run, skip};

use super::fake_model::{ANNOUNCEMENT, SERVE};

/// Where the installed agents are; set by `tests/run`.
const AGENTS: &str = "DIVISI_TEST_AGENTS";

/// See the module's documentation.
pub(super) struct Stage {
    // Dropped first: the environment takes what is still running for a leftover.
    server: Running,
    pub(super) env: TestEnv,
    pub(super) worktree: PathBuf,
    /// The folder with the agents' programs.
    pub(super) programs: PathBuf,
    /// The address of the model server.
    pub(super) model: String,
    fence: Fence,
}

/// The words before a command that put it into a network namespace of its own with nothing but loopback, and what enters the one of a
/// process. Where root is needed for that and somebody else runs the tests, a user namespace lets them, who they are.
#[derive(Debug, Clone, Copy)]
struct Fence {
    make: &'static [&'static str],
    enter: &'static [&'static str],
}

const FENCES: [Fence; 2] = [
    Fence { make: &["unshare", "-n"], enter: &["-n"] },
    Fence { make: &["unshare", "-c", "--keep-caps", "-n"], enter: &["-U", "-n", "--preserve-credentials"] },
];

impl Fence {
    /// The first that this system allows, tried as it is used: loopback has to come up.
    fn find(env: &TestEnv) -> Option<Self> {
        FENCES.into_iter().find(|fence| {
            let mut command = env.command(fence.make[0]);
            command.args(&fence.make[1..]).args(["sh", "-c", "ip link set lo up"]);
            run(command).status.success()
        })
    }
}

impl Stage {
    /// The stage for an agent whose program is `program`; nothing, and a counted reason, when that is not installed.
    pub(super) fn set(test: &str, program: &str) -> Option<Self> {
        let Some(agents) = std::env::var_os(AGENTS).filter(|path| !path.is_empty()).map(PathBuf::from) else {
            skip::skip(test, &format!("{AGENTS} is not set; run tests/run"));
            return None;
        };
        let programs = agents.join("bin");
        if !programs.join(program).exists() {
            skip::skip(test, &format!("{program} could not be installed"));
            return None;
        }
        let mut env = TestEnv::new();
        // Claude Code keeps a socket of its own there while it runs.
        env.tolerate("cc-socks");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display());
        env.set("PATH", path);
        env.set("LANG", "C.UTF-8");
        env.set("LC_ALL", "C.UTF-8");
        env.set("TERM", "dumb");
        env.set("SHELL", "/bin/bash");
        let repo = env.repo("repo");
        env.git(&repo, &["worktree", "add", "--quiet", "-b", "work", "../work"]);
        let worktree = env.path("work");
        let Some(fence) = Fence::find(&env) else {
            skip::skip(test, "this system allows no network namespace: an agent could reach the network");
            return None;
        };
        let (server, port) = serve(&env, fence);
        let model = format!("http://127.0.0.1:{port}");
        skip::ran(program);
        Some(Self { server, env, worktree, programs, model, fence })
    }

    /// The server and the environment alone, with a divisi that runs where the server is, and a repository in it.
    pub(super) fn into_scene(mut self) -> (Running, Scene) {
        let own = env!("CARGO_BIN_EXE_divisi");
        let (server, enter) = (self.server.pid(), self.fence.enter.join(" "));
        let script = self.env.script("divisi-there", &format!("exec nsenter -t {server} {enter} -- {own} \"$@\"\n"));
        self.env.set_divisi(script);
        let repo = self.env.path("repo");
        self.env.git(&repo, &["worktree", "remove", "../work"]);
        (self.server, Scene { env: self.env, repo })
    }

    /// A command that runs where the model server is, and nowhere else.
    pub(super) fn command(&self, words: &[String]) -> Command {
        let (program, arguments) = words.split_first().expect("a command has a program");
        let mut command = self.env.command("nsenter");
        command.arg("-t").arg(self.server.pid().to_string()).args(self.fence.enter).args(["--", program]);
        command.args(arguments).current_dir(&self.worktree);
        command
    }

    /// Living processes of this stage, the server left out: every process inherits the environment that names it.
    pub(super) fn processes(&self) -> Vec<(i32, String)> {
        let root = self.env.root().to_string_lossy().into_owned();
        let own = [self.server.pid(), std::process::id()];
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
            if own.contains(&pid.unsigned_abs()) {
                continue;
            }
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            if String::from_utf8_lossy(&environment).contains(&root) {
                let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.push((pid, String::from_utf8_lossy(&command).replace('\0', " ")));
            }
        }
        found
    }

    /// Writes a file below the environment's home.
    pub(super) fn home(&self, path: &str, text: &str) {
        self.env.write(Path::new("home").join(path), text);
    }
}

fn serve(env: &TestEnv, fence: Fence) -> (Running, u16) {
    let own = std::env::current_exe().expect("a running test has a program");
    let arguments = ["--exact", "real::fake_model::serve", "--nocapture", "--test-threads=1"];
    let mut command = env.command(fence.make[0]);
    command.args(&fence.make[1..]).args(["--", "sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""]).arg(own);
    command.args(arguments).env(SERVE, "1");
    let mut server = Running::start(command);
    let port = loop {
        let line = server.line(Duration::from_secs(20));
        if let Some(port) = line.strip_prefix(ANNOUNCEMENT) {
            break port.parse().expect("a port number");
        }
    };
    (server, port)
}
