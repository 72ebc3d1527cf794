//! `divisi bench run`: an agent attempts the cases.

use std::collections::BTreeMap;

use serde_json::json;

use crate::cli::command::Outcome;
use crate::cli::command::bench::choice::Choice;
use crate::cli::command::bench::session::Sessions;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render::table::Table;
use crate::cli::render::{self, Style};
use crate::model::Refusal;
use crate::model::attempt::{self, Attempted, Contestant, Progress, Solver, Unsolved};

/// Have an agent attempt cases: each in a repository without history, judged on another fresh checkout
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi bench run suite.yaml --agent claude
  divisi bench run polyglot-benchmark --case python --size 20 --agent codex --attempts 3 -j2
  divisi bench run suite.yaml --agent gold        # the reference of each case: all have to be resolved
  divisi bench run suite.yaml --agent null        # nothing done: none may be

A run in --out that was cut off goes on where it ended: what was judged is not judged again.
Exit codes: 0 all that counts is resolved, 4 something is not.")]
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
    /// Print JSON: one line for each attempt as it ends, then the summary
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let contestant = match args.agent.as_str() {
        "gold" => Contestant::Gold,
        "null" => Contestant::Null,
        "shell" => {
            return Err(Refusal::user("the shell agent would run the task as a command")
                .hint("choose an agent that reads: divisi agents"));
        }
        name => Contestant::Agent(match &args.model {
            Some(model) => format!("{name}:{model}"),
            None => name.to_owned(),
        }),
    };
    let request = args.choice.request(context, contestant.clone(), args.attempts)?;
    let tell = |progress: Progress| {
        if args.json {
            if let Progress::Ended(result) = &progress {
                render::json_line(result);
            }
        } else {
            say(context, false, &progress);
        }
    };
    let results = if matches!(contestant, Contestant::Agent(_)) {
        let sessions = Sessions::new(context, &args.agent, args.model.as_deref(), args.profile.as_deref())?;
        let solve = |task: &attempt::Task| sessions.solve(task);
        let leave = |session: &str| sessions.leave(session);
        (context.programs.bench.attempt)(&request, Solver { solve: &solve, leave: &leave }, &tell)?
    } else {
        let nobody = |_: &attempt::Task| Err(Unsolved::Infrastructure("nobody attempts it".to_owned()));
        (context.programs.bench.attempt)(&request, Solver { solve: &nobody, leave: &|_| {} }, &tell)?
    };
    let counted = results.iter().filter(|result| result.outcome.counts()).count();
    let resolved = results.iter().filter(|result| result.outcome == attempt::Outcome::Resolved).count();
    if args.json {
        render::json_line(&json!({
            "directory": request.directory,
            "attempts": results.len(),
            "counted": counted,
            "resolved": resolved,
            "outcomes": outcomes(&results),
        }));
    } else {
        summary(context, &results);
        render::text(&format!("  {}", request.directory.display()));
    }
    Ok(if resolved == results.len() { Exit::Done } else { Exit::Failed })
}

/// How many ended how.
fn outcomes(results: &[Attempted]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for result in results {
        *counts.entry(result.outcome.word()).or_default() += 1;
    }
    counts
}

fn summary(context: &Context, results: &[Attempted]) {
    let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for result in results.iter().filter(|result| result.outcome.counts()) {
        let (resolved, counted) = groups.entry(&result.group).or_default();
        *counted += 1;
        *resolved += usize::from(result.outcome == attempt::Outcome::Resolved);
    }
    let mut table = Table::new(&["OF", "RESOLVED", "COUNTED", "RATE"]);
    let total = groups.values().fold((0, 0), |sum, group| (sum.0 + group.0, sum.1 + group.1));
    let mut row = |name: &str, style, (resolved, counted): (usize, usize)| {
        let rate = if counted == 0 { "-".to_owned() } else { format!("{} %", 100 * resolved / counted) };
        table.row(vec![
            (style, name.to_owned()),
            (Style::Plain, resolved.to_string()),
            (Style::Plain, counted.to_string()),
            (Style::Plain, rate),
        ]);
    };
    if groups.len() > 1 {
        for (name, group) in &groups {
            row(name, Style::Plain, *group);
        }
    }
    row("all", Style::Bold, total);
    table.write(&context.screen);
    let others: Vec<String> = outcomes(results)
        .into_iter()
        .filter(|(word, _)| *word != "resolved")
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    if !others.is_empty() {
        render::text(&others.join(", "));
    }
}

/// A line for what happened.
pub(super) fn say(context: &Context, quiet: bool, progress: &Progress) {
    match progress {
        _ if quiet => {}
        Progress::Planned { done: 0, .. } => {}
        Progress::Planned { attempts, done } => {
            render::remark(&format!("{done} of {attempts} attempts were made before"));
        }
        Progress::Begun { .. } => {}
        Progress::Ended(result) => {
            let style = match &result.outcome {
                attempt::Outcome::Resolved => Style::Good,
                outcome if outcome.counts() => Style::Bad,
                _ => Style::Attention,
            };
            let seconds = (result.prepare_ms + result.agent_ms + result.test_ms) / 1000;
            let attempt = if result.attempt > 1 { format!(" #{}", result.attempt) } else { String::new() };
            let why = result.outcome.why().map(|why| format!(": {why}")).unwrap_or_default();
            let line = render::Line::new()
                .add(style, result.outcome.word())
                .add(Style::Plain, &format!("  {}{attempt}  ", result.case))
                .add(Style::Dim, &format!("{} {seconds} s{why}", result.contestant));
            render::line(&context.screen, &line);
        }
    }
}
