//! The engine: commands in, events out, queries answered.
//!
//! The brain is synchronous: `on_*` functions take a `Change` and an input and say what to commit and what to do next. The
//! dispatcher commits, then publishes, then runs the effects through the traits in [`port`]; their results come back as inputs.

mod advance;
pub mod bus;
mod change;
mod choice;
pub mod dispatcher;
mod editors;
mod effect;
mod environment;
mod gap;
pub mod handle;
mod history;
mod input;
mod mcp;
mod mend;
mod on_agent;
mod on_approval;
mod on_batch;
mod on_case;
mod on_combine;
mod on_contest;
mod on_create;
mod on_evaluation;
mod on_full;
mod on_hunk;
mod on_job;
mod on_judge;
mod on_landing;
mod on_merge;
mod on_option;
mod on_prompt;
mod on_query;
mod on_removal;
mod on_repository;
mod on_retry;
mod on_review;
mod on_rewind;
mod on_run;
mod on_session;
mod on_silence;
mod on_terminal;
mod plan_names;
pub mod port;
mod profile;
mod quiet;
pub mod rebuild;
mod registry;
mod run_batch;
mod run_case;
pub mod run_effect;
mod run_evaluation;
mod run_gates;
mod run_job;
mod run_judge;
mod run_query;
mod run_report;
mod run_review;
mod run_setup;
mod run_timeline;
mod terminal;
mod timeline;
mod unit;

/// A refusal on one line, with its next steps.
fn hinted(refusal: &crate::model::Refusal) -> String {
    if refusal.hints.is_empty() {
        refusal.message.clone()
    } else {
        format!("{} (try: {})", refusal.message, refusal.hints.join("; "))
    }
}

#[cfg(test)]
mod tests;
