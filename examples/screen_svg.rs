//! Turns a captured terminal screen into a picture: `tmux capture-pane -e -p | cargo run --example screen_svg -- COLUMNS > screen.svg`.
//! `doc/capture` uses it. Colours and attributes are those of the capture; nothing is added.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use unicode_width::UnicodeWidthChar as _;

/// Pixels of a cell, and around everything.
const CELL: (f32, f32) = (8.4, 18.0);
const MARGIN: f32 = 14.0;

const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d7dae0";

/// The sixteen colours, dark ones first.
const PALETTE: [&str; 16] = [
    "#3f4451", "#e05561", "#8cc265", "#d18f52", "#4aa5f0", "#c162de", "#42b3c2", "#d7dae0", "#6b7280", "#ff616e",
    "#a5e075", "#f0a45d", "#4dc4ff", "#de73ff", "#4cd1e0", "#ffffff",
];

/// How text looks.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "attributes of a terminal are independent switches")]
struct Look {
    front: Option<String>,
    back: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underlined: bool,
    reversed: bool,
}

/// Text of one look, from a column on.
#[derive(Debug)]
struct Run {
    column: usize,
    cells: usize,
    text: String,
    look: Look,
}

fn main() -> ExitCode {
    let columns = std::env::args().nth(1).and_then(|columns| columns.parse().ok()).unwrap_or(80);
    let mut screen = String::new();
    let done = io::stdin()
        .read_to_string(&mut screen)
        .and_then(|_| io::stdout().write_all(picture(screen.trim_end(), columns).as_bytes()));
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn picture(screen: &str, columns: usize) -> String {
    let rows = screen.lines().count();
    let width = size(columns) * CELL.0 + 2.0 * MARGIN;
    let height = size(rows) * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    let mut look = Look::default();
    for (row, line) in screen.lines().enumerate() {
        for run in runs(line, &mut look) {
            draw(&mut svg, row, &run);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

#[expect(clippy::cast_precision_loss, reason = "rows and columns of a terminal are few")]
fn size(cells: usize) -> f32 {
    cells as f32
}

fn draw(svg: &mut String, row: usize, run: &Run) {
    let (x, y) = (MARGIN + size(run.column) * CELL.0, MARGIN + size(row) * CELL.1);
    let width = size(run.cells) * CELL.0;
    let look = &run.look;
    let (mut front, mut back) = (look.front.clone(), look.back.clone());
    if look.reversed {
        let was = front.replace(back.unwrap_or_else(|| BACKGROUND.to_owned()));
        back = Some(was.unwrap_or_else(|| FOREGROUND.to_owned()));
    }
    if let Some(back) = back {
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{back}\"/>",
            CELL.1
        );
    }
    if run.text.trim().is_empty() {
        return;
    }
    let mut style = format!("fill=\"{}\"", front.as_deref().unwrap_or(FOREGROUND));
    for (on, attribute) in [
        (look.bold, " font-weight=\"bold\""),
        (look.dim, " opacity=\"0.6\""),
        (look.italic, " font-style=\"italic\""),
        (look.underlined, " text-decoration=\"underline\""),
    ] {
        if on {
            style.push_str(attribute);
        }
    }
    let text = run.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" xml:space=\"preserve\" {style}>{text}</text>",
        y + 13.5
    );
}

/// The runs of a line; the look goes on into the next one.
fn runs(line: &str, look: &mut Look) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    let mut column = 0;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            let sequence: String = chars.by_ref().take_while(|c| !c.is_ascii_alphabetic()).collect();
            if let Some(numbers) = sequence.strip_prefix('[') {
                apply(numbers, look);
            }
            continue;
        }
        let cells = c.width().unwrap_or(0);
        match found.last_mut() {
            Some(run) if run.look == *look => {
                run.text.push(c);
                run.cells += cells;
            }
            _ => found.push(Run { column, cells, text: c.to_string(), look: look.clone() }),
        }
        column += cells;
    }
    found
}

/// Takes the parameters of an SGR sequence.
fn apply(parameters: &str, look: &mut Look) {
    let numbers: Vec<usize> = parameters.split([';', ':']).map(|number| number.parse().unwrap_or(0)).collect();
    let mut rest = numbers.as_slice();
    while let [first, more @ ..] = rest {
        rest = more;
        match first {
            0 => *look = Look::default(),
            1 => look.bold = true,
            2 => look.dim = true,
            3 => look.italic = true,
            4 => look.underlined = true,
            7 => look.reversed = true,
            22 => (look.bold, look.dim) = (false, false),
            23 => look.italic = false,
            24 => look.underlined = false,
            27 => look.reversed = false,
            30..=37 => look.front = Some(PALETTE[first - 30].to_owned()),
            90..=97 => look.front = Some(PALETTE[first - 82].to_owned()),
            40..=47 => look.back = Some(PALETTE[first - 40].to_owned()),
            100..=107 => look.back = Some(PALETTE[first - 92].to_owned()),
            39 => look.front = None,
            49 => look.back = None,
            38 | 48 => {
                let (color, left) = extended(rest);
                rest = left;
                *(if *first == 38 { &mut look.front } else { &mut look.back }) = color;
            }
            _ => {}
        }
    }
}

/// A colour by number or by its parts.
fn extended(numbers: &[usize]) -> (Option<String>, &[usize]) {
    match numbers {
        [2, red, green, blue, rest @ ..] => (Some(format!("#{red:02x}{green:02x}{blue:02x}")), rest),
        [5, number @ 0..=15, rest @ ..] => (Some(PALETTE[*number].to_owned()), rest),
        [5, number @ 16..=231, rest @ ..] => {
            let part = |place: usize| match (number - 16) / place % 6 {
                0 => 0,
                step => 55 + step * 40,
            };
            (Some(format!("#{:02x}{:02x}{:02x}", part(36), part(6), part(1))), rest)
        }
        [5, number @ 232..=255, rest @ ..] => {
            let grey = 8 + (number - 232) * 10;
            (Some(format!("#{grey:02x}{grey:02x}{grey:02x}")), rest)
        }
        _ => (None, &[]),
    }
}
