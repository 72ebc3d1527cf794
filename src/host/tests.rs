//! The brain in tables, without processes, git or a database.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::advance::advance;
use super::change::{Brain, Change, Decision};
use super::effect::{Effect, UnitInput};
use super::port::{
    AgentDefinition, Agents, Conversation, ConversationInput, ConversationSetup, CreatedWorktree, Lifetime, Listing,
    RepositoryFacts, ResolvedBase, Update, Variant,
};
use super::registry::Registry;
use super::{on_agent, on_approval, on_create, on_job, on_landing, on_option, on_prompt, on_removal, on_session};
use crate::model::agent::{AgentReady, AgentView, Protocol, ToolCall};
use crate::model::approval::{
    AlwaysScope, Answer, ApprovalKind, ApprovalOption, ApprovalPolicy, RuleMatcher, RuleReach,
};
use crate::model::command::{
    AnswerApproval, CreateSession, OfSession, RemoveSession, SendPrompt, SetPolicy, StartLanding,
};
use crate::model::event::{Cause, Event};
use crate::model::id::{CommandId, JobId, Oid, SessionId, TurnId};
use crate::model::job::{JobEnd, ProcessIdentity};
use crate::model::login::KnownProblem;
use crate::model::profile::CredentialSource;
use crate::model::query::Finding;
use crate::model::secret::Secret;
use crate::model::settings::Settings;
use crate::model::turn::TurnOutcome;
use crate::model::worktree::Base;
use crate::model::{Refusal, RefusalKind};

mod batches;
mod contests;
mod life;
mod recovery;
mod refusals;
mod review;
mod steering;

/// Two agents: `once` has a process per turn, `stays` one for the session.
pub(crate) struct TwoAgents;

struct Mute;

impl Conversation for Mute {
    fn feed(&mut self, _: ConversationInput<'_>, _: &mut Vec<Update>) {}

    fn can_cancel(&self) -> bool {
        false
    }
}

impl Agents for TwoAgents {
    fn list(&self, _: &Listing<'_>) -> Vec<AgentView> {
        Vec::new()
    }

    fn in_repository(&self, _: &str) -> Result<BTreeMap<String, String>, Refusal> {
        Ok(BTreeMap::new())
    }

    fn problems(&self, _: &AgentDefinition) -> Vec<KnownProblem> {
        Vec::new()
    }

