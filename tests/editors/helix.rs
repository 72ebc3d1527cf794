//! A person's whole way in Helix: start, watch, answer, review, land, and leave.

use super::hx::Helix;
use super::stage::{SCRIPT, comes_to_hold, scene};
use crate::lsp::client::{Editor, Manner};
use crate::support::skip::helix;

/// The test of this name's Helix.
macro_rules! program {
    ($test:literal) => {
        match helix(concat!("editors::helix::", $test)) {
            Some(program) => program,
            None => return,
        }
    };
}

#[test]
fn a_session_is_started_watched_answered_reviewed_and_landed_in_helix() {
    let program = program!("a_session_is_started_watched_answered_reviewed_and_landed_in_helix");
    let scene = scene();
    let mut hx = Helix::open(&scene, &program, "notes.md");

    // Start: a prompt is written in a buffer.
    hx.choose("divisi: new session ...");
    hx.sees("Everything below this line is sent");
    hx.keys(&format!("o{}", SCRIPT.join("\r")));
    hx.sees("line 11 :: elf");
    hx.escape("INS");
    hx.command("w");
    hx.sees("written");
    hx.choose("Send this");
    hx.sees("script asks: make test");

    // Watch.
    hx.ask("divisi.transcript \"script\"");
    hx.sees("session-script.md");
    hx.sees("I begin");

    // Answer: the list of diagnostics leads to the question.
    hx.goes_to_diagnostic("approval");
    hx.sees("asks: `make test`");
    hx.choose("Allow once: make test");
    hx.sees("script: to review");

    // Review: one hunk is rejected in the view, the other accepted in the file.
    hx.ask("divisi.review");
    hx.sees("0 of 2 hunks decided");
    hx.keys("/elf\r");
    hx.choose("Reject the hunk of script");
    comes_to_hold(&scene, "script", "line 11");
    hx.goes_to_diagnostic("1/1");
    hx.sees("script wants +1 -1 here");
    hx.choose("Accept the hunk of script");
    hx.sees_no("script wants");

    // Land.
    hx.ask("divisi.land");
    hx.sees("landing script: completed (:reload-all shows it)");
    hx.command("reload-all");
    hx.sees("zwei");
    assert_eq!(scene.env.git(&scene.repo, &["show", "main:notes.md"]).lines().nth(2), Some("zwei"));
    hx.sees("line 11");
    // Nothing of all this is an unsaved buffer.
    hx.quits();
    assert_eq!(scene.env.git(&scene.repo, &["status", "--porcelain"]), "");
    scene.discard(&["script"]);
}

#[test]
fn a_view_that_helix_did_not_read_again_is_still_about_the_hunks_it_shows() {
    let program = program!("a_view_that_helix_did_not_read_again_is_still_about_the_hunks_it_shows");
    let scene = scene();
    scene.shell("one", "sed -i 's/^line 2$/zwei/; s/^line 11$/elf/' notes.md").ok();
    let mut hx = Helix::open(&scene, &program, "notes.md");
    hx.ask("divisi.review");
    hx.sees("0 of 2 hunks decided");
    // Its lines are other ones from here on, but not in Helix.
    let mut other = Editor::open(&scene, Manner::bare());
    other.open_file(&scene.repo.join("notes.md"));
    other.until("hunks", |other| other.diagnostics.len() == 1);
    other.choose(&scene.repo.join("notes.md"), 2, "Reject the hunk of one");
    comes_to_hold(&scene, "one", "line 2\n");
    hx.keys("/\\+elf\r");
    hx.choose("Reject the hunk of one");
    comes_to_hold(&scene, "one", "line 11");
    hx.ask("divisi.review");
    hx.sees("`:reload` shows what this view says now");
    hx.command("reload");
    hx.sees("0 files, +0 -0");
    // Where somebody wrote into a view nobody knows what its lines are about.
    hx.keys("ggOmine");
    hx.escape("INS");
    hx.keys(" a");
    hx.sees("divisi: sessions");
    assert!(!hx.text().contains("one: transcript"), "{}", hx.text());
    hx.escape("divisi: sessions");
    hx.command("reload");
    hx.sees_no("mine");
    hx.quits();
    scene.discard(&["one"]);
}

#[test]
fn a_prompt_that_was_sent_is_not_sent_again_and_the_next_one_is_written_elsewhere() {
    let program = program!("a_prompt_that_was_sent_is_not_sent_again_and_the_next_one_is_written_elsewhere");
    let scene = scene();
    let mut hx = Helix::open(&scene, &program, "notes.md");
    hx.ask(r##"divisi.new {"name": "first", "prompt": "#!script\nsay hello\nfail-prompt 7 no more credit"}"##);
    hx.sees("first: failed: no more credit");
    hx.ask("divisi.prompt");
    hx.sees("# New session");
    hx.keys("o#!script\rsay hi");
    hx.escape("INS");
    hx.choose("Send this");
    hx.sees("its buffer is not saved: `:bc!` closes it");
    hx.sees("script: ");
    hx.keys(" a");
    hx.sees("divisi: sessions");
    assert!(!hx.text().contains("Send this"), "{}", hx.text());
    hx.escape("divisi: sessions");
    hx.ask("divisi.prompt");
    hx.sees("prompt-2.md");
    hx.sees_no("say hi");
    hx.command("buffer-previous");
    hx.sees("say hi");
    hx.command("bc!");
    hx.sees("prompt-2.md");
    hx.quits();
    let views = scene.repo.join(".git/divisi/views");
    assert!(!views.join("prompt.md").exists() && views.join("prompt-2.md").exists());
    scene.discard(&["first", "script"]);
}
