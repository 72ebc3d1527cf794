//! What Lua gets to see of timelines and comparisons: lines to show, each with what it stands for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::base::text::{visible, visible_line};
use crate::model::comparison::{Candidate, Comparison};
use crate::model::diff::{DiffStat, FileDiff, FileStatus, Hunk};
use crate::model::timeline::{StepKind, TimelineStep};
use crate::model::usage::{Usage, UsageSource};

/// Columns of a session's name at most.
const NAME: usize = 24;

/// The lines of a timeline, newest first.
pub fn timeline(steps: &[TimelineStep], now: i64) -> Value {
    let widest = steps.iter().map(|step| step.name.len()).max().unwrap_or(0).max(5);
    let rows: Vec<Value> = steps
        .iter()
        .rev()
        .map(|step| {
            let group = match (step.kind, step.state.as_deref()) {
                (StepKind::Turn, Some("failed")) => "DivisiFailed",
                (StepKind::Turn, Some("interrupted")) => "DivisiInterrupted",
                (StepKind::Turn, Some("running")) => "DivisiRunning",
                (StepKind::Turn, _) => "DivisiName",
                (StepKind::Start | StepKind::Checkpoint, _) => "DivisiQuiet",
            };
            let state = step.state.as_deref().filter(|state| *state != "done");
            let title = visible_line(&step.title, 200);
            let what = state.map_or_else(|| title.clone(), |state| format!("{state}: {title}"));
            json!({
                "name": step.name,
                "commit": step.commit,
                "kind": step.kind,
                "text": format!("{} {:<widest$}  {what}", if step.current { "●" } else { " " }, step.name),
                "group": group,
                "right": parts(&[stat(step.stat), cost(step.usage.as_ref()), lasted(step.duration_ms), ago(step.at, now)]),
            })
        })
        .collect();
    Value::Array(rows)
}

/// The lines of a comparison: sessions, then files, each with its hunks.
pub fn comparison(comparison: &Comparison) -> Value {
    let mut rows = Vec::new();
    for (number, candidate) in comparison.candidates.iter().enumerate() {
        rows.push(row("candidate", &of_candidate(number, candidate), "DivisiName", json!({ "candidate": number + 1 })));
    }
    for file in &comparison.files {
        rows.push(row("blank", "", "", json!({})));
        let path = visible_line(&file.path, 300);
        let sides: Vec<String> = file
            .sides
            .iter()
            .enumerate()
            .filter_map(|(number, side)| Some(format!("{}: {}", number + 1, counts(side.as_ref()?))))
            .collect();
        let owners: Vec<usize> =
            file.sides.iter().enumerate().filter_map(|(number, side)| side.as_ref().map(|_| number + 1)).collect();
        let text = format!("{path}   {}", sides.join("   "));
        rows.push(row("file", &text, "DivisiTurn", json!({ "path": file.path, "owners": owners })));
        let mut hunks: BTreeMap<(u32, &str), (&Hunk, Vec<usize>)> = BTreeMap::new();
        for (number, side) in file.sides.iter().enumerate() {
            for hunk in side.iter().flat_map(|side| &side.hunks) {
                hunks
                    .entry((hunk.old_start, hunk.id.as_str()))
                    .or_insert_with(|| (hunk, Vec::new()))
                    .1
                    .push(number + 1);
            }
        }
        for (hunk, owners) in hunks.values() {
            let whose: Vec<String> = owners.iter().map(|number| name(&comparison.candidates[number - 1])).collect();
            let text = format!(
                "@@ -{},{} @@ {}{}",
                hunk.old_start,
                hunk.old_lines,
                whose.join(", "),
                match hunk.decision {
                    Some(decision) => format!(
                        "  ({})",
                        serde_json::to_value(decision)
                            .ok()
                            .and_then(|word| word.as_str().map(str::to_owned))
                            .unwrap_or_default()
                    ),
                    None => String::new(),
                }
            );
            rows.push(row(
                "hunk",
                &text,
                "DivisiTool",
                json!({ "hunk": hunk.id, "path": file.path, "owners": owners }),
            ));
            for line in &hunk.lines {
                let group = match line.as_bytes().first() {
                    Some(b'+') => "DivisiAdded",
                    Some(b'-') => "DivisiRemoved",
                    _ => "",
                };
                rows.push(row(
                    "line",
                    &visible(line.trim_end_matches(['\n', '\r'])).replace('\n', " "),
                    group,
                    json!({}),
                ));
            }
        }
    }
    let candidates: Vec<Value> = comparison
        .candidates
        .iter()
        .map(|candidate| json!({ "session": candidate.session, "name": name(candidate) }))
        .collect();
    json!({ "candidates": candidates, "rows": rows })
}

