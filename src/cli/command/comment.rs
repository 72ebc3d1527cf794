//! `divisi comment` and `divisi comments`: what a person says about lines.

use clap::ValueEnum;

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::prompt::PromptArgs;
use crate::cli::render;
use crate::model::Refusal;
use crate::model::command::{Command, Outcome as Came};
use crate::model::id::CommentId;
use crate::model::query::Query;
use crate::model::review::{
    AddComment, CommentKind, CommentSide, EditComment, ListComments, PlacedComment, RemoveComment, ResolveComment,
};
use crate::model::session::SessionView;

/// Comment on lines of a session's changes; divisi review --send tells the agent
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi comment parser src/parse.rs:40-44 'this leaks when the input ends'
  divisi comment parser src/parse.rs:7 --kind question 'why not the other way round?'
  divisi comment parser src/parse.rs 'needs a test'     # on the whole file")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// The file, its line or lines (PATH, PATH:LINE or PATH:FIRST-LAST)
    #[arg(value_name = "PATH:LINE")]
    place: String,
    #[command(flatten)]
    text: PromptArgs,
    /// What the comment wants
    #[arg(long, value_enum, default_value = "issue")]
    kind: Kind,
    /// The lines are those of the base, not of the working file
    #[arg(long)]
    old: bool,
}

/// What a comment wants.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Issue,
    Suggestion,
    Question,
    Nit,
}

impl From<Kind> for CommentKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Issue => Self::Issue,
            Kind::Suggestion => Self::Suggestion,
            Kind::Question => Self::Question,
            Kind::Nit => Self::Nit,
        }
    }
}

/// List comments on a session's changes; change them, settle them, take them away
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi comments parser
  divisi comments parser --resolve c3
  divisi comments parser --edit c3 'better words'")]
pub(crate) struct ListArgs {
    /// The session
    session: String,
    /// Settled ones too
    #[arg(long)]
    all: bool,
    /// Print an array of comments
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    instead: Instead,
}

#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Instead {
    /// Change a comment; it goes with the next round (again)
    #[arg(long, num_args = 2, value_names = ["COMMENT", "TEXT"])]
    edit: Option<Vec<String>>,
    /// Mark a comment as settled
    #[arg(long, value_name = "COMMENT")]
    resolve: Option<String>,
    /// Mark a settled comment as open
    #[arg(long, value_name = "COMMENT")]
    reopen: Option<String>,
    /// Take a comment away
    #[arg(long, value_name = "COMMENT")]
    remove: Option<String>,
}

impl Instead {
    /// What is to be done instead of listing, and what to say afterwards.
    fn command(self, view: &SessionView) -> Option<(Command, &'static str)> {
        let session = view.id.clone();
        if let Some([comment, text]) = self.edit.as_deref() {
            let (comment, text) = (named(view, comment), text.clone());
            return Some((Command::EditComment(EditComment { session, comment, text, kind: None }), "changed"));
        }
        if let Some(comment) = self.remove {
            let comment = named(view, &comment);
            return Some((Command::RemoveComment(RemoveComment { session, comment }), "removed"));
        }
        let (comment, resolved) = match (self.resolve, self.reopen) {
            (Some(comment), _) => (comment, true),
            (None, Some(comment)) => (comment, false),
            (None, None) => return None,
        };
        let comment = named(view, &comment);
        let said = if resolved { "settled" } else { "open again" };
        Some((Command::ResolveComment(ResolveComment { session, comment, resolved }), said))
    }
}

/// A comment named by its id or the part after the dot.
fn named(view: &SessionView, reference: &str) -> CommentId {
    if reference.contains('.') {
        CommentId(reference.to_owned())
    } else {
        CommentId(format!("{}.{reference}", view.id))
    }
}

/// `PATH`, `PATH:LINE` or `PATH:FIRST-LAST`. What is not a number after the last colon belongs to the path.
pub(crate) fn place(text: &str) -> Result<(String, u32, u32), Refusal> {
    let wrong = || {
        let shown = crate::base::text::visible_line(text, 80);
        Refusal::user(format!("'{shown}' does not name lines")).hint("write PATH, PATH:LINE or PATH:FIRST-LAST")
    };
    if text.is_empty() {
        return Err(wrong());
    }
    let Some((path, lines)) = text.rsplit_once(':') else { return Ok((text.to_owned(), 0, 0)) };
    let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
    match (first.parse::<u32>(), last.parse::<u32>()) {
        (Ok(first), Ok(last)) if first > 0 && last >= first && !path.is_empty() => Ok((path.to_owned(), first, last)),
        (Ok(_), Ok(_)) => Err(wrong()),
        _ => Ok((text.to_owned(), 0, 0)),
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let session = door.session(&args.session).await?.id;
    let (path, first, last) = place(&args.place)?;
    let add = AddComment {
        session,
        path,
        side: if args.old { CommentSide::Old } else { CommentSide::New },
        first,
        last: Some(last),
        kind: args.kind.into(),
        text: args.text.read(context, "")?,
        round: 0,
    };
    let receipt = door.submit(Command::AddComment(add)).await?;
    if let Came::Commented { comment } = receipt.outcome {
        render::text(&format!("comment {}", short(&comment)));
    }
    Ok(Exit::Done)
}

fn short(id: &CommentId) -> &str {
    id.as_str().rsplit_once('.').map_or(id.as_str(), |(_, last)| last)
}

pub(crate) async fn list(args: ListArgs, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    if let Some((command, said)) = args.instead.command(&view) {
        door.submit(command).await?;
        render::text(said);
        return Ok(Exit::Done);
    }
    let session = view.id;
    let mut comments: Vec<PlacedComment> = door.query(Query::ListComments(ListComments { session })).await?;
    if !args.all {
        comments.retain(|placed| !placed.comment.resolved);
    }
    if args.json {
        render::json(&comments);
        return Ok(Exit::Done);
    }
    if comments.is_empty() {
        render::text("no comments");
    }
    for placed in &comments {
        render::review::comment(&context.screen, short(&placed.comment.id), placed);
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests;
