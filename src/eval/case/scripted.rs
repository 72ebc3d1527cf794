//! Instances of datasets that do not carry their test scripts (those from before version 5), judged by a command that the user gives:
//! the tests are brought by the instance's patch, and the command is run on the files of that.

use crate::base::hex;
use crate::eval::swebench::{Compat, Instance};

use super::environment::Environment;
use super::{Case, Grading, swebench};

/// The case of an instance without a script of its own.
///
/// # Errors
/// As [`swebench::case`].
pub fn case(
    instance: &Instance,
    repository: String,
    environment: Option<&Environment>,
    command: &str,
) -> Result<Case, String> {
    let files = files(&instance.test_patch);
    let named: Vec<String> = files.iter().filter(|file| file.is_there).map(|file| quoted(&file.path)).collect();
    let tests = format!("{command} {}", named.join(" "));
    let brought = bring(&instance.test_patch);
    let script = format!(
        "#!/bin/bash\nset -uxo pipefail\ncd /testbed\nexport PYTEST_ADDOPTS=\"${{PYTEST_ADDOPTS:-}} -rA\"\n{brought}: '>>>>> Start Test \
         Output'\n{tests}\n: '>>>>> End Test Output'\n"
    );
    let filled = Instance { eval_script: Some(script), ..instance.clone() };
    let mut case = swebench::case(&filled, repository, environment)?;
    // Whatever the agent did to them.
    case.restore = files.into_iter().map(|file| escaped(&file.path)).collect();
    if filled.parser(Compat::V5).is_err() {
        // Nobody understands its log: the command's end decides.
        case.grading = Grading::ExitCode;
        case.test = format!("set -e\n{brought}{tests}\n");
    }
    Ok(case)
}

/// A file that a patch is about.
struct Touched {
    path: String,
    /// Whether it is there afterwards.
    is_there: bool,
}

fn files(patch: &str) -> Vec<Touched> {
    let mut files: Vec<Touched> = Vec::new();
    let mut old = None;
    for line in patch.lines() {
        if let Some(path) = line.strip_prefix("--- ") {
            old = path.strip_prefix("a/").map(str::to_owned);
        } else if let Some(path) = line.strip_prefix("+++ ") {
            let new = path.strip_prefix("b/").map(str::to_owned);
            let is_there = new.is_some();
            if let Some(path) = new.or_else(|| old.take())
                && !files.iter().any(|file| file.path == path)
            {
                files.push(Touched { path, is_there });
            }
        }
    }
    files
}

/// The lines of a shell that put the tests into the tree.
fn bring(patch: &str) -> String {
    if patch.trim().is_empty() {
        return String::new();
    }
    let mut end = format!("EOF_{}", hex::encode(&[0x11, 0x43, 0x29]));
    while patch.lines().any(|line| line == end) {
        end.push('_');
    }
    format!("git apply -v - <<'{end}'\n{}\n{end}\n", patch.trim_end_matches('\n'))
}

/// A word of the shell.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=@%:,".contains(&byte);
    if word.bytes().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// A path as a pattern that fits nothing else.
fn escaped(path: &str) -> String {
    path.chars().fold(String::new(), |mut pattern, character| {
        if "*?[]\\".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
        pattern
    })
}

#[cfg(test)]
mod tests;
