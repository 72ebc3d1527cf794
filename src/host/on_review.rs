//! Comments, rounds and viewed marks.

use crate::host::advance::advance;
use crate::host::change::{Change, Step, Waiting};
use crate::host::effect::{Effect, Ticket};
use crate::model::Refusal;
use crate::model::agent::Protocol;
use crate::model::command::{Command, Outcome};
use crate::model::event::Event;
use crate::model::id::{CommandId, CommentId, Oid, PromptId, SessionId};
use crate::model::landing::LandingState;
use crate::model::review::{
    AddComment, Anchor, Comment, EditComment, PlacedComment, RejectedHunk, RemoveComment, ResolveComment, Round,
    SendRound, ViewFile,
};
use crate::model::session::{Session, Setup};
use crate::model::turn::QueuedPrompt;
use crate::model::worktree::WorktreeState;
use crate::session::round;

/// Characters of a path or of what tells contents apart.
const NAME_LIMIT: usize = 4_096;
/// Files that can be marked as viewed.
const VIEWED_MOST: usize = 10_000;

/// What a round was composed from.
#[derive(Debug, Clone)]
pub(crate) struct RoundFacts {
    pub(crate) baseline: Oid,
    pub(crate) comments: Vec<PlacedComment>,
    pub(crate) rejected: Vec<RejectedHunk>,
}

fn require_ready<'a>(change: &'a Change<'_>, id: &SessionId, what: &str) -> Result<&'a Session, Refusal> {
    let session = change.brain.registry.require(id)?;
    if session.worktree.state == WorktreeState::Ready {
        return Ok(session);
    }
    Err(Refusal::conflict(format!("cannot {what} '{}': its worktree is not there", session.name))
        .hint(format!("divisi show {}", session.name)))
}

fn require_text(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::user("a comment needs some text"));
    }
    if text.chars().count() > Comment::LIMIT {
        return Err(Refusal::user(format!("a comment has at most {} characters", Comment::LIMIT)));
    }
    Ok(())
}

fn require_comment<'a>(change: &'a Change<'_>, session: &SessionId, id: &CommentId) -> Result<&'a Comment, Refusal> {
    let session = change.brain.registry.require(session)?;
    session.review.comments.iter().find(|comment| comment.id == *id).ok_or_else(|| {
        let shown = crate::base::text::visible_line(id.as_str(), 40);
        Refusal::user(format!("'{}' has no comment {shown}", session.name))
            .hint(format!("divisi comments {}", session.name))
    })
}

/// A person comments on lines: they are read first, so that the comment can hold on to them.
pub(crate) fn on_add(
    change: &mut Change<'_>,
    command: &CommandId,
    request: &AddComment,
    client: &str,
) -> Result<(), Refusal> {
    let session = require_ready(change, &request.session, "comment on")?;
    require_text(&request.text)?;
    let last = request.last.unwrap_or(request.first);
    if last < request.first || (request.first == 0 && last > 0) || request.path.chars().count() > NAME_LIMIT {
        return Err(Refusal::user("a comment is on a file, or on lines from a first to a last one"));
    }
    if session.review.comments.len() >= Comment::MOST {
        return Err(Refusal::conflict(format!("'{}' has {} comments already", session.name, Comment::MOST))
            .hint("remove the settled ones"));
    }
    let worktree = Box::new(session.worktree.clone());
    let ticket = change.brain.wait(command, &Command::AddComment(request.clone()));
    let request = Box::new(request.clone());
    change.want(Effect::ReadAnchor { ticket, worktree, request, client: client.to_owned() });
    Ok(())
}

/// The commented lines were read.
pub(crate) fn on_anchor(
    change: &mut Change<'_>,
    ticket: Ticket,
    request: AddComment,
    client: String,
    result: Result<Anchor, Refusal>,
) {
    let Some(Waiting { id: command, .. }) = change.brain.waiting.remove(&ticket) else { return };
    let id = request.session.clone();
    let anchor = match result {
        Ok(anchor) => anchor,
        Err(refusal) => return change.refuse(&command, refusal),
    };
    let Some(session) = change.brain.registry.sessions.get(&id) else {
        return change.refuse(&command, Refusal::conflict("the session was removed meanwhile"));
    };
    let comment = Comment {
        id: CommentId(format!("{id}.c{}", session.review.comments_made + 1)),
        path: request.path,
        side: request.side,
        first: request.first,
        last: request.last.unwrap_or(request.first),
        kind: request.kind,
        text: request.text,
        anchor,
        by: client,
        at: change.now,
        round: None,
        resolved: false,
    };
    let made = comment.id.clone();
    change.emit(Some(&id), Event::CommentAdded(Box::new(comment)));
    change.accept(&command, Some(&id), Outcome::Commented { comment: made });
}

/// A comment says something else.
pub(crate) fn on_edit(change: &mut Change<'_>, command: &CommandId, request: &EditComment) -> Result<(), Refusal> {
    let comment = require_comment(change, &request.session, &request.comment)?;
    require_text(&request.text)?;
    let kind = request.kind.unwrap_or(comment.kind);
    let event = Event::CommentEdited { id: request.comment.clone(), text: request.text.clone(), kind };
    change.emit(Some(&request.session), event);
    change.accept_done(command, Some(&request.session));
    Ok(())
}

/// A comment is taken away.
pub(crate) fn on_remove(change: &mut Change<'_>, command: &CommandId, request: &RemoveComment) -> Result<(), Refusal> {
    require_comment(change, &request.session, &request.comment)?;
    change.emit(Some(&request.session), Event::CommentRemoved { id: request.comment.clone() });
    change.accept_done(command, Some(&request.session));
    Ok(())
}