fn row(kind: &str, text: &str, group: &str, mut more: Value) -> Value {
    more["kind"] = json!(kind);
    more["text"] = json!(text);
    more["group"] = json!(group);
    more
}

fn name(candidate: &Candidate) -> String {
    visible_line(&candidate.name, NAME)
}

fn of_candidate(number: usize, candidate: &Candidate) -> String {
    let state = candidate.reason.as_ref().map_or_else(
        || candidate.state.as_str().to_owned(),
        |reason| format!("{}: {}", candidate.state.as_str(), visible_line(reason, 80)),
    );
    let agent = candidate.model.as_ref().map_or_else(
        || visible_line(&candidate.agent, 40),
        |model| format!("{} {}", visible_line(&candidate.agent, 40), visible_line(model, 40)),
    );
    let turns = format!("{} turn{}", candidate.turns, if candidate.turns == 1 { "" } else { "s" });
    let facts =
        [state, stat(candidate.stat), turns, lasted(Some(candidate.duration_ms)), cost(Some(&candidate.usage)), agent];
    format!("{}  {:<NAME$}  {}", number + 1, name(candidate), parts(&facts))
}

fn parts(parts: &[String]) -> String {
    parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" · ")
}

fn counts(file: &FileDiff) -> String {
    let letter = match file.status {
        FileStatus::Added => "A",
        FileStatus::Deleted => "D",
        FileStatus::Modified => "M",
        FileStatus::Renamed => "R",
        FileStatus::TypeChanged => "T",
    };
    if file.binary { format!("{letter} binary") } else { format!("{letter} +{} −{}", file.added, file.removed) }
}

fn stat(stat: DiffStat) -> String {
    if stat == DiffStat::default() {
        return String::new();
    }
    format!("{} file{} +{} −{}", stat.files, if stat.files == 1 { "" } else { "s" }, stat.added, stat.removed)
}

/// `0.42 USD`, with `~` when it is an estimate; else tokens, if any.
fn cost(usage: Option<&Usage>) -> String {
    let Some(usage) = usage else { return String::new() };
    let tokens = usage.input + usage.cache_read + usage.cache_write + usage.output + usage.reasoning;
    match usage.cost_micros.filter(|micros| *micros > 0) {
        Some(micros) => {
            let sign = if usage.source == UsageSource::Estimated { "~" } else { "" };
            let cents = (micros + 5_000) / 10_000;
            let unit = visible_line(usage.currency.as_deref().unwrap_or("USD"), 12);
            if cents == 0 {
                format!("<0.01 {unit}")
            } else {
                format!("{sign}{}.{:02} {unit}", cents / 100, cents % 100)
            }
        }
        None if tokens > 0 => format!("{tokens} tokens"),
        None => String::new(),
    }
}

fn lasted(milliseconds: Option<i64>) -> String {
    milliseconds.filter(|lasted| *lasted > 0).map_or_else(String::new, |lasted| match lasted / 1000 {
        0 => format!("{lasted} ms"),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    })
}

fn ago(then: i64, now: i64) -> String {
    match (now - then).max(0) / 60_000 {
        0 => "now".to_owned(),
        minutes @ 1..120 => format!("{minutes}m ago"),
        minutes @ 120..2_880 => format!("{}h ago", minutes / 60),
        minutes => format!("{}d ago", minutes / 1_440),
    }
}
