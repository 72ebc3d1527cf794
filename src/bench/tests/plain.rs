//! Jobs without a shim, for tests of what is made of them: what a shim does is tested with the real one.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::host::port::{Attached, Bounds, JobHandle, JobSpec, Jobs, Judged, Stopped};
use crate::model::Refusal;
use crate::model::batch::Machine;
use crate::model::id::JobId;
use crate::model::job::JobEnd;
use crate::process::run::{Program, RunError, run_until};

/// Runs a program to its end; nothing else.
pub(in crate::bench) struct Plain;

fn refused<T>() -> Result<T, Refusal> {
    Err(Refusal::internal("a benchmark only judges"))
}

#[async_trait]
impl Jobs for Plain {
    async fn start(&self, _: &JobSpec) -> Result<JobHandle, Refusal> {
        refused()
    }

    async fn attach(&self, _: &JobId) -> Result<Attached, Refusal> {
        refused()
    }

    async fn forget(&self, _: &JobId) -> Result<(), Refusal> {
        refused()
    }

    async fn run(&self, _: &JobSpec, _: Duration) -> Result<(JobEnd, String), Refusal> {
        refused()
    }

    fn machine(&self, _places: &[String]) -> Machine {
        Machine::default()
    }

    async fn judge(
        &self,
        spec: &JobSpec,
        bounds: Bounds,
        mut cancel: watch::Receiver<bool>,
    ) -> Result<Judged, Refusal> {
        let (spec, stop) = (spec.clone(), Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&stop);
        let mut running = tokio::task::spawn_blocking(move || {
            let arguments: Vec<OsString> = spec.command[1..].iter().map(OsString::from).collect();
            let environment: Vec<(OsString, OsString)> =
                spec.environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
            let program = Program {
                program: Path::new(&spec.command[0]),
                arguments: &arguments,
                directory: Path::new(&spec.directory),
                environment: &environment,
                input: &[],
                deadline: bounds.time,
                limit: usize::try_from(bounds.output).unwrap_or(usize::MAX),
            };
            run_until(&program, &told)
        });
        let ran = loop {
            tokio::select! {
                ran = &mut running => break ran.unwrap(),
                _ = cancel.changed() => stop.store(*cancel.borrow(), Ordering::Relaxed),
            }
        };
        let judged = |end, stopped, stdout| Judged { end, stopped, stdout, stderr: Vec::new() };
        let lost = |why| Ok(judged(JobEnd::Lost, Some(why), Vec::new()));
        match ran {
            Ok(finished) => {
                let exit = |code| JobEnd::Exited { code, stopped: false, leaked: 0 };
                let stopped = finished.truncated.then_some(Stopped::Output);
                Ok(judged(finished.code.map_or(JobEnd::Lost, exit), stopped, finished.stdout))
            }
            Err(RunError::TimedOut { .. }) => lost(Stopped::Time),
            Err(RunError::Stopped { .. }) => lost(Stopped::Cancelled),
            Err(error) => Err(Refusal::environment(error.to_string())),
        }
    }

    async fn clear(&self, _: &JobId) -> Result<(), Refusal> {
        refused()
    }

    fn journal_path(&self, _: &JobId) -> String {
        String::new()
    }
}
