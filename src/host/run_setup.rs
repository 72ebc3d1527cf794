//! Carries setups out: the commands that the repository's trusted file wants run in a new worktree.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::host::effect::SetupRun;
use crate::host::input::Input;
use crate::host::port::JobSpec;
use crate::host::run_effect::Runner;
use crate::model::id::{JobId, SessionId};
use crate::model::job::JobEnd;
use crate::worktree::repository;

/// Setups that run, by their sessions: true stops them.
pub(crate) type Running = Arc<Mutex<HashMap<SessionId, watch::Sender<bool>>>>;

/// Why a setup did not come to its end.
const STOPPED: &str = "it was stopped";

impl Runner {
    /// Begins a setup.
    pub(crate) fn begin_setup(&self, session: SessionId, run: SetupRun) {
        let (cancel, cancelled) = watch::channel(false);
        self.setups.lock().unwrap_or_else(PoisonError::into_inner).insert(session.clone(), cancel);
        let runner = self.clone();
        self.runtime.spawn(async move {
            let result = runner.run_setup(&session, run, cancelled).await;
            runner.setups.lock().unwrap_or_else(PoisonError::into_inner).remove(&session);
            runner.send(Input::SetupEnded { session, result });
        });
    }

    /// Stops a setup. One that has just ended needs no word.
    pub(crate) fn stop_setup(&self, session: &SessionId) {
        if let Some(cancel) = self.setups.lock().unwrap_or_else(PoisonError::into_inner).get(session) {
            let _ = cancel.send(true);
        }
    }

    async fn run_setup(
        &self,
        session: &SessionId,
        run: SetupRun,
        mut cancel: watch::Receiver<bool>,
    ) -> Result<String, (String, String)> {
        let path = run.worktree.repository.clone();
        let git = Arc::clone(&self.ports.git);
        let config = tokio::task::spawn_blocking(move || git.repository_config(&path))
            .await
            .map_err(|error| (format!("the setup could not be read: {error}"), String::new()))?
            .and_then(|config| repository::parse(&config.text))
            .map_err(|refusal| (refusal.to_string(), String::new()))?;
        let limit = Duration::from_secs(config.setup.timeout_sec);
        let mut output = String::new();
        for (number, command) in config.setup.commands.iter().enumerate() {
            if *cancel.borrow() {
                return Err((STOPPED.to_owned(), output));
            }
            let spec = JobSpec {
                job: JobId(format!("{session}.s{}", number + 1)),
                command: vec!["/bin/sh".to_owned(), "-c".to_owned(), command.clone()],
                directory: run.worktree.path.clone(),
                environment: run.environment.clone(),
                stdin: false,
                terminal: None,
                on_daemon_death: crate::model::job::OnDaemonDeath::Kill,
                lease: limit,
            };
            let ran = tokio::select! {
                ran = self.ports.jobs.run(&spec, limit) => ran,
                () = stopped(&mut cancel) => {
                    // What nobody follows any more is ended, with everything it started.
                    if let Err(refusal) = self.ports.jobs.clear(&spec.job).await {
                        tracing::warn!(job = %spec.job, %refusal, "a setup command that was stopped stays");
                    }
                    return Err((STOPPED.to_owned(), output));
                }
            };
            let (end, text) = ran.map_err(|refusal| (refusal.to_string(), output.clone()))?;
            output.push_str(&text);
            let shown = crate::base::text::visible_line(command, 80);
            match end {
                JobEnd::Exited { code: 0, stopped: false, .. } => {}
                JobEnd::Exited { code, stopped: false, .. } => {
                    return Err((format!("'{shown}' exited with code {code}"), output));
                }
                JobEnd::Exited { .. } | JobEnd::Signaled { stopped: true, .. } => {
                    return Err((format!("'{shown}' did not end within {} s", limit.as_secs()), output));
                }
                JobEnd::Signaled { signal, .. } => {
                    return Err((format!("'{shown}' was ended by signal {signal}"), output));
                }
                JobEnd::NotStarted { reason } => return Err((format!("'{shown}' did not start: {reason}"), output)),
                JobEnd::Lost => return Err((format!("'{shown}' was lost"), output)),
            }
        }
        Ok(output)
    }
}

/// Waits until somebody stops it, or nobody can any more.
async fn stopped(cancel: &mut watch::Receiver<bool>) {
    let _ = cancel.wait_for(|cancelled| *cancelled).await;
}
