//! One of everything, for tests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::agent::{
    AgentCommand, AgentReady, Choice, ClaimedDiff, ConfigOption, Location, PlanEntry, ToolCall, ToolStatus,
};
use super::approval::{
    AlwaysScope, Answer, Approval, ApprovalKind, ApprovalOption, ApprovalPolicy, ApprovalState, Rule, RuleMatcher,
    RuleReach,
};
use super::attachment::Attachment;
use super::diff::{DiffStat, HunkDecision};
use super::failure::{Failure, FailureKind, Silence};
use super::id::{ApprovalId, Oid, SessionId, TurnId};
use super::job::{JobEnd, OnDaemonDeath, ProcessIdentity};
use super::landing::{Landing, LandingState, Strategy};
use super::part::Part;
use super::session::{Session, Setup};
use super::terminal::OnTerminal;
use super::timeline::{Mark, Rewind};
use super::turn::{QueuedPrompt, TurnOutcome};
use super::usage::{ModelUsage, Usage, UsageScope, UsageSource};
use super::worktree::{Base, Worktree, WorktreeState};
use super::{Cause, Event};

/// The session all samples belong to.
pub(crate) const SESSION: &str = "abcdefghij";

/// A commit id made of one digit.
pub(crate) fn oid(digit: char) -> Oid {
    Oid(digit.to_string().repeat(40))
}

/// The id of the session's nth turn.
pub(crate) fn turn_id(number: u32) -> TurnId {
    TurnId(format!("{SESSION}.t{number}"))
}

/// A session as it is created: a worktree intended, nothing queued.
pub(crate) fn session() -> Session {
    Session {
        id: SESSION.into(),
        name: "fix-parser".to_owned(),
        prompt: "fix the parser".to_owned(),
        agent: "shell".to_owned(),
        model: None,
        mode: None,
        environment: BTreeMap::new(),
        mcp: BTreeMap::new(),
        chosen: BTreeMap::new(),
        pass: Vec::new(),
        profile: None,
        definition: None,
        worktree: Worktree {
            session: SESSION.into(),
            repository: "/r".to_owned(),
            common_dir: "/r/.git".to_owned(),
            path: "/r/.worktrees/fix-parser".to_owned(),
            branch: "refs/heads/divisi/fix-parser/work".to_owned(),
            base: Base { label: "main".to_owned(), branch: Some("refs/heads/main".to_owned()), commit: oid('a') },
            start: None,
            state: WorktreeState::Intended,
            port: 20_000,
            preserved: None,
        },
        policy: ApprovalPolicy::Ask,
        on_daemon_death: OnDaemonDeath::Keep,
        created_at: 1,
        updated_at: 1,
        unread: false,
        setup: Setup::None,
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
        decisions: BTreeMap::new(),
        review: super::review::Review::default(),
        evaluations: super::evaluation::Evaluations::default(),
        head: None,
        marks: Vec::new(),
        rewind: None,
        stat: DiffStat::default(),
        usage: Usage::default(),
        usage_base: ModelUsage::default(),
        silence_sec: None,
        run: None,
        judging: None,
        fault: None,
        terminal: false,
        removed: false,
    }
}

/// A permission request for a command line, open.
pub(crate) fn approval(command_line: &str) -> Approval {
    let option =
        |id: &str, kind: &str| ApprovalOption { id: id.to_owned(), name: id.to_owned(), kind: kind.to_owned() };
    Approval {
        id: ApprovalId("apapapapap".to_owned()),
        session: SESSION.into(),
        turn: turn_id(1),
        job: "abcdefghij.j1".into(),
        key: "7".to_owned(),
        kind: ApprovalKind::Permission,
        tool: tool_call(),
        command_line: Some(command_line.to_owned()),
        options: vec![option("a", "allow_always"), option("o", "allow_once"), option("r", "reject_once")],
        state: ApprovalState::Open,
        asked_at: 5,
    }
}

/// A tool call with every field set.
pub(crate) fn tool_call() -> ToolCall {
    ToolCall {
        id: "call-1".to_owned(),
        title: "Write hello.txt".to_owned(),
        kind: "edit".to_owned(),
        name: Some("write_file".to_owned()),
        status: ToolStatus::InProgress,
        text: "wrote\u{0} it".to_owned(),
        diffs: vec![ClaimedDiff { path: "hello.txt".to_owned(), old_text: None, new_text: "hi\n".to_owned() }],
        locations: vec![Location { path: "hello.txt".to_owned(), line: Some(3) }],
        input: json!({"path": "hello.txt", "deep": [[[1.5, null, true]]]}),
        output: json!("ok"),
    }
}

