//! SWE-bench grading against what the official harness said of recorded logs, and through the command line.

mod corpus;
mod oracle;
mod pieces;
mod recorded;
