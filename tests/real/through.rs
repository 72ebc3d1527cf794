//! A session of the whole product: `divisi new`, its daemon, the agent under its shim; watched with `divisi log --follow --json`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use divisi::model::agent::{AgentReady, Protocol, ToolCall};
use divisi::model::approval::{Approval, ApprovalOption};
use divisi::model::event::{Envelope, Event};
use divisi::model::secret::names_a_credential;
use divisi::model::turn::TurnOutcome;
use divisi::model::usage::Usage;
use serde_json::Value;

use crate::sessions::scene::{Scene, kill};
use crate::support::Running;

use super::agents::Agent;
use super::session::{Session, Stop};
use super::stage::Stage;

/// How long anything may take here.
const DEADLINE: Duration = Duration::from_secs(60);
/// The session's name.
const NAME: &str = "one";

/// How the agent's variables reach it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// The daemon has them, and the agent's definition lets them pass.
    Daemon,
    /// `--env NAME=VALUE`, against other values that the daemon has.
    Given,
    /// `--env NAME`.
    Named,
}

/// See the module's documentation.
pub(super) struct DaemonSession {
    /// What follows the log, from the first event on and across daemons.
    log: Running,
    server: Running,
    pub(super) scene: Scene,
    worktree: PathBuf,
    events: Vec<Envelope>,
    turns: u32,
    protocol: Protocol,
    told: BTreeSet<String>,
    removed: bool,
}

impl DaemonSession {
    /// A session with an agent in a mode that has done a first turn; nothing when it is not installed.
    pub(super) fn start(test: &str, agent: &Agent, mode: Option<&str>, way: Way) -> Option<Self> {
        Self::begin(test, agent, mode, way, |_| {})
    }

    /// The same in the mode in which it works by itself, with preparations in the repository and the configuration.
    pub(super) fn start_with(test: &str, agent: &Agent, prepare: impl FnOnce(&mut Scene)) -> Option<Self> {
        Self::begin(test, agent, agent.working, Way::Daemon, prepare)
    }

    fn begin(
        test: &str,
        agent: &Agent,
        mode: Option<&str>,
        way: Way,
        prepare: impl FnOnce(&mut Scene),
    ) -> Option<Self> {
        let stage = Stage::set(test, agent.program)?;
        let variables = (agent.prepare)(&stage);
        let (server, mut scene) = stage.into_scene();
        prepare(&mut scene);
        let mut options = Vec::new();
        for (name, value) in variables {
            match way {
                Way::Daemon => scene.env.set(name, value),
                // A credential is given by its name alone.
                Way::Given if !names_a_credential(&name) => {
                    options.extend(["--env".to_owned(), format!("{name}={value}")]);
                    scene.env.set(name, "http://127.0.0.1:1/not/this/one");
                }
                Way::Given | Way::Named => {
                    scene.daemon_pid();
                    options.extend(["--env".to_owned(), name.clone()]);
                    scene.env.set(name, value);
                }
            }
        }
        if let Some(mode) = mode {
            options.extend(["--mode".to_owned(), mode.to_owned()]);
        }
        let mut words = vec!["new", "--name", NAME, "--agent", agent.name];
        words.extend(options.iter().map(String::as_str));
        words.push("please @@text");
        scene.divisi(&words).ok();
        let log = scene.env.spawn_divisi(&scene.repo, &["log", NAME, "--follow", "--json"]);
        let worktree = scene.worktree(NAME);
        let agents = scene.env.json(&scene.repo, &["agents"]);
        let definition = agents.as_array().into_iter().flatten().find(|one| one["name"] == agent.name);
        let protocol = definition.map(|one| one["protocol"].clone()).unwrap_or_default();
        let protocol = serde_json::from_value(protocol).expect("the agent's protocol");
        let (events, told) = (Vec::new(), BTreeSet::new());
        let mut session = Self { log, server, scene, worktree, events, turns: 1, protocol, told, removed: false };
        session.sees_only_loopback();
        match session.next() {
            Stop::Ended(TurnOutcome::Done { .. }) => {}
            other => panic!("{other:?}\n{:#?}", session.current().collect::<Vec<_>>()),
        }
        assert!(session.said().contains("Just text, no tools."), "{:?}", session.said());
        Some(session)
    }

    /// The session as `show --json` has it.
    pub(super) fn show(&self) -> Value {
        self.scene.show(NAME)
    }

    /// Every network interface of the daemon, and so of everything it starts, is the loopback one.
    fn sees_only_loopback(&self) {
        let devices = fs::read_to_string(format!("/proc/{}/net/dev", self.scene.daemon_pid())).expect("its interfaces");
        let names: Vec<&str> = devices.lines().filter_map(|line| Some(line.split_once(':')?.0.trim())).collect();
        assert_eq!(names, ["lo"]);
    }

