//! Watching a batch: a table that is drawn again on a terminal, a line per event elsewhere.

use crate::model::batch::{BatchChanged, RunEnded, RunQueued, RunSettled, RunStarted, RunStopping};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::base::clock;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::cli::render::live::{Live, columns};
use crate::model::batch::{BatchChange, BatchDetail, BatchState, GetBatch};
use crate::model::id::{BatchId, Seq};
use crate::model::query::Query;
use crate::model::{Envelope, Event, Refusal};
use crate::wire::dashboard;

/// How often the table is drawn at most.
const DRAWN_EVERY: Duration = Duration::from_millis(400);

/// How an ended batch counts; absent while it goes on.
pub(super) fn exit(detail: &BatchDetail) -> Option<Exit> {
    let done = || if dashboard::is_accomplished(detail) { Exit::Done } else { Exit::Failed };
    (detail.view.state == BatchState::Ended).then(done)
}

/// Watches until the batch has ended or Ctrl-C.
pub(super) async fn until_ended(context: &Context, id: &BatchId, after: Seq, json: bool) -> Result<Exit, Refusal> {
    tokio::select! {
        exit = watch(context, id, after, json) => exit,
        _ = tokio::signal::ctrl_c() => {
            render::remark(&format!(
                "\nno longer watching; the batch goes on\n  try: divisi batch open {id}\n  try: divisi batch cancel {id}"
            ));
            Ok(Exit::Interrupted)
        }
    }
}

async fn watch(context: &Context, id: &BatchId, after: Seq, json: bool) -> Result<Exit, Refusal> {
    let mut door = context.door().await?;
    let mut follower = door.follow_events(after).await?;
    let get = || Query::GetBatch(GetBatch { batch: id.as_str().to_owned() });
    let mut detail: BatchDetail = door.query(get()).await?;
    let drawn = !json && context.screen.width.is_some();
    let mut live = Live::new(&context.screen);
    let mut ticks = interval(DRAWN_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut stirred, mut asked) = (true, clock::instant());
    let mut ended = exit(&detail).is_some();
    while !ended {
        tokio::select! {
            batch = follower.next() => {
                for event in batch?.events {
                    if !is_of(&event, id) {
                        continue;
                    }
                    stirred = true;
                    ended |= is_end(&event);
                    if json {
                        render::json_line(&event);
                    } else if !drawn {
                        render::batch::event(&event, &detail);
                    }
                }
            }
            _ = ticks.tick(), if drawn => {
                // Activity and time move on without events of the batch.
                if stirred || asked.elapsed() > 3 * DRAWN_EVERY {
                    detail = door.query(get()).await?;
                    (stirred, asked) = (false, clock::instant());
                    live.draw(&render::batch::table(&detail, columns(&context.screen), rows()), None);
                }
            }
        }
    }
    detail = door.query(get()).await?;
    if drawn {
        live.draw(&render::batch::table(&detail, columns(&context.screen), rows()), None);
    }
    if !json {
        render::batch::end(&context.screen, &detail);
    }
    Ok(exit(&detail).unwrap_or(Exit::Done))
}

/// Lines of the terminal that the table may take.
fn rows() -> usize {
    rustix::termios::tcgetwinsize(std::io::stdout()).map_or(24, |size| usize::from(size.ws_row)).max(10) - 2
}

fn is_of(event: &Envelope, id: &BatchId) -> bool {
    let of_run = |run: &crate::model::id::RunId| {
        run.as_str().strip_prefix(id.as_str()).is_some_and(|rest| rest.starts_with(".r"))
    };
    match &event.event {
        Event::BatchCreated(new) => new.batch.id == *id,
        Event::BatchChanged(BatchChanged { batch, .. }) => batch == id,
        Event::RunStarted(RunStarted { run, .. })
        | Event::RunStopping(RunStopping { run, .. })
        | Event::RunEnded(RunEnded { run, .. })
        | Event::RunQueued(RunQueued { run })
        | Event::RunSettled(RunSettled { run, .. }) => of_run(run),
        _ => false,
    }
}

fn is_end(event: &Envelope) -> bool {
    matches!(
        &event.event,
        Event::BatchChanged(BatchChanged { change: BatchChange::State { state: BatchState::Ended, .. }, .. })
    )
}
