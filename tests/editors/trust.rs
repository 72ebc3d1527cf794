//! VS Code in a workspace that nobody trusts: what is in it chooses no program.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::code::{Code, ROW};
use crate::sessions::scene::{DEADLINE, Scene};
use crate::support::wait_until;

#[test]
fn a_workspace_that_is_not_trusted_chooses_no_program() {
    let Some(tools) = Code::tools("editors::trust::a_workspace_that_is_not_trusted_chooses_no_program") else {
        return;
    };
    let scene = Scene::new();
    scene.shell("quiet", "sed -i 's/^line 2$/zwei/' lines.txt").ok();
    let mark = scene.env.path("started");
    let program = scene.env.write("repo/program", format!("#!/bin/sh\necho \"$@\" >> '{}'\n", mark.display()));
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a file of ours");
    scene.env.write("repo/.vscode/settings.json", json!({ "divisi.path": program }).to_string());
    let trust = json!({
        "security.workspace.trust.enabled": true, "security.workspace.trust.startupPrompt": "never",
        "security.workspace.trust.banner": "never",
    });
    let mut code = Code::open_with(&scene, &tools, "trust", trust);
    code.see("[id=\"status.workspaceTrust\"]", "Restricted Mode");
    // The person's own program works here: sessions can be watched.
    code.command("divisi: Show Sessions");
    code.see(ROW, "quiet");
    code.shot("1-restricted");
    assert!(!mark.exists(), "the workspace's program was started");

    // Who trusts it gets what its settings say.
    code.command("Workspaces: Manage Workspace Trust");
    code.click(".workspace-trust-editor .monaco-button", "Trust");
    wait_until(DEADLINE, "the workspace's program is started", || mark.exists());
    code.shot("2-trusted");
    drop(code);
    scene.discard(&["quiet"]);
}
