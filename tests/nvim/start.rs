//! Starting: nothing is loaded before it is used, mistakes are told, health says what is.

use super::in_every_neovim;

in_every_neovim! {
    async fn startup_requires_no_module(scene) {
        let loaded = scene.editor.lua("local n = 0 for name in pairs(package.loaded) do if name:find('^divisi') then n = n + 1 end end return n").await;
        assert_eq!(loaded, 0);
        assert_eq!(scene.editor.lua("return vim.fn.exists(':Divisi')").await, 2);
        assert_eq!(scene.editor.lua("return vim.fn.maparg('<Plug>(DivisiList)', 'n')").await, "<Cmd>Divisi list<CR>");
        assert!(scene.fake.called("hello").is_empty());
    }

    async fn verbs_and_sessions_complete(scene) {
        scene.session("aaaaaaaaaa", "fix-login", "running");
        scene.session("bbbbbbbbbb", "docs", "review");
        let complete = |line: &str| format!("return table.concat(vim.fn.getcompletion('{line}', 'cmdline'), ' ')");
        assert_eq!(scene.editor.lua(&complete("Divisi s")).await, "send show stop switch");
        scene.editor.attach().await;
        // What needs a person first: what was read and waits for nobody comes after what runs.
        assert_eq!(scene.editor.lua(&complete("Divisi diff ")).await, "fix-login docs");
        assert_eq!(scene.editor.lua(&complete("Divisi diff f")).await, "fix-login");
        assert_eq!(scene.editor.lua(&complete("Divisi new --a")).await, "--agent");
        scene.editor.assert_calm().await;
    }

    async fn an_unknown_verb_is_one_message(scene) {
        scene.editor.ex("Divisi nonsense").await;
        scene.editor.until("#_G.notices == 1").await;
        let told = scene.editor.notices().await;
        assert!(told[0].contains("\"nonsense\" is not a verb"), "{told:?}");
        scene.editor.assert_calm().await;
    }

    async fn without_a_binary_the_message_says_what_to_do(scene) {
        scene.editor.lua("require('divisi.host').places = function() return {} end").await;
        scene.editor.will_choose(&["I will see to it"]).await;
        scene.editor.ex("Divisi list").await;
        scene.editor.until("#_G.asked == 1").await;
        scene.editor.ex("Divisi list").await;
        scene.editor.until("#_G.notices >= 1").await;
        let told = scene.editor.notices().await;
        assert!(told[0].contains("no divisi binary found") && told[0].contains(":Divisi build"), "{told:?}");
        scene.editor.assert_calm().await;
    }

    async fn configuration_is_checked_and_never_fatal(scene) {
        scene.editor.lua("vim.g.divisi = { notfy = true, float = 'yes', list = { height = 5 } }").await;
        let checked = scene.editor.lua("local c, p = require('divisi.config').load() return { c.float, c.list.height, table.concat(p, '; ') }").await;
        assert_eq!(checked[0], true);
        assert_eq!(checked[1], 5);
        let problems = checked[2].as_str().unwrap();
        assert!(problems.contains("vim.g.divisi.notfy is not an option"), "{problems}");
        assert!(problems.contains("vim.g.divisi.float is a string, expected a boolean"), "{problems}");
        scene.editor.lua("require('divisi').setup({ list = { height = 7 } })").await;
        assert_eq!(scene.editor.lua("return require('divisi.config').get().list.height").await, 7);
    }

    async fn health_says_what_is(scene) {
        scene.session("aaaaaaaaaa", "fix-login", "running");
        scene.editor.ex("checkhealth divisi").await;
        let report = scene.editor.lua("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')").await;
        let report = report.as_str().unwrap();
        for expected in ["the host process answers", "daemon 0.1.0, protocol 1", "from $DIVISI_BIN", "shell: a command", "not installed", "old 0.1 is known to be bad (<0.2): it forgets", "old: an old one (version 0.1): not logged in", "old login", "1 sessions", "git version"] {
            assert!(report.contains(expected), "{expected} in\n{report}");
        }
        assert!(!report.contains("ERROR"), "{report}");
        scene.editor.assert_calm().await;
    }

    async fn health_without_a_daemon_says_so(scene) {
        scene.fake.die();
        scene.editor.ex("checkhealth divisi").await;
        let report = scene.editor.lua("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')").await;
        let report = report.as_str().unwrap();
        assert!(report.contains("ERROR no connection to the daemon: "), "{report}");
        scene.editor.assert_calm().await;
    }

    async fn the_help_file_has_its_tags(scene) {
        let tags = scene.editor.lua(&format!(
            "local dir = vim.fn.tempname() vim.fn.mkdir(dir)
             vim.fn.writefile(vim.fn.readfile('{}/doc/divisi.txt'), dir .. '/divisi.txt')
             vim.cmd.helptags(dir)
             return table.concat(vim.fn.readfile(dir .. '/tags'), '\\n')",
            env!("CARGO_MANIFEST_DIR")
        )).await;
        let tags = tags.as_str().unwrap();
        for verb in ["new", "list", "show", "log", "approvals", "attention", "send", "stop", "diff", "review", "land", "remove", "switch", "health"] {
            assert!(tags.contains(&format!(":Divisi-{verb}\t")), "no tag for {verb}");
        }
        for group in scene.editor.lua("local t = vim.tbl_keys(require('divisi.ui.highlight').links) table.sort(t) return t").await.as_array().unwrap() {
            assert!(tags.contains(&format!("hl-{}\t", group.as_str().unwrap())), "no tag for {group}");
        }
    }
}
