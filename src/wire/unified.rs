//! Two texts as a diff of lines with context, for what an agent says it changes or is about to change.
//!
//! Git decides what really changed; this is only to look at before it has.

use crate::base::text::visible_line;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;
/// Cells of the table of the comparison at most; larger changes are shown as all old lines, then all new ones.
const CELLS: usize = 1_000_000;
/// Longest line, in characters.
const WIDTH: usize = 500;

/// One line of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Same,
    Old,
    New,
}

/// How two texts differ: lines that begin with ` `, `-`, `+` or `@@`, safe to show, and how many were added and removed. An absent old
/// text is a new file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unified {
    /// The lines; the rest is only counted when there are more than was asked for.
    pub lines: Vec<String>,
    /// Lines that were not shown.
    pub left_out: usize,
    /// Lines added.
    pub added: usize,
    /// Lines removed.
    pub removed: usize,
}

/// Compares; at most `most` lines are shown.
pub fn unified(old: Option<&str>, new: &str, most: usize) -> Unified {
    let old: Vec<&str> = old.unwrap_or_default().lines().collect();
    let new: Vec<&str> = new.lines().collect();
    let steps = compare(&old, &new);
    let mut shown = Unified {
        added: steps.iter().filter(|step| **step == Step::New).count(),
        removed: steps.iter().filter(|step| **step == Step::Old).count(),
        ..Unified::default()
    };
    let near = near_changes(&steps);
    let (mut at_old, mut at_new) = (0, 0);
    let mut open = false;
    for (step, near) in steps.iter().zip(near) {
        if near {
            if !open {
                shown.put(format!("@@ -{} +{} @@", at_old + 1, at_new + 1), most);
            }
            let (mark, line) = match step {
                Step::Same => (' ', new[at_new]),
                Step::Old => ('-', old[at_old]),
                Step::New => ('+', new[at_new]),
            };
            shown.put(format!("{mark}{}", tabbed(line)), most);
        }
        open = near;
        at_old += usize::from(*step != Step::New);
        at_new += usize::from(*step != Step::Old);
    }
    shown
}

impl Unified {
    fn put(&mut self, line: String, most: usize) {
        if self.lines.len() < most {
            self.lines.push(line);
        } else {
            self.left_out += 1;
        }
    }
}

/// A line that is safe to show, its indentation kept.
fn tabbed(line: &str) -> String {
    let indentation = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    format!("{indentation}{}", visible_line(line.trim_start_matches([' ', '\t']), WIDTH))
}

fn near_changes(steps: &[Step]) -> Vec<bool> {
    let mut near = vec![false; steps.len()];
    for (at, _) in steps.iter().enumerate().filter(|(_, step)| **step != Step::Same) {
        let (from, to) = (at.saturating_sub(CONTEXT), (at + CONTEXT + 1).min(steps.len()));
        near[from..to].fill(true);
    }
    near
}

fn compare(old: &[&str], new: &[&str]) -> Vec<Step> {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let mut steps = vec![Step::Same; head];
    if old.len().saturating_mul(new.len()) > CELLS {
        steps.extend(old.iter().map(|_| Step::Old).chain(new.iter().map(|_| Step::New)));
    } else {
        longest_common(old, new, &mut steps);
    }
    steps.extend(std::iter::repeat_n(Step::Same, tail));
    steps
}

/// The textbook table: `table[i][j]` is the length of the longest common subsequence of `old[i..]` and `new[j..]`.
fn longest_common(old: &[&str], new: &[&str], steps: &mut Vec<Step>) {
    let wide = new.len() + 1;
    let mut table = vec![0_u32; (old.len() + 1) * wide];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            table[i * wide + j] = if old[i] == new[j] {
                table[(i + 1) * wide + j + 1] + 1
            } else {
                table[(i + 1) * wide + j].max(table[i * wide + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            steps.push(Step::Same);
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || table[(i + 1) * wide + j] >= table[i * wide + j + 1]) {
            steps.push(Step::Old);
            i += 1;
        } else {
            steps.push(Step::New);
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests;
