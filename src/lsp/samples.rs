//! A session and its changes, for the tests of this face.

use serde_json::json;

use super::state::{Changes, State};
use crate::model::approval::Approval;
use crate::model::diff::{Diff, DiffStat, FileDiff, FileStatus, Hunk};
use crate::model::session::SessionView;

/// A session in review of the repository `/r`, in the worktree `/w/NAME`.
pub(super) fn view(name: &str) -> SessionView {
    serde_json::from_value(json!({
        "id": format!("{name}00000"), "name": name, "prompt": "do it", "agent": "claude", "repository": "/r",
        "worktree": {
            "session": name, "repository": "/r", "common_dir": "/r/.git", "path": format!("/w/{name}"),
            "branch": format!("refs/heads/divisi/{name}/work"), "base": { "label": "main", "commit": "a".repeat(40) },
            "state": "ready", "port": 20000,
        },
        "state": "review", "unread": false, "attention": 2, "turns": 1, "queue": [], "approvals": 0, "policy": "ask",
        "stat": { "files": 1, "added": 1, "removed": 1 }, "usage": crate::model::usage::Usage::default(), "setup": { "state": "none" }, "plan": [],
        "options": [], "commands": [], "created_at": 1, "updated_at": 1, "removed": false,
    }))
    .expect("a sample")
}

/// A hunk at an old line with these lines.
pub(super) fn hunk(id: &str, old_start: u32, new_start: u32, lines: &[&str]) -> Hunk {
    let count =
        |not: char| u32::try_from(lines.iter().filter(|line| !line.starts_with(not)).count()).expect("a sample");
    Hunk {
        id: id.into(),
        old_start,
        old_lines: count('+'),
        new_start,
        new_lines: count('-'),
        heading: String::new(),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        decision: None,
        returned: false,
    }
}

/// Changes of one file.
pub(super) fn changes(path: &str, hunks: Vec<Hunk>) -> Changes {
    let file = FileDiff {
        path: path.to_owned(),
        old_path: None,
        status: FileStatus::Modified,
        binary: false,
        added: 1,
        removed: 1,
        content: None,
        viewed: false,
        hunks,
    };
    Changes {
        diff: Diff { stat: DiffStat { files: 1, added: 1, removed: 1 }, files: vec![file] },
        preflight: None,
        evaluation: None,
        newest: None,
    }
}

/// A state with these sessions, each with its changes.
pub(super) fn state(sessions: Vec<(SessionView, Changes)>) -> State {
    let mut state = State { connected: true, agents: vec!["claude".to_owned()], ..State::default() };
    for (view, changes) in sessions {
        state.changes.insert(view.id.clone(), changes);
        state.sessions.insert(view.id.clone(), view);
    }
    state
}

/// An open request of a session to run a command.
pub(super) fn approval(session: &SessionView, id: &str, command: &str) -> Approval {
    serde_json::from_value(json!({
        "id": id, "session": session.id, "turn": format!("{}.t1", session.id), "job": format!("{}.j1", session.id),
        "key": "1", "kind": "permission", "tool": { "id": "t", "title": command, "kind": "execute", "status": "pending" },
        "command_line": command, "options": [], "state": "open", "asked_at": 5,
    }))
    .expect("a sample")
}
