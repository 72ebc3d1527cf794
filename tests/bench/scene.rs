//! A daemon of a bench's own: hermetic directories, repositories of any size, the process, and a client on its socket.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use divisi::process::daemon::ONE_HEAP;
use serde_json::{Value, json};

use super::directory;

/// The program that is measured.
pub(super) const DIVISI: &str = env!("CARGO_BIN_EXE_divisi");

/// Nothing that is waited for takes longer, on the busiest machine.
const DEADLINE: Duration = Duration::from_secs(180);

const GIT_CONFIG: &str = "[user]\n\tname = Bench\n\temail = bench@divisi.test\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n";

/// A place where everything is the bench's own.
pub(super) struct Scene {
    /// Kept until the end: nothing is deleted between repetitions, because a file system without a journal avoids inodes that were
    /// freed a moment ago, at eight times the cost.
    root: tempfile::TempDir,
    variables: Vec<(OsString, OsString)>,
}

impl Scene {
    /// An empty one.
    pub(super) fn new() -> Self {
        let root = directory();
        let mut variables: Vec<(OsString, OsString)> = vec![
            ("LC_ALL".into(), "C".into()),
            ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
            ("PATH".into(), std::env::var_os("PATH").expect("PATH is set")),
            ("DIVISI_SOCKET".into(), root.path().join("run/d.sock").into()),
        ];
        for (name, folder) in
            [("HOME", "home"), ("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run")]
        {
            let path = root.path().join(folder);
            fs::create_dir_all(&path).expect("the bench directory can be written");
            variables.push((name.into(), path.into()));
        }
        fs::write(root.path().join("home/.gitconfig"), GIT_CONFIG).expect("the bench directory can be written");
        Self { root, variables }
    }

    /// A path in the scene.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The daemon's database.
    pub(super) fn database(&self) -> PathBuf {
        self.path("state/divisi/state.db")
    }

    /// A program with the scene's environment and no other.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.root.path());
        command
    }

    /// Runs git in a directory; it must not fail.
    pub(super) fn git(&self, directory: &Path, arguments: &[&str]) {
        let ended = self.command("git").current_dir(directory).args(arguments).status().expect("git is installed");
        assert!(ended.success(), "git {arguments:?} failed");
    }

    /// A repository with so many files of 0.2 to 4 KiB in one commit, 25 to a directory, made by `git fast-import`.
    pub(super) fn repository(&self, name: &str, files: usize) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).expect("the bench directory can be written");
        self.git(&path, &["init", "--quiet"]);
        let mut import = self
            .command("git")
            .current_dir(&path)
            .args(["fast-import", "--quiet"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("git is installed");
        let mut input = BufWriter::new(import.stdin.take().expect("piped"));
        write_history(&mut input, files).expect("git reads what it is given");
        drop(input);
        assert!(import.wait().expect("a child of ours").success(), "git fast-import failed");
        self.git(&path, &["reset", "--quiet", "--hard"]);
        path
    }

    /// Starts a daemon and waits until it says that it is ready.
    pub(super) fn daemon(&self) -> Daemon {
        let mut child = self
            .command(DIVISI)
            .args(["daemon", "run", "--detached"])
            // As divisi itself starts one.
            .env(ONE_HEAP.0, ONE_HEAP.1)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("divisi is built");
        let mut said = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        stdout.read_line(&mut said).expect("a daemon writes text");
        assert_eq!(said, "ready\n", "the daemon did not start");
        Daemon { child, socket: self.path("run/d.sock") }
    }
}

/// One commit in the language of `git fast-import`.
fn write_history(input: &mut impl std::io::Write, files: usize) -> std::io::Result<()> {
    writeln!(input, "commit refs/heads/main\ncommitter Bench <bench@divisi.test> 1767322445 +0000\ndata 5\nfiles")?;
    let mut state = 0x9e37_79b9_u32;
    for file in 0..files {
        let mut text = String::new();
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state
        };
        let length = 200 + usize::try_from(next() % 3800).expect("small");
        while text.len() < length {
            let (word, end) = (next(), if next() % 8 == 0 { '\n' } else { ' ' });
            let _ = write!(text, "{word:x}{end}");
        }
        let (area, directory) = (file / 1000, file / 25);
        writeln!(input, "M 100644 inline area{area}/part{directory}/file{file}.txt\ndata {}\n{text}", text.len())?;
    }
    writeln!(input)
}

