//! Judges: sessions that say what other sessions' work is worth. They end as soon as nobody waits for them, whatever the reason.

use std::collections::BTreeSet;

use crate::eval::judging;
use crate::host::advance::advance;
use crate::host::change::{Brain, Change, Step};
use crate::host::choice::Choice;
use crate::host::effect::Effect;
use crate::host::port::{ResolvedBase, Variant};
use crate::host::profile::Caller;
use crate::host::{on_contest, on_create, on_run};
use crate::model::Refusal;
use crate::model::agent::Protocol;
use crate::model::approval::ApprovalPolicy;
use crate::model::batch::Spend;
use crate::model::command::CreateSession;
use crate::model::contest::ContestState;
use crate::model::evaluation::{Evaluation, EvaluatorOutcome, EvaluatorResult};
use crate::model::event::Event;
use crate::model::failure::FailureKind;
use crate::model::id::{EvaluationId, PromptId, SessionId};
use crate::model::judge::{Judge, JudgedFor, Judging};
use crate::model::session::{Session, Settled, Setup};
use crate::model::turn::{QueuedPrompt, TurnOutcome};
use crate::model::worktree::WorktreeState;
use crate::session::state;

/// How often a judge whose program crashed is replaced: a rate of crashes is no opinion, and no answer is never a good one.
pub(crate) const MOST_LOST: u32 = 2;

/// Why a judge was not heard.
#[derive(Debug)]
pub(crate) struct Unheard {
    pub(crate) why: String,
    /// Whether another one may be: its program crashed. Whoever answered, and not as asked, is not asked again.
    pub(crate) again: bool,
}

impl Unheard {
    fn of(why: &str) -> Self {
        Self { why: why.to_owned(), again: false }
    }
}

/// What an evaluator wants to hear, and who was asked before.
#[derive(Debug)]
pub(crate) struct Asking {
    ask: JudgeAsk,
    /// Judges that were lost.
    lost: u32,
    /// What they used.
    spend: Spend,
}

/// What an evaluator has a judge asked.
#[derive(Debug, Clone)]
pub(crate) struct JudgeAsk {
    pub(crate) judge: Judge,
    pub(crate) diff: String,
    /// The repository at the base: what the judge works in has nothing of what it judges.
    pub(crate) resolved: ResolvedBase,
}

/// What a judge said, or why it said nothing.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) said: Result<String, String>,
    pub(crate) mark: String,
}

fn request(judge: &Judge, repository: &str, what: &str, caller: &Caller) -> CreateSession {
    CreateSession {
        repository: repository.to_owned(),
        prompt: what.to_owned(),
        base: None,
        from: None,
        name: None,
        agent: Some(judge.agent.clone()),
        model: judge.model.clone(),
        mode: judge.mode.clone(),
        environment: std::collections::BTreeMap::new(),
        pass: Vec::new(),
        caller: caller.clone(),
        profile: judge.profile.clone(),
        // Whatever it asks for is refused: `on_approval`.
        policy: Some(ApprovalPolicy::Hold),
        on_daemon_death: None,
        attach: Vec::new(),
        silence_sec: Some(0),
    }
}

/// Whether an agent can be a judge here.
///
/// # Errors
/// When it cannot be started, or takes what it reads for commands.
pub(crate) fn require(brain: &Brain, judge: &Judge, resolved: &ResolvedBase, caller: &Caller) -> Result<(), Refusal> {
    let choice = Choice::of(brain, &request(judge, &resolved.facts.repository, "judge", caller), resolved)?;
    let variant = Variant { definition: choice.definition.as_deref(), program: None };
    let found = brain.agents.find_as(&choice.agent, variant)?;
    match found.protocol {
        Protocol::Shell => {
            Err(Refusal::user(format!("the agent {} cannot judge: it runs what it reads as a command", choice.agent))
                .hint("divisi agents"))
        }
        Protocol::Pty => Err(Refusal::user(format!(
            "the agent {} cannot judge: it shows what it says on a terminal only",
            choice.agent
        ))
        .hint("divisi agents")),
        _ => Ok(()),
    }
}

/// A word that nobody can have guessed.
pub(crate) fn mark(change: &mut Change<'_>) -> String {
    format!("{}{}", (change.brain.new_id)(), (change.brain.new_id)())
}

