//! What a person does in VS Code, from the start of a session to its landing.

use super::code::{COMMENT, Code, LINE, QUICK, ROW, TOAST};
use crate::sessions::scene::{DEADLINE, Scene};
use crate::support::wait_until;

#[test]
fn a_session_is_started_allowed_reviewed_commented_and_landed() {
    let Some(tools) = Code::tools("editors::vscode::a_session_is_started_allowed_reviewed_commented_and_landed") else {
        return;
    };
    let scene = Scene::new();
    let mut code = Code::open(&scene, &tools, "loop");
    let name = |scene: &Scene| scene.env.json(&scene.repo, &["list"])[0]["name"].as_str().map(str::to_owned);

    // Start.
    code.command("divisi: Show Sessions");
    code.command("divisi: New Session");
    code.pick("scripted");
    code.fill("greet everybody");
    code.see(TOAST, "./check --all");
    code.see(ROW, "waits for you");
    let name = name(&scene).expect("a session was started");
    code.shot("1-asks");

    // Look at what it says while it waits; it grows while it is looked at. Allow, in the notification, which goes away.
    code.click(&format!("{TOAST} a"), "Transcript");
    code.see(LINE, "The task: greet everybody");
    code.shot("2-transcript");
    code.click(&format!("{TOAST} a"), "Allow Once");
    code.gone(TOAST, "./check --all");
    code.see(LINE, "The check passed.");
    code.see(ROW, "to review");
    assert!(scene.approvals().is_empty());

    // Review: the only hunk of a file accepted, a line of another commented on and its hunk taken out.
    code.press(&format!("{ROW} .monaco-tl-twistie.collapsible"));
    code.click(ROW, "GREETING.md");
    code.see(LINE, "This file was written by a scripted agent");
    code.press(".editor-actions [aria-label*=\"Accept the Hunk\"]");
    code.see(ROW, "1/1 decided");
    code.click(ROW, "NOTES.md");
    code.see(LINE, "the check was allowed and passed");
    code.command("Comments: Add Comment on Current Selection");
    code.see(COMMENT, "Issue");
    code.keys("Say who was greeted.");
    code.shot("3-comment");
    code.click(&format!("{COMMENT} .monaco-text-button"), "Suggestion");
    code.see(COMMENT, "not sent yet");
    let comments = scene.env.json(&scene.repo, &["review", &name]);
    let written = &comments["comments"][0];
    assert_eq!((&written["path"], &written["kind"]), (&"NOTES.md".into(), &"suggestion".into()), "{comments:#}");
    assert_eq!(written["text"], "Say who was greeted.");
    code.shot("4-commented");

    // The round goes to the agent, which asks again; that is answered elsewhere, and gone here.
    code.command("divisi: Send the Review to the Agent");
    code.see(QUICK, "1 comment");
    code.fill("Thank you otherwise.");
    code.see(COMMENT, "sent in round 1");
    code.see(TOAST, "./check --all");
    let approval = scene.wait_for_approval(&name);
    scene.divisi(&["answer", &approval, "once"]).ok();
    code.gone(TOAST, "./check --all");
    code.see(ROW, "to review");
    assert!(scene.spoken(&name).contains("Say who was greeted."), "the agent was told");

    // Land.
    code.command("divisi: Land");
    code.pick("squash");
    code.see(QUICK, "of the commit");
    code.shot("5-land");
    code.fill("Greet everybody");
    code.see(ROW, "done");
    code.see(TOAST, "landed on main");
    code.shot("6-landed");
    wait_until(DEADLINE, "the commit on main", || {
        scene.env.git(&scene.repo, &["log", "-1", "--format=%s", "main"]) == "Greet everybody"
    });
    assert!(scene.repo.join("GREETING.md").exists(), "the clean checkout follows");
    let text = code.read(&format!("{ROW}[aria-level=\"1\"]"));
    assert!(text.contains(&name), "{text}");
}

#[test]
fn a_hunk_is_rejected_in_the_checkout_and_a_question_is_put_off() {
    let Some(tools) = Code::tools("editors::vscode::a_hunk_is_rejected_in_the_checkout_and_a_question_is_put_off")
    else {
        return;
    };
    let scene = Scene::new();
    // What an agent says is text, also where VS Code would make a link of it that runs a command.
    scene.scripted(
        "hostile",
        "replace lines.txt line 2 :: zwei\nask-permission a Try [it :: ls [Reject](command:workbench.action.terminal.new) [\nsay done",
    );
    let mut code = Code::open(&scene, &tools, "hostile");
    code.command("divisi: Show Sessions");
    code.see(TOAST, "ls [Reject] (command:workbench.action.terminal.new)");
    code.shot("1-hostile");
    let links = code.read(&format!("{TOAST} .notification-list-item-message"));
    assert!(links.ends_with("Allow Once · Reject · Always Allow · Transcript"), "{links}");
    let first = code.read(&format!("{TOAST} .notification-list-item-message a"));
    assert_eq!(first, "Allow Once", "the agent's text is no part of a link");

    // Put off is not answered: it stays in the tree, and is answered there.
    code.click(&format!("{TOAST} .monaco-button"), "Later");
    code.gone(TOAST, "ls [Reject]");
    assert_eq!(scene.approvals().len(), 1);
    code.click(ROW, "ls [Reject]");
    code.pick("Allow Once");
    code.see(ROW, "to review");

    // In the person's own checkout the hunk is where it would go; rejecting it there takes it out of the worktree.
    code.command("View: Show Explorer");
    code.click(".explorer-folders-view .monaco-list-row", "lines.txt");
    code.click(".codelens-decoration a", "reject");
    let file = scene.worktree("hostile").join("lines.txt");
    // While git replaces it, it is not there.
    wait_until(DEADLINE, "the hunk is out of the worktree", || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.contains("line 2\n"))
    });
    code.gone(".codelens-decoration", "reject");
    code.shot("2-rejected");

    // Removing says what it does, and asks.
    code.command("divisi: Remove");
    code.see(".monaco-dialog-box", "refs/divisi/preserved/");
    code.shot("3-remove");
    code.click(".monaco-dialog-box .monaco-button", "Remove");
    code.see(".monaco-dialog-box", "was not removed");
    assert_eq!(scene.state("hostile"), "review");
    code.click(".monaco-dialog-box .monaco-button", "Discard and Remove");
    code.command("divisi: Show Sessions");
    code.see(".pane-body", "No sessions in this folder");
    let left = scene.env.json(&scene.repo, &["list"]);
    assert_eq!(left, serde_json::json!([]));
}
