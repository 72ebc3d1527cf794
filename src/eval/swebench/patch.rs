//! How a patch is applied: one command after another until one succeeds. The commands run elsewhere.

use super::Compat;

/// How a patch was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// By this command.
    By(&'static [&'static str]),
    /// Every command failed, but the tree has all of it.
    AlreadyThere,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Run these first, in the tree; how they end does not matter.
    Clean(&'static [&'static [&'static str]]),
    /// Run this in the tree with the patch file's path as the last argument, and tell how it ended.
    Try(&'static [&'static str]),
    /// It is applied.
    Applied(Applied),
    /// It cannot be applied.
    Failed,
}

const CLEAN: &[&[&str]] = &[&["git", "checkout", "--", "."], &["git", "clean", "-fd"]];
const APPLY: &[&str] = &["git", "apply", "--verbose"];
const THREE_WAY: &[&str] = &["git", "apply", "--verbose", "--3way"];
const REJECT: &[&str] = &["git", "apply", "--verbose", "--reject"];
const PATCH_V4: &[&str] = &["patch", "--batch", "--fuzz=5", "-p1", "-i"];
const PATCH: &[&str] = &["patch", "--batch", "--forward", "--fuzz=5", "-p1", "-i"];
const REVERSE: &[&str] = &["git", "apply", "--check", "--reverse"];

/// The chain of the harness: v5 begins each attempt with a clean tree and knows a patch that is there already; v4 does neither, and
/// its last command takes an applied patch *out* and succeeds.
#[derive(Debug, Clone)]
pub struct PatchChain {
    commands: &'static [&'static [&'static str]],
    cleans: bool,
    next: usize,
    cleaned: bool,
}

impl PatchChain {
    /// At its beginning.
    pub fn new(compat: Compat) -> Self {
        match compat {
            Compat::V4 => Self { commands: &[APPLY, REJECT, PATCH_V4], cleans: false, next: 0, cleaned: true },
            Compat::V5 => {
                Self { commands: &[APPLY, THREE_WAY, REJECT, PATCH, REVERSE], cleans: true, next: 0, cleaned: true }
            }
        }
    }

    /// What to do now.
    pub fn step(&mut self) -> Step {
        let Some(command) = self.commands.get(self.next) else { return Step::Failed };
        // The check looks at the tree as the last attempt left it.
        if self.cleans && !self.cleaned && *command != REVERSE {
            self.cleaned = true;
            return Step::Clean(CLEAN);
        }
        Step::Try(command)
    }

    /// How the last [`Step::Try`] ended. Gives the end when it is reached.
    pub fn ended(&mut self, success: bool) -> Option<Step> {
        let command = self.commands.get(self.next).copied()?;
        if success {
            let how = if command == REVERSE { Applied::AlreadyThere } else { Applied::By(command) };
            return Some(Step::Applied(how));
        }
        self.next += 1;
        self.cleaned = false;
        (self.next == self.commands.len()).then_some(Step::Failed)
    }
}

#[cfg(test)]
mod tests;
