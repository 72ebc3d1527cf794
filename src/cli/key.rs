//! One key from the terminal, without Enter.

use std::io::{self, stdin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How often the reading thread looks whether it is still wanted: it must not take a key that is meant for the next program.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// The terminal in a mode that hands on each key at once; as it was before when this is dropped. Ctrl-C stays a signal.
pub(crate) struct Keys {
    pressed: Receiver<u8>,
    wanted: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    before: Termios,
}

impl Keys {
    /// Starts listening to standard input.
    pub(crate) fn listen() -> io::Result<Self> {
        let before = tcgetattr(stdin())?;
        let mut each = before.clone();
        each.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        each.special_codes[SpecialCodeIndex::VMIN] = 1;
        each.special_codes[SpecialCodeIndex::VTIME] = 0;
        // What was typed before the question was not meant for it.
        tcsetattr(stdin(), OptionalActions::Flush, &each)?;
        let (send, pressed) = channel(8);
        let wanted = Arc::new(AtomicBool::new(true));
        let still = Arc::clone(&wanted);
        let reader = thread::Builder::new().name("keys".to_owned()).spawn(move || read(&still, &send))?;
        Ok(Self { pressed, wanted, reader: Some(reader), before })
    }

    /// The next key; absent when the terminal is gone..
    pub(crate) async fn next(&mut self) -> Option<u8> {
        self.pressed.recv().await
    }
}

fn read(wanted: &AtomicBool, keys: &Sender<u8>) {
    while wanted.load(Ordering::Acquire) {
        let terminal = stdin();
        let mut asked = [PollFd::new(&terminal, PollFlags::IN)];
        match poll(&mut asked, Some(&LOOK)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => return,
        }
        let mut bytes = [0_u8; 32];
        match rustix::io::read(&terminal, &mut bytes) {
            Ok(0) => return,
            // An arrow or a function key: many bytes and no letter.
            Ok(_) if bytes[0] == 0x1b => {}
            // Who types more than is taken has answered already.
            Ok(count) => {
                for key in &bytes[..count] {
                    let _ = keys.try_send(*key);
                }
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(_) => return,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::Release);
        if let Some(reader) = self.reader.take() {
            // It ends within a moment; that it panicked would have been reported.
            let _ = reader.join();
        }
        // A terminal that is gone needs no mode.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}
