//! What cases need to run on this machine and share: which Python with which packages, what is installed, and variables. A suite says it
//! for its own cases; for SWE-bench's instances a file does, by repository and version.
//!
//! The datasets carry the command that tests an instance, and leave to a container image what it runs in. Without containers an
//! environment is made once for each repository and version, and every checkout gets a copy of its own: editable installs of one case
//! would point another's packages at its files.

use super::is_inside;
use super::recipe::Recipe;
use crate::base::yaml::{Fields, Node, Problem, Problems, parse};
use crate::eval::swebench::Instance;
use crate::model::case::unfit;
use crate::model::schema::environment as schema;

/// The only version there is.
const VERSION: u64 = 1;

/// What installs projects, as the harness has it (4.1.0's specifications).
const INSTALLERS: &str = "pip==24.2 setuptools==75.1.0 wheel==0.44.0";

/// Instead of a day: that of the instance.
const CREATED: &str = "created";

/// The environments of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environments {
    entries: Vec<Environment>,
}

/// How the checkouts of some cases are prepared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// `owner/repo`, without regard to case; empty in a suite.
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
    /// Only packages that were there on this day (`2023-09-30`), or on the day of the instance (`created`), which makes an environment for
    /// each instance.
    pub exclude_newer: Option<String>,
    /// Variables of the setup and of the tests. A checkout without history has no tags: tools that make a version of them need to be
    /// told one.
    pub variables: Vec<(String, String)>,
    /// Commands of `sh` after that, in a directory that has of the tree only what they read.
    pub install: Vec<String>,
    /// Files and directories of the tree that `install` reads.
    pub reads: Vec<String>,
    /// Files and directories that `install` makes in the tree.
    pub makes: Vec<String>,
    /// Commands of `sh` after that, in each checkout; what they change in the tree is part of the base.
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
    /// How what an instance shares with others is made: see [`Self::recipe_for`].
    pub fn recipe(&self, instance: &Instance) -> Option<Recipe> {
        let name =
            if instance.version.is_empty() { self.repo.clone() } else { format!("{} {}", self.repo, instance.version) };
        let day = self.exclude_newer.as_deref().map(|day| if day == CREATED { created(instance) } else { day });
        self.made(name, day)
    }

    /// How what the cases of a suite share is made, with `CASE_ROOT` as the directory of everything that belongs to a checkout. Its programs
    /// are in `$CASE_ROOT/venv/bin`. Absent where nothing is shared.
    pub fn recipe_for(&self, suite: &str) -> Option<Recipe> {
        self.made(suite.to_owned(), self.exclude_newer.as_deref())
    }

    fn made(&self, name: String, day: Option<&str>) -> Option<Recipe> {
        if self.python.is_none() && self.install.is_empty() {
            return None;
        }
        let mut script = vec!["set -e".to_owned()];
        if let Some(python) = &self.python {
            let newer = day.map(|day| format!(" --exclude-newer {}", quoted(day))).unwrap_or_default();
            // Packages that warn when they are first compiled fail tests that forbid warnings.
            let install = |newer: &str| {
                format!("uv pip install --quiet --compile-bytecode{newer} --python \"$CASE_ROOT/venv/bin/python\"")
            };
            script.push(format!("uv venv --quiet --python {} \"$CASE_ROOT/venv\"", quoted(python)));
            // The tests install the project itself with these.
            script.push(format!("{} {INSTALLERS}", install("")));
            let install = install(&newer);
            for file in &self.requirements {
                script.push(format!("{install} -r {}", quoted(file)));
            }
            if !self.packages.is_empty() {
                let packages: Vec<String> = self.packages.iter().map(|package| quoted(package)).collect();
                script.push(format!("{install} {}", packages.join(" ")));
            }
        }
        script.extend(self.install.iter().cloned());
        let python = |python: &String| {
            format!("p=$(uv python find --system --no-project {}) && echo \"$p\" && \"$p\" -VV", quoted(python))
        };
        Some(Recipe {
            name,
            script: script.join("\n") + "\n",
            asks: self.python.as_ref().map(python),
            requirements: self.requirements.clone(),
            reads: self.reads.clone(),
            makes: self.makes.clone(),
            makes_beside: self.python.iter().map(|_| "venv".to_owned()).collect(),
        })
    }

    /// The commands that prepare each checkout after that; absent where there are none.
    pub fn setup(&self) -> Option<String> {
        (!self.pre_install.is_empty()).then(|| format!("set -e\n{}\n", self.pre_install.join("\n")))
    }
}

