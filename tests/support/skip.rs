//! Tests that need a program the machine may not have.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::PathBuf;

/// Which Neovim a test wants: `tests/run` fetches both and names them in the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NvimEnd {
    /// The newest release tested.
    New,
    /// The oldest release supported.
    Old,
}

impl NvimEnd {
    /// Both ends, for a test that runs at each.
    pub(crate) const BOTH: [Self; 2] = [Self::New, Self::Old];

    /// The variable with the absolute path of the program.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::New => "DIVISI_TEST_NVIM_NEW",
            Self::Old => "DIVISI_TEST_NVIM_OLD",
        }
    }
}

/// The Neovim of that end, or nothing and a counted reason under the name of `test`.
pub(crate) fn nvim(end: NvimEnd, test: &str) -> Option<PathBuf> {
    let path = std::env::var_os(end.variable()).filter(|path| !path.is_empty()).map(PathBuf::from);
    if path.is_none() {
        skip(test, &format!("{} is not set; run tests/run", end.variable()));
    }
    path
}

/// Helix, or nothing and a counted reason under the name of `test`.
pub(crate) fn helix(test: &str) -> Option<PathBuf> {
    let path = std::env::var_os("DIVISI_TEST_HELIX").filter(|path| !path.is_empty()).map(PathBuf::from);
    if path.is_none() {
        skip(test, "DIVISI_TEST_HELIX is not set; run tests/run");
    }
    path
}

/// Says that `test` did not run and why: on stderr, and in the list that `tests/run` counts and prints.
/// A test that calls this returns right after.
pub(crate) fn skip(test: &str, reason: &str) {
    record(std::env::var_os("DIVISI_TEST_SKIPS").as_deref(), test, reason);
}

/// Says that a test ran with this agent: `tests/run` counts them.
pub(crate) fn ran(agent: &str) {
    if let Some(list) = std::env::var_os("DIVISI_TEST_RAN") {
        append(&list, &format!("{agent}\n"));
    }
}

/// [`skip`] with the list given. One line in one write, since test processes append at the same time.
pub(super) fn record(list: Option<&OsStr>, test: &str, reason: &str) {
    let line = format!("{test}: {reason}\n");
    eprint!("SKIPPED {line}");
    if let Some(list) = list {
        append(list, &line);
    }
}

fn append(list: &OsStr, line: &str) {
    let mut list = std::fs::OpenOptions::new().append(true).create(true).open(list).expect("the list");
    list.write_all(line.as_bytes()).expect("append to the list");
}
