//! What a shim that is gone left behind.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::base::clock;
use crate::model::Refusal;
use crate::model::job::ProcessIdentity;
use crate::process::identity;
use crate::process::spec::{self, SHIM, ShimFile};
use crate::process::tree;

/// How long ending what is left may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a shim may live on after it closed its socket.
const LAST_BREATH: Duration = Duration::from_secs(5);

/// Whether a job's shim lives.
#[derive(Debug)]
pub(super) enum Shim {
    /// It lives.
    Lives,
    /// It is gone, and nobody of its tree is left.
    Gone,
    /// There is no such directory.
    NoDirectory,
}

/// Looks whether the shim lives, and if not, ends what is left of its tree. Blocks.
///
/// # Errors
/// When the files cannot be read, or somebody cannot be ended.
pub(super) fn clear(directory: &Path) -> Result<Shim, Refusal> {
    let shown = directory.display();
    let lock = match take_lock(directory) {
        Ok(Some(lock)) => lock,
        Ok(None) => return Ok(Shim::Lives),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(if directory.exists() { Shim::Gone } else { Shim::NoDirectory });
        }
        Err(error) => return Err(Refusal::environment(format!("cannot use the job's directory {shown}: {error}"))),
    };
    match spec::who(&directory.join(SHIM)) {
        Ok(who) => {
            end_tree(&who)?;
            // Once is enough. If it cannot be written down, it is done again next time.
            let _ = if who.over { Ok(()) } else { spec::tell(&directory.join(SHIM), &ShimFile { over: true, ..who }) };
        }
        // Said before anything is started: there was nothing. A shim that comes too late finds no lock.
        Err(_) if spec::is_silent(&directory.join(SHIM)) => {
            let gone = fs::remove_file(directory.join(SHIM));
            gone.map_err(|error| Refusal::environment(format!("cannot delete {SHIM} in {shown}: {error}")))?;
        }
        Err(error) => return Err(Refusal::environment(format!("cannot read {SHIM} in {shown}: {error}"))),
    }
    drop(lock);
    Ok(Shim::Gone)
}

/// [`clear`] for a shim that has closed its socket and so is about to end; when it lives on, it is not waited for for long. Blocks.
///
/// # Errors
/// As [`clear`].
pub(super) fn clear_after(shim: &ProcessIdentity, directory: &Path) -> Result<Shim, Refusal> {
    let deadline = clock::instant() + LAST_BREATH;
    while identity::is_running(shim) && clock::instant() < deadline {
        tree::pause(Duration::from_millis(1));
    }
    clear(directory)
}

/// The lock of a shim that is gone. When the shim is gone and the lock is taken all the same, somebody else is at [`clear`]: waits.
fn take_lock(directory: &Path) -> io::Result<Option<File>> {
    let deadline = clock::instant() + LIMIT;
    loop {
        // First who it is, then whether it lives: one that starts in between is seen as alive.
        let gone = spec::who(&directory.join(SHIM)).is_ok_and(|who| !identity::is_running(&who.shim));
        let lock = spec::lock(directory)?;
        if lock.is_some() || !gone || clock::instant() >= deadline {
            return Ok(lock);
        }
        tree::pause(Duration::from_millis(1));
    }
}

fn end_tree(who: &ShimFile) -> Result<(), Refusal> {
    let _ = fs::remove_file(&who.control);
    // Nobody survives a restart of the machine.
    if who.over || identity::boot_id().is_ok_and(|boot| boot != who.shim.boot_id) {
        return Ok(());
    }
    let (ended, all) = tree::finish_off(who.dye, LIMIT);
    if !all {
        let message = format!("processes of job {} could not be ended ({ended} were)", who.job);
        return Err(
            Refusal::environment(message).hint("a process that hangs in the kernel ends when what it waits for does")
        );
    }
    Ok(())
}
