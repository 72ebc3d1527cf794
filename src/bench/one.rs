//! One attempt at a case, from the checkout to the result.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::checkout::{Checkout, keep_log};
use super::command::{For, Ran, Scene};
use super::container::{self, Yard};
use super::environments::{self, remove_directory};
use super::judge::{self, Judged, judge_here};
use super::machine::{Machine, Unrun, since};
use super::patience::Patience;
use super::words;
use crate::base::clock;
use crate::base::hex;
use crate::base::text::visible;
use crate::eval::case::{Case, Grading, Reference};
use crate::model::attempt::{Attempted, Contestant, Outcome, Progress, Solver, Task, Unsolved, Validity};
use crate::model::bench_environment::EnvironmentRecord;
use crate::model::meter::Meter;
use crate::model::usage::Usage;

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
    /// How long what fails here is tried again.
    pub(super) patience: &'a Patience,
    /// Hears what happens.
    pub(super) tell: &'a (dyn Fn(Progress) + Sync),
    /// What failed here and was tried again; nothing at first.
    pub(super) faults: RefCell<Vec<String>>,
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
    environment: Option<EnvironmentRecord>,
    /// How often the attempt began again: what the sessions before used is taken down under other names.
    lives: u32,
}

impl Attempt<'_> {
    /// Makes it. What is broken on this machine is an outcome too.
    pub(super) fn make(&self, machine: &Machine<'_>, solver: Solver<'_>, keep: bool) -> Attempted {
        let mut ledger = Ledger::default();
        let attempted = self.lives(machine, solver, &mut ledger);
        let outcome = match attempted {
            Ok(outcome) => outcome,
            Err(Unrun::Stopped) => Outcome::Cancelled,
            Err(Unrun::Failed(why) | Unrun::Never(why)) => Outcome::Infrastructure(why),
        };
        if let Some(session) = &ledger.session {
            (solver.leave)(session);
        }
        let stored = self.patiently(machine, || self.store(&ledger).map_err(Unrun::Failed));
        let outcome = match (stored, outcome) {
            (Err(Unrun::Failed(why) | Unrun::Never(why)), outcome) if outcome.counts() => Outcome::Infrastructure(why),
            (Ok(()), Outcome::Infrastructure(why)) => Outcome::Infrastructure(self.with_log(why)),
            (_, outcome) => outcome,
        };
        if !keep && let Err(error) = remove_directory(self.work) {
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
            usage: together((0..=ledger.lives).filter_map(|life| self.meter.of(&self.life(life)))),
            tools: ledger.tools,
            at: clock::now(),
            artefacts: self.artefacts.clone(),
            validity: self.validity,
            image: self.yard.image(&self.case.id).cloned(),
            environment: ledger.environment.map(|environment| environment.id()),
            faults: self.faults.take(),
        }
    }

    /// Does a step again while it fails by nobody's fault and there is patience.
    fn patiently<T>(&self, machine: &Machine<'_>, step: impl FnMut() -> Result<T, Unrun>) -> Result<T, Unrun> {
        let told = |why: String, pause| {
            self.faults.borrow_mut().push(why.clone());
            let (case, contestant) = (self.case.id.clone(), self.contestant.name().to_owned());
            (self.tell)(Progress::Again { case, contestant, why, pause });
        };
        self.patience.with(machine, told, step)
    }

    /// The name under which it is taken down what a session uses.
    fn life(&self, life: u32) -> String {
        if life == 0 { self.artefacts.clone() } else { format!("{}~{life}", self.artefacts) }
    }

    /// The attempt, and once more from its beginning where the agent could not work.
    fn lives(&self, machine: &Machine<'_>, solver: Solver<'_>, ledger: &mut Ledger) -> Result<Outcome, Unrun> {
        let mut begun = false;
        self.patiently(machine, || {
            if begun {
                if let Some(session) = ledger.session.take() {
                    (solver.leave)(&session);
                }
                clear(self.work)?;
                *ledger = Ledger { lives: ledger.lives + 1, ..Ledger::default() };
            }
            begun = true;
            if !self.meter.is_left() {
                return Ok(Outcome::Budget);
            }
            self.attempt(machine, solver, ledger)
        })
    }

    fn attempt(&self, machine: &Machine<'_>, solver: Solver<'_>, ledger: &mut Ledger) -> Result<Outcome, Unrun> {
        match self.contestant {
            Contestant::Null => {}
            Contestant::Gold => {
                ledger.patch = self.patiently(machine, || self.gold(machine, ledger))?;
            }
            Contestant::Agent(_) => {
                let checkout = self.patiently(machine, || self.checkout(machine, ledger))?;
                return self.tries(machine, &checkout, solver, ledger);
            }
        }
        self.judge(machine, ledger, 1)
    }

    /// The checkout to work in.
    fn checkout(&self, machine: &Machine<'_>, ledger: &mut Ledger) -> Result<Checkout, Unrun> {
        let begin = clock::instant();
        // Of a repository that lay where another one was, divisi knows the other one's sessions.
        let root = self.work.join(format!("agent{}", ledger.lives));
        clear(&root)?;
        let checkout = Checkout::make(machine, self.case, &root);
        ledger.prepare_ms += since(begin);
        let checkout = checkout?;
        ledger.environment.clone_from(&checkout.environment);
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
                    meter_key: self.life(ledger.lives),
                };
                let turn = (solver.solve)(&task);
                ledger.agent_ms += since(begin);
                match turn {
                    Ok(done) => {
                        files = done.files;
                        ledger.session = Some(done.session);
                        self.meter.note(&self.life(ledger.lives), &done.usage);
                        ledger.tools = done.tools;
                    }
                    Err(Unsolved::Agent(why)) => return Ok(Outcome::AgentFailed(why)),
                    Err(Unsolved::Infrastructure(why)) => return Err(Unrun::Failed(why)),
                    Err(Unsolved::Never(why)) => return Err(Unrun::Never(why)),
                    Err(Unsolved::Cancelled) => return Err(Unrun::Stopped),
                    Err(Unsolved::Budget) => return Ok(Outcome::Budget),
                }
            }
            ledger.patch = self.patiently(machine, || checkout.patch(machine, &files, &self.case.carry))?;
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
            None => Err(Unrun::Never("the case has no reference".to_owned())),
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
                        Err(Unrun::Failed(format!("the reference's command failed: {}", words::telling(&said))))
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
        self.patiently(machine, || {
            clear(&root)?;
            let begin = clock::instant();
            let grounds = (&self.case.grading, self.yard.image(&self.case.id));
            let judged = if let (Grading::Swebench(instance), Some(image)) = grounds {
                container::judge(machine, self.yard, (self.case, instance, image), &ledger.patch, &root)
            } else {
                let valid = self.validity == Some(Validity::Valid);
                judge_here(machine, self.case, (&ledger.patch, valid), &root)
            };
            let judged = judged.inspect_err(|_| ledger.prepare_ms += since(begin))?;
            let Judged { outcome, said, prepare_ms, test_ms, environment } = judged;
            ledger.said = said;
            ledger.iterations = iteration;
            ledger.prepare_ms += prepare_ms;
            ledger.test_ms += test_ms;
            ledger.environment = environment.or(ledger.environment.take());
            match outcome {
                Outcome::Infrastructure(why) if judge::lasts(&why) => Err(Unrun::Never(why)),
                // The tests' own log says that the machine failed.
                Outcome::Infrastructure(why) => Err(Unrun::Failed(why)),
                outcome => Ok(outcome),
            }
        })
    }

    /// What failed here, with where everything is that its preparation said: below the run's directory, which may be moved.
    fn with_log(&self, why: String) -> String {
        match keep_log(self.work, &self.run.join(&self.artefacts)) {
            Ok(true) => format!("{why} (all of it: {}/{})", self.artefacts, words::LOG),
            Ok(false) => why,
            Err(error) => {
                tracing::warn!(case = self.case.id, %error, "what a preparation said is not kept");
                why
            }
        }
    }

    /// Keeps the patch and what the tests said.
    fn store(&self, ledger: &Ledger) -> Result<(), String> {
        let directory = self.run.join(&self.artefacts);
        fs::create_dir_all(&directory)
            .and_then(|()| fs::write(directory.join("patch.diff"), &ledger.patch))
            .and_then(|()| fs::write(directory.join("test_output.txt"), &ledger.said))
            .and_then(|()| ledger.environment.as_ref().map_or(Ok(()), |record| environments::record(self.run, record)))
            .map_err(|error| format!("failed to write in {}: {error}", self.run.display()))
    }
}

