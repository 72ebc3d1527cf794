//! Reading past damage: in the place of an event that cannot be read stands a notice that says so, under the same number.

use crate::host::port::Store;
use crate::model::event::Cause;
use crate::model::id::{Seq, SessionId};
use crate::model::{Envelope, Event, Refusal};

/// What [`Event::FaultRaised`] names as its part in such a notice.
pub(crate) const PART: &str = "store";

/// Committed events after a number, as [`Store::events`] gives them; a damaged one is replaced by a notice.
///
/// # Errors
/// When the database cannot be read.
pub(crate) fn events(
    store: &dyn Store,
    after: Seq,
    session: Option<&SessionId>,
    limit: usize,
) -> Result<Vec<Envelope>, Refusal> {
    let refusal = match store.events(after, session, limit) {
        Ok(page) => return Ok(page),
        Err(refusal) => refusal,
    };
    let Some(damaged) = store.damaged_event(after, session)? else { return Err(refusal) };
    let message = format!("this event cannot be shown: {} (`divisi doctor` says what to do)", damaged.what);
    tracing::error!(seq = damaged.seq.0, message, "a damaged event was passed over");
    Ok(vec![Envelope {
        seq: damaged.seq,
        time: 0,
        // Whose it was may be what is damaged: everybody who might have wanted it is told.
        session: None,
        cause: Cause::Host,
        event: Event::FaultRaised { part: PART.to_owned(), message },
    }])
}

/// Whether an event is such a notice rather than what happened.
pub(crate) fn is_notice(envelope: &Envelope) -> bool {
    envelope.session.is_none() && matches!(&envelope.event, Event::FaultRaised { part, .. } if part == PART)
}
