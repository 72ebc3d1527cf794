//! Finds the gates of a landing: what was set for the session, else what the repository's trusted file has, else what is configured.

use crate::eval::{gate, suite};
use crate::host::effect::GateSource;
use crate::host::run_effect::Ports;
use crate::model::Refusal;
use crate::model::evaluation::{GateStanding, GateView, Suite};
use crate::model::landing::Preflight;
use crate::model::session::Session;
use crate::worktree::repository;

/// The gates; absent when there are none. Gates that cannot be known are a refusal: what cannot be judged does not land silently.
pub(crate) fn resolve(ports: &Ports, source: &GateSource) -> Result<Option<Suite>, Refusal> {
    if let Some(suite) = &source.session {
        return Ok(Some((**suite).clone()));
    }
    let config = ports.git.repository_config(&source.repository)?;
    let trusted = config.path.is_some() && source.trusted.as_ref() == Some(&config.digest);
    let gates = match repository::parse(&config.text) {
        Ok(settings) => settings.evaluation.gates,
        // Nothing of a file that nobody trusts counts, unless it could be hiding gates.
        Err(_) if !trusted && !config.text.contains("evaluation") => None,
        Err(refusal) => return Err(refusal),
    };
    if let Some(text) = gates {
        if !trusted {
            return Err(Refusal::conflict(
                "the gates of the repository's .divisi.toml are not trusted as they are now",
            )
            .hint("divisi trust"));
        }
        return read(&text, ".divisi.toml, evaluation.gates").map(Some);
    }
    let Some(path) = ports.grounds.gates(source.configured.clone())? else { return Ok(None) };
    let path = path.display().to_string();
    read(&ports.grounds.configured(&path)?, &path).map(Some)
}

/// Reads a suite; every problem is told.
pub(crate) fn read(text: &str, name: &str) -> Result<Suite, Refusal> {
    suite::parse(text).map_err(|problems| {
        let mut all = problems.iter().map(ToString::to_string);
        let first = all.next().unwrap_or_default();
        let name = crate::base::text::visible_line(name, 200);
        all.take(9).fold(Refusal::user(format!("cannot read the suite {name}: {first}")), Refusal::hint)
    })
}

/// A landing with conflicts goes on only where nothing has to be judged.
pub(crate) fn require_none(ports: &Ports, source: &GateSource) -> Result<(), Refusal> {
    let refused = |why: &str| {
        Refusal::conflict(format!("cannot go on with the landing: {why}"))
            .hint("divisi land SESSION --abort, then bring the base into the session and: divisi eval SESSION")
            .hint("divisi land SESSION --abort, then: divisi land SESSION --skip-gates")
    };
    match resolve(ports, source) {
        Ok(None) => Ok(()),
        Ok(Some(gates)) => Err(refused(&format!("the gates '{}' have not judged what was resolved", gates.name))),
        Err(refusal) => Err(refused(&refusal.message)),
    }
}

/// What to do about gates that refuse a landing.
pub(crate) fn next(view: &GateView, session: &str, onto: &str) -> String {
    let onto = onto.strip_prefix("refs/heads/").unwrap_or(onto);
    match view.standing {
        GateStanding::Running => format!("divisi wait {session}"),
        GateStanding::Moved => format!("divisi eval {session} --merged --onto {onto}"),
        _ => format!("divisi eval {session}"),
    }
}

/// Adds to what a landing would meet how it stands before the gates.
pub(crate) fn look(ports: &Ports, source: &GateSource, session: &Session, found: &mut Preflight) {
    match resolve(ports, source) {
        Ok(None) => {}
        Ok(Some(gates)) => {
            let target = gate::Target { commit: &found.onto_commit, moved: found.behind > 0 };
            let view = gate::view(&gates, &session.evaluations, &found.head, target, found.dirty);
            if let Some(why) = gate::blocker(&view) {
                found.blockers.push(format!("{why} ({})", next(&view, &session.name, &found.onto)));
                found.ready = false;
            }
            found.gates = Some(view);
        }
        Err(refusal) => {
            found.blockers.push(crate::host::hinted(&refusal));
            found.ready = false;
        }
    }
}
