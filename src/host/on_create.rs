//! Creating a session: the base is looked up, the names are decided, the worktree is intended, and all of it is committed before
//! anything touches the repository.

use std::sync::Arc;

use crate::host::advance::advance;
use crate::host::change::{Change, Step, Waiting};
use crate::host::choice::Choice;
use crate::host::effect::{Effect, Ticket};
use crate::host::environment::may_pass;
use crate::host::on_combine;
use crate::host::port::{CreatedWorktree, ResolvedBase};
use crate::host::profile;
use crate::host::registry::Registry;
use crate::model::Refusal;
use crate::model::attachment::Attachment;
use crate::model::command::{Command, CreateSession, Outcome};
use crate::model::diff::DiffStat;
use crate::model::evaluation::Evaluations;
use crate::model::event::Event;
use crate::model::id::{CommandId, PromptId, SessionId};
use crate::model::secret::names_a_credential;
use crate::model::session::{Session, Setup};
use crate::model::turn::QueuedPrompt;
use crate::model::usage::{ModelUsage, Usage};
use crate::model::worktree::{Worktree, WorktreeState};
use crate::worktree::{name, port, repository};

/// Checks what can be checked without looking at the repository, then has it looked at.
pub(crate) fn on_create(change: &mut Change<'_>, id: &CommandId, request: &CreateSession) -> Result<(), Refusal> {
    if request.prompt.trim().is_empty() {
        return Err(Refusal::user("cannot start a session without a prompt").hint("divisi new \"what should be done\""));
    }
    if let Some(given) = &request.name {
        name::require_valid(given)?;
    }
    if !request.repository.starts_with('/') {
        return Err(Refusal::user("cannot start a session: the repository's path is not absolute"));
    }
    if let Some(bad) = request
        .environment
        .keys()
        .chain(&request.pass)
        .find(|key| key.is_empty() || key.contains(['=', '\0']) || !may_pass(key))
    {
        let shown = crate::base::text::visible_line(bad, 40);
        return Err(Refusal::user(format!("cannot give the agent the variable '{shown}'"))
            .hint("names must not be empty, and GIT_*, NVIM*, DIVISI_*, LD_* are never handed on"));
    }
    let mut request = request.clone();
    if let Some(at) = &request.from
        && request.agent.is_none()
    {
        request.agent = Some(change.brain.registry.require(&at.session)?.agent.clone());
    }
    let request = &request;
    let origin = on_combine::checkpoint_origin(change, request)?;
    if let Some(name) = request.environment.keys().find(|name| names_a_credential(name)) {
        return Err(Refusal::user(format!(
            "cannot give the agent {name} with its value: it names a credential, and would be stored"
        ))
        .hint(format!("divisi new --env {name} ...    # the name alone: your value is handed on and not stored"))
        .hint(format!("put {name} into the credentials of a profile: divisi new --profile NAME")));
    }
    let settings = &change.brain.settings;
    profile::choose(settings, request.profile.as_deref(), request.agent.as_deref().unwrap_or(&settings.default_agent))?;
    let command = Command::CreateSession(request.clone());
    let ticket = change.brain.wait(id, &command);
    let session = new_id(change);
    let request = Box::new(request.clone());
    change.want(match origin {
        Some(origin) => Effect::ResolveOrigin { ticket, request, session, origin },
        None => Effect::ResolveBase { ticket, request, session },
    });
    Ok(())
}

/// Decides names and ports, and records the session with its worktree intended.
pub(crate) fn on_base_resolved(
    change: &mut Change<'_>,
    ticket: Ticket,
    request: &CreateSession,
    id: SessionId,
    result: Result<(ResolvedBase, Vec<Attachment>), Refusal>,
) {
    let Some(Waiting { id: command, .. }) = change.brain.waiting.remove(&ticket) else { return };
    let decided = result.and_then(|(resolved, attachments)| {
        let (session, notice) = decide(change, request, id.clone(), resolved)?;
        Ok((session, notice, attachments))
    });
    let (session, notice, attachments) = match decided {
        Ok(decided) => decided,
        Err(refusal) => {
            if !request.attach.is_empty() {
                change.want(Effect::ForgetAttachments { session: id });
            }
            return change.refuse(&command, refusal);
        }
    };
    let outcome = Outcome::Created {
        session: id.clone(),
        name: session.name.clone(),
        branch: session.worktree.branch.clone(),
        path: session.worktree.path.clone(),
    };
    change.emit(Some(&id), Event::SessionCreated(Box::new(session)));
    // What was only combined has nothing to do yet.
    if !request.prompt.is_empty() {
        let prompt = QueuedPrompt {
            id: PromptId(format!("{id}.p1")),
            session: id.clone(),
            text: request.prompt.clone(),
            queued_at: change.now,
            attachments,
            urgent: false,
            steers: None,
        };
        change.emit(Some(&id), Event::PromptQueued { prompt });
    }
    if let Some(text) = notice {
        change.emit(Some(&id), Event::AgentNotice { turn: None, text });
    }
    change.accept(&command, Some(&id), outcome);
    advance(change, &id);
}

/// An id that no session has.
pub(crate) fn new_id(change: &mut Change<'_>) -> SessionId {
    loop {
        let candidate = SessionId((change.brain.new_id)());
        if !change.brain.registry.sessions.contains_key(&candidate) {
            return candidate;
        }
    }
}

