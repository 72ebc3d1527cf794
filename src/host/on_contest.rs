//! Contests of batches: a judge is asked about the candidates, the best one is landed, and the others go as the plan says.

use std::collections::BTreeMap;

use crate::batch::contest;
use crate::eval::judging;
use crate::host::change::Change;
use crate::host::effect::Effect;
use crate::host::on_batch::run_of;
use crate::host::on_judge::Unheard;
use crate::host::on_merge::{self, Landed};
use crate::host::{on_judge, on_run};
use crate::model::Refusal;
use crate::model::batch::{AttemptOutcome, BatchChange, BatchChanged, BatchState, Spend};
use crate::model::contest::{Answer, Contest, ContestState};
use crate::model::event::Event;
use crate::model::id::{BatchId, Oid, RunId, SessionId};
use crate::model::judge::{Judge, JudgedFor, Judging};
use crate::model::plan::Keep;

/// Goes on with every contest of a batch; when to look again at the latest.
pub(crate) fn go_on(change: &mut Change<'_>, id: &BatchId) -> Option<i64> {
    let live = change.brain.registry.batches.get(id)?;
    if live.batch.state == BatchState::Ended {
        return None;
    }
    let opened = contest::to_open(&live.batch, &live.runs);
    for contest in opened {
        emit(change, id, contest);
    }
    let live = change.brain.registry.batches.get(id)?;
    let open = live.batch.contests.iter().filter(|contest| contest.state != ContestState::Closed);
    let numbers: Vec<u32> = open.map(|contest| contest.number).collect();
    numbers.into_iter().filter_map(|number| step(change, id, number)).min()
}

/// What judges of a batch's contests that are at work used so far.
pub(crate) fn used(change: &Change<'_>, id: &BatchId) -> Spend {
    let judges = on_judge::at_work(change.brain, id);
    let asked = judges.iter().fold(Spend::default(), |sum, judge| sum.plus(on_judge::used(change.brain, judge)));
    let Some(live) = change.brain.registry.batches.get(id) else { return asked };
    let landing = live.batch.contests.iter().filter(|contest| contest.state == ContestState::Landing);
    landing.fold(asked, |sum, contest| sum.plus(of_landing(change, contest)))
}

/// What the winner of a contest used since its attempt ended: judges of what its landing would make.
fn of_landing(change: &Change<'_>, contest: &Contest) -> Spend {
    let winner = contest.winner().and_then(|run| run_of(change, run)).and_then(|(_, run)| run.attempts.last());
    let Some((attempt, session)) =
        winner.and_then(|attempt| Some((attempt, change.brain.registry.sessions.get(&attempt.session)?)))
    else {
        return Spend::default();
    };
    on_run::spend(change.brain, session).since(attempt.spend)
}

/// What was asked and is not answered costs what it costs, though nobody waits for it any more.
fn bill(change: &Change<'_>, contest: &mut Contest) {
    for ask in contest.asks.iter_mut().filter(|ask| ask.answer.is_none()) {
        if let Some(judge) = &ask.session {
            ask.spend = ask.spend.plus(on_judge::used(change.brain, judge));
        }
    }
}

/// Runs are about to be queued again: contests that go because of that leave what they cost, and their judges end.
pub(crate) fn before_retry(change: &mut Change<'_>, id: &BatchId, runs: &[RunId]) {
    let Some(live) = change.brain.registry.batches.get(id) else { return };
    if live.batch.contests.is_empty() {
        return;
    }
    let mut going: BTreeMap<u32, Contest> = BTreeMap::new();
    for run in runs {
        let contest = run_of(change, run).and_then(|(live, run)| contest::of(&live.batch, run));
        if let Some(contest) = contest.filter(|contest| contest.state == ContestState::Judging) {
            going.insert(contest.number, contest.clone());
        }
    }
    for (number, mut contest) in going {
        bill(change, &mut contest);
        let judges: Vec<SessionId> = contest.asks.iter().filter_map(|ask| ask.session.clone()).collect();
        for ask in &mut contest.asks {
            ask.session = None;
        }
        change.brain.batches.read.remove(&(id.clone(), number));
        emit(change, id, contest);
        for judge in judges {
            change.touch(Some(&judge));
        }
    }
}

