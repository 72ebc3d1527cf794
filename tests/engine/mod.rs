//! The engine in process, with its real drivers: what a face sees through the one door.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use divisi::base::paths::Paths;
use divisi::boot::{self, Engine};
use divisi::host::bus::Subscription;
use divisi::host::port::{Store as _, Table};
use divisi::model::command::{Command, CreateSession, OfSession, Outcome, Receipt, RemoveSession, SendPrompt};
use divisi::model::event::{Envelope, Event};
use divisi::model::id::{CommandId, Seq, SessionId};
use divisi::model::query::{Finding, OptionalRepository, Query, ShowSession};
use divisi::model::session::{Session, SessionState, SessionView};
use divisi::model::settings::Settings;
use divisi::session::fold;
use divisi::store::SqliteStore;
use serde_json::Value;

use crate::support::TestEnv;

const DEADLINE: Duration = Duration::from_secs(20);

struct Scene {
    env: TestEnv,
    repo: PathBuf,
    commands: AtomicU32,
}

impl Scene {
    fn new() -> Self {
        let env = TestEnv::new();
        let repo = env.repo("repo");
        Self { env, repo, commands: AtomicU32::new(0) }
    }

    fn start(&self) -> Engine {
        let home = self.env.path("home");
        let lookup = |name: &str| match name {
            "HOME" => Some(home.clone().into_os_string()),
            "DIVISI_SOCKET" => Some(self.env.path("run/divisi.sock").into_os_string()),
            _ => None,
        };
        let paths = Paths::compute(lookup, &self.env.path("run")).expect("a home is set");
        let program = PathBuf::from(env!("CARGO_BIN_EXE_divisi"));
        boot::start_with(&paths, &Settings::default(), &program).expect("the engine starts")
    }

    async fn submit(&self, engine: &Engine, command: Command) -> Receipt {
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        engine.host.submit(CommandId(format!("c{number}")), command, "test").await.expect("accepted")
    }

    async fn create(&self, engine: &Engine, agent: &str, prompt: &str) -> SessionId {
        let command = Command::CreateSession(CreateSession {
            from: None,
            repository: self.repo.display().to_string(),
            prompt: prompt.to_owned(),
            base: None,
            name: None,
            agent: Some(agent.to_owned()),
            model: None,
            mode: None,
            environment: std::collections::BTreeMap::new(),
            pass: Vec::new(),
            caller: std::collections::BTreeMap::new(),
            profile: None,
            policy: None,
            on_daemon_death: None,
            attach: Vec::new(),
            silence_sec: None,
        });
        match self.submit(engine, command).await.outcome {
            Outcome::Created { session, .. } => session,
            other => panic!("not created: {other:?}"),
        }
    }
}

async fn view(engine: &Engine, id: &SessionId) -> SessionView {
    let query = Query::ShowSession(ShowSession { session: id.0.clone(), repository: None });
    serde_json::from_value(engine.host.query(query).await.expect("known")).expect("a view")
}

