//! Carries evaluations out: a clean checkout of the commit, one evaluator after the other, nothing left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::base::clock;
use crate::eval::judge::{self, Ended, Judgement, Ran};
use crate::eval::measure::{self, Material};
use crate::eval::plan::{self, Plan, Run};
use crate::eval::tree::Tree;
use crate::host::effect::{EvaluationPlan, EvaluationTask};
use crate::host::input::Input;
use crate::host::on_evaluation::Prepared;
use crate::host::port::{Bounds, Ground, JobSpec, Judged, Stopped, apart};
use crate::host::run_effect::{Ports, Runner};
use crate::host::{run_gates, run_timeline};
use crate::model::Refusal;
use crate::model::evaluation::{
    EvaluationState, Evaluator, EvaluatorKind, EvaluatorOutcome, EvaluatorResult, Limits, SuiteFrom,
};
use crate::model::id::{EvaluationId, JobId, Oid, SessionId};
use crate::model::job::{JobEnd, OnDaemonDeath};
use stage::{Stage, unable};

mod place;
mod stage;

/// How long a program that nobody follows any more is kept: a daemon that goes on purpose leaves nothing running.
const LEASE: Duration = Duration::from_secs(5);
/// A report that is read, bytes.
const REPORT: u64 = 64 * 1024 * 1024;
/// Programs of an evaluator at most, for their names.
const PROGRAMS: u32 = 8;

/// Finds the suite and commits what is uncommitted.
pub(crate) fn prepare(ports: &Ports, plan: &EvaluationPlan) -> Result<Prepared, Refusal> {
    let suite = match &plan.suite {
        Some(SuiteFrom::Text { text, path }) => run_gates::read(text, path)?,
        Some(SuiteFrom::Suite(suite)) => (**suite).clone(),
        None => run_gates::resolve(ports, &plan.gates)?.ok_or_else(|| {
            Refusal::user("there is no suite: neither the session, the repository nor the configuration has gates")
                .hint("divisi eval SESSION --suite FILE.yaml")
                .hint("divisi config set evaluation.gates FILE.yaml")
        })?,
    };
    let checkpoint = ports.git.checkpoint(&plan.worktree, &plan.from, &plan.checkpoint_message, None)?;
    if checkpoint.commit.is_some() {
        run_timeline::keep(ports, &plan.worktree, &plan.checkpoint_name, &checkpoint.head);
    }
    let merged = match &plan.merged {
        Some(of) => ports.git.merge_result(&plan.worktree, of.onto.as_deref(), &checkpoint.head)?,
        None => None,
    };
    // What a landing would change is what it makes of its target.
    let base = match &merged {
        Some(merged) => merged.onto_commit.clone(),
        None => ports.git.grown_from(&plan.worktree)?,
    };
    Ok(Prepared { suite, checkpoint, name: plan.checkpoint_name.clone(), base, merged })
}

/// What all evaluators of one evaluation share. Nothing of it is in a program's reach, other than the ground, which is put back to what
/// it was before each program ([`stage`]).
struct Scene {
    ground: Ground,
    /// What is as the base has it: paths and globs.
    restore: Vec<String>,
    files: BTreeSet<String>,
    material: Material,
    environment: BTreeMap<String, String>,
    /// What comes before a command line to turn the network off, where the suite wants that of any; why it cannot be turned off.
    apart: Result<Vec<String>, String>,
    notes: Vec<String>,
    /// What the session changed of what tells judges how to judge, where that is more than a note.
    protected: Option<Box<EvaluatorResult>>,
}

impl Scene {
    fn plan(&self, evaluator: &Evaluator, base: &Oid) -> Plan {
        plan::plan(&evaluator.kind, &self.files, &self.material.changed, base.as_str())
    }
}

