//! Options of an agent that a person chooses: its model, its mode and what else it offers.
//!
//! A choice is recorded before the agent is told, so that a daemon that dies in between tells it again, and later processes of the
//! session are started with it. What the agent makes of it is an event of its own.

use crate::host::change::Change;
use crate::host::effect::{Effect, UnitInput};
use crate::host::port::Lifetime;
use crate::model::Refusal;
use crate::model::agent::ConfigOption;
use crate::model::command::{Outcome, SetOption};
use crate::model::event::Event;
use crate::model::id::{CommandId, JobId, SessionId};
use crate::model::session::Session;

/// Chooses a value of an option that the agent offers.
pub(crate) fn on_set_option(change: &mut Change<'_>, command: &CommandId, request: &SetOption) -> Result<(), Refusal> {
    let id = &request.session;
    let session = change.brain.registry.require(id)?;
    let (definition, lifetime) = change.brain.agent(session)?;
    let option = match find(session, &request.option) {
        Some(option) => {
            require_choice(option, &request.value)?;
            option.id.clone()
        }
        // A program that runs once per turn offers nothing, but takes what its definition has a place for.
        None if lifetime == Lifetime::Turn && definition.command.iter().any(|word| *word == place(&request.option)) => {
            request.option.clone()
        }
        None => return Err(unknown(session, &request.option)),
    };
    if request.value.trim().is_empty() {
        return Err(Refusal::user(format!("cannot set '{option}' to nothing")));
    }
    let job = session.job.clone().filter(|_| lifetime == Lifetime::Session);
    let value = request.value.clone();
    change.emit(Some(id), Event::SessionOptionChosen { option: option.clone(), value: value.clone() });
    // The newest process is told; without one the next begins with it.
    change.accept(command, Some(id), if job.is_some() { Outcome::Done } else { Outcome::Deferred });
    if let Some(job) = job {
        change.want(Effect::ToUnit { job, input: UnitInput::Option { id: option, value } });
    }
    Ok(())
}

/// The word of a definition's command that stands for an option.
fn place(option: &str) -> String {
    format!("{{{option}}}")
}

fn find<'a>(session: &'a Session, wanted: &str) -> Option<&'a ConfigOption> {
    let by_id = session.options.iter().find(|option| option.id == wanted);
    by_id.or_else(|| session.options.iter().find(|option| option.category.as_deref() == Some(wanted)))
}

fn require_choice(option: &ConfigOption, value: &str) -> Result<(), Refusal> {
    // Agents take full names of models besides those they list.
    let open = option.category.as_deref() == Some("model") && option.choices.is_empty();
    if open || option.choices.iter().any(|choice| choice.id == value) {
        return Ok(());
    }
    let choices: Vec<_> = option.choices.iter().map(|choice| choice.id.as_str()).collect();
    let shown = crate::base::text::visible_line(value, 40);
    let choices = crate::base::text::visible_line(&choices.join(", "), 200);
    Err(Refusal::user(format!("option '{}' has no choice '{shown}'; there are {choices}", option.id)))
}

fn unknown(session: &Session, wanted: &str) -> Refusal {
    let offered: Vec<_> = session.options.iter().map(|option| option.id.as_str()).collect();
    let offered = if offered.is_empty() { "nothing at the moment".to_owned() } else { offered.join(", ") };
    let shown = crate::base::text::visible_line(wanted, 40);
    Refusal::user(format!(
        "'{}' has no option '{shown}'; it offers {}",
        session.name,
        crate::base::text::visible_line(&offered, 200)
    ))
}

/// An earlier daemon's process was found: it is told what was chosen and what it does not say to be so.
pub(crate) fn tell_again(change: &mut Change<'_>, id: &SessionId, job: &JobId) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let started_with = change.brain.registry.jobs.get(job).map(|job| job.chosen.clone()).unwrap_or_default();
    let untold: Vec<_> = session
        .chosen
        .iter()
        .filter(|(option, value)| started_with.get(*option) != Some(*value))
        .filter(|(option, value)| find(session, option).is_some_and(|offered| &offered.current != *value))
        .map(|(option, value)| UnitInput::Option { id: option.clone(), value: value.clone() })
        .collect();
    for input in untold {
        change.want(Effect::ToUnit { job: job.clone(), input });
    }
}
