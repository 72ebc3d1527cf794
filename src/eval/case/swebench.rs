//! SWE-bench instances as cases.

use std::time::Duration;

use crate::eval::swebench::Instance;

use super::environment::Environment;
use super::{Case, Files, Grading, Limits, Reference, Source};

/// How long the harness lets an instance's tests run.
const TESTS: Duration = Duration::from_secs(1800);

/// The case of an instance whose repository is a clone at `repository`.
///
/// # Errors
/// When the instance does not carry its test script: datasets from before version 5 do not.
pub fn case(instance: &Instance, repository: String, environment: Option<&Environment>) -> Result<Case, String> {
    if instance.eval_script.as_deref().is_none_or(|script| script.trim().is_empty()) {
        return Err(format!("{} has no eval_script: the dataset is of an older version", instance.instance_id));
    }
    Ok(Case {
        id: instance.instance_id.clone(),
        group: instance.repo.clone(),
        source: Source::Commit { repository, base: instance.base_commit.clone() },
        prompt: instance.problem_statement.clone(),
        follow_ups: Vec::new(),
        environment: environment.and_then(|environment| environment.recipe(instance)),
        setup: environment.and_then(Environment::setup),
        variables: environment.map(|environment| environment.variables.clone()).unwrap_or_default(),
        // What the tests are is in the instance.
        test: String::new(),
        grading: Grading::Swebench(Box::new(instance.clone())),
        restore: Vec::new(),
        carry: Vec::new(),
        hidden: Files::new(),
        expected_files: Vec::new(),
        reference: Some(Reference::Patch(instance.patch.clone())),
        iterations: 1,
        limits: Limits { test: TESTS, ..Limits::default() },
    })
}