impl Runner {
    /// Begins an evaluation.
    pub(crate) fn evaluate(&self, session: SessionId, task: EvaluationTask) {
        let (cancel, cancelled) = watch::channel(false);
        self.evaluations.lock().unwrap_or_else(PoisonError::into_inner).insert(task.id.clone(), cancel);
        let runner = self.clone();
        self.runtime.spawn(async move {
            let evaluation = task.id.clone();
            let (state, notes) = match runner.run_evaluation(&session, task, cancelled).await {
                Ok(ended) => ended,
                Err(refusal) => (EvaluationState::Interrupted { reason: crate::host::hinted(&refusal) }, Vec::new()),
            };
            runner.evaluations.lock().unwrap_or_else(PoisonError::into_inner).remove(&evaluation);
            if let Err(refusal) = runner.remove_ground(&evaluation).await {
                tracing::warn!(%evaluation, %refusal, "the place of an evaluation stays until the next start");
            }
            runner.send(Input::EvaluationEnded { session, evaluation, state, notes });
        });
    }

    /// Stops an evaluation.
    pub(crate) fn cancel_evaluation(&self, evaluation: &EvaluationId) {
        if let Some(cancel) = self.evaluations.lock().unwrap_or_else(PoisonError::into_inner).get(evaluation) {
            // One that has just ended needs no word.
            let _ = cancel.send(true);
        }
    }

    /// Ends and deletes what an evaluation of an earlier daemon left.
    pub(crate) async fn clear_evaluation(&self, session: SessionId, evaluation: EvaluationId, evaluators: u32) {
        for evaluator in 0..=evaluators {
            for program in 0..PROGRAMS {
                let job = job(&evaluation, evaluator, program);
                if let Err(refusal) = self.ports.jobs.clear(&job).await {
                    tracing::warn!(%job, %refusal, "a program of an evaluation that was cut off stays");
                }
            }
        }
        if let Err(refusal) = self.remove_ground(&evaluation).await {
            tracing::warn!(%evaluation, %refusal, "the place of an evaluation stays until the next start");
        }
        let state = EvaluationState::Interrupted { reason: "the daemon stopped while it ran".to_owned() };
        self.send(Input::EvaluationEnded { session, evaluation, state, notes: Vec::new() });
    }

    async fn remove_ground(&self, evaluation: &EvaluationId) -> Result<(), Refusal> {
        let (grounds, evaluation) = (Arc::clone(&self.ports.grounds), evaluation.clone());
        blocking(move || grounds.remove(&evaluation)).await
    }

    async fn run_evaluation(
        &self,
        session: &SessionId,
        task: EvaluationTask,
        cancel: watch::Receiver<bool>,
    ) -> Result<(EvaluationState, Vec<String>), Refusal> {
        let (ports, shared) = (self.ports.clone(), Arc::new(task));
        let task = Arc::clone(&shared);
        let mut scene = blocking(move || place::set(&ports, &task)).await?;
        let task = shared;
        let prepares_alone = task.suite.prepare.as_ref().is_some_and(|prepare| prepare.network == Some(false));
        if (!task.suite.limits.network || prepares_alone) && task.suite.evaluators.iter().any(|one| one.kind.runs()) {
            let probe = |words| spec(job(&task.id, 0, 0), words, &scene);
            scene.apart = apart::words(&*self.ports.jobs, probe, &cancel).await?;
        }
        let scene = Arc::new(scene);
        let mut stage = self.open_stage(&task, &scene, &cancel).await;
        for (number, evaluator) in (1_u32..).zip(&task.suite.evaluators) {
            let begun = clock::instant();
            let judgement = if *cancel.borrow() {
                Judgement::without(EvaluatorOutcome::Cancelled, "")
            } else if let Some(judge) = evaluator.kind.judge() {
                self.ask_judge(session, &task, (evaluator, judge), &cancel).await
            } else {
                self.judge(&task, (&scene, &mut stage), (number, evaluator), &cancel).await
            };
            let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            let result: Box<EvaluatorResult> = Box::new(judgement.result(evaluator, took));
            self.send(Input::EvaluatorEnded { session: session.clone(), evaluation: task.id.clone(), result });
        }
        if *cancel.borrow() {
            return Ok((EvaluationState::Cancelled, scene.notes.clone()));
        }
        if let Some(result) = scene.protected.clone() {
            self.send(Input::EvaluatorEnded { session: session.clone(), evaluation: task.id.clone(), result });
        }
        Ok((EvaluationState::Done, scene.notes.clone()))
    }

