//! Instances and datasets, in v5's schema and the older ones.

mod literal;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Compat;
use super::parquet;
use super::parse::{Fault, Language, Parser};
use super::prediction::kind;

/// A case: a repository at a commit, what is wrong with it, and the tests that tell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id, `owner__repo-number`.
    pub instance_id: String,
    /// `owner/repo`
    pub repo: String,
    /// The version of the project, which decides its environment.
    pub version: String,
    /// Where the agent begins.
    pub base_commit: String,
    /// The commit that the environment is built for, where it is another.
    pub environment_setup_commit: Option<String>,
    /// The reference patch.
    pub patch: String,
    /// The patch that brings the tests.
    pub test_patch: String,
    /// What the agent is told.
    pub problem_statement: String,
    /// What was said on the issue before the fix.
    pub hints_text: String,
    /// When it was made.
    pub created_at: String,
    /// Tests that fail before the fix and pass after it.
    pub fail_to_pass: Vec<String>,
    /// Tests that pass before and after.
    pub pass_to_pass: Vec<String>,
    /// v5: the container's image.
    pub image: Option<String>,
    /// v5: what runs the tests.
    pub eval_script: Option<String>,
    /// v5: which reader understands the log.
    pub log_parser: Option<String>,
    /// v5: how expected tests are counted.
    pub eval_type: Option<String>,
    /// How long a person would take, where somebody guessed.
    pub difficulty: Option<String>,
    /// Files that a patch cannot carry.
    pub image_assets: Option<Value>,
}

/// How expected tests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvalType {
    /// A test that is not named in the log failed.
    PassAndFail,
    /// Only a test that is said to have failed did.
    FailOnly,
}

/// Projects whose readers only see failures, in both releases and since v5.
const FAIL_ONLY: [&str; 3] = ["chartjs/Chart.js", "processing/p5.js", "markedjs/marked"];
const FAIL_ONLY_SINCE_V5: [&str; 3] = ["bpmn-io/bpmn-js", "openlayers/openlayers", "eslint/eslint"];

impl Instance {
    /// The reader of its log. v5 goes by the name in the dataset, v4 by the project.
    ///
    /// # Errors
    /// When that release knows none.
    pub fn parser(&self, compat: Compat) -> Result<&'static Parser, Fault> {
        let named = self.log_parser.as_deref().filter(|name| compat == Compat::V5 && !name.is_empty());
        let (found, sought) = match named {
            Some(name) => (Parser::named(name), name),
            None => (Parser::of_repo(&self.repo, compat), &*self.repo),
        };
        found.ok_or_else(|| Fault(format!("no log parser is known for {sought}")))
    }

    /// How its tests are counted.
    ///
    /// # Errors
    /// When the dataset says something else.
    pub fn eval_type(&self, compat: Compat) -> Result<EvalType, Fault> {
        let named = self.eval_type.as_deref().filter(|name| compat == Compat::V5 && !name.is_empty());
        match named {
            Some("pass_and_fail") => Ok(EvalType::PassAndFail),
            Some("fail_only") => Ok(EvalType::FailOnly),
            Some(other) => Err(Fault(format!("{other:?} is no eval_type"))),
            None => {
                let repo = &*self.repo;
                let fail_only = FAIL_ONLY.contains(&repo) || compat == Compat::V5 && FAIL_ONLY_SINCE_V5.contains(&repo);
                Ok(if fail_only { EvalType::FailOnly } else { EvalType::PassAndFail })
            }
        }
    }

    /// What the project is written in, as its reader tells.
    pub fn language(&self) -> Option<Language> {
        self.parser(Compat::V5).ok().map(|parser| parser.language)
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A list of objects, or an object of them.
    Json,
    /// An object on each line.
    JsonLines,
    /// Rows of a parquet file.
    Parquet,
}

/// A row that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct RowError {
    /// `line 3`, `entry 2`, or `the file`.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

impl Format {
    /// By the ending of a file's name, as the harness tells them apart.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1 {
            "json" => Some(Self::Json),
            "jsonl" => Some(Self::JsonLines),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// The objects in a file, each with its place. Empty lines are passed over.
    pub(super) fn values(self, bytes: &[u8]) -> Result<Vec<(String, Value)>, RowError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match self {
            Self::JsonLines => {
                let lines =
                    bytes.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty());
                let parse = |(line, number): (&[u8], usize)| {
                    let place = format!("line {number}");
                    match serde_json::from_slice(line) {
                        Ok(value) => Ok((place, value)),
                        Err(error) => Err(RowError { place, problem: no_json(&error) }),
                    }
                };
                lines.map(parse).collect()
            }
            Self::Parquet => {
                let rows = parquet::rows(bytes).map_err(of_file)?;
                Ok(rows.into_iter().zip(1..).map(|(row, number)| (format!("row {number}"), row)).collect())
            }
            Self::Json => match serde_json::from_slice(bytes) {
                Ok(Value::Array(list)) => {
                    Ok(list.into_iter().zip(1..).map(|(value, at)| (format!("entry {at}"), value)).collect())
                }
                Ok(Value::Object(mut by_id)) => match by_id.remove("rows") {
                    // As the dataset server of its publisher answers.
                    Some(Value::Array(rows)) => Ok(rows.into_iter().zip(1..).map(row_of_answer).collect()),
                    rows => {
                        by_id.extend(rows.map(|rows| ("rows".to_owned(), rows)));
                        Ok(by_id.into_iter().map(|(id, value)| (format!("entry {id:?}"), value)).collect())
                    }
                },
                Ok(other) => Err(of_file(format!("a list or an object is wanted, this is {}", kind(&other)))),
                Err(error) => Err(of_file(no_json(&error))),
            },
        }
    }
}