/// A landing that has begun.
pub(crate) fn landing() -> Landing {
    Landing {
        gates: None,
        tree: None,
        gates_skipped: false,
        id: "abcdefghij.l1".into(),
        session: SESSION.into(),
        strategy: Strategy::Rebase,
        head: oid('b'),
        onto: "refs/heads/main".to_owned(),
        onto_commit: oid('a'),
        message: "Fix the parser".to_owned(),
        started_at: 9,
        state: LandingState::Started,
    }
}

/// Usage of one scope with given input and output tokens and a cost.
pub(crate) fn usage(scope: UsageScope, input: u64, output: u64, cost: Option<i64>) -> Usage {
    Usage {
        scope,
        source: UsageSource::Reported,
        input,
        output,
        cost_micros: cost,
        currency: cost.map(|_| "USD".to_owned()),
        ..Usage::default()
    }
}

/// A prompt that waits.
pub(crate) fn prompt(number: u32) -> QueuedPrompt {
    QueuedPrompt {
        id: format!("{SESSION}.p{number}").as_str().into(),
        session: SESSION.into(),
        text: format!("prompt {number}"),
        queued_at: i64::from(number),
        attachments: Vec::new(),
        urgent: false,
        steers: None,
    }
}

/// An attached image.
pub(crate) fn attachment() -> Attachment {
    Attachment { name: "screen.png".to_owned(), media_type: "image/png".to_owned(), size: 1234, digest: "d".repeat(64) }
}

/// Every cause.
pub(crate) fn every_cause() -> Vec<Cause> {
    vec![
        Cause::Command { id: "c-1".into() },
        Cause::Journal { job: "abcdefghij.j1".into(), offset: 9_007_199_254_740_993 },
        Cause::Host,
        Cause::Recovery,
    ]
}

/// Every event, those with inner choices once per choice.
pub(crate) fn every_event() -> Vec<Event> {
    let mut events = of_sessions();
    events.extend(of_turns());
    events.extend(of_agents());
    events.extend(of_approvals());
    events.extend(super::review::samples::of_reviews());
    events.extend(super::batch::samples::of_batches());
    events.extend(of_the_rest());
    let kinds: BTreeSet<&str> = events.iter().map(kind).collect();
    assert_eq!(kinds.len(), KINDS, "every_event lacks an event: {kinds:?}");
    events
}

/// How many events there are; [`kind`] does not compile when one is added without changing it, change this then too.
const KINDS: usize = 73;

fn of_sessions() -> Vec<Event> {
    let mut events = vec![
        Event::SessionCreated(Box::new(session())),
        Event::SessionPolicyChanged { policy: ApprovalPolicy::Auto },
        Event::SessionOptionChosen { option: "mode".to_owned(), value: "plan".to_owned() },
        Event::SessionRead {},
        Event::SessionRemoved { preserved: Some("refs/divisi/preserved/abcdefghij".to_owned()) },
        Event::SessionRestored { head: oid('c') },
        Event::SessionFaulted { message: "failed to start: no such file".to_owned() },
    ];
    for state in [
        WorktreeState::Intended,
        WorktreeState::Ready,
        WorktreeState::Failed,
        WorktreeState::Removing,
        WorktreeState::Removed,
    ] {
        events.push(Event::WorktreeChanged { state, head: Some(oid('a')), notes: vec!["2 files copied".to_owned()] });
    }
    let failed = Setup::Failed { reason: "npm ci: exit 1".to_owned() };
    for setup in [Setup::None, Setup::Untrusted, Setup::Running, Setup::Done, failed] {
        events.push(Event::SetupChanged { setup, output: "out".to_owned() });
    }
    events
}

