//! What a review needs from repositories and the store; runs on blocking threads.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::host::on_query::encode;
use crate::host::on_review::RoundFacts;
use crate::host::port::{Git, Store, Table};
use crate::host::registry::patch_key;
use crate::host::run_effect::Ports;
use crate::model::Refusal;
use crate::model::command::{DecideHunk, HunkAction};
use crate::model::diff::{Diff, DiffRange, HunkDecision};
use crate::model::id::{HunkId, SessionId};
use crate::model::part::{FoundHunk, Parts};
use crate::model::review::{
    AddComment, Anchor, Applying, Comment, CommentSide, PlacedComment, RejectedHunk, Review, ReviewView, Round,
};
use crate::model::session::Session;
use crate::model::worktree::Worktree;
use crate::session::anchor::{self, Place};
use crate::session::{part, round};

/// The range that is meant: the newest round's, or the base while there is none.
pub(crate) fn resolve(range: DiffRange, review: &Review) -> DiffRange {
    match range {
        DiffRange::Round { number: None | Some(0) } => match review.last_round() {
            0 => DiffRange::Session,
            number => DiffRange::Round { number: Some(number) },
        },
        other => other,
    }
}

/// Puts decisions and viewed marks into a diff.
pub(crate) fn annotate(diff: &mut Diff, decisions: &BTreeMap<HunkId, HunkDecision>, review: &Review) {
    part::cut(diff, &review.parts);
    for file in &mut diff.files {
        file.viewed = file.content.is_some() && review.viewed.get(&file.path) == file.content.as_ref();
        for hunk in &mut file.hunks {
            match decisions.get(&hunk.id) {
                // It was taken out; that it is there means somebody put it back.
                Some(HunkDecision::Rejected) if !review.applying.contains_key(&hunk.id) => hunk.returned = true,
                decision => hunk.decision = decision.copied(),
            }
        }
    }
}

/// Everything a review is drawn from.
pub(crate) fn show(ports: &Ports, session: &Session, range: DiffRange, message: String) -> Result<Value, Refusal> {
    let range = resolve(range, &session.review);
    let mut diff = ports.git.diff(&session.worktree, &range, None, false)?;
    annotate(&mut diff, &session.decisions, &session.review);
    let there: std::collections::BTreeSet<_> =
        diff.files.iter().flat_map(|file| &file.hunks).map(|hunk| &hunk.id).collect();
    let gone = session
        .decisions
        .iter()
        .filter(|(hunk, decision)| **decision == HunkDecision::Rejected && !there.contains(hunk))
        .map(|(hunk, _)| hunk);
    let mut rejected = rejected_hunks(ports.store.as_ref(), &session.id, &session.review, gone)?;
    for hunk in &mut rejected {
        // A file that is gone, or no text any more, has no such line.
        if let Ok(Some(text)) = ports.git.working_file(&session.worktree, &hunk.path) {
            hunk.line = anchor::locate_hunk(hunk, &text);
        }
    }
    rejected.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    let comments = placed(ports.git.as_ref(), &session.worktree, &session.review.comments);
    let round = session.review.last_round();
    encode(&ReviewView { session: session.id.clone(), range, round, diff, rejected, comments, message })
}

/// Comments with where they are now.
pub(crate) fn placed(git: &dyn Git, worktree: &Worktree, comments: &[Comment]) -> Vec<PlacedComment> {
    let mut files: BTreeMap<(Side, String), Option<String>> = BTreeMap::new();
    let mut placed = Vec::new();
    for comment in comments {
        let side = Side::of(comment.side, comment.anchor.round);
        let text = files
            .entry((side, comment.path.clone()))
            // A file that cannot be read any more holds no line of a comment.
            .or_insert_with(|| read(git, worktree, &comment.path, comment.side, comment.anchor.round).ok().flatten());
        let place = match text {
            Some(text) => anchor::locate(comment, text),
            None if comment.first == 0 => Place::Here(0),
            None => Place::Gone,
        };
        let (line, outdated) = match place {
            Place::Here(line) => (Some(line), false),
            Place::About(line) => (Some(line), true),
            Place::Gone => (None, true),
        };
        placed.push(PlacedComment { comment: comment.clone(), line, outdated });
    }
    placed
}

/// A side of a diff, as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    New,
    Old(u32),
}

impl Side {
    fn of(side: CommentSide, round: u32) -> Self {
        match side {
            CommentSide::New => Self::New,
            CommentSide::Old => Self::Old(round),
        }
    }
}

fn read(
    git: &dyn Git,
    worktree: &Worktree,
    path: &str,
    side: CommentSide,
    round: u32,
) -> Result<Option<String>, Refusal> {
    match (side, round) {
        (CommentSide::New, _) => git.working_file(worktree, path),
        (CommentSide::Old, 0) => git.base_file(worktree, path),
        (CommentSide::Old, number) => git.round_file(worktree, number, path),
    }
}

