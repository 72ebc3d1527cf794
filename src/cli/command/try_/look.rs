//! After the agents: a look at one session's work, its landing, the history, and what to type next.

use std::path::{Path, PathBuf};

use super::project::{LANDED, MESSAGE};
use crate::base::text::visible_line;
use crate::cli::command::land;
use crate::cli::context::{Context, Door};
use crate::cli::key::Keys;
use crate::cli::render::live::columns;
use crate::cli::render::table::cut;
use crate::cli::render::{self, Line, Style};
use crate::model::Refusal;
use crate::model::command::{Command, Outcome as Came, StartLanding};
use crate::model::diff::{Diff, DiffRange, FileStatus};
use crate::model::landing::Strategy;
use crate::model::query::{DiffSession, Query};
use crate::model::session::SessionView;

/// The counts of a diff and its first hunk.
pub(super) async fn diff(context: &Context, door: &mut Door<'_>, view: &SessionView) -> Result<(), Refusal> {
    super::heading(context, &format!("What {} changed", view.name), &format!("divisi diff {}", view.name));
    let asked = DiffSession { session: view.id.clone(), range: DiffRange::Session, stat_only: false };
    let mut diff: Diff = door.query(Query::DiffSession(asked)).await?;
    render::diff::stat(&context.screen, &diff);
    let hunks: usize = diff.files.iter().map(|file| file.hunks.len()).sum();
    // A change says more than a file that is gone.
    diff.files.sort_by_key(|file| (file.status != FileStatus::Modified, file.hunks.is_empty()));
    if let Some(mut file) = diff.files.into_iter().find(|file| !file.hunks.is_empty()) {
        file.hunks.truncate(1);
        render::text("");
        render::diff::file(&context.screen, &file);
        if hunks > 1 {
            let more = format!("({} more hunk{})", hunks - 1, if hunks == 2 { "" } else { "s" });
            render::line(&context.screen, &Line::new().add(Style::Dim, &more));
        }
    }
    Ok(())
}

/// Lands it.
pub(super) async fn land(context: &Context, door: &mut Door<'_>, view: &SessionView) -> Result<(), Refusal> {
    super::heading(context, "Landing it on main as one commit", &format!("divisi land {LANDED} --squash -m ..."));
    let before = door.head();
    let command = StartLanding {
        skip_gates: false,
        session: view.id.clone(),
        strategy: Some(Strategy::Squash),
        onto: None,
        message: Some(MESSAGE.to_owned()),
        expect: None,
    };
    let receipt = door.submit(Command::StartLanding(command)).await?;
    let landing = match receipt.outcome {
        Came::Landing { landing } => Some(landing),
        _ => None,
    };
    let state = land::ended_state(context, door, &view.id, before, landing.as_ref()).await?;
    land::end(&state, view, false, false).map(drop)
}

/// The history.
pub(super) fn history(context: &Context, repository: &Path) -> Result<(), Refusal> {
    super::heading(context, "The repository now", "git log --oneline --graph --branches");
    let text = (context.programs.scratch.history)(repository)?;
    for line in text.lines() {
        let line = visible_line(line.trim_end(), 500);
        let line = columns(&context.screen).map_or_else(|| line.clone(), |width| cut(&line, width));
        render::line(&context.screen, &Line::new().add(Style::Plain, &line));
    }
    Ok(())
}

/// What to type next.
pub(super) fn next(context: &Context, repository: &Path) {
    super::heading(context, "Now you", "");
    let aliased = (context.programs.find)("divisi").is_none();
    let mut lines = Vec::new();
    if let (true, Ok(program)) = (aliased, std::env::current_exe()) {
        lines.push((format!("alias divisi={}", homely(&program)), "or: cargo install --path ."));
    }
    lines.extend([
        (format!("cd {}", homely(repository)), ""),
        ("divisi list".to_owned(), "all sessions"),
        ("divisi log help-option".to_owned(), "what it said and did"),
        ("divisi diff licence-lines".to_owned(), "hunk by hunk"),
        ("divisi land help-option".to_owned(), "bring it to main"),
        ("divisi try --remove".to_owned(), "delete this example"),
    ]);
    say(context, &lines);
    render::text("In a repository of your own:");
    say(
        context,
        &[
            ("divisi agents".to_owned(), "who could work for you"),
            ("divisi new 'what to do'".to_owned(), "in a worktree of its own"),
            ("divisi new --agent shell 'make fmt'".to_owned(), "no model needed"),
        ],
    );
    render::text("In Neovim: :Divisi list, :Divisi new, :checkhealth divisi");
}

fn say(context: &Context, lines: &[(String, &str)]) {
    // A long path would push the remarks off a small screen.
    let widest = lines.iter().map(|(command, _)| command.len()).filter(|width| *width <= 36).max().unwrap_or(0);
    let room = columns(&context.screen).unwrap_or(usize::MAX);
    for (command, remark) in lines {
        let line = Line::new().add(Style::Accent, &format!("  {command:<widest$}"));
        let fits = 2 + command.len().max(widest) + 4 + remark.len() <= room;
        let line = if remark.is_empty() || !fits { line } else { line.add(Style::Dim, &format!("  # {remark}")) };
        render::line(&context.screen, &line);
    }
}

/// Offers to open the example in Neovim, when there is one, a person, and a plugin beside this program.
pub(super) async fn editor(context: &Context, repository: &Path) -> Result<(), Refusal> {
    let person = context.screen.input && context.screen.width.is_some();
    let (Some(nvim), Some(checkout), true) = ((context.programs.find)("nvim"), checkout(), person) else {
        return Ok(());
    };
    render::text("");
    render::part("Open it in Neovim? [y]es, [N]o ");
    let key = match Keys::listen() {
        Ok(mut keys) => keys.next().await,
        Err(_) => None,
    };
    render::text(if matches!(key, Some(b'y' | b'Y')) { "yes" } else { "no" });
    if !matches!(key, Some(b'y' | b'Y')) {
        return Ok(());
    }
    let plugin = checkout.display().to_string().replace('\'', "''").replace(',', "\\,");
    let prepend = format!("let &rtp = '{plugin},' . &rtp");
    let command = format!("{} --cmd {} -c 'Divisi list'", quoted(&nvim), quoted(Path::new(&prepend)));
    let readme = repository.join("README.md");
    (context.programs.run_editor)(&command, &readme, repository)
        .map(drop)
        .map_err(|error| Refusal::environment(format!("failed to start {}: {error}", nvim.display())))
}

/// The checkout this program was built in, if it has the plugin.
fn checkout() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    program.ancestors().skip(1).find(|dir| dir.join("plugin/divisi.lua").is_file()).map(Path::to_path_buf)
}

/// A path as a person types it: from the home directory, where that is possible.
pub(super) fn homely(path: &Path) -> String {
    let below = std::env::var_os("HOME").and_then(|home| path.strip_prefix(home).ok().map(quoted));
    below.filter(|rest| !rest.starts_with('\'')).map_or_else(|| quoted(path), |rest| format!("~/{rest}"))
}

/// A word for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
