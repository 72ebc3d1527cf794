//! Damage in the database is found, contained and said (promise P11); a file that is not to be used is refused and left alone (P18).

use std::path::PathBuf;

use serde_json::Value;

use super::scene::{DEADLINE, Scene};
use crate::support::wait_until;

/// The database of a scene without a daemon.
fn database(scene: &Scene) -> PathBuf {
    scene.divisi(&["daemon", "stop"]).ok();
    scene.env.path("home/state/divisi/state.db")
}

/// Runs SQL on the database of a stopped daemon; it changes rows, and no checksum.
fn spoil(scene: &Scene, statements: &[&str]) {
    let connection = rusqlite::Connection::open(database(scene)).unwrap();
    for statement in statements {
        assert_eq!(connection.execute(statement, []).unwrap(), 1, "{statement}");
    }
}

/// A statement that changes one byte of a document.
fn one_byte(table: &str, condition: &str) -> String {
    format!("UPDATE {table} SET doc = substr(doc, 1, 20) || 'X' || substr(doc, 22) WHERE {condition}")
}

fn findings(scene: &Scene) -> Vec<Value> {
    scene.divisi(&["doctor", "--json"]).json().as_array().unwrap().clone()
}

fn says(findings: &[Value], words: &[&str]) -> bool {
    findings.iter().any(|finding| words.iter().all(|word| finding.to_string().contains(word)))
}

#[test]
fn damaged_rows_are_made_again_from_the_events() {
    let scene = Scene::new();
    scene.shell("hurt", "echo hurt > hurt.txt").ok();
    scene.shell("fine", "echo fine > fine.txt").ok();
    scene.scripted("ask", "ask-permission a Run :: make test\nif-allowed\nedit allowed.txt yes\nend\nsay done");
    let approval = scene.wait_for_approval("ask");
    let before = ["hurt", "fine", "ask"].map(|name| scene.show(name));
    let hurt = before[0]["id"].as_str().unwrap().to_owned();
    let ask = before[2]["id"].as_str().unwrap().to_owned();
    spoil(
        &scene,
        &[
            &one_byte("sessions", &format!("key = '{hurt}'")),
            &one_byte("sessions", &format!("key = '{ask}'")),
            &one_byte("approvals", &format!("session = '{ask}'")),
            &one_byte("jobs", &format!("session = '{ask}'")),
            &one_byte("names", "key LIKE '%fine'"),
        ],
    );
    assert_eq!(["hurt", "fine", "ask"].map(|name| scene.show(name)), before);
    let found = findings(&scene);
    for table in ["sessions", "approvals", "jobs", "names"] {
        assert!(says(&found, &[&format!("of {table}"), "made again"]), "{table}: {found:#?}");
    }
    let log = std::fs::read_to_string(scene.env.path("home/state/divisi/log/daemon.log")).unwrap();
    assert!(log.contains("made again from the events"), "{log}");
    // All of them go on; the agent that waited across all this gets its answer once.
    scene.divisi(&["answer", &approval, "once"]).ok();
    scene.wait_for("ask", &["review"]);
    assert_eq!(scene.spoken("ask"), "done");
    scene.divisi(&["land", "hurt"]).ok();
    scene.divisi(&["land", "fine"]).ok();
    assert_eq!(scene.env.git(&scene.repo, &["show", "main:hurt.txt"]), "hurt");
    // The next daemon finds nothing wrong any more.
    scene.divisi(&["daemon", "restart"]).ok();
    let found = findings(&scene);
    assert!(found.iter().all(|finding| finding["kind"] != "database"), "{found:#?}");
    scene.discard(&["ask"]);
}

