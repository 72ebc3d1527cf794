//! `divisi batch clear`: the worktrees that a batch has left.

use std::collections::HashSet;

use crate::cli::command::{Outcome, remove};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::batch::BatchState;
use crate::model::id::SessionId;
use crate::model::query::{ListSessions, Query};
use crate::model::session::SessionView;
use crate::model::{Refusal, RefusalKind};

/// Removes the sessions of a batch's attempts; without `discard` those alone whose work would not be lost.
pub(super) async fn run(context: &Context, reference: &str, discard: bool) -> Outcome {
    let mut door = context.door().await?;
    let detail = super::find(&mut door, reference).await?;
    if detail.view.state != BatchState::Ended {
        return Err(Refusal::conflict(format!("cannot clear {}: it has not ended", detail.view.name))
            .hint(format!("divisi batch cancel {}", detail.view.id)));
    }
    let attempts = detail.runs.iter().flat_map(|view| &view.run.attempts);
    let of_batch: HashSet<&SessionId> = attempts.map(|attempt| &attempt.session).collect();
    let list = ListSessions { repository: None, removed: false };
    let sessions: Vec<SessionView> = door.query(Query::ListSessions(list)).await?;
    let (mut removed, mut kept) = (0_usize, Vec::new());
    for view in sessions.iter().filter(|view| of_batch.contains(&view.id)) {
        match remove::one(context, &mut door, view, discard).await {
            Ok(_) => removed += 1,
            Err(refusal) if !discard && refusal.kind == RefusalKind::Conflict => kept.push(view.name.as_str()),
            Err(refusal) => return Err(refusal),
        }
    }
    let what = if removed == 1 { "1 session".to_owned() } else { format!("{removed} sessions") };
    render::text(&format!("removed {what} of {} ({}); its results stay", detail.view.name, detail.view.id));
    if !kept.is_empty() {
        render::text(&format!("kept, for their work is not landed: {}", kept.join(", ")));
        render::remark(&format!(
            "  try: divisi batch clear {} --discard    # divisi restore brings work back",
            detail.view.id
        ));
    }
    Ok(Exit::Done)
}
