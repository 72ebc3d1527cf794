//! The whole way: a real Neovim, the real host process, the real daemon, real git and real agents.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

use super::editor::{Editor, OUTER, installed, wait_until, write};
use crate::sessions::scene::{Scene, is_alive};

const LIST: &str = "divisi://sessions";

/// The list without what counts on.
fn without_time(lines: &[String]) -> Vec<String> {
    let counts = |word: &&str| word.strip_suffix('s').is_none_or(|digits| digits.parse::<u32>().is_err());
    lines.iter().map(|line| line.split_whitespace().filter(counts).collect::<Vec<_>>().join(" ")).collect()
}

/// Works until a file named `gate` is in the worktree.
const GATED: &str =
    "echo before; while [ ! -e gate ]; do sleep 0.02; done; rm gate; echo after; printf 'more\\n' >> lines.txt";

const ASKS: &str = "say I ask\nask-permission a Run the tests :: make test\nif-allowed\nedit allowed.txt yes\nend\nif-rejected\nedit rejected.txt no\nend\nsay done";

/// True in Lua while a float is shown.
const FLOAT: &str =
    "vim.iter(vim.api.nvim_list_wins()):any(function(w) return vim.api.nvim_win_get_config(w).relative ~= '' end)";

/// Dropped in this order: the editor ends before its environment is looked at.
pub(super) struct Real {
    pub(super) editor: Editor,
    pub(super) scene: Scene,
}

impl Real {
    async fn open(neovim: &Path) -> Self {
        let mut scene = Scene::new();
        // Neovim's own socket: an editor that is killed leaves it.
        scene.env.tolerate("run/nvim.");
        Self { editor: start(neovim, &scene).await, scene }
    }

    /// Waits until a session is in a state, as Neovim knows it.
    pub(super) async fn state(&self, name: &str, state: &str) {
        let row = format!("require('divisi.mirror').find({name:?})");
        self.editor.until(&format!("{row} ~= nil and {row}.state == {state:?}")).await;
    }

    /// A session with a script for the scripted agent.
    pub(super) async fn scripted(&self, name: &str, script: &str) {
        // Not through a buffer: what the person does meanwhile is what is tested.
        let prompt = format!("#!script\n{script}");
        self.editor
            .lua(&format!(
                "require('divisi').request('session/create', {{ repository = vim.fn.getcwd(), name = {name:?}, agent = 'scripted', prompt = {prompt:?} }}, function() end)"
            ))
            .await;
    }
}

pub(super) async fn start(neovim: &Path, scene: &Scene) -> Editor {
    let mut command = scene.env.command(neovim);
    command.current_dir(&scene.repo);
    Editor::launch(Command::from(command)).await
}

