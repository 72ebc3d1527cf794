//! A full disk: refused in words, agents go on, and all goes on when there is room again (promise P10 at a small size).

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use super::scene::{DEADLINE, Scene};
use crate::support::skip::skip;
use crate::support::wait_until;

const SIZE: &str = "size=40m";

#[test]
fn a_full_disk_refuses_commands_and_loses_nothing() {
    on_a_disk_of_its_own("sessions::full::on_a_small_disk");
}

/// Runs an ignored test where it may mount small disks.
#[track_caller]
pub(super) fn on_a_disk_of_its_own(test: &str) {
    let home = tempfile::tempdir().unwrap();
    // A file system of its own size needs a namespace of its own.
    let possible = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "-o", SIZE, "none"])
        .arg(home.path())
        .status()
        .is_ok_and(|status| status.success());
    if !possible {
        return skip(test, "no mount in a user namespace here");
    }
    let output = Command::new("unshare")
        .arg("-rm")
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
#[ignore = "the program that a_full_disk_refuses_commands_and_loses_nothing starts"]
fn on_a_small_disk() {
    let scene = Scene::new();
    let state = scene.env.path("home/state/divisi");
    mount(&state);
    let gate = scene.env.path("gate");
    let done = scene.env.path("done");
    let talk = (0..300).map(|number| format!("say word-{number} \\n\n")).collect::<Vec<_>>().concat();
    let script = format!(
        "say before. \nsleep-until {}\n{talk}edit late.txt late\ntouch {}\nsay after.",
        gate.display(),
        done.display()
    );
    scene.scripted("talk", &script);
    wait_until(DEADLINE, "it has spoken", || scene.spoken("talk").contains("before"));
    let ballast = state.join("ballast");
    let mut waiting = Vec::new();
    wait_until(DEADLINE, "nothing can be recorded", || {
        fill(&ballast);
        // What cannot be recorded yet waits for its receipt.
        waiting.push(scene.env.spawn_divisi(&scene.repo, &["policy", "talk", "ask"]));
        scene.env.json(&scene.repo, &["daemon", "status"])["blocked"].is_string()
    });
    let refused = scene.divisi(&["send", "talk", "more"]);
    assert!(refused.exits(1).stderr.contains("full"), "{refused}");
    scene.divisi(&["new", "--agent", "shell", "true"]).exits(1);
    // Reading works, and the agent goes on.
    assert!(scene.spoken("talk").contains("before"));
    std::fs::write(&gate, "").unwrap();
    std::fs::remove_file(&ballast).unwrap();
    wait_until(DEADLINE, "the agent has gone on", || done.exists());
    let ended: Vec<_> = waiting.into_iter().map(|command| command.wait(DEADLINE)).collect();
    assert!(ended.iter().all(|ran| ran.code() == 0 || ran.stderr.contains("the disk is full")), "{ended:?}");
    assert!(ended.iter().any(|ran| ran.code() == 0), "what came first waited and was recorded: {ended:?}");
    scene.wait_for("talk", &["review"]);
    let expected = (0..300).map(|number| format!("word-{number} \n")).collect::<Vec<_>>().concat();
    assert_eq!(scene.spoken("talk"), format!("before.{expected}after."));
    assert!(scene.env.json(&scene.repo, &["daemon", "status"])["blocked"].is_null());
    let findings = scene.divisi(&["doctor", "--json"]).json();
    assert!(!findings.to_string().contains("\"database\""), "{findings}");
    scene.discard(&["talk"]);
    scene.divisi(&["daemon", "stop"]).ok();
    unmount(&state);
}

/// Makes a directory a small disk.
pub(super) fn mount(directory: &Path) {
    std::fs::create_dir_all(directory).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "none"]).arg(directory).status().unwrap();
    assert!(mounted.success(), "this is only run where it can");
    std::fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
}

/// Takes it away.
pub(super) fn unmount(directory: &Path) {
    let unmounted = Command::new("umount").arg("-l").arg(directory).status().unwrap();
    assert!(unmounted.success());
}

/// Writes until nothing more fits.
pub(super) fn fill(ballast: &Path) {
    let mut file = OpenOptions::new().append(true).create(true).open(ballast).unwrap();
    for size in [1_000_000, 4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}