fn row_of_answer((value, at): (Value, usize)) -> (String, Value) {
    let place = format!("entry {at}");
    match value {
        Value::Object(mut fields) if fields.get("row").is_some_and(Value::is_object) => {
            (place, fields.remove("row").unwrap_or_default())
        }
        other => (place, other),
    }
}

fn of_file(problem: String) -> RowError {
    RowError { place: "the file".to_owned(), problem }
}

fn no_json(error: &serde_json::Error) -> String {
    format!("not JSON: {error}")
}

/// Instances in the order of their file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dataset {
    /// All of them.
    pub instances: Vec<Instance>,
}

impl Dataset {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// When a row is no instance; says which.
    pub fn read(bytes: &[u8], format: Format) -> Result<Self, RowError> {
        let rows = format.values(bytes)?;
        let instance = |(place, value): (String, Value)| instance(value).map_err(|problem| RowError { place, problem });
        Ok(Self { instances: rows.into_iter().map(instance).collect::<Result<_, _>>()? })
    }

    /// One by its id.
    pub fn get(&self, instance_id: &str) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.instance_id == instance_id)
    }
}

fn instance(value: Value) -> Result<Instance, String> {
    let Value::Object(fields) = value else {
        return Err(format!("an instance is an object, this is {}", kind(&value)));
    };
    let mut row = Row(fields);
    let needed =
        |name: &str, value: Option<String>| value.ok_or_else(|| format!("an instance needs `{name}`, a string"));
    Ok(Instance {
        instance_id: needed("instance_id", row.text("instance_id")?)?,
        repo: needed("repo", row.text("repo")?)?,
        version: row.text("version")?.unwrap_or_default(),
        base_commit: row.text("base_commit")?.unwrap_or_default(),
        environment_setup_commit: row.text("environment_setup_commit")?.filter(|commit| !commit.is_empty()),
        patch: row.text("patch")?.unwrap_or_default(),
        test_patch: row.text("test_patch")?.unwrap_or_default(),
        problem_statement: row.text("problem_statement")?.unwrap_or_default(),
        hints_text: row.text("hints_text")?.unwrap_or_default(),
        created_at: row.text("created_at")?.unwrap_or_default(),
        fail_to_pass: row.tests("FAIL_TO_PASS")?,
        pass_to_pass: row.tests("PASS_TO_PASS")?,
        image: row.text("image")?,
        eval_script: row.text("eval_script")?.filter(|script| !script.is_empty()),
        log_parser: row.text("log_parser")?,
        eval_type: row.text("eval_type")?,
        difficulty: row.text("difficulty")?,
        image_assets: row.0.remove("image_assets").filter(|assets| !assets.is_null()),
    })
}

/// The fields of a row, taken out one by one.
struct Row(Map<String, Value>);

impl Row {
    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            // Dates and versions are numbers in some exports.
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(format!("`{name}` is a string, this is {}", kind(&other))),
        }
    }

    /// A list of tests: a list, a string with a JSON list in it, or (in older files, with a name in small letters) one with a Python list.
    fn tests(&mut self, name: &str) -> Result<Vec<String>, String> {
        let small = name.to_ascii_lowercase();
        let value = self.0.remove(name).or_else(|| self.0.remove(&small));
        let strings = |list: Vec<Value>| {
            let string = |value| match value {
                Value::String(test) => Ok(test),
                other => Err(format!("`{name}` is a list of strings, one is {}", kind(&other))),
            };
            list.into_iter().map(string).collect()
        };
        match value {
            Some(Value::Array(list)) => strings(list),
            Some(Value::String(text)) => match serde_json::from_str(&text) {
                Ok(list) => strings(list),
                Err(error) => {
                    literal::strings(&text).ok_or_else(|| format!("`{name}` is a string without a list in it: {error}"))
                }
            },
            Some(other) => Err(format!("`{name}` is a list of strings, this is {}", kind(&other))),
            None => Err(format!("an instance needs `{name}`, a list of strings")),
        }
    }
}

#[cfg(test)]
mod tests;
