//! Recorded transcripts, played again.
