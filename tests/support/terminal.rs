//! A terminal with a program on it, as a person has one: what it shows, what is typed, how large it is, how it was left.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, Winsize};

use super::wait::{holds_within, wait_until};

/// How long anything on it may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// See the module's documentation. Dropped, it is a window that is closed.
pub(crate) struct TestTerminal {
    main: File,
    other: OwnedFd,
    child: Child,
    screen: Arc<Mutex<vt100::Parser>>,
    /// Reading goes on.
    reads: Arc<(Mutex<bool>, Condvar)>,
}

fn winsize(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

impl TestTerminal {
    /// Starts a command on a terminal of this size.
    pub(crate) fn start(command: &Command, columns: u16, rows: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let main = rustix::pty::openpt(flags).unwrap();
        rustix::pty::grantpt(&main).unwrap();
        rustix::pty::unlockpt(&main).unwrap();
        let other = rustix::pty::ioctl_tiocgptpeer(&main, flags).unwrap();
        rustix::termios::tcsetwinsize(&main, winsize(columns, rows)).unwrap();
        let main = File::from(main);
        // What makes a terminal a program's own is in divisi already.
        let (mut told, tell) = std::io::pipe().unwrap();
        let mut starter = Command::new(env!("CARGO_BIN_EXE_divisi"));
        let program = command.get_program();
        starter.args(["shim", "--on-terminal"]).arg(program).arg(program).args(command.get_args());
        starter.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        starter.env("TERM", "xterm-256color");
        if let Some(directory) = command.get_current_dir() {
            starter.current_dir(directory);
        }
        let end = |end: &OwnedFd| Stdio::from(end.try_clone().unwrap());
        starter.stdin(OwnedFd::from(tell)).stdout(end(&other)).stderr(end(&other));
        let child = starter.spawn().unwrap();
        drop(starter);
        let mut word = String::new();
        told.read_to_string(&mut word).unwrap();
        assert_eq!(word, "", "the program starts");
        let size = |number| NonZeroU16::new(number).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(size(rows), size(columns), 0)));
        let reads = Arc::new((Mutex::new(true), Condvar::new()));
        let (mut reader, shown, may) = (main.try_clone().unwrap(), Arc::clone(&screen), Arc::clone(&reads));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                drop(may.1.wait_while(may.0.lock().unwrap(), |may| !*may).unwrap());
                match reader.read(&mut bytes) {
                    Ok(0) | Err(_) => return,
                    Ok(count) => shown.lock().unwrap().process(&bytes[..count]),
                }
            }
        });
        Self { main, other, child, screen, reads }
    }

    /// What is to be seen.
    pub(crate) fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Looks at the screen.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.screen.lock().unwrap().screen())
    }

    /// Waits until this is to be seen.
    #[track_caller]
    pub(crate) fn until(&self, text: &str) {
        self.until_all(&[text]);
    }

    /// Waits until all of this is to be seen.
    #[track_caller]
    pub(crate) fn until_all(&self, texts: &[&str]) {
        let seen = holds_within(DEADLINE, || {
            let shown = self.text();
            texts.iter().all(|text| shown.contains(text))
        });
        assert!(seen, "{texts:?} is not to be seen:\n{}", self.text());
    }

    /// Types.
    pub(crate) fn type_in(&mut self, text: &str) {
        self.main.write_all(text.as_bytes()).unwrap();
    }

    /// Another size.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        let size = |number| NonZeroU16::new(number).unwrap();
        self.screen.lock().unwrap().set_size(size(rows), size(columns));
        rustix::termios::tcsetwinsize(&self.main, winsize(columns, rows)).unwrap();
    }

    /// Nobody looks: what is written waits in the terminal. Or somebody does again.
    pub(crate) fn look_away(&self, away: bool) {
        *self.reads.0.lock().unwrap() = !away;
        self.reads.1.notify_all();
    }

    /// Whether what is typed is a line to be edited and shown, as in a shell.
    pub(crate) fn is_as_before(&self) -> bool {
        let modes = rustix::termios::tcgetattr(&self.other).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// The program's process id.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Waits for the program's end; its exit code, absent when a signal ended it.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Option<i32> {
        let mut status = None;
        wait_until(DEADLINE, "the program on the terminal ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.and_then(|status| status.code())
    }
}

impl Drop for TestTerminal {
    fn drop(&mut self) {
        self.look_away(false);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