fn of_turns() -> Vec<Event> {
    let (job, turn) = ("abcdefghij.j1".into(), turn_id(1));
    let outcomes = [
        TurnOutcome::Done { stop_reason: "end_turn".to_owned() },
        TurnOutcome::Failed { reason: "exit 3".to_owned() },
        TurnOutcome::Interrupted { reason: "stopped by cli".to_owned() },
    ];
    let ends = [
        JobEnd::Exited { code: 3, stopped: false, leaked: 1 },
        JobEnd::Signaled { signal: 9, stopped: true, leaked: 0 },
        JobEnd::NotStarted { reason: "no such program".to_owned() },
        JobEnd::Lost,
    ];
    let shim = ProcessIdentity { pid: 42, start_time: 777, boot_id: "boot".to_owned() };
    let mut events = vec![
        Event::PromptQueued { prompt: prompt(1) },
        Event::PromptEdited { id: prompt(1).id, text: "better".to_owned() },
        Event::PromptCancelled { id: prompt(1).id },
        Event::PromptSteered {
            id: prompt(1).id,
            turn: turn.clone(),
            text: "not that file".to_owned(),
            attachments: vec![attachment()],
        },
        Event::PromptSteerMissed { id: prompt(1).id, reason: "the turn was over".to_owned() },
        Event::JobIntended {
            job,
            turn: Some(turn.clone()),
            resume: Some(AgentReady { can_load: true, ..AgentReady::default() }),
            chosen: BTreeMap::from([("mode".to_owned(), "plan".to_owned())]),
            terminal: Some(OnTerminal { prompted: Some(turn.clone()) }),
        },
        Event::SessionMoved { terminal: true },
        Event::JobStarted { job: "abcdefghij.j1".into(), shim },
        Event::JobAttached { job: "abcdefghij.j1".into() },
        Event::TurnStopRequested { turn: turn.clone(), by: "cli".to_owned() },
        Event::SessionCheckpointed { head: oid('c'), stat: DiffStat::default(), mark: None },
        Event::SessionCheckpointed {
            head: oid('c'),
            stat: DiffStat::default(),
            mark: Some(Mark {
                name: "c1".to_owned(),
                what: "before going back to t1".to_owned(),
                at: 7,
                commit: oid('c'),
                step: DiffStat { files: 1, added: 1, removed: 0 },
            }),
        },
        Event::RewindStarted(Rewind {
            to: "t1".to_owned(),
            commit: oid('b'),
            before: "c1".to_owned(),
            after: "c2".to_owned(),
            at: 7,
        }),
        Event::RewindEnded { reason: None },
        Event::RewindEnded { reason: Some("the disk is full".to_owned()) },
        Event::TurnStarted {
            turn: turn.clone(),
            number: 1,
            prompt: prompt(1).id,
            text: "fix the parser".to_owned(),
            attachments: vec![attachment()],
            from: oid('a'),
        },
        Event::TurnEnded {
            turn: turn.clone(),
            checkpoint: Some(oid('b')),
            head: oid('b'),
            turn_stat: DiffStat { files: 1, added: 2, removed: 3 },
            stat: DiffStat { files: 4, added: 5, removed: 6 },
        },
    ];
    events.extend(ends.map(|end| Event::JobEnded { job: "abcdefghij.j1".into(), end }));
    let failure = Failure { kind: FailureKind::RateLimit, next: String::new(), retry_at: Some(60_000) };
    events.push(Event::TurnFailed { turn: turn.clone(), failure });
    let silences = [None, Some(None), Some(Some(9))].map(|known| known.map(|until| Silence { since: 5, until }));
    events.extend(silences.map(|silence| Event::TurnSilence { turn: turn.clone(), silence }));
    events.extend(outcomes.map(|outcome| Event::TurnStopped { turn: turn.clone(), outcome }));
    events
}

fn of_agents() -> Vec<Event> {
    let turn = turn_id(1);
    let choice = Choice { id: "fast".to_owned(), name: "Fast".to_owned(), description: None };
    let option = ConfigOption {
        id: "model".to_owned(),
        name: "Model".to_owned(),
        category: Some("model".to_owned()),
        current: "fast".to_owned(),
        choices: vec![choice],
        is_mode: false,
    };
    let mut events = vec![
        Event::AgentReadied {
            ready: AgentReady { conversation: Some("c1".to_owned()), can_load: true, ..AgentReady::default() },
        },
        Event::AgentMessage { turn: turn.clone(), text: "done\u{1b}[31m\nreally".to_owned() },
        Event::AgentThought { turn: turn.clone(), text: "hm".to_owned() },
        Event::AgentOutput { turn: Some(turn.clone()), stderr: true, text: "warning\n".to_owned() },
        Event::AgentOutputElided { turn: None, bytes: 1 << 40 },
        Event::AgentTool { turn: turn.clone(), call: tool_call() },
        Event::AgentPlan {
            entries: vec![PlanEntry {
                content: "look".to_owned(),
                status: "pending".to_owned(),
                priority: "high".to_owned(),
            }],
        },
        Event::AgentOptions { options: vec![option] },
        Event::AgentOptionAnswered {
            option: "mode".to_owned(),
            value: "plan".to_owned(),
            refused: Some("not allowed here".to_owned()),
        },
        Event::AgentCommands {
            commands: vec![AgentCommand { name: "init".to_owned(), description: "begins".to_owned() }],
        },
        Event::AgentNotice { turn: Some(turn.clone()), text: "retrying".to_owned() },
        Event::AgentRaw { message: json!({"method": "x/new", "params": {"type": "agent.raw", "payload": [1, 2]}}) },
    ];
    for scope in [UsageScope::Step, UsageScope::Turn, UsageScope::Session] {
        let model = ModelUsage { input: 10, output: 20, ..ModelUsage::default() };
        let models = [("one".to_owned(), model)].into();
        let usage = Usage {
            context_used: Some(9),
            context_size: Some(200_000),
            model: Some("one".to_owned()),
            models,
            ..usage(scope, 10, 20, Some(-1))
        };
        events.push(Event::UsageReported { turn: Some(turn.clone()), usage });
    }
    events
}

