//! The shim's loop.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, WaitOptions, WaitStatus};

use super::control::{Asked, Control, Gone};
use super::ending::{Ending, GRACE, GRACE_OF_KILL, Sight};
use super::input::Input;
use super::lease::Lease;
use super::program::Program;
use super::secrets::Secrets;
use super::signals::Signals;
use super::sweep::Sweep;
use super::terminal::{Terminal, recorded};
use crate::base::clock;
use crate::host::port::RecordKind;
use crate::model::job::{JobEnd, OnDaemonDeath};
use crate::model::terminal::TerminalSize;
use crate::process::identity::ProcessStat;
use crate::process::journal::{CHUNK, JournalWriter, MAX_KEY, MAX_PAYLOAD};
use crate::process::protocol::{Reply, Request, Verb};
use crate::process::spec::{self, ShimFile, SpecFile};
use crate::process::tree;

/// How often a journal that could not be written is tried again.
const RETRY: Duration = Duration::from_millis(250);

/// What is typed on a terminal for the end of a file (Ctrl-D).
const END_OF_FILE: u8 = 4;

/// A program and everything around it.
#[derive(Debug)]
pub(super) struct Keeper {
    who: ShimFile,
    /// The file that says so.
    card: PathBuf,
    journal: JournalWriter,
    program: Program,
    /// How the main process ended, once it was reaped.
    status: Option<WaitStatus>,
    /// There is no child left.
    alone: bool,
    input: Input,
    control: Control,
    signals: Signals,
    lease: Lease,
    on_daemon_death: OnDaemonDeath,
    ending: Ending,
    secrets: Secrets,
    sweeps: Vec<Sweep>,
}

/// What can be ready.
#[derive(Debug, Clone, Copy)]
enum Source {
    Signals,
    Listener,
    Stdin,
    Stdout,
    Stderr,
    Connection(u64),
}

impl Keeper {
    pub(super) fn new(
        spec: &SpecFile,
        (who, card): (ShimFile, PathBuf),
        own: ProcessStat,
        journal: JournalWriter,
        program: Program,
        control: Control,
        signals: Signals,
    ) -> Self {
        let lease = Lease::new(spec.on_daemon_death, Duration::from_millis(spec.lease_ms), clock::instant());
        Self {
            who,
            card,
            journal,
            program,
            status: None,
            alone: false,
            input: Input::default(),
            control,
            signals,
            lease,
            on_daemon_death: spec.on_daemon_death,
            ending: Ending::new(own),
            secrets: Secrets::of(&spec.environment),
            sweeps: Vec::new(),
        }
    }

    /// Who this shim is.
    pub(super) fn who(&self) -> &ShimFile {
        &self.who
    }

    /// Until the job is over and its end is on the disk.
    pub(super) fn run(mut self) {
        let mut buffer = vec![0; CHUNK];
        while !self.ending.is_over() {
            self.settle();
            if !self.ending.is_over() {
                self.wait(&mut buffer);
            }
        }
        self.finish();
    }

    /// Everything that can be done without waiting.
    fn settle(&mut self) {
        if self.journal.is_blocked() {
            let _ = self.journal.flush();
        }
        self.reap();
        let now = clock::instant();
        if self.signals.take_terminate() {
            self.stop(GRACE);
        }
        self.sweep(now);
        if self.control.pump(self.journal.length()) == Gone::LastWithoutDetach {
            self.lease.alone(false, now);
        }
        if self.ending.is_running() && self.lease.deadline().is_some_and(|deadline| now >= deadline) {
            let dies_with_it = self.on_daemon_death == OnDaemonDeath::Kill;
            self.stop(if dies_with_it { GRACE_OF_KILL } else { GRACE });
        }
        self.input.pump(&mut self.program.stdin, self.journal.length());
        // While the disk is full the pipes are not read, so that nothing can be said about their end.
        let pipes_closed = self.program.stdout.is_none() && self.program.stderr.is_none();
        if self.journal.is_blocked() {
            self.ending.hold(now);
        }
        self.ending.advance(Sight { now, main_gone: self.status.is_some(), alone: self.alone, pipes_closed });
    }

