//! Transcripts, played again: what real agents printed, recorded elsewhere, and small ones of our own that always run.
//!
//! A transcript is `NAME.jsonl`: what was printed, or with both directions `{"dir": ">"|"<", "msg": ...}`; `NAME.meta.json` says the
//! command and the exit code, `NAME.stderr` is what its name says.

mod archive;
mod mutation;
mod outcomes;
mod player;
mod properties;
mod transcript;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use divisi::host::port::Update;

use crate::support::skip;

use archive::Archive;
use player::play;
use transcript::Transcript;

/// Our own.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/real")
}

/// Plays all transcripts of a folder; gives how many, and every complaint.
fn play_all(folder: &Path) -> (BTreeMap<&'static str, usize>, Vec<String>) {
    let mut counts = BTreeMap::new();
    let mut complaints = Vec::new();
    for transcript in Transcript::all(folder) {
        *counts.entry(transcript.protocol.name()).or_default() += 1;
        let updates = play(&transcript, usize::MAX);
        if let Err(complaint) = outcomes::check(&transcript, &updates) {
            complaints.push(format!("{}: {complaint}", transcript.name));
        }
        // What an agent says after it turned out to be of no use is not expected to be understood.
        let useful = !updates.iter().any(|update| matches!(update, Update::Unusable { .. }));
        for update in updates.iter().filter(|_| useful) {
            if let Update::Raw(message) = update
                && !outcomes::is_extension(message)
            {
                let message: String = message.to_string().chars().take(200).collect();
                complaints.push(format!("{}: not understood: {message}", transcript.name));
            }
        }
        if player::plain(&play(&transcript, 13)) != player::plain(&updates) {
            complaints.push(format!("{}: differs when read in small pieces", transcript.name));
        }
    }
    (counts, complaints)
}

#[test]
fn our_own_transcripts_are_understood() {
    let (counts, complaints) = play_all(&fixtures());
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert_eq!(counts.len(), 12, "one for each protocol and dialect: {counts:?}");
}

#[test]
fn recorded_transcripts_are_understood() {
    let archive = match Archive::open() {
        Ok(archive) => archive,
        Err(reason) => return skip::skip("real::replay::recorded_transcripts_are_understood", &reason),
    };
    let (counts, complaints) = play_all(&archive.folder);
    println!("{counts:?}");
    assert!(counts.values().sum::<usize>() > 0, "there is no transcript");
    assert!(complaints.is_empty(), "{counts:?}, {} complaints: {complaints:#?}", complaints.len());
}
