//! `divisi bench validate`: what the cases are worth on this machine.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::cli::command::Outcome;
use crate::cli::command::bench::choice::Choice;
use crate::cli::command::bench::run::say;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render::table::Table;
use crate::cli::render::{self, Style};
use crate::model::attempt::{Asked, Contestant, Judged, Validity};

/// Run every case with nothing done and with its reference: it has to fail, then to pass
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi bench validate suite.yaml
  divisi bench validate polyglot-benchmark --case rust --size 10 -j2
  divisi bench validate humanevalpack_python.jsonl

Exit codes: 0 all are valid, 4 some are not, 130 interrupted.")]
pub(crate) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let stop = (context.programs.bench.interrupted)()?;
    let request = args.choice.request(context, Contestant::Null, Asked::default(), 1)?;
    let quiet = args.json;
    let judged = (context.programs.bench.validate)(&request, &|progress| say(context, quiet, &progress), &stop)?;
    let valid = judged.iter().filter(|judged| judged.validity == Validity::Valid).count();
    if args.json {
        render::json(&json!({
            "directory": request.directory,
            "valid": valid,
            "cases": judged,
        }));
    } else {
        let mut table = Table::new(&["CASE", "ON THIS MACHINE IT"]);
        for Judged { case, validity, why } in judged.iter().filter(|judged| judged.validity != Validity::Valid) {
            let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
            table.row(vec![(Style::Bold, case.clone()), (Style::Bad, format!("{}{why}", validity.words()))]);
        }
        if valid < judged.len() {
            table.write(&context.screen);
        }
        render::text(&format!("{valid} of {} cases are valid here", judged.len()));
        if judged.iter().any(|judged| judged.why.ends_with("not found")) {
            render::remark(
                "what tests need is not here: install it; for SWE-bench, --environments FILE names what instances need",
            );
        }
        render::text(&format!("  {}", request.directory.display()));
    }
    Ok(match () {
        () if stop.load(Ordering::Relaxed) => Exit::Interrupted,
        () if valid == judged.len() => Exit::Done,
        () => Exit::Failed,
    })
}
