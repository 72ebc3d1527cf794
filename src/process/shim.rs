//! `divisi shim DIR`: the small process that keeps one program.
//!
//! It outlives the daemon: it holds the program's pipes, writes everything that passes through them to the journal, is the subreaper of
//! the program's tree, and ends that tree when the program ends, when it is told to, or when no daemon looks after it for too long. It
//! has one thread, waits in one `poll`, and holds no more than a few buffers.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::identity::{self, ProcessStat};
use super::journal::{self, JournalWriter};
use super::spec::{self, Ready, ShimFile};
use crate::host::port::RecordKind;
use crate::model::RefusalKind;
use crate::model::job::JobEnd;

mod control;
mod ending;
mod input;
mod keeper;
mod lease;
mod program;
mod secrets;
mod signals;
mod sweep;
mod terminal;

use control::Control;
use keeper::Keeper;
use program::Program;
use signals::Signals;

/// Why the program does not run.
#[derive(Debug)]
struct StartError {
    kind: RefusalKind,
    reason: String,
}

impl StartError {
    fn user(reason: String) -> Self {
        Self { kind: RefusalKind::User, reason }
    }

    /// For use with `map_err`.
    fn environment(what: &str) -> impl FnOnce(io::Error) -> Self {
        let what = what.to_owned();
        move |error| Self { kind: RefusalKind::Environment, reason: format!("{what}: {error}") }
    }
}

/// The shim's main function, with its arguments: a job's directory. Runs until the job is over. Says on standard output, in one line, whether the program runs. Returns the
/// process's exit code.
pub fn shim_main(arguments: &[OsString]) -> i32 {
    let job_dir = match arguments {
        [first, rest @ ..] if first == terminal::ON_TERMINAL => return terminal::become_program(rest),
        [job_dir] => Path::new(job_dir),
        _ => return 2,
    };
    let started = match start(job_dir) {
        Ok(started) => started,
        Err(error) => {
            say(&Ready::Failed { kind: error.kind, reason: error.reason });
            return 1;
        }
    };
    say(&Ready::Running(started.keeper.who().clone()));
    leave_standard_streams();
    started.keeper.run();
    drop(started.lock);
    0
}

/// A running program and what proves that somebody keeps it.
struct Started {
    keeper: Keeper,
    lock: File,
}

fn start(job_dir: &Path) -> Result<Started, StartError> {
    close_inherited();
    let directory: PathBuf =
        job_dir.canonicalize().map_err(StartError::environment("cannot find the job's directory"))?;
    begin_session().map_err(StartError::environment("cannot begin a session"))?;
    let _ = rustix::thread::set_name(c"divisi-shim");
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|error| StartError::environment("cannot become a subreaper")(error.into()))?;
    let signals = Signals::new().map_err(StartError::environment("cannot handle signals"))?;
    let lock = spec::lock(&directory)
        .map_err(StartError::environment("cannot lock the job's directory"))?
        .ok_or_else(|| StartError { kind: RefusalKind::Conflict, reason: "another shim keeps this job".into() })?;
    write_down_panics(&directory);
    let spec = spec::load(&mut io::stdin()).map_err(StartError::environment("cannot read what to start"))?;
    let own = identity::own().map_err(StartError::environment("cannot identify this process"))?;
    let mut who = ShimFile {
        version: spec::VERSION,
        job: spec.job.clone(),
        shim: own,
        program: None,
        control: spec.control.clone(),
        dye: spec.dye,
        over: false,
    };
    let card = directory.join(spec::SHIM);
    spec::tell(&card, &who).map_err(StartError::environment("cannot write the shim's file"))?;
    let listener = listen(Path::new(&spec.control)).map_err(StartError::environment("cannot listen for the daemon"))?;
    let mut journal = JournalWriter::create(&directory.join(journal::FILE_NAME))
        .map_err(StartError::environment("cannot create the journal"))?;
    let program = match Program::start(&spec) {
        Ok(program) => program,
        Err(error) => {
            let _ = journal.append_end(&JobEnd::NotStarted { reason: error.reason.clone() });
            let _ = std::fs::remove_file(&spec.control);
            return Err(error);
        }
    };
    // A full disk from here on is back-pressure, not a failure.
    let size = spec.terminal.map(terminal::recorded);
    let _ = journal.append(RecordKind::Started, "", size.as_ref().map_or(b"".as_slice(), |size| size.as_slice()));
    who.program = identity::identify(program.pid().as_raw_pid());
    let _ = spec::tell(&card, &who);
    let own = ProcessStat::read(who.shim.pid)
        .ok_or_else(|| StartError { kind: RefusalKind::Environment, reason: "cannot read /proc/self/stat".into() })?;
    let keeper = Keeper::new(&spec, (who, card), own, journal, program, Control::new(listener), signals);
    Ok(Started { keeper, lock })
}

/// Away from the daemon's terminal and its signals, and from anybody else's groups.
fn begin_session() -> io::Result<()> {
    // Not rustix's getsid: in a PID namespace (a container's shell, a CI job) the session's leader may be outside, and then its id is 0,
    // which rustix takes to be impossible.
    let own = identity::own()?.pid;
    if ProcessStat::read(own).is_none_or(|stat| stat.session != own) {
        rustix::process::setsid()?;
    }
    Ok(())
}

/// Closes what the daemon's own parent left open without saying so: it would live on in every agent, be it a terminal, a lock, or the
/// end of a pipe that somebody waits for. Everything that this process opens is closed on exec.
fn close_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<i32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for fd in open.into_iter().filter(|&fd| fd > 2) {
        // One of them was the list itself.
        let _ = nix::unistd::close(fd);
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn say(ready: &Ready) {
    let Ok(mut line) = serde_json::to_vec(ready) else { return };
    line.push(b'\n');
    // A daemon that does not listen any more finds the shim by its files.
    let _ = io::stdout().write_all(&line).and_then(|()| io::stdout().flush());
}

/// Closes the daemon's pipes, of which it waits for the end, and which nobody reads any more.
fn leave_standard_streams() {
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(&null);
        let _ = rustix::stdio::dup2_stdout(&null);
        let _ = rustix::stdio::dup2_stderr(&null);
    }
}

/// Says why this process broke where it can be read: on standard error as long as somebody listens, and in a file from then on.
fn write_down_panics(directory: &Path) {
    let path = directory.join(spec::LOG);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |broken| {
        usual(broken);
        if let Ok(mut log) = File::options().append(true).create(true).mode(0o600).open(&path) {
            let _ = writeln!(log, "{broken}");
        }
    }));
}
