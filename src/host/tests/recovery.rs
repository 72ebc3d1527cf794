//! Recovery: whatever was committed when the daemon died, the next one begins exactly the step that the facts ask for.

use super::*;
use crate::host::port::{Row, Table};
use crate::model::landing::{Landing, LandingState, Strategy};

/// What a next daemon, which knows only what was committed, begins first for the session.
fn after_a_crash(brain: &mut Brain, id: &SessionId) -> Vec<&'static str> {
    brain.steps.clear();
    brain.units.clear();
    brain.waiting.clear();
    brain.recovering = true;
    let begun = decide(brain, |change| advance(change, id));
    brain.recovering = false;
    effects(&begun)
}

#[test]
fn every_point_of_a_turn_goes_on_where_it_was() {
    for agent in ["once", "stays"] {
        let mut brain = brain();
        let id = create(&mut brain, agent);
        assert_eq!(after_a_crash(&mut brain, &id), ["create worktree"], "{agent}: intended");

        let (id, job) = running(&mut brain, agent);
        assert_eq!(after_a_crash(&mut brain, &id), ["attach job"], "{agent}: running");

        decide(&mut brain, |change| on_agent::on_agent(change, &id, &job, vec![asks("k1", "make")]));
        assert_eq!(after_a_crash(&mut brain, &id), ["attach job"], "{agent}: asking");
        assert_eq!(brain.registry.approvals.len(), 1, "{agent}: what was asked is still asked");

        finish(&mut brain, &id, &job);
        assert_eq!(after_a_crash(&mut brain, &id), ["attach job", "checkpoint"], "{agent}: stopped");
        decide(&mut brain, |change| on_job::on_ended(change, &id, &job, JobEnd::Lost));
        assert_eq!(after_a_crash(&mut brain, &id), ["checkpoint"], "{agent}: its process is gone");

        checkpoint(&mut brain, &id);
        assert_eq!(after_a_crash(&mut brain, &id), Vec::<&str>::new(), "{agent}: at rest");
    }
}

#[test]
fn a_landing_or_removal_that_was_begun_is_begun_again() {
    let mut brain = brain();
    let (id, job) = running(&mut brain, "once");
    finish(&mut brain, &id, &job);
    checkpoint(&mut brain, &id);
    decide(&mut brain, |change| on_job::on_ended(change, &id, &job, JobEnd::Lost));
    let landing = Landing {
        gates: None,
        tree: None,
        gates_skipped: false,
        id: "l1".into(),
        session: id.clone(),
        strategy: Strategy::Squash,
        head: oid('b'),
        onto: "refs/heads/main".to_owned(),
        onto_commit: oid('a'),
        message: "m".to_owned(),
        started_at: 1,
        state: LandingState::Started,
    };
    decide(&mut brain, |change| change.emit(Some(&id), Event::LandingStarted(Box::new(landing))));
    assert_eq!(after_a_crash(&mut brain, &id), ["land"]);
    let done = LandingState::Completed { commit: oid('c'), checkout: String::new() };
    decide(&mut brain, |change| on_landing::on_done(change, &id, "l1".into(), None, Ok(done)));
    assert_eq!(after_a_crash(&mut brain, &id), Vec::<&str>::new());
    let removing = Event::WorktreeChanged {
        state: crate::model::worktree::WorktreeState::Removing,
        head: None,
        notes: Vec::new(),
    };
    decide(&mut brain, |change| change.emit(Some(&id), removing));
    assert_eq!(after_a_crash(&mut brain, &id), ["remove worktree"]);
}

#[test]
fn a_step_is_not_begun_twice_while_it_is_under_way() {
    let mut brain = brain();
    let (id, job) = running(&mut brain, "once");
    assert_eq!(effects(&finish(&mut brain, &id, &job)), ["checkpoint"]);
    let again = decide(&mut brain, |change| advance(change, &id));
    assert_eq!(effects(&again), Vec::<&str>::new());
}

#[test]
fn rows_rebuilt_from_the_events_are_the_rows_that_were_kept() {
    let mut brain = brain();
    let mut history = Vec::new();
    let mut kept: BTreeMap<(Table, String), Row> = BTreeMap::new();
    let mut keep = |decision: Decision| {
        history.extend(decision.batch.events);
        kept.extend(decision.batch.rows.into_iter().map(|row| ((row.table, row.key.clone()), row)));
    };
    let asked = decide(&mut brain, |change| {
        on_create::on_create(change, &CommandId("c1".to_owned()), &request("stays")).unwrap();
    });
    let Some(Effect::ResolveBase { ticket, request, session }) = asked.effects.into_iter().next() else {
        panic!("no lookup")
    };
    keep(decide(&mut brain, |change| {
        on_create::on_base_resolved(change, ticket, &request, session, Ok((resolved(), Vec::new())));
    }));
    let id = brain.registry.sessions.keys().next().unwrap().clone();
    let created = CreatedWorktree { head: oid('a'), notes: Vec::new(), stat: None };
    keep(decide(&mut brain, |change| on_create::on_worktree_created(change, &id, Ok(created))));
    let job = brain.registry.sessions[&id].job.clone().unwrap();
    keep(decide(&mut brain, |change| on_job::on_started(change, &id, &job, Ok(shim()))));
    let updates = vec![Update::Message("hello ".to_owned()), asks("k1", "make"), Update::Message("there".to_owned())];
    keep(decide(&mut brain, |change| on_agent::on_agent(change, &id, &job, updates)));
    keep(finish(&mut brain, &id, &job));
    keep(checkpoint(&mut brain, &id));
    let mut rebuilt: BTreeMap<(Table, String), Row> = BTreeMap::new();
    let mut registry = Registry::default();
    for event in &history {
        rebuilt.extend(registry.apply(event).into_iter().map(|row| ((row.table, row.key.clone()), row)));
    }
    assert_eq!(rebuilt, kept);
    assert_eq!(registry.sessions, brain.registry.sessions);
}
