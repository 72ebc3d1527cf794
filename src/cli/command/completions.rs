//! `divisi completions`: for the shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::render;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  divisi completions bash > ~/.local/share/bash-completion/completions/divisi")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "divisi", &mut script);
    render::verbatim(&String::from_utf8_lossy(&script));
    Exit::Done
}
