//! The script that runs an instance's tests, for the harness' containers and without them.

use super::Compat;
use super::instance::Instance;

/// Where a script runs without a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScriptPlace<'a> {
    /// The tree, in the place of `/testbed`. Absolute, without characters that a shell treats specially.
    pub tree: &'a str,
    /// The locale, in the place of `en_US.UTF-8`, which a machine may not have.
    pub locale: &'a str,
}

/// The script as the harness writes it to `eval.sh`: since v5 it also prints how the tests' command ended. Absent in datasets that have
/// no scripts.
pub fn eval_script(instance: &Instance, compat: Compat) -> Option<String> {
    let given = instance.eval_script.as_deref()?;
    let kept =
        super::python::strip(given).split('\n').filter(|line| !matches!(*line, "#!/bin/bash" | "set -uxo pipefail"));
    let mut script = "#!/bin/bash\nset -uxo pipefail\n".to_owned();
    let mut recorded = compat == Compat::V4;
    for line in kept {
        let record = !recorded && line.contains(">>>>> End Test Output");
        if record {
            script.push_str("SWEBENCH_TEST_EXIT_CODE=$?\n");
        }
        script.push_str(line);
        script.push('\n');
        if record {
            script.push_str("echo \">>>>> Test Exit Code: $SWEBENCH_TEST_EXIT_CODE\"\n");
            recorded = true;
        }
    }
    Some(script)
}

/// What containers need and a prepared environment does not: lines that are dropped.
const CONDA: [&str; 2] = ["source /opt/miniconda3/bin/activate", "conda activate testbed"];

/// The same script for a tree of its own: no conda, no global git configuration, no generated locale. What is inside of here-documents
/// is the test patch, and stays as it is.
pub fn rewrite_eval_script(script: &str, place: &ScriptPlace<'_>) -> String {
    let mut rewritten = String::with_capacity(script.len());
    let mut until: Option<&str> = None;
    for line in script.split_inclusive('\n') {
        let bare = line.strip_suffix('\n').unwrap_or(line);
        if let Some(end) = until {
            rewritten.push_str(line);
            if bare == end {
                until = None;
            }
            continue;
        }
        until = here_document(bare);
        let dropped =
            CONDA.contains(&bare.trim()) || bare.contains("locale-gen") || bare.starts_with("git config --global");
        if dropped {
            continue;
        }
        let line = line.replace("/testbed", place.tree);
        if line.starts_with("export ") && line.contains("en_US") {
            rewritten.push_str(&line.replace("en_US.UTF-8", place.locale).replace("en_US:en", place.locale));
        } else {
            rewritten.push_str(&line);
        }
    }
    rewritten
}

/// The word that ends the here-document which a line begins.
fn here_document(line: &str) -> Option<&str> {
    let (_, word) = line.split_once("<<")?;
    let word = word.strip_prefix('-').unwrap_or(word).trim_start();
    let quoted = |quote| word.strip_prefix(quote)?.split(quote).next();
    let word = quoted('\'').or_else(|| quoted('"')).or_else(|| word.split_whitespace().next());
    word.filter(|word| !word.is_empty() && !word.starts_with('<'))
}

#[cfg(test)]
mod tests;
