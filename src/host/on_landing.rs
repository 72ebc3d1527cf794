//! Landing: looked at, then carried out exactly as looked at.

use crate::eval::gate;
use crate::host::advance::{advance, checkpoint_message, end_process};
use crate::host::change::{Brain, Change, Step, Waiting};
use crate::host::effect::{Effect, GateSource, LandingPlan, LandingStep, Ticket};
use crate::host::port::Checkpoint;
use crate::host::run_gates;
use crate::model::Refusal;
use crate::model::command::{Command, OfSession, Outcome, StartLanding};
use crate::model::evaluation::{GateStanding, GateView, Suite};
use crate::model::event::Event;
use crate::model::id::{CommandId, LandingId, Oid, SessionId};
use crate::model::landing::{Landing, LandingState, Preflight};
use crate::model::session::Session;
use crate::model::timeline::Mark;
use crate::model::worktree::{Worktree, WorktreeState};

/// The other live worktrees of a session's repository, with their sessions' names.
pub(crate) fn other_worktrees(
    registry: &crate::host::registry::Registry,
    session: &Session,
) -> Vec<(String, Worktree)> {
    registry
        .sessions
        .values()
        .filter(|other| {
            other.id != session.id
                && other.worktree.common_dir == session.worktree.common_dir
                && other.worktree.state == WorktreeState::Ready
                && !has_landed(other)
        })
        .map(|other| (other.name.clone(), other.worktree.clone()))
        .collect()
}

/// Whether everything a session committed is on its target already.
pub(crate) fn has_landed(session: &Session) -> bool {
    session.landing.as_ref().is_some_and(|landing| {
        matches!(landing.state, LandingState::Completed { .. }) && Some(&landing.head) == session.head.as_ref()
    })
}

/// What was seen before a landing.
#[derive(Debug)]
pub(crate) struct LandingFacts {
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) preflight: Preflight,
    /// The gates; why they are not known.
    pub(crate) gates: Result<Option<Suite>, Refusal>,
}

/// Where the gates of a session's landing are looked for.
pub(crate) fn gates_of(brain: &Brain, session: &Session) -> GateSource {
    gate_source(&brain.registry, brain.settings.gates.clone(), session)
}

/// The same, for who has only the facts.
pub(crate) fn gate_source(
    registry: &crate::host::registry::Registry,
    configured: Option<std::path::PathBuf>,
    session: &Session,
) -> GateSource {
    GateSource {
        session: session.evaluations.gates.clone(),
        repository: session.worktree.repository.clone(),
        trusted: registry.trust.get(&session.worktree.common_dir).cloned(),
        configured,
    }
}

/// Has a landing looked at.
pub(crate) fn on_start(change: &mut Change<'_>, command: &CommandId, request: &StartLanding) -> Result<(), Refusal> {
    let id = &request.session;
    let session = change.brain.registry.require(id)?;
    let name = &session.name;
    if session.worktree.state != WorktreeState::Ready {
        return Err(Refusal::conflict(format!("cannot land '{name}': its worktree is not there"))
            .hint(format!("divisi show {name}")));
    }
    if session.turn.as_ref().is_some_and(|turn| turn.ended_at.is_none()) {
        return Err(Refusal::conflict(format!("cannot land '{name}': its agent is at work"))
            .hint(format!("divisi wait {name}"))
            .hint(format!("divisi stop {name}")));
    }
    match session.landing.as_ref().map(|landing| &landing.state) {
        Some(LandingState::Conflicted { .. }) => {
            return Err(Refusal::conflict(format!(
                "cannot land '{name}': an earlier landing left conflicts in its worktree"
            ))
            .hint(format!("divisi land {name} --continue"))
            .hint(format!("divisi land {name} --abort")));
        }
        Some(LandingState::Started) => {
            return Err(Refusal::conflict(format!("cannot land '{name}': it is being landed"))
                .hint(format!("divisi wait {name}")));
        }
        _ => {}
    }
    super::on_rewind::require_settled(session, "land")?;
    if change.brain.under_way(id, Step::Landing) || change.brain.under_way(id, Step::Removal) {
        return Err(Refusal::conflict(format!("cannot land '{name}': another landing or removal of it is under way")));
    }
    let Some(from) = session.head.clone() else {
        return Err(Refusal::conflict(format!("cannot land '{name}': its agent has not worked yet")));
    };
    let plan = LandingPlan {
        worktree: session.worktree.clone(),
        from,
        checkpoint_message: checkpoint_message(change, session),
        checkpoint_name: format!("c{}", session.marks.len() + 1),
        onto: request.onto.clone(),
        strategy: request.strategy.unwrap_or(change.brain.settings.landing),
        message: request.message.clone().unwrap_or_else(|| default_message(session)),
        expect: request.expect.clone(),
        others: other_worktrees(&change.brain.registry, session),
        gates: gates_of(change.brain, session),
        skip_gates: request.skip_gates,
    };
    let command = (command.clone(), Command::StartLanding(request.clone()));
    let ticket = change.brain.wait(&command.0, &command.1);
    change.want_step(id, Step::Landing, || Effect::PrepareLanding {
        ticket,
        session: id.clone(),
        plan: Box::new(plan),
    });
    Ok(())
}