/// Starts a judge.
///
/// # Errors
/// When its agent cannot be one, or cannot be started.
pub(crate) fn start(
    change: &mut Change<'_>,
    judge: &Judge,
    (what, text): (&str, String),
    judging: Judging,
    resolved: ResolvedBase,
    caller: &Caller,
) -> Result<SessionId, Refusal> {
    require(change.brain, judge, &resolved, caller)?;
    let id = on_create::new_id(change);
    let mut request = request(judge, &resolved.facts.repository, what, caller);
    request.name = Some(format!("judge-{id}"));
    let (mut session, notice) = on_create::decide(change, &request, id.clone(), resolved)?;
    session.judging = Some(Box::new(judging));
    // It needs no tools, and what it reads is hostile.
    session.mcp.clear();
    session.setup = Setup::None;
    change.emit(Some(&id), Event::SessionCreated(Box::new(session)));
    let prompt = QueuedPrompt {
        id: PromptId(format!("{id}.p1")),
        session: id.clone(),
        text,
        queued_at: change.now,
        attachments: Vec::new(),
        urgent: false,
        steers: None,
    };
    change.emit(Some(&id), Event::PromptQueued { prompt });
    if let Some(text) = notice {
        change.emit(Some(&id), Event::AgentNotice { turn: None, text });
    }
    advance(change, &id);
    Ok(id)
}

/// An evaluator wants a judge.
pub(crate) fn on_wanted(
    change: &mut Change<'_>,
    id: &SessionId,
    evaluation: &EvaluationId,
    evaluator: &str,
    ask: JudgeAsk,
) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    if session.evaluations.running().is_none_or(|running| running.id != *evaluation) {
        return;
    }
    let key = (evaluation.clone(), evaluator.to_owned());
    change.brain.batches.asking.insert(key.clone(), Asking { ask, lost: 0, spend: Spend::default() });
    ask_for(change, id, &key);
}

/// Starts a judge for an evaluator.
fn ask_for(change: &mut Change<'_>, id: &SessionId, key: &(EvaluationId, String)) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let Some(Asking { ask, lost, .. }) = change.brain.batches.asking.get(key) else { return };
    let (JudgeAsk { judge, diff, resolved }, lost) = (ask.clone(), *lost);
    let task = session.prompt.clone();
    let of_batch = session.run.as_ref().and_then(crate::batch::fold::batch_of_run);
    let caller = of_batch.and_then(|batch| change.brain.batches.callers.get(&batch).cloned());
    let caller = caller.or_else(|| change.brain.callers.get(id).map(|caller| (**caller).clone())).unwrap_or_default();
    let mark = mark(change);
    let text = judging::score_prompt(&judge.rubric, &task, &diff, &mark);
    let (evaluation, evaluator) = key.clone();
    let of =
        JudgedFor::Evaluation { session: id.clone(), evaluation: evaluation.clone(), evaluator: evaluator.clone() };
    let until = change.now.saturating_add(milliseconds(judge.wait_sec));
    let judging = Judging { of, mark: mark.clone(), until, lost };
    // A session's name may hold an agent's; the judge finds this in its worktree.
    let what = format!("Judge the evaluation {evaluation}");
    if let Err(refusal) = start(change, &judge, (&what, text), judging, resolved, &caller) {
        let said = Err(format!("the judge cannot be asked: {}", crate::host::hinted(&refusal)));
        change.want(Effect::ToEvaluator { evaluation, evaluator, heard: Box::new(Heard { said, mark }) });
    }
}

/// Seconds in milliseconds.
pub(crate) fn milliseconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX / 1000).saturating_mul(1000)
}

/// Whether somebody still waits for what a judge says.
fn is_wanted(brain: &Brain, id: &SessionId, judging: &Judging) -> bool {
    match &judging.of {
        JudgedFor::Evaluation { session, evaluation, evaluator } => {
            let running = brain.registry.sessions.get(session).and_then(|session| session.evaluations.running());
            let asking = brain.batches.asking.get(&(evaluation.clone(), evaluator.clone()));
            // One that was replaced is not wanted; after a restart nobody is, as soon as the evaluation is cut off.
            asking.is_none_or(|asking| asking.lost == judging.lost)
                && running.is_some_and(|running| {
                    running.id == *evaluation && !running.results.iter().any(|result| result.id == *evaluator)
                })
        }
        JudgedFor::Contest { batch, contest, ask } => {
            let live = brain.registry.batches.get(batch);
            let contests = live.map(|live| live.batch.contests.as_slice()).unwrap_or_default();
            let found = contests.iter().find(|known| known.number == *contest);
            found.filter(|contest| contest.state == ContestState::Judging).is_some_and(|contest| {
                let ask = contest.asks.get(*ask as usize);
                ask.is_some_and(|ask| ask.answer.is_none() && ask.session.as_ref() == Some(id))
            })
        }
    }
}

