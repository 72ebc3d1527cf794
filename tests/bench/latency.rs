//! From an agent's standard output to a subscribed client: eight agents that put the time into what they say. The yardstick is the same
//! agents read straight from their pipes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, Stdio};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use super::scene::{Client, Scene};
use super::{Measure, median, percentile, scaled};

/// Agents at once.
const AGENTS: usize = 8;

/// The argument by which this program plays the agent.
pub(super) const AS_AGENT: &str = "--as-agent";

/// Nanoseconds of the clock that all processes share.
fn nanoseconds() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// Plays an agent over ACP: a prompt of two numbers is so many pieces, so many microseconds apart.
pub(super) fn play_agent() {
    let mut out = std::io::stdout().lock();
    let mut say = |message: &Value| {
        // Whoever does not listen any more has ended this.
        let _ = out.write_all(format!("{message}\n").as_bytes()).and_then(|()| out.flush());
    };
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        let result = match message["method"].as_str() {
            Some("initialize") => json!({"protocolVersion": 1, "agentCapabilities": {}, "authMethods": []}),
            Some("session/new") => json!({"sessionId": "bench"}),
            Some("session/prompt") => {
                let text = message["params"]["prompt"][0]["text"].as_str().unwrap_or_default();
                let mut numbers = text.split_whitespace().map(|word| word.parse().unwrap_or(0));
                let (pieces, pause) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
                let begin = Instant::now();
                for piece in 0..pieces {
                    let due = begin + Duration::from_micros(pause * piece);
                    while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
                        std::thread::park_timeout(left);
                    }
                    let text = format!("@{};all work and no play makes a dull day ", nanoseconds());
                    let update =
                        json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}});
                    say(
                        &json!({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "bench", "update": update}}),
                    );
                }
                json!({"stopReason": "end_turn"})
            }
            _ => json!({}),
        };
        if !message["id"].is_null() {
            say(&json!({"jsonrpc": "2.0", "id": message["id"], "result": result}));
        }
    }
}

/// The times in a text, as they were `now`.
fn delays(text: &str, now: u64, into: &mut Vec<Duration>) {
    for piece in text.split('@').skip(1) {
        if let Some(sent) = piece.split(';').next().and_then(|number| number.parse::<u64>().ok()) {
            into.push(Duration::from_nanos(now.saturating_sub(sent)));
        }
    }
}

/// What one round brought.
#[derive(Default)]
pub(super) struct Round {
    pub(super) delays: Vec<Duration>,
    events: usize,
    took: Duration,
}

/// Eight agents at a reading pace, then as fast as they can.
pub(super) fn streaming() -> Vec<Measure> {
    let scene = Scene::new();
    define_agent(&scene);
    let repository = scene.repository("r", 10);
    let daemon = scene.daemon();
    let mut client = daemon.connect();
    client.subscribe();
    let mut sessions = Vec::new();
    for _ in 0..AGENTS {
        let session = client.create(&repository, "bench", "1 0");
        client.wait_for(&session, |event| event["type"] == "turn.ended");
        sessions.push(session);
    }
    let database = open_database(&scene);
    let mut measures = Vec::new();
    for (name, pieces, pause, goal) in
        [("100 pieces a second each", 300, 10_000, "p99 under 20 ms"), ("as fast as they can", 4000, 0, "")]
    {
        let prompt = format!("{pieces} {pause}");
        let (mut ours, mut pipes, mut rounds) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..scaled(3) {
            pipes.push(straight(&scene, &prompt, AGENTS));
            rounds.push(through(&mut client, &sessions, &prompt, &database));
        }
        for round in &rounds {
            assert_eq!(round.delays.len(), AGENTS * pieces, "every piece came, none came twice");
            ours.extend_from_slice(&round.delays);
        }
        let mut direct: Vec<Duration> = pipes.iter().flat_map(|round| round.delays.iter().copied()).collect();
        measures.push(Measure {
            what: format!("from {AGENTS} agents' standard output to a client, {name}"),
            median: shown(&mut ours),
            ratio: format!("read straight from their pipes: {}", shown(&mut direct)),
            goal: goal.to_owned(),
        });
        let rate = |count: fn(&Round) -> usize, of: &[Round]| {
            let mut rates: Vec<u128> =
                of.iter().map(|round| count(round) as u128 * 1000 / round.took.as_millis().max(1)).collect();
            median(&mut rates)
        };
        measures.push(Measure {
            what: format!("through to the client, {name}"),
            median: format!(
                "{} pieces/s in {} events/s",
                rate(|round| round.delays.len(), &rounds),
                rate(|round| round.events, &rounds)
            ),
            ratio: format!("straight from the pipes: {} pieces/s", rate(|round| round.delays.len(), &pipes)),
            goal: String::new(),
        });
    }
    // Their agents wait for the next prompt: a daemon that stops leaves them to the next one.
    for session in &sessions {
        client.call("session/remove", &json!({"session": session, "discard": true}));
        client.wait_for(session, |event| event["type"] == "session.removed");
    }
    drop(client);
    daemon.stop();
    measures
}

