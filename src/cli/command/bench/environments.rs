//! `divisi bench environments`: what is kept for cases.

use crate::base::clock;
use crate::cli::command::Outcome;
use crate::cli::command::bench::choice::CACHE;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render::table::Table;
use crate::cli::render::{self, Style};
use crate::model::bench_environment::{KeptEnvironment, Shelve};

/// List the environments that are kept for cases, or remove them
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An environment is made once for everything that decides what is in it (commands, the files of the tree that they read, variables, \
interpreter, tools); every checkout gets a copy of its own. They take 10 GiB at most: then those that were not used for longest go. \
Results name the one they had, and a run's directory says what was in it.

Examples:
  divisi bench environments
  divisi bench environments --keep-mb 2000
  divisi bench environments --clear"
)]
pub(crate) struct Args {
    /// Remove all that nobody uses now
    #[arg(long, conflicts_with = "keep_mb")]
    clear: bool,
    /// Remove those that were not used for longest, until the others take so much, MiB
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    keep_mb: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let at_most = if args.clear { Some(0) } else { args.keep_mb.map(|mb| mb.saturating_mul(1024 * 1024)) };
    let shelved = (context.programs.bench.shelve)(&Shelve { cache: context.paths.state_dir.join(CACHE), at_most })?;
    if args.json {
        render::json(&shelved);
        return Ok(Exit::Done);
    }
    if !shelved.removed.is_empty() {
        render::text(&format!("removed {} of {}", shelved.removed.len(), size(&shelved.removed)));
    }
    if shelved.kept.is_empty() {
        render::text("no environments are kept");
        return Ok(Exit::Done);
    }
    let now = clock::now();
    let mut table = Table::new(&["ENVIRONMENT", "MADE FOR", "PACKAGES", "SIZE", "TOOK", "USED"]);
    for kept in &shelved.kept {
        table.row(vec![
            (Style::Bold, kept.id.clone()),
            (Style::Plain, kept.record.name.clone()),
            (Style::Plain, kept.record.packages.len().to_string()),
            (Style::Plain, size(std::slice::from_ref(kept))),
            (Style::Dim, format!("{} s", kept.record.took_ms / 1000)),
            (Style::Dim, ago(now - kept.used_at)),
        ]);
    }
    table.write(&context.screen);
    render::text(&format!("{} in {}", size(&shelved.kept), shelved.directory.display()));
    Ok(Exit::Done)
}

fn size(kept: &[KeptEnvironment]) -> String {
    let bytes = kept.iter().fold(0_u64, |sum, one| sum.saturating_add(one.record.bytes));
    match bytes / 1024 {
        kib @ 0..1024 => format!("{kib} KiB"),
        kib => format!("{} MiB", kib / 1024),
    }
}

fn ago(millis: i64) -> String {
    match millis.max(0) / 60_000 {
        0 => "just now".to_owned(),
        minutes @ 1..120 => format!("{minutes} min ago"),
        minutes @ 120..2880 => format!("{} h ago", minutes / 60),
        minutes => format!("{} days ago", minutes / 1440),
    }
}
