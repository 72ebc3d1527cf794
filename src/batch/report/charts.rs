//! Charts as inline SVG: numbers and names, no script.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Report, by_agent};
use crate::base::page::escape;
use crate::batch::queue::dollars;
use crate::model::batch::RunState;

/// Bars, columns, rows at most; what is left out is said.
const MOST: usize = 40;

/// How many passed, by agent.
pub(super) fn success(report: &Report) -> String {
    let mut svg = String::new();
    let agents = by_agent(report);
    for (index, (agent, tally)) in agents.iter().take(MOST).enumerate() {
        let y = index * 30;
        let width = tally.rate() * 3;
        let _ = write!(
            svg,
            "<text x='0' y='{}' class='l'>{}</text><rect x='160' y='{}' width='300' height='18' rx='3' class='bg'/>\
             <rect x='160' y='{}' width='{width}' height='18' rx='3' class='good'/><text x='470' y='{}' class='v'>{} % ({} of {})</text>",
            y + 18,
            escape(&short(agent)),
            y + 5,
            y + 5,
            y + 18,
            tally.rate(),
            tally.passed,
            tally.over,
        );
    }
    figure("Passed, by agent", 600, agents.len().min(MOST) * 30 + 4, &svg, agents.len())
}

/// What a run cost against how many passed.
pub(super) fn cost(report: &Report) -> String {
    let agents = by_agent(report);
    let costs: Vec<(i64, u32, &str)> = agents
        .iter()
        .filter_map(|(agent, tally)| {
            Some((tally.spend.usd_micros? / i64::from(tally.runs.max(1)), tally.rate(), *agent))
        })
        .take(MOST)
        .collect();
    let most = costs.iter().map(|(cost, _, _)| *cost).max().unwrap_or(0).max(1);
    let mut svg = "<path d='M60 10V220H516' class='axis'/><text x='52' y='20' class='e'>100 %</text>\
                   <text x='52' y='222' class='e'>0 %</text>"
        .to_owned();
    if costs.is_empty() {
        svg.push_str("<text x='190' y='120' class='v'>no agent told what it cost</text>");
    }
    let _ = write!(svg, "<text x='516' y='238' class='e'>{} a run</text>", dollars(most));
    let mut names: Vec<(i64, i64)> = Vec::new();
    for (cost, rate, agent) in &costs {
        let (x, y) = (70 + cost * 440 / most, 220 - i64::from(*rate) * 2);
        // A name that would lie upon another goes below it.
        let mut line = y + 4;
        while names.iter().any(|(other, taken)| (other - x).abs() < 140 && (taken - line).abs() < 13) {
            line += 13;
        }
        names.push((x, line));
        let _ = write!(
            svg,
            "<circle cx='{x}' cy='{y}' r='6' class='dot'><title>{} {}: {rate} %</title></circle><text x='{}' y='{}' class='v'>{}</text>",
            escape(agent),
            dollars(*cost),
            x + 9,
            line,
            escape(&short(agent)),
        );
    }
    figure("Cost against success", 660, 245, &svg, costs.len())
}

/// How long runs took.
pub(super) fn times(report: &Report) -> String {
    const BARS: i64 = 16;
    const COUNTS: usize = 16;
    let times: Vec<i64> =
        report.runs.iter().filter(|run| !run.run.attempts.is_empty()).map(|run| run.run.duration(report.now)).collect();
    let most = times.iter().copied().max().unwrap_or(0).max(1);
    let mut counts = [0_u32; COUNTS];
    for time in &times {
        let bar = usize::try_from((time * BARS / (most + 1)).clamp(0, BARS - 1)).unwrap_or(0);
        counts[bar] += 1;
    }
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let mut svg = "<path d='M40 190H560' class='axis'/>".to_owned();
    for (index, count) in counts.iter().enumerate() {
        let height = count * 170 / highest;
        let _ = write!(
            svg,
            "<rect x='{}' y='{}' width='28' height='{height}' class='dot'><title>{count} runs</title></rect>",
            42 + index * 32,
            190 - height,
        );
    }
    let _ = write!(
        svg,
        "<text x='40' y='208' class='s'>0</text><text x='560' y='208' class='e'>{}</text><text x='36' y='26' class='e'>{highest}</text>",
        super::took(most),
    );
    figure("Time of a run", 600, 215, &svg, times.len().min(MOST))
}

/// Tasks by agents: how many of the runs passed.
pub(super) fn heat(report: &Report) -> String {
    let agents: Vec<&str> = by_agent(report).into_iter().map(|(agent, _)| agent).take(MOST).collect();
    let mut rows: Vec<(String, BTreeMap<&str, [u32; 3]>)> = Vec::new();
    let mut repositories = report.runs.iter().map(|run| &run.run.repository);
    let first = repositories.next();
    let several = repositories.any(|other| Some(other) != first);
    for run in &report.runs {
        let run = &run.run;
        let mut name = format!("{}/{}", run.task, run.prompt);
        if several {
            let _ = write!(name, " {}", run.repository);
        }
        if rows.last().is_none_or(|(last, _)| *last != name) {
            match rows.iter().position(|(known, _)| *known == name) {
                Some(at) => {
                    let row = rows.remove(at);
                    rows.push(row);
                }
                None => rows.push((name, BTreeMap::new())),
            }
        }
        if let Some((_, cells)) = rows.last_mut() {
            let cell = cells.entry(&run.agent).or_default();
            cell[0] += 1;
            cell[1] += u32::from(run.state.is_over());
            cell[2] += u32::from(run.state == RunState::Passed);
        }
    }
    let mut svg = String::new();
    for (column, agent) in agents.iter().enumerate() {
        let x = 250 + column * 70;
        let _ = write!(svg, "<text x='{x}' y='14' class='v'>{}</text>", escape(&shorter(agent, 9)));
    }
    for (index, (name, cells)) in rows.iter().take(MOST).enumerate() {
        let y = 22 + index * 24;
        let _ = write!(svg, "<text x='0' y='{}' class='l'>{}</text>", y + 15, escape(&shorter(name, 32)));
        for (column, agent) in agents.iter().enumerate() {
            let Some([all, over, passed]) = cells.get(agent).copied() else { continue };
            let hue = (passed * 120)
                .checked_div(over)
                .map_or_else(|| "class='bg'".to_owned(), |hue| format!("fill='hsl({hue} 50% 36%)'"));
            let x = 250 + column * 70;
            let _ = write!(
                svg,
                "<rect x='{x}' y='{y}' width='64' height='20' rx='3' {hue}><title>{} {}: {passed} of {all} passed</title></rect>\
                 <text x='{}' y='{}' class='c'>{passed}/{all}</text>",
                escape(name),
                escape(agent),
                x + 32,
                y + 14,
            );
        }
    }
    let width = 260 + agents.len() * 70;
    figure("Passed, by task and agent", width, 26 + rows.len().min(MOST) * 24, &svg, rows.len())
}

fn short(text: &str) -> String {
    shorter(text, 20)
}

fn shorter(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width - 1).collect();
    format!("{kept}…")
}

fn figure(title: &str, width: usize, height: usize, svg: &str, count: usize) -> String {
    let more = if count > MOST { format!(" (the first {MOST} of {count})") } else { String::new() };
    format!(
        "<figure><figcaption>{title}{more}</figcaption><svg viewBox='0 0 {width} {height}' width='{width}' \
         style='min-width:{}px' role='img' aria-label='{title}'>{svg}</svg></figure>\n",
        // Never so small that nobody can read it: then it is scrolled.
        width * 4 / 5,
    )
}
