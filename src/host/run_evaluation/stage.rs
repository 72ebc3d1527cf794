//! Who comes later finds nothing of who was there before: each program of an evaluation begins with the files of the commit, an empty
//! home, an empty build directory, and what the suite's preparation made of them.
//!
//! Programs run what the commit has, tests for instance, so a program may leave configuration, hooks, modules or results that make a later
//! one pass. Nothing is looked for: the whole place is thrown away and made anew from what was kept before the first of them ran, and
//! that is sealed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{REPORT, Scene, blocking, bounds, job, ran, spec};
use crate::base::text::visible_line;
use crate::eval::judge::{self, Ended, Judgement, Ran};
use crate::eval::plan::{Plan, Run};
use crate::eval::tree::Tree;
use crate::host::effect::EvaluationTask;
use crate::host::port::{Again, Seal};
use crate::host::run_effect::Runner;
use crate::model::Refusal;
use crate::model::evaluation::{Evaluator, EvaluatorKind, EvaluatorOutcome, Preparation};

/// The place of an evaluation, from program to program.
pub(super) struct Stage {
    /// Whether the preparation did what it is for; why not.
    ready: Result<(), String>,
    /// What was kept; absent when only one program is going to run.
    kept: Option<Seal>,
    /// Programs that may still run.
    left: usize,
    /// Whether a program has been there since it was put back.
    pub(super) used: bool,
    /// Reports that later evaluators read, as the newest program that wrote them did.
    reports: BTreeMap<String, Result<String, String>>,
}

impl Stage {
    /// Judges coverage by what an earlier program wrote.
    pub(super) fn coverage(&self, scene: &Scene, evaluator: &Evaluator, run: &Run) -> Judgement {
        let path = run.report.as_deref().unwrap_or_default();
        let nobody = || Err(format!("no earlier evaluator wrote {}", visible_line(path, 200)));
        let report = Some(self.reports.get(path).cloned().unwrap_or_else(nobody));
        let (ended, stdout, stderr) = (Ended::Exited(0), String::new(), String::new());
        let tree = Tree { root: &scene.ground.checkout, files: &scene.files };
        judge::judge(evaluator, run, &Ran { ended, stdout, stderr, report }, &tree, &scene.material.changed)
    }
}

/// The report that an evaluator reads and another one writes.
fn awaited(evaluator: &Evaluator) -> Option<&str> {
    match &evaluator.kind {
        EvaluatorKind::Coverage { report, command: None, .. } => Some(report),
        _ => None,
    }
}

impl Runner {
    /// Runs the preparation and keeps what there is then.
    pub(super) async fn open_stage(
        &self,
        task: &EvaluationTask,
        scene: &Arc<Scene>,
        cancel: &watch::Receiver<bool>,
    ) -> Stage {
        let programs = |evaluator: &Evaluator| match scene.plan(evaluator, &task.base) {
            Plan::Run(runs) if awaited(evaluator).is_none() => runs.len(),
            _ => 0,
        };
        let evaluators = &task.suite.evaluators;
        let left = evaluators.iter().map(programs).sum();
        let wanted = evaluators.iter().filter_map(awaited);
        let reports = wanted.map(|path| (path.to_owned(), Err(format!("no earlier evaluator wrote {path}")))).collect();
        let mut stage = Stage { ready: Ok(()), kept: None, left, used: false, reports };
        if left == 0 {
            return stage;
        }
        if let Some(preparation) = &task.suite.prepare
            && let Err(refusal) = self.prepare_ground(task, scene, preparation, cancel).await
        {
            stage.ready = Err(crate::host::hinted(&refusal));
        }
        self.keep_reports(scene, &mut stage).await;
        if left > 1 && stage.ready.is_ok() {
            let (grounds, ground) = (Arc::clone(&self.ports.grounds), scene.ground.clone());
            match blocking(move || grounds.keep(&ground)).await {
                Ok(seal) => stage.kept = Some(seal),
                Err(refusal) => stage.ready = Err(crate::host::hinted(&refusal)),
            }
        }
        stage
    }

