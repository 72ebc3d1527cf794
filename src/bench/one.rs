//! One attempt at a case, from the checkout to the result.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::checkout::Checkout;
use super::command::{For, Ran, Scene};
use super::container::{self, Yard};
use super::judge::{Judged, judge};
use super::machine::{Machine, Unrun, since};
use crate::base::clock;
use crate::base::hex;
use crate::base::text::visible;
use crate::eval::case::{Case, Grading, Reference};
use crate::model::attempt::{Attempted, Contestant, Outcome, Solver, Task, Unsolved, Validity};
use crate::model::meter::Meter;

/// Of what the tests said, what the agent reads in its next try, bytes from the end.
const SAID_AGAIN: usize = 16 * 1024;

/// An attempt that is to be made.
pub(super) struct Attempt<'a> {
    /// The case.
    pub(super) case: &'a Case,
    /// Who makes it.
    pub(super) contestant: &'a Contestant,
    /// Which, from 1.
    pub(super) number: u32,
    /// Where checkouts are made; must not exist.
    pub(super) work: &'a Path,
    /// The run's directory.
    pub(super) run: &'a Path,
    /// The directory of what is kept, below the run's.
    pub(super) artefacts: String,
    /// What the run has used.
    pub(super) meter: &'a Arc<Meter>,
    /// What is known of the case on this machine.
    pub(super) validity: Option<Validity>,
    /// The containers of the run.
    pub(super) yard: &'a Yard<'a>,
}

/// What is known so far.
#[derive(Default)]
struct Ledger {
    patch: Vec<u8>,
    said: Vec<u8>,
    iterations: u32,
    prepare_ms: u64,
    agent_ms: u64,
    test_ms: u64,
    session: Option<String>,
    tools: BTreeMap<String, u32>,
}

