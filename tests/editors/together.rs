//! One session in several editors at once, each with its own face: Neovim with the plugin, Neovim with the language server alone, Helix,
//! and a client that does what VS Code does. What is decided in one is decided in all.

use std::path::Path;

use tokio::process::Command;
use tokio::time::timeout;

use super::hx::Helix;
use super::nvim_lsp;
use super::stage::{SCRIPT, comes_to_hold, scene};
use crate::lsp::client::{Editor as Client, Manner};
use crate::nvim::editor::{Editor, OUTER};
use crate::sessions::scene::Scene;
use crate::support::skip::helix;
use crate::support::{NvimEnd, nvim};

/// The review of the plugin's current tab.
const DATA: &str = "require('divisi.ui.review').current().data";

/// Dropped in this order: editors end before their environment is looked at.
struct Together {
    client: Client,
    helix: Helix,
    plugin: Editor,
    plain: Editor,
    scene: Scene,
}

impl Together {
    async fn open(neovim: &Path, helix: &Path) -> Self {
        let mut scene = scene();
        let plain = nvim_lsp::open(&mut scene, neovim, false).await;
        let mut command = scene.env.command(neovim);
        // Two have the same file open.
        command.arg("-n").current_dir(&scene.repo);
        let plugin = Editor::launch(Command::from(command)).await;
        plugin.ex("edit notes.md").await;
        plugin.attach().await;
        // The others block: they are no tasks.
        tokio::task::block_in_place(|| {
            let helix = Helix::open(&scene, helix, "notes.md");
            let mut client = Client::open(&scene, Manner::able());
            client.open_file(&scene.repo.join("notes.md"));
            Self { client, helix, plugin, plain, scene }
        })
    }

    /// How many diagnostics of a kind the plain Neovim, and the client, know.
    async fn know(&mut self, code: &str, count: usize) {
        let has =
            format!("#vim.tbl_filter(function(d) return d.code == {code:?} end, vim.diagnostic.get()) == {count}");
        self.plain.until(&has).await;
        tokio::task::block_in_place(|| {
            self.client.until(&format!("{count} of {code}"), |client| {
                client.diagnostics.values().flatten().filter(|found| found["code"] == code).count() == count
            });
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_or_a_decision_in_one_editor_is_there_in_all() {
    let test = "editors::together::an_answer_or_a_decision_in_one_editor_is_there_in_all";
    let (Some(neovim), Some(helix)) = (nvim(NvimEnd::New, test), helix(test)) else { return };
    let all = async {
        let mut all = Together::open(&neovim, &helix).await;
        let notes = all.scene.repo.join("notes.md");
        let asks = |second: &str| format!("{}\nask-permission b Push it :: {second}\nsay done", SCRIPT[1..].join("\n"));
        tokio::task::block_in_place(|| all.scene.scripted("shared", &asks("make push")));

        // Everybody is asked.
        all.plugin.until("#require('divisi.mirror').approvals == 1").await;
        all.plain.until("_G.told('shared asks: make test')").await;
        all.know("approval", 1).await;
        tokio::task::block_in_place(|| {
            all.client.told("shared asks: make test");
            all.helix.sees("shared asks: make test");
            // Helix answers; the agent asks the next thing.
            all.helix.choose("Allow once: make test");
            all.client.told("shared asks: make push");
            all.helix.sees("shared asks: make push");
            // The first is nowhere to be answered any more.
            let offered = all.client.actions(&notes, 0);
            let titles: Vec<&str> = offered.iter().filter_map(|action| action["title"].as_str()).collect();
            assert!(titles.iter().any(|title| title.contains("Allow once: make push")), "{titles:?}");
            assert!(!titles.iter().any(|title| title.contains("make test")), "{titles:?}");
        });
        let open = "vim.tbl_map(function(a) return a.command end, require('divisi.mirror').approvals)";
        all.plugin.until(&format!("vim.deep_equal({open}, {{ 'make push' }})")).await;
        all.know("approval", 1).await;

        // Neovim's plugin answers the second.
        all.plugin.ex("Divisi approvals").await;
        all.plugin.shows("divisi://approvals", "make push").await;
        all.plugin.keys("o").await;
        all.know("approval", 0).await;
        all.plain.until("_G.told('shared: to review')").await;
        all.know("hunk", 2).await;
        tokio::task::block_in_place(|| {
            all.client.told("shared: to review");
            all.helix.sees("shared wants +1 -1 here");
        });

        // The review is open in three, and in the fourth's file.
        all.plugin.ex("Divisi review shared").await;
        all.plugin.until(&format!("vim.t.divisi_diff == 'review' and {DATA}.total == 2")).await;
        all.plain
            .lua("of_divisi():exec_cmd({ title = '', command = 'divisi.review', arguments = { 'shared' } })")
            .await;
        all.plain.until("vim.fn.search('0 of 2 hunks decided', 'w') > 0").await;

        // VS Code's part rejects one: it is out of the worktree, and out of everybody's sight.
        tokio::task::block_in_place(|| {
            all.client.choose(&notes, 20, "Reject the hunk of shared");
            comes_to_hold(&all.scene, "shared", "line 11");
        });
        all.know("hunk", 1).await;
        all.plain.ex("checktime").await;
        all.plain.until("vim.fn.search('0 of 1 hunks decided', 'w') > 0").await;
        all.plugin.until(&format!("#{DATA}.rejected == 1")).await;
        all.plugin
            .until("not table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), ' '):find('elf', 1, true)")
            .await;
        tokio::task::block_in_place(|| {
            all.helix.keys("21gg");
            all.helix.ask("divisi.review \"shared\"");
            all.helix.sees("0 of 1 hunks decided");
            assert!(!all.helix.text().contains("+elf"), "{}", all.helix.text());
            // The last decision is Helix's, in the view.
            all.helix.keys("/zwei\r");
            all.helix.choose("Accept the hunk of shared");
        });
        all.know("hunk", 0).await;
        all.plain.ex("checktime").await;
        all.plain.until("vim.fn.search('1 of 1 hunks decided', 'w') > 0").await;
        all.plugin.until(&format!("{DATA}.decided == {DATA}.total")).await;

        tokio::task::block_in_place(|| {
            all.helix.ask("divisi.land");
            all.client.told("landing shared: completed");
            all.helix.sees("landing shared: completed");
        });
        all.plain.until("_G.told('landing shared: completed')").await;
        all.plugin.until("_G.told('shared landed')").await;
        nvim_lsp::calm(&all.plugin).await;
        nvim_lsp::calm(&all.plain).await;
        let Together { mut client, helix, scene, plugin, plain } = all;
        nvim_lsp::leave(plain).await;
        tokio::task::block_in_place(|| {
            helix.quits();
            client.left();
            drop(client);
            scene.discard(&["shared"]);
        });
        drop(plugin);
    };
    assert!(timeout(2 * OUTER, all).await.is_ok(), "not finished in time");
}