    fn findings(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn credential(&self, source: &CredentialSource, _: &BTreeMap<String, String>) -> Result<Secret, Refusal> {
        match source {
            CredentialSource::Variable(_) => Err(Refusal::user("it is not there")),
            found => Ok(Secret::new(format!("secret of {}", found.shown()))),
        }
    }

    fn find_as(&self, name: &str, _: Variant<'_>) -> Result<AgentDefinition, Refusal> {
        if name != "once" && name != "stays" {
            return Err(Refusal::user(format!("there is no agent '{name}'")));
        }
        Ok(AgentDefinition {
            name: name.to_owned(),
            description: String::new(),
            protocol: Protocol::Shell,
            command: vec![name.to_owned()],
            environment: BTreeMap::new(),
            pass_environment: Vec::new(),
            base_url_variable: Some("SERVER".to_owned()),
            mode_variable: None,
            editor: None,
            tells: crate::model::tells::Tells::Unknown,
            install_hint: None,
            source: "test".to_owned(),
            definition: None,
        })
    }

    fn lifetime(&self, agent: &AgentDefinition) -> Lifetime {
        if agent.name == "once" { Lifetime::Turn } else { Lifetime::Session }
    }

    fn command(&self, agent: &AgentDefinition, _: &ConversationSetup, _: Option<&str>) -> Vec<String> {
        agent.command.clone()
    }

    fn wants_stdin(&self, _: &AgentDefinition) -> bool {
        false
    }

    fn converse(&self, _: &AgentDefinition, _: &ConversationSetup, _: Option<&TurnId>) -> Box<dyn Conversation> {
        Box::new(Mute)
    }
}

fn brain() -> Brain {
    let mut number = 0;
    Brain {
        registry: Registry::default(),
        settings: Settings { default_agent: "once".to_owned(), ..Settings::default() },
        agents: Arc::new(TwoAgents),
        environment: BTreeMap::new(),
        callers: BTreeMap::new(),
        steps: BTreeSet::new(),
        units: BTreeSet::new(),
        waiting: BTreeMap::new(),
        tickets: 0,
        recovering: false,
        batches: super::on_batch::Desk::default(),
        new_id: Box::new(move || {
            number += 1;
            format!("id{number:08}")
        }),
    }
}

/// Lets the brain decide once.
fn decide(brain: &mut Brain, decide: impl FnOnce(&mut Change<'_>)) -> Decision {
    let mut change = Change::new(brain, 1_000, Cause::Host);
    decide(&mut change);
    change.finish()
}

/// The names of the events of a decision.
fn events(decision: &Decision) -> Vec<String> {
    decision
        .events
        .iter()
        .map(|envelope| serde_json::to_value(&**envelope).unwrap()["type"].as_str().unwrap().to_owned())
        .collect()
}

/// The names of the effects of a decision.
fn effects(decision: &Decision) -> Vec<&'static str> {
    decision.effects.iter().map(effect_name).collect()
}

fn effect_name(effect: &Effect) -> &'static str {
    match effect {
        Effect::ResolveBase { .. } => "resolve base",
        Effect::ResolveOrigin { .. } => "resolve origin",
        Effect::PrepareRewind { .. } => "prepare rewind",
        Effect::Rewind { .. } => "rewind",
        Effect::CreateWorktree { .. } => "create worktree",
        Effect::RunSetup { .. } => "run setup",
        Effect::StopSetup { .. } => "stop setup",
        Effect::StartJob { .. } => "start job",
        Effect::AttachJob { .. } => "attach job",
        Effect::ToUnit { input: UnitInput::Prompt(_), .. } => "prompt",
        Effect::ToUnit { input: UnitInput::Steer(_), .. } => "steer",
        Effect::ToUnit { input: UnitInput::Answer { .. }, .. } => "answer",
        Effect::KeepAttachments { .. } => "keep attachments",
        Effect::ForgetAttachments { .. } => "forget attachments",
        Effect::ToUnit { input: UnitInput::Option { .. }, .. } => "option",
        Effect::ToUnit { input: UnitInput::Patience { .. }, .. } => "patience",
        Effect::ToUnit { input: UnitInput::StopTurn, .. } => "stop turn",
        Effect::ToUnit { input: UnitInput::End, .. } => "end process",
        Effect::Checkpoint { .. } => "checkpoint",
        Effect::PrepareLanding { .. } => "prepare landing",
        Effect::Land { .. } => "land",
        Effect::PrepareRemoval { .. } => "prepare removal",
        Effect::RemoveWorktree { .. } => "remove worktree",
        Effect::Restore { .. } => "restore",
        Effect::FindHunk { .. } => "find hunk",
        Effect::ApplyHunk { .. } => "apply hunk",
        Effect::ReadAnchor { .. } => "read anchor",
        Effect::PrepareRound { .. } => "prepare round",
        Effect::ReadRepositoryConfig { .. } => "read config",
        Effect::FixRepositories { .. } => "fix",
        Effect::PrepareEvaluation { .. } => "prepare evaluation",
        Effect::Evaluate { .. } => "evaluate",
        Effect::CancelEvaluation { .. } => "cancel evaluation",
        Effect::ClearEvaluation { .. } => "clear evaluation",
        Effect::ReadVerdict { .. } => "read verdict",
        Effect::ToEvaluator { .. } => "tell evaluator",
        Effect::ReadCandidates { .. } => "read candidates",
        Effect::PrepareBatch { .. } => "prepare batch",
        Effect::ForgetCases { .. } => "forget cases",
        Effect::PrepareCase { .. } => "prepare case",
        Effect::JudgeCase { .. } => "judge case",
        Effect::StopCase { .. } => "stop case",
        Effect::RemoveCase { .. } => "remove case",
        Effect::ResolveBatch { .. } => "resolve batch",
        Effect::LoadBatch { .. } => "load batch",
        Effect::ReadMachine { .. } => "read machine",
        Effect::Wake { .. } => "wake",
    }
}

fn oid(digit: char) -> Oid {
    Oid(digit.to_string().repeat(40))
}

fn request(agent: &str) -> CreateSession {
    CreateSession {
        from: None,
        repository: "/r".to_owned(),
        prompt: "fix it".to_owned(),
        base: None,
        name: None,
        agent: Some(agent.to_owned()),
        model: None,
        mode: None,
        environment: BTreeMap::new(),
        pass: Vec::new(),
        caller: BTreeMap::new(),
        profile: None,
        policy: None,
        on_daemon_death: None,
        attach: Vec::new(),
        silence_sec: None,
    }
}

fn resolved() -> ResolvedBase {
    ResolvedBase {
        start: None,
        facts: RepositoryFacts {
            repository: "/r".to_owned(),
            common_dir: "/r/.git".to_owned(),
            worktrees_root: "/r/.worktrees".to_owned(),
        },
        base: Base { label: "main".to_owned(), branch: Some("refs/heads/main".to_owned()), commit: oid('a') },
        taken: Vec::new(),
        config: None,
    }
}

/// A session whose worktree is intended.
fn create(brain: &mut Brain, agent: &str) -> SessionId {
    let asked = decide(brain, |change| {
        on_create::on_create(change, &CommandId("c1".to_owned()), &request(agent)).unwrap();
    });
    let Some(Effect::ResolveBase { ticket, request, session }) = asked.effects.into_iter().next() else {
        panic!("no lookup")
    };
    decide(brain, |change| {
        on_create::on_base_resolved(change, ticket, &request, session, Ok((resolved(), Vec::new())));
    });
    brain.registry.sessions.keys().next_back().unwrap().clone()
}

/// A session whose first turn runs, with its job.
fn running(brain: &mut Brain, agent: &str) -> (SessionId, JobId) {
    let id = create(brain, agent);
    let created = CreatedWorktree { head: oid('a'), notes: Vec::new(), stat: None };
    decide(brain, |change| on_create::on_worktree_created(change, &id, Ok(created)));
    let job = brain.registry.sessions[&id].job.clone().unwrap();
    decide(brain, |change| on_job::on_started(change, &id, &job, Ok(shim())));
    (id, job)
}

fn shim() -> ProcessIdentity {
    ProcessIdentity { pid: 7, start_time: 7, boot_id: "boot".to_owned() }
}

/// The agent finishes the turn.
fn finish(brain: &mut Brain, id: &SessionId, job: &JobId) -> Decision {
    let turn = brain.registry.sessions[id].turn.as_ref().unwrap().id.clone();
    let outcome = TurnOutcome::Done { stop_reason: "end_turn".to_owned() };
    decide(brain, |change| on_agent::on_agent(change, id, job, vec![Update::TurnEnded { turn, outcome }]))
}

fn checkpoint(brain: &mut Brain, id: &SessionId) -> Decision {
    let made = super::port::Checkpoint {
        commit: Some(oid('b')),
        head: oid('b'),
        turn_stat: crate::model::diff::DiffStat { files: 1, added: 1, removed: 0 },
        stat: crate::model::diff::DiffStat { files: 1, added: 1, removed: 0 },
    };
    decide(brain, |change| on_job::on_checkpoint(change, id, Ok(made)))
}

fn asks(key: &str, command: &str) -> Update {
    Update::Approval {
        key: key.to_owned(),
        kind: ApprovalKind::Permission,
        tool: ToolCall {
            id: key.to_owned(),
            title: command.to_owned(),
            kind: "execute".to_owned(),
            ..ToolCall::default()
        },
        command_line: Some(command.to_owned()),
        options: vec![
            ApprovalOption { id: "yes".to_owned(), name: "Yes".to_owned(), kind: "allow_once".to_owned() },
            ApprovalOption { id: "no".to_owned(), name: "No".to_owned(), kind: "reject_once".to_owned() },
        ],
    }
}
