//! Benchmarks on disk: datasets, predictions, logs and reports are read and written here; `eval` decides.

mod compare;
mod files;
mod grade;
mod list;
mod logs;
mod report;
mod runs;
mod summary;

pub use grade::grade;
pub use list::list;
pub use report::report;
