//! How sure a batch's results are, in lines.

use crate::base::text::visible_line;
use crate::model::batch::Statistics;

/// Repetitions and pairs that are listed.
const LISTED: usize = 20;

/// Chances within several attempts, repetitions that differ, and agents beside each other; nothing where there is nothing to compare.
pub(crate) fn lines(statistics: &Statistics) -> Vec<String> {
    let mut lines = Vec::new();
    for agent in statistics.agents.iter().filter(|agent| !agent.pass_at.is_empty()) {
        lines.push(format!(
            "{}: {} of {} passed, {}; {}",
            agent.agent,
            agent.passed,
            agent.counted,
            agent.share.words(),
            agent.chances()
        ));
    }
    let unsteady: Vec<_> = statistics.repeated.iter().filter(|one| one.variance > 0.0).collect();
    for one in unsteady.iter().take(LISTED) {
        lines.push(format!(
            "unsteady: {}/{} in {} by {}: {}",
            one.task,
            one.prompt,
            one.repository,
            one.agent,
            one.words()
        ));
    }
    if unsteady.len() > LISTED {
        lines.push(format!("and {} more that are unsteady", unsteady.len() - LISTED));
    }
    for pair in statistics.pairs.iter().take(LISTED) {
        lines.push(format!(
            "{} and {} on the same {}: {} only by {}, {} only by {}, {} by both, {} by neither; p = {} (McNemar)",
            pair.one,
            pair.other,
            pair.common,
            pair.only_one,
            pair.one,
            pair.only_other,
            pair.other,
            pair.both,
            pair.neither,
            pair.p_words()
        ));
    }
    lines.iter().map(|line| visible_line(line, 400)).collect()
}

#[cfg(test)]
mod tests;
