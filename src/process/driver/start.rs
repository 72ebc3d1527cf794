//! Starting a job.

use std::fs::{self, DirBuilder};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::signal::unix::{SignalKind, signal};

use super::connection::Connection;
use super::remains::{self, Shim};
use super::{Places, blocking, forget};
use crate::base::clock;
use crate::host::port::JobSpec;
use crate::model::terminal::TerminalSize;
use crate::model::{Refusal, RefusalKind};
use crate::process::spec::{self, Ready, ShimFile, SpecFile, TMP};
use crate::process::{journal, tree};

/// How long a shim has to say whether its program runs.
const READY: Duration = Duration::from_secs(5);
/// The longest path a socket can have (108 with its end), with room to spare.
const MAX_SOCKET_PATH: usize = 100;
/// The longest word of a shim on its standard output.
const MAX_WORD: usize = 64 << 10;

/// A job that was started.
#[derive(Debug)]
pub(super) enum Started {
    /// It runs.
    Running(Box<Connection>),
    /// It is over already.
    Over(Box<ShimFile>),
}

/// Starts a job and attaches to it.
pub(super) async fn start(places: Places, directory: PathBuf, spec: JobSpec) -> Result<Started, Refusal> {
    let job = spec.job.clone();
    let place = directory.clone();
    let (child, who) = blocking(move || launch(&places, &place, &spec)).await?;
    reap(child);
    match Connection::open(&who, &directory).await {
        Ok(connection) => Ok(Started::Running(Box::new(connection))),
        Err(error) => {
            // A short program is over before anybody can attach.
            let place = directory.clone();
            let shim = who.shim.clone();
            if matches!(blocking(move || remains::clear_after(&shim, &place)).await?, Shim::Gone)
                && directory.join(journal::FILE_NAME).exists()
            {
                return Ok(Started::Over(Box::new(who)));
            }
            // It answered a moment ago. Whatever happened to it: its end, or the next daemon, clears up.
            let message = format!("job {job} was started but cannot be reached: {}", error.message);
            Err(Refusal { message, ..error })
        }
    }
}

/// Waits for the shim's end in the background, so that it does not stay as a dead process.
fn reap(mut child: Child) {
    // First the ear, then the look: an end in between is heard.
    let Ok(mut ends) = signal(SignalKind::child()) else { return };
    tokio::spawn(async move { while matches!(child.try_wait(), Ok(None)) && ends.recv().await.is_some() {} });
}

fn launch(places: &Places, directory: &Path, spec: &JobSpec) -> Result<(Child, ShimFile), Refusal> {
    let failed = |error: io::Error| {
        Refusal::environment(format!("cannot make the directory {} for the job: {error}", directory.display()))
    };
    let private = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
    private(&places.jobs).map_err(failed)?;
    make_room(directory, spec)?;
    let result = (|| {
        DirBuilder::new().mode(0o700).create(directory.join(TMP)).map_err(failed)?;
        let content = content(places, directory, spec)?;
        if !Path::new(&content.control).starts_with(directory) {
            private(&places.runtime).map_err(failed)?;
        }
        spec::expect(directory).map_err(failed)?;
        let mut child = spawn(places, directory)?;
        let deadline = clock::instant() + READY;
        match tell(&mut child, &content, deadline).and_then(|()| await_ready(&mut child, deadline)) {
            Ok(who) => Ok((child, who)),
            Err(mut refusal) => {
                let _ = child.kill();
                if let Some(last) = last_words(&mut child) {
                    refusal.hints.push(last);
                }
                tree::finish_off(content.dye, READY);
                let _ = fs::remove_file(&content.control);
                Err(refusal)
            }
        }
    })();
    if result.is_err() {
        let _ = forget::delete(directory);
    }
    result
}

/// Makes the job's directory. One that is there already belongs to a start that never came to its program; else it is in use.
fn make_room(directory: &Path, spec: &JobSpec) -> Result<(), Refusal> {
    let make = || DirBuilder::new().mode(0o700).create(directory);
    let failed = |error: io::Error| Refusal::environment(format!("cannot make {}: {error}", directory.display()));
    match make() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other.map_err(failed),
    }
    let started = matches!(remains::clear(directory)?, Shim::Lives) || directory.join(journal::FILE_NAME).exists();
    if started {
        return Err(Refusal::conflict(format!("job {} was started already", spec.job)));
    }
    forget::delete(directory).and_then(|()| make()).map_err(failed)
}

