//! `divisi combine`: a session that begins with what others made.

use crate::cli::command::Outcome;
use crate::cli::command::new::worktree_made;
use crate::cli::context::{Context, Door};
use crate::cli::exit::Exit;
use crate::cli::follow;
use crate::cli::render::{self, Line, Style};
use crate::model::Refusal;
use crate::model::command::{Command, Outcome as Came};
use crate::model::id::HunkId;
use crate::model::timeline::{CombineSessions, Pick};

/// Start a session with what others made: all of it, or hunks and files of it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A PICK is a session, or SESSION:PART,PART with hunks (ids as divisi compare --hunks shows them, at least four \
digits) and files. What is taken is merged in this order; when that conflicts, nothing is made.

Examples:
  divisi combine one
  divisi combine one two:2f28,637c three:src/parse.rs --name best
  divisi combine one two --prompt 'make the tests pass'"
)]
pub(crate) struct Args {
    /// What is taken
    #[arg(required = true, value_name = "PICK")]
    picks: Vec<String>,
    /// The session's name
    #[arg(long)]
    name: Option<String>,
    /// A task to go on with; without one nothing is started
    #[arg(long)]
    prompt: Option<String>,
    /// The agent for it; the first session's otherwise
    #[arg(long)]
    agent: Option<String>,
    /// Print the session as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let mut picks = Vec::new();
    for text in &args.picks {
        picks.push(pick(&mut door, text).await?);
    }
    let combine = CombineSessions { picks, name: args.name, prompt: args.prompt, agent: args.agent };
    let before = door.head();
    let receipt = door.submit(Command::CombineSessions(combine)).await?;
    let Came::Created { session, name, branch, path } = receipt.outcome else {
        return Err(Refusal::internal("the daemon's receipt names no session"));
    };
    follow::until(context, &door, &session, before, "making the worktree", worktree_made).await?;
    if args.json {
        render::json(&door.session(session.as_str()).await?);
    } else {
        let line = Line::new()
            .add(Style::Bold, &name)
            .add(Style::Dim, &format!("  {session}  {}", render::words::branch(&branch)));
        render::line(&context.screen, &line);
        render::text(&path);
    }
    Ok(Exit::Done)
}

/// `SESSION` or `SESSION:PART,PART`.
async fn pick(door: &mut Door<'_>, text: &str) -> Result<Pick, Refusal> {
    let (session, parts) = text.split_once(':').unwrap_or((text, ""));
    let session = door.session(session).await?.id;
    let mut pick = Pick { session, hunks: Vec::new(), files: Vec::new() };
    for part in parts.split(',').filter(|part| !part.is_empty()) {
        if is_hunk(part) {
            pick.hunks.push(HunkId(part.to_owned()));
        } else {
            pick.files.push(part.strip_prefix("./").unwrap_or(part).to_owned());
        }
    }
    if text.contains(':') && pick.hunks.is_empty() && pick.files.is_empty() {
        return Err(Refusal::user(format!("failed to read the pick {text}: it names no hunk and no file")));
    }
    Ok(pick)
}

/// A file of such a name is written `./name`.
fn is_hunk(part: &str) -> bool {
    (4..=16).contains(&part.len()) && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
