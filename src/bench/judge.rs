//! What the tests say of a patch: on a checkout that nobody has worked in, with nothing but the patch carried over.

use std::fs;
use std::path::Path;

use super::checkout::Checkout;
use super::command::{For, Ran, Scene};
use super::machine::{Machine, Unrun, since};
use super::words;
use crate::base::clock;
use crate::base::text::visible_line;
use crate::eval::case::{Case, Grading, is_inside};
use crate::eval::swebench::{self, Compat, Instance, PatchChain, ScriptPlace, Step};
use crate::model::attempt::Outcome;
use crate::model::bench_environment::EnvironmentRecord;

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
    /// The environment they ran in.
    pub(super) environment: Option<EnvironmentRecord>,
}

/// Judges a patch; an empty one too. Everything happens below `root`, which must not exist.
pub(super) fn judge(machine: &Machine<'_>, case: &Case, patch: &[u8], root: &Path) -> Result<Judged, Unrun> {
    let begin = clock::instant();
    let checkout = Checkout::make(machine, case, root)?;
    let scene = Scene { case, files: &checkout.files, own: root };
    let outcome = |outcome, said, prepare_ms, test_ms| Judged {
        outcome,
        said,
        prepare_ms,
        test_ms,
        environment: checkout.environment.clone(),
    };
    if !patch.is_empty() {
        let file = root.join("patch.diff");
        fs::write(&file, patch)
            .map_err(|error| Unrun::Failed(format!("failed to write {}: {error}", file.display())))?;
        let applied = match &case.grading {
            Grading::ExitCode => checkout.apply(machine, &file)?,
            Grading::Swebench(_) => apply_as_harness(&|words, with_patch| {
                machine.commands.words(words, with_patch.then_some(file.as_path()), scene)
            })?,
        };
        if let Err(why) = applied {
            let said = why.clone().into_bytes();
            return Ok(outcome(Outcome::ApplyFailed(why), said, since(begin), 0));
        }
    }
    checkout.restore(machine, &case.restore)?;
    checkout.write(&case.hidden)?;
    let prepare_ms = since(begin);
    let begin = clock::instant();
    let script = match &case.grading {
        Grading::ExitCode => case.test.clone(),
        Grading::Swebench(instance) => harness_script(instance, &checkout.files, root)?,
    };
    let ran = machine.commands.run(&script, For::Test, scene, case.limits.test)?;
    let test_ms = since(begin);
    Ok(match ran {
        Ran::TimedOut { said } => outcome(Outcome::TimedOut, timed_out(said, case), prepare_ms, test_ms),
        Ran::Ended { said, over, .. } if let Grading::Swebench(instance) = &case.grading => {
            outcome(bounded(grade(instance, patch, &said), over), said, prepare_ms, test_ms)
        }
        Ran::Ended { code, mut said, over } => {
            let missing = case.expected_files.iter().find(|path| {
                !is_inside(path) || !checkout.files.join(path).symlink_metadata().is_ok_and(|found| found.is_file())
            });
            if let Some(missing) = missing {
                said.extend_from_slice(format!("\n{missing} is expected and is not there\n").as_bytes());
            }
            let done = code == Some(0) && missing.is_none();
            let verdict = if done { Outcome::Resolved } else { Outcome::Unresolved };
            outcome(bounded(verdict, over), said, prepare_ms, test_ms)
        }
    })
}

/// A verdict of tests that may have used too much.
pub(super) fn bounded(outcome: Outcome, over: Option<String>) -> Outcome {
    match over {
        Some(why) if outcome != Outcome::Resolved => Outcome::OverLimit(why),
        _ => outcome,
    }
}

/// [`judge`], which tells a machine that cannot run the tests from a patch that fails them: where a program of tests is not here with
/// nothing done either, no patch can be the cause. Of cases that are known to be `valid` here nobody has to ask that.
pub(super) fn judge_here(
    machine: &Machine<'_>,
    case: &Case,
    (patch, valid): (&[u8], bool),
    root: &Path,
) -> Result<Judged, Unrun> {
    let judged = judge(machine, case, patch, root)?;
    let fits = match case.grading {
        Grading::ExitCode => judged.outcome == Outcome::Unresolved,
        Grading::Swebench(_) => matches!(judged.outcome, Outcome::NotGradable | Outcome::Ambiguous(_)),
    };
    let Some(line) = words::missing_runner(&judged.said).filter(|_| fits && !valid) else { return Ok(judged) };
    if !patch.is_empty() {
        let bare = judge(machine, case, &[], &root.join("bare"))?;
        if words::missing_runner(&bare.said).is_none() {
            return Ok(judged);
        }
    }
    Ok(Judged { outcome: Outcome::Infrastructure(format!("{MISSING}{line}")), ..judged })
}