fn of_approvals() -> Vec<Event> {
    let id = ApprovalId("apapapapap".to_owned());
    let exact = AlwaysScope { matcher: RuleMatcher::Exact("cargo test".to_owned()), reach: RuleReach::Session };
    let prefix = AlwaysScope { matcher: RuleMatcher::Prefix("git status".to_owned()), reach: RuleReach::Repository };
    let tool = AlwaysScope { matcher: RuleMatcher::Tool("edit".to_owned()), reach: RuleReach::Repository };
    let answers = [
        Answer::Once,
        Answer::Reject { message: None },
        Answer::Reject { message: Some("not that".to_owned()) },
        Answer::Always { scope: None },
        Answer::Always { scope: Some(exact.clone()) },
    ];
    let mut events = vec![
        Event::ApprovalRequested(Box::new(approval("rm -rf target"))),
        Event::ApprovalRequested(Box::new(Approval {
            state: ApprovalState::Expired { reason: "the turn ended".to_owned() },
            ..approval("ls")
        })),
        Event::ApprovalExpired { id: id.clone(), reason: "withdrawn".to_owned() },
    ];
    for answer in answers {
        let state =
            ApprovalState::Answered { answer: answer.clone(), option: Some("o".to_owned()), by: "cli".to_owned() };
        events.push(Event::ApprovalRequested(Box::new(Approval { state, ..approval("ls") })));
        events.push(Event::ApprovalAnswered { id: id.clone(), answer, option: None, by: "nvim".to_owned() });
    }
    for scope in [exact, prefix, tool] {
        events.push(Event::RuleAdded(Rule { scope, session: SESSION.into(), common_dir: "/r/.git".to_owned() }));
    }
    events
}

fn of_the_rest() -> Vec<Event> {
    let mut events = vec![
        Event::HunkDecided { hunk: "0123456789abcdef".into(), decision: None, patch: None, part: None },
        Event::HunkDecided {
            hunk: "0123456789abcdef".into(),
            decision: Some(HunkDecision::Rejected),
            patch: Some("--- a\n+++ b\n".to_owned()),
            part: Some(Box::new(Part { path: "a".to_owned(), lines: vec!["+x".to_owned()], ..Part::default() })),
        },
        Event::LandingStarted(Box::new(landing())),
        Event::RepositoryTrusted { common_dir: "/r/.git".to_owned(), digest: "00".repeat(32) },
        Event::CommandAccepted { id: "c-1".into(), outcome: json!({"outcome": "done"}) },
        Event::FaultRaised { part: "host".to_owned(), message: "a panic".to_owned() },
        Event::Unknown { kind: "future.thing".to_owned(), payload: json!({"a": [1]}) },
        Event::Unknown { kind: "future.nothing".to_owned(), payload: json!(null) },
    ];
    let states = [
        LandingState::Conflicted { paths: vec!["a b".to_owned()] },
        LandingState::Completed { commit: oid('d'), checkout: "followed".to_owned() },
        LandingState::Failed { reason: "moved".to_owned() },
        LandingState::Aborted,
    ];
    events.extend(states.map(|state| Event::LandingChanged { id: landing().id, state }));
    events.extend(super::evaluation::samples::events());
    events
}

