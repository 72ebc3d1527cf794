//! Timelines for people.

use crate::base::clock::Millis;
use crate::cli::render::table::Table;
use crate::cli::render::{Screen, Style, words};
use crate::model::timeline::{StepKind, TimelineStep};

/// One row per step, oldest first.
pub(crate) fn steps(screen: &Screen, steps: &[TimelineStep], now: Millis) {
    let mut table = Table::new(&["", "NAME", "COMMIT", "CHANGES", "TIME", "AGE", "WHAT"]);
    for step in steps {
        let style = match (step.kind, step.state.as_deref()) {
            (StepKind::Turn, Some("failed")) => Style::Bad,
            (StepKind::Turn, Some("interrupted")) => Style::Attention,
            (StepKind::Turn, Some("running")) => Style::Accent,
            (StepKind::Turn, _) => Style::Plain,
            (StepKind::Start | StepKind::Checkpoint, _) => Style::Dim,
        };
        let state = step.state.as_deref().filter(|state| *state != "done");
        let what = state.map_or_else(|| step.title.clone(), |state| format!("{state}: {}", step.title));
        table.row(vec![
            (Style::Good, if step.current { "*".to_owned() } else { String::new() }),
            (Style::Bold, step.name.clone()),
            (Style::Dim, step.commit.as_ref().map_or_else(String::new, |commit| commit.short().to_owned())),
            (Style::Plain, words::stat(step.stat)),
            (Style::Dim, step.duration_ms.map_or_else(String::new, |lasted| words::age(0, lasted))),
            (Style::Dim, words::age(step.at, now)),
            (style, what),
        ]);
    }
    table.write(screen);
}
