//! Judging in a container of the instance's image, as the harness does: the image has the tree and what its tests need. Nothing but the
//! patch and the instance's script goes in, nothing but what the script says comes out, and nothing of it stays.

mod engine;
mod yard;

use std::fs;
use std::path::Path;
use std::time::Duration;

pub(super) use yard::{Fixed, Yard};

use super::command::Ran;
use super::judge::{Judged, apply_as_harness, bounded, grade, timed_out};
use super::machine::{Machine, Unrun, since};
use crate::base::clock;
use crate::base::text::visible_line;
use crate::eval::case::Case;
use crate::eval::swebench::{self, Compat, Instance};
use crate::model::attempt::Outcome;
use crate::model::container::Image;
use crate::model::suite::Limits;
use engine::{Engine, SHORT};

/// Where the harness puts things.
const TREE: &str = "/testbed";
const PATCH: &str = "/tmp/patch.diff";
const SCRIPT: &str = "/eval.sh";
/// Beside the tests' own time a container lives so long, then it ends and removes itself, whatever became of divisi.
const SPARE: Duration = Duration::from_secs(3600);
/// Why a container has ended that the kernel ended for what was used in it.
const OUT_OF_MEMORY: &str = "the container used more memory than it may";
/// Both outputs in one, in the order in which they were said; the rest are the words of a command.
const TOGETHER: [&str; 4] = ["/bin/sh", "-c", "exec \"$@\" 2>&1", "judged"];

/// What a container may use.
#[derive(Debug, Clone, Copy)]
struct Allowed {
    limits: Limits,
    network: bool,
    life: Duration,
}

/// A running container; removed when it is dropped, whatever happens.
struct Container<'e, 'a> {
    engine: &'e Engine<'a>,
    name: String,
}

impl Drop for Container<'_, '_> {
    fn drop(&mut self) {
        if !self.engine.remove(&self.name) {
            tracing::warn!(name = self.name, "a container stays until it ends by itself, or the next run removes it");
        }
    }
}

impl<'e, 'a> Container<'e, 'a> {
    fn start(engine: &'e Engine<'a>, image: &Image, allowed: &Allowed) -> Result<Self, Unrun> {
        let (name, label) = engine.name()?;
        let container = Self { engine, name };
        let arguments = create(&container.name, &label, image, allowed, engine.is_podman.then(system_limits));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        engine.ask(&arguments, SHORT)?;
        engine.ask(&["start", &container.name], SHORT)?;
        Ok(container)
    }

    fn copy(&self, from: &Path, to: &str) -> Result<(), Unrun> {
        let from = from.to_str().ok_or_else(|| Unrun::Failed(format!("{} is not valid UTF-8", from.display())))?;
        self.engine.ask(&["cp", from, &format!("{}:{to}", self.name)], SHORT).map(|_| ())
    }

    /// A command in the tree that only moves files about: whether it succeeded, and what it said.
    fn words(&self, words: &[&str]) -> Result<(bool, String), Unrun> {
        let arguments = [&["exec", "--workdir", TREE, self.name.as_str()], &TOGETHER[..], words].concat();
        let finished = self.engine.call(&arguments, SHORT)?;
        Ok((finished.code == Some(0), String::from_utf8_lossy(&finished.stdout).into_owned()))
    }

    /// How many processes in it the kernel ended because all together had too much memory; 0 where that is not known.
    fn ended_for_memory(&self) -> u64 {
        let files = ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"];
        let arguments = [&["exec", &self.name, "cat"], &files[..]].concat();
        let said = self.engine.call(&arguments, SHORT).map(|finished| finished.stdout).unwrap_or_default();
        oom_kills(&String::from_utf8_lossy(&said))
    }

    /// Why it does not run any more; nothing while it does.
    fn has_ended(&self) -> Result<Option<&'static str>, Unrun> {
        let format = "{{.State.Running}} {{.State.OOMKilled}}";
        let finished = self.engine.call(&["container", "inspect", "--format", format, &self.name], SHORT)?;
        let said = String::from_utf8_lossy(&finished.stdout).trim().to_owned();
        Ok(match (finished.code, said.split_once(' ')) {
            (Some(0), Some(("true", _))) => None,
            (Some(0), Some((_, "true"))) => Some(OUT_OF_MEMORY),
            _ => Some("the container ended before its tests did"),
        })
    }
}

/// The sum of what the two kinds of control groups count.
fn oom_kills(said: &str) -> u64 {
    let count = |line: &str| line.strip_prefix("oom_kill ")?.trim().parse::<u64>().ok();
    said.lines().filter_map(count).sum()
}

/// The most that this process may have of open files and processes: podman asks for more than a limited machine gives.
fn system_limits() -> Vec<(&'static str, u64)> {
    use rustix::process::{Resource, getrlimit};
    let most = |resource, usual| getrlimit(resource).maximum.filter(|most| *most < usual);
    // podman lowers its own processes to the number of ids that there are.
    let ids = fs::read_to_string("/proc/sys/kernel/pid_max").ok().and_then(|ids| ids.trim().parse().ok());
    let processes = most(Resource::Nproc, 1 << 22).map(|most| ids.map_or(most, |ids: u64| most.min(ids)));
    [("nofile", most(Resource::Nofile, 1 << 20)), ("nproc", processes)]
        .into_iter()
        .filter_map(|(name, most)| Some((name, most?)))
        .collect()
}

