//! A review in a real Neovim, with the real daemon, real git and the scripted agent.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use super::editor::{Editor, OUTER, installed, wait_until};
use crate::sessions::scene::Scene;

/// Changes three places of a file of sixty lines and makes another file; the answer to a round changes a fourth place.
const SCRIPT: &str = "on-turn 1\nreplace long.txt row 5. :: ROW 5.\nreplace long.txt row 25. :: ROW 25.\nreplace long.txt row 50. :: ROW 50.\n\
    edit new.txt fresh\non-turn 2\nreplace long.txt row 40. :: FORTY";

/// The state of the review of the current tab.
const DATA: &str = "require('divisi.ui.review').current().data";

struct Review {
    editor: Editor,
    scene: Scene,
}

impl Review {
    async fn open(neovim: &Path) -> Self {
        let mut scene = Scene::new();
        scene.env.tolerate("run/nvim.");
        let rows = (1..=60).map(|number| format!("row {number}.\n")).collect::<Vec<_>>().concat();
        scene.env.write("repo/long.txt", rows);
        scene.env.git(&scene.repo, &["add", "--all"]);
        scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Add rows"]);
        let variable = format!("AGENT_SCRIPT={SCRIPT}");
        scene.divisi(&["new", "--name", "one", "--agent", "scripted", "--env", &variable, "--wait", "go"]).ok();
        let mut command = scene.env.command(neovim);
        command.current_dir(&scene.repo);
        let editor = Editor::launch(Command::from(command)).await;
        Self { editor, scene }
    }

    /// Opens the review and waits for its first file.
    async fn review(&self) {
        self.editor.ex("Divisi review one").await;
        self.editor.until("vim.t.divisi_diff == 'review' and vim.fn.expand('%:t') == 'long.txt' and vim.fn.maparg('\\\\a', 'n') ~= ''").await;
    }

    fn file(&self) -> PathBuf {
        self.scene.worktree("one").join("long.txt")
    }

    /// Decisions of the hunks of `long.txt`, in order, as the daemon has them.
    fn decisions(&self) -> Vec<Value> {
        let diff = self.scene.env.json(&self.scene.repo, &["diff", "one"]);
        let file = diff["files"].as_array().unwrap().iter().find(|file| file["path"] == "long.txt").cloned();
        let hunks = file.map(|file| file["hunks"].as_array().unwrap().clone()).unwrap_or_default();
        hunks.iter().map(|hunk| hunk["decision"].clone()).collect()
    }

    async fn decided(&self, expected: &[Value]) {
        wait_until(&format!("decisions are {expected:?}"), || self.decisions() == expected).await;
        self.settled().await;
    }

    /// Waits until nothing is under way any more.
    async fn settled(&self) {
        let review = "require('divisi.ui.review').current()";
        self.editor.until(&format!("#{review}.queue == 0 and {review}.pending_count == 0 and not {review}.busy")).await;
    }

    /// What the screen shows, row by row.
    async fn screen(&self, columns: i64, rows: i64) -> String {
        self.editor.nvim.ui_try_resize(columns, rows).await.unwrap();
        self.editor.until(&format!("vim.o.columns == {columns} and vim.o.lines == {rows}")).await;
        let lines = self
            .editor
            .lua(
                "vim.cmd('redraw!') local out = {}
                 for r = 1, vim.o.lines do
                   local cells = {}
                   for c = 1, vim.o.columns do cells[c] = vim.fn.screenstring(r, c) end
                   out[r] = (table.concat(cells):gsub('%s+$', ''))
                 end
                 return out",
            )
            .await;
        let lines: Vec<&str> = lines.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        lines.join("\n") + "\n"
    }
}