/// Removes what an earlier try has left.
fn clear(path: &Path) -> Result<(), Unrun> {
    remove_directory(path).map_err(|error| Unrun::Failed(format!("failed to remove {}: {error}", path.display())))
}

/// What several sessions have used together; of nobody's sessions nothing.
fn together(all: impl Iterator<Item = Usage>) -> Option<Usage> {
    all.reduce(|sum, other| {
        let mut tokens = sum.tokens();
        for (sum, part) in tokens.iter_mut().zip(other.tokens()) {
            *sum = sum.saturating_add(part);
        }
        let [input, cache_read, cache_write, output, reasoning] = tokens;
        let told = [&sum, &other].map(|usage| usage.cost_micros);
        let partial = sum.cost_partial || other.cost_partial || (told[0].is_some() != told[1].is_some());
        Usage {
            input,
            cache_read,
            cache_write,
            output,
            reasoning,
            cost_micros: told.into_iter().flatten().reduce(i64::saturating_add),
            cost_partial: partial,
            // By model only the last one's are known.
            models: BTreeMap::new(),
            ..other
        }
    })
}

/// What is said to an agent whose try failed.
pub(super) fn again(said: &[u8]) -> String {
    let tail = &said[said.len().saturating_sub(SAID_AGAIN)..];
    format!(
        "The tests fail. This is what they said last:\n\n{}\n\nRepair what you made.",
        visible(&String::from_utf8_lossy(tail))
    )
}
