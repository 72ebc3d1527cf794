//! What programs print, read as tests and findings.

use super::tree::Tree;
use crate::base::text::visible;
use crate::model::evaluation::{EvalFinding, OutputFormat, Severity};

mod json;
mod lines;
mod pytest;
mod xml;

pub(crate) use json::lint_findings;
pub(crate) use xml::cobertura;

/// What a program said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were left out.
    pub skipped: u64,
    /// What was found, at most [`EvalFinding::MOST`]; [`Report::more`] counts the rest.
    pub findings: Vec<EvalFinding>,
    /// Findings that are not kept.
    pub more: u64,
    /// All findings are kept as they were told, up to [`Report::ALL`]: they are sorted out later.
    pub(crate) whole: bool,
    /// It is one of tests: without a single one it says nothing.
    pub(crate) of_tests: bool,
    /// Errors among all findings.
    pub errors: u64,
    /// The score that the program gave itself.
    pub score: Option<u8>,
    /// Its own verdict.
    pub verdict: Option<bool>,
    /// What it says in a few words.
    pub details: String,
}

impl Report {
    /// Findings that are read at most, where all of them are wanted.
    pub(crate) const ALL: usize = 100_000;

    /// Adds a finding, cut to what is kept.
    pub(crate) fn find(&mut self, finding: EvalFinding) {
        self.errors += u64::from(finding.severity == Severity::Error);
        if self.findings.len() >= if self.whole { Self::ALL } else { EvalFinding::MOST } {
            self.more += 1;
            return;
        }
        if self.whole {
            // Names are compared with those of the commit, which may be as strange.
            return self.findings.push(finding);
        }
        let message = cut(visible(finding.message.trim()).as_str(), EvalFinding::WIDTH);
        let file = finding.file.map(|file| cut(&visible(&file), 400)).filter(|file| !file.is_empty());
        self.findings.push(EvalFinding { file, message, ..finding });
    }

    /// A test that failed, perhaps with its place.
    pub(crate) fn fail(&mut self, name: &str, said: &str, file: Option<String>, line: u32) {
        self.failed += 1;
        let name = name.trim();
        let said = said.trim();
        let message = match (name.is_empty(), said.is_empty()) {
            (false, false) => format!("{name}: {said}"),
            (false, true) => name.to_owned(),
            _ => said.to_owned(),
        };
        self.find(EvalFinding { file, line, column: 0, message, severity: Severity::Error });
    }

    /// Names files as the commit does. What it does not have stays in the message only: nobody is sent there.
    pub(crate) fn place(&mut self, tree: &Tree<'_>) {
        for finding in &mut self.findings {
            let Some(named) = finding.file.take() else { continue };
            finding.file = tree.place(&named);
            if finding.file.is_none() {
                let place = if finding.line > 0 { format!("{named}:{}", finding.line) } else { named };
                finding.message = cut(&format!("{}: {}", visible(&place), finding.message), EvalFinding::WIDTH);
                (finding.line, finding.column) = (0, 0);
            }
        }
    }

    /// Tests that ran, in a few words.
    pub fn counts(&self) -> String {
        let text = format!("{} passed, {} failed", self.passed, self.failed);
        if self.skipped > 0 { format!("{text}, {} skipped", self.skipped) } else { text }
    }
}

/// At most so many characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Reads what a program printed (or wrote to a file).
///
/// # Errors
/// When it is not of that format, or tells of nothing.
pub fn parse(format: OutputFormat, text: &str) -> Result<Report, String> {
    match format {
        OutputFormat::Json => json::own(text),
        OutputFormat::Sarif => json::sarif(text),
        OutputFormat::Vitest => json::vitest(text),
        OutputFormat::Junit => xml::junit(text),
        OutputFormat::Cargo => lines::cargo(text),
        OutputFormat::Go => lines::go(text),
        OutputFormat::Pytest => pytest::pytest(text),
        OutputFormat::Tap => lines::tap(text),
    }
}

#[cfg(test)]
mod tests;