    async fn prepare_ground(
        &self,
        task: &EvaluationTask,
        scene: &Arc<Scene>,
        preparation: &Preparation,
        cancel: &watch::Receiver<bool>,
    ) -> Result<(), Refusal> {
        let limits = task.suite.limits;
        let alone = !preparation.network.unwrap_or(limits.network);
        let apart = match (&scene.apart, alone) {
            (_, false) => Vec::new(),
            (Ok(words), true) => words.clone(),
            (Err(why), true) => return Err(Refusal::environment(format!("'prepare' was not run: {why}"))),
        };
        let command = ["/bin/sh".to_owned(), "-c".to_owned(), preparation.command.clone()];
        let line = super::line(apart, &limits, &command);
        let spec = spec(job(&task.id, 0, 1), line, scene);
        let bounds = bounds(&limits, Duration::from_secs(preparation.timeout_sec));
        let judged = self.ports.jobs.judge(&spec, bounds, cancel.clone()).await?;
        let ran = ran(&judged, &limits, None);
        if ran.ended != Ended::Exited(0) {
            let last =
                |text: &str| text.lines().rfind(|line| !line.trim().is_empty()).map(|line| visible_line(line, 300));
            let said =
                last(&ran.stderr).or_else(|| last(&ran.stdout)).map_or_else(String::new, |said| format!(": {said}"));
            return Err(Refusal::user(format!("'prepare' {}{said}", told(&ran.ended, preparation))));
        }
        // It ran what the commit has: what is judged are the commit's files all the same, in a git directory that nobody was at.
        let (ports, scene) = (self.ports.clone(), Arc::clone(scene));
        let again = (task.worktree.clone(), task.commit.clone(), task.base.clone());
        blocking(move || {
            ports.grounds.without_git(&scene.ground)?;
            let (worktree, commit, base) = again;
            ports.git.check_out_apart(&worktree, &commit, &base, &scene.restore, &scene.ground.checkout)?;
            Ok(())
        })
        .await
    }

    /// Puts the place back when a program has been there; why a program cannot begin.
    pub(super) async fn set_stage(&self, scene: &Arc<Scene>, stage: &mut Stage) -> Result<(), String> {
        stage.ready.clone()?;
        let again = if stage.left > 1 { Again::Copied } else { Again::Moved };
        stage.left = stage.left.saturating_sub(1);
        if !std::mem::take(&mut stage.used) {
            return Ok(());
        }
        let Some(seal) = stage.kept else { return Err("nothing was kept of what it begins with".to_owned()) };
        let (grounds, ground) = (Arc::clone(&self.ports.grounds), scene.ground.clone());
        let put = blocking(move || grounds.put_back(&ground, seal, again)).await;
        stage.ready = put.map_err(|refusal| crate::host::hinted(&refusal));
        stage.ready.clone()
    }

    /// Reads what a program wrote that a later evaluator judges.
    pub(super) async fn keep_reports(&self, scene: &Arc<Scene>, stage: &mut Stage) {
        for (path, report) in &mut stage.reports {
            let (grounds, ground, named) = (Arc::clone(&self.ports.grounds), scene.ground.clone(), path.clone());
            let read = blocking(move || Ok(grounds.read(&ground, &named, REPORT))).await;
            match read {
                Ok(Ok(text)) => *report = Ok(text),
                // One that is there and cannot be read is worth a word; one that is not there is not this program's.
                Ok(Err(why)) if report.is_err() => *report = Err(why),
                _ => {}
            }
        }
    }
}

fn told(ended: &Ended, preparation: &Preparation) -> String {
    match ended {
        Ended::Exited(code) => format!("ended with {code}"),
        Ended::Signaled(signal) => format!("was ended by signal {signal}"),
        Ended::TimedOut => format!("did not end within {} s", preparation.timeout_sec),
        Ended::Cancelled => "was stopped".to_owned(),
        Ended::OverLimit(why) => format!("was stopped: {why}"),
    }
}

/// An outcome of a program that could not begin.
pub(super) fn unable(reason: String) -> Judgement {
    Judgement::without(EvaluatorOutcome::Errored { reason }, "")
}
