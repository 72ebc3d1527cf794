//! Where a prompt comes from: arguments, a file, standard input, or an editor.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::base::path::private_directory;
use crate::cli::context::Context;
use crate::model::Refusal;

/// A prompt larger than this would not fit into one message.
const LARGEST: u64 = 4 * 1024 * 1024;

const SCISSORS: &str = "# ------------------------ >8 ------------------------";

/// A prompt on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct PromptArgs {
    /// The prompt; `-` reads standard input. Without one, an editor opens
    #[arg(value_name = "PROMPT")]
    words: Vec<String>,
    /// Read the prompt from a file
    #[arg(long, value_name = "FILE", conflicts_with = "words")]
    from_file: Option<PathBuf>,
}

impl PromptArgs {
    /// The prompt's text.
    pub(crate) fn read(&self, context: &Context, before: &str) -> Result<String, Refusal> {
        let text = if let Some(file) = &self.from_file {
            let opened = File::open(file)
                .map_err(|error| Refusal::user(format!("failed to read {}: {error}", file.display())))?;
            bounded(opened, &file.display().to_string())?
        } else if self.words == ["-"] {
            bounded(std::io::stdin(), "standard input")?
        } else if !self.words.is_empty() {
            self.words.join(" ")
        } else if context.screen.input {
            edited(context, before)?
        } else {
            return Err(Refusal::user("there is no prompt")
                .hint("divisi ... 'what to do'")
                .hint("divisi ... -    # from standard input"));
        };
        let text = text.trim_end().to_owned();
        if text.trim().is_empty() {
            return Err(Refusal::user("the prompt is empty, so nothing was done"));
        }
        Ok(text)
    }
}

fn bounded(source: impl std::io::Read, name: &str) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    source
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Refusal::user(format!("failed to read {name}: {error}")))?;
    if bytes.len() as u64 > LARGEST {
        return Err(Refusal::user(format!("the prompt from {name} is larger than {} MiB", LARGEST / 1024 / 1024)));
    }
    String::from_utf8(bytes).map_err(|_| Refusal::user(format!("the prompt from {name} is not UTF-8")))
}

/// Lets the user write in an editor.
pub(crate) fn edited(context: &Context, before: &str) -> Result<String, Refusal> {
    let drafts = context.paths.state_dir.join("drafts");
    let failed = |error: std::io::Error| {
        Refusal::environment(format!("failed to write a draft in {}: {error}", drafts.display()))
    };
    private_directory(&drafts).map_err(failed)?;
    let draft = drafts.join(format!("{}.md", crate::wire::client::Client::command_id()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
    write!(file, "{before}\n\n{SCISSORS}\n# Write the prompt above. Everything below the line is left out.\n")
        .map_err(failed)?;
    drop(file);
    let outcome = run_editor(context, &draft, &drafts).and_then(|()| {
        let written = File::open(&draft).map_err(failed)?;
        bounded(written, "the editor")
    });
    // The text is in hand, or was given up.
    let _ = fs::remove_file(&draft);
    let text = outcome?;
    Ok(text.split(SCISSORS).next().unwrap_or_default().trim().to_owned())
}

/// Opens a path in the user's editor, in a directory.
pub(crate) fn run_editor(context: &Context, path: &Path, dir: &Path) -> Result<(), Refusal> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = context
        .config
        .ui
        .editor
        .clone()
        .or_else(|| set("VISUAL"))
        .or_else(|| set("EDITOR"))
        .unwrap_or_else(|| "vi".to_owned());
    let status = (context.programs.run_editor)(&editor, path, dir).map_err(|error| {
        Refusal::environment(format!("failed to start the editor `{editor}`: {error}"))
            .hint("divisi config set ui.editor EDITOR")
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(Refusal::user(format!("the editor `{editor}` ended with {status}, so nothing was done")))
    }
}