/// How the reason begins that no second try changes.
const MISSING: &str = "what runs the tests is missing here: ";

/// Whether a machine that failed so will fail again.
pub(super) fn lasts(why: &str) -> bool {
    why.starts_with(MISSING)
}

/// What tests said that did not end in time, as the harness has it, so that what reads its logs reads this one.
pub(super) fn timed_out(mut said: Vec<u8>, case: &Case) -> Vec<u8> {
    let exceeded = format!("\n\nTimeout error: {} seconds exceeded.", case.limits.test.as_secs());
    said.extend_from_slice(exceeded.as_bytes());
    said
}

/// Runs a command in a tree, with the patch's path as its last word or without: whether it succeeded, and what it said.
pub(super) type InTree<'a> = &'a dyn Fn(&[&str], bool) -> Result<(bool, String), Unrun>;

/// The harness' way of putting a patch on a tree.
pub(super) fn apply_as_harness(run: InTree<'_>) -> Result<Result<(), String>, Unrun> {
    let mut chain = PatchChain::new(Compat::V5);
    let mut last = "no command could apply it".to_owned();
    let mut step = chain.step();
    loop {
        step = match step {
            Step::Clean(commands) => {
                for command in commands {
                    run(command, false)?;
                }
                chain.step()
            }
            Step::Try(command) => {
                let (success, said) = run(command, true)?;
                if !success && let Some(line) = said.lines().rfind(|line| !line.trim().is_empty()) {
                    last = visible_line(line, 300);
                }
                match chain.ended(success) {
                    Some(step) => step,
                    None => chain.step(),
                }
            }
            Step::Applied(_) => return Ok(Ok(())),
            Step::Failed => return Ok(Err(last)),
        };
    }
}

/// The instance's script for this tree, and the command that runs it.
fn harness_script(instance: &Instance, files: &Path, root: &Path) -> Result<String, Unrun> {
    let script = swebench::eval_script(instance, Compat::V5)
        .ok_or_else(|| Unrun::Never(format!("{} has no eval_script", instance.instance_id)))?;
    let tree = files.display().to_string();
    let script = swebench::rewrite_eval_script(&script, &ScriptPlace { tree: &tree, locale: "C.UTF-8" });
    let path = root.join("eval.sh");
    fs::write(&path, script).map_err(|error| Unrun::Failed(format!("failed to write {}: {error}", path.display())))?;
    Ok("exec bash \"$CASE_ROOT/eval.sh\"".to_owned())
}

/// The harness' verdict in divisi's words.
pub(super) fn grade(instance: &Instance, patch: &[u8], said: &[u8]) -> Outcome {
    let log = swebench::text(said);
    let patch = String::from_utf8_lossy(patch);
    // An empty patch is judged too, to know what nothing is worth.
    let patch = if patch.is_empty() { "nothing" } else { &patch };
    match swebench::grade(instance, Some(patch), &log, Compat::V5) {
        Err(fault) => Outcome::Infrastructure(fault.to_string()),
        Ok(graded) => match graded.outcome {
            swebench::Outcome::Resolved => Outcome::Resolved,
            swebench::Outcome::Partial => Outcome::Partial,
            swebench::Outcome::Unresolved => Outcome::Unresolved,
            swebench::Outcome::EmptyPatch => Outcome::EmptyPatch,
            swebench::Outcome::ApplyFailed => Outcome::ApplyFailed("said so in its log".to_owned()),
            swebench::Outcome::TimedOut => Outcome::TimedOut,
            swebench::Outcome::NotGradable | swebench::Outcome::Budget => Outcome::NotGradable,
            swebench::Outcome::Infrastructure { reason } => Outcome::Infrastructure(reason),
            swebench::Outcome::Ambiguous { reason } => Outcome::Ambiguous(reason),
            swebench::Outcome::Cancelled => Outcome::Cancelled,
        },
    }
}