/// A squash's message when the person gave none: the first prompt, and which session it was.
pub(crate) fn default_message(session: &Session) -> String {
    let subject = crate::base::text::visible_line(crate::host::advance::first_line(&session.prompt), 72);
    let mut message = format!("{subject}\n");
    if session.prompt.trim() != subject {
        message.push('\n');
        message.push_str(crate::base::text::visible(session.prompt.trim()).as_str());
        message.push('\n');
    }
    let Session { id, name, agent, .. } = session;
    message + &format!("\nDivisi-Session: {id} ({name})\nDivisi-Agent: {agent}\n")
}

/// A landing was looked at: it is begun with exactly what was seen, or refused.
pub(crate) fn on_prepared(
    change: &mut Change<'_>,
    ticket: Ticket,
    id: &SessionId,
    plan: LandingPlan,
    result: Result<LandingFacts, Refusal>,
) {
    change.step_done(id, Step::Landing);
    let Some(Waiting { id: command, .. }) = change.brain.waiting.remove(&ticket) else { return };
    let Some(session) = change.brain.registry.sessions.get(id) else {
        return change.refuse(&command, Refusal::conflict("the session was removed meanwhile"));
    };
    let (name, landing_id) = (session.name.clone(), LandingId(format!("{id}.l{}", session.landings + 1)));
    let LandingFacts { checkpoint, preflight, gates } = match result {
        Ok(seen) => seen,
        Err(refusal) => {
            change.refuse(&command, refusal);
            return advance(change, id);
        }
    };
    if let Some(made) = checkpoint.filter(|made| made.commit.is_some()) {
        let mark = Mark {
            name: plan.checkpoint_name.clone(),
            what: "before landing".to_owned(),
            at: change.now,
            commit: made.head.clone(),
            step: made.turn_stat,
        };
        change.emit(Some(id), Event::SessionCheckpointed { head: made.head, stat: made.stat, mark: Some(mark) });
    }
    if let Err(refusal) = judge(&name, &plan, &preflight) {
        change.refuse(&command, refusal);
        return advance(change, id);
    }
    let (gates, gates_skipped, tree) = match pass_gates(change, id, &plan, &preflight, gates) {
        Ok(passed) => passed,
        Err(refusal) => {
            change.refuse(&command, refusal);
            return advance(change, id);
        }
    };
    let landing = Landing {
        gates,
        gates_skipped,
        tree,
        id: landing_id.clone(),
        session: id.clone(),
        strategy: plan.strategy,
        head: preflight.head,
        onto: preflight.onto,
        onto_commit: preflight.onto_commit,
        message: plan.message,
        started_at: change.now,
        state: LandingState::Started,
    };
    change.emit(Some(id), Event::LandingStarted(Box::new(landing)));
    change.accept(&command, Some(id), Outcome::Landing { landing: landing_id });
    advance(change, id);
}

/// How it stands before the gates, and whether they are skipped; refused when they have not passed at exactly the commit that lands.
fn pass_gates(
    change: &Change<'_>,
    id: &SessionId,
    plan: &LandingPlan,
    preflight: &Preflight,
    gates: Result<Option<Suite>, Refusal>,
) -> Result<(Option<GateView>, bool, Option<Oid>), Refusal> {
    let session = change.brain.registry.require(id)?;
    let name = &session.name;
    let gates = match gates {
        Err(_) if plan.skip_gates => return Ok((None, true, None)),
        Err(refusal) => {
            let message = format!("cannot land '{name}': {}", refusal.message);
            return Err(Refusal { message, ..refusal }.hint(format!("divisi land {name} --skip-gates")));
        }
        Ok(None) => return Ok((None, false, None)),
        Ok(Some(gates)) => gates,
    };
    let target = gate::Target { commit: &preflight.onto_commit, moved: preflight.behind > 0 };
    let view = gate::view(&gates, &session.evaluations, &preflight.head, target, false);
    let judged = gate::found(&gates, &session.evaluations, &preflight.head, target);
    let tree = judged.and_then(|one| Some(one.merged.as_ref()?.tree.clone()));
    let mut why = gate::blocker(&view);
    let mut next = run_gates::next(&view, name, &preflight.onto);
    if matches!(view.standing, GateStanding::Passed | GateStanding::Moved) && !preflight.conflicts.is_empty() {
        let onto = preflight.onto.strip_prefix("refs/heads/").unwrap_or(&preflight.onto);
        why = Some(format!("it conflicts with {onto}, and '{}' has not judged how that is resolved", view.suite));
        next = format!(
            "merge {onto} in {}, resolve, commit; then: divisi eval {name} && divisi land {name}",
            session.worktree.path
        );
    }
    match why {
        None => Ok((Some(view), false, tree)),
        Some(_) if plan.skip_gates => Ok((Some(view), true, None)),
        Some(why) => Err(Refusal::conflict(format!("cannot land '{name}' at {}: {why}", preflight.head.short()))
            .hint(next)
            .hint(format!("divisi land {name} --skip-gates"))),
    }
}