impl Attempt<'_> {
    /// Makes it. What is broken on this machine is an outcome too.
    pub(super) fn make(&self, machine: &Machine<'_>, solver: Solver<'_>, keep: bool) -> Attempted {
        let mut ledger = Ledger::default();
        let attempted =
            if self.meter.is_left() { self.attempt(machine, solver, &mut ledger) } else { Ok(Outcome::Budget) };
        let outcome = match attempted {
            Ok(outcome) => outcome,
            Err(Unrun::Stopped) => Outcome::Cancelled,
            Err(Unrun::Failed(why)) => Outcome::Infrastructure(why),
        };
        if let Some(session) = &ledger.session {
            (solver.leave)(session);
        }
        let outcome = match (self.store(&ledger), outcome) {
            (Err(why), outcome) if outcome.counts() => Outcome::Infrastructure(why),
            (_, outcome) => outcome,
        };
        if !keep && let Err(error) = remove(self.work) {
            tracing::warn!(path = %self.work.display(), %error, "a checkout stays");
        }
        Attempted {
            case: self.case.id.clone(),
            group: self.case.group.clone(),
            contestant: self.contestant.name().to_owned(),
            attempt: self.number,
            outcome,
            digest: self.case.digest(),
            patch_sha256: hex::encode(&Sha256::digest(&ledger.patch)),
            iterations: ledger.iterations,
            prepare_ms: ledger.prepare_ms,
            agent_ms: ledger.agent_ms,
            test_ms: ledger.test_ms,
            session: ledger.session,
            usage: self.meter.of(&self.artefacts),
            tools: ledger.tools,
            at: clock::now(),
            artefacts: self.artefacts.clone(),
            validity: self.validity,
            image: self.yard.image(&self.case.id).cloned(),
        }
    }

    fn attempt(&self, machine: &Machine<'_>, solver: Solver<'_>, ledger: &mut Ledger) -> Result<Outcome, Unrun> {
        match self.contestant {
            Contestant::Null => {}
            Contestant::Gold => ledger.patch = self.gold(machine, ledger)?,
            Contestant::Agent(_) => {
                let checkout = self.checkout(machine, ledger)?;
                return self.tries(machine, &checkout, solver, ledger);
            }
        }
        self.judge(machine, ledger, 1)
    }

    /// The checkout to work in.
    fn checkout(&self, machine: &Machine<'_>, ledger: &mut Ledger) -> Result<Checkout, Unrun> {
        let begin = clock::instant();
        let checkout = Checkout::make(machine, self.case, &self.work.join("agent"))?;
        ledger.prepare_ms += since(begin);
        Ok(checkout)
    }

    /// The agent's tries: after each that fails it reads what the tests said.
    fn tries(
        &self,
        machine: &Machine<'_>,
        checkout: &Checkout,
        solver: Solver<'_>,
        ledger: &mut Ledger,
    ) -> Result<Outcome, Unrun> {
        let mut prompts = vec![self.case.prompt.clone()];
        prompts.extend(self.case.follow_ups.iter().cloned());
        let mut outcome = Outcome::EmptyPatch;
        for iteration in 1..=self.case.iterations.max(1) {
            let mut files = checkout.files.clone();
            for prompt in prompts.drain(..) {
                let begin = clock::instant();
                let spent = Duration::from_millis(ledger.agent_ms);
                let task = Task {
                    case: self.case.id.clone(),
                    attempt: self.number,
                    repository: checkout.files.clone(),
                    prompt,
                    session: ledger.session.clone(),
                    limit: self.case.limits.agent.saturating_sub(spent),
                    meter: Arc::clone(self.meter),
                    meter_key: self.artefacts.clone(),
                };
                let turn = (solver.solve)(&task);
                ledger.agent_ms += since(begin);
                match turn {
                    Ok(done) => {
                        files = done.files;
                        ledger.session = Some(done.session);
                        self.meter.note(&self.artefacts, &done.usage);
                        ledger.tools = done.tools;
                    }
                    Err(Unsolved::Agent(why)) => return Ok(Outcome::AgentFailed(why)),
                    Err(Unsolved::Infrastructure(why)) => return Err(Unrun::Failed(why)),
                    Err(Unsolved::Cancelled) => return Err(Unrun::Stopped),
                    Err(Unsolved::Budget) => return Ok(Outcome::Budget),
                }
            }
            ledger.patch = checkout.patch(machine, &files, &self.case.carry)?;
            outcome = if ledger.patch.is_empty() {
                ledger.said = b"nothing was changed\n".to_vec();
                Outcome::EmptyPatch
            } else {
                self.judge(machine, ledger, iteration)?
            };
            if outcome == Outcome::Resolved {
                break;
            }
            prompts.push(again(&ledger.said));
        }
        Ok(outcome)
    }

    /// The patch that the reference is.
    fn gold(&self, machine: &Machine<'_>, ledger: &mut Ledger) -> Result<Vec<u8>, Unrun> {
        match &self.case.reference {
            None => Err(Unrun::Failed("the case has no reference".to_owned())),
            Some(Reference::Patch(patch)) => Ok(patch.clone().into_bytes()),
            Some(Reference::Files(files)) => {
                let checkout = self.checkout(machine, ledger)?;
                checkout.write(files)?;
                checkout.patch(machine, &checkout.files, &[])
            }
            Some(Reference::Command(command)) => {
                let checkout = self.checkout(machine, ledger)?;
                let scene = Scene { case: self.case, files: &checkout.files, own: &checkout.root };
                match machine.commands.run(command, For::Setup, scene, self.case.limits.agent)? {
                    Ran::Ended { code: Some(0), .. } => checkout.patch(machine, &checkout.files, &[]),
                    Ran::Ended { said, .. } => {
                        let said = String::from_utf8_lossy(&said);
                        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
                        Err(Unrun::Failed(format!("the reference's command failed: {}", visible(last))))
                    }
                    Ran::TimedOut { .. } => {
                        Err(Unrun::Failed("the reference's command did not end in time".to_owned()))
                    }
                }
            }
        }
    }

    fn judge(&self, machine: &Machine<'_>, ledger: &mut Ledger, iteration: u32) -> Result<Outcome, Unrun> {
        let root = self.work.join(format!("tests{iteration}"));
        let Judged { outcome, said, prepare_ms, test_ms } = match (&self.case.grading, self.yard.image(&self.case.id)) {
            (Grading::Swebench(instance), Some(image)) => {
                container::judge(machine, self.yard, (self.case, instance, image), &ledger.patch, &root)?
            }
            _ => judge(machine, self.case, &ledger.patch, &root)?,
        };
        ledger.said = said;
        ledger.iterations = iteration;
        ledger.prepare_ms += prepare_ms;
        ledger.test_ms += test_ms;
        Ok(outcome)
    }

    /// Keeps the patch and what the tests said.
    fn store(&self, ledger: &Ledger) -> Result<(), String> {
        let directory = self.run.join(&self.artefacts);
        fs::create_dir_all(&directory)
            .and_then(|()| fs::write(directory.join("patch.diff"), &ledger.patch))
            .and_then(|()| fs::write(directory.join("test_output.txt"), &ledger.said))
            .map_err(|error| format!("failed to write in {}: {error}", directory.display()))
    }
}

/// What is said to an agent whose try failed.
pub(super) fn again(said: &[u8]) -> String {
    let tail = &said[said.len().saturating_sub(SAID_AGAIN)..];
    format!(
        "The tests fail. This is what they said last:\n\n{}\n\nRepair what you made.",
        visible(&String::from_utf8_lossy(tail))
    )
}

/// Removes a directory that may not be there. Tests may have made directories that cannot be entered.
pub(super) fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            open_up(path);
            fs::remove_dir_all(path)
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn open_up(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    // Where it cannot be done, the removal says so.
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}