/// An event's name; a match over all of them, so that a new one is not forgotten here.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::SessionCreated(_) => "session.created",
        Event::SessionPolicyChanged { .. } => "session.policy_changed",
        Event::SessionOptionChosen { .. } => "session.option_chosen",
        Event::SessionMoved { .. } => "session.moved",
        Event::SessionRead {} => "session.read",
        Event::SessionRemoved { .. } => "session.removed",
        Event::SessionRestored { .. } => "session.restored",
        Event::SessionCheckpointed { .. } => "session.checkpointed",
        Event::RewindStarted(_) => "rewind.started",
        Event::RewindEnded { .. } => "rewind.ended",
        Event::SessionFaulted { .. } => "session.faulted",
        Event::WorktreeChanged { .. } => "worktree.changed",
        Event::SetupChanged { .. } => "setup.changed",
        Event::PromptQueued { .. } => "prompt.queued",
        Event::PromptEdited { .. } => "prompt.edited",
        Event::PromptCancelled { .. } => "prompt.cancelled",
        Event::PromptSteered { .. } => "prompt.steered",
        Event::PromptSteerMissed { .. } => "prompt.steer_missed",
        Event::JobIntended { .. } => "job.intended",
        Event::JobStarted { .. } => "job.started",
        Event::JobAttached { .. } => "job.attached",
        Event::JobEnded { .. } => "job.ended",
        Event::TurnStarted { .. } => "turn.started",
        Event::TurnStopRequested { .. } => "turn.stop_requested",
        Event::TurnFailed { .. } => "turn.failed",
        Event::TurnSilence { .. } => "turn.silence",
        Event::TurnStopped { .. } => "turn.stopped",
        Event::TurnEnded { .. } => "turn.ended",
        Event::AgentReadied { .. } => "agent.ready",
        Event::AgentMessage { .. } => "agent.message",
        Event::AgentThought { .. } => "agent.thought",
        Event::AgentOutput { .. } => "agent.output",
        Event::AgentOutputElided { .. } => "agent.output_elided",
        Event::AgentTool { .. } => "agent.tool",
        Event::AgentPlan { .. } => "agent.plan",
        Event::AgentOptions { .. } => "agent.options",
        Event::AgentOptionAnswered { .. } => "agent.option_answered",
        Event::AgentCommands { .. } => "agent.commands",
        Event::AgentNotice { .. } => "agent.notice",
        Event::AgentRaw { .. } => "agent.raw",
        Event::UsageReported { .. } => "usage.reported",
        Event::ApprovalRequested(_) => "approval.requested",
        Event::ApprovalAnswered { .. } => "approval.answered",
        Event::ApprovalExpired { .. } => "approval.expired",
        Event::RuleAdded(_) => "rule.added",
        Event::HunkDecided { .. } => "hunk.decided",
        Event::HunkIntended { .. } => "hunk.intended",
        Event::HunkFailed { .. } => "hunk.failed",
        Event::CommentAdded(_) => "comment.added",
        Event::CommentEdited { .. } => "comment.edited",
        Event::CommentRemoved { .. } => "comment.removed",
        Event::CommentResolved { .. } => "comment.resolved",
        Event::RoundStarted(_) => "round.started",
        Event::RoundSent { .. } => "round.sent",
        Event::RoundFailed { .. } => "round.failed",
        Event::FileViewed { .. } => "file.viewed",
        Event::LandingStarted(_) => "landing.started",
        Event::LandingChanged { .. } => "landing.changed",
        Event::EvaluationStarted(_) => "evaluation.started",
        Event::EvaluationResult { .. } => "evaluation.result",
        Event::EvaluationEnded { .. } => "evaluation.ended",
        Event::SessionGated { .. } => "session.gated",
        Event::BatchCreated(_) => "batch.created",
        Event::BatchChanged(_) => "batch.changed",
        Event::RunStarted(_) => "run.started",
        Event::RunStopping(_) => "run.stopping",
        Event::RunEnded(_) => "run.ended",
        Event::RunQueued(_) => "run.queued",
        Event::RunSettled(_) => "run.settled",
        Event::RepositoryTrusted { .. } => "repository.trusted",
        Event::CommandAccepted { .. } => "command.accepted",
        Event::FaultRaised { .. } => "fault.raised",
        Event::Unknown { .. } => "unknown",
    }
}

#[test]
fn every_event_survives_json_inside_its_envelope() {
    for (n, event) in every_event().into_iter().enumerate() {
        let causes = every_cause();
        let envelope = super::Envelope {
            seq: super::id::Seq(n as u64 + 1),
            time: -5,
            session: (n % 2 == 0).then(|| SessionId::from(SESSION)),
            cause: causes[n % causes.len()].clone(),
            event,
        };
        let text = serde_json::to_string(&envelope).unwrap();
        let back: super::Envelope = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(back, envelope, "{text}");
        if !matches!(envelope.event, Event::Unknown { .. }) {
            assert!(text.contains(&format!(r#""type":"{}""#, kind(&envelope.event))), "{text}");
        }
    }
}
