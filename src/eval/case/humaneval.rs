//! `HumanEvalFix`: functions with a planted bug, from the `humanevalpack` files of octopack, one JSON object per line.

use std::time::Duration;

use serde::Deserialize;

use super::{Case, File, Files, Grading, Limits, Reference, Source};

/// How a language's cases are laid out and run.
struct Layout {
    /// How `task_id` begins.
    language: &'static str,
    /// The file the agent repairs.
    file: &'static str,
    /// The file of the tests.
    test: &'static str,
    /// The command.
    run: &'static str,
}

const LAYOUTS: [Layout; 4] = [
    Layout {
        language: "Python",
        file: "solution.py",
        test: "hidden.py",
        run: "cat solution.py hidden.py >case.py && ${PYTHON:-python3} case.py",
    },
    Layout {
        language: "JavaScript",
        file: "solution.js",
        test: "hidden.js",
        // `console.assert` only prints: what it prints is the verdict.
        run: "cat solution.js hidden.js >case.js && node case.js >said 2>&1; code=$?; cat said; \
              [ $code -eq 0 ] && ! grep -q 'Assertion failed' said",
    },
    Layout {
        language: "Rust",
        file: "solution.rs",
        test: "hidden.rs",
        run: "{ printf '#![allow(warnings)]\\nfn main(){}\\n'; cat solution.rs hidden.rs; } >case.rs && \
              rustc --edition 2021 --test -o case case.rs && ./case",
    },
    Layout {
        language: "CPP",
        file: "solution.cpp",
        test: "hidden.cpp",
        run: "cat solution.cpp hidden.cpp >case.cpp && g++ -std=c++17 -o case case.cpp && ./case",
    },
];

#[derive(Deserialize)]
struct Row {
    task_id: String,
    prompt: String,
    #[serde(default)]
    declaration: String,
    canonical_solution: String,
    buggy_solution: String,
    test: String,
    #[serde(default)]
    instruction: String,
}

/// The case of one line.
///
/// # Errors
/// When the line is not such an object, or its language cannot be run.
pub fn case(line: &str) -> Result<Case, String> {
    let row: Row = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let (language, number) = row.task_id.split_once('/').ok_or_else(|| format!("odd task_id: {}", row.task_id))?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("odd task_id: {}", row.task_id));
    }
    let layout = LAYOUTS
        .iter()
        .find(|layout| layout.language == language)
        .ok_or_else(|| format!("cases in {language} cannot be run"))?;
    let head = if language == "Rust" { without_crates(&row.declaration) } else { row.prompt };
    let file = |body: &str| [(layout.file.to_owned(), File::from(format!("{head}{body}\n")))].into();
    let task =
        if row.instruction.trim().is_empty() { String::new() } else { format!("\n\n{}", row.instruction.trim()) };
    Ok(Case {
        id: format!("{}/{number}", language.to_lowercase()),
        group: language.to_lowercase(),
        prompt: format!("The function in {} has a bug. Repair it, and change nothing else.{task}", layout.file),
        source: Source::Files(file(&row.buggy_solution)),
        reference: Some(Reference::Files(file(&row.canonical_solution))),
        follow_ups: Vec::new(),
        environment: None,
        setup: None,
        test: layout.run.to_owned(),
        variables: Vec::new(),
        grading: Grading::ExitCode,
        restore: Vec::new(),
        carry: vec![layout.file.to_owned()],
        hidden: Files::from([(layout.test.to_owned(), File::from(row.test))]),
        expected_files: Vec::new(),
        iterations: 1,
        limits: Limits { test: Duration::from_secs(60), ..Limits::default() },
    })
}

/// Crates that the declarations name and no case needs.
fn without_crates(declaration: &str) -> String {
    declaration
        .replace("use rand::Rng;", "")
        .replace("use regex::Regex;", "")
        .replace("use md5;", "")
        .replace(", ascii::AsciiExt", "")
}

#[cfg(test)]
mod tests;