    /// How many processes of the agent were started so far.
    pub(super) fn processes_started(&self) -> usize {
        self.events.iter().filter(|envelope| matches!(envelope.event, Event::JobStarted { .. })).count()
    }

    /// Paths of what it changed, as `diff --name-only` prints them.
    pub(super) fn changed(&self) -> Vec<String> {
        let ran = self.scene.divisi(&["diff", NAME, "--name-only"]);
        ran.ok().stdout.lines().map(str::to_owned).collect()
    }

    /// Begins a turn with something that goes along.
    pub(super) fn prompt_with(&mut self, options: &[&str], text: &str) {
        self.turns += 1;
        let words = [&["send", NAME], options, &[text]].concat();
        self.scene.divisi(&words).ok();
    }

    /// Begins a turn with a prompt that would go into a running one.
    pub(super) fn prompt_now(&mut self, text: &str) {
        self.prompt_with(&["--now"], text);
    }

    /// The next turn began by itself.
    pub(super) fn next_turn(&mut self) {
        self.turns += 1;
    }

    /// How many turns there were.
    pub(super) fn turns(&self) -> usize {
        self.turns as usize
    }

    /// How its agent is talked to.
    pub(super) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Every event so far, oldest first.
    pub(super) fn events(&self) -> &[Envelope] {
        &self.events
    }

    /// Whether something was told beside its work, in any turn.
    pub(super) fn was_told(&self, words: &str) -> bool {
        let told = |event: &Event| matches!(event, Event::AgentNotice { text, .. } if text.contains(words));
        self.events.iter().any(|envelope| told(&envelope.event))
    }

    /// Waits until there is a file in the worktree, allowing what it asks for.
    pub(super) fn wait_for_file(&mut self, name: &str) {
        while let Some(stop) = self.next_or_file(name) {
            match stop {
                Stop::Asked { key, options, .. } => self.answer(&key, &options, "allow_once", None),
                Stop::Ended(outcome) => panic!("no {name}: {outcome:?}"),
            }
        }
    }

    /// Processes of the agent and of its tools: what has the session's environment.
    pub(super) fn processes(&self) -> Vec<String> {
        let mark = format!("DIVISI_WORKTREE={}\0", self.worktree.display());
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            if String::from_utf8_lossy(&environment).contains(&mark) {
                let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let command = String::from_utf8_lossy(&command).replace('\0', " ");
                found.push(format!("{}: {command}", entry.file_name().display()));
            }
        }
        found
    }

    /// Reads one more event, if there is one in time.
    fn step(&mut self, time: Duration) -> bool {
        let Some(line) = self.log.line_within(time) else { return false };
        let envelope: Envelope = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let newest = self.events.last().map(|envelope| envelope.seq);
        assert!(newest.is_none_or(|newest| newest < envelope.seq), "{newest:?} and then {envelope:?}");
        self.events.push(envelope);
        true
    }

    /// The events of this turn.
    fn current(&self) -> impl Iterator<Item = &Event> {
        let begin = self
            .events
            .iter()
            .position(|envelope| matches!(envelope.event, Event::TurnStarted { number, .. } if number == self.turns));
        self.events.iter().skip(begin.unwrap_or(self.events.len())).map(|envelope| &envelope.event)
    }

    /// What waits for the person and was not given out yet.
    fn waiting(&mut self) -> Option<Stop> {
        let asked = self.current().find_map(|event| match event {
            Event::ApprovalRequested(approval) if !self.told.contains(approval.id.as_str()) => {
                Some((**approval).clone())
            }
            _ => None,
        });
        if let Some(Approval { id, tool, command_line, options, .. }) = asked {
            self.told.insert(id.as_str().to_owned());
            return Some(Stop::Asked { key: id.as_str().to_owned(), tool: Box::new(tool), command_line, options });
        }
        let ended = self.current().any(|event| matches!(event, Event::TurnEnded { .. }));
        let outcome = self.current().find_map(|event| match event {
            Event::TurnStopped { outcome, .. } => Some(outcome.clone()),
            _ => None,
        });
        if ended { outcome.map(Stop::Ended) } else { None }
    }

    fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            self.step(Duration::from_millis(20));
            assert!(
                Instant::now() < deadline,
                "waited in vain until {what}: {:#?}",
                self.current().collect::<Vec<_>>()
            );
        }
    }

    fn collect<T>(&self, wanted: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        self.current().filter_map(wanted).collect()
    }
}

impl Session for DaemonSession {
    fn worktree(&self) -> &Path {
        &self.worktree
    }

    fn prompt(&mut self, text: &str) {
        self.turns += 1;
        self.scene.divisi(&["send", NAME, text]).ok();
    }

    fn next(&mut self) -> Stop {
        self.until("it asks or its turn is over", Self::waiting)
    }