/// Runs a test in every Neovim that is installed.
pub(super) async fn everywhere(test: impl AsyncFn(Real, &Path)) {
    for neovim in installed() {
        let one = async { test(Real::open(&neovim).await, &neovim).await };
        assert!(timeout(OUTER, one).await.is_ok(), "not finished in {}", neovim.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_started_watched_looked_at_continued_landed_and_removed() {
    everywhere(async |Real { editor, scene }, _| {
        let real = Real { editor, scene };
        let (editor, scene) = (&real.editor, &real.scene);
        editor.ex("edit lines.txt").await;
        editor.ex(&format!("Divisi new --name one --agent shell {GATED}")).await;
        editor.ex("Divisi list").await;
        editor.shows(LIST, "running").await;
        // Streamed text comes without a view; the list tells of it all the same.
        editor.shows(LIST, " before").await;
        editor.ex("Divisi show one").await;
        editor.shows("divisi://session/one", "\nbefore").await;
        assert!(!editor.said("divisi://session/one").await.contains(&"after".to_owned()));
        let worktree = scene.worktree("one");
        write(&worktree.join("gate"), "");
        editor.shows("divisi://session/one", "\nafter").await;
        real.state("one", "review").await;
        editor.until("_G.told('one review: 1 file +1 −0')").await;

        // The base on the left, the file of the worktree on the right.
        editor.ex("Divisi diff one").await;
        editor.until("#vim.api.nvim_list_tabpages() == 2 and #vim.api.nvim_tabpage_list_wins(0) == 2").await;
        let sides = editor
            .lua("return vim.tbl_map(function(w) local b = vim.api.nvim_win_get_buf(w) return { vim.api.nvim_buf_get_name(b), vim.api.nvim_buf_line_count(b), vim.wo[w].diff } end, vim.api.nvim_tabpage_list_wins(0))")
            .await;
        assert_eq!(sides, json!([["divisi://base/one/lines.txt", 12, true], [worktree.join("lines.txt"), 13, true]]));
        editor.ex("tabclose").await;

        editor.ex("Divisi send one echo again; echo x > other.txt").await;
        editor.shows("divisi://session/one", "again").await;
        editor.until("require('divisi.mirror').find('one').turns == 2").await;
        real.state("one", "review").await;
        // Two files now: one is chosen.
        editor.will_choose(&["other.txt"]).await;
        editor.ex("Divisi diff one").await;
        editor.until("vim.t.divisi_diff == 'other.txt'").await;
        assert_eq!(editor.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)").await, json!(["x"]));
        editor.ex("tabclose").await;

        editor.ex("Divisi land one").await;
        editor.until("vim.api.nvim_buf_get_name(0) == 'divisi://land/one'").await;
        editor.ex("write").await;
        editor.until("_G.told('one landed')").await;
        real.state("one", "completed").await;
        assert_eq!(scene.env.git(&scene.repo, &["show", "main:other.txt"]), "x");
        // The person's buffer of the file shows what landed.
        editor.shows(&scene.repo.join("lines.txt").display().to_string(), "more").await;
        editor.will_choose(&["Remove"]).await;
        editor.ex("Divisi remove one").await;
        editor.until("next(require('divisi.mirror').sessions) == nil").await;
        wait_until("the worktree is gone", || !worktree.exists()).await;
        editor.assert_calm().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_interrupts_nobody_and_is_answered_when_it_suits() {
    everywhere(async |real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        editor.ex("edit lines.txt").await;
        editor.keys("ihello").await;
        editor.until("vim.api.nvim_get_mode().mode == 'i'").await;
        real.scripted("ask", ASKS).await;
        editor.until(FLOAT).await;
        editor.keys(" there").await;
        editor.until("vim.api.nvim_get_current_line():find('hello there', 1, true) == 1").await;
        assert_eq!(editor.lua("return vim.api.nvim_get_mode().mode").await, "i");
        editor.keys("<Esc>").await;
        editor.ex("Divisi approvals").await;
        editor.shows("divisi://approvals", "make test").await;
        editor.keys("o").await;
        real.state("ask", "review").await;
        assert!(scene.worktree("ask").join("allowed.txt").exists());
        editor.until(&format!("not {FLOAT}")).await;
        assert!(scene.approvals().is_empty());
        editor.ex("Divisi show ask").await;
        editor.shows("divisi://session/ask", "allowed once by nvim").await;
        editor.assert_calm().await;
        scene.discard(&["ask"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_answered_elsewhere_disappears() {
    everywhere(async |real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        real.scripted("ask", ASKS).await;
        editor.until(FLOAT).await;
        let approval = scene.wait_for_approval("ask");
        scene.divisi(&["answer", &approval, "reject"]).ok();
        editor.until(&format!("#require('divisi.mirror').approvals == 0 and not {FLOAT}")).await;
        real.state("ask", "review").await;
        assert!(scene.worktree("ask").join("rejected.txt").exists());
        editor.assert_calm().await;
        scene.discard(&["ask"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_is_stopped_and_a_tab_switched_into_the_worktree() {
    everywhere(async |real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        editor.ex("edit lines.txt").await;
        editor.ex("7").await;
        real.scripted("slow", "say working\nwait-cancel").await;
        editor.ex("Divisi list").await;
        real.state("slow", "running").await;
        editor.ex("Divisi show slow").await;
        editor.shows("divisi://session/slow", "working").await;
        editor.ex("Divisi stop slow").await;
        real.state("slow", "interrupted").await;
        editor.ex("Divisi switch slow").await;
        let worktree = scene.worktree("slow");
        let place = json!([worktree, worktree.join("lines.txt"), 7, 2]);
        let here = "{ vim.fn.getcwd(), vim.api.nvim_buf_get_name(0), vim.fn.line('.'), #vim.api.nvim_list_tabpages() }";
        assert_eq!(editor.lua(&format!("return {here}")).await, place);
        editor.ex("Divisi switch").await;
        let place = json!([scene.repo, scene.repo.join("lines.txt"), 7, 2]);
        assert_eq!(editor.lua(&format!("return {here}")).await, place);
        editor.assert_calm().await;
        scene.discard(&["slow"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_neovim_changes_nothing_for_the_agent() {
    everywhere(async |Real { editor, scene }, neovim| {
        editor.ex(&format!("Divisi new --name one --agent shell {GATED}")).await;
        editor.ex("Divisi list").await;
        editor.shows(LIST, "running").await;
        editor.ex("Divisi show one").await;
        editor.shows("divisi://session/one", "\nbefore").await;
        editor.until("require('divisi.mirror').find('one').activity == 'before'").await;
        let daemon = scene.daemon_pid();
        let (list, said) = (without_time(&editor.lines(LIST).await), editor.lines("divisi://session/one").await);
        editor.kill().await;
        let editor = start(neovim, &scene).await;
        let begin = Instant::now();
        editor.ex("Divisi show one").await;
        editor.ex("Divisi list").await;
        editor.shows("divisi://session/one", "\nbefore").await;
        editor.shows(LIST, " before").await;
        let took = begin.elapsed();
        println!("the same state {} ms after attach", took.as_millis());
        // The promise is 200 ms with the machine to itself, which `tests/bench` looks after. How much of it there is now a command says.
        let begin = Instant::now();
        scene.env.divisi(&["list"]).ok();
        let command = begin.elapsed();
        assert!(took < Duration::from_secs(2) + 20 * command, "{took:?}, and a command {command:?}");
        assert_eq!((without_time(&editor.lines(LIST).await), editor.lines("divisi://session/one").await), (list, said));
        assert_eq!((scene.state("one"), scene.daemon_pid()), ("running".to_owned(), daemon));
        write(&scene.worktree("one").join("gate"), "");
        editor.shows("divisi://session/one", "\nafter").await;
        assert_eq!(scene.spoken("one"), "before\nafter\n");
        editor.assert_calm().await;
        scene.wait_for("one", &["review"]);
        scene.discard(&["one"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_is_killed_is_replaced_and_the_agents_have_gone_on() {
    everywhere(async |real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        editor.ex(&format!("Divisi new --name one --agent shell {GATED}")).await;
        real.scripted("ask", ASKS).await;
        editor.until(FLOAT).await;
        editor.ex("Divisi show one").await;
        editor.shows("divisi://session/one", "\nbefore").await;
        let (daemon, worktree) = (scene.daemon_pid(), scene.worktree("one"));
        editor.lua("vim.api.nvim_create_autocmd('User', { pattern = 'DivisiAttached', callback = function() _G.again = true end })").await;
        crate::sessions::scene::kill(daemon);
        write(&worktree.join("gate"), "");
        // Nobody asks for it: the editor alone sees to it.
        editor.until("_G.again").await;
        let next = scene.daemon_pid();
        assert!(next != daemon && is_alive(next));
        editor.shows("divisi://session/one", "\nafter").await;
        real.state("one", "review").await;
        let said = editor.said("divisi://session/one").await;
        assert_eq!(said.iter().filter(|line| ["before", "after"].contains(&line.as_str())).count(), 2, "{said:?}");
        editor.ex("Divisi approvals").await;
        editor.keys("o").await;
        real.state("ask", "review").await;
        assert!(scene.worktree("ask").join("allowed.txt").exists());
        editor.assert_calm().await;
        scene.discard(&["one", "ask"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_was_told_to_stop_comes_back_with_the_next_command_only() {
    everywhere(async |real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        editor.ex("Divisi new --name one --agent shell echo hi > there.txt").await;
        editor.ex("Divisi list").await;
        real.state("one", "review").await;
        scene.env.divisi(&["daemon", "stop"]).ok();
        editor.until("require('divisi.mirror').connection.state == 'lost'").await;
        // It tries at 50, 150, 350 and 750 ms: two attempts later there still is none.
        let begin = Instant::now();
        wait_until("some attempts were made", || begin.elapsed() > Duration::from_millis(500)).await;
        assert!(!scene.env.path("run/divisi.sock").exists());
        editor.ex("Divisi send one echo again").await;
        editor.until("_G.told('sent to one')").await;
        editor.until("require('divisi.mirror').find('one').turns == 2").await;
        real.state("one", "review").await;
        editor.assert_calm().await;
        scene.discard(&["one"]);
    })
    .await;
}