    async fn judge(
        &self,
        task: &EvaluationTask,
        (scene, stage): (&Arc<Scene>, &mut Stage),
        (number, evaluator): (u32, &Evaluator),
        cancel: &watch::Receiver<bool>,
    ) -> Judgement {
        let runs = match scene.plan(evaluator, &task.base) {
            Plan::Run(runs) => runs,
            Plan::Unknown(reason) => return Judgement::without(EvaluatorOutcome::Errored { reason }, ""),
            Plan::Nothing(why) => {
                return Judgement { score: Some(100), ..Judgement::without(EvaluatorOutcome::Passed, &why) };
            }
            Plan::Measure => {
                let (scene, evaluator) = (Arc::clone(scene), evaluator.clone());
                let measured = blocking(move || Ok(measure::measure(&evaluator, &scene.material))).await;
                return measured.unwrap_or_else(|refusal| errored(&refusal));
            }
        };
        let deadline = clock::instant() + Duration::from_secs(evaluator.timeout_sec);
        let mut all: Option<Judgement> = None;
        for (program, run) in (0_u32..).zip(&runs).take(PROGRAMS as usize) {
            let left = deadline.saturating_duration_since(clock::instant());
            let name = job(&task.id, number, program);
            let judged = self.run_program(task, (scene, stage), (evaluator, run), (name, left), cancel).await;
            let judged = judged.unwrap_or_else(|refusal| errored(&refusal));
            all = Some(match all {
                None => judged,
                Some(before) => judge::both(before, judged),
            });
        }
        all.unwrap_or_else(|| errored(&Refusal::internal("it has nothing to run")))
    }

    async fn run_program(
        &self,
        task: &EvaluationTask,
        (scene, stage): (&Arc<Scene>, &mut Stage),
        (evaluator, run): (&Evaluator, &Run),
        (name, time): (JobId, Duration),
        cancel: &watch::Receiver<bool>,
    ) -> Result<Judgement, Refusal> {
        if let Some(report) = &run.report
            && place::is_committed(&scene.files, report)
        {
            return Ok(unable(format!("the report {report} is committed: it says nothing of this commit")));
        }
        if matches!(evaluator.kind, EvaluatorKind::Coverage { command: None, .. }) {
            return Ok(stage.coverage(scene, evaluator, run));
        }
        if let Err(reason) = self.set_stage(scene, stage).await {
            return Ok(unable(reason));
        }
        let search = scene.environment.get("PATH").cloned().unwrap_or_default();
        let usable = |command: &&Vec<String>| {
            let program = command.first().map_or("", String::as_str);
            // A program that came with the commit is what is judged, not who judges.
            let own = program.contains('/') && place::is_committed(&scene.files, program);
            !own && self.ports.grounds.has(&scene.ground, program, &search)
        };
        let Some(command) = run.commands.iter().find(usable) else {
            let tool = run.tool.clone();
            return Ok(Judgement::without(EvaluatorOutcome::Missing { tool }, ""));
        };
        if let Some(report) = &run.report
            && let Err(reason) = self.ports.grounds.clear(&scene.ground, report)
        {
            return Ok(unable(reason));
        }
        let limits = task.suite.limits;
        let apart = match &scene.apart {
            _ if limits.network => Vec::new(),
            Ok(apart) => apart.clone(),
            Err(reason) => {
                return Ok(unable(reason.clone()));
            }
        };
        let spec = spec(name, line(apart, &limits, command), scene);
        let bounds = bounds(&limits, time);
        stage.used = true;
        let ended = self.ports.jobs.judge(&spec, bounds, cancel.clone()).await?;
        self.keep_reports(scene, stage).await;
        let (grounds, scene, run) = (Arc::clone(&self.ports.grounds), Arc::clone(scene), run.clone());
        let evaluator = evaluator.clone();
        blocking(move || {
            let report = run.report.as_ref().map(|path| grounds.read(&scene.ground, path, REPORT));
            let ran = ran(&ended, &limits, report);
            let tree = Tree { root: &scene.ground.checkout, files: &scene.files };
            Ok(judge::judge(&evaluator, &run, &ran, &tree, &scene.material.changed))
        })
        .await
    }
}