    /// Takes the end of every child: the program's, and whoever lost their parent.
    fn reap(&mut self) {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if self.status.is_none() && pid == self.program.pid() => {
                    self.status = Some(status);
                }
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return,
                Err(_) => {
                    self.alone = true;
                    return;
                }
            }
        }
    }

    /// Goes on with the sweeps, and answers those that are over. The end of the whole tree is the end of each.
    fn sweep(&mut self, now: Instant) {
        let (own, over) = (self.who.shim.pid, !self.ending.is_running());
        let mut answers = Vec::new();
        self.sweeps.retain_mut(|sweep| {
            let left = if over { Some(0) } else { sweep.advance(own, now) };
            answers.extend(left.map(|left| (sweep.asked, left)));
            left.is_none()
        });
        for ((connection, id), left) in answers {
            let error = (left > 0).then(|| format!("{left} processes could not be ended"));
            self.control.answer(connection, Reply::Answer { id, error, shim: None }, self.journal.length());
        }
    }

    fn stop(&mut self, grace: Duration) {
        if let Some(terminal) = self.program.terminal.as_ref().filter(|_| self.status.is_none()) {
            terminal.hang_up(self.program.pid());
        }
        self.ending.stop(grace, self.status.is_some(), clock::instant());
    }

    fn wait(&mut self, buffer: &mut [u8]) {
        for source in self.poll() {
            match source {
                Source::Signals => self.signals.clear(),
                Source::Listener => self.control.accept(),
                // Written by `settle`.
                Source::Stdin => {}
                Source::Stdout => self.hear(RecordKind::Stdout, buffer),
                Source::Stderr => self.hear(RecordKind::Stderr, buffer),
                Source::Connection(number) => {
                    for asked in self.control.receive(number, buffer) {
                        self.answer(asked);
                    }
                }
            }
        }
    }

    /// Waits for something to happen or to be due.
    fn poll(&self) -> Vec<Source> {
        let mut sources = vec![
            (Source::Signals, self.signals.as_fd(), PollFlags::IN),
            (Source::Listener, self.control.listener(), PollFlags::IN),
        ];
        // A full disk is back-pressure on the program: what is not read waits in its pipes.
        if !self.journal.is_blocked() {
            let stdout = self.program.stdout.as_ref().map(|pipe| (Source::Stdout, pipe.as_fd(), PollFlags::IN));
            let stderr = self.program.stderr.as_ref().map(|pipe| (Source::Stderr, pipe.as_fd(), PollFlags::IN));
            sources.extend(stdout.into_iter().chain(stderr));
        }
        if let Some(pipe) = self.program.stdin.as_ref().filter(|_| self.input.wants(self.journal.length())) {
            sources.push((Source::Stdin, pipe.as_fd(), PollFlags::OUT));
        }
        for (number, fd, writes) in self.control.connections() {
            let out = if writes { PollFlags::OUT } else { PollFlags::empty() };
            sources.push((Source::Connection(number), fd, PollFlags::IN | out));
        }
        let mut fds: Vec<PollFd<'_>> =
            sources.iter().map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
        let timeout = self.timeout().and_then(|time| Timespec::try_from(time).ok());
        if poll(&mut fds, timeout.as_ref()).is_err() {
            return Vec::new();
        }
        let ready = sources.iter().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty());
        ready.map(|((source, _, _), _)| *source).collect()
    }

    fn timeout(&self) -> Option<Duration> {
        let now = clock::instant();
        let lease = self.lease.deadline().filter(|_| self.ending.is_running());
        let retry = self.journal.is_blocked().then(|| now + RETRY);
        let sweep = self.sweeps.iter().map(Sweep::deadline).min();
        let next: Option<Instant> = [lease, retry, sweep, self.ending.deadline()].into_iter().flatten().min();
        // Rounded up by a millisecond, so that what is due then is due.
        next.map(|next| next.saturating_duration_since(now) + Duration::from_millis(1))
    }

    /// Reads a piece of output into the journal.
    fn hear(&mut self, kind: RecordKind, buffer: &mut [u8]) {
        if self.journal.is_blocked() {
            return;
        }
        let (count, closed) = if kind == RecordKind::Stdout {
            read_some(&mut self.program.stdout, buffer)
        } else {
            read_some(&mut self.program.stderr, buffer)
        };
        if count > 0 {
            // An error means that it is kept and tried again.
            let _ = self.journal.append(kind, "", &buffer[..count]);
            self.ending.heard(clock::instant());
        }
        if closed && kind == RecordKind::Stdout {
            self.program.stdout = None;
        } else if closed {
            self.program.stderr = None;
        }
    }

    fn answer(&mut self, asked: Asked) {
        let Asked { connection, request, body } = asked;
        let writes = matches!(&request, Ok(request) if matches!(request.verb, Verb::Write { .. }));
        let (id, result) = match request {
            Ok(Request { id, verb: Verb::EndSince { key }, .. }) => match self.input.time_of(&key) {
                Some(since) => return self.sweeps.push(Sweep::new((connection, id), since, clock::instant())),
                None => (id, Err(format!("nothing was written under {key:?}"))),
            },
            Ok(request) => (request.id, self.carry_out(connection, request.verb, body)),
            Err((id, error)) => (id, Err(error)),
        };
        // A write is taken when the journal has it.
        let after = if writes { self.journal.end() } else { self.journal.length() };
        let (error, shim) = match result {
            Ok(shim) => (None, shim),
            Err(error) => (Some(error), None),
        };
        self.control.answer(connection, Reply::Answer { id, error, shim }, after);
    }

    fn carry_out(&mut self, connection: u64, verb: Verb, body: Vec<u8>) -> Result<Option<ShimFile>, String> {
        match verb {
            // The second is answered when it is over: see `answer`.
            Verb::Ping | Verb::EndSince { .. } => {}
            Verb::Attach => {
                self.control.attach(connection);
                self.lease.attached();
                return Ok(Some(self.who.clone()));
            }
            Verb::Detach => {
                if self.control.detach(connection) {
                    self.lease.alone(true, clock::instant());
                }
            }
            Verb::Write { key } => self.write(key, body)?,
            Verb::Type => self.type_in(body)?,
            Verb::Resize { columns, rows } => self.resize(TerminalSize { columns, rows }.within_limits())?,
            Verb::CloseStdin => self.close_stdin(),
            Verb::Interrupt => self.interrupt(),
            Verb::Stop { grace_ms } => self.stop(Duration::from_millis(grace_ms)),
        }
        Ok(None)
    }

    fn write(&mut self, key: String, bytes: Vec<u8>) -> Result<(), String> {
        if self.input.knows(&key) {
            return Ok(());
        }
        if key.len() > MAX_KEY || bytes.len() > MAX_PAYLOAD {
            return Err(format!("{} bytes are too many for one write (at most {MAX_PAYLOAD})", bytes.len()));
        }
        if self.status.is_some() {
            return Err("the program has ended".into());
        }
        if let Some(refusal) = self.input.refusal(self.program.stdin.as_ref(), bytes.len()) {
            return Err(refusal);
        }
        // First the journal. What it cannot take now is kept, and reaches the program only when it could.
        let _ = self.journal.append(RecordKind::Stdin, &key, &bytes);
        let bytes = self.secrets.fill(&key, bytes);
        self.input.push(key, self.journal.end(), bytes);
        Ok(())
    }

    fn type_in(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        if self.program.terminal.is_none() {
            return Err("the program does not run on a terminal".into());
        }
        if self.status.is_some() {
            return Err("the program has ended".into());
        }
        if let Some(refusal) = self.input.refusal(self.program.stdin.as_ref(), bytes.len()) {
            return Err(refusal);
        }
        // After what waits for the journal, so that the order is that of the requests.
        self.input.push_typed(self.journal.end(), bytes);
        Ok(())
    }

    fn resize(&mut self, size: TerminalSize) -> Result<(), String> {
        let Some(terminal) = self.program.terminal.as_mut() else {
            return Err("the program does not run on a terminal".into());
        };
        // First the record: what the program draws afterwards is for that size.
        if terminal.size() != size {
            let _ = self.journal.append(RecordKind::Resized, "", &recorded(size));
        }
        terminal.resize(size).map(drop).map_err(|error| format!("the terminal's size cannot be set: {error}"))
    }

    fn close_stdin(&mut self) {
        if self.program.terminal.is_some() {
            // A terminal has no end to close: the end of a file is typed.
            self.input.push_typed(self.journal.end(), vec![END_OF_FILE]);
        } else {
            self.input.close();
        }
    }

    fn interrupt(&self) {
        if let Some(group) = self.program.terminal.as_ref().and_then(Terminal::foreground)
            && group != self.program.pid()
        {
            // Whoever has the terminal, as Ctrl-C would.
            let _ = rustix::process::kill_process_group(group, Signal::INT);
        }

        // As long as it was not reaped its pid is its own, and so is the group that it began.
        if self.status.is_none() && rustix::process::kill_process_group(self.program.pid(), Signal::INT).is_err() {
            let main = self.who.program.as_ref().and_then(|program| ProcessStat::read(program.pid));
            if let Some(main) = main {
                tree::signal(&main, Signal::INT);
            }
        }
    }

    fn finish(&mut self) {
        let end = self.end();
        let _ = self.journal.append_end(&end);
        while self.journal.is_blocked() {
            tree::pause(RETRY);
            let _ = self.journal.flush();
        }
        let _ = self.journal.sync();
        let _ = spec::tell(&self.card, &ShimFile { over: true, ..self.who.clone() });
        let _ = std::fs::remove_file(&self.who.control);
        self.control.pump(self.journal.length());
    }

    fn end(&self) -> JobEnd {
        let (stopped, leaked) = (self.ending.was_stopped(), self.ending.leaked());
        let Some(status) = self.status else { return JobEnd::Lost };
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => JobEnd::Exited { code, stopped, leaked },
            (None, Some(signal)) => JobEnd::Signaled { signal, stopped, leaked },
            (None, None) => JobEnd::Lost,
        }
    }
}

/// One read from a pipe that may be empty or at its end: how many bytes came, and whether it is over.
fn read_some<R: Read>(pipe: &mut Option<R>, buffer: &mut [u8]) -> (usize, bool) {
    let Some(open) = pipe.as_mut() else { return (0, true) };
    match open.read(buffer) {
        Ok(0) => (0, true),
        Ok(count) => (count, false),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => (0, false),
        Err(_) => (0, true),
    }
}