/// The session, and what is to be said about it.
pub(crate) fn decide(
    change: &mut Change<'_>,
    request: &CreateSession,
    id: SessionId,
    resolved: ResolvedBase,
) -> Result<(Session, Option<String>), Refusal> {
    let brain = &mut *change.brain;
    let choice = Choice::of(brain, request, &resolved)?;
    let common_dir = &resolved.facts.common_dir;
    let registry = &brain.registry;
    let is_taken = |candidate: &str| {
        registry.named.contains_key(&Registry::name_key(common_dir, candidate))
            || resolved.taken.iter().any(|taken| taken == candidate)
    };
    let name = match &request.name {
        Some(given) if is_taken(given) => {
            return Err(Refusal::conflict(format!(
                "cannot name the session '{given}': that name is or was in use in this repository"
            ))
            .hint(format!("divisi new --name {} ...", name::first_free(given, is_taken))));
        }
        Some(given) => given.clone(),
        None => {
            let words = match &resolved.start {
                Some(start) if request.prompt.is_empty() => &start.what,
                _ => &request.prompt,
            };
            name::first_free(&name::slug(words), is_taken)
        }
    };
    let path = format!("{}/{name}", resolved.facts.worktrees_root.trim_end_matches('/'));
    let used: Vec<u16> = registry.sessions.values().map(|session| session.worktree.port).collect();
    let worktree = Worktree {
        session: id.clone(),
        repository: resolved.facts.repository,
        common_dir: resolved.facts.common_dir.clone(),
        branch: name::branch(&name),
        port: port::first_port(&path, |port| used.contains(&port)),
        path,
        base: resolved.base,
        start: resolved.start,
        state: WorktreeState::Intended,
        preserved: None,
    };
    let trusted = brain.registry.trust.get(&resolved.facts.common_dir);
    let mut mcp = brain.settings.mcp.clone();
    let setup = match &resolved.config {
        Some(config) if trusted == Some(&config.digest) => {
            let settings = repository::parse(&config.text)?;
            // What the user named so themselves is theirs.
            for (name, server) in settings.mcp {
                mcp.entry(name).or_insert(server);
            }
            if settings.setup.commands.is_empty() { Setup::None } else { Setup::Running }
        }
        // Nobody vouches for the file, so it is not even an error when it cannot be read.
        Some(config) => match repository::parse(&config.text) {
            Ok(settings) if settings.setup.commands.is_empty() && settings.mcp.is_empty() => Setup::None,
            Ok(_) | Err(_) => Setup::Untrusted,
        },
        None => Setup::None,
    };
    brain.callers.insert(id.clone(), Arc::new(choice.caller));
    let session = Session {
        evaluations: Evaluations::default(),
        id,
        name,
        prompt: match &worktree.start {
            Some(start) if request.prompt.is_empty() => start.what.clone(),
            _ => request.prompt.clone(),
        },
        agent: choice.agent,
        model: choice.model,
        mode: choice.mode,
        environment: request.environment.clone(),
        mcp,
        chosen: std::collections::BTreeMap::new(),
        pass: choice.pass,
        profile: choice.profile,
        definition: choice.definition,
        worktree,
        policy: request.policy.unwrap_or(brain.settings.policy),
        on_daemon_death: request.on_daemon_death.unwrap_or(brain.settings.on_daemon_death),
        created_at: change.now,
        updated_at: change.now,
        unread: false,
        setup,
        ready: None,
        options: Vec::new(),
        commands: Vec::new(),
        plan: Vec::new(),
        activity: None,
        said: None,
        line: None,
        turns: 0,
        turn: None,
        jobs: 0,
        job: None,
        queue: Vec::new(),
        prompts: 0,
        landings: 0,
        landing: None,
        decisions: std::collections::BTreeMap::new(),
        review: crate::model::review::Review::default(),
        head: None,
        marks: Vec::new(),
        rewind: None,
        stat: DiffStat::default(),
        usage: Usage::default(),
        usage_base: ModelUsage::default(),
        silence_sec: request.silence_sec,
        run: None,
        judging: None,
        fault: None,
        terminal: false,
        removed: false,
    };
    Ok((session, choice.notice))
}

/// The worktree is there, or could not be made.
pub(crate) fn on_worktree_created(change: &mut Change<'_>, id: &SessionId, result: Result<CreatedWorktree, Refusal>) {
    change.step_done(id, Step::Worktree);
    match result {
        Ok(created) => {
            let changed = Event::WorktreeChanged {
                state: WorktreeState::Ready,
                head: Some(created.head.clone()),
                notes: created.notes,
            };
            let (head, stat) = (created.head, created.stat);
            change.emit(Some(id), changed);
            if let Some(stat) = stat {
                change.emit(Some(id), Event::SessionCheckpointed { head, stat, mark: None });
            }
        }
        Err(refusal) => {
            change.emit(Some(id), Event::SessionFaulted { message: crate::host::hinted(&refusal) });
            change
                .emit(Some(id), Event::WorktreeChanged { state: WorktreeState::Failed, head: None, notes: Vec::new() });
        }
    }
    advance(change, id);
}

/// The setup commands ran, or one of them failed.
pub(crate) fn on_setup_ended(change: &mut Change<'_>, id: &SessionId, result: Result<String, (String, String)>) {
    change.step_done(id, Step::Setup);
    let (setup, output) = match result {
        Ok(output) => (Setup::Done, output),
        Err((reason, output)) => (Setup::Failed { reason }, output),
    };
    change.emit(Some(id), Event::SetupChanged { setup, output });
    advance(change, id);
}
