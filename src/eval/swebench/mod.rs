//! SWE-bench: instances, predictions, logs and verdicts, as the official harness has them (5.0.2, and 4.1.0 on request), without running
//! anything. Its rules are facts of `swebench/harness` in github.com/SWE-bench/SWE-bench; none of its code is here.

mod grade;
mod image;
mod infra;
mod instance;
mod json;
mod outcome;
mod parquet;
mod parse;
mod patch;
mod prediction;
mod python;
mod report;
mod run_report;
mod scan;
mod script;
mod select;
pub mod statistics;
mod status;

pub use grade::{Graded, LogReading, grade, read_log};
pub use image::{image_names, is_reference};
pub use infra::{Classification, Tier, classify};
pub use instance::{Dataset, EvalType, Format, Instance, RowError};
pub use json::{compact, pretty};
pub use outcome::Outcome;
pub use parse::{Fault, Language, Parser, Subject};
pub use patch::{Applied, PatchChain, Step};
pub use prediction::{Prediction, PredictionError, Predictions};
pub use python::text;
pub use report::{Cases, InstanceReport, Resolution, TestsStatus};
pub use run_report::{Filed, RunReport, model_directory, run_metadata};
pub use script::{ScriptPlace, eval_script, rewrite_eval_script};
pub use select::Selection;
pub use status::{Status, StatusMap};

/// Which release of the harness is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compat {
    /// 4.1.0
    V4,
    /// 5.0.2
    #[default]
    V5,
}
