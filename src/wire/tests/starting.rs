use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener as StdListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::fake::{Daemon, Home, within};
use crate::base::paths::Paths;
use crate::model::Refusal;
use crate::wire::client::{Caller, Client};
use crate::wire::message::ProtocolRange;
use crate::wire::serve::Limits;
use crate::wire::start::{READY, connect_or_start, error_line};

/// Starts daemons in this process instead of beside it, and counts them.
#[derive(Clone, Default)]
struct Starter {
    started: Arc<AtomicUsize>,
    daemons: Arc<Mutex<Vec<Daemon>>>,
}

impl Starter {
    fn start(&self, paths: &Paths, protocol: u32) -> std::io::Result<OwnedFd> {
        self.started.fetch_add(1, Ordering::SeqCst);
        let (reading, writing) = rustix::pipe::pipe()?;
        let daemon = Daemon::with(paths, Limits::default(), protocol, Arc::default());
        self.daemons.lock().unwrap().push(daemon);
        File::from(writing).write_all(READY.as_bytes())?;
        Ok(reading)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_clients_start_one_daemon() {
    let home = Home::new();
    let starter = Starter::default();
    let racing: Vec<_> = (0..16)
        .map(|_| {
            let (paths, starter) = (home.paths.clone(), starter.clone());
            tokio::spawn(async move {
                let start = || starter.start(&paths, 1);
                connect_or_start(&paths, &Caller::new("racer"), &start).await.map(|client| client.welcome().pid)
            })
        })
        .collect();
    for racer in racing {
        assert_eq!(within(racer).await.unwrap(), Ok(7));
    }
    assert_eq!(starter.started.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_stale_socket_is_replaced() {
    let home = Home::new();
    std::fs::create_dir_all(&home.paths.runtime_dir).unwrap();
    drop(StdListener::bind(&home.paths.socket).unwrap());
    let starter = Starter::default();
    let start = || starter.start(&home.paths, 1);
    within(connect_or_start(&home.paths, &Caller::new("t"), &start)).await.unwrap();
}

#[tokio::test]
async fn a_daemon_that_fails_says_why_and_where_its_log_is() {
    let home = Home::new();
    let refusal = Refusal::environment("the database is newer").hint("upgrade divisi");
    let start = || {
        let (reading, writing) = rustix::pipe::pipe()?;
        File::from(writing).write_all(error_line(refusal.clone()).as_bytes())?;
        Ok(reading)
    };
    let said = within(connect_or_start(&home.paths, &Caller::new("t"), &start)).await.err().unwrap();
    assert_eq!(said.message, "failed to start the daemon: the database is newer");
    assert_eq!(said.hints, ["upgrade divisi".to_owned(), format!("its log: {}", home.paths.log.display())]);
    let dead = || Ok(rustix::pipe::pipe()?.0);
    let said = within(connect_or_start(&home.paths, &Caller::new("t"), &dead)).await.err().unwrap();
    assert_eq!(said.message, "failed to start the daemon: it ended at once");
    let unstartable = || Err(std::io::Error::other("no such program"));
    let said = within(connect_or_start(&home.paths, &Caller::new("t"), &unstartable)).await.err().unwrap();
    assert_eq!(said.message, "failed to start the daemon: no such program");
}

fn newer() -> Caller {
    Caller { name: "newer".to_owned(), protocol: ProtocolRange { min: 2, max: 2 } }
}

#[tokio::test]
async fn a_daemon_of_another_protocol_is_replaced_when_nothing_runs() {
    let home = Home::new();
    let old = Daemon::start(&home.paths, Limits::default());
    let starter = Starter::default();
    let start = || starter.start(&home.paths, 2);
    let client = within(connect_or_start(&home.paths, &newer(), &start)).await.unwrap();
    assert_eq!(client.welcome().protocol, 2);
    assert!(old.stop.is_triggered());
}

#[tokio::test]
async fn an_old_socket_beside_ours_is_replaced_too() {
    let home = Home::new();
    let old = Daemon::start(&home.paths, Limits::default());
    let mut paths = home.paths.clone();
    paths.socket = paths.runtime_dir.join("divisi-p2.sock");
    let starter = Starter::default();
    let start = || starter.start(&paths, 2);
    within(connect_or_start(&paths, &newer(), &start)).await.unwrap();
    assert!(old.stop.is_triggered());
    assert!(!home.paths.socket.exists());
}

#[tokio::test]
async fn a_daemon_of_another_protocol_is_kept_while_agents_run() {
    let home = Home::new();
    let old = Daemon::start(&home.paths, Limits::default());
    *old.host.running.lock().unwrap() = 2;
    let starter = Starter::default();
    let start = || starter.start(&home.paths, 2);
    let said = within(connect_or_start(&home.paths, &newer(), &start)).await.err().unwrap();
    assert!(said.message.contains("2 agents run under it"), "{said}");
    assert!(said.hints[0].starts_with("divisi daemon restart"));
    assert!(!old.stop.is_triggered());
    assert_eq!(starter.started.load(Ordering::SeqCst), 0);
    assert!(Client::connect(&home.paths.socket, &Caller::new("t")).await.is_ok());
    old.end().await;
}
