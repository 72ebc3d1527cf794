//! What SWE-bench instances need to run on this machine: a file that says, by repository and version, which Python with which packages.
//!
//! The datasets carry the command that tests an instance, and leave to a container image what it runs in. Without containers the
//! environment is made anew for every checkout: editable installs of one case would point another's packages at its files.

use crate::base::yaml::{Fields, Node, Problem, Problems, parse};
use crate::eval::swebench::Instance;

/// The only version there is.
const VERSION: u64 = 1;

/// What installs projects, as the harness has it (4.1.0's specifications).
const INSTALLERS: &str = "pip==24.2 setuptools==75.1.0 wheel==0.44.0";

/// The environments of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environments {
    entries: Vec<Environment>,
}

/// How the checkouts of some instances are prepared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// `owner/repo`, without regard to case.
    pub repo: String,
    /// Versions of the project; empty: all.
    pub versions: Vec<String>,
    /// Ids of instances; empty: all.
    pub instances: Vec<String>,
    /// The interpreter of a virtual environment: a version, or a path. Absent: no such environment.
    pub python: Option<String>,
    /// Requirements, in the order in which they are installed, each list at once.
    pub packages: Vec<String>,
    /// Requirement files in the tree.
    pub requirements: Vec<String>,
    /// Only packages that were there on this day (`2023-09-30`).
    pub exclude_newer: Option<String>,
    /// Variables of the setup and of the tests. A checkout without history has no tags: tools that make a version of them need to be
    /// told one.
    pub variables: Vec<(String, String)>,
    /// Commands of `sh` after that, in the tree; what they change there is part of the base.
    pub pre_install: Vec<String>,
}

impl Environments {
    /// Reads a file's text.
    ///
    /// # Errors
    /// All problems, with their places.
    pub fn read(text: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let root = parse(text, &mut problems);
        let entries = root.map(|root| file(&root, &mut problems)).unwrap_or_default();
        if problems.is_empty() { Ok(Self { entries }) } else { Err(problems.into_sorted()) }
    }

    /// The first that is meant for an instance.
    pub fn of(&self, instance: &Instance) -> Option<&Environment> {
        self.entries.iter().find(|entry| {
            entry.repo.eq_ignore_ascii_case(&instance.repo)
                && (entry.versions.is_empty() || entry.versions.contains(&instance.version))
                && (entry.instances.is_empty() || entry.instances.contains(&instance.instance_id))
        })
    }
}

impl Environment {
    /// The commands that make it, in the tree, with `CASE_ROOT` as the directory of everything that belongs to the checkout. Its
    /// programs are in `$CASE_ROOT/venv/bin`.
    pub fn setup(&self) -> String {
        let mut script = String::from("set -e\n");
        if let Some(python) = &self.python {
            let newer =
                self.exclude_newer.as_ref().map(|day| format!(" --exclude-newer {}", quoted(day))).unwrap_or_default();
            // Packages that warn when they are first compiled fail tests that forbid warnings.
            let install = |newer: &str| {
                format!("uv pip install --quiet --compile-bytecode{newer} --python \"$CASE_ROOT/venv/bin/python\"")
            };
            script.push_str(&format!("uv venv --quiet --python {} \"$CASE_ROOT/venv\"\n", quoted(python)));
            // The tests install the project itself with these.
            script.push_str(&format!("{} {INSTALLERS}\n", install("")));
            let install = install(&newer);
            for file in &self.requirements {
                script.push_str(&format!("{install} -r {}\n", quoted(file)));
            }
            if !self.packages.is_empty() {
                let packages: Vec<String> = self.packages.iter().map(|package| quoted(package)).collect();
                script.push_str(&format!("{install} {}\n", packages.join(" ")));
            }
        }
        for command in &self.pre_install {
            script.push_str(command);
            script.push('\n');
        }
        script
    }
}

/// A word of `sh`.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn file(root: &Node, problems: &mut Problems) -> Vec<Environment> {
    let Some(mut fields) = Fields::of(root, "the file of environments", problems) else { return Vec::new() };
    if fields.require("version", problems).is_some() {
        fields.number("version", VERSION..=VERSION, problems);
    }
    let items = fields.require("environments", problems).map_or(&[][..], Node::items);
    let entries = items.iter().filter_map(|item| entry(item, problems)).collect();
    fields.finish(problems);
    entries
}

fn entry(node: &Node, problems: &mut Problems) -> Option<Environment> {
    let mut fields = Fields::of(node, "an environment", problems)?;
    let entry = Environment {
        repo: fields.require_text("repo", problems).unwrap_or_default(),
        versions: fields.texts("versions", problems),
        instances: fields.texts("instances", problems),
        python: fields.text("python", problems),
        packages: fields.texts("packages", problems),
        requirements: fields.texts("requirements", problems),
        exclude_newer: fields.text("exclude_newer", problems),
        variables: variables(fields.node("variables"), problems),
        pre_install: fields.texts("pre_install", problems),
    };
    fields.finish(problems);
    Some(entry)
}

fn variables(node: Option<&Node>, problems: &mut Problems) -> Vec<(String, String)> {
    let Some(node) = node else { return Vec::new() };
    let entries = Fields::open(node, "'variables'", problems);
    entries
        .iter()
        .filter_map(|(key, value)| Some((key.name.clone(), value.require_text("a variable", problems)?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests;
