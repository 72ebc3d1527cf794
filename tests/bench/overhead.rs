//! What divisi adds to sixteen agents that work at once: the time between a line of an agent and a subscriber, and memory. The yardstick
//! is the same agents read straight from their pipes, in turns in the same run.

use std::time::Duration;

use serde_json::json;

use super::latency::{define_agent, open_database, shown, straight, through};
use super::scene::{Scene, memory};
use super::{Measure, kib, median, percentile, scaled};

/// Agents at once.
const AGENTS: usize = 16;
/// Pieces per agent in a round, and microseconds between two.
const PACE: (usize, u64) = (150, 20_000);

/// Sixteen agents that each say fifty lines a second.
pub(super) fn sixteen() -> Vec<Measure> {
    let scene = Scene::new();
    define_agent(&scene);
    let repository = scene.repository("r", 10);
    let daemon = scene.daemon();
    let before = memory(daemon.pid(), &["Rss"]);
    let mut client = daemon.connect();
    client.subscribe();
    let (mut sessions, mut shims) = (Vec::new(), Vec::new());
    for _ in 0..AGENTS {
        let session = client.create(&repository, "bench", "1 0");
        let started = client.wait_for(&session, |event| event["type"] == "job.started");
        shims.extend(started["payload"]["shim"]["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()));
        client.wait_for(&session, |event| event["type"] == "turn.ended");
        sessions.push(session);
    }
    let database = open_database(&scene);
    let prompt = format!("{} {}", PACE.0, PACE.1);
    let (mut ours, mut direct, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..scaled(5) {
        let pipe = straight(&scene, &prompt, AGENTS);
        let round = through(&mut client, &sessions, &prompt, &database);
        assert_eq!(round.delays.len(), AGENTS * PACE.0, "every line came, none came twice");
        let of = |delays: &[Duration]| percentile(&mut delays.to_vec(), 50).as_micros().max(1);
        ratios.push(of(&round.delays) * 10 / of(&pipe.delays));
        direct.extend(pipe.delays);
        ours.extend(round.delays);
    }
    let after = memory(daemon.pid(), &["Rss"]);
    let mut shim: Vec<u64> = shims.iter().map(|pid| memory(*pid, &["Rss"])).collect();
    let mut own: Vec<u64> = shims.iter().map(|pid| memory(*pid, &["Private_Dirty", "Private_Clean"])).collect();
    assert_eq!(shim.len(), AGENTS, "every session has a shim");
    for session in &sessions {
        client.call("session/remove", &json!({"session": session, "discard": true}));
        client.wait_for(session, |event| event["type"] == "session.removed");
    }
    drop(client);
    daemon.stop();
    let ratio = median(&mut ratios);
    let added = after.saturating_sub(before) / AGENTS as u64;
    vec![
        Measure {
            what: format!("from a line of {AGENTS} agents to a subscriber, 50 lines a second each"),
            median: shown(&mut ours),
            ratio: format!("{}.{} × straight from the pipes: {}", ratio / 10, ratio % 10, shown(&mut direct)),
            goal: "p99 under 20 ms".to_owned(),
        },
        Measure {
            what: format!("memory of a session that works, {AGENTS} at once"),
            median: format!("{} KiB", added + median(&mut own)),
            ratio: format!(
                "{added} KiB in the daemon ({} in all), {} KiB of its shim's own",
                kib(after),
                median(&mut own)
            ),
            goal: String::new(),
        },
        Measure {
            what: "RSS of its shim, the program's pages that all share included".to_owned(),
            median: kib(median(&mut shim)),
            ratio: String::new(),
            goal: String::new(),
        },
    ]
}
