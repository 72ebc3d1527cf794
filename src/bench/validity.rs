//! What validations said of cases on this machine, so that a run does not count silently what tells nothing.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::rerun;
use crate::eval::case::Case;
use crate::model::attempt::{Judged, Validity};
use crate::model::container::Image;

const FILE: &str = "validity.jsonl";

#[derive(Serialize, Deserialize)]
struct Line {
    /// The case as it was, and what prepares it.
    case: String,
    digest: String,
    environment: String,
    validity: Validity,
}

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<(String, String), Validity>);

impl Known {
    /// Reads what is known; what cannot be read is not known.
    pub(super) fn load(directory: &Path) -> Self {
        let text = std::fs::read_to_string(directory.join(FILE)).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        Self(lines.map(|line| ((line.digest, line.environment), line.validity)).collect())
    }

    /// What is known of a case, prepared as it is.
    pub(super) fn of(&self, case: &Case, image: Option<&Image>, network: Option<bool>) -> Option<Validity> {
        self.0.get(&(case.digest(), rerun::environment(case, image, network))).copied()
    }
}

/// Adds what a validation said. What could not be run may be run another time, and is not kept.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn keep<'a>(
    directory: &Path,
    network: Option<bool>,
    judged: impl Iterator<Item = (&'a Case, Option<&'a Image>, &'a Judged)>,
) -> Result<(), std::io::Error> {
    let known = Known::load(directory);
    let mut text = String::new();
    for (case, image, Judged { validity, .. }) in judged {
        if *validity == Validity::Broken || known.of(case, image, network) == Some(*validity) {
            continue;
        }
        let line = Line {
            case: case.id.clone(),
            digest: case.digest(),
            environment: rerun::environment(case, image, network),
            validity: *validity,
        };
        text.push_str(&serde_json::to_string(&line)?);
        text.push('\n');
    }
    std::fs::create_dir_all(directory)?;
    OpenOptions::new().create(true).append(true).open(directory.join(FILE))?.write_all(text.as_bytes())
}