#[test]
fn a_session_that_cannot_be_made_again_is_left_out_and_nobody_else_notices() {
    let scene = Scene::new();
    scene.shell("hurt", "echo m-a-r-k-e-r > hurt.txt").ok();
    scene.shell("fine", "echo fine > fine.txt").ok();
    let worktree = scene.worktree("hurt");
    std::fs::write(worktree.join("precious.txt"), "precious\n").unwrap();
    let database = database(&scene);
    // Bytes turn over wherever the prompt is told: in the rows and in the events.
    let mut bytes = std::fs::read(&database).unwrap();
    let marker = b"m-a-r-k-e-r";
    let hits: Vec<usize> =
        (0..bytes.len() - marker.len()).filter(|at| &bytes[*at..at + marker.len()] == marker).collect();
    assert!(hits.len() >= 3, "{hits:?}");
    for at in hits {
        bytes[at] ^= 0x40;
    }
    std::fs::write(&database, bytes).unwrap();

    let list = scene.env.json(&scene.repo, &["list"]);
    let names: Vec<_> = list.as_array().unwrap().iter().map(|session| session["name"].clone()).collect();
    assert_eq!(names, ["fine"]);
    let shown = scene.divisi(&["show", "hurt"]);
    assert!(shown.exits(1).stderr.contains("damaged") && shown.stderr.contains("divisi doctor"), "{shown}");
    let found = findings(&scene);
    assert!(says(&found, &["'hurt'", "left out", worktree.to_str().unwrap(), "divisi/hurt/work"]), "{found:#?}");
    // Its worktree has not lost its owner, and its name is not free.
    scene.divisi(&["doctor", "--fix"]);
    assert_eq!(std::fs::read_to_string(worktree.join("precious.txt")).unwrap(), "precious\n");
    scene.divisi(&["new", "--name", "hurt", "x"]).exits(1);
    // The others work and land, and the damaged events do not stop who reads.
    scene.divisi(&["send", "fine", "--wait", "echo more >> fine.txt"]).ok();
    scene.divisi(&["land", "fine"]).ok();
    assert_eq!(scene.env.git(&scene.repo, &["show", "main:fine.txt"]), "fine\nmore");
    scene.shell("next", "echo next > next.txt").ok();
    scene.divisi(&["daemon", "restart"]).ok();
    assert_eq!(scene.state("next"), "review");
}

#[test]
fn readers_get_past_a_damaged_event_and_are_told() {
    let scene = Scene::new();
    scene.scripted("talk", "say one. \nsay two. ");
    scene.wait_for("talk", &["completed"]);
    let whole = scene.events("talk");
    let hurt = whole.iter().find(|event| event["type"] == "agent.message").unwrap()["seq"].clone();
    spoil(&scene, &[&format!("UPDATE events SET payload = payload || ' ' WHERE seq = {hurt}")]);
    // The next daemon finds the agent again: that is one more.
    let mut read = scene.events("talk");
    read.truncate(whole.len());
    assert_eq!(read.len(), whole.len());
    for (was, is) in whole.iter().zip(&read) {
        assert_eq!(was["seq"], is["seq"]);
        if was["seq"] == hurt {
            assert_eq!(is["type"], "fault.raised");
            assert!(is["payload"]["message"].as_str().unwrap().contains(&format!("event {hurt}")), "{is}");
        } else {
            assert_eq!(was, is);
        }
    }
    // A follower from the beginning sees the same and goes on live.
    let following = scene.env.spawn_divisi(&scene.repo, &["log", "talk", "--follow", "--json"]);
    scene.send_script("talk", "say three.");
    scene.wait_for("talk", &["completed"]);
    wait_until(DEADLINE, "the second turn has ended", || scene.show("talk")["turns"] == 2);
    scene.discard(&["talk"]);
    let followed = following.wait(DEADLINE).ok().stdout.clone();
    let seen: Vec<Value> = followed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(seen[..read.len()], read[..]);
    assert_eq!(seen.last().unwrap()["type"], "session.removed");
    assert!(says(&findings(&scene), &[&format!("event {hurt}"), "checksum"]));
}

#[test]
fn a_newer_or_unreadable_database_is_refused_and_left_as_it_is() {
    let scene = Scene::new();
    scene.shell("kept", "echo kept > kept.txt").ok();
    let database = database(&scene);
    let good = std::fs::read(&database).unwrap();
    {
        let connection = rusqlite::Connection::open(&database).unwrap();
        connection.pragma_update(None, "user_version", 9_000).unwrap();
    }
    let newer = std::fs::read(&database).unwrap();
    let mut torn = good.clone();
    torn[..100].fill(0x5a);
    for (content, words) in [
        (newer, ["newer divisi", "version 9000"]),
        (torn, ["not a SQLite database", "move it aside"]),
        (b"hello".to_vec(), ["not a SQLite database", "move it aside"]),
    ] {
        std::fs::write(&database, &content).unwrap();
        for arguments in [&["list"][..], &["new", "--agent", "shell", "true"]] {
            let ran = scene.divisi(arguments);
            assert!(ran.code() == 1, "{ran}");
            for word in words {
                assert!(ran.stderr.contains(word), "{word}: {ran}");
            }
            assert!(ran.stderr.contains(database.to_str().unwrap()), "{ran}");
        }
        assert!(std::fs::read(&database).unwrap() == content, "the file is as it was");
    }
    // The good one back: everything is there.
    std::fs::write(&database, good).unwrap();
    assert_eq!(scene.state("kept"), "review");
}
