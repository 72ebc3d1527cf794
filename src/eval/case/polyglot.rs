//! Exercises of Exercism's tracks as aider's polyglot benchmark uses them: `<language>/exercises/practice/<name>/`, with
//! `.meta/config.json` naming the solution, the tests and the reference.

use std::time::Duration;

use serde::Deserialize;

use super::{Case, File, Files, Grading, Limits, Reference, Source, is_inside};

/// Languages that are known, with the command that tests an exercise. The commands are those the benchmark documents.
const LANGUAGES: [(&str, &str); 5] = [
    ("cpp", "mkdir -p build && cd build && cmake -DEXERCISM_RUN_ALL_TESTS=1 -G 'Unix Makefiles' .. && make"),
    ("go", "GOTOOLCHAIN=local GOFLAGS=-mod=mod go test ./..."),
    (
        "javascript",
        "if [ ! -e node_modules ] && [ -n \"$NODE_MODULES\" ]; then ln -s \"$NODE_MODULES\" node_modules; fi\n\
         for spec in *.spec.js; do sed 's/\\bxtest(/test(/g' \"$spec\" >\"$spec.all\" && mv \"$spec.all\" \"$spec\"; done\n\
         npx --no-install jest ./*",
    ),
    ("python", "${PYTHON:-python3} -m pytest -q -p no:cacheprovider"),
    ("rust", "cargo test -- --include-ignored"),
];

/// What is said after the exercise's own text.
const ADDENDUM: &str = "\n\n---\nUse the instructions above to change the files listed below. Keep the names of functions, classes and files: \
                        the tests, which are not to be changed, rely on them. Use only what the language brings along.\n\nFiles: ";

#[derive(Deserialize)]
struct Config {
    files: Named,
}

#[derive(Deserialize)]
struct Named {
    solution: Vec<String>,
    test: Vec<String>,
    #[serde(default)]
    example: Vec<String>,
    #[serde(default)]
    exemplar: Vec<String>,
}

/// Whether a track's directory name is that of a language that can be run.
pub fn is_known(language: &str) -> bool {
    LANGUAGES.iter().any(|(known, _)| *known == language)
}

/// The case of an exercise from all its files.
///
/// # Errors
/// When the language is not known, or the exercise's configuration is missing, malformed, or names files that are not there.
pub fn case(language: &str, name: &str, files: &Files) -> Result<Case, String> {
    let (_, test) = LANGUAGES
        .iter()
        .find(|(known, _)| *known == language)
        .ok_or_else(|| format!("exercises in {language} cannot be run"))?;
    let config = files.get(".meta/config.json").ok_or(".meta/config.json is missing")?;
    let config: Config =
        serde_json::from_slice(&config.bytes).map_err(|error| format!(".meta/config.json cannot be read: {error}"))?;
    let named = config.files;
    if let Some(odd) = named.solution.iter().chain(&named.test).find(|path| !is_inside(path)) {
        return Err(format!(".meta/config.json names a file outside of the exercise: {odd}"));
    }
    let solution: Vec<String> = named.solution.iter().filter(|path| *path != "CMakeLists.txt").cloned().collect();
    let mut prompt = String::new();
    for part in ["introduction.md", "instructions.md", "instructions.append.md"] {
        if let Some(file) = files.get(&format!(".docs/{part}")) {
            prompt.push_str(&String::from_utf8_lossy(&file.bytes));
            prompt.push('\n');
        }
    }
    if prompt.trim().is_empty() {
        return Err(".docs has no instructions".to_owned());
    }
    prompt.push_str(ADDENDUM);
    prompt.push_str(&solution.join(", "));
    // What resolves it lies beside it: the agent never sees these.
    let source: Files = files
        .iter()
        .filter(|(path, _)| !path.starts_with(".meta/") && !path.starts_with(".docs/"))
        .map(|(path, file)| (path.clone(), file.clone()))
        .collect();
    Ok(Case {
        id: format!("{language}/{name}"),
        group: language.to_owned(),
        reference: reference(language, &named, files).map(Reference::Files),
        source: Source::Files(source),
        prompt,
        follow_ups: Vec::new(),
        environment: None,
        setup: None,
        test: (*test).to_owned(),
        variables: Vec::new(),
        grading: Grading::ExitCode,
        restore: named.test,
        carry: solution,
        hidden: Files::new(),
        expected_files: Vec::new(),
        iterations: 2,
        limits: Limits { test: Duration::from_secs(180), ..Limits::default() },
    })
}

/// The track's reference in the places of the solution's files.
fn reference(language: &str, named: &Named, files: &Files) -> Option<Files> {
    let examples: Vec<&String> = named.example.iter().chain(&named.exemplar).collect();
    let mut placed = Files::new();
    let mut place = |to: &str, from: &str| {
        let file = files.get(from).map(|file| File { bytes: file.bytes.clone(), executable: false });
        placed.extend(file.map(|file| (to.to_owned(), file)));
    };
    match language {
        "cpp" => {
            for example in &examples {
                let suffix = example.rsplit('.').next();
                for target in named.solution.iter().filter(|path| path.rsplit('.').next() == suffix) {
                    place(target, example);
                }
            }
        }
        "rust" => {
            place("src/lib.rs", examples.first()?);
            place("Cargo.toml", ".meta/Cargo-example.toml");
        }
        "go" => {
            let target = named.solution.iter().find(|path| path.rsplit('.').next() == Some("go"))?;
            for example in &examples {
                place(target, example);
            }
        }
        _ => place(named.solution.first()?, examples.first()?),
    }
    (!placed.is_empty()).then_some(placed)
}

#[cfg(test)]
mod tests;
