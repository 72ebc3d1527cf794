//! The daemon's life as its clients see it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{TestEnv, wait_until};

const DEADLINE: Duration = Duration::from_secs(30);

fn pid(env: &TestEnv) -> i32 {
    i32::try_from(env.json("", &["daemon", "status"])["pid"].as_i64().unwrap()).unwrap()
}

#[test]
fn clients_that_race_start_one_daemon() {
    let env = TestEnv::new();
    let running: Vec<_> = (0..8).map(|_| env.spawn_divisi("", &["list", "--json"])).collect();
    for client in running {
        assert_eq!(client.wait(DEADLINE).ok().stdout, "[]\n");
    }
    let log = fs::read_to_string(env.path("home/state/divisi/log/daemon.log")).unwrap();
    assert_eq!(log.matches(" serves at ").count(), 1, "{log}");
    assert_eq!(fs::metadata(env.path("run/divisi.sock")).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(env.path("home/state/divisi")).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn it_is_seen_stopped_and_restarted() {
    let env = TestEnv::new();
    let ran = env.divisi(&["daemon", "status"]);
    assert!(ran.exits(1).stderr.contains("no daemon is running"), "{ran}");
    assert_eq!(env.divisi(&["daemon", "stop"]).ok().stdout, "no daemon was running\n");
    env.divisi(&["list"]).ok();
    let first = pid(&env);
    env.divisi(&["daemon", "restart"]).ok();
    assert_ne!(pid(&env), first);
    let second = env.divisi(&["daemon", "run"]);
    assert!(second.exits(1).stderr.contains("another daemon"), "{second}");
    assert_eq!(env.divisi(&["daemon", "stop"]).ok().stdout, "stopped\n");
    assert!(!env.path("run/divisi.sock").exists());
}

#[test]
fn a_killed_daemon_is_replaced_by_the_next_command() {
    let mut env = TestEnv::new();
    env.tolerate("divisi.sock");
    env.divisi(&["list"]).ok();
    let first = pid(&env);
    kill_process(Pid::from_raw(first).unwrap(), Signal::KILL).unwrap();
    env.divisi(&["list"]).ok();
    assert_ne!(pid(&env), first);
}

#[test]
fn signals_stop_it_and_leave_nothing() {
    let env = TestEnv::new();
    for signal in [Signal::TERM, Signal::INT] {
        env.divisi(&["list"]).ok();
        kill_process(Pid::from_raw(pid(&env)).unwrap(), signal).unwrap();
        wait_until(DEADLINE, "the socket is gone", || !env.path("run/divisi.sock").exists());
    }
}

#[test]
fn it_goes_when_nobody_needs_it() {
    let env = TestEnv::new();
    env.divisi(&["config", "set", "core.idle_exit_sec", "1"]).ok();
    env.divisi(&["list"]).ok();
    wait_until(DEADLINE, "the idle daemon is gone", || !env.path("run/divisi.sock").exists());
    let log = fs::read_to_string(env.path("home/state/divisi/log/daemon.log")).unwrap();
    assert!(log.contains("no clients and no sessions"), "{log}");
}

#[test]
fn one_that_cannot_start_says_why() {
    let env = TestEnv::new();
    env.write(
        "home/state/divisi/state.db",
        "this is no database, and it is longer than a header of one hundred bytes would have to be",
    );
    let ran = env.divisi(&["list"]);
    let said = &ran.exits(1).stderr;
    assert!(
        said.contains("failed to start the daemon") && said.contains("state.db") && said.contains("daemon.log"),
        "{ran}"
    );
}