/// A running daemon. Dropping it ends it.
pub(super) struct Daemon {
    child: Child,
    socket: PathBuf,
}

impl Daemon {
    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A new connection.
    pub(super) fn connect(&self) -> Client {
        Client::connect(&self.socket)
    }

    /// Asks it to stop and waits for its end.
    pub(super) fn stop(mut self) {
        self.connect().call("daemon/stop", &json!({}));
        self.child.wait().expect("a child of ours");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // After `stop` there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection to the daemon that blocks.
pub(super) struct Client {
    reading: BufReader<UnixStream>,
    writing: UnixStream,
    requests: u64,
    events: VecDeque<Value>,
}

impl Client {
    fn connect(socket: &Path) -> Self {
        let writing = UnixStream::connect(socket).expect("the daemon listens");
        writing.set_read_timeout(Some(DEADLINE)).expect("a socket has a timeout");
        let reading = BufReader::with_capacity(1 << 20, writing.try_clone().expect("a socket can be shared"));
        let mut client = Self { reading, writing, requests: 0, events: VecDeque::new() };
        client.call("hello", &json!({"client": "bench", "protocol": {"min": 1, "max": 1}}));
        client
    }

    /// Sends a request and waits for its answer; events that come before it are kept.
    pub(super) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.writing.write_all(format!("{request}\n").as_bytes()).expect("the daemon reads");
        loop {
            let message: Value = serde_json::from_str(&self.line()).expect("the daemon speaks JSON");
            if message["id"] == json!(id) {
                assert!(message["error"].is_null(), "{method} failed: {}", message["error"]);
                return message["result"].clone();
            }
            self.keep(message);
        }
    }

    /// The next line as it came.
    pub(super) fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.reading.read_line(&mut line).expect("the daemon says something in time");
        assert!(read > 0, "the daemon closed the connection");
        line
    }

    fn keep(&mut self, mut message: Value) {
        if let Some(events) = message["params"]["events"].as_array_mut() {
            self.events.extend(events.drain(..));
        }
    }

    /// Events that came while an answer was waited for.
    pub(super) fn take_events(&mut self) -> Vec<Value> {
        self.events.drain(..).collect()
    }

    /// All events from now on.
    pub(super) fn subscribe(&mut self) {
        self.call("event/subscribe", &json!({}));
    }

    /// Waits for an event of a session.
    pub(super) fn wait_for(&mut self, session: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            while let Some(event) = self.events.pop_front() {
                if event["session"] == session && wanted(&event) {
                    return event;
                }
                assert_ne!(event["type"], "session.faulted", "a session failed: {event}");
            }
            let message = serde_json::from_str(&self.line()).expect("the daemon speaks JSON");
            self.keep(message);
        }
    }

    /// Asks for a session; gives its id.
    pub(super) fn create(&mut self, repository: &Path, agent: &str, prompt: &str) -> String {
        let asked = json!({"repository": repository, "agent": agent, "prompt": prompt});
        let receipt = self.call("session/create", &asked);
        receipt["outcome"]["session"].as_str().expect("a session was created").to_owned()
    }
}

/// Memory of a process in KiB, by the names `/proc/PID/smaps_rollup` has for it.
pub(super) fn memory(pid: u32, names: &[&str]) -> u64 {
    let mut text = String::new();
    let read = fs::File::open(format!("/proc/{pid}/smaps_rollup")).and_then(|mut file| file.read_to_string(&mut text));
    read.expect("the process runs");
    let lines = text.lines().filter_map(|line| {
        let (name, rest) = line.split_once(':')?;
        names.contains(&name).then(|| rest.split_whitespace().next()?.parse::<u64>().ok())?
    });
    lines.sum()
}

/// Time all threads of a process have run, and how often they slept by themselves.
pub(super) fn activity(pid: u32) -> (Duration, u64) {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let mut total = (Duration::ZERO, 0);
    for thread in threads.flatten() {
        let read = |name: &str| fs::read_to_string(thread.path().join(name)).unwrap_or_default();
        let run: u64 = read("schedstat").split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0);
        total.0 += Duration::from_nanos(run);
        let sleeps =
            read("status").lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")?.trim().parse().ok());
        total.1 += sleeps.unwrap_or(0_u64);
    }
    total
}
