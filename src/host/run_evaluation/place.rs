//! Sets the scene of an evaluation: the checkout, what changed, the environment of its programs.

use std::collections::{BTreeMap, BTreeSet};

use super::Scene;
use crate::base::text::visible_line;
use crate::eval::changed::{Changed, named};
use crate::eval::measure::Material;
use crate::eval::protected;
use crate::host::effect::EvaluationTask;
use crate::host::environment::NETWORK;
use crate::host::port::Ground;
use crate::host::run_effect::Ports;
use crate::model::Refusal;
use crate::model::diff::{Diff, DiffRange, FileStatus};
use crate::model::evaluation::EvaluatorKind;

/// A file that is compared with others, bytes.
const TEXT: u64 = 1024 * 1024;
/// A file that is looked into for credentials and the like, bytes.
const WHOLE: u64 = 16 * 1024 * 1024;
/// All of them together.
const TEXTS: usize = 64 * 1024 * 1024;
/// How many.
const FILES: usize = 10_000;

/// Variables that programs of an evaluation get from the daemon, beside [`NETWORK`]: where tools are; no credentials.
const PASSED: &[&str] = &[
    "PATH",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOROOT",
    "JAVA_HOME",
    "NVM_DIR",
    "PYENV_ROOT",
    "VOLTA_HOME",
];

/// Whether a path, or a directory or link that it leads through, is one of the commit's files.
pub(super) fn is_committed(files: &BTreeSet<String>, path: &str) -> bool {
    let path = path.strip_prefix("./").unwrap_or(path);
    path.match_indices('/').map(|(end, _)| &path[..end]).chain([path]).any(|part| files.contains(part))
}

/// Makes everything that evaluators need.
pub(super) fn set(ports: &Ports, task: &EvaluationTask) -> Result<Scene, Refusal> {
    let ground = ports.grounds.make(&task.id)?;
    let worktree = &task.worktree;
    let range = DiffRange::Checkpoints { from: task.base.0.clone(), to: Some(task.commit.0.clone()) };
    let diff = ports.git.diff(worktree, &range, None, false)?;
    let mut changed = Changed::of(&diff);
    let restore = protected::restored(&task.suite, &changed);
    let apart = ports.git.check_out_apart(worktree, &task.commit, &task.base, &restore, &ground.checkout)?;
    let mut notes = apart.notes;
    let files: BTreeSet<String> = apart.files.into_iter().collect();
    look_into(ports, &ground, &diff, &mut changed, &mut notes);
    let (note, protected) = protected::said(&task.suite, &changed, &apart.restored);
    notes.extend(note);
    let wants = |wanted: fn(&EvaluatorKind) -> bool| task.suite.evaluators.iter().any(|one| wanted(&one.kind));
    let texts = if wants(|kind| matches!(kind, EvaluatorKind::Duplication { .. } | EvaluatorKind::Complexity { .. })) {
        texts(ports, &ground, &files, &changed)
    } else {
        BTreeMap::new()
    };
    let mut conflicts = None;
    if task.is_merged {
        // It was merged without any.
        conflicts = Some(Vec::new());
    } else if wants(|kind| matches!(kind, EvaluatorKind::Conflicts {})) {
        match ports.git.preflight(worktree, None, &[]) {
            Ok(found) if found.head == task.commit => {
                conflicts = Some(found.conflicts.into_iter().flat_map(|conflict| conflict.paths).collect());
            }
            Ok(_) => notes.push("conflicts with the base are not known: the session moved on".to_owned()),
            Err(refusal) => notes.push(format!("conflicts with the base are not known: {refusal}")),
        }
    }
    let environment = environment(ports, &ground, task);
    Ok(Scene {
        ground,
        restore,
        files,
        material: Material { changed, texts, conflicts },
        environment,
        apart: Ok(Vec::new()),
        notes,
        protected: protected.map(Box::new),
    })
}