/// Whether what was seen may be landed. Conflicts do not forbid it: they are left in the session's worktree to be resolved.
fn judge(name: &str, plan: &LandingPlan, preflight: &Preflight) -> Result<(), Refusal> {
    if let Some(expected) = &plan.expect
        && expected != &preflight.head
    {
        return Err(Refusal::conflict(format!(
            "cannot land '{name}': it moved from {} to {} since it was looked at",
            expected.short(),
            preflight.head.short()
        ))
        .hint(format!("divisi preflight {name}")));
    }
    if !preflight.ready && preflight.conflicts.is_empty() {
        let why = preflight.blockers.join("; ");
        let why = if why.is_empty() { "nothing to land".to_owned() } else { why };
        return Err(Refusal::conflict(format!("cannot land '{name}': {why}")).hint(format!("divisi preflight {name}")));
    }
    Ok(())
}

/// A session whose newest landing left conflicts.
fn require_conflicted<'a>(change: &'a Change<'_>, id: &SessionId) -> Result<(&'a Session, Landing), Refusal> {
    let session = change.brain.registry.require(id)?;
    match &session.landing {
        Some(landing) if matches!(landing.state, LandingState::Conflicted { .. }) => {
            if session.turn.as_ref().is_some_and(|turn| turn.ended_at.is_none()) {
                return Err(Refusal::conflict(format!("'{}' is at work", session.name))
                    .hint(format!("divisi wait {}", session.name)));
            }
            Ok((session, landing.clone()))
        }
        _ => Err(Refusal::conflict(format!("'{}' has no landing with conflicts", session.name))
            .hint(format!("divisi land {}", session.name))),
    }
}

/// Conflicts were resolved.
pub(crate) fn on_continue(change: &mut Change<'_>, command: &CommandId, request: &OfSession) -> Result<(), Refusal> {
    let id = &request.session;
    let (session, landing) = require_conflicted(change, id)?;
    let worktree = Box::new(session.worktree.clone());
    let gates = Box::new(gates_of(change.brain, session));
    let ticket = change.brain.wait(command, &Command::ContinueLanding(request.clone()));
    let landing = Box::new(landing);
    // What was resolved by hand nobody has judged: with gates it lands only when they were skipped from the beginning.
    let gates = (!landing.gates_skipped).then_some(gates);
    change.want(Effect::Land { session: id.clone(), worktree, landing, step: LandingStep::Continue(ticket), gates });
    Ok(())
}

/// A conflicted landing is given up.
pub(crate) fn on_abort(change: &mut Change<'_>, command: &CommandId, request: &OfSession) -> Result<(), Refusal> {
    let id = &request.session;
    let (session, landing) = require_conflicted(change, id)?;
    let worktree = Box::new(session.worktree.clone());
    let ticket = change.brain.wait(command, &Command::AbortLanding(request.clone()));
    let landing = Box::new(landing);
    let step = LandingStep::Abort(ticket);
    change.want(Effect::Land { session: id.clone(), worktree, landing, step, gates: None });
    Ok(())
}

/// A landing moved on.
pub(crate) fn on_done(
    change: &mut Change<'_>,
    id: &SessionId,
    landing: LandingId,
    ticket: Option<Ticket>,
    result: Result<LandingState, Refusal>,
) {
    change.step_done(id, Step::Landing);
    let waiting = ticket.and_then(|ticket| change.brain.waiting.remove(&ticket));
    let state = match (result, &waiting) {
        (Ok(state), _) => state,
        // Going on or giving up was refused: the landing stays as it was.
        (Err(refusal), Some(waiting)) => {
            let command = waiting.id.clone();
            return change.refuse(&command, refusal);
        }
        (Err(refusal), None) => LandingState::Failed { reason: crate::host::hinted(&refusal) },
    };
    let landed = matches!(state, LandingState::Completed { .. });
    change.emit(Some(id), Event::LandingChanged { id: landing.clone(), state });
    if let Some(waiting) = waiting {
        change.accept(&waiting.id, Some(id), Outcome::Landing { landing });
    }
    if landed && let Some(job) = change.brain.registry.sessions.get(id).and_then(|session| session.job.clone()) {
        end_process(change, id, &job);
    }
    advance(change, id);
}
