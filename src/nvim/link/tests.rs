use serde_json::{Value, json};

use super::{Batch, advance};
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