fn find(change: &Change<'_>, id: &BatchId, number: u32) -> Option<Contest> {
    let live = change.brain.registry.batches.get(id)?;
    live.batch.contests.iter().find(|contest| contest.number == number).cloned()
}

fn emit(change: &mut Change<'_>, id: &BatchId, contest: Contest) {
    let contest = BatchChange::Contest { contest: Box::new(contest) };
    change.emit(None, Event::BatchChanged(BatchChanged { batch: id.clone(), change: contest }));
}

fn step(change: &mut Change<'_>, id: &BatchId, number: u32) -> Option<i64> {
    let (state, lands) = {
        let batch = &change.brain.registry.batches.get(id)?.batch;
        (batch.state, batch.plan.land)
    };
    let mut due = None;
    let mut contest = find(change, id, number)?;
    if contest.state == ContestState::Judging {
        if state == BatchState::Cancelling {
            let judges: Vec<SessionId> = contest.asks.iter().filter_map(|ask| ask.session.clone()).collect();
            bill(change, &mut contest);
            close(change, id, contest, false, Some("the batch was cancelled".to_owned()));
            for judge in judges {
                change.touch(Some(&judge));
            }
            return None;
        }
        due = listen(change, id, &mut contest, state);
        if let Some(decided) = contest::decided(&contest, lands) {
            contest = decided;
            if contest.state == ContestState::Closed {
                close(change, id, contest, false, None);
                return None;
            }
            emit(change, id, contest.clone());
        }
    }
    if contest.state == ContestState::Landing {
        land(change, id, contest, state);
    }
    due
}

/// Sees to the questions of a contest: asks those that wait, and waits no longer for who is late or gone.
fn listen(change: &mut Change<'_>, id: &BatchId, contest: &mut Contest, state: BatchState) -> Option<i64> {
    let mut due: Option<i64> = None;
    let mut late = Vec::new();
    for ask in contest.asks.iter_mut().filter(|ask| ask.answer.is_none()) {
        let Some(judge) = &ask.session else { continue };
        let until = change
            .brain
            .registry
            .sessions
            .get(judge)
            .and_then(|session| session.judging.as_ref())
            .map(|judging| judging.until);
        let reason = match until {
            Some(until) if until > change.now => {
                due = Some(due.map_or(until, |known| known.min(until)));
                continue;
            }
            Some(_) => "the judge did not answer in time",
            None => "the judge's session is gone",
        };
        ask.spend = ask.spend.plus(on_judge::used(change.brain, judge));
        ask.answer = Some(Answer::Errored { reason: reason.to_owned() });
        late.push(judge.clone());
    }
    if !late.is_empty() {
        emit(change, id, contest.clone());
        for judge in late {
            change.touch(Some(&judge));
        }
    }
    let waits = contest.asks.iter().any(|ask| ask.answer.is_none() && ask.session.is_none());
    if waits && state == BatchState::Active {
        ask(change, id, contest);
    }
    due
}

/// Has the candidates of a contest read, unless that many judges are at work as runs may be.
fn ask(change: &mut Change<'_>, id: &BatchId, contest: &Contest) {
    let key = (id.clone(), contest.number);
    let Some(live) = change.brain.registry.batches.get(id) else { return };
    let full = on_judge::at_work(change.brain, id).len() >= live.batch.concurrency as usize;
    if full || change.brain.batches.read.contains(&key) || !change.brain.batches.bases.contains_key(id) {
        return;
    }
    let repositories = live.batch.plan.tasks.iter().flat_map(|task| &task.repositories);
    let found = repositories.clone().find(|repository| repository.path == contest.repository);
    let (absolute, base) = found.map(|found| (found.absolute.clone(), found.commit.clone())).unwrap_or_default();
    let head = |run: &RunId| {
        let run = live.runs.iter().find(|known| known.id == *run)?;
        Some((run.attempts.last()?.head.clone()?, base.clone()?))
    };
    let changes: Option<Vec<(Oid, Oid)>> = contest.candidates.iter().map(head).collect();
    let Some(changes) = changes else {
        let why = Refusal::internal("a candidate has no commit");
        return on_read(change, id, contest.number, Err(why));
    };
    change.brain.batches.read.insert(key);
    change.want(Effect::ReadCandidates { batch: id.clone(), contest: contest.number, repository: absolute, changes });
}