/// Makes this program an agent of the catalog, named `bench`.
pub(super) fn define_agent(scene: &Scene) {
    let program = std::env::current_exe().expect("a program has a path");
    let definition = format!(
        "name = \"bench\"\ndescription = \"Says pieces with the time in them\"\nprotocol = \"acp\"\ncommand = [{:?}, {AS_AGENT:?}]\n",
        program.display().to_string()
    );
    std::fs::create_dir_all(scene.path("config/divisi/agents")).expect("the bench directory can be written");
    std::fs::write(scene.path("config/divisi/agents/bench.toml"), definition)
        .expect("the bench directory can be written");
}

/// The daemon's database, for looking at.
pub(super) fn open_database(scene: &Scene) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(scene.database(), flags).expect("the daemon's database can be read")
}

pub(super) fn shown(delays: &mut [Duration]) -> String {
    let [half, worst, last] = [50, 99, 100].map(|percent| percentile(delays, percent).as_secs_f64() * 1000.0);
    format!("p50 {half:.2} ms, p99 {worst:.2} ms, longest {last:.1} ms")
}

/// One round through the daemon. Every batch that is seen is looked up in the database: it must be there.
pub(super) fn through(client: &mut Client, sessions: &[String], prompt: &str, database: &Connection) -> Round {
    let begin = Instant::now();
    for session in sessions {
        client.call("session/send", &json!({"session": session, "text": prompt}));
    }
    let mut round = Round::default();
    let mut running = sessions.len();
    let mut newest = database.prepare("SELECT max(seq) FROM events").expect("the table of events is there");
    let mut take = |events: &[Value], now: u64, round: &mut Round| {
        for event in events {
            if event["type"] == "agent.message" {
                round.events += 1;
                delays(event["payload"]["text"].as_str().unwrap_or_default(), now, &mut round.delays);
            }
            running -= usize::from(event["type"] == "turn.ended");
        }
        let seen = events.last().and_then(|event| event["seq"].as_u64()).unwrap_or(0);
        let durable: u64 =
            newest.query_row([], |row| row.get::<_, i64>(0)).map_or(0, |seq| u64::try_from(seq).unwrap_or(0));
        assert!(durable >= seen, "event {seen} was seen, but the database ends at {durable}");
        running
    };
    let kept = client.take_events();
    // What came while the prompts were sent was read a moment ago.
    let mut left = take(&kept, nanoseconds(), &mut round);
    while left > 0 {
        let line = client.line();
        let now = nanoseconds();
        let message: Value = serde_json::from_str(&line).expect("the daemon speaks JSON");
        if let Some(events) = message["params"]["events"].as_array() {
            left = take(events, now, &mut round);
        }
    }
    round.took = begin.elapsed();
    round
}

/// One round of the same agents without a daemon, each read by a thread.
pub(super) fn straight(scene: &Scene, prompt: &str, agents: usize) -> Round {
    let program = std::env::current_exe().expect("a program has a path");
    let begin = Instant::now();
    let readers: Vec<_> = (0..agents)
        .map(|_| {
            let mut agent = scene
                .command(&program.display().to_string())
                .arg(AS_AGENT)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("this program runs");
            ask(&agent.stdin.take().expect("piped"), prompt);
            std::thread::spawn(move || {
                let mut found = Vec::new();
                for line in BufReader::new(agent.stdout.take().expect("piped")).lines().map_while(Result::ok) {
                    let now = nanoseconds();
                    let message: Value = serde_json::from_str(&line).expect("the agent speaks JSON");
                    delays(
                        message["params"]["update"]["content"]["text"].as_str().unwrap_or_default(),
                        now,
                        &mut found,
                    );
                }
                agent.wait().expect("a child of ours");
                found
            })
        })
        .collect();
    let delays: Vec<Duration> = readers.into_iter().flat_map(|reader| reader.join().expect("no panic")).collect();
    Round { events: delays.len(), delays, took: begin.elapsed() }
}

fn ask(mut input: &ChildStdin, prompt: &str) {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "session/prompt", "params": {"prompt": [{"type": "text", "text": prompt}]}});
    input.write_all(format!("{request}\n").as_bytes()).expect("the agent reads");
}
