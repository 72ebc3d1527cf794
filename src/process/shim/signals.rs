//! The signals a shim cares for.

use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/// SIGCHLD and SIGTERM wake the loop; SIGINT, SIGQUIT and SIGHUP are taken and forgotten.
///
/// They are taken rather than ignored because what is ignored stays ignored in the program: a daemon started in the background of a
/// script ignores SIGINT, and its agents could not be interrupted. What is handled is back at its default in the program.
#[derive(Debug)]
pub(super) struct Signals {
    wake: UnixStream,
    terminate: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let terminate = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGTERM, Arc::clone(&terminate))?;
        // A limit on file sizes is a full disk like any other, not a reason to die.
        for signal in [SIGHUP, SIGINT, SIGQUIT, Signal::XFSZ.as_raw()] {
            signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
        }
        signal_hook::low_level::pipe::register(SIGTERM, woken.try_clone()?)?;
        signal_hook::low_level::pipe::register(SIGCHLD, woken)?;
        Ok(Self { wake, terminate })
    }

    /// Forgets what woke the loop.
    pub(super) fn clear(&self) {
        let mut some = [0; 64];
        while matches!((&self.wake).read(&mut some), Ok(count) if count == some.len()) {}
    }

    /// True once after a SIGTERM.
    pub(super) fn take_terminate(&self) -> bool {
        self.terminate.swap(false, Ordering::Relaxed)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
