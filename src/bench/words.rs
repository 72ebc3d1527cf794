//! What a command's output says in one line: of many lines the one that tells why it failed, and whether what failed is that a program of
//! tests is not here.

use crate::base::text::visible_line;

/// Characters of a line that are shown.
const WIDTH: usize = 300;

/// The output of a preparation that failed, in the directory of what was prepared.
pub(super) const LOG: &str = "preparation.txt";

/// How lines begin that say what went wrong, in small letters; after what draws their frame.
const BEGINNINGS: [&str; 9] =
    ["error:", "error ", "error[", "fatal:", "npm error", "npm err!", "no solution found", "e: ", "panic:"];
/// What such lines have in them.
const PARTS: [&str; 9] = [
    ": command not found",
    ": not found",
    ": no such file or directory",
    ": permission denied",
    "no module named",
    ": error:",
    "error: ",
    "could not ",
    "failed to ",
];

/// Where the output of tests begins and ends in logs as the harness has them.
const BEGIN: &str = ">>>>> Start Test Output";
const END: &str = ">>>>> End Test Output";

/// Programs and modules that run tests, or that these are built with: no case has an agent make one of these.
const RUNNERS: [&str; 53] = [
    "ant",
    "bash",
    "bundle",
    "bun",
    "c++",
    "cargo",
    "cc",
    "clang",
    "clang++",
    "cmake",
    "composer",
    "ctest",
    "deno",
    "dotnet",
    "g++",
    "gcc",
    "git",
    "go",
    "gradle",
    "grunt",
    "java",
    "javac",
    "jest",
    "karma",
    "make",
    "mocha",
    "mvn",
    "ninja",
    "node",
    "nosetests",
    "nose",
    "nox",
    "npm",
    "npx",
    "php",
    "phpunit",
    "pip",
    "pnpm",
    "py.test",
    "pytest",
    "python",
    "python2",
    "python3",
    "rake",
    "rspec",
    "ruby",
    "rustc",
    "tox",
    "tsc",
    "uv",
    "uvx",
    "vitest",
    "yarn",
];

/// The line that tells why a command failed: the first that calls itself an error, else the last that sounds like one (what comes before
/// may have been expected), else the last there is.
pub(super) fn telling(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // A shell that traces says every command, whatever came of it.
    let is_said = |line: &str| !line.starts_with("+ ");
    let at = lines.iter().position(|line| is_said(line) && is_error(line));
    let at = at.or_else(|| lines.iter().rposition(|line| is_said(line) && sounds_so(line)));
    let Some(at) = at.or_else(|| lines.len().checked_sub(1)) else { return "it said nothing".to_owned() };
    let mut line = plain(lines[at]).to_owned();
    // What an error is of may stand below.
    if line.ends_with(':')
        && let Some(next) = lines.get(at + 1)
    {
        line = format!("{line} {}", plain(next));
    }
    visible_line(&line, WIDTH)
}

/// Without what draws a frame around it.
fn plain(line: &str) -> &str {
    line.trim_start_matches(|c: char| c.is_whitespace() || "×╰─▶│├>|".contains(c))
}

fn is_error(line: &str) -> bool {
    let line = plain(line).to_lowercase();
    BEGINNINGS.iter().any(|begin| line.starts_with(begin))
}

fn sounds_so(line: &str) -> bool {
    let line = plain(line).to_lowercase();
    !line.starts_with("warning") && PARTS.iter().any(|part| line.contains(part))
}

/// What tests said, without what their script said before and after.
pub(super) fn of_tests(said: &str) -> &str {
    let Some((_, rest)) = said.split_once(BEGIN) else { return said };
    // Both marks stand in lines of the script's own.
    let rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    let Some((own, _)) = rest.split_once(END) else { return rest };
    own.rfind('\n').map_or("", |end| &own[..=end])
}

/// The line in which a shell or an interpreter says that a program of tests is not here.
pub(super) fn missing_runner(said: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(said);
    let line = of_tests(&said)
        .lines()
        .map(str::trim)
        .find(|line| missing(line).is_some_and(|name| RUNNERS.contains(&name)))?;
    Some(visible_line(line, WIDTH))
}

/// The program or module that a line says is not here.
fn missing(line: &str) -> Option<&str> {
    // bash: `eval.sh: line 12: pytest: command not found`; sh: `sh: 1: pytest: not found`.
    if let Some(rest) = line.strip_suffix(": command not found").or_else(|| line.strip_suffix(": not found")) {
        return rest.rsplit_once(": ").map(|(_, name)| name);
    }
    // `/usr/bin/env: 'pytest': No such file or directory`
    if let Some(rest) = line.strip_suffix(": No such file or directory") {
        let (who, name) = rest.rsplit_once(": ")?;
        return who.ends_with("env").then(|| name.trim_matches(['\'', '\u{2018}', '\u{2019}', '"']));
    }
    // `/venv/bin/python: No module named pytest`; a traceback has the name between quotes, and is the tests' own matter.
    let (who, name) = line.split_once(": No module named ")?;
    let program = who.rsplit('/').next().unwrap_or(who);
    program.starts_with("python").then_some(name)
}

#[cfg(test)]
mod tests;
