//! The small project that `divisi try` is about, and the three tasks in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::cli::Scratch;
use crate::model::Refusal;
use crate::model::command::CreateSession;

/// The project's name: the last part of its directory.
pub(super) const NAME: &str = "tally";

/// The session whose diff is shown, and that is landed.
pub(super) const LANDED: &str = "word-count";

/// What is said of that in the history.
pub(super) const MESSAGE: &str = "Count the last word of a file without a final newline";

/// A file of the project: its path, its text, whether it is a program.
type File = (&'static str, &'static str, bool);

/// The commits, oldest first: a subject, and the files it brings.
const COMMITS: [(&str, &[File]); 3] = [
    (
        "Count words with awk",
        &[
            ("README.md", include_str!("project/README.md"), false),
            ("lib/count.awk", include_str!("project/lib/count.awk"), false),
        ],
    ),
    (
        "Count and report in shell",
        &[
            ("bin/tally", include_str!("project/bin/tally"), true),
            ("lib/count.sh", include_str!("project/lib/count.sh"), false),
            ("lib/report.sh", include_str!("project/lib/report.sh"), false),
        ],
    ),
    ("Check the counting", &[("tests/check", include_str!("project/tests/check"), true)]),
];

/// A task: the session's name, its agent, what it is asked to do, and what plays it.
struct Task {
    name: &'static str,
    agent: &'static str,
    prompt: &'static str,
    script: Option<&'static str>,
}

const TASKS: [Task; 3] = [
    Task {
        name: LANDED,
        agent: "scripted",
        prompt: "tally misses the last word of a file without a final newline: fix it, test it",
        script: Some(include_str!("scripts/word-count.script")),
    },
    Task {
        name: "help-option",
        agent: "scripted",
        prompt: "give tally a --help option and document it",
        script: Some(include_str!("scripts/help-option.script")),
    },
    Task { name: "licence-lines", agent: "shell", prompt: include_str!("scripts/licence-lines.sh"), script: None },
];

/// Makes the repository; returns how many commits it has.
pub(super) fn build(dir: &Path, scratch: &Scratch) -> Result<usize, Refusal> {
    (scratch.init)(dir)?;
    for (subject, files) in COMMITS {
        for (path, text, program) in files {
            write(&dir.join(path), text, *program).map_err(|error| {
                Refusal::environment(format!("failed to write {path} in {}: {error}", dir.display()))
            })?;
        }
        (scratch.commit)(dir, subject)?;
    }
    Ok(COMMITS.len())
}

fn write(file: &Path, text: &str, program: bool) -> std::io::Result<()> {
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(file, text)?;
    if program { fs::set_permissions(file, fs::Permissions::from_mode(0o755)) } else { Ok(()) }
}

/// What is asked of the daemon.
pub(super) fn sessions(repository: &str) -> Vec<CreateSession> {
    let variable = |script: &str| ("AGENT_SCRIPT".to_owned(), script.to_owned());
    let session = |task: &Task| CreateSession {
        from: None,
        repository: repository.to_owned(),
        prompt: task.prompt.trim_end().to_owned(),
        base: None,
        name: Some(task.name.to_owned()),
        agent: Some(task.agent.to_owned()),
        model: None,
        mode: None,
        pass: Vec::new(),
        caller: BTreeMap::new(),
        profile: None,
        environment: task.script.map(variable).into_iter().collect::<BTreeMap<_, _>>(),
        policy: Some(crate::model::approval::ApprovalPolicy::Ask),
        on_daemon_death: None,
        attach: Vec::new(),
        silence_sec: None,
    };
    TASKS.iter().map(session).collect()
}
