//! Waiting for sessions, with a line of progress on a terminal.

use std::collections::BTreeMap;

use tokio::time::{MissedTickBehavior, interval};

use crate::cli::context::{Context, Door};
use crate::cli::exit::{Exit, settled};
use crate::cli::render::progress::{Progress, TICK};
use crate::cli::render::words;
use crate::model::id::{Seq, SessionId};
use crate::model::session::SessionView;
use crate::model::{Envelope, Event, Refusal};
use crate::wire::client::{Batch, Follower};

/// The next batch, while the progress turns.
async fn turning(follower: &mut Follower, progress: &mut Progress) -> Result<Batch, Refusal> {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks.tick().await;
    loop {
        tokio::select! {
            batch = follower.next() => return batch,
            _ = ticks.tick() => progress.tick(),
        }
    }
}

/// Waits until none of the sessions works any more; returns their last views in the given order, and the worst of their ends.
pub(crate) async fn until_settled(
    context: &Context,
    door: &mut Door<'_>,
    sessions: &[SessionId],
) -> Result<(Vec<SessionView>, Exit), Refusal> {
    let head = door.head();
    let only = match sessions {
        [one] => Some(one.clone()),
        _ => None,
    };
    let mut follower = door.follow(head, only).await?;
    let mut views = BTreeMap::new();
    for id in sessions {
        views.insert(id.clone(), door.session(id.as_str()).await?);
    }
    let mut progress = Progress::new(&context.screen, "");
    loop {
        let working: Vec<_> = views.values().filter(|view| settled(view).is_none()).collect();
        if working.is_empty() {
            break;
        }
        progress.say(&working_words(&working));
        for view in turning(&mut follower, &mut progress).await?.sessions {
            if let Some(known) = views.get_mut(&view.id) {
                *known = view;
            }
        }
    }
    drop(progress);
    let worst = views.values().filter_map(settled).max().unwrap_or(Exit::Done);
    Ok((sessions.iter().filter_map(|id| views.remove(id)).collect(), worst))
}

fn working_words(working: &[&SessionView]) -> String {
    match working {
        [one] => format!("{} {} {}", one.name, words::state(one), one.activity.as_deref().unwrap_or_default()),
        several => format!(
            "{} sessions work: {}",
            several.len(),
            several.iter().map(|view| view.name.as_str()).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// Waits for the first event of a session after `after` that `end` takes.
pub(crate) async fn until<T>(
    context: &Context,
    door: &Door<'_>,
    session: &SessionId,
    after: Seq,
    doing: &str,
    end: impl Fn(&Envelope) -> Option<Result<T, Refusal>>,
) -> Result<T, Refusal> {
    let mut follower = door.follow(after, Some(session.clone())).await?;
    let mut progress = Progress::new(&context.screen, doing);
    loop {
        for event in turning(&mut follower, &mut progress).await?.events {
            if let Some(end) = end(&event) {
                return end;
            }
        }
    }
}

/// For [`until`]: a fault of the session as a refusal.
pub(crate) fn fault(event: &Envelope) -> Option<Refusal> {
    match &event.event {
        Event::SessionFaulted { message } => Some(Refusal::environment(message.clone())),
        _ => None,
    }
}
