//! What a shim that is gone left behind.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::model::Refusal;
use crate::process::identity;
use crate::process::spec::{self, SHIM, SPEC, ShimFile};
use crate::process::tree;

/// How long ending what is left may take.
const LIMIT: Duration = Duration::from_secs(10);

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
    let lock = match spec::lock(directory) {
        Ok(Some(lock)) => lock,
        Ok(None) => return Ok(Shim::Lives),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let _ = fs::remove_file(directory.join(SPEC));
            return Ok(if directory.exists() { Shim::Gone } else { Shim::NoDirectory });
        }
        Err(error) => return Err(Refusal::environment(format!("cannot use the job's directory {shown}: {error}"))),
    };
    match spec::load::<ShimFile>(&directory.join(SHIM)) {
        Ok(who) => end_tree(&who)?,
        // Written before anything is started: there was nothing.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Refusal::environment(format!("cannot read {SHIM} in {shown}: {error}"))),
    }
    // The environment, which may hold keys, is of no use any more; and a shim that comes too late finds nothing to start.
    let _ = fs::remove_file(directory.join(SPEC));
    drop(lock);
    Ok(Shim::Gone)
}

fn end_tree(who: &ShimFile) -> Result<(), Refusal> {
    let control = Path::new(&who.control);
    // The last thing a shim does when all is done is to take its socket away. And nobody survives a restart of the machine.
    let in_order = !control.exists();
    let same_boot = identity::boot_id().is_ok_and(|boot| boot == who.shim.boot_id);
    if in_order || !same_boot {
        let _ = fs::remove_file(control);
        return Ok(());
    }
    let (ended, all) = tree::finish_off(who.dye, LIMIT);
    if !all {
        let message = format!("processes of job {} could not be ended ({ended} were)", who.job);
        return Err(Refusal::environment(message).hint("a process that hangs in the kernel ends when what it waits for does"));
    }
    let _ = fs::remove_file(control);
    Ok(())
}
