//! SWE-bench grading against what the official harness said of recorded logs, and through the command line.

mod commands;
mod corpus;
mod hostile;
mod oracle;
mod pieces;
mod recorded;
