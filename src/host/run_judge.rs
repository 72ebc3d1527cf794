//! What judges need from outside: the changes they judge, and what they said.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::eval::judge::Judgement;
use crate::eval::judging;
use crate::host::effect::EvaluationTask;
use crate::host::input::Input;
use crate::host::on_judge::{Heard, JudgeAsk};
use crate::host::port::{Git, Store};
use crate::host::run_effect::{Ports, Runner};
use crate::model::Refusal;
use crate::model::evaluation::{Evaluator, EvaluatorOutcome};
use crate::model::event::Event;
use crate::model::id::{EvaluationId, Oid, Seq, SessionId, TurnId};
use crate::model::judge::Judge;

/// Evaluators that wait, by their evaluation and id.
pub(crate) type Waiting = Arc<Mutex<HashMap<(EvaluationId, String), oneshot::Sender<Heard>>>>;

/// Events that are read at one time.
const PAGE: usize = 1_000;
/// Bytes of what a judge said that are kept: more is no answer.
const MOST: usize = 512 * 1024;

/// Everything a session's agent said in a turn.
pub(crate) fn said(store: &dyn Store, session: &SessionId, turn: &TurnId) -> Result<String, Refusal> {
    let mut text = String::new();
    let mut after = Seq(0);
    loop {
        let events = store.events(after, Some(session), PAGE)?;
        for envelope in &events {
            after = envelope.seq;
            if let Event::AgentMessage { turn: of, text: said } = &envelope.event
                && of == turn
            {
                text.push_str(said);
            }
        }
        if events.len() < PAGE || text.len() > MOST {
            return Ok(text);
        }
    }
}

/// What commits changed since what they are compared with, whole: a judge that sees a part judges a part.
pub(crate) fn diffs(git: &dyn Git, repository: &str, changes: &[(Oid, Oid)]) -> Result<Vec<String>, Refusal> {
    let diffs = git.patches(repository, changes, judging::DIFFS)?;
    let size: usize = diffs.iter().map(String::len).sum();
    // A line of a patch begins with what was done to it; this one is git's driver's.
    if size > judging::DIFFS || diffs.iter().any(|diff| diff.ends_with("\n[cut]\n")) {
        return Err(Refusal::user(format!(
            "the changes are larger than the {} KB that a judge is shown",
            judging::DIFFS / 1000
        )));
    }
    Ok(diffs)
}

fn prepare(ports: &Ports, task: &EvaluationTask, judge: &Judge) -> Result<JudgeAsk, Refusal> {
    let repository = &task.worktree.repository;
    let changes = [(task.commit.clone(), task.base.clone())];
    let diff = diffs(ports.git.as_ref(), repository, &changes)?.pop().unwrap_or_default();
    if diff.trim().is_empty() {
        return Err(Refusal::user("there is nothing to judge: nothing was changed"));
    }
    let resolved = ports.git.resolve_base(repository, Some(task.base.as_str()))?;
    Ok(JudgeAsk { judge: judge.clone(), diff, resolved })
}

impl Runner {
    /// Hands what a judge said to the evaluator that waits for it, if it still does.
    pub(crate) fn tell(&self, key: &(EvaluationId, String), heard: Heard) {
        let waiting = self.judges.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        if waiting.is_none_or(|waiting| waiting.send(heard).is_err()) {
            tracing::debug!(evaluation = %key.0, "nobody waits for this judge");
        }
    }

    /// Has a judge asked, in a session of its own, and waits for what it says.
    pub(crate) async fn ask_judge(
        &self,
        session: &SessionId,
        task: &Arc<EvaluationTask>,
        (evaluator, judge): (&Evaluator, &Judge),
        cancel: &watch::Receiver<bool>,
    ) -> Judgement {
        let errored = |reason: String| Judgement::without(EvaluatorOutcome::Errored { reason }, "");
        let (ports, of, who) = (self.ports.clone(), Arc::clone(task), judge.clone());
        let prepared = tokio::task::spawn_blocking(move || prepare(&ports, &of, &who)).await;
        let ask = match prepared {
            Ok(Ok(ask)) => Box::new(ask),
            Ok(Err(refusal)) => return errored(crate::host::hinted(&refusal)),
            Err(error) => return errored(format!("what is to be judged could not be read: {error}")),
        };
        let key = (task.id.clone(), evaluator.id.clone());
        let (sender, heard) = oneshot::channel();
        self.judges.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), sender);
        self.send(Input::JudgeWanted {
            session: session.clone(),
            evaluation: task.id.clone(),
            evaluator: evaluator.id.clone(),
            ask,
        });
        let mut cancel = cancel.clone();
        let judgement = tokio::select! {
            heard = heard => match heard {
                Ok(Heard { said: Ok(said), mark }) => judging::score(evaluator, &said, &mark),
                Ok(Heard { said: Err(reason), .. }) => errored(reason),
                Err(_) => errored("the judge was not heard".to_owned()),
            },
            _ = cancel.wait_for(|cancelled| *cancelled) => Judgement::without(EvaluatorOutcome::Cancelled, ""),
            () = tokio::time::sleep(Duration::from_secs(evaluator.timeout_sec)) => {
                Judgement::without(EvaluatorOutcome::TimedOut, "")
            }
        };
        self.judges.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        judgement
    }
}
