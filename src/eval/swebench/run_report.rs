//! The report of a run: `<model>.<run>.json`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::infra::{Classification, Tier};
use super::prediction::{Prediction, Predictions};
use super::{Compat, json};

/// What lies in an instance's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filed {
    /// No `report.json`: the patch did not apply, the tests took too long, the harness broke off.
    Missing,
    /// A `report.json` that is empty or says nothing of the instance. It counts as completed and as an error.
    Broken,
    /// A verdict.
    Verdict {
        /// Whether it is resolved.
        resolved: bool,
    },
}

/// Its keys, in the harness' order; those that only one release has are optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// Instances of the dataset.
    pub total_instances: usize,
    /// Predictions.
    pub submitted_instances: usize,
    /// Those with a report.
    pub completed_instances: usize,
    /// Those resolved.
    pub resolved_instances: usize,
    /// Those with another verdict.
    pub unresolved_instances: usize,
    /// v5: not resolved, with a sign that the environment broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infra_failure_instances: Option<usize>,
    /// v5: not resolved, with a sign that can mean either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambiguous_failure_instances: Option<usize>,
    /// Those without anything in the patch.
    pub empty_patch_instances: usize,
    /// Those without a usable report.
    pub error_instances: usize,
    /// Ids with a report.
    pub completed_ids: BTreeSet<String>,
    /// Ids without a prediction.
    pub incomplete_ids: BTreeSet<String>,
    /// Ids without anything in the patch.
    pub empty_patch_ids: BTreeSet<String>,
    /// Ids of all predictions.
    pub submitted_ids: BTreeSet<String>,
    /// Ids resolved.
    pub resolved_ids: BTreeSet<String>,
    /// Ids with another verdict.
    pub unresolved_ids: BTreeSet<String>,
    /// v5: see above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infra_failure_ids: Option<BTreeSet<String>>,
    /// v5: see above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambiguous_failure_ids: Option<BTreeSet<String>>,
    /// v5: the signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reasons: Option<BTreeMap<String, String>>,
    /// Ids without a usable report.
    pub error_ids: BTreeSet<String>,
    /// 2
    pub schema_version: u32,
    /// v4 writes three keys on containers exactly when there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unstopped_instances: Option<usize>,
    /// See above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unstopped_containers: Option<BTreeSet<String>>,
    /// See above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unremoved_images: Option<BTreeSet<String>>,
}

impl RunReport {
    /// Of a dataset's ids and all predictions. `filed` says what lies in an instance's directory, and the first sign in its logs.
    pub fn new<'a>(
        compat: Compat,
        dataset: impl IntoIterator<Item = &'a str>,
        predictions: &Predictions,
        mut filed: impl FnMut(&Prediction) -> (Filed, Option<Classification>),
    ) -> Self {
        let mut report = Self { schema_version: 2, ..Self::default() };
        let mut reasons = BTreeMap::new();
        let (mut environment, mut ambiguous) = (BTreeSet::new(), BTreeSet::new());
        report.submitted_ids = predictions.iter().map(|prediction| prediction.instance_id.clone()).collect();
        for id in dataset {
            report.total_instances += 1;
            let id = id.to_owned();
            let Some(prediction) = predictions.get(&id) else {
                report.incomplete_ids.insert(id);
                continue;
            };
            if prediction.is_empty() {
                report.empty_patch_ids.insert(id);
                continue;
            }
            let (filed, sign) = filed(prediction);
            if filed != Filed::Missing {
                report.completed_ids.insert(id.clone());
            }
            let bucket = match filed {
                Filed::Missing | Filed::Broken => &mut report.error_ids,
                Filed::Verdict { resolved: true } => &mut report.resolved_ids,
                Filed::Verdict { resolved: false } => &mut report.unresolved_ids,
            };
            bucket.insert(id.clone());
            if let Some(sign) = sign.filter(|_| filed != Filed::Verdict { resolved: true }) {
                reasons.insert(id.clone(), sign.reason.to_owned());
                let tier = if sign.tier == Tier::Environment { &mut environment } else { &mut ambiguous };
                tier.insert(id);
            }
        }
        report.submitted_instances = predictions.len();
        report.completed_instances = report.completed_ids.len();
        report.resolved_instances = report.resolved_ids.len();
        report.unresolved_instances = report.unresolved_ids.len();
        report.empty_patch_instances = report.empty_patch_ids.len();
        report.error_instances = report.error_ids.len();
        match compat {
            Compat::V4 => {
                report.unstopped_instances = Some(0);
                report.unstopped_containers = Some(BTreeSet::new());
                report.unremoved_images = Some(BTreeSet::new());
            }
            Compat::V5 => {
                report.infra_failure_instances = Some(environment.len());
                report.ambiguous_failure_instances = Some(ambiguous.len());
                report.infra_failure_ids = Some(environment);
                report.ambiguous_failure_ids = Some(ambiguous);
                report.failure_reasons = Some(reasons);
            }
        }
        report
    }

    /// The bytes of the file: with a newline at the end.
    pub fn file(&self) -> String {
        json::pretty(self) + "\n"
    }

    /// The file's name.
    pub fn file_name(model: &str, run_id: &str) -> String {
        format!("{}.{run_id}.json", model_directory(model))
    }
}

/// A model's name as a directory: no slash.
pub fn model_directory(model: &str) -> String {
    model.replace('/', "__")
}

/// `run.json`, which v5 writes so that a run can be graded again later.
pub fn run_metadata(dataset: &str, created_at: &str) -> String {
    #[derive(Serialize)]
    struct Metadata<'a> {
        dataset: &'a str,
        split: &'a str,
        task_repo: Option<&'a str>,
        created_at: &'a str,
    }
    json::pretty_by_two(&Metadata { dataset, split: "test", task_repo: None, created_at }) + "\n"
}