/// Looks whether a judge is done, or is not wanted any more.
pub(crate) fn observe(change: &mut Change<'_>, id: &SessionId, judging: &Judging) {
    if !is_wanted(change.brain, id, judging) {
        return dismiss(change, id);
    }
    let Some(session) = change.brain.registry.sessions.get(id) else {
        return answered(change, id, judging, Err(Unheard::of("the judge's session was removed")));
    };
    if session.worktree.state == WorktreeState::Removing {
        return;
    }
    let now = state::state(session, &change.brain.registry.open_approvals(id));
    let over = matches!(now.settled(), Some(Settled::Done | Settled::Failed))
        && session.queue.is_empty()
        && session.turn.as_ref().is_none_or(|turn| turn.ended_at.is_some())
        && !change.brain.under_way(id, Step::Checkpoint);
    if !over {
        return;
    }
    let turn = session.turn.as_ref().filter(|turn| matches!(turn.outcome, Some(TurnOutcome::Done { .. })));
    if let Some(turn) = turn.map(|turn| turn.id.clone()) {
        let session = id.clone();
        return change.want_step(id, Step::Verdict, || Effect::ReadVerdict { session, turn });
    }
    let why = state::reason(session, &[]).unwrap_or_else(|| "it did not come to its end".to_owned());
    let kind = session.turn.as_ref().and_then(|turn| turn.failure.as_ref()).map(|failure| failure.kind);
    let again = matches!(kind, Some(FailureKind::Crashed | FailureKind::Killed | FailureKind::Lost));
    answered(change, id, judging, Err(Unheard { why: format!("the judge failed: {why}"), again }));
}

/// What a judge said was read.
pub(crate) fn on_read(change: &mut Change<'_>, id: &SessionId, result: Result<String, Refusal>) {
    change.step_done(id, Step::Verdict);
    let judging = change.brain.registry.sessions.get(id).and_then(|session| session.judging.clone());
    let Some(judging) = judging.filter(|judging| is_wanted(change.brain, id, judging)) else { return };
    answered(change, id, &judging, result.map_err(|refusal| Unheard::of(&crate::host::hinted(&refusal))));
}

fn answered(change: &mut Change<'_>, id: &SessionId, judging: &Judging, said: Result<String, Unheard>) {
    let mark = judging.mark.clone();
    let spend = used(change.brain, id);
    match &judging.of {
        JudgedFor::Evaluation { session, evaluation, evaluator } => {
            let key = (evaluation.clone(), evaluator.clone());
            if let Err(Unheard { again: true, .. }) = &said
                && let Some(asking) = change.brain.batches.asking.get_mut(&key)
                && asking.lost < MOST_LOST
            {
                asking.lost += 1;
                asking.spend = asking.spend.plus(spend);
                ask_for(change, session, &key);
                return change.touch(Some(id)); // Nobody waits for this one any more.
            }
            let said = said.map_err(|unheard| unheard.why);
            let (evaluation, evaluator) = key;
            change.want(Effect::ToEvaluator { evaluation, evaluator, heard: Box::new(Heard { said, mark }) });
        }
        JudgedFor::Contest { batch, contest, ask } => {
            on_contest::on_answer(change, batch, (*contest, *ask), (said, &mark), spend);
            change.touch(Some(id));
        }
    }
}

/// Ends a judge that nobody waits for: what it said stays in the store.
fn dismiss(change: &mut Change<'_>, id: &SessionId) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    match session.worktree.state {
        // When it is made, or gone, that brings us here again.
        WorktreeState::Intended | WorktreeState::Removing | WorktreeState::Removed => {}
        WorktreeState::Failed => {
            change.brain.callers.remove(id);
            change.emit(Some(id), Event::SessionRemoved { preserved: None });
        }
        WorktreeState::Ready => {
            let removing = Event::WorktreeChanged { state: WorktreeState::Removing, head: None, notes: Vec::new() };
            change.emit(Some(id), removing);
            advance(change, id);
        }
    }
}

/// Something happened to an evaluation: its judges may not be wanted any more.
pub(crate) fn look(change: &mut Change<'_>, evaluation: &EvaluationId) {
    let judges: Vec<SessionId> = judges_of(change.brain, evaluation).map(|(judge, _)| judge.id.clone()).collect();
    for judge in judges {
        change.touch(Some(&judge));
    }
}

