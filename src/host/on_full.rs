//! Batches on a disk that is full: what had no room is not held against the agent, and nothing more is tried until there is room.

use crate::host::change::Change;
use crate::host::on_batch::run_of;
use crate::model::batch::{BatchChange, BatchChanged, BatchState, RunQueued, RunState};
use crate::model::event::Event;
use crate::model::id::RunId;

/// Whether something failed for want of room, in the words of the system, of git and of the database.
pub(crate) fn is_full(why: &str) -> bool {
    ["No space left on device", "Disk quota exceeded", "disk is full"].iter().any(|words| why.contains(words))
}

/// What the disk had no room for says nothing about the agent: the run waits again as if it had not been tried, and the batch stands
/// still until somebody has made room.
pub(crate) fn wait_for_room(change: &mut Change<'_>, run: &RunId, why: &str) {
    let Some((live, known)) = run_of(change, run) else { return };
    if live.batch.state == BatchState::Cancelling || known.state != RunState::Failed {
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
