//! One call of git: put together, run, answered.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::base::clock;
use crate::model::Refusal;
use crate::model::id::Oid;
use crate::process::run::{Finished, Program, RunError, run};

use super::command::{DEADLINE, Git, LIMIT, Place};
use super::{lock, text};

/// One call of git, being put together.
#[derive(Debug)]
#[must_use]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent property of a call")]
pub(super) struct Call<'a> {
    git: &'a Git,
    place: &'a Place,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    input: Vec<u8>,
    deadline: Duration,
    limit: usize,
    overridden: bool,
    writes: bool,
    once: bool,
    fetches: bool,
    plain: bool,
}

impl<'a> Call<'a> {
    /// A call with the fixed overrides only.
    pub(super) fn bare(git: &'a Git, place: &'a Place) -> Self {
        Self {
            git,
            place,
            arguments: Vec::new(),
            environment: Vec::new(),
            input: Vec::new(),
            deadline: DEADLINE,
            limit: LIMIT,
            overridden: false,
            writes: false,
            once: false,
            fetches: false,
            plain: false,
        }
    }

    /// With what the repository's configuration names overridden too.
    pub(super) fn overridden(mut self) -> Self {
        self.overridden = true;
        self
    }

    /// Without any override.
    pub(super) fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// Adds an argument.
    pub(super) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub(super) fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, arguments: I) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// What git reads.
    pub(super) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Works on another index than the worktree's own.
    pub(super) fn index(self, index: &Path) -> Self {
        self.variable("GIT_INDEX_FILE", index)
    }

    /// Sets a variable for this call.
    pub(super) fn variable(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((key.into(), value.as_ref().to_owned()));
        self
    }

    /// May refresh and write the index in passing.
    pub(super) fn writes(mut self) -> Self {
        self.writes = true;
        self
    }

    /// Not repeated when a lock is in the way: the command may have done a part already.
    pub(super) fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// May fetch objects that a partial clone lacks.
    pub(super) fn fetches(mut self) -> Self {
        self.fetches = true;
        self
    }

    /// Another deadline.
    pub(super) fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Another bound of the output; what is longer is cut.
    pub(super) fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// What is run, for messages.
    pub(super) fn shown(&self) -> String {
        let verb = self.arguments.iter().find(|argument| !argument.as_encoded_bytes().starts_with(b"-"));
        format!(
            "git {} in {}",
            verb.map_or_else(String::new, |verb| verb.to_string_lossy().into_owned()),
            text::path(self.place.directory())
        )
    }

    /// Runs it; an exit code other than 0 is no error yet.
    ///
    /// # Errors
    /// When it cannot be run, runs too long, dies of a signal, or somebody holds a lock for too long.
    pub(super) fn run(self) -> Result<Finished, Refusal> {
        let environment = self.whole_environment()?;
        let end = clock::instant() + self.git.lock_wait;
        loop {
            let finished = {
                let _permit = self.git.queue.enter();
                self.git.processes.fetch_add(1, Ordering::Relaxed);
                run(&Program {
                    program: &self.git.program,
                    arguments: &self.arguments,
                    directory: self.place.directory(),
                    environment: &environment,
                    input: &self.input,
                    deadline: self.deadline,
                    limit: self.limit,
                })
            };
            let finished = finished.map_err(|error| self.unrun(&error))?;
            if finished.code == Some(0) || finished.truncated || self.once {
                return Ok(finished);
            }
            if let Some(signal) = finished.signal {
                return Err(Refusal::environment(format!("{} was ended by signal {signal}", self.shown())));
            }
            let Some(lock) = lock::lock_in_the_way(&finished.stderr) else { return Ok(finished) };
            let lock = if lock.is_absolute() { lock } else { self.place.directory().join(lock) };
            if !lock::wait_for(&lock, end) {
                return Err(lock::held(&lock, self.git.lock_wait));
            }
            if clock::instant() >= end {
                return Ok(finished);
            }
        }
    }

    /// Runs it; its output, when it exits with 0.
    pub(super) fn ok(self) -> Result<Vec<u8>, Refusal> {
        let shown = self.shown();
        let finished = self.run()?;
        if finished.code == Some(0) { Ok(finished.stdout) } else { Err(failed(&shown, &finished)) }
    }

    /// Runs it; its output as text without the last newline, when it exits with 0.
    pub(super) fn text(self) -> Result<String, Refusal> {
        let shown = self.shown();
        let output = self.ok()?;
        let text = String::from_utf8(output)
            .map_err(|_| Refusal::environment(format!("{shown} answered with bytes that are not UTF-8")))?;
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }

    /// Runs it; an object id, when it exits with 0.
    pub(super) fn oid(self) -> Result<Oid, Refusal> {
        Ok(Oid(self.text()?))
    }

    /// Runs it; an object id when it exits with 0, nothing when it exits with 1 (or 128 and nothing but "not there" to say).
    pub(super) fn maybe_oid(self) -> Result<Option<Oid>, Refusal> {
        let shown = self.shown();
        let finished = self.run()?;
        match finished.code {
            Some(0) => {
                let text = String::from_utf8_lossy(&finished.stdout).trim().to_owned();
                Ok(if text.is_empty() { None } else { Some(Oid(text)) })
            }
            Some(1) => Ok(None),
            _ => Err(failed(&shown, &finished)),
        }
    }

    /// Runs it; true for 0, false for 1.
    pub(super) fn holds(self) -> Result<bool, Refusal> {
        let shown = self.shown();
        let finished = self.run()?;
        match finished.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(failed(&shown, &finished)),
        }
    }

    fn unrun(&self, error: &RunError) -> Refusal {
        match error {
            RunError::TimedOut { after, .. } => Refusal::environment(format!(
                "{} did not end within {} s and was killed",
                self.shown(),
                after.as_secs()
            ))
            .hint("look whether the disk answers, then try again"),
            RunError::NotStarted { source, .. } if !self.place.directory().is_dir() => {
                Refusal::conflict(format!("{} cannot run: the directory is gone ({source})", self.shown()))
            }
            RunError::NotStarted { .. } | RunError::Stopped { .. } | RunError::Broken { .. } => {
                Refusal::environment(format!("{} cannot run: {error}", self.shown()))
            }
        }
    }

    fn whole_environment(&self) -> Result<Vec<(OsString, OsString)>, Refusal> {
        let mut environment = self.git.environment.clone();
        match self.place {
            Place::Anywhere(_) => {}
            Place::Common(common_dir) => environment.push(("GIT_DIR".into(), common_dir.into())),
            Place::Worktree { git_dir, common_dir, files } => {
                environment.push(("GIT_DIR".into(), git_dir.into()));
                environment.push(("GIT_WORK_TREE".into(), files.into()));
                if git_dir != common_dir {
                    environment.push(("GIT_COMMON_DIR".into(), common_dir.into()));
                }
            }
        }
        if !self.writes {
            environment.push(("GIT_OPTIONAL_LOCKS".into(), "0".into()));
        }
        if !self.fetches {
            environment.push(("GIT_NO_LAZY_FETCH".into(), "1".into()));
        }
        if self.plain {
            environment.extend(self.environment.iter().cloned());
            return Ok(environment);
        }
        let mut pairs = self.git.fixed.clone();
        if self.overridden {
            pairs.extend(self.git.overrides(self.place)?.pairs.iter().cloned());
        }
        environment.push(("GIT_CONFIG_COUNT".into(), pairs.len().to_string().into()));
        for (number, (key, value)) in pairs.into_iter().enumerate() {
            environment.push((format!("GIT_CONFIG_KEY_{number}").into(), OsString::from_vec(key)));
            environment.push((format!("GIT_CONFIG_VALUE_{number}").into(), OsString::from_vec(value)));
        }
        environment.extend(self.environment.iter().cloned());
        Ok(environment)
    }
}

/// A refusal from what a failed call said.
pub(super) fn failed(shown: &str, finished: &Finished) -> Refusal {
    let said = text::said(&finished.stderr);
    let how = finished.code.map_or_else(|| "was killed".to_owned(), |code| format!("failed with {code}"));
    if finished.truncated {
        return Refusal::environment(format!("{shown} printed more than can be kept"));
    }
    let refusal = Refusal::environment(format!("{shown} {how}: {said}"));
    if said.contains("No space left") {
        refusal.hint("free some disk space, then try again")
    } else if said.contains("lazy fetching disabled")
        || ["could not fetch", "promisor", "Could not read from remote"].iter().any(|words| said.contains(words))
    {
        refusal.hint("objects are missing in this partial clone: git fetch --refetch --no-filter")
    } else {
        refusal
    }
}
