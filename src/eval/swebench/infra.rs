//! Signs in logs that the environment broke, which the harness reports beside the verdict.

use memchr::memmem;

use super::scan::after_digits;

/// How sure a sign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// No patch can be the cause.
    Environment,
    /// The environment or the patch.
    Ambiguous,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classification {
    /// The harness' word for it.
    pub reason: &'static str,
    /// How sure it is.
    pub tier: Tier,
}

const SIGNS: [(&str, Tier, &[&str]); 8] = [
    ("browser_launch_failed", Tier::Environment, &["Failed to launch", "Failed to connect to the bus"]),
    (
        "display_unavailable",
        Tier::Environment,
        &["cannot open display", "Missing X server", "unable to open X display"],
    ),
    ("out_of_memory", Tier::Environment, &["Cannot allocate memory", "OutOfMemoryError"]),
    (
        "container_unavailable",
        Tier::Environment,
        &["Error response from daemon", "Cannot connect to the Docker daemon"],
    ),
    ("network_unreachable", Tier::Environment, &["Could not resolve host", "Temporary failure in name resolution"]),
    ("missing_module", Tier::Ambiguous, &["Cannot find module", "MODULE_NOT_FOUND", "ModuleNotFoundError"]),
    ("no_tests_collected", Tier::Ambiguous, &["no tests ran", "collected 0 items"]),
    (TIMED_OUT, Tier::Ambiguous, &[]),
];

/// The reason for tests that ran too long.
pub(super) const TIMED_OUT: &str = "tests_timed_out";

/// The first sign, in the harness' order, in the text of all logs of an instance together (one newline between them).
pub fn classify(text: &str) -> Option<Classification> {
    let bytes = text.as_bytes();
    SIGNS.into_iter().find_map(|(reason, tier, signs)| {
        let found = signs.iter().any(|sign| memmem::find(bytes, sign.as_bytes()).is_some())
            || match reason {
                "out_of_memory" => was_killed(text),
                TIMED_OUT => timed_out(text),
                _ => false,
            };
        found.then_some(Classification { reason, tier })
    })
}

/// A line that is `Killed`.
fn was_killed(text: &str) -> bool {
    memmem::find_iter(text.as_bytes(), "Killed").any(|at| {
        let before = at.checked_sub(1).map(|before| text.as_bytes()[before]);
        let after = text.as_bytes().get(at + "Killed".len());
        matches!(before, None | Some(b'\n')) && matches!(after, None | Some(b'\n'))
    })
}

/// What the harness appends to the log of a run that took too long.
pub(super) fn timed_out(text: &str) -> bool {
    const BEGIN: &str = "Timeout error: ";
    memmem::find_iter(text.as_bytes(), BEGIN)
        .any(|at| after_digits(&text[at + BEGIN.len()..]).is_some_and(|rest| rest.starts_with(" seconds exceeded")))
}
