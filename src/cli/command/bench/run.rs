//! `divisi bench run`: an agent attempts the cases.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde_json::json;

use crate::cli::command::Outcome;
use crate::cli::command::bench::choice::Choice;
use crate::cli::command::bench::session::Sessions;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render::bench as show;
use crate::cli::render::{self, Style};
use crate::model::Refusal;
use crate::model::attempt::{self, Asked, Attempted, BenchRequest, Contestant, Progress, Solver, Unsolved};
use crate::model::bench::RunSummary;
use crate::model::meter::Allowance;

/// Have an agent attempt cases: each in a repository without history, judged on another fresh checkout
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi bench run suite.yaml --agent claude
  divisi bench run polyglot-benchmark --case python --size 20 --agent codex --attempts 3 -j2
  divisi bench run suite.yaml --agent gold        # the reference of each case: all have to be resolved
  divisi bench run suite.yaml --agent null        # nothing done: none may be
  divisi bench run suite.yaml --agent claude --budget-usd 5 --out run1
  divisi bench report run1 --format html > report.html

A run in --out that was cut off (Ctrl-C, the budget, a crash) goes on where it ended: what was judged is not judged again. \
Cases that divisi bench validate found not to be valid here are attempted, shown, and not counted.
Exit codes: 0 everything is resolved, 4 something is not, 130 interrupted.")]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// The agent, by its name in `divisi agents`; `gold` and `null` are nobody. Its permission requests are allowed at once
    #[arg(long)]
    agent: String,
    /// The model to ask for
    #[arg(long)]
    model: Option<String>,
    /// The profile of its credentials
    #[arg(long)]
    profile: Option<String>,
    /// Attempts at each case
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    attempts: u32,
    /// Stop when all attempts together have cost this much, in US dollars, as reported or estimated
    #[arg(long, value_name = "AMOUNT", value_parser = dollars)]
    budget_usd: Option<i64>,
    /// Stop when all attempts together have used this many tokens of any kind
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    budget_tokens: Option<u64>,
    /// Print JSON: one line for each attempt as it ends, then the summary
    #[arg(long)]
    json: bool,
}

impl Args {
    fn allowance(&self) -> Allowance {
        Allowance { micros: self.budget_usd, tokens: self.budget_tokens }
    }
}

/// An amount of dollars in millionths.
fn dollars(text: &str) -> Result<i64, String> {
    let amount: f64 = text.parse().map_err(|_| format!("{text:?} is no amount"))?;
    if !(amount > 0.0 && amount <= 1e9) {
        return Err("an amount is more than 0".to_owned());
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 10^15")]
    Ok((amount * 1e6).round() as i64)
}

pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    if args.agent == "shell" {
        return Err(Refusal::user("the shell agent would run the task as a command")
            .hint("choose an agent that reads: divisi agents"));
    }
    let asked = Asked { agent: args.agent.clone(), model: args.model.clone(), profile: args.profile.clone() };
    let mut request = args.choice.request(context, asked.contestant(), asked, args.attempts)?;
    request.allowance = args.allowance();
    carry_out(&request, args.json, context)
}

/// Runs what is asked for, tells what happens, and sums it up.
pub(super) fn carry_out(request: &BenchRequest, json: bool, context: &Context) -> Outcome {
    let stop = (context.programs.bench.interrupted)()?;
    let tell = |progress: Progress| {
        if json {
            if let Progress::Ended(result) = &progress {
                render::json_line(result);
            }
        } else {
            say(context, false, &progress);
        }
    };
    let results = if matches!(request.contestant, Contestant::Agent(_)) {
        let sessions = Sessions::new(context, &request.asked, &stop)?;
        let solve = |task: &attempt::Task| sessions.solve(task);
        let leave = |session: &str| sessions.leave(session);
        (context.programs.bench.attempt)(request, Solver { solve: &solve, leave: &leave }, &tell, &stop)?
    } else {
        let nobody = |_: &attempt::Task| Err(Unsolved::Infrastructure("nobody attempts it".to_owned()));
        (context.programs.bench.attempt)(request, Solver { solve: &nobody, leave: &|_| {} }, &tell, &stop)?
    };
    let report = (context.programs.bench.report)(std::slice::from_ref(&request.directory))?;
    let resolved = results.iter().filter(|result| result.outcome == attempt::Outcome::Resolved).count();
    if json {
        let counted = results.iter().filter(|result| result.counts()).count();
        render::json_line(&json!({
            "directory": request.directory,
            "attempts": results.len(),
            "counted": counted,
            "resolved": resolved,
            "outcomes": outcomes(&results),
            "report": report.runs.first().map(|run| RunSummary { cases: Vec::new(), ..run.clone() }),
        }));
    } else {
        render::text("");
        show::report(&context.screen, &report);
        render::text(&format!("  divisi bench report {} --format html > report.html", request.directory.display()));
    }
    Ok(match () {
        () if stop.load(Ordering::Relaxed) => Exit::Interrupted,
        () if resolved == results.len() => Exit::Done,
        () => Exit::Failed,
    })
}

/// How many ended how.
fn outcomes(results: &[Attempted]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for result in results {
        *counts.entry(result.outcome.word()).or_default() += 1;
    }
    counts
}

/// A line for what happened.
pub(super) fn say(context: &Context, quiet: bool, progress: &Progress) {
    match progress {
        _ if quiet => {}
        Progress::Begun { .. } | Progress::Planned { done: 0, .. } => {}
        Progress::Planned { attempts, done } => {
            render::remark(&format!("{done} of {attempts} attempts were made before"));
        }
        Progress::Noted(note) => render::remark(note),
        Progress::Again { case, contestant, why, pause } => {
            let seconds = pause.as_secs_f32();
            render::remark(&format!("{case} {contestant}: {why}; tried again in {seconds:.1} s"));
        }
        Progress::Ended(result) => {
            let style = match &result.outcome {
                attempt::Outcome::Resolved => Style::Good,
                outcome if outcome.counts() => Style::Bad,
                _ => Style::Attention,
            };
            let seconds = (result.prepare_ms + result.agent_ms + result.test_ms) / 1000;
            let attempt = if result.attempt > 1 { format!(" #{}", result.attempt) } else { String::new() };
            let why = result.outcome.why().map(|why| format!(": {why}")).unwrap_or_default();
            let place = if result.image.is_some() { " in a container" } else { "" };
            let line = render::Line::new()
                .add(style, result.outcome.word())
                .add(Style::Plain, &format!("  {}{attempt}  ", result.case))
                .add(Style::Dim, &format!("{} {seconds} s{place}{why}", result.contestant));
            render::line(&context.screen, &line);
        }
    }
}