fn errored(refusal: &Refusal) -> Judgement {
    Judgement::without(EvaluatorOutcome::Errored { reason: crate::host::hinted(refusal) }, "")
}

/// The name of a program of an evaluation; evaluators count from 1.
fn job(evaluation: &EvaluationId, evaluator: u32, program: u32) -> JobId {
    JobId(format!("{evaluation}.v{evaluator}.{program}"))
}

fn spec(job: JobId, command: Vec<String>, scene: &Scene) -> JobSpec {
    JobSpec {
        job,
        command,
        directory: scene.ground.checkout.clone(),
        environment: scene.environment.clone(),
        stdin: false,
        terminal: None,
        on_daemon_death: OnDaemonDeath::Kill,
        lease: LEASE,
    }
}

/// A command line with what comes before it: who has no network, and what bounds it.
fn line(apart: Vec<String>, limits: &Limits, command: &[String]) -> Vec<String> {
    let around = ["/bin/sh".to_owned(), "-c".to_owned(), limited(limits), "evaluator".to_owned()];
    apart.into_iter().chain(around).chain(command.iter().cloned()).collect()
}

fn bounds(limits: &Limits, time: Duration) -> Bounds {
    Bounds {
        time,
        processes: limits.processes,
        output: limits.output_kb.saturating_mul(1024),
        memory: limits.memory_mb.saturating_mul(1 << 20),
    }
}

/// The shell's words that limit what comes after them.
fn limited(limits: &Limits) -> String {
    let mut words = String::new();
    let mut limit = |letter: char, value: u64| {
        if value > 0 {
            words = format!("{words}ulimit -{letter} {value} || exit 125; ");
        }
    };
    limit('t', limits.cpu_sec);
    // Blocks of 512 bytes.
    limit('f', limits.file_mb.saturating_mul(2048));
    format!("{words}exec \"$@\"")
}

fn ran(judged: &Judged, limits: &Limits, report: Option<Result<String, String>>) -> Ran {
    let ended = match (judged.stopped, &judged.end) {
        (Some(Stopped::Time), _) => Ended::TimedOut,
        (Some(Stopped::Cancelled), _) => Ended::Cancelled,
        (Some(Stopped::Output), _) => Ended::OverLimit(format!("it printed more than {} KiB", limits.output_kb)),
        (Some(Stopped::Processes), _) => Ended::OverLimit(format!("it had more than {} processes", limits.processes)),
        (Some(Stopped::Memory), _) => Ended::OverLimit(format!("it used more than {} MiB of memory", limits.memory_mb)),
        (None, JobEnd::Exited { code, .. }) => Ended::Exited(*code),
        (None, JobEnd::Signaled { signal, .. }) => Ended::Signaled(*signal),
        (None, JobEnd::NotStarted { reason }) => Ended::OverLimit(format!("it could not be started: {reason}")),
        (None, JobEnd::Lost) => Ended::OverLimit("its process was lost".to_owned()),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { ended, stdout: text(&judged.stdout), stderr: text(&judged.stderr), report }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Refusal::internal(format!("an evaluation's thread did not come to its end: {error}"))),
    }
}

#[cfg(test)]
mod tests;