/// The candidates of a contest were read: its judges are asked.
pub(crate) fn on_read(change: &mut Change<'_>, id: &BatchId, number: u32, result: Result<Vec<String>, Refusal>) {
    change.brain.batches.read.remove(&(id.clone(), number));
    let Some(mut contest) = find(change, id, number).filter(|contest| contest.state == ContestState::Judging) else {
        return;
    };
    let whole = result.and_then(|diffs| {
        if diffs.len() == contest.candidates.len() && diffs.iter().all(|diff| !diff.is_empty()) {
            Ok(diffs)
        } else {
            Err(Refusal::environment("the work of a candidate cannot be read"))
        }
    });
    for index in 0..contest.asks.len() {
        if contest.asks[index].answer.is_some() || contest.asks[index].session.is_some() {
            continue;
        }
        let asked = match &whole {
            Ok(diffs) => start(change, id, &contest, index, diffs),
            Err(refusal) => Err(refusal.clone()),
        };
        match asked {
            Ok(judge) => contest.asks[index].session = Some(judge),
            Err(refusal) => {
                let reason = format!("the judge cannot be asked: {}", crate::host::hinted(&refusal));
                contest.asks[index].answer = Some(Answer::Errored { reason });
            }
        }
    }
    emit(change, id, contest);
}

fn start(
    change: &mut Change<'_>,
    id: &BatchId,
    contest: &Contest,
    index: usize,
    diffs: &[String],
) -> Result<SessionId, Refusal> {
    let gone = || Refusal::internal("the plan does not have what the contest needs");
    let live = change.brain.registry.batches.get(id).ok_or_else(gone)?;
    let task = live.batch.plan.tasks.iter().find(|task| task.id == contest.task).ok_or_else(gone)?;
    let prompt = task.prompts.iter().find(|prompt| prompt.id == contest.prompt).ok_or_else(gone)?;
    let judge: Judge = task.judge.clone().ok_or_else(gone)?;
    let parts: Vec<&str> = std::iter::once(&prompt.text).chain(&prompt.follow_ups).map(String::as_str).collect();
    let text = parts.join("\n\nThen:\n\n");
    let of = |run: &RunId| {
        let place = contest.candidates.iter().position(|known| known == run)?;
        diffs.get(place).map(String::as_str)
    };
    let shown: Vec<&str> = contest.asks[index].order.iter().filter_map(of).collect();
    let desk = &change.brain.batches;
    let base = desk.bases.get(id).and_then(|bases| bases.get(&contest.repository)).cloned().ok_or_else(gone)?;
    let caller = desk.callers.get(id).cloned().unwrap_or_default();
    let mark = on_judge::mark(change);
    let text = judging::ranking_prompt(&judge.rubric, &text, &shown, &mark);
    let (ask, lost) = (u32::try_from(index).unwrap_or(u32::MAX), contest.asks[index].lost);
    let of = JudgedFor::Contest { batch: id.clone(), contest: contest.number, ask };
    let until = change.now.saturating_add(on_judge::milliseconds(judge.wait_sec));
    let what = format!("Compare candidates for {}/{} of the batch {id}", contest.task, contest.prompt);
    on_judge::start(change, &judge, (&what, text), Judging { of, mark, until, lost }, base?, &caller)
}

