//! Face: the command line.
