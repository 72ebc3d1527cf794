//! A board: a view of lines, each made of cells, that is drawn anew every now and then and of which Lua gets only what changed.

use serde_json::{Value, json};

use crate::base::columns::{fit, width};
use crate::base::text::visible_line;
use crate::wire::dashboard::Tone;

pub mod batch;
pub mod bench;
pub mod matrix;

/// A cell: text that is safe to show, and what it means.
pub type Cell = (Tone, String);

/// Longest text of a cell.
const LONGEST: usize = 400;

/// A line of a board.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What is on it.
    pub cells: Vec<Cell>,
    /// What it stands for, as fields for Lua.
    pub about: Value,
}

impl Line {
    /// A line that stands for nothing.
    pub fn of(cells: Vec<Cell>) -> Self {
        Self { cells, about: json!({}) }
    }

    fn for_lua(&self) -> Value {
        let mut line = self.about.clone();
        let cells = self.cells.iter().filter(|(_, text)| !text.is_empty());
        line["cells"] = cells.map(|(tone, text)| json!([text, group(*tone)])).collect();
        line
    }
}

/// A cell of text from outside.
pub fn cell(tone: Tone, text: &str) -> Cell {
    (tone, visible_line(text, LONGEST))
}

fn group(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Name => "DivisiName",
        Tone::Quiet => "DivisiQuiet",
        Tone::Good => "DivisiPassed",
        Tone::Bad => "DivisiFailed",
        Tone::Attention => "DivisiInterrupted",
        Tone::Working => "DivisiBusy",
    }
}

/// Parts with commas between them, on as many lines as a window of so many columns needs.
pub fn flow(parts: Vec<Cell>, window: usize) -> Vec<Line> {
    let mut lines: Vec<Vec<Cell>> = vec![Vec::new()];
    let mut used = 0;
    for (tone, text) in parts {
        let wide = width(&text);
        let first = lines.last().is_none_or(Vec::is_empty);
        if !first && used + wide + 3 > window {
            lines.push(Vec::new());
            used = 0;
        } else if !first && let Some(line) = lines.last_mut() {
            line.push((Tone::Plain, ", ".to_owned()));
            used += 2;
        }
        used += wide;
        if let Some(line) = lines.last_mut() {
            line.push((tone, text));
        }
    }
    lines.into_iter().map(Line::of).collect()
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Shown in windows of at least so many columns.
    pub from: usize,
    /// Never wider than that,
    pub most: usize,
    /// or than that in a window of a hundred columns.
    pub wide: usize,
    /// Whether its text stands at the right.
    pub right: bool,
}

/// Widths of a table's columns; they only grow while a window keeps its width, so that rows stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Widths(Vec<usize>);

/// A table in a window of so many columns: its heading, then a line for each row. A column in which nothing is said is left out; what
/// is in the last one stands in what is left.
pub fn table(columns: &[Column], rows: Vec<(Vec<Cell>, Value)>, window: usize, widths: &mut Widths) -> Vec<Line> {
    widths.0.resize(columns.len(), 0);
    for (at, column) in columns.iter().enumerate() {
        let most = if window >= 100 { column.wide } else { column.most };
        let widest = rows.iter().filter_map(|(cells, _)| cells.get(at)).map(|(_, text)| width(text)).max().unwrap_or(0);
        if window < column.from || widest == 0 && widths.0[at] == 0 {
            continue;
        }
        let title = if rows.is_empty() { 0 } else { width(column.title).min(most) };
        widths.0[at] = widths.0[at].max(widest.max(title).min(most));
    }
    let line = |cells: Vec<Cell>, about: Value| {
        let mut shown: Vec<Cell> = Vec::new();
        let last = columns.len().saturating_sub(1);
        for (at, (tone, text)) in cells.into_iter().enumerate() {
            let (Some(column), Some(taken)) = (columns.get(at), widths.0.get(at)) else { continue };
            if at == last {
                shown.push((tone, text));
            } else if *taken > 0 {
                shown.push((tone, fit(&text, *taken, column.right)));
                shown.push((Tone::Plain, " ".to_owned()));
            }
        }
        while let Some((_, text)) = shown.last_mut() {
            text.truncate(text.trim_end().len());
            if !text.is_empty() {
                break;
            }
            shown.pop();
        }
        Line { cells: shown, about }
    };
    if rows.is_empty() {
        return Vec::new();
    }
    let heading = columns.iter().map(|column| (Tone::Quiet, column.title.to_owned())).collect();
    std::iter::once((heading, json!({}))).chain(rows).map(|(cells, about)| line(cells, about)).collect()
}

/// A board that Lua shows.
#[derive(Debug, Default)]
pub struct Board {
    lines: Vec<Line>,
    sent: Vec<Line>,
    about: Value,
    reset: bool,
    dirty: bool,
}

impl Board {
    /// Lua has nothing of it (any more).
    pub fn resend(&mut self) {
        self.reset = true;
        self.dirty |= !self.lines.is_empty();
    }

    /// What it shows from now on; `about` is what Lua needs to know beside the lines.
    pub fn show(&mut self, lines: Vec<Line>, about: Value) {
        self.dirty |= self.lines != lines || self.about != about;
        (self.lines, self.about) = (lines, about);
    }

    /// Whether there is something to send.
    pub fn changed(&self) -> bool {
        self.dirty
    }

    /// What changed since the last time: how many lines there are, and those that are new or other, with their numbers from 1.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        if !std::mem::take(&mut self.dirty) {
            return None;
        }
        let reset = std::mem::take(&mut self.reset);
        if reset {
            self.sent.clear();
        }
        let changed: Vec<Value> = self
            .lines
            .iter()
            .enumerate()
            .filter(|(at, line)| self.sent.get(*at) != Some(line))
            .map(|(at, line)| json!([at + 1, line.for_lua()]))
            .collect();
        self.sent.clone_from(&self.lines);
        Some(json!({
            "kind": "board", "board": name, "reset": reset, "count": self.lines.len(), "lines": changed, "about": self.about,
        }))
    }
}

#[cfg(test)]
mod tests;
