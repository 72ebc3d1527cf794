//! What judges runs, on a terminal.

use crate::cli::render::{Line, Screen, Style, line};
use crate::model::batch::JudgedBy;

/// What the runs of a plan are judged by: a line for each task, and for agents of it that are judged otherwise.
pub(crate) fn by(screen: &Screen, all: &[JudgedBy]) {
    if all.iter().all(|one| one.evaluators.is_empty()) {
        return;
    }
    for one in all {
        let several = all.iter().filter(|other| other.task == one.task).count() > 1;
        let of = if several { format!("{} by {}", one.task, one.agents.join(", ")) } else { one.task.clone() };
        let mut row = Line::new().add(Style::Bold, &of).add(Style::Dim, " is judged by ");
        if one.evaluators.is_empty() {
            row = row.add(Style::Attention, "nothing");
        }
        for (index, evaluator) in one.evaluators.iter().enumerate() {
            let mut words = Vec::new();
            if evaluator.kind != evaluator.id {
                words.push(evaluator.kind.clone());
            }
            if evaluator.required {
                words.push("required".to_owned());
            }
            if evaluator.from != "plan" {
                words.push(format!("of the {}", evaluator.from));
            }
            let words = if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) };
            let gap = if index > 0 { ", " } else { "" };
            row = row.add(Style::Plain, gap).add(Style::Plain, &evaluator.id).add(Style::Dim, &words);
        }
        line(screen, &row);
    }
}
