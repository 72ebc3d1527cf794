//! Nobody survives: eight ways of getting away, four ways of ending.

use std::fs;
use std::time::Duration;

use divisi::host::port::JobHandle;
use divisi::model::job::JobEnd;
use rustix::process::Signal;

use super::support::{Heard, House, everything, gone, kill};

/// The eight, all of which keep the standard output open. `timeout` is here for the process group that it makes. Those that ignore
/// SIGTERM do so from birth, so that "ready" means it.
const ESCAPE: &str = r"
trap '' TERM
sleep 600 &
(setsid sleep 600 &)
setsid sh ring.sh &
trap - TERM
sleep 600 &
timeout 600 sleep 600 &
setsid sleep 600 &
(setsid sleep 600 &)
(env -i setsid sh -c 'sleep 600 & sleep 600' &)
";

/// Each generation makes the next one and ends; it lives as long as its directory.
const RING: &str = "sleep 0.01\n[ -e ring.sh ] && sh ring.sh &\n";

async fn start(house: &House, last: &str) -> (JobHandle, Heard) {
    fs::write(house.worktree().join("ring.sh"), RING).unwrap();
    let mut handle = house.start("a.j1", &format!("{ESCAPE}echo ready\n{last}")).await;
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "ready").await;
    (handle, heard)
}

fn leaked(end: &JobEnd) -> u32 {
    match end {
        JobEnd::Exited { leaked, .. } | JobEnd::Signaled { leaked, .. } => *leaked,
        JobEnd::NotStarted { .. } | JobEnd::Lost => panic!("{end:?}"),
    }
}

#[tokio::test]
async fn nobody_survives_a_stop() {
    let house = House::new();
    let (mut handle, mut heard) = start(&house, "wait").await;
    assert!(house.inhabitants().len() >= 8);
    handle.control.stop(Duration::from_millis(200)).await.unwrap();
    heard.finish(&mut *handle.reader).await;
    assert_eq!(house.inhabitants(), []);
    let end = heard.end().unwrap();
    assert!(matches!(end, JobEnd::Signaled { signal: 15, stopped: true, .. }), "{end:?}");
    assert!(leaked(&end) >= 3, "those that ignore SIGTERM: {end:?}");
}

#[tokio::test]
async fn nobody_survives_the_programs_end() {
    let house = House::new();
    let (mut handle, mut heard) = start(&house, "exit 5").await;
    heard.finish(&mut *handle.reader).await;
    assert_eq!(house.inhabitants(), []);
    let end = heard.end().unwrap();
    assert!(matches!(end, JobEnd::Exited { code: 5, stopped: false, .. }), "{end:?}");
    assert!(leaked(&end) >= 8, "{end:?}");
}

#[tokio::test]
async fn nobody_survives_a_polite_end_of_the_shim() {
    let house = House::new();
    let (mut handle, mut heard) = start(&house, "wait").await;
    kill(&handle.shim, Signal::TERM);
    heard.finish(&mut *handle.reader).await;
    assert_eq!(house.inhabitants(), []);
    assert!(matches!(heard.end().unwrap(), JobEnd::Signaled { stopped: true, .. }));
}

#[tokio::test]
async fn nobody_survives_a_shim_killed_under_its_daemon() {
    let house = House::new();
    let (mut handle, mut heard) = start(&house, "wait").await;
    kill(&handle.shim, Signal::KILL);
    heard.finish(&mut *handle.reader).await;
    assert_eq!(house.inhabitants(), []);
    assert_eq!(heard.end(), None);
}

#[tokio::test]
async fn nobody_survives_daemon_and_shim_killed_together_and_a_new_daemon() {
    let mut house = House::new();
    let (handle, heard) = start(&house, "wait").await;
    let shim = handle.shim.clone();
    drop(handle);
    house.restart();
    kill(&shim, Signal::KILL);
    gone(&shim).await;
    let mut reader = house.attach_gone("a.j1").await;
    assert_eq!(house.inhabitants(), []);
    let all = everything(&mut *reader).await;
    assert_eq!(all.records[..heard.records.len()], heard.records);
    assert_eq!(all.end(), None, "lost");
}

/// The worst of its kind: no pause, and each in a session of its own, so that neither lists nor groups catch it for certain.
#[tokio::test]
async fn a_ring_that_never_rests_is_ended() {
    let house = House::new();
    fs::write(house.worktree().join("ring.sh"), "[ -e ring.sh ] && setsid sh ring.sh &\n").unwrap();
    let mut handle =
        house.start("a.j1", "for i in 1 2 3; do setsid sh ring.sh & done; echo ready; wait; sleep 600").await;
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "ready").await;
    handle.control.stop(Duration::ZERO).await.unwrap();
    heard.finish(&mut *handle.reader).await;
    assert_eq!(house.inhabitants(), []);
    assert!(matches!(heard.end(), Some(JobEnd::Signaled { signal: 9 | 15, stopped: true, .. })), "{:?}", heard.end());
}

#[tokio::test]
async fn a_stopped_shim_keeps_nobody_alive() {
    let house = House::new();
    let (mut handle, mut heard) = start(&house, "wait").await;
    kill(&handle.shim, Signal::STOP);
    handle.control.stop(Duration::from_millis(100)).await.unwrap();
    heard.finish(&mut *handle.reader).await;
    assert_eq!(house.inhabitants(), []);
    assert!(matches!(heard.end(), Some(JobEnd::Signaled { stopped: true, .. })), "{:?}", heard.end());
}

#[tokio::test]
async fn a_grandchild_that_keeps_the_output_open_does_not_keep_the_job() {
    let house = House::new();
    let mut handle =
        house.start("a.j1", "(trap '' TERM HUP; setsid sh -c 'echo late; sleep 600' &); echo done; exit 0").await;
    let heard = everything(&mut *handle.reader).await;
    assert_eq!(heard.end(), Some(JobEnd::Exited { code: 0, stopped: false, leaked: 2 }));
    assert!(heard.text().contains("done\n"));
    assert_eq!(house.inhabitants(), []);
}

/// Not of the tree, so not to be ended; but it must not be waited for either.
#[tokio::test]
async fn a_stranger_that_keeps_the_output_open_does_not_keep_the_job() {
    let house = House::new();
    let mut handle = house.start("a.j1", "echo $$; read x; echo last").await;
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "\n").await;
    let output = fs::File::options().write(true).open(format!("/proc/{}/fd/1", heard.text().trim())).unwrap();
    handle.control.close_stdin().await.unwrap();
    heard.finish(&mut *handle.reader).await;
    assert!(heard.text().ends_with("\nlast\n"));
    assert_eq!(heard.end(), Some(JobEnd::Exited { code: 0, stopped: false, leaked: 0 }));
    drop(output);
}

#[tokio::test]
async fn one_that_ends_with_the_program_is_not_leaked() {
    let house = House::new();
    let mut handle = house.start("a.j1", "mkfifo f; cat f >/dev/null & exec 3>f; exit 0").await;
    let heard = everything(&mut *handle.reader).await;
    assert_eq!(heard.end(), Some(JobEnd::Exited { code: 0, stopped: false, leaked: 0 }));
}
