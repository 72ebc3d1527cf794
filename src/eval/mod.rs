//! Evaluation: how work is judged. Pure decisions; programs are run and files read elsewhere.

pub mod swebench;
