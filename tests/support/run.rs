//! Programs run by tests: always with a deadline, always with everything they said in the panic message.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::wait::holds_within;

/// No program a test starts may take longer; a hang becomes a failure that names the command.
pub(crate) const OUTER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long after a program's end its output may stay open. Longer means that a descendant inherited it,
/// which would hang every shell pipeline that reads the program's output.
const OUTPUT_GRACE: Duration = Duration::from_secs(5);

/// A program that ran to its end.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The command line, for messages.
    pub(crate) command: String,
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// All of standard output; bytes that are no UTF-8 are replaced.
    pub(crate) stdout: String,
    /// All of standard error, likewise.
    pub(crate) stderr: String,
}

impl Ran {
    /// The exit code; panics when a signal ended the program.
    #[track_caller]
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("ended by a signal: {self}"))
    }

    /// Itself, if the exit code is 0.
    #[track_caller]
    pub(crate) fn ok(&self) -> &Self {
        self.exits(0)
    }

    /// Itself, if the exit code is `code`.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "unexpected end of {self}");
        self
    }

    /// Itself, if it said this on standard error.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) -> &Self {
        assert!(self.stderr.contains(words), "it does not say {words:?}: {self}");
        self
    }

    /// Itself, if it printed this on standard output.
    #[track_caller]
    pub(crate) fn prints(&self, words: &str) -> &Self {
        assert!(self.stdout.contains(words), "it does not print {words:?}: {self}");
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, status, stdout, stderr } = self;
        write!(f, "`{command}` ({status})\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// Runs a command (made by `TestEnv::command`) to its end, without standard input.
#[track_caller]
pub(crate) fn run(command: Command) -> Ran {
    Running::launch(command, Stdio::null()).wait(OUTER_TIMEOUT)
}

/// A program that is running. Dropped while it runs, it is killed: a failing test must not leave it.
#[derive(Debug)]
pub(crate) struct Running {
    command: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Arc<Mutex<Vec<u8>>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    lines: Receiver<String>,
    closed: [Receiver<()>; 2],
}

impl Running {
    /// Starts a command (made by `TestEnv::command`) with a pipe as its standard input.
    #[track_caller]
    pub(crate) fn start(command: Command) -> Self {
        Self::launch(command, Stdio::piped())
    }

    #[track_caller]
    fn launch(mut command: Command, stdin: Stdio) -> Self {
        let text = text_of(&command);
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start `{text}`: {error}"));
        let (line, lines) = channel();
        let (out_end, out_closed) = channel();
        let (err_end, err_closed) = channel();
        let stdout = Arc::default();
        let stderr = Arc::default();
        let out = child.stdout.take().expect("piped above");
        let err = child.stderr.take().expect("piped above");
        collect(out, Arc::clone(&stdout), move |text| drop(line.send(text)), out_end);
        collect(err, Arc::clone(&stderr), drop, err_end);
        let stdin = child.stdin.take();
        Self { command: text, child, stdin, stdout, stderr, lines, closed: [out_closed, err_closed] }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its standard input.
    #[track_caller]
    pub(crate) fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("standard input was closed before");
        stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush()).expect("the program reads its standard input");
    }

    /// Closes its standard input.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// The next line of its standard output, without the line break.
    #[track_caller]
    pub(crate) fn line(&mut self, deadline: Duration) -> String {
        match self.lines.recv_timeout(deadline) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("no line within {deadline:?} from {}", self.so_far()),
            Err(RecvTimeoutError::Disconnected) => panic!("no more lines from {}", self.so_far()),
        }
    }

    /// The same, or nothing when there is none before the deadline.
    #[track_caller]
    pub(crate) fn line_within(&mut self, deadline: Duration) -> Option<String> {
        match self.lines.recv_timeout(deadline) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("no more lines from {}", self.so_far()),
        }
    }

    /// Ends it at once (SIGKILL) and reaps it.
    pub(crate) fn kill(&mut self) -> ExitStatus {
        // Fails only when it has ended already.
        drop(self.child.kill());
        self.child.wait().expect("reap the killed child")
    }

    /// Closes its standard input and waits for its end, and for its output to be closed.
    #[track_caller]
    pub(crate) fn wait(mut self, deadline: Duration) -> Ran {
        self.stdin = None;
        let mut status = None;
        let ended = holds_within(deadline, || {
            status = self.child.try_wait().expect("wait for a child of ours");
            status.is_some()
        });
        if !ended {
            self.kill();
            panic!("still running after {deadline:?}: {}", self.so_far());
        }
        for closed in &self.closed {
            let open = closed.recv_timeout(OUTPUT_GRACE) == Err(RecvTimeoutError::Timeout);
            assert!(!open, "has ended, but a descendant keeps its output open: {}", self.so_far());
        }
        let status = status.expect("ended above");
        Ran { command: self.command.clone(), status, stdout: lossy(&self.stdout), stderr: lossy(&self.stderr) }
    }

    fn so_far(&self) -> String {
        let (stdout, stderr) = (lossy(&self.stdout), lossy(&self.stderr));
        format!("`{}`\n--- stdout\n{stdout}\n--- stderr\n{stderr}", self.command)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

fn text_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn lossy(bytes: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&bytes.lock().expect("no reader panics")).into_owned()
}

/// Reads a stream on a thread of its own, so that a program that writes much never blocks on us.
fn collect(
    stream: impl Read + Send + 'static,
    all: Arc<Mutex<Vec<u8>>>,
    on_line: impl Fn(String) + Send + 'static,
    closed: Sender<()>,
) {
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        // A read error is an end as good as any: what was read is there, and the test looks at that.
        while matches!(stream.read_until(b'\n', &mut line), Ok(1..)) {
            all.lock().expect("no reader panics").extend_from_slice(&line);
            on_line(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned());
            line.clear();
        }
        // The receiver is gone when nobody waits for the end.
        let _ = closed.send(());
    });
}
