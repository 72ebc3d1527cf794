//! Batches on a disk that is full: what had no room is not held against the agent, and nothing more is tried until there is room.

use crate::host::change::Change;
use crate::host::on_batch::{self, run_of};
use crate::model::batch::{AttemptOutcome, BatchChange, BatchChanged, BatchState, RunQueued, RunState};
use crate::model::event::Event;
use crate::model::id::RunId;
use crate::model::session::Session;

/// Whether something failed for want of room, in the words of the system, of git and of the database.
pub(crate) fn is_full(why: &str) -> bool {
    ["No space left on device", "Disk quota exceeded", "disk is full"].iter().any(|words| why.contains(words))
}

/// What is free on a disk on which a program says that there is no room, MiB at most: less than a small write may need.
const NEXT_TO_NOTHING: u64 = 64;

/// What is known of the room that an attempt had.
pub(crate) enum Room {
    /// It is being looked at; that brings us here again.
    Unknown,
    /// It failed for something else.
    Enough,
    /// There is none, in words.
    None(String),
}

/// Whether a disk was full when an attempt failed. What an agent says of it proves nothing, so the disks are asked: there is no room
/// where less is free than the plan wants to start anything at all, or next to nothing where the failure names a full disk.
pub(crate) fn look(
    change: &mut Change<'_>,
    run: &RunId,
    session: &Session,
    outcome: AttemptOutcome,
    said: Option<&str>,
) -> Room {
    let Some((live, _)) = run_of(change, run) else { return Room::Enough };
    let named = said.is_some_and(is_full);
    let least = live.batch.plan.execution.min_disk_mb.max(if named { NEXT_TO_NOTHING } else { 0 });
    let may_be = matches!(outcome, AttemptOutcome::Failed | AttemptOutcome::Crashed | AttemptOutcome::NotStarted);
    if !may_be || least == 0 {
        return Room::Enough;
    }
    match change.brain.batches.room(&session.id) {
        Some(free) if free < least => {
            let words = said.unwrap_or("it failed");
            Room::None(format!("only {free} MiB are free where it ran ({words})"))
        }
        Some(_) => Room::Enough,
        None => {
            on_batch::read_machine(change, Some(session));
            Room::Unknown
        }
    }
}

/// What the disk had no room for says nothing about the agent: the run waits again as if it had not been tried, and the batch stands
/// still until somebody has made room.
pub(crate) fn wait_for_room(change: &mut Change<'_>, run: &RunId, why: &str) {
    let Some((live, known)) = run_of(change, run) else { return };
    let over = !matches!(known.state, RunState::Failed | RunState::Queued);
    if live.batch.state == BatchState::Cancelling || over {
        return;
    }
    let (batch, active) = (live.batch.id.clone(), live.batch.state == BatchState::Active);
    change.emit(None, Event::RunQueued(RunQueued { run: run.clone() }));
    if active {
        // Without what it advises: here something else is to be done.
        let shown = crate::base::text::visible_line(why.split(" (try: ").next().unwrap_or(why), 300);
        let reason = format!("the disk is full: {shown} (make room, then: divisi batch resume {batch})");
        let state = BatchChange::State { state: BatchState::Paused, reason: Some(reason) };
        change.emit(None, Event::BatchChanged(BatchChanged { batch, change: state }));
    }
}
