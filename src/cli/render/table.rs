//! Tables that fit the terminal: the last column is cut, the others take what they need.

use unicode_width::UnicodeWidthStr as _;

pub(crate) use crate::base::columns::cut;
use crate::base::text::visible_line;
use crate::cli::render::{Line, Screen, Style, line};

/// No column but the last is wider.
const WIDEST: usize = 40;

/// No column gives room below this.
const LEAST: usize = 10;

/// What the last column has at least.
const LEAST_LAST: usize = 8;

/// Rows of cells with a style each.
pub(crate) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<(Style, String)>>,
}

impl Table {
    pub(crate) fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<(Style, String)>) {
        self.rows.push(cells.into_iter().map(|(style, text)| (style, visible_line(&text, 2000))).collect());
    }

    /// Writes it to standard output.
    pub(crate) fn write(&self, screen: &Screen) {
        for row in self.lines(screen.width) {
            line(screen, &row);
        }
    }

    pub(crate) fn lines(&self, width: Option<usize>) -> Vec<Line> {
        let last = self.head.len().saturating_sub(1);
        let mut widths: Vec<usize> = (0..last)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|(_, text)| text.width());
                cells.chain([self.head[column].width()]).max().unwrap_or(0).min(WIDEST)
            })
            .collect();
        // Where there is no room for all, the widest give: what stands in narrow ones is a word or a number.
        let most = width.map_or(usize::MAX, |width| width.saturating_sub(LEAST_LAST));
        while widths.iter().map(|width| width + 2).sum::<usize>() > most {
            let Some(widest) = widths.iter_mut().max().filter(|widest| **widest > LEAST) else { break };
            *widest -= 1;
        }
        let used: usize = widths.iter().map(|width| width + 2).sum();
        let left = width.map_or(usize::MAX, |width| width.saturating_sub(used).max(LEAST_LAST));
        let head = self.head.iter().map(|title| (Style::Dim, (*title).to_owned())).collect();
        std::iter::once(&head)
            .chain(&self.rows)
            .map(|row: &Vec<(Style, String)>| {
                row.iter().enumerate().fold(Line::new(), |line, (column, (style, text))| match widths.get(column) {
                    Some(width) => {
                        let text = cut(text, *width);
                        let space = " ".repeat(width - text.width() + 2);
                        line.add(*style, &text).add(Style::Plain, &space)
                    }
                    None => line.add(*style, &cut(text, left)),
                })
            })
            .collect()
    }
}
