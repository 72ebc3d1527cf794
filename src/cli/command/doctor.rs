//! `divisi doctor`: what is wrong, and repairs.

use std::path::{Path, PathBuf};

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::context::path_text;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::cli::render::{Line, Style};
use crate::model::command::{Command, FixDoctor, Outcome as Came};
use crate::model::query::{DaemonStatus, Finding, OptionalRepository, Query};

mod editors;

/// Look for what is wrong: orphaned worktrees and branches, stale locks, a broken setup, editors that start another divisi
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi doctor
  divisi doctor --fix")]
pub(crate) struct Args {
    /// Only this repository
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Repair what can be repaired; unlanded work is never destroyed
    #[arg(long)]
    fix: bool,
    /// Print an array of findings (with --fix: {\"actions\": [...]} )
    #[arg(long)]
    json: bool,
}

/// Exits 1 when something is an error.
pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let repository = args.repo.as_deref().map(path_text).transpose()?;
    let mut door = context.door().await?;
    if args.fix {
        let receipt = door.submit(Command::FixDoctor(FixDoctor { repository })).await?;
        let Came::Fixed { actions } = receipt.outcome else { return Ok(Exit::Done) };
        if args.json {
            render::json(&serde_json::json!({ "actions": actions }));
        } else if actions.is_empty() {
            render::text("nothing to repair");
        } else {
            for action in &actions {
                render::text(action);
            }
        }
        return Ok(Exit::Done);
    }
    let mut findings: Vec<Finding> = door.query(Query::ScanDoctor(OptionalRepository { repository })).await?;
    let daemon: DaemonStatus = door.query(Query::DaemonStatus {}).await?;
    findings.extend(around(context, &daemon));
    if args.json {
        render::json(&findings);
    } else {
        for finding in &findings {
            say(context, finding);
        }
        if findings.is_empty() {
            render::text("nothing is wrong");
        }
        if findings.iter().any(|finding| finding.fix.is_some()) {
            render::remark("  try: divisi doctor --fix");
        }
    }
    Ok(if findings.iter().any(|finding| finding.level == "error") { Exit::Refused } else { Exit::Done })
}

/// What only this side sees: the daemon has another environment.
fn around(context: &Context, daemon: &DaemonStatus) -> Vec<Finding> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    // `~/.config/divisi/config.toml`
    let Some(configurations) = context.paths.config_file.parent().and_then(Path::parent) else { return Vec::new() };
    editors::findings(&editors::Surroundings {
        program: std::env::current_exe().ok().and_then(|program| program.canonicalize().ok()),
        find: &context.programs.find,
        configurations,
        home: home.as_deref(),
        daemon: &daemon.version,
    })
}

fn say(context: &Context, finding: &Finding) {
    let (style, mark) = match finding.level.as_str() {
        "ok" => (Style::Good, "ok     "),
        "warning" => (Style::Attention, "warning"),
        _ => (Style::Bad, "error  "),
    };
    let mut line = Line::new().add(style, mark).add(Style::Plain, &format!("  {}", finding.message));
    if let Some(subject) = finding.subject.as_ref().filter(|subject| !finding.message.contains(*subject)) {
        line = line.add(Style::Dim, &format!("  {subject}"));
    }
    render::line(&context.screen, &line);
    for more in finding
        .fix
        .iter()
        .map(|fix| format!("         --fix: {fix}"))
        .chain(finding.hint.iter().map(|hint| format!("         {hint}")))
    {
        render::line(&context.screen, &Line::new().add(Style::Dim, &more));
    }
}