/// Reads events until one is as wanted; gives everything read.
async fn until(events: &mut Subscription, wanted: impl Fn(&Event) -> bool) -> Vec<Envelope> {
    let mut seen = Vec::new();
    tokio::time::timeout(DEADLINE, async {
        loop {
            for envelope in events.next().await.expect("readable") {
                seen.push((*envelope).clone());
                if wanted(&envelope.event) {
                    return;
                }
            }
        }
    })
    .await
    .unwrap_or_else(|_| panic!("waited in vain after {seen:#?}"));
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_in_order_and_a_late_subscriber_sees_the_same() {
    let scene = Scene::new();
    let engine = scene.start();
    let mut events = engine.host.subscribe(None, None);
    let id = scene.create(&engine, "shell", "echo hello; echo x > x.txt").await;
    let live = until(&mut events, |event| matches!(event, Event::JobEnded { .. })).await;
    let live = [live, until(&mut events, |event| matches!(event, Event::TurnEnded { .. })).await].concat();
    for (number, envelope) in live.iter().enumerate() {
        assert_eq!(envelope.seq.0, number as u64 + 1, "dense numbers from the first");
    }
    let mut late = engine.host.subscribe(Some(Seq(0)), None);
    let replayed = until(&mut late, |event| matches!(event, Event::TurnEnded { .. })).await;
    assert_eq!(replayed[..], live[..replayed.len()]);
    assert_eq!(view(&engine, &id).await.state, SessionState::Review);
    // The next engine reads the same from the store.
    drop((events, late));
    engine.stop().await;
    let engine = scene.start();
    let mut stored = engine.host.subscribe(Some(Seq(0)), Some(id.clone()));
    let stored = until(&mut stored, |event| matches!(event, Event::TurnEnded { .. })).await;
    let of_session: Vec<_> = live.iter().filter(|envelope| envelope.session.as_ref() == Some(&id)).cloned().collect();
    assert_eq!(stored[..], of_session[..stored.len()]);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_command_gets_the_first_receipt_also_from_the_next_engine() {
    let scene = Scene::new();
    let engine = scene.start();
    let command = || {
        Command::CreateSession(CreateSession {
            from: None,
            repository: scene.repo.display().to_string(),
            prompt: "true".to_owned(),
            base: None,
            name: Some("once".to_owned()),
            agent: None,
            model: None,
            mode: None,
            environment: std::collections::BTreeMap::new(),
            pass: Vec::new(),
            caller: std::collections::BTreeMap::new(),
            profile: None,
            policy: None,
            on_daemon_death: None,
            attach: Vec::new(),
            silence_sec: None,
        })
    };
    let id = CommandId("same".to_owned());
    let (first, second) =
        tokio::join!(engine.host.submit(id.clone(), command(), "a"), engine.host.submit(id.clone(), command(), "b"),);
    let first = first.expect("accepted");
    assert_eq!(second.expect("accepted"), first);
    assert_eq!(engine.host.submit(id.clone(), command(), "a").await.expect("accepted"), first);
    engine.stop().await;
    let engine = scene.start();
    assert_eq!(engine.host.submit(id, command(), "a").await.expect("accepted"), first);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_a_damaged_event_and_the_engine_works_on() {
    let scene = Scene::new();
    let engine = scene.start();
    let mut events = engine.host.subscribe(None, None);
    let id = scene.create(&engine, "shell", "echo hello").await;
    until(&mut events, |event| matches!(event, Event::TurnEnded { .. })).await;
    let Value::String(database) = status(&engine).await["database"].take() else {
        panic!("the status names the database")
    };
    assert_eq!(findings(&engine).await, Vec::<Finding>::new());
    drop(events);
    engine.stop().await;

    let connection = rusqlite::Connection::open(&database).expect("a database");
    connection.execute("UPDATE events SET time = time + 1 WHERE seq = 2", []).expect("a row");
    drop(connection);
    let engine = scene.start();
    let found = findings(&engine).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].kind.as_str(), found[0].subject.as_deref()), ("database", Some(database.as_str())));
    assert!(found[0].message.contains("event 2: its checksum does not match"), "{found:?}");
    assert_eq!(view(&engine, &id).await.state, SessionState::Completed);
    let mut events = engine.host.subscribe(None, None);
    scene.create(&engine, "shell", "echo again").await;
    until(&mut events, |event| matches!(event, Event::TurnEnded { .. })).await;
    drop(events);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sessions_row_is_what_its_events_tell() {
    let scene = Scene::new();
    let engine = scene.start();
    let mut events = engine.host.subscribe(None, None);
    let id = scene.create(&engine, "shell", "echo one; echo x > x.txt; echo y >&2").await;
    until(&mut events, |event| matches!(event, Event::TurnEnded { .. })).await;
    for text in ["echo two; exit 3", "echo three > z.txt"] {
        let prompt = SendPrompt {
            session: id.clone(),
            text: text.to_owned(),
            attach: Vec::new(),
            when: divisi::model::attachment::When::Free,
            caller: std::collections::BTreeMap::new(),
        };
        scene.submit(&engine, Command::SendPrompt(prompt)).await;
        until(&mut events, |event| matches!(event, Event::TurnEnded { .. })).await;
    }
    let of_session = OfSession { session: id.clone() };
    scene.submit(&engine, Command::ReadSession(of_session.clone())).await;
    let discard = RemoveSession { session: id.clone(), discard: true };
    scene.submit(&engine, Command::RemoveSession(discard)).await;
    until(&mut events, |event| matches!(event, Event::SessionRemoved { .. })).await;
    scene.submit(&engine, Command::RestoreSession(of_session)).await;
    until(&mut events, |event| matches!(event, Event::SessionRestored { .. })).await;
    let Value::String(database) = status(&engine).await["database"].take() else {
        panic!("the status names the database")
    };
    drop(events);
    engine.stop().await;

    let store = SqliteStore::open(Path::new(&database)).expect("the engine has let go of it");
    let events = store.events(Seq(0), Some(&id), 10_000).expect("readable");
    let row = store.row(Table::Sessions, id.as_str()).expect("readable").and_then(|row| row.doc).expect("a row");
    let kept: Session = serde_json::from_str(&row).expect("a session");
    assert_eq!(kept.turns, 3);
    assert_eq!(fold::rebuild(&events), Some(kept));
}

async fn findings(engine: &Engine) -> Vec<Finding> {
    let query = Query::ScanDoctor(OptionalRepository { repository: None });
    serde_json::from_value(engine.host.query(query).await.expect("answered")).expect("findings")
}

async fn status(engine: &Engine) -> Value {
    engine.host.query(Query::DaemonStatus {}).await.expect("answered")
}
