use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, watch};

use super::{Backend, Batch, CallError, Daemon, Link, advance, keep};
use crate::model::Refusal;
use crate::model::id::Seq;

fn batch(seqs: &[u64]) -> Batch {
    Batch { events: seqs.iter().map(|seq| json!({ "seq": seq })).collect(), sessions: Vec::<Value>::new() }
}

#[test]
fn the_cursor_moves_and_notices_what_is_missing() {
    let mut last = None;
    assert!(!advance(&mut last, &batch(&[7, 8])));
    assert!(!advance(&mut last, &batch(&[8, 9])), "a repeat is no gap");
    assert!(advance(&mut last, &batch(&[11])));
    assert!(advance(&mut last, &batch(&[12, 14])));
    assert_eq!(last, Some(Seq(14)));
    assert!(!advance(&mut last, &Batch { events: vec![json!({}), json!({ "seq": "x" })], sessions: Vec::new() }));
    assert_eq!(last, Some(Seq(14)));
}

/// Notes whether each attempt may start a daemon; none succeeds.
struct Absent(mpsc::UnboundedSender<bool>);

#[async_trait]
impl Backend for Absent {
    async fn connect(&self, start: bool) -> Result<Arc<dyn Link>, Refusal> {
        self.0.send(start).unwrap();
        Err(Refusal::environment("no daemon"))
    }
}

#[tokio::test]
async fn a_daemon_is_started_at_first_and_when_somebody_wants_something() {
    let (sender, mut attempts) = mpsc::unbounded_channel();
    let (signals, _heard) = mpsc::unbounded_channel();
    let (current, _watched) = watch::channel(None);
    let wanted = Arc::new(Notify::new());
    let keeper = tokio::spawn(keep(Arc::new(Absent(sender)), signals, current, Arc::clone(&wanted)));
    assert_eq!(attempts.recv().await, Some(true));
    assert_eq!(attempts.recv().await, Some(false));
    wanted.notify_one();
    let mut next = attempts.recv().await;
    if next == Some(false) {
        next = attempts.recv().await;
    }
    assert_eq!(next, Some(true));
    assert_eq!(attempts.recv().await, Some(false));
    keeper.abort();
}

/// A daemon that ends at once, with or without saying so.
struct Ending {
    attempts: mpsc::UnboundedSender<bool>,
    dismissed: bool,
    daemon: Daemon,
}

#[async_trait]
impl Backend for Arc<Ending> {
    async fn connect(&self, start: bool) -> Result<Arc<dyn Link>, Refusal> {
        self.attempts.send(start).unwrap();
        Ok(Arc::<Ending>::clone(self))
    }
}

#[async_trait]
impl Link for Ending {
    fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    async fn call(&self, _: &str, _: Value) -> Result<Value, CallError> {
        Err(CallError::Lost)
    }

    async fn subscribe(&self, _: Option<Seq>) -> Result<mpsc::UnboundedReceiver<Batch>, CallError> {
        Ok(mpsc::unbounded_channel().1)
    }

    fn dismissed(&self) -> bool {
        self.dismissed
    }
}

/// Which of the first attempts, by their number, may start a daemon.
async fn starts(dismissed: bool, attempts: usize) -> Vec<usize> {
    let (sender, mut seen) = mpsc::unbounded_channel();
    let (signals, _heard) = mpsc::unbounded_channel();
    let (current, _watched) = watch::channel(None);
    let backend = Arc::new(Arc::new(Ending { attempts: sender, dismissed, daemon: Daemon::default() }));
    let wanted = Arc::new(Notify::new());
    // A command that was given before there was a connection; the first one serves it.
    wanted.notify_one();
    let keeper = tokio::spawn(keep(backend, signals, current, wanted));
    let mut starting = Vec::new();
    for attempt in 0..attempts {
        if seen.recv().await.unwrap() {
            starting.push(attempt);
        }
    }
    keeper.abort();
    starting
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_was_told_to_end_is_not_started_again() {
    assert_eq!(starts(true, 12).await, [0]);
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_died_is_replaced_but_not_in_a_loop() {
    // The clock of the brake is not paused: the second replacement is seconds away.
    assert_eq!(starts(false, 12).await, [0, 1]);
}
