//! The real Claude Code in its own interface and a real Neovim that shows its worktree: what is selected reaches the model, and what
//! it wants to write is decided in the editor.

use tokio::process::Command;
use tokio::time::timeout;

use super::agents::CLAUDE;
use super::terminals::{House, NAME};
use crate::nvim::editor::{Editor, OUTER};
use crate::support::{NvimEnd, nvim, wait_until};

const TEST: &str = "claude_finds_the_editor";

const IN_PROPOSAL: &str = "vim.api.nvim_buf_get_name(0):find('divisi://proposal/', 1, true) == 1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claude_finds_the_editor_reads_what_is_selected_and_writes_what_is_accepted() {
    let Some(neovim) = nvim(NvimEnd::New, TEST) else { return };
    let Some(mut house) = House::new(TEST, &CLAUDE) else { return };
    house.scene.env.tolerate("run/nvim.");
    let played = async {
        let scene = &house.scene;
        scene.divisi(&["new", "--name", NAME, "--agent", "claude-tui", "--mode", "default", "please @@text"]).ok();
        scene.wait_for(NAME, &["completed"]);
        std::fs::write(house.file("words.txt"), "the word is wolpertinger\nand no other\n").unwrap();
        let mut command = scene.env.command(&neovim);
        command.current_dir(scene.worktree(NAME));
        let editor = Editor::launch(Command::from(command)).await;
        editor.attach().await;
        editor.ex("edit words.txt").await;
        let row = format!("require('divisi.mirror').find({NAME:?})");
        editor.until(&format!("{row} ~= nil and require('divisi.editor').listens({row}.id)")).await;
        let mut person = house.look();
        person.until("Just text, no tools.");
        editor.keys("V").await;
        person.until("1 line selected");
        scene.divisi(&["send", NAME, "please @@recall=wolpertinger"]).ok();
        person.until("I remember that.");
        house.ended(2, &["review"]);
        editor.keys("<Esc>").await;

        // Changed and accepted in the editor: the agent writes what the person made of it.
        scene.divisi(&["send", NAME, &format!("please @@write={}", house.file("new.txt").display())]).ok();
        editor.until("require('divisi.ui.proposal').count() == 1").await;
        editor.ex("Divisi proposal").await;
        editor.until(IN_PROPOSAL).await;
        assert_eq!(editor.lua("return vim.fn.getline(1)").await, "hello from the fake model");
        editor.keys("A, a person<Esc>").await;
        editor.until("vim.bo.modified").await;
        editor.ex("write").await;
        house.ended(3, &["review"]);
        assert_eq!(std::fs::read_to_string(house.file("new.txt")).unwrap(), "hello from the fake model, a person\n");

        // Rejected in the editor: nothing is written, and the turn is over.
        scene.divisi(&["send", NAME, &format!("please @@write={}", house.file("never.txt").display())]).ok();
        editor.until("require('divisi.ui.proposal').count() == 1").await;
        editor.ex("Divisi proposal").await;
        editor.until(IN_PROPOSAL).await;
        editor.keys("\\x").await;
        house.ended(4, &["review"]);
        assert!(!house.file("never.txt").exists());

        // Answered in the terminal: the editor's question goes by itself.
        scene.divisi(&["send", NAME, &format!("please @@write={}", house.file("typed.txt").display())]).ok();
        editor.until("require('divisi.ui.proposal').count() == 1").await;
        house.allow(&mut person);
        house.ended(5, &["review"]);
        editor.until("require('divisi.ui.proposal').count() == 0").await;
        wait_until(OUTER, "the file is there", || house.file("typed.txt").exists());
        editor.assert_calm().await;
        scene.discard(&[NAME]);
    };
    assert!(timeout(OUTER * 2, played).await.is_ok(), "not finished");
}