fn content(places: &Places, directory: &Path, spec: &JobSpec) -> Result<SpecFile, Refusal> {
    let text = |path: &Path| {
        let shown = path.to_str().map(str::to_owned);
        shown.ok_or_else(|| Refusal::user(format!("the path {} is not valid UTF-8", path.display())))
    };
    let random =
        getrandom::u64().map_err(|error| Refusal::environment(format!("the system has no random numbers: {error}")))?;
    let dye = tree::dye(random);
    let beside = directory.join("control.sock");
    let short = beside.as_os_str().len() <= MAX_SOCKET_PATH;
    let control = if short { beside } else { places.runtime.join(format!("job-{dye:016x}.sock")) };
    let mut environment = spec.environment.clone();
    environment.insert("TMPDIR".into(), text(&directory.join(TMP))?);
    if spec.terminal.is_some() {
        // What the screen model understands, whatever terminal the daemon was started from.
        environment.insert("TERM".into(), "xterm-256color".into());
        environment.insert("COLORTERM".into(), "truecolor".into());
    }
    environment.insert(tree::JOB_VARIABLE.into(), spec.job.to_string());
    environment.insert(tree::DYE_VARIABLE.into(), tree::dye_text(dye));
    Ok(SpecFile {
        version: spec::VERSION,
        job: spec.job.to_string(),
        command: spec.command.clone(),
        directory: spec.directory.clone(),
        environment,
        stdin: spec.stdin,
        terminal: spec.terminal.map(TerminalSize::within_limits),
        on_daemon_death: spec.on_daemon_death,
        lease_ms: u64::try_from(spec.lease.as_millis()).unwrap_or(u64::MAX),
        control: text(&control)?,
        dye,
    })
}

/// No closure runs between fork and exec, so that the daemon is not copied: what must happen there happens in the shim. It gets no
/// process group either, because the leader of one cannot begin a session.
fn spawn(places: &Places, directory: &Path) -> Result<Child, Refusal> {
    let mut command = Command::new(&places.shim_program);
    command.arg("shim").arg(directory).env_clear().current_dir(directory);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|error| {
        let program = places.shim_program.display();
        Refusal::environment(format!("cannot start the job's shim ({program} shim): {error}"))
    })
}

fn silent(why: &str) -> Refusal {
    Refusal::environment(format!("the job's shim did not say whether its program runs: {why}"))
}

/// Tells the shim what to start. One that does not listen to the end says why itself.
fn tell(child: &mut Child, content: &SpecFile, deadline: Instant) -> Result<(), Refusal> {
    let all = serde_json::to_vec(content)
        .map_err(|error| Refusal::internal(format!("what to start cannot be written down: {error}")))?;
    let mut stdin = child.stdin.take().ok_or_else(|| silent("no pipe"))?;
    rustix::io::ioctl_fionbio(&stdin, true).map_err(|error| silent(&error.to_string()))?;
    let mut rest = all.as_slice();
    while !rest.is_empty() {
        match stdin.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for(&stdin, PollFlags::OUT, deadline)?,
            Err(_) => break,
        }
    }
    Ok(())
}

/// Waits until a pipe can be used, or was closed.
fn wait_for(pipe: &impl AsFd, what: PollFlags, deadline: Instant) -> Result<(), Refusal> {
    loop {
        let left = deadline.saturating_duration_since(clock::instant());
        if left.is_zero() {
            return Err(silent(&format!("not within {} s", READY.as_secs())));
        }
        let timeout = Timespec::try_from(left).ok();
        if matches!(poll(&mut [PollFd::from_borrowed_fd(pipe.as_fd(), what)], timeout.as_ref()), Ok(ready) if ready > 0)
        {
            return Ok(());
        }
    }
}

fn await_ready(child: &mut Child, deadline: Instant) -> Result<ShimFile, Refusal> {
    let mut stdout = child.stdout.take().ok_or_else(|| silent("no pipe"))?;
    let mut word = Vec::new();
    while word.last() != Some(&b'\n') && word.len() < MAX_WORD {
        wait_for(&stdout, PollFlags::IN, deadline)?;
        let mut some = [0; 4096];
        match stdout.read(&mut some) {
            Ok(0) => return Err(silent("it ended")),
            Ok(count) => word.extend_from_slice(&some[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(silent(&error.to_string())),
        }
    }
    match serde_json::from_slice(&word) {
        Ok(Ready::Running(who)) => Ok(who),
        Ok(Ready::Failed { kind, reason }) => Err(refusal(kind, reason)),
        Err(error) => Err(silent(&format!("it said something else ({error})"))),
    }
}

/// How a shim ended that did not say why, and what it wrote before. Waits for its end.
fn last_words(child: &mut Child) -> Option<String> {
    const MOST: usize = 500;
    let status = child.wait().ok()?;
    let mut log = Vec::new();
    if let Some(mut stderr) = child.stderr.take()
        && rustix::io::ioctl_fionbio(&stderr, true).is_ok()
    {
        // To its end, or as far as there is something: a program of the shim's could hold it open.
        let _ = stderr.read_to_end(&mut log);
    }
    let tail = String::from_utf8_lossy(&log[log.len().saturating_sub(MOST)..]).trim().to_owned();
    (!tail.is_empty()).then(|| format!("the shim ended with {status} and wrote: {tail}"))
}

fn refusal(kind: RefusalKind, reason: String) -> Refusal {
    Refusal { kind, message: reason, hints: Vec::new() }
}