/// The day of an instance.
fn created(instance: &Instance) -> &str {
    instance.created_at.get(..10).unwrap_or(&instance.created_at)
}

/// A word of `sh`.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Reads what a suite says of its cases.
pub(super) fn of_suite(node: &Node, problems: &mut Problems) -> Option<Environment> {
    let mut fields = Fields::described(node, &schema::ENVIRONMENT, problems)?;
    let environment = common(&mut fields, Environment::default(), problems);
    if let Some(day) = fields.node("exclude_newer").filter(|day| day.text() == Some(CREATED)) {
        problems.tell(
            day.at,
            "'created' is the day of an instance of SWE-bench, which cases of a suite are not: name a day",
        );
    }
    fields.finish(problems);
    Some(environment)
}

fn file(root: &Node, problems: &mut Problems) -> Vec<Environment> {
    let Some(mut fields) = Fields::described(root, &schema::FILE, problems) else { return Vec::new() };
    if fields.require("version", problems).is_some() {
        fields.number("version", VERSION..=VERSION, problems);
    }
    let items = fields.require("environments", problems).map_or(&[][..], Node::items);
    let entries = items.iter().filter_map(|item| entry(item, problems)).collect();
    fields.finish(problems);
    entries
}

fn entry(node: &Node, problems: &mut Problems) -> Option<Environment> {
    let mut fields = Fields::described(node, &schema::ENTRY, problems)?;
    let entry = Environment {
        repo: fields.require_text("repo", problems).unwrap_or_default(),
        versions: fields.texts("versions", problems),
        instances: fields.texts("instances", problems),
        pre_install: fields.texts("pre_install", problems),
        ..Environment::default()
    };
    let entry = common(&mut fields, entry, problems);
    fields.finish(problems);
    Some(entry)
}

/// What is said alike in a suite and in the file.
fn common<'a>(fields: &mut Fields<'a>, rest: Environment, problems: &mut Problems) -> Environment {
    let environment = Environment {
        python: fields.text("python", problems),
        packages: fields.texts("packages", problems),
        requirements: fields.texts("requirements", problems),
        exclude_newer: fields.text("exclude_newer", problems),
        variables: variables(fields.node("variables"), problems),
        install: fields.texts("install", problems),
        reads: fields.texts("reads", problems),
        makes: fields.texts("makes", problems),
        ..rest
    };
    for key in ["requirements", "reads", "makes"] {
        for item in fields.node(key).map_or(&[][..], Node::items) {
            if let Some(outside) = item.text().filter(|path| !is_inside(path)) {
                problems.tell(item.at, format!("{outside:?} is no path below the tree"));
            }
        }
    }
    let mut alone = |key: &'a str, what: &str| {
        if let Some(node) = fields.node(key) {
            problems.tell(node.at, format!("'{key}' {what}, and there is none"));
        }
    };
    if environment.install.is_empty() {
        alone("reads", "says what 'install' reads");
        alone("makes", "says what 'install' makes");
    }
    if environment.python.is_none() {
        for key in ["packages", "requirements", "exclude_newer"] {
            alone(key, "is for the virtual environment of 'python'");
        }
    }
    environment
}

fn variables(node: Option<&Node>, problems: &mut Problems) -> Vec<(String, String)> {
    let Some(node) = node else { return Vec::new() };
    let entries = Fields::open(node, "'variables'", problems);
    entries
        .iter()
        .filter_map(|(key, value)| {
            if let Some(why) = unfit(&key.name) {
                problems.tell(key.at, format!("{why}; `divisi bench ... --env` gives what is not to be written down"));
            }
            Some((key.name.clone(), value.require_text("a variable", problems)?.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests;
