//! What is in a dataset.

use super::files;
use crate::eval::swebench::{Compat, Instance};
use crate::model::Refusal;
use crate::model::bench::{CaseLine, ListCases};

/// Lists instances, in the order of the dataset.
///
/// # Errors
/// When the dataset cannot be read, or nothing in it is chosen.
pub fn list(request: &ListCases) -> Result<Vec<CaseLine>, Refusal> {
    let (dataset, _) = files::dataset(&request.dataset)?;
    Ok(files::choose(&dataset, &request.chosen)?.into_iter().map(line).collect())
}

fn line(instance: &Instance) -> CaseLine {
    CaseLine {
        instance_id: instance.instance_id.clone(),
        repo: instance.repo.clone(),
        language: instance.language().map(|language| language.name().to_owned()),
        version: instance.version.clone(),
        fail_to_pass: instance.fail_to_pass.len(),
        pass_to_pass: instance.pass_to_pass.len(),
        log_parser: instance.parser(Compat::V5).ok().map(|parser| parser.name.to_owned()),
    }
}