fn judges_of<'a>(brain: &'a Brain, evaluation: &'a EvaluationId) -> impl Iterator<Item = (&'a Session, &'a str)> + 'a {
    brain.registry.sessions.values().filter_map(move |session| match &session.judging.as_ref()?.of {
        JudgedFor::Evaluation { evaluation: of, evaluator, .. } if of == evaluation => {
            Some((session, evaluator.as_str()))
        }
        _ => None,
    })
}

/// After a restart: judges that wait to be heard are heard, the others end.
pub(crate) fn recover(change: &mut Change<'_>) {
    let judges: Vec<SessionId> = change
        .brain
        .registry
        .sessions
        .values()
        .filter(|session| session.judging.is_some())
        .map(|session| session.id.clone())
        .collect();
    for judge in judges {
        change.touch(Some(&judge));
    }
}

/// What a judge's session used so far.
pub(crate) fn used(brain: &Brain, id: &SessionId) -> Spend {
    let session = brain.registry.sessions.get(id);
    session.map(|session| on_run::used(session, &brain.settings.prices)).unwrap_or_default()
}

/// Puts into a result whom it comes from and what that cost.
pub(crate) fn bill(brain: &mut Brain, evaluation: &EvaluationId, result: &mut EvaluatorResult) {
    let lost = brain.batches.asking.remove(&(evaluation.clone(), result.id.clone()));
    let newest = |judge: &&Session| judge.judging.as_ref().map(|judging| judging.lost);
    let of = judges_of(brain, evaluation).filter(|(_, evaluator)| *evaluator == result.id).map(|(judge, _)| judge);
    if let Some(judge) = of.max_by_key(newest) {
        result.judge = Some(judge.id.clone());
        result.spend = on_run::used(judge, &brain.settings.prices);
    }
    result.spend = result.spend.plus(lost.map(|asking| asking.spend).unwrap_or_default());
}

/// What judges used of an evaluation that is cut off: a result that says nothing else, for each that has none.
pub(crate) fn unpaid(brain: &mut Brain, evaluation: &Evaluation) -> Vec<EvaluatorResult> {
    let open = |evaluator: &&str| !evaluation.results.iter().any(|result| result.id == **evaluator);
    let evaluators: BTreeSet<String> =
        judges_of(brain, &evaluation.id).map(|(_, evaluator)| evaluator).filter(open).map(str::to_owned).collect();
    let result = |id: String| {
        let mut result = EvaluatorResult {
            id,
            kind: "judge".to_owned(),
            outcome: EvaluatorOutcome::Errored { reason: "the evaluation was cut off".to_owned() },
            score: None,
            required: true,
            weight: 1,
            duration_ms: 0,
            details: String::new(),
            judge: None,
            spend: Spend::default(),
            findings: Vec::new(),
        };
        bill(brain, &evaluation.id, &mut result);
        result
    };
    evaluators.into_iter().map(result).collect()
}

/// What the judges of a session's evaluations used, those that are at work included.
pub(crate) fn used_for(brain: &Brain, session: &Session) -> Spend {
    let results = session.evaluations.kept.iter().flat_map(|one| &one.results);
    let ended = results.fold(Spend::default(), |sum, result| sum.plus(result.spend));
    let Some(running) = session.evaluations.running() else { return ended };
    let asking = brain.batches.asking.iter().filter(|((evaluation, _), _)| *evaluation == running.id);
    let lost = asking.fold(ended, |sum, (_, asking)| sum.plus(asking.spend));
    let open = |judge: &Session, evaluator: &str| {
        let key = (running.id.clone(), evaluator.to_owned());
        let counted = brain.batches.asking.get(&key).map_or(0, |asking| asking.lost);
        let newest = judge.judging.as_ref().is_some_and(|judging| judging.lost >= counted);
        newest && !running.results.iter().any(|result| result.id == evaluator)
    };
    judges_of(brain, &running.id)
        .filter(|(judge, evaluator)| open(judge, evaluator))
        .fold(lost, |sum, (judge, _)| sum.plus(on_run::used(judge, &brain.settings.prices)))
}

/// Judges of a batch's contests that are at work.
pub(crate) fn at_work(brain: &Brain, batch: &crate::model::id::BatchId) -> Vec<SessionId> {
    let of = |session: &&Session| {
        let judging = session.judging.as_deref();
        let here = judging.filter(|judging| matches!(&judging.of, JudgedFor::Contest { batch: of, .. } if of == batch));
        here.is_some_and(|judging| is_wanted(brain, &session.id, judging))
    };
    brain.registry.sessions.values().filter(of).map(|session| session.id.clone()).collect()
}
