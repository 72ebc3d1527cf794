//! Reports of batches: gathered here, written by `batch::report`.

use crate::host::run_batch::Snapshot;
use crate::host::run_effect::Ports;
use crate::model::Refusal;
use crate::model::plan::ExportFormat;

/// A report.
pub(crate) fn report(_ports: &Ports, _snapshot: &Snapshot, format: ExportFormat) -> Result<String, Refusal> {
    Err(Refusal::user(format!("{} is not there yet", format.as_str())))
}