/// A comment is settled.
pub(crate) fn on_resolve(
    change: &mut Change<'_>,
    command: &CommandId,
    request: &ResolveComment,
) -> Result<(), Refusal> {
    let comment = require_comment(change, &request.session, &request.comment)?;
    if comment.resolved != request.resolved {
        let event = Event::CommentResolved { id: request.comment.clone(), resolved: request.resolved };
        change.emit(Some(&request.session), event);
    }
    change.accept_done(command, Some(&request.session));
    Ok(())
}

/// A file was looked at.
pub(crate) fn on_view(change: &mut Change<'_>, command: &CommandId, request: &ViewFile) -> Result<(), Refusal> {
    let session = change.brain.registry.require(&request.session)?;
    let too_long = |text: &String| text.chars().count() > NAME_LIMIT;
    if too_long(&request.path) || request.content.as_ref().is_some_and(too_long) {
        return Err(Refusal::user("this is not a file of a diff"));
    }
    let known = session.review.viewed.get(&request.path);
    if known.is_none() && request.content.is_some() && session.review.viewed.len() >= VIEWED_MOST {
        return Err(Refusal::conflict(format!("{VIEWED_MOST} files are marked as viewed already")));
    }
    if known != request.content.as_ref() {
        let event = Event::FileViewed { path: request.path.clone(), content: request.content.clone() };
        change.emit(Some(&request.session), event);
    }
    change.accept_done(command, Some(&request.session));
    Ok(())
}

/// Open comments and rejected hunks are to be sent.
pub(crate) fn on_send(change: &mut Change<'_>, command: &CommandId, request: &SendRound) -> Result<(), Refusal> {
    let id = &request.session;
    let session = require_ready(change, id, "send a round to")?;
    let name = &session.name;
    if let Some(round) = session.review.sending() {
        return Err(Refusal::conflict(format!("round {} of '{name}' is on its way", round.number)));
    }
    if session.landing.as_ref().is_some_and(|landing| landing.state == LandingState::Started) {
        return Err(Refusal::conflict(format!("cannot send a round to '{name}': it is being landed"))
            .hint(format!("divisi wait {name}")));
    }
    if request.note.chars().count() > Comment::LIMIT {
        return Err(Refusal::user(format!("a round's note has at most {} characters", Comment::LIMIT)));
    }
    let comments: Vec<_> = round::open_comments(session).map(|comment| comment.id.clone()).collect();
    let rejected: Vec<_> = round::untold(session).cloned().collect();
    if comments.is_empty() && rejected.is_empty() && request.note.trim().is_empty() {
        return Err(Refusal::user(format!(
            "nothing to send to '{name}': no open comment, and no rejected hunk it was not told of"
        ))
        .hint(format!("divisi comment {name} PATH:LINE TEXT"))
        .hint(format!("divisi send {name} PROMPT")));
    }
    let (agent, _) = change.brain.agent(session)?;
    if agent.protocol == Protocol::Shell {
        // Its prompts are command lines: what a round quotes would be run.
        return Err(Refusal::user(format!("cannot send a round to '{name}': a shell job reads no reviews"))
            .hint(format!("divisi send {name} COMMAND")));
    }
    let number = session.review.rounds_made + 1;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let outcome = Outcome::Round { number, comments: count(comments.len()), rejected: count(rejected.len()) };
    let at = change.now;
    let round = Round { number, at, comments, rejected, note: request.note.clone(), baseline: None, prompt: None };
    change.emit(Some(id), Event::RoundStarted(Box::new(round)));
    change.accept(command, Some(id), outcome);
    advance(change, id);
    Ok(())
}

/// Begins what a round on its way needs.
pub(crate) fn go_on(change: &mut Change<'_>, id: &SessionId) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let Some(round) = session.review.sending().cloned() else { return };
    let worktree = Box::new(session.worktree.clone());
    let taken = |comment: &&Comment| round.comments.contains(&comment.id);
    let comments = session.review.comments.iter().filter(taken).cloned().collect();
    let round = Box::new(round);
    change.want_step(id, Step::Round, || Effect::PrepareRound { session: id.clone(), worktree, round, comments });
}

/// The baseline is kept and everything quoted was read: the agent is told.
pub(crate) fn on_prepared(
    change: &mut Change<'_>,
    id: &SessionId,
    number: u32,
    result: Result<Box<RoundFacts>, Refusal>,
) {
    change.step_done(id, Step::Round);
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let Some(round) = session.review.sending().filter(|round| round.number == number) else { return };
    match result {
        Ok(facts) => {
            let text = round::compose(number, &round.note, &facts.comments, &facts.rejected);
            let prompt = PromptId(format!("{id}.p{}", session.prompts + 1));
            let retry_setup = matches!(session.setup, Setup::Failed { .. });
            let queued = QueuedPrompt {
                id: prompt.clone(),
                session: id.clone(),
                text,
                queued_at: change.now,
                attachments: Vec::new(),
                urgent: false,
                steers: None,
            };
            change.emit(Some(id), Event::RoundSent { number, baseline: facts.baseline, prompt });
            change.emit(Some(id), Event::PromptQueued { prompt: queued });
            if retry_setup {
                change.emit(Some(id), Event::SetupChanged { setup: Setup::Running, output: String::new() });
            }
        }
        Err(refusal) => {
            change.emit(Some(id), Event::RoundFailed { number, reason: crate::host::hinted(&refusal) });
        }
    }
    advance(change, id);
}
