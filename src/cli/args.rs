//! The verbs.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::cli::command;

const EXAMPLES: &str = "Examples:
  divisi try
  divisi new --wait 'add a test for the parser'
  divisi new --agent shell 'cargo fmt'
  divisi list
  divisi log parser --follow
  divisi diff parser
  divisi land parser --squash

Exit codes: 0 done, 1 refused, 2 wrong usage, 4 the agent failed, 5 waits for a person, 130 interrupted, 70 a bug in divisi.";

/// Splits a repository into isolated worktrees in which coding agents work in parallel.
#[derive(Debug, Parser)]
#[command(name = "divisi", version, about, after_help = EXAMPLES, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Verb,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Try(command::try_::Args),
    New(command::new::Args),
    List(command::list::Args),
    Show(command::show::Args),
    Log(command::log::Args),
    Wait(command::wait::Args),
    Send(command::send::Args),
    #[command(visible_alias = "interrupt")]
    Stop(command::stop::Args),
    Remove(command::remove::Args),
    Restore(command::restore::Args),
    Open(command::open::Args),
    Diff(command::diff::Args),
    Timeline(command::timeline::Args),
    Rewind(command::rewind::Args),
    Compare(command::compare::Args),
    Combine(command::combine::Args),
    Accept(command::hunk::AcceptArgs),
    Reject(command::hunk::RejectArgs),
    Undo(command::hunk::UndoArgs),
    Comment(command::comment::Args),
    Comments(command::comment::ListArgs),
    Review(command::review::Args),
    Approvals(command::approvals::Args),
    Answer(command::answer::Args),
    Eval(command::eval::Args),
    Preflight(command::preflight::Args),
    Land(command::land::Args),
    Batch(command::batch::Args),
    Queue(command::queue::Args),
    Option(command::option::Args),
    Policy(command::policy::Args),
    Trust(command::trust::Args),
    Agents(command::agents::Args),
    Bench(command::bench::Args),
    Doctor(command::doctor::Args),
    Daemon(command::daemon::Args),
    Config(command::config::Args),
    Schema(command::schema::Args),
    Completions(command::completions::Args),
    /// The Neovim face's host process; the plugin starts it
    #[command(disable_help_flag = true)]
    Nvim(Other),
    /// The language server; editors start it (doc/LSP.md)
    #[command(disable_help_flag = true)]
    Lsp(Other),
    #[command(hide = true, disable_help_flag = true)]
    Shim(Other),
    #[command(hide = true, disable_help_flag = true)]
    AgentScript(Other),
}

/// Arguments of another program in this binary.
#[derive(Debug, clap::Args)]
pub(crate) struct Other {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<OsString>,
}

#[cfg(test)]
mod tests;
