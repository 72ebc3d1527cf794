//! Comparisons for people.

use std::collections::BTreeMap;

use crate::cli::render::table::Table;
use crate::cli::render::{Line, Screen, Style, line, words};
use crate::model::comparison::{Candidate, ComparedFile, Comparison};
use crate::model::diff::{FileDiff, FileStatus, Hunk};

/// The sessions, then their files, perhaps with every hunk.
pub(crate) fn comparison(screen: &Screen, comparison: &Comparison, hunks: bool) {
    let mut table = Table::new(&["NAME", "STATE", "CHANGES", "TURNS", "TIME", "AGENT", "USED", "JUDGED"]);
    for candidate in &comparison.candidates {
        table.row(row(candidate));
    }
    table.write(screen);
    let mut contests: Vec<&String> = comparison.candidates.iter().filter_map(|one| one.contest.as_ref()).collect();
    contests.dedup();
    for contest in contests {
        line(screen, &Line::new().add(Style::Dim, &crate::base::text::visible_line(contest, 2_000)));
    }
    if comparison.files.is_empty() {
        line(screen, &Line::new().add(Style::Dim, "none of them changed anything"));
        return;
    }
    line(screen, &Line::new());
    files(screen, comparison);
    if hunks {
        for file in &comparison.files {
            line(screen, &Line::new());
            of_file(screen, comparison, file);
        }
    }
}

fn row(candidate: &Candidate) -> Vec<(Style, String)> {
    let agent = match &candidate.model {
        Some(model) => format!("{} {model}", candidate.agent),
        None => candidate.agent.clone(),
    };
    let state = candidate.reason.as_ref().map_or_else(
        || candidate.state.as_str().to_owned(),
        |reason| format!("{}: {reason}", candidate.state.as_str()),
    );
    vec![
        (Style::Bold, candidate.name.clone()),
        (words::state_style(candidate.state), state),
        (Style::Plain, words::stat(candidate.stat)),
        (Style::Plain, candidate.turns.to_string()),
        (Style::Plain, words::age(0, candidate.duration_ms)),
        (Style::Plain, agent),
        (Style::Plain, words::cost(&candidate.usage, 2)),
        candidate.evaluation.as_ref().map_or_else(|| (Style::Dim, String::new()), super::evaluation::line_of),
    ]
}

/// One line per file: what each did to it.
fn files(screen: &Screen, comparison: &Comparison) {
    let widest =
        comparison.candidates.iter().map(|candidate| candidate.name.chars().count()).max().unwrap_or(0).max(12);
    let mut head = Line::new();
    for candidate in &comparison.candidates {
        head = head.add(Style::Bold, &format!("{:<widest$}  ", candidate.name));
    }
    line(screen, &head.add(Style::Dim, "FILE"));
    for file in &comparison.files {
        let mut shown = Line::new();
        for side in &file.sides {
            let (style, text) = side.as_ref().map_or((Style::Dim, "·".to_owned()), counts);
            shown = shown.add(style, &format!("{text:<widest$}  "));
        }
        line(screen, &shown.add(Style::Plain, &file.path));
    }
}

fn counts(file: &FileDiff) -> (Style, String) {
    let letter = match file.status {
        FileStatus::Added => "A",
        FileStatus::Deleted => "D",
        FileStatus::Modified => "M",
        FileStatus::Renamed => "R",
        FileStatus::TypeChanged => "T",
    };
    if file.binary {
        return (Style::Attention, format!("{letter} binary"));
    }
    (Style::Plain, format!("{letter} +{} -{}", file.added, file.removed))
}

/// Every hunk of a file once, in the order of its place, with whose it is.
fn of_file(screen: &Screen, comparison: &Comparison, file: &ComparedFile) {
    line(screen, &Line::new().add(Style::Bold, &file.path));
    let mut hunks: BTreeMap<(u32, &str), (&Hunk, Vec<&str>)> = BTreeMap::new();
    for (candidate, side) in comparison.candidates.iter().zip(&file.sides) {
        for hunk in side.iter().flat_map(|side| &side.hunks) {
            let known = hunks.entry((hunk.old_start, hunk.id.as_str())).or_insert_with(|| (hunk, Vec::new()));
            known.1.push(&candidate.name);
        }
    }
    for (hunk, whose) in hunks.values() {
        let place = format!("@@ -{},{} @@", hunk.old_start, hunk.old_lines);
        let head = Line::new().add(Style::Accent, &place).add(Style::Dim, &format!(" hunk {} ", hunk.id));
        line(screen, &head.add(Style::Bold, &whose.join(", ")));
        for text in &hunk.lines {
            line(screen, &crate::cli::render::diff::hunk_line(text));
        }
    }
}
