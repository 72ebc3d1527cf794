//! A session's life, decision by decision.

use super::*;

#[test]
fn nothing_is_done_to_a_repository_before_the_session_is_recorded() {
    let mut brain = brain();
    let asked = decide(&mut brain, |change| {
        on_create::on_create(change, &CommandId("c1".to_owned()), &request("once")).unwrap();
    });
    assert_eq!((events(&asked), effects(&asked)), (vec![], vec!["resolve base"]));
    let Some(Effect::ResolveBase { ticket, request, session }) = asked.effects.into_iter().next() else {
        panic!("no lookup")
    };
    let recorded = decide(&mut brain, |change| {
        on_create::on_base_resolved(change, ticket, &request, session, Ok((resolved(), Vec::new())));
    });
    assert_eq!(events(&recorded), ["session.created", "prompt.queued", "command.accepted"]);
    assert_eq!(effects(&recorded), ["create worktree"]);
    assert!(recorded.receipts[0].1.is_ok());
}

#[test]
fn a_process_per_turn_is_started_only_after_the_last_one_has_ended() {
    let mut brain = brain();
    let (id, job) = running(&mut brain, "once");
    let send = SendPrompt {
        session: id.clone(),
        text: "more".to_owned(),
        attach: Vec::new(),
        when: crate::model::attachment::When::Free,
        caller: BTreeMap::new(),
    };
    let queued =
        decide(&mut brain, |change| on_prompt::on_send(change, &CommandId("c2".to_owned()), &send, "test").unwrap());
    assert_eq!(effects(&queued), Vec::<&str>::new());
    assert_eq!(effects(&finish(&mut brain, &id, &job)), ["checkpoint"]);
    // The checkpoint is made before the process's end is known: the next turn waits for that.
    let made = checkpoint(&mut brain, &id);
    assert_eq!((events(&made), effects(&made)), (vec!["turn.ended".to_owned()], vec![]));
    let end = JobEnd::Exited { code: 0, stopped: false, leaked: 0 };
    let ended = decide(&mut brain, |change| on_job::on_ended(change, &id, &job, end));
    assert_eq!(events(&ended), ["job.ended", "turn.started", "job.intended"]);
    assert_eq!(effects(&ended), ["start job"]);
}

#[test]
fn a_process_that_stays_gets_the_next_prompt() {
    let mut brain = brain();
    let (id, job) = running(&mut brain, "stays");
    finish(&mut brain, &id, &job);
    checkpoint(&mut brain, &id);
    let send = SendPrompt {
        session: id.clone(),
        text: "more".to_owned(),
        attach: Vec::new(),
        when: crate::model::attachment::When::Free,
        caller: BTreeMap::new(),
    };
    let queued =
        decide(&mut brain, |change| on_prompt::on_send(change, &CommandId("c2".to_owned()), &send, "test").unwrap());
    assert_eq!(events(&queued), ["prompt.queued", "command.accepted", "turn.started"]);
    assert_eq!(effects(&queued), ["prompt"]);
}

#[test]
fn the_first_answer_wins_and_reaches_the_agent_once() {
    let mut brain = brain();
    let (id, job) = running(&mut brain, "stays");
    decide(&mut brain, |change| on_agent::on_agent(change, &id, &job, vec![asks("k1", "make test")]));
    let approval = brain.registry.approvals.keys().next().unwrap().clone();
    let once = AnswerApproval { approval, answer: Answer::Once, option: None };
    let answered =
        decide(&mut brain, |change| on_approval::on_answer(change, &CommandId("c2".to_owned()), &once, "a").unwrap());
    assert_eq!(events(&answered), ["approval.answered", "command.accepted"]);
    assert_eq!(effects(&answered), ["answer"]);
    let late = decide(&mut brain, |change| {
        let refusal = on_approval::on_answer(change, &CommandId("c3".to_owned()), &once, "b").unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Conflict);
    });
    assert!(late.events.is_empty() && late.effects.is_empty());
}

#[test]
fn an_always_answers_what_it_covers_and_nothing_else() {
    let mut brain = brain();
    let (id, job) = running(&mut brain, "stays");
    let updates = vec![asks("k1", "git status"), asks("k2", "git status -s"), asks("k3", "git status; rm -rf /")];
    decide(&mut brain, |change| on_agent::on_agent(change, &id, &job, updates));
    let first = brain.registry.open_approvals(&id)[0].id.clone();
    let scope = AlwaysScope { matcher: RuleMatcher::Prefix("git status".to_owned()), reach: RuleReach::Session };
    let always = AnswerApproval { approval: first, answer: Answer::Always { scope: Some(scope) }, option: None };
    let answered =
        decide(&mut brain, |change| on_approval::on_answer(change, &CommandId("c2".to_owned()), &always, "a").unwrap());
    assert_eq!(effects(&answered), ["answer", "answer"]);
    let open: Vec<_> = brain.registry.open_approvals(&id).iter().map(|open| open.key.clone()).collect();
    assert_eq!(open, ["k3"]);
    let later = decide(&mut brain, |change| on_agent::on_agent(change, &id, &job, vec![asks("k4", "git status -b")]));
    assert_eq!(events(&later), ["approval.requested", "approval.answered"]);
}

#[test]
fn nothing_is_allowed_unless_the_person_said_so() {
    for (policy, answered) in
        [(ApprovalPolicy::Ask, false), (ApprovalPolicy::Hold, false), (ApprovalPolicy::Auto, true)]
    {
        let mut brain = brain();
        let (id, job) = running(&mut brain, "stays");
        let set = SetPolicy { session: id.clone(), policy };
        decide(&mut brain, |change| on_session::on_set_policy(change, &CommandId("c2".to_owned()), &set).unwrap());
        let asked = decide(&mut brain, |change| on_agent::on_agent(change, &id, &job, vec![asks("k1", "make")]));
        assert_eq!(effects(&asked).contains(&"answer"), answered, "{policy:?}");
    }
}

