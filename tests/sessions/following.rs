//! `log --follow` loses and repeats nothing when the daemon is restarted or killed (promise P17).

use std::collections::BTreeSet;

use serde_json::Value;

use super::scene::{DEADLINE, Scene};
use crate::support::wait_until;

#[test]
fn a_follower_sees_every_event_once_across_kills_and_restarts() {
    const ROUNDS: usize = 6;
    let scene = Scene::new();
    scene.scripted("talk", "say 0 begins. ");
    scene.wait_for("talk", &["completed"]);
    let followers: Vec<_> =
        (0..2).map(|_| scene.env.spawn_divisi(&scene.repo, &["log", "talk", "--follow", "--json"])).collect();
    for round in 1..=ROUNDS {
        // The daemon goes in the middle of a stream.
        let gate = scene.env.path(format!("gate{round}"));
        let words = (0..40).map(|word| format!("say {round}.{word} \\n\n")).collect::<Vec<_>>().concat();
        scene.send_script("talk", &format!("say begin \n{words}sleep-until {}\n{words}", gate.display()));
        if round % 2 == 0 {
            scene.divisi(&["daemon", "restart"]).ok();
        } else {
            scene.kill_daemon();
        }
        std::fs::write(&gate, "").unwrap();
        if round % 3 == 0 {
            scene.kill_daemon();
        }
        wait_until(DEADLINE, "the turn has ended", || {
            let session = scene.show("talk");
            session["turns"] == round + 1 && session["state"] == "completed"
        });
    }
    let log = scene.events("talk");
    scene.discard(&["talk"]);
    for follower in followers {
        let followed = follower.wait(DEADLINE).ok().stdout.clone();
        let seen: Vec<Value> = followed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(seen[..log.len()], log[..], "the follower saw what the log has");
        let numbers: BTreeSet<u64> = seen.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(numbers.len(), seen.len(), "none twice");
        assert!(seen.is_sorted_by_key(|event| event["seq"].as_u64()), "in order");
    }
    let said: String = log
        .iter()
        .filter(|event| event["type"] == "agent.message")
        .map(|event| event["payload"]["text"].as_str().unwrap())
        .collect();
    for round in 1..=ROUNDS {
        assert_eq!(said.matches(&format!("{round}.39 \n")).count(), 2, "{said}");
    }
}