async fn everywhere(test: impl AsyncFn(Review)) {
    for neovim in installed() {
        let one = async { test(Review::open(&neovim).await).await };
        assert!(timeout(OUTER * 2, one).await.is_ok(), "not finished in {}", neovim.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hunks_are_decided_commented_sent_answered_and_landed() {
    everywhere(async |review| {
        let (editor, scene) = (&review.editor, &review.scene);
        // What a person has open stays as it is.
        editor.ex("edit lines.txt | vsplit | lua vim.fn.setqflist({ { text = 'mine' } })").await;
        let layout = "return { vim.api.nvim_tabpage_list_wins(vim.api.nvim_list_tabpages()[1]), vim.fn.winlayout(1), vim.fn.getqflist(), vim.fn.getcwd(-1, 1) }";
        let before = editor.lua(layout).await;
        review.review().await;
        let here = "return { vim.api.nvim_buf_get_name(0), vim.bo.buftype, vim.bo.modified, vim.bo.modifiable, vim.fn.getcwd(), vim.fn.line('.') }";
        assert_eq!(editor.lua(here).await, json!([review.file(), "", false, true, scene.worktree("one"), 5]));
        editor.until(&format!("{DATA}.total == 4")).await;

        // Accept; the cursor goes on; `.` does it again; what was decided is taken back.
        editor.keys("\\a").await;
        review.decided(&[json!("accepted"), Value::Null, Value::Null]).await;
        assert_eq!(editor.lua("return vim.fn.line('.')").await, 25);
        editor.keys(".").await;
        review.decided(&[json!("accepted"), json!("accepted"), Value::Null]).await;
        editor.keys("\\u").await;
        review.decided(&[json!("accepted"), Value::Null, Value::Null]).await;
        // Reject: the file and its buffer are as before the change, and undo brings it back.
        editor.ex("25").await;
        editor.keys("\\x").await;
        review.decided(&[json!("accepted"), Value::Null]).await;
        editor.until("vim.fn.bufnr('long.txt') > 0 and vim.fn.getbufline('long.txt', 25)[1] == 'row 25.'").await;
        editor.until(&format!("{DATA}.untold == 1")).await;
        editor.keys("\\u").await;
        review.decided(&[json!("accepted"), Value::Null, Value::Null]).await;
        editor.until("vim.fn.getbufline('long.txt', 25)[1] == 'ROW 25.'").await;
        editor.until("vim.fn.line('.') == 25").await;
        // The file may be read again before the review is.
        editor.until(&format!("{DATA}.untold == 0 and {DATA}.total == 4")).await;
        editor.keys("\\x").await;
        review.decided(&[json!("accepted"), Value::Null]).await;

        // A comment in a float, shown below its line.
        editor.until("vim.fn.line('.') == 50").await;
        editor.keys("\\c").await;
        editor.until("vim.bo.buftype == 'acwrite' and vim.api.nvim_get_mode().mode == 'i'").await;
        editor.keys("question: why so loud?<Esc>:w<CR>").await;
        editor.until(&format!("#({DATA}.comments) == 1")).await;
        let comments = scene.env.json(&scene.repo, &["comments", "one"]);
        let comment = &comments[0];
        assert_eq!((&comment["path"], &comment["first"], &comment["kind"], &comment["text"]), (&json!("long.txt"), &json!(50), &json!("question"), &json!("why so loud?")));

        // What is decided elsewhere is seen here.
        let diff = scene.env.json(&scene.repo, &["diff", "one"]);
        let last = diff["files"][0]["hunks"][1]["id"].as_str().unwrap().to_owned();
        scene.divisi(&["accept", "one", &last]).ok();
        editor.until(&format!("{DATA}.decided == 3")).await;

        // Outside of the review there is neither a mark nor a key of it.
        editor.ex("tabfirst").await;
        let traces = format!(
            "local b = vim.fn.bufnr({:?}) return {{ #vim.api.nvim_buf_get_extmarks(b, vim.api.nvim_create_namespace('divisi.review'), 0, -1, {{}}), #vim.api.nvim_buf_get_keymap(b, 'n'), #vim.api.nvim_buf_get_keymap(b, 'x') }}",
            review.file().display().to_string()
        );
        assert_eq!(editor.lua(&traces).await, json!([0, 0, 0]));
        assert_eq!(editor.lua(layout).await, before);
        editor.ex("tabnext").await;
        editor.until("vim.fn.maparg('\\\\s', 'n') ~= ''").await;

        // The round, and its answer alone.
        editor.keys("\\s").await;
        editor.until("vim.bo.buftype == 'acwrite'").await;
        editor.keys(":w<CR>").await;
        editor.until("_G.told('round 1 sent to one')").await;
        editor.until(&format!("{DATA}.of == 'round' and #{DATA}.files == 1 and {DATA}.total == 1")).await;
        editor.keys("]h").await;
        editor.until("vim.fn.getline('.') == 'FORTY'").await;
        editor.keys("\\a").await;
        editor.until(&format!("{DATA}.decided == 1")).await;

        // Landing is a buffer that is written. (The answer's file is there before its turn is over.)
        wait_until("the agent is done", || scene.state("one") == "review").await;
        editor.ex("Divisi land one").await;
        editor.until("vim.api.nvim_buf_get_name(0) == 'divisi://land/one'").await;
        let shown = editor.lines("divisi://land/one").await.join("\n");
        for wanted in ["go\n", "# strategy  squash", "# onto      main", "1 undecided; 1 taken out"] {
            assert!(shown.contains(wanted), "{wanted:?} is not in\n{shown}");
        }
        editor.keys("ccLanded by hand<Esc>:w<CR>").await;
        editor.until("_G.told('one landed')").await;
        assert_eq!(scene.env.git(&scene.repo, &["log", "-1", "--format=%s", "main"]).trim(), "Landed by hand");
        assert!(scene.env.git(&scene.repo, &["show", "main:long.txt"]).contains("row 25.\n"));
        editor.until("vim.fn.bufexists('divisi://land/one') == 0").await;
        editor.ex("tabclose").await;
        assert_eq!(editor.lua(layout).await, before);
        editor.assert_calm().await;
        scene.discard(&["one"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn selections_motions_and_files_are_decided_at_once() {
    everywhere(async |review| {
        let editor = &review.editor;
        review.review().await;
        editor.keys("ggVG\\a").await;
        review.decided(&[json!("accepted"), json!("accepted"), json!("accepted")]).await;
        editor.keys("gg\\XG").await;
        review.decided(&[]).await;
        editor.until(&format!("#({DATA}.rejected) == 3")).await;
        assert_eq!(std::fs::read_to_string(review.file()).unwrap().matches("ROW").count(), 0);
        // A file that holds something that is not written is not changed behind a person's back.
        editor.keys("\\p").await;
        editor.until("vim.bo.filetype == 'divisi-review'").await;
        editor.lua("vim.fn.search('new.txt')").await;
        editor.keys("<CR>").await;
        editor.until("vim.fn.expand('%:t') == 'new.txt'").await;
        editor.keys("ggx").await;
        editor.keys("\\x").await;
        editor.until("_G.told('not written')").await;
        assert!(review.scene.worktree("one").join("new.txt").exists());
        editor.assert_calm().await;
        review.scene.discard(&["one"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persons_own_keys_come_back_and_their_list_stays() {
    everywhere(async |review| {
        let (editor, scene) = (&review.editor, &review.scene);
        editor.ex(&format!("edit {} | nnoremap <buffer> \\a :let g:mine = 1<CR>", review.file().display())).await;
        editor.ex("lua vim.fn.setqflist({ { text = 'mine' } })").await;
        editor.ex("Divisi review one").await;
        editor.until("vim.t.divisi_diff == 'review' and (vim.fn.maparg('\\\\a', 'n', false, true).desc or ''):find('accept')").await;
        editor.keys("\\q").await;
        editor.until("vim.fn.getqflist({ title = 1 }).title == 'divisi review one'").await;
        let hunks = editor.lua("local l = vim.fn.getqflist() return { #l, l[1].lnum, type(l[1].user_data.hunk) }").await;
        assert_eq!(hunks, json!([4, 5, "string"]));
        editor.ex("colder").await;
        assert_eq!(editor.lua("return vim.fn.getqflist()[1].text").await, "mine");
        editor.keys("\\p").await;
        editor.keys("q").await;
        editor.until("#vim.api.nvim_list_tabpages() == 1").await;
        assert_eq!(editor.lua("return vim.fn.maparg('\\\\a', 'n')").await, ":let g:mine = 1<CR>");
        // The file was the person's before the review: it stays.
        assert_eq!(editor.lua("return vim.api.nvim_buf_get_name(0)").await, json!(review.file()));
        editor.assert_calm().await;
        scene.discard(&["one"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_review_outlives_its_neovim() {
    for neovim in installed() {
        let Review { editor, scene } = Review::open(&neovim).await;
        let review = Review { editor, scene };
        review.review().await;
        review.editor.keys("\\a").await;
        review.decided(&[json!("accepted"), Value::Null, Value::Null]).await;
        let Review { editor, scene } = review;
        editor.kill().await;
        let mut command = scene.env.command(&neovim);
        command.current_dir(&scene.repo);
        let review = Review { editor: Editor::launch(Command::from(command)).await, scene };
        review.review().await;
        // The first hunk is decided already: the second one is gone to.
        assert_eq!(review.editor.lua("return vim.fn.line('.')").await, 25);
        review.editor.until(&format!("{DATA}.decided == 1 and {DATA}.total == 4")).await;
        review.editor.assert_calm().await;
        review.scene.discard(&["one"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_screens_are_those_of_the_reference() {
    everywhere(async |review| {
        let (editor, scene) = (&review.editor, &review.scene);
        editor.ex("set showtabline=0 noruler noshowcmd noshowmode statusline=%t shortmess+=F").await;
        scene.divisi(&["comment", "one", "long.txt:25", "why \u{1b}[31m so loud?", "--kind", "question"]).ok();
        let diff = scene.env.json(&scene.repo, &["diff", "one"]);
        scene.divisi(&["reject", "one", diff["files"][0]["hunks"][0]["id"].as_str().unwrap()]).ok();
        editor.nvim.ui_try_resize(80, 24).await.unwrap();
        editor.until("vim.o.columns == 80").await;
        review.review().await;
        editor.ex("normal! gg").await;
        editor.ex("normal! zt").await;
        compare("inline_80x24", &review.screen(80, 24).await);
        compare("inline_60x20", &review.screen(60, 20).await);
        compare("inline_100x30", &review.screen(100, 30).await);
        compare("inline_120x30", &review.screen(120, 30).await);
        editor.nvim.ui_try_resize(80, 24).await.unwrap();
        editor.keys("25gg\\t").await;
        editor.until("vim.wo.diff and require('divisi.ui.review').current().left_win ~= nil").await;
        compare("sides_80x24", &review.screen(80, 24).await);
        compare("sides_60x20", &review.screen(60, 20).await);
        compare("sides_100x30", &review.screen(100, 30).await);
        editor.keys("\\t").await;
        editor.until("not vim.wo.diff").await;
        editor.ex("Divisi land one").await;
        editor.until("vim.api.nvim_buf_get_name(0) == 'divisi://land/one'").await;
        let id = scene.show("one")["id"].as_str().unwrap().to_owned();
        let repo = scene.repo.display().to_string();
        compare("land_80x24", &review.screen(80, 24).await.replace(&id, "<id>").replace(&repo, "<repo>"));
        editor.assert_calm().await;
        scene.discard(&["one"]);
    })
    .await;
}

/// Compares a screen with the file of its name; `DIVISI_TEST_WRITE_SCREENS=1` writes the file instead.
fn compare(name: &str, screen: &str) {
    compare_screen(&format!("review_{name}"), screen);
}

pub(super) fn compare_screen(name: &str, screen: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nvim/screens").join(format!("{name}.txt"));
    if std::env::var_os("DIVISI_TEST_WRITE_SCREENS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, screen).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(screen, expected, "{} is not what is shown now:\n{screen}", path.display());
}
