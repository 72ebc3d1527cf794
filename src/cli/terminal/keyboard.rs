//! What is typed on this terminal, as it comes.

use std::io::{self, stdin};
use std::os::fd::OwnedFd;
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Reads standard input until it is dropped; a key typed after that is the next program's.
#[derive(Debug)]
pub(super) struct Keyboard {
    typed: Receiver<Vec<u8>>,
    /// Closing it ends the reader.
    wanted: Option<OwnedFd>,
    reader: Option<JoinHandle<()>>,
}

impl Keyboard {
    pub(super) fn listen() -> io::Result<Self> {
        let (unwanted, wanted) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let (send, typed) = channel(16);
        let reader = thread::Builder::new().name("keyboard".to_owned()).spawn(move || read(&unwanted, &send))?;
        Ok(Self { typed, wanted: Some(wanted), reader: Some(reader) })
    }

    /// The next bytes; absent when the terminal is gone.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        self.typed.recv().await
    }
}

fn read(unwanted: &OwnedFd, typed: &Sender<Vec<u8>>) {
    let terminal = stdin();
    let mut bytes = [0_u8; 4096];
    loop {
        let mut asked = [PollFd::new(&terminal, PollFlags::IN), PollFd::new(unwanted, PollFlags::IN)];
        match poll(&mut asked, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) if !asked[1].revents().is_empty() => return,
            Ok(_) => {}
        }
        match rustix::io::read(&terminal, &mut bytes) {
            Ok(0) => return,
            Ok(count) => {
                if typed.blocking_send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(_) => return,
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.typed.close();
        drop(self.wanted.take());
        if let Some(reader) = self.reader.take() {
            // It ends at once; that it panicked would have been reported.
            let _ = reader.join();
        }
    }
}