/// Reads what git was told, or is used, to compare as one piece: `.gitattributes` come with the commit, and are not who judges.
fn look_into(ports: &Ports, ground: &Ground, diff: &Diff, changed: &mut Changed, notes: &mut Vec<String>) {
    let whole = diff.files.iter().filter(|file| file.binary && file.status != FileStatus::Deleted);
    for path in whole.take(FILES).map(|file| named(&file.path)) {
        match ports.grounds.read(ground, &path, WHOLE) {
            Ok(text) if text.contains('\0') => {}
            Ok(text) => {
                changed.add_whole(&path, &text);
                notes.push(format!("git shows no lines of {}: all of them count as changed", visible_line(&path, 200)));
            }
            Err(why) => notes.push(format!("nobody looked into {}: {why}", visible_line(&path, 200))),
        }
    }
}

/// The texts of the commit's files of the kinds that were changed.
fn texts(ports: &Ports, ground: &Ground, files: &BTreeSet<String>, changed: &Changed) -> BTreeMap<String, String> {
    let end = |path: &str| path.rsplit_once('.').map(|(_, end)| end.to_owned());
    let ends: BTreeSet<String> = changed.files.keys().filter_map(|path| end(path)).collect();
    let mut room = TEXTS;
    let mut texts = BTreeMap::new();
    // What was changed comes first, should there not be room for all.
    let alike = files.iter().filter(|path| !changed.files.contains_key(*path));
    for path in changed.files.keys().chain(alike).filter(|path| end(path).is_some_and(|end| ends.contains(&end))) {
        if texts.len() >= FILES {
            break;
        }
        let Ok(text) = ports.grounds.read(ground, path, TEXT) else { continue };
        let Some(left) = room.checked_sub(text.len()) else { break };
        room = left;
        if !text.contains('\0') {
            texts.insert(path.clone(), text);
        }
    }
    texts
}

/// The environment of its programs: explicit, minimal, with a home of its own.
fn environment(ports: &Ports, ground: &Ground, task: &EvaluationTask) -> BTreeMap<String, String> {
    let daemon = &task.environment;
    let mut environment: BTreeMap<String, String> = daemon
        .iter()
        .filter(|(name, _)| {
            PASSED.contains(&name.as_str()) || NETWORK.contains(&name.as_str()) || name.starts_with("LC_")
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let home = daemon.get("HOME").cloned().unwrap_or_default();
    let of_home = |variable: &str, below: &str| {
        let known = daemon.get(variable).cloned();
        known.or_else(|| (!home.is_empty()).then(|| format!("{home}/{below}")))
    };
    // Tools are where the user has them; what they keep is the evaluation's own.
    for (variable, below) in [("RUSTUP_HOME", ".rustup"), ("PYENV_ROOT", ".pyenv"), ("NVM_DIR", ".nvm")] {
        if let Some(path) = of_home(variable, below) {
            environment.insert(variable.to_owned(), path);
        }
    }
    if let Some(path) = of_home("CARGO_HOME", ".cargo") {
        ports.grounds.lend_cargo(ground, &path);
    }
    if let Some(path) =
        daemon.get("GOMODCACHE").cloned().or_else(|| of_home("GOPATH", "go").map(|path| format!("{path}/pkg/mod")))
    {
        environment.insert("GOMODCACHE".to_owned(), path);
    }
    let own = [
        ("HOME", ground.home.clone()),
        ("CARGO_HOME", format!("{}/.cargo", ground.home)),
        ("CARGO_TARGET_DIR", ground.target.clone()),
        ("CARGO_TERM_COLOR", "never".to_owned()),
        ("NO_COLOR", "1".to_owned()),
        ("CI", "true".to_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("DIVISI_EVALUATION", task.id.0.clone()),
        ("DIVISI_COMMIT", task.commit.0.clone()),
        ("DIVISI_BASE", task.base.0.clone()),
    ];
    environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
    environment
}
