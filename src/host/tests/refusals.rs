//! What is refused, with which words, and that a refusal changes nothing.

use super::*;

fn refuses(brain: &mut Brain, words: &str, ask: impl FnOnce(&mut Change<'_>) -> Result<(), Refusal>) {
    let mut said = None;
    let decision = decide(brain, |change| said = ask(change).err());
    let refusal = said.unwrap_or_else(|| panic!("not refused: {words}"));
    assert!(refusal.message.contains(words), "{refusal}");
    assert!(decision.events.is_empty() && decision.effects.is_empty(), "a refusal changes nothing: {words}");
}

#[test]
fn bad_requests_are_refused_before_anything_is_looked_at() {
    let mut brain = brain();
    let id = CommandId("c".to_owned());
    let with = |edit: fn(&mut CreateSession)| {
        let mut request = request("once");
        edit(&mut request);
        request
    };
    for (words, request) in [
        ("without a prompt", with(|request| request.prompt = " \n".to_owned())),
        ("cannot name a session", with(|request| request.name = Some("../x".to_owned()))),
        ("not absolute", with(|request| request.repository = "r".to_owned())),
        (
            "the variable 'GIT_DIR'",
            with(|request| {
                request.environment.insert("GIT_DIR".to_owned(), "/x".to_owned());
            }),
        ),
        ("the variable 'LD_PRELOAD'", with(|request| request.pass.push("LD_PRELOAD".to_owned()))),
        (
            "names a credential, and would be stored",
            with(|request| {
                request.environment.insert("MY_API_KEY".to_owned(), "x".to_owned());
            }),
        ),
        ("no profile 'nobody'", with(|request| request.profile = Some("nobody".to_owned()))),
    ] {
        refuses(&mut brain, words, |change| on_create::on_create(change, &id, &request));
    }
    let nowhere = SessionId("nowhere".to_owned());
    let send = SendPrompt {
        session: nowhere,
        text: "x".to_owned(),
        attach: Vec::new(),
        when: crate::model::attachment::When::Free,
        caller: BTreeMap::new(),
    };
    refuses(&mut brain, "no session nowhere", |change| on_prompt::on_send(change, &id, &send, "test"));
}

#[test]
fn a_session_at_work_is_neither_landed_nor_removed() {
    let mut brain = brain();
    let (session, _) = running(&mut brain, "stays");
    let id = CommandId("c".to_owned());
    let land = StartLanding {
        session: session.clone(),
        strategy: None,
        onto: None,
        message: None,
        expect: None,
        skip_gates: false,
    };
    refuses(&mut brain, "at work", |change| on_landing::on_start(change, &id, &land));
    let remove = RemoveSession { session: session.clone(), discard: false };
    refuses(&mut brain, "at work", |change| on_removal::on_remove(change, &id, &remove));
    let of = OfSession { session };
    refuses(&mut brain, "no landing with conflicts", |change| on_landing::on_continue(change, &id, &of));
    refuses(&mut brain, "not removed", |change| on_removal::on_restore(change, &id, &of));
}

#[test]
fn a_name_that_is_or_was_in_use_is_refused_with_a_free_one() {
    let mut brain = brain();
    let mut wanted = request("once");
    wanted.name = Some("mine".to_owned());
    for (round, refused) in [(1, false), (2, true)] {
        let command = CommandId(format!("c{round}"));
        let asked = decide(&mut brain, |change| on_create::on_create(change, &command, &wanted).unwrap());
        let Some(Effect::ResolveBase { ticket, request, session }) = asked.effects.into_iter().next() else {
            panic!("no lookup")
        };
        let decided = decide(&mut brain, |change| {
            on_create::on_base_resolved(change, ticket, &request, session, Ok((resolved(), Vec::new())));
        });
        let receipt = &decided.receipts[0].1;
        assert_eq!(receipt.is_err(), refused, "{receipt:?}");
        if let Err(refusal) = receipt {
            assert!(refusal.hints[0].contains("mine-2"), "{refusal:?}");
        }
    }
}

#[test]
fn an_agent_is_refused_once_the_repository_was_looked_at_for_its_own() {
    let mut brain = brain();
    let command = CommandId("c".to_owned());
    let asked = decide(&mut brain, |change| on_create::on_create(change, &command, &request("nobody")).unwrap());
    let Some(Effect::ResolveBase { ticket, request, session }) = asked.effects.into_iter().next() else {
        panic!("no lookup")
    };
    let decided = decide(&mut brain, |change| {
        on_create::on_base_resolved(change, ticket, &request, session, Ok((resolved(), Vec::new())));
    });
    assert!(decided.events.is_empty() && brain.registry.sessions.is_empty());
    assert!(decided.receipts[0].1.as_ref().unwrap_err().message.contains("no agent 'nobody'"));
}

#[test]
fn of_a_caller_only_what_is_wanted_is_kept_and_in_memory_alone() {
    let mut brain = brain();
    let mut wanted = request("once");
    wanted.pass = vec!["MINE".to_owned()];
    for name in ["MINE", "HTTPS_PROXY", "PATH", "OTHER"] {
        wanted.caller.insert(name.to_owned(), Some(Secret::new("hunter2")));
    }
    let asked = decide(&mut brain, |change| on_create::on_create(change, &CommandId("c".to_owned()), &wanted).unwrap());
    let Some(Effect::ResolveBase { ticket, request, session }) = asked.effects.into_iter().next() else {
        panic!("no lookup")
    };
    let decided = decide(&mut brain, |change| {
        on_create::on_base_resolved(change, ticket, &request, session, Ok((resolved(), Vec::new())));
    });
    let caller = brain.callers.values().next().unwrap();
    assert_eq!(caller.keys().collect::<Vec<_>>(), ["HTTPS_PROXY", "MINE"]);
    for envelope in &decided.events {
        assert!(!serde_json::to_string(&**envelope).unwrap().contains("hunter2"));
    }
    assert!(!serde_json::to_string(brain.registry.sessions.values().next().unwrap()).unwrap().contains("hunter2"));
}
