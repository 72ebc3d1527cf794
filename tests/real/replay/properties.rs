//! What holds for every conversation, shown with our own transcripts: output may be cut anywhere, a new daemon may take over after any
//! record, and damage never makes it panic or lose a turn.

use std::collections::BTreeSet;

use divisi::host::port::{ConversationInput, Update};
use divisi::model::id::TurnId;
use proptest::prelude::*;

use super::fixtures;
use super::player::{Fed, conversation, plain, play, record};
use super::transcript::Transcript;

#[test]
fn output_may_be_cut_anywhere() {
    for transcript in Transcript::all(&fixtures()) {
        let whole = plain(&play(&transcript, usize::MAX));
        for piece in 1..=24 {
            assert_eq!(plain(&play(&transcript, piece)), whole, "{} in pieces of {piece}", transcript.name);
        }
    }
}

/// What came of a conversation: what was told because of records, and the keys of what was to be written.
type Came = (Vec<Update>, BTreeSet<String>);

fn feed(conversation: &mut dyn divisi::host::port::Conversation, fed: &Fed, came: &mut Came) {
    let mut updates = Vec::new();
    conversation.feed(fed.input(), &mut updates);
    for update in updates {
        match update {
            Update::Write { key, .. } => drop(came.1.insert(key)),
            update if fed.is_record() => came.0.push(update),
            _ => {}
        }
    }
}

#[test]
fn a_new_daemon_takes_over_after_any_record() {
    for transcript in Transcript::all(&fixtures()) {
        let fed = record(&transcript, usize::MAX).fed;
        for at in 0..=fed.len() {
            let (before, after) = fed.split_at(at);
            let (mut kept, mut lost) = (Came::default(), Came::default());
            let mut uninterrupted = conversation(&transcript);
            let mut rebuilt = conversation(&transcript);
            for fed in before {
                feed(uninterrupted.as_mut(), fed, &mut lost);
                // Only the journal is left of the time before.
                if fed.is_record() {
                    feed(rebuilt.as_mut(), fed, &mut Came::default());
                }
            }
            let mut again = Came::default();
            // A prompt that the journal does not show is asked for again.
            let written = |turn: &TurnId| {
                before.iter().any(|fed| matches!(fed, Fed::Written { key, .. } if *key == format!("prompt:{turn}")))
            };
            let ended = |turn: &TurnId| {
                lost.0.iter().any(|update| matches!(update, Update::TurnEnded { turn: of, .. } if of == turn))
            };
            for fed in before {
                if let Fed::Prompt { turn, text } = fed
                    && !written(turn)
                    && !ended(turn)
                {
                    let mut updates = Vec::new();
                    rebuilt.feed(ConversationInput::Prompt { turn, text, content: &[], prompt: None }, &mut updates);
                }
            }
            for fed in after {
                feed(uninterrupted.as_mut(), fed, &mut kept);
                feed(rebuilt.as_mut(), fed, &mut again);
            }
            assert_eq!(again.0, kept.0, "{} after {at} of {}", transcript.name, fed.len());
            assert!(
                kept.1.is_subset(&again.1) || kept.1 == again.1,
                "{} after {at}: {:?} {:?}",
                transcript.name,
                kept.1,
                again.1
            );
        }
    }
}

/// Damage at places of the output: a byte is changed, left out, or doubled.
fn damage(fed: &mut [Fed], places: &[(usize, u8, u8)]) {
    let mut outputs: Vec<&mut Vec<u8>> = fed
        .iter_mut()
        .filter_map(|fed| if let Fed::Output { bytes, .. } = fed { Some(bytes) } else { None })
        .filter(|bytes| !bytes.is_empty())
        .collect();
    for (place, kind, byte) in places {
        if outputs.is_empty() {
            return;
        }
        let count = outputs.len();
        let bytes = &mut *outputs[place % count];
        if bytes.is_empty() {
            continue;
        }
        let at = place / count % bytes.len();
        match kind % 3 {
            0 => bytes[at] = *byte,
            1 => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_loses_no_turn(which in 0_usize..1000, places in proptest::collection::vec((0_usize..1_000_000, any::<u8>(), any::<u8>()), 1..12)) {
        let transcripts = Transcript::all(&fixtures());
        let transcript = &transcripts[which % transcripts.len()];
        let mut fed = record(transcript, usize::MAX).fed;
        damage(&mut fed, &places);
        let mut conversation = conversation(transcript);
        let mut came = Came::default();
        let mut last = None;
        for fed in &fed {
            if let Fed::Written { key, .. } = fed {
                last = key.strip_prefix("prompt:").map(str::to_owned).or(last);
            }
            feed(conversation.as_mut(), fed, &mut came);
        }
        let mut ended = BTreeSet::new();
        let mut unusable = false;
        for update in &came.0 {
            match update {
                Update::TurnEnded { turn, .. } => prop_assert!(ended.insert(turn.as_str().to_owned()), "{turn} ended twice"),
                Update::Unusable { .. } => unusable = true,
                _ => {}
            }
        }
        // Damage may hide the end of a turn before another is begun, which no daemon would do; the last one always ends.
        prop_assert!(unusable || last.is_none_or(|turn| ended.contains(&turn)));
        if let super::transcript::Protocol::Lines(_) = transcript.protocol {
            prop_assert_eq!(ended.len(), 1);
        }
    }
}
