//! A terminal for the program: opened and kept by the shim, made the program's own by a short life of this binary between the two.
//!
//! A process gets a controlling terminal only by asking for it itself, in a session of its own. Between fork and exec the standard
//! library runs no code of ours that is safe, so `divisi shim --on-terminal` is started instead: it begins the session, takes the
//! terminal and becomes the program. What goes wrong comes back through its standard input, a pipe that exec closes.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use crate::model::terminal::TerminalSize;
use crate::process::tree;

/// What the shim's first argument is when it is to become a program on a terminal.
pub(super) const ON_TERMINAL: &str = "--on-terminal";

/// The shim's end of the program's terminal.
#[derive(Debug)]
pub(super) struct Terminal {
    main: File,
    size: TerminalSize,
}

fn winsize(size: TerminalSize) -> Winsize {
    Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 }
}

impl Terminal {
    /// Opens one; gives it and the program's end.
    pub(super) fn open(size: TerminalSize) -> io::Result<(Self, OwnedFd)> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let main = rustix::pty::openpt(flags)?;
        rustix::pty::grantpt(&main)?;
        rustix::pty::unlockpt(&main)?;
        // By the open file and not by its name: the name may mean another terminal in this file system.
        let other = rustix::pty::ioctl_tiocgptpeer(&main, flags)?;
        rustix::termios::tcsetwinsize(&main, winsize(size))?;
        Ok((Self { main: File::from(main), size }, other))
    }

    /// Another descriptor of this end, for reading or writing.
    pub(super) fn end(&self) -> io::Result<File> {
        self.main.try_clone()
    }

    /// Its size.
    pub(super) fn size(&self) -> TerminalSize {
        self.size
    }

    /// Gives it another size; the kernel tells whoever has the terminal. False when it had it already.
    pub(super) fn resize(&mut self, size: TerminalSize) -> io::Result<bool> {
        if size == self.size {
            return Ok(false);
        }
        rustix::termios::tcsetwinsize(&self.main, winsize(size))?;
        self.size = size;
        Ok(true)
    }

    /// The process group that has the terminal.
    pub(super) fn foreground(&self) -> Option<Pid> {
        rustix::termios::tcgetpgrp(&self.main).ok()
    }

    /// What a terminal that is closed tells: shells that let SIGTERM pass end by it.
    pub(super) fn hang_up(&self, leader: Pid) {
        for group in [Some(leader), self.foreground()].into_iter().flatten() {
            // A group that is gone needs no telling.
            let _ = rustix::process::kill_process_group(group, Signal::HUP);
        }
    }
}

/// A size as a journal's record holds it.
pub(super) fn recorded(size: TerminalSize) -> [u8; 4] {
    let ([a, b], [c, d]) = (size.columns.to_le_bytes(), size.rows.to_le_bytes());
    [a, b, c, d]
}

/// Starts what `command` describes on the terminal's other end, in a session of its own. Gives its process id.
///
/// # Errors
/// When it cannot be started, as [`Command::spawn`] would say it.
pub(super) fn spawn(command: &Command, arg0: &str, other: OwnedFd, dye: u64) -> io::Result<u32> {
    refuse_text(Path::new(command.get_program()))?;
    let (mut told, tell) = io::pipe()?;
    let mut starter = Command::new("/proc/self/exe");
    starter.arg("shim").arg(ON_TERMINAL).arg(command.get_program()).arg(arg0).args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        starter.current_dir(directory);
    }
    starter.env_clear();
    starter.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    starter.stdin(OwnedFd::from(tell)).stdout(other.try_clone()?).stderr(Stdio::from(other));
    let mut child = tree::with_dye(dye, || starter.spawn())?;
    // Our copies of the pipe's and the terminal's ends go with the command.
    drop(starter);
    let mut word = String::new();
    told.read_to_string(&mut word)?;
    if word.is_empty() {
        return Ok(child.id());
    }
    let _ = child.wait();
    Err(match word.trim().parse::<i32>() {
        Ok(code) => io::Error::from_raw_os_error(code),
        Err(_) => io::Error::other(word),
    })
}

/// The C library's exec gives text without a `#!` line to a shell; on pipes, where it is not used, that is an error, and so it is here.
fn refuse_text(program: &Path) -> io::Result<()> {
    let mut head = [0; 128];
    let count = File::open(program).and_then(|mut file| file.read(&mut head)).unwrap_or(0);
    let head = &head[..count];
    if head.starts_with(b"#!") || head.contains(&0) || head.is_empty() {
        return Ok(());
    }
    Err(io::Error::from_raw_os_error(rustix::io::Errno::NOEXEC.raw_os_error()))
}

/// `divisi shim --on-terminal PROGRAM NAME ARGUMENT...`: takes the terminal on standard output and becomes the program. Returns only
/// when that fails, with the exit code; standard input is told why.
pub(super) fn become_program(arguments: &[OsString]) -> i32 {
    let error = take_terminal(arguments);
    let word = error.raw_os_error().map_or_else(|| error.to_string(), |code| code.to_string());
    // Whoever waits for the word sees the end of the pipe otherwise, and then the end of this process.
    let _ = rustix::io::write(rustix::stdio::stdin(), word.as_bytes());
    127
}

fn take_terminal(arguments: &[OsString]) -> io::Error {
    let [program, name, rest @ ..] = arguments else { return io::Error::other("no program was named") };
    let ready = || -> io::Result<OwnedFd> {
        let tell = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
        rustix::process::setsid()?;
        rustix::process::ioctl_tiocsctty(rustix::stdio::stdout())?;
        rustix::stdio::dup2_stdin(rustix::stdio::stdout())?;
        Ok(tell)
    };
    let tell = match ready() {
        Ok(tell) => tell,
        Err(error) => return error,
    };
    let error = Command::new(program).arg0(name).args(rest).exec();
    // Where the caller looks for the way to tell.
    let _ = rustix::stdio::dup2_stdin(&tell);
    error
}
