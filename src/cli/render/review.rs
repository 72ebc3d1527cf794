//! Reviews for people.

use crate::cli::render::table::Table;
use crate::cli::render::{Line, Screen, Style, line};
use crate::model::diff::{DiffRange, FileDiff};
use crate::model::review::{CommentKind, CommentSide, PlacedComment, ReviewView};

/// A comment: where, what it wants, what it says.
pub(crate) fn comment(screen: &Screen, id: &str, placed: &PlacedComment) {
    let comment = &placed.comment;
    let style = match comment.kind {
        CommentKind::Issue => Style::Bad,
        CommentKind::Suggestion | CommentKind::Question => Style::Attention,
        CommentKind::Nit => Style::Dim,
    };
    let mut head = Line::new()
        .add(Style::Accent, &format!("{id:<4}"))
        .add(style, comment.kind.as_str())
        .add(Style::Bold, &format!(" {}", place(placed)));
    if let Some(round) = comment.round {
        head = head.add(Style::Dim, &format!("  sent in round {round}"));
    }
    if comment.resolved {
        head = head.add(Style::Good, "  settled");
    }
    if placed.outdated {
        head = head.add(Style::Dim, "  its lines changed");
    }
    line(screen, &head);
    for text in comment.text.lines() {
        line(screen, &Line::new().add(Style::Plain, &format!("    {text}")));
    }
}

fn place(placed: &PlacedComment) -> String {
    let comment = &placed.comment;
    let old = if comment.side == CommentSide::Old { " (base)" } else { "" };
    let first = placed.line.unwrap_or(comment.first);
    let last = first + comment.last.saturating_sub(comment.first);
    match (first, last) {
        (0, _) => format!("{}{old}", comment.path),
        (first, last) if first == last => format!("{}:{first}{old}", comment.path),
        (first, last) => format!("{}:{first}-{last}{old}", comment.path),
    }
}

/// Files with how far each is, then what the next round takes along.
pub(crate) fn overview(screen: &Screen, review: &ReviewView) {
    let mut table = Table::new(&["DECIDED", "CHANGES", "", "FILE"]);
    for file in &review.diff.files {
        let (decided, total) = decided(file);
        let done = if decided == total { Style::Good } else { Style::Attention };
        let counts = if file.binary { "binary".to_owned() } else { format!("+{} -{}", file.added, file.removed) };
        table.row(vec![
            (done, format!("{decided}/{total}")),
            (Style::Plain, counts),
            (Style::Good, if file.viewed { "viewed" } else { "" }.to_owned()),
            (Style::Plain, file.path.clone()),
        ]);
    }
    if review.diff.files.is_empty() {
        line(screen, &Line::new().add(Style::Dim, "no changes"));
    } else {
        table.write(screen);
    }
    let open = review.comments.iter().filter(|placed| placed.comment.open()).count();
    let untold = review.rejected.iter().filter(|hunk| !hunk.told).count();
    let since = match &review.range {
        DiffRange::Round { number: Some(number) } => format!("since round {number}"),
        _ if review.round > 0 => format!("{} so far", counted(review.round as usize, "round")),
        _ => "no round sent yet".to_owned(),
    };
    let words = format!("{since}; to send: {}, {}", counted(open, "comment"), counted(untold, "rejected hunk"));
    line(screen, &Line::new().add(Style::Dim, &words));
}

fn decided(file: &FileDiff) -> (usize, usize) {
    (file.hunks.iter().filter(|hunk| hunk.decision.is_some()).count(), file.hunks.len())
}

fn counted(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}
