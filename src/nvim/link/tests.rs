use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, watch};

use super::{Backend, Batch, Link, advance, keep};
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
