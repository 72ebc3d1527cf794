//! What linters found, counted on the lines that the session changed.

use super::changed::Changed;
use super::output::{Report, lint_findings};
use super::tree::Tree;
use crate::model::evaluation::{Linter, Severity};

/// Points that an error costs.
const ERROR: u64 = 5;
/// Points that a warning costs.
const WARNING: u64 = 1;

/// Reads what a linter printed and keeps what is on changed lines. `tree` is the checkout.
///
/// # Errors
/// When it is not what the linter prints.
pub fn judge(linter: Linter, said: &str, tree: &Tree<'_>, changed: &Changed) -> Result<(u8, Report), String> {
    let mut all = lint_findings(linter, said)?;
    all.place(tree);
    let mut report = Report::default();
    let (mut errors, mut warnings) = (0_u64, 0_u64);
    if all.more > 0 {
        // Which lines they are on is not known: they count, so that a flood hides nothing.
        warnings += all.more;
    }
    for finding in all.findings {
        let Some(file) = &finding.file else { continue };
        if !changed.has(file, finding.line) {
            continue;
        }
        match finding.severity {
            Severity::Error => errors += 1,
            Severity::Warning => warnings += 1,
            Severity::Note => {}
        }
        report.find(finding);
    }
    let lost = errors.saturating_mul(ERROR).saturating_add(warnings.saturating_mul(WARNING));
    report.details = format!("{}: {errors} errors, {warnings} warnings on changed lines", linter.as_str());
    report.errors = errors;
    Ok((u8::try_from(100_u64.saturating_sub(lost)).unwrap_or(0), report))
}

#[cfg(test)]
mod tests;