/// The words that create a container whose first process only waits.
fn create(
    name: &str,
    label: &str,
    image: &Image,
    allowed: &Allowed,
    podman: Option<Vec<(&'static str, u64)>>,
) -> Vec<String> {
    let Allowed { limits, network, life } = allowed;
    let mut words: Vec<String> = ["create", "--rm", "--name", name, "--label", label, "--user", "0"]
        .iter()
        .map(|word| (*word).to_owned())
        .collect();
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    option("--entrypoint", "/bin/sh".to_owned());
    option("--security-opt", "no-new-privileges".to_owned());
    option("--pids-limit", limits.processes.to_string());
    if limits.memory_mb > 0 {
        for name in ["--memory", "--memory-swap"] {
            option(name, format!("{}m", limits.memory_mb));
        }
    }
    if !network {
        option("--network", "none".to_owned());
    }
    let bytes = limits.file_mb.saturating_mul(1 << 20);
    for (name, value) in [("fsize", bytes), ("cpu", limits.cpu_sec)].into_iter().filter(|(_, value)| *value > 0) {
        option("--ulimit", format!("{name}={value}:{value}"));
    }
    if let Some(most) = podman {
        // Proxies of this machine, and passwords in their addresses, are nobody's business in there.
        words.push("--http-proxy=false".to_owned());
        for (name, most) in most {
            words.extend(["--ulimit".to_owned(), format!("{name}={most}:{most}")]);
        }
    }
    // A shell that waits also takes the dead off the list of processes.
    words.extend([image.id.clone(), "-c".to_owned(), format!("sleep {} & wait", life.as_secs())]);
    words
}

/// Judges a patch in a container; an empty one too. What goes in is written below `root`, which must not exist.
pub(super) fn judge(
    machine: &Machine<'_>,
    yard: &Yard<'_>,
    (case, instance, image): (&Case, &Instance, &Image),
    patch: &[u8],
    root: &Path,
) -> Result<Judged, Unrun> {
    let begin = clock::instant();
    let engine = yard.engine().ok_or_else(|| Unrun::Failed("there is no engine of containers".to_owned()))?;
    let script = swebench::eval_script(instance, Compat::V5)
        .ok_or_else(|| Unrun::Failed(format!("{} has no eval_script", instance.instance_id)))?;
    let (patch_file, script_file) = (root.join("patch.diff"), root.join("eval.sh"));
    fs::create_dir_all(root)
        .and_then(|()| fs::write(&patch_file, patch))
        .and_then(|()| fs::write(&script_file, script))
        .map_err(|error| Unrun::Failed(format!("failed to write in {}: {error}", root.display())))?;
    let limits = machine.commands.limits_of(case);
    let life = case.limits.test.saturating_add(SPARE);
    let container = Container::start(engine, image, &Allowed { limits, network: yard.network(), life })?;
    container.copy(&script_file, SCRIPT)?;
    let outcome = |outcome, said, prepare_ms, test_ms| Judged { outcome, said, prepare_ms, test_ms, environment: None };
    if !patch.is_empty() {
        container.copy(&patch_file, PATCH)?;
        let applied = apply_as_harness(&|words, with_patch| {
            let words: Vec<&str> = words.iter().copied().chain(with_patch.then_some(PATCH)).collect();
            container.words(&words)
        })?;
        if let Err(why) = applied {
            let said = why.clone().into_bytes();
            return Ok(outcome(Outcome::ApplyFailed(why), said, since(begin), 0));
        }
    }
    let prepare_ms = since(begin);
    let begin = clock::instant();
    let words = [&["exec", "--workdir", TREE, container.name.as_str()], &TOGETHER[..], &["/bin/bash", SCRIPT]].concat();
    // What the engine itself has to say belongs to it.
    let words = TOGETHER.iter().map(|word| (*word).to_owned()).chain(engine.words(&words)?).collect();
    let ran = machine.commands.client(words, engine.environment(), (case, root))?;
    let test_ms = since(begin);
    Ok(match ran {
        Ran::TimedOut { said } => outcome(Outcome::TimedOut, timed_out(said, case), prepare_ms, test_ms),
        Ran::Ended { code, mut said, mut over } => {
            if limits.memory_mb > 0 && container.ended_for_memory() > 0 {
                let why = format!("all together used more than {} MiB of memory", limits.memory_mb);
                said.extend_from_slice(format!("\ndivisi ended some of it: {why}\n").as_bytes());
                over = over.or(Some(why));
            }
            // What was ended from outside, for what it used, is nobody's fault but its own.
            let broken = match code {
                // It says every command before it does it, and nothing of the patch has run by then.
                Some(_) if !has_begun(&said) => Some("the engine did not run the tests"),
                None | Some(0) => None,
                Some(_) => container.has_ended()?,
            };
            match broken {
                Some(OUT_OF_MEMORY) => outcome(Outcome::OverLimit(OUT_OF_MEMORY.to_owned()), said, prepare_ms, test_ms),
                Some(why) => {
                    let tail = String::from_utf8_lossy(&said[said.len().saturating_sub(4096)..]).into_owned();
                    let end = tail.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
                    let why = format!("{why}: {}", visible_line(&end, 200));
                    outcome(Outcome::Infrastructure(why), said, prepare_ms, test_ms)
                }
                None => outcome(bounded(grade(instance, patch, &said), over), said, prepare_ms, test_ms),
            }
        }
    })
}

/// Whether the script said its first command.
fn has_begun(said: &[u8]) -> bool {
    String::from_utf8_lossy(said).lines().any(|line| line.starts_with("+ "))
}

#[cfg(test)]
mod tests;