#[test]
fn what_an_ended_process_asked_cannot_be_answered() {
    let mut brain = brain();
    let (id, job) = running(&mut brain, "stays");
    decide(&mut brain, |change| on_agent::on_agent(change, &id, &job, vec![asks("k1", "make")]));
    let ended = decide(&mut brain, |change| on_job::on_ended(change, &id, &job, JobEnd::Lost));
    assert_eq!(events(&ended), ["approval.expired", "turn.stopped", "job.ended"]);
    assert_eq!(effects(&ended), ["checkpoint"]);
}

#[test]
fn a_stop_is_recorded_before_the_process_is_told() {
    let mut brain = brain();
    let (id, _) = running(&mut brain, "stays");
    let of = OfSession { session: id.clone() };
    let stopped =
        decide(&mut brain, |change| on_session::on_stop(change, &CommandId("c2".to_owned()), &of, "cli").unwrap());
    assert_eq!(events(&stopped), ["turn.stop_requested", "command.accepted"]);
    assert_eq!(effects(&stopped), ["stop turn"]);
    assert!(brain.registry.sessions[&id].turn.as_ref().unwrap().stopping);
}

#[test]
fn a_removal_ends_the_process_before_it_touches_the_worktree() {
    let mut brain = brain();
    let (id, job) = running(&mut brain, "stays");
    let remove = RemoveSession { session: id.clone(), discard: true };
    let looked =
        decide(&mut brain, |change| on_removal::on_remove(change, &CommandId("c2".to_owned()), &remove).unwrap());
    assert_eq!((events(&looked), effects(&looked)), (vec![], vec!["prepare removal"]));
    let Some(Effect::PrepareRemoval { ticket, .. }) = looked.effects.into_iter().next() else { panic!("no look") };
    let begun = decide(&mut brain, |change| {
        on_removal::on_prepared(change, ticket, &id, Ok(super::super::port::Unlanded::default()));
    });
    assert_eq!(events(&begun), ["worktree.changed", "command.accepted"]);
    assert_eq!(effects(&begun), ["end process"]);
    let ended = decide(&mut brain, |change| on_job::on_ended(change, &id, &job, JobEnd::Lost));
    assert_eq!(effects(&ended), ["remove worktree"]);
    let removed = decide(&mut brain, |change| {
        on_removal::on_removed(change, &id, Ok(Some("refs/divisi/preserved/x".to_owned())));
    });
    assert_eq!(events(&removed), ["session.removed"]);
    assert!(brain.registry.sessions.is_empty());
}

#[test]
fn what_cannot_be_preserved_is_not_removed() {
    let mut brain = brain();
    let (id, job) = running(&mut brain, "once");
    finish(&mut brain, &id, &job);
    checkpoint(&mut brain, &id);
    decide(&mut brain, |change| {
        on_job::on_ended(change, &id, &job, JobEnd::Exited { code: 0, stopped: false, leaked: 0 });
    });
    let remove = RemoveSession { session: id.clone(), discard: true };
    let looked =
        decide(&mut brain, |change| on_removal::on_remove(change, &CommandId("c2".to_owned()), &remove).unwrap());
    let Some(Effect::PrepareRemoval { ticket, .. }) = looked.effects.into_iter().next() else { panic!("no look") };
    let begun = decide(&mut brain, |change| {
        on_removal::on_prepared(change, ticket, &id, Ok(super::super::port::Unlanded::default()));
    });
    assert_eq!(effects(&begun), ["remove worktree"]);
    let failed =
        decide(&mut brain, |change| on_removal::on_removed(change, &id, Err(Refusal::environment("the disk is full"))));
    assert_eq!(events(&failed), ["worktree.changed", "session.faulted"]);
    assert!(brain.registry.sessions.contains_key(&id));
}

#[test]
fn that_a_conversation_is_a_new_one_is_told_once_per_process() {
    let mut brain = brain();
    let (id, job) = running(&mut brain, "stays");
    let says = |brain: &mut Brain, job: &JobId, name: &str| {
        let ready = AgentReady { name: Some(name.to_owned()), ..AgentReady::default() };
        events(&decide(brain, |change| on_agent::on_agent(change, &id, job, vec![Update::Ready(ready)])))
    };
    let next = |brain: &mut Brain, command: &str| {
        let send = SendPrompt {
            session: id.clone(),
            text: "more".to_owned(),
            attach: Vec::new(),
            when: crate::model::attachment::When::Free,
            caller: BTreeMap::new(),
        };
        decide(brain, |change| on_prompt::on_send(change, &CommandId(command.to_owned()), &send, "test").unwrap());
    };
    assert_eq!(says(&mut brain, &job, "a"), ["agent.ready"]);
    finish(&mut brain, &id, &job);
    checkpoint(&mut brain, &id);
    next(&mut brain, "c2");
    // The same process, in its second turn.
    assert_eq!(says(&mut brain, &job, "ab"), ["agent.ready"]);
    finish(&mut brain, &id, &job);
    checkpoint(&mut brain, &id);
    let end = JobEnd::Exited { code: 0, stopped: false, leaked: 0 };
    decide(&mut brain, |change| on_job::on_ended(change, &id, &job, end));
    next(&mut brain, "c3");
    let job = brain.registry.sessions[&id].job.clone().unwrap();
    decide(&mut brain, |change| on_job::on_started(change, &id, &job, Ok(shim())));
    assert_eq!(says(&mut brain, &job, "c"), ["agent.ready", "agent.notice"]);
    assert_eq!(says(&mut brain, &job, "cd"), ["agent.ready"]);
}
