//! Attempts at cases of benchmarks in numbers: by agent, how many were resolved, and how the others came out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Report, ReportRun, md, money};
use crate::base::page::escape;
use crate::base::text::visible_line;
use crate::eval::swebench::statistics::share;
use crate::model::attempt::Outcome;
use crate::model::batch::Spend;

/// What an agent's attempts came to.
#[derive(Default)]
struct Tally {
    /// Those that say something of the agent.
    counted: usize,
    resolved: usize,
    /// Those that do not: the machine failed, somebody stopped it, the case says nothing here.
    left_out: usize,
    /// By the verdict's word.
    words: BTreeMap<&'static str, u32>,
    spend: Spend,
}

impl Tally {
    fn add(&mut self, run: &ReportRun) {
        let Some(case) = run.run.attempts.last().and_then(|attempt| attempt.case.as_ref()) else { return };
        let Some(verdict) = &case.verdict else { return };
        *self.words.entry(verdict.word()).or_default() += 1;
        self.spend = self.spend.plus(run.spend);
        if verdict.counts() && case.flaw().is_none() {
            self.counted += 1;
            self.resolved += usize::from(*verdict == Outcome::Resolved);
        } else {
            self.left_out += 1;
        }
    }

    /// `3 of 4, 75 % (30 to 95)`: the share with its interval at 95 %.
    fn share(&self) -> String {
        let Some(share) = share(self.resolved, self.counted) else { return "none counts".to_owned() };
        format!("{} of {}, {}", self.resolved, self.counted, share.words())
    }

    /// The words, and how many are not counted.
    fn others(&self) -> String {
        let words = self.words.iter().map(|(word, count)| format!("{count} {word}"));
        let mut words = words.collect::<Vec<_>>().join(", ");
        if self.left_out > 0 {
            let _ = write!(words, "; {} not counted", self.left_out);
        }
        words
    }

    /// What a resolved case cost.
    fn each(&self) -> String {
        let each = |usd: i64| usd.checked_div(i64::try_from(self.resolved).ok()?);
        match self.spend.usd_micros.and_then(each) {
            Some(usd) => money(Spend { usd_micros: Some(usd), ..self.spend }, true),
            None => "-".to_owned(),
        }
    }
}

const TITLES: [&str; 4] = ["agent", "resolved (interval at 95 %)", "verdicts", "cost of a resolved case"];

/// By agent, in the order of the plan; nothing when the plan has no evaluations.
fn rows(report: &Report) -> Vec<[String; 4]> {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for run in &report.runs {
        tallies.entry(&run.run.agent).or_default().add(run);
    }
    let agents = report.batch.plan.agents.iter().map(|agent| agent.id.as_str());
    agents
        .filter_map(|agent| Some((agent, tallies.remove(agent)?)))
        .filter(|(_, tally)| !tally.words.is_empty())
        .map(|(agent, tally)| [agent.to_owned(), tally.share(), tally.others(), tally.each()])
        .collect()
}

/// As a table of Markdown.
pub(super) fn table(text: &mut String, report: &Report) {
    let rows = rows(report);
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n| {} |\n|---|---|---|---:|", TITLES.join(" | "));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.map(|cell| md(&cell)).join(" | "));
    }
}

/// As a part of a page.
pub(super) fn section(html: &mut String, report: &Report) {
    let rows = rows(report);
    if rows.is_empty() {
        return;
    }
    html.push_str("<h2>Cases</h2><div class='scroll'><table><thead><tr>");
    for (title, class) in TITLES.iter().zip(["", "", "", " class='n'"]) {
        let (first, rest) = title.split_at(1);
        let _ = write!(html, "<th{class}>{}{rest}</th>", first.to_ascii_uppercase());
    }
    html.push_str("</tr></thead><tbody>\n");
    for row in rows {
        let [agent, share, verdicts, each] = row.map(|cell| escape(&visible_line(&cell, 300)));
        let _ = writeln!(html, "<tr><td>{agent}</td><td>{share}</td><td>{verdicts}</td><td class='n'>{each}</td></tr>");
    }
    html.push_str("</tbody></table></div>\n");
}
