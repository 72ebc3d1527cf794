//! What the tests say of a patch: on a checkout that nobody has worked in, with nothing but the patch carried over.

use std::fs;
use std::path::Path;

use super::checkout::Checkout;
use super::machine::{Machine, Ran, Unrun, since};
use crate::base::clock;
use crate::eval::case::{Case, is_inside};
use crate::model::bench::Outcome;

/// What came of it.
pub(super) struct Judged {
    /// How it ended.
    pub(super) outcome: Outcome,
    /// What the tests said.
    pub(super) said: Vec<u8>,
    /// Milliseconds of making the checkout.
    pub(super) prepare_ms: u64,
    /// Milliseconds of the tests.
    pub(super) test_ms: u64,
}

/// Judges a patch; an empty one too. Everything happens below `root`, which must not exist.
pub(super) fn judge(machine: &Machine<'_>, case: &Case, patch: &[u8], root: &Path) -> Result<Judged, Unrun> {
    let begin = clock::instant();
    let checkout = Checkout::make(machine, case, root)?;
    let outcome = |outcome, said, prepare_ms, test_ms| Judged { outcome, said, prepare_ms, test_ms };
    if !patch.is_empty() {
        let file = root.join("patch.diff");
        fs::write(&file, patch).map_err(|error| Unrun::Failed(format!("failed to write {}: {error}", file.display())))?;
        if let Err(why) = checkout.apply(machine, &file)? {
            let said = why.clone().into_bytes();
            return Ok(outcome(Outcome::ApplyFailed(why), said, since(begin), 0));
        }
    }
    checkout.restore(machine, &case.restore)?;
    checkout.write(&case.hidden)?;
    let prepare_ms = since(begin);
    let begin = clock::instant();
    let ran = machine.command(&case.test, &checkout.files, root, case.limits.test)?;
    let test_ms = since(begin);
    Ok(match ran {
        Ran::TimedOut => {
            let said = format!("the tests did not end within {} s\n", case.limits.test.as_secs());
            outcome(Outcome::TimedOut, said.into_bytes(), prepare_ms, test_ms)
        }
        Ran::Ended { code, mut said } => {
            let missing = case.expected_files.iter().find(|path| {
                !is_inside(path) || !checkout.files.join(path).symlink_metadata().is_ok_and(|found| found.is_file())
            });
            if let Some(missing) = missing {
                said.extend_from_slice(format!("\n{missing} is expected and is not there\n").as_bytes());
            }
            let done = code == Some(0) && missing.is_none();
            outcome(if done { Outcome::Resolved } else { Outcome::Unresolved }, said, prepare_ms, test_ms)
        }
    })
}
