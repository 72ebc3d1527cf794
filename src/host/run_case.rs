//! Carries out what attempts at cases need: each on a thread of its own, for it may take as long as an agent.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use crate::host::input::Input;
use crate::host::port::{CaseFailure, CaseGround};
use crate::host::run_effect::Runner;
use crate::model::id::{BatchId, RunId, SessionId};

impl Runner {
    /// Makes an attempt's repository, and looks at it as at any base.
    pub(crate) fn prepare_case(&self, run: RunId, ground: CaseGround) {
        self.case(run, ground, |runner, ground, stop| {
            let prepared = runner.ports.cases.prepare(ground, stop);
            let result = prepared.and_then(|prepared| {
                let resolved = runner.ports.git.resolve_base(&prepared.repository, None);
                let resolved = resolved.map_err(|refusal| CaseFailure::Failed(crate::host::hinted(&refusal)))?;
                Ok((prepared, resolved))
            });
            let result = Box::new(result);
            move |run, session| Input::CasePrepared { run, session, result }
        });
    }

    /// Runs a case's tests.
    pub(crate) fn judge_case(&self, run: RunId, ground: CaseGround, files: String) {
        self.case(run, ground, move |runner, ground, stop| {
            let result = Box::new(runner.ports.cases.judge(ground, &files, stop));
            move |run, session| Input::CaseJudged { run, session, result }
        });
    }

    fn case<R: FnOnce(RunId, SessionId) -> Input>(
        &self,
        run: RunId,
        ground: CaseGround,
        work: impl FnOnce(&Self, &CaseGround, &AtomicBool) -> R + Send + 'static,
    ) {
        let stop = Arc::new(AtomicBool::new(false));
        let session = ground.session.clone();
        self.cases.lock().unwrap_or_else(PoisonError::into_inner).insert(session.clone(), Arc::clone(&stop));
        let runner = self.clone();
        std::thread::spawn(move || {
            let input = work(&runner, &ground, &stop);
            runner.cases.lock().unwrap_or_else(PoisonError::into_inner).remove(&session);
            // What was cut off because the host stops is done again by the next one.
            if !runner.closed.load(Ordering::Acquire) {
                runner.send(input(run, session));
            }
        });
    }

    /// Removes what was kept for a batch that was refused.
    pub(crate) fn forget_cases(&self, batch: &BatchId) -> Input {
        self.ports.cases.forget(batch);
        Input::Done
    }

    /// Removes an attempt's repository.
    pub(crate) fn remove_case(&self, batch: &BatchId, session: &SessionId) -> Input {
        if let Err(refusal) = self.ports.cases.remove(batch, session) {
            // The next start sweeps it.
            tracing::warn!(%session, %refusal, "the repository of an attempt at a case stays");
        }
        Input::Done
    }

    /// Stops what is done about the case of an attempt.
    pub(crate) fn stop_case(&self, session: &SessionId) {
        if let Some(stop) = self.cases.lock().unwrap_or_else(PoisonError::into_inner).get(session) {
            stop.store(true, Ordering::Release);
        }
    }

    /// Stops everything that is done about cases.
    pub(crate) fn stop_cases(&self) {
        for stop in self.cases.lock().unwrap_or_else(PoisonError::into_inner).values() {
            stop.store(true, Ordering::Release);
        }
    }
}