/// A judge was heard, or will not be.
pub(crate) fn on_answer(
    change: &mut Change<'_>,
    id: &BatchId,
    (number, index): (u32, u32),
    (said, mark): (Result<String, Unheard>, &str),
    spend: Spend,
) {
    let Some(mut contest) = find(change, id, number) else { return };
    let Some(ask) = contest.asks.get_mut(index as usize).filter(|ask| ask.answer.is_none()) else { return };
    ask.spend = ask.spend.plus(spend);
    match said {
        // Another one is asked the same when there is room: `listen`.
        Err(unheard) if unheard.again && ask.lost < on_judge::MOST_LOST => {
            ask.lost += 1;
            ask.session = None;
        }
        said => {
            let read =
                said.map_err(|unheard| unheard.why).and_then(|text| judging::ranking(&text, mark, ask.order.len()));
            ask.answer = Some(match read {
                Ok((order, reason)) => {
                    let order = order.into_iter().filter_map(|place| ask.order.get(place).cloned()).collect();
                    Answer::Ranked { order, reason }
                }
                Err(reason) => Answer::Errored { reason },
            });
        }
    }
    emit(change, id, contest);
}

/// Goes on with landing the winner.
fn land(change: &mut Change<'_>, id: &BatchId, contest: Contest, state: BatchState) {
    let winner = contest.winner().and_then(|run| run_of(change, run)).and_then(|(_, run)| run.attempts.last().cloned());
    let session = winner.and_then(|attempt| change.brain.registry.sessions.get(&attempt.session).cloned());
    let Some(session) = session.filter(|session| !session.removed) else {
        return close(change, id, contest, false, Some("its session was removed".to_owned()));
    };
    let begun = session.landing.is_some() || change.brain.under_way(&session.id, crate::host::change::Step::Landing);
    if state == BatchState::Cancelling && !begun {
        if let Some(evaluation) = session.evaluations.running().map(|running| running.id.clone()) {
            change.want(Effect::CancelEvaluation { evaluation });
        }
        return close(change, id, contest, false, Some("the batch was cancelled".to_owned()));
    }
    match on_merge::land(change, &session) {
        Landed::UnderWay => {}
        Landed::Done => close(change, id, contest, true, None),
        Landed::Not(reason) => close(change, id, contest, false, Some(reason)),
    }
}

/// The landing of a winner was refused.
pub(crate) fn on_refused(change: &mut Change<'_>, run: &RunId, session: &SessionId, why: String) {
    let Some((live, known)) = run_of(change, run) else { return };
    let of_run = known.attempts.last().is_some_and(|attempt| attempt.session == *session);
    let contest = contest::of(&live.batch, known).filter(|contest| contest.state == ContestState::Landing);
    let Some(contest) = contest.filter(|contest| of_run && contest.winner() == Some(run)).cloned() else { return };
    let batch = live.batch.id.clone();
    close(change, &batch, contest, false, Some(why));
}

/// Nothing more happens to a contest: what its candidates left goes as the plan says.
fn close(change: &mut Change<'_>, id: &BatchId, mut contest: Contest, landed: bool, unlanded: Option<String>) {
    (contest.state, contest.landed) = (ContestState::Closed, landed);
    contest.unlanded = unlanded;
    contest.spend = contest.spend.plus(of_landing(change, &contest));
    emit(change, id, contest.clone());
    let winner = contest.winner().and_then(|run| run_of(change, run)).and_then(|(_, run)| run.attempts.last());
    if let Some(winner) = winner.map(|attempt| attempt.session.clone()) {
        on_merge::leave_lane(change, &winner);
    }
    let Some(live) = change.brain.registry.batches.get(id) else { return };
    let keep = live.batch.plan.execution.keep;
    let sessions: Vec<(bool, SessionId)> = contest
        .candidates
        .iter()
        .filter_map(|run| {
            let known = live.runs.iter().find(|known| known.id == *run)?;
            // A winner that is not on its target is somebody's to look at.
            let won = contest.winner() == Some(run) && !landed && (contest.unlanded.is_some() || keep != Keep::None);
            let cut_off = contest.decided.is_none();
            let stays = won || cut_off || on_run::is_kept(keep, AttemptOutcome::Done);
            Some((stays, known.attempts.last()?.session.clone()))
        })
        .collect();
    for (stays, session) in sessions {
        on_run::dispose(change, &session, stays);
    }
}