    fn answer(&mut self, key: &str, options: &[ApprovalOption], kind: &str, message: Option<&str>) {
        let option =
            options.iter().find(|option| option.kind == kind).unwrap_or_else(|| panic!("no {kind}: {options:?}"));
        let answer = if kind.starts_with("allow") { "once" } else { "reject" };
        let mut words = vec!["answer", key, answer, "--option", &option.id];
        if let Some(message) = message {
            words.extend(["--message", message]);
        }
        self.scene.divisi(&words).ok();
    }

    fn next_or_file(&mut self, name: &str) -> Option<Stop> {
        let file = self.worktree.join(name);
        self.until(
            &format!("there is {name}"),
            |session| {
                if file.exists() { Some(None) } else { session.waiting().map(Some) }
            },
        )
    }

    fn wait_for_words(&mut self, words: &str) {
        self.until(&format!("it says {words:?}"), |session| session.said().contains(words).then_some(()));
    }

    fn cancel(&mut self) {
        self.scene.divisi(&["stop", NAME]).ok();
    }

    fn choose(&mut self, id: &str, value: &str) {
        self.scene.divisi(&["option", NAME, id, value]).ok();
        self.until("the option is set", |session| {
            let options = session.show()["options"].clone();
            let mut options = options.as_array().into_iter().flatten();
            options.any(|option| option["id"] == id && option["current"] == value).then_some(())
        });
    }

    fn stop(&mut self) -> Vec<String> {
        self.scene.divisi(&["remove", NAME, "--discard"]).ok();
        self.removed = true;
        self.processes()
    }

    fn resume(&mut self) {
        let shim = self.events.iter().rev().find_map(|envelope| match &envelope.event {
            Event::JobStarted { shim, .. } => Some(shim.pid),
            _ => None,
        });
        let shim = shim.expect("it was started");
        let ends = |session: &Self| {
            session.events.iter().filter(|envelope| matches!(envelope.event, Event::JobEnded { .. })).count()
        };
        let before = ends(self);
        let children = children(shim);
        assert!(!children.is_empty(), "nothing runs under {shim}");
        children.into_iter().for_each(kill);
        self.until("its process is gone", |session| (ends(session) > before).then_some(()));
    }

    fn ready(&self) -> AgentReady {
        let ready = self.events.iter().rev().find_map(|envelope| match &envelope.event {
            Event::AgentReadied { ready } => Some(ready.clone()),
            _ => None,
        });
        ready.expect("it was ready once")
    }

    fn said(&self) -> String {
        self.collect(|event| if let Event::AgentMessage { text, .. } = event { Some(text.clone()) } else { None })
            .concat()
    }

    fn notices(&self) -> Vec<String> {
        self.collect(|event| if let Event::AgentNotice { text, .. } = event { Some(text.clone()) } else { None })
    }

    fn tools(&self) -> Vec<ToolCall> {
        let mut tools: Vec<ToolCall> = Vec::new();
        for event in self.current() {
            if let Event::AgentTool { call, .. } = event {
                match tools.iter_mut().find(|known| known.id == call.id) {
                    Some(known) => known.clone_from(call),
                    None => tools.push(call.clone()),
                }
            }
        }
        tools
    }

    fn usage(&self) -> Vec<Usage> {
        self.collect(|event| if let Event::UsageReported { usage, .. } = event { Some(usage.clone()) } else { None })
    }

    fn raw(&self) -> Vec<String> {
        self.collect(|event| if let Event::AgentRaw { message } = event { Some(message.to_string()) } else { None })
    }
}

impl Drop for DaemonSession {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let story = self.events.iter().map(|envelope| &envelope.event).filter(|event| {
                let told =
                    matches!(event, Event::TurnStarted { .. } | Event::TurnStopped { .. } | Event::JobIntended { .. });
                told || matches!(event, Event::AgentReadied { .. } | Event::AgentNotice { .. } | Event::JobEnded { .. })
            });
            story.for_each(|event| eprintln!("  {event:?}"));
            eprintln!("  the end:");
            for envelope in self.events.iter().rev().take(12).rev() {
                eprintln!("  {}", format!("{:?}", envelope.event).chars().take(600).collect::<String>());
            }
        } else if !self.removed {
            self.scene.discard(&[NAME]);
        }
        self.log.kill();
        // While the network namespace of the server is there, in which divisi is started.
        let stop = self.scene.divisi(&["daemon", "stop"]);
        if !std::thread::panicking() {
            stop.ok();
        }
        self.server.kill();
    }
}

/// The children of a process.
fn children(parent: i32) -> Vec<i32> {
    let stats = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse::<i32>().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse::<i32>().ok()?;
        Some((pid, parent))
    });
    stats.filter(|(_, of)| *of == parent).map(|(pid, _)| pid).collect()
}