/// The lines that a new comment holds on to.
pub(crate) fn read_anchor(git: &dyn Git, worktree: &Worktree, request: &AddComment) -> Result<Anchor, Refusal> {
    let shown = crate::base::text::visible_line(&request.path, 120);
    let round = if request.side == CommentSide::Old { request.round } else { 0 };
    if request.first == 0 && request.side == CommentSide::New {
        // A comment on a whole file may be about one that is no text, or is gone.
        return Ok(Anchor::default());
    }
    let text = read(git, worktree, &request.path, request.side, round)?;
    let Some(text) = text else {
        return Err(Refusal::user(format!("there is no file {shown} on this side of the diff"))
            .hint("a file that is gone is commented on its old side"));
    };
    anchor::make(&text, request.first, request.last.unwrap_or(request.first), round)
        .ok_or_else(|| Refusal::user(format!("{shown} has no such lines; it has {}", text.lines().count())))
}

/// Rejected hunks with what was taken out.
fn rejected_hunks<'a>(
    store: &dyn Store,
    session: &SessionId,
    review: &Review,
    hunks: impl Iterator<Item = &'a HunkId>,
) -> Result<Vec<RejectedHunk>, Refusal> {
    let mut found = Vec::new();
    for hunk in hunks {
        // One whose patch is damaged cannot be shown; the others can.
        if let Some(patch) = stored_patch(store, session, hunk)? {
            found.push(round::read_patch(hunk, &patch, review.told.contains(hunk)));
        }
    }
    Ok(found)
}

fn stored_patch(store: &dyn Store, session: &SessionId, hunk: &HunkId) -> Result<Option<String>, Refusal> {
    let Some(doc) = store.row(Table::Patches, &patch_key(session, hunk))?.and_then(|row| row.doc) else {
        return Ok(None);
    };
    serde_json::from_str(&doc)
        .map(Some)
        .map_err(|error| Refusal::internal(format!("failed to read the patch of hunk {hunk}: {error}")))
}

/// Keeps a round's baseline and reads everything it quotes.
pub(crate) fn prepare_round(
    ports: &Ports,
    session: &SessionId,
    worktree: &Worktree,
    round: &Round,
    comments: &[Comment],
) -> Result<Box<RoundFacts>, Refusal> {
    let baseline = ports.git.snapshot_round(worktree, round.number)?;
    let comments = placed(ports.git.as_ref(), worktree, comments);
    let rejected = rejected_hunks(ports.store.as_ref(), session, &Review::default(), round.rejected.iter())?;
    Ok(Box::new(RoundFacts { baseline, comments, rejected }))
}

/// Finds the hunk that a decision is about, and its patch where files have to change.
pub(crate) fn find_hunk(
    ports: &Ports,
    worktree: &Worktree,
    request: &DecideHunk,
    rejected: Option<HunkId>,
    round: u32,
    accepted: &Parts,
) -> Result<FoundHunk, Refusal> {
    if request.action == HunkAction::Undo {
        let Some(hunk) = rejected else {
            return Err(Refusal::internal("an undo without a decision reached the working files"));
        };
        let patch = stored_patch(ports.store.as_ref(), &request.session, &hunk)?
            .ok_or_else(|| Refusal::conflict(format!("cannot put hunk {hunk} back: its patch is not recorded")))?;
        return Ok(FoundHunk { id: hunk, patch, part: None });
    }
    let git = ports.git.as_ref();
    let found = find_in(git, worktree, request, 0, accepted);
    if found.is_err() && round > 0 {
        // A person who looks at the answer to a round sees other hunks than one who looks at everything.
        return find_in(git, worktree, request, round, accepted).or(found);
    }
    found
}

/// Finds a hunk, or the part of one, in the session's diff or in the one since a round.
fn find_in(
    git: &dyn Git,
    worktree: &Worktree,
    request: &DecideHunk,
    round: u32,
    accepted: &Parts,
) -> Result<FoundHunk, Refusal> {
    let find = |hunk: &HunkId| {
        let found = if round > 0 { git.find_round_hunk(worktree, round, hunk) } else { git.find_hunk(worktree, hunk) };
        found.map(|(id, patch)| FoundHunk { id, patch, part: None })
    };
    if accepted.is_empty() && request.lines.is_empty() {
        return find(&request.hunk);
    }
    let range = if round > 0 { DiffRange::Round { number: Some(round) } } else { DiffRange::Session };
    let diff = git.diff(worktree, &range, None, false)?;
    let pieces = diff.files.iter().flat_map(|file| {
        part::pieces(file, accepted).into_iter().map(|piece| (file.path.as_str(), piece)).collect::<Vec<_>>()
    });
    let mut named = pieces.filter(|(_, piece)| piece.hunk.id.as_str().starts_with(request.hunk.as_str()));
    let piece = match (named.next(), named.next()) {
        (Some((_, piece)), None) if request.lines.is_empty() => piece,
        (Some((path, piece)), None) => part::take(&piece, path, &request.lines)?,
        // It says what is wrong: nothing, or too much, begins so.
        _ => return find(&request.hunk),
    };
    let whole = find(&piece.whole)?;
    match piece.part {
        Some(part) => {
            let patch = part::patch(&whole.patch, &piece.hunk)?;
            Ok(FoundHunk { id: piece.hunk.id, patch, part: Some(part) })
        }
        None => Ok(whole),
    }
}

/// Takes a hunk out of the working files or puts it back; what an earlier daemon did is not done twice.
pub(crate) fn apply_hunk(git: &dyn Git, worktree: &Worktree, applying: &Applying, begun: bool) -> Result<(), Refusal> {
    if begun && git.is_applied(worktree, &applying.patch, applying.reverse)? {
        return Ok(());
    }
    git.apply(worktree, &applying.patch, applying.reverse)
}
