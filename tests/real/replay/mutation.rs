//! Transcripts in which things are changed as an agent of another version, or a hostile one, would: values of other types, fields and
//! messages that are missing, twice, or in another order, ids of others, numbers and texts beyond all measure. Not one makes a driver
//! panic or end a turn twice, and each prompt that was delivered last still ends.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use divisi::host::port::Update;
use serde_json::{Value, json};

use crate::support::Dice;

use super::archive::Archive;
use super::fixtures;
use super::player::record;
use super::transcript::{Message, Protocol, Transcript};

/// A value that nobody expects.
fn made_up(dice: &mut Dice) -> Value {
    match dice.below(14) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(u64::MAX),
        4 => json!(1e308),
        5 => json!(0.1),
        6 => json!(""),
        7 => json!("\u{1b}[2J\u{7}\u{202e}\u{0}"),
        8 => json!("x".repeat(70_000)),
        9 => json!([]),
        10 => json!({}),
        11 => json!([[[[{"a": [null]}]]]]),
        12 => json!("../../../etc/passwd"),
        _ => json!({"type": "text", "text": 5, "id": {"id": "id"}}),
    }
}

/// Changes something somewhere in a value.
fn change(dice: &mut Dice, value: &mut Value) {
    let leaf = dice.below(4) == 0;
    match value {
        Value::Object(fields) if !fields.is_empty() && !leaf => {
            let at = dice.below(fields.len());
            let name = fields.keys().nth(at).cloned().unwrap_or_default();
            match dice.below(8) {
                0 => drop(fields.remove(&name)),
                1 => {
                    let moved = fields.remove(&name).unwrap_or_default();
                    fields.insert(format!("{name}X"), moved);
                }
                _ => change(dice, fields.get_mut(&name).expect("one of its names")),
            }
        }
        Value::Array(items) if !items.is_empty() && !leaf => {
            let at = dice.below(items.len());
            match dice.below(6) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                _ => change(dice, &mut items[at]),
            }
        }
        other => *other = made_up(dice),
    }
}

/// Changes a line of a transcript that the agent wrote.
fn change_line(dice: &mut Dice, line: &mut String) {
    match serde_json::from_str::<Value>(line) {
        Ok(mut value) => {
            change(dice, &mut value);
            *line = value.to_string();
        }
        Err(_) => line.truncate(line.char_indices().nth(dice.below(40)).map_or(0, |(at, _)| at)),
    }
}

/// Applies a change to the sequence itself: leaves one out, doubles one, swaps two.
fn shuffle<T: Clone>(dice: &mut Dice, items: &mut Vec<T>, movable: &[usize]) {
    let (Some(&one), Some(&other)) = (movable.get(dice.below(movable.len())), movable.get(dice.below(movable.len())))
    else {
        return;
    };
    match dice.below(3) {
        0 => drop(items.remove(one)),
        1 => items.insert(other, items[one].clone()),
        _ => items.swap(one, other),
    }
}

fn mutate(dice: &mut Dice, transcript: &Transcript) -> Transcript {
    let mut changed = transcript.clone();
    for _ in 0..=dice.below(4) {
        if changed.messages.is_empty() {
            let text = String::from_utf8_lossy(&changed.stdout).into_owned();
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let at = dice.below(lines.len());
            if dice.below(3) == 0 {
                let all: Vec<usize> = (0..lines.len()).collect();
                shuffle(dice, &mut lines, &all);
            } else if let Some(line) = lines.get_mut(at) {
                change_line(dice, line);
            }
            changed.stdout = lines.join("\n").into_bytes();
        } else {
            let got = |message: &Message| matches!(message, Message::Got(_));
            let theirs: Vec<usize> = (0..changed.messages.len()).filter(|at| got(&changed.messages[*at])).collect();
            let at = theirs.get(dice.below(theirs.len())).copied();
            if dice.below(3) == 0 {
                shuffle(dice, &mut changed.messages, &theirs);
            } else if let Some(Message::Got(message)) = at.map(|at| &mut changed.messages[at]) {
                change(dice, message);
            }
        }
    }
    changed
}

/// Plays it, and says what is wrong.
fn complaint(transcript: &Transcript) -> Option<String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| record(transcript, usize::MAX)));
    let Ok(player) = outcome else { return Some("a panic".to_owned()) };
    let mut ended = BTreeSet::new();
    for update in &player.updates {
        if let Update::TurnEnded { turn, .. } = update
            && !ended.insert(turn.as_str().to_owned())
        {
            return Some(format!("{turn} ended twice"));
        }
    }
    let unusable = player.updates.iter().any(|update| matches!(update, Update::Unusable { .. }));
    let newest = player.fed.iter().rev().find_map(super::player::Fed::delivered);
    let lost = newest.filter(|turn| !ended.contains(*turn) && !unusable);
    let once = matches!(transcript.protocol, Protocol::Lines(_) | Protocol::Text);
    match lost {
        Some(turn) => Some(format!("{turn} did not end")),
        None if once && ended.len() != 1 => Some(format!("{} ends", ended.len())),
        None => None,
    }
}

/// Plays each transcript changed in so many ways.
fn play_changed(transcripts: &[Transcript], times: u64) {
    let scale: u64 = std::env::var("DIVISI_TEST_SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1);
    let mut complaints = Vec::new();
    for (number, transcript) in (0_u64..).zip(transcripts) {
        for time in 0..times * scale {
            let seed = number * 1_000_003 + time;
            if let Some(complaint) = complaint(&mutate(&mut Dice::new(seed), transcript)) {
                complaints.push(format!("{} (seed {seed}): {complaint}", transcript.name));
            }
        }
    }
    assert!(complaints.is_empty(), "{} complaints: {:#?}", complaints.len(), &complaints[..complaints.len().min(20)]);
}

#[test]
fn changed_transcripts_break_nothing() {
    play_changed(&Transcript::all(&fixtures()), 60);
}

#[test]
fn changed_recorded_transcripts_break_nothing() {
    match Archive::open() {
        Ok(archive) => play_changed(&Transcript::all(&archive.folder), 4),
        Err(reason) => {
            crate::support::skip::skip("real::replay::mutation::changed_recorded_transcripts_break_nothing", &reason);
        }
    }
}
