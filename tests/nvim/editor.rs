//! A real Neovim with the real plugin and the real host process, hermetic, driven over msgpack-RPC.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nvim_rs::compat::tokio::Compat;
use nvim_rs::create::tokio::new_child_cmd;
use nvim_rs::rpc::handler::Dummy;
use nvim_rs::{Neovim, UiAttachOptions};
use rmpv::Value as Pack;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{sleep, timeout};

use super::fake::{Fake, view};
use crate::support::{NvimEnd, nvim};

/// A whole test in one Neovim.
pub(crate) const OUTER: Duration = Duration::from_secs(60);
/// One thing that is waited for.
const DEADLINE: Duration = Duration::from_secs(10);

/// The Neovims to test in; one that is not named is a counted reason in the list of skipped tests.
pub(crate) fn installed() -> Vec<PathBuf> {
    let test = std::thread::current().name().unwrap_or("nvim").to_owned();
    let found: Vec<PathBuf> = NvimEnd::BOTH.into_iter().filter_map(|end| nvim(end, &test)).collect();
    for path in &found {
        assert!(path.exists(), "{} does not exist", path.display());
    }
    found
}

/// One Neovim.
pub(crate) struct Editor {
    pub(crate) nvim: Neovim<Compat<ChildStdin>>,
    child: Child,
}

/// A home, a repository, a daemon and a Neovim. Dropped in this order: an editor that outlives its fake daemon would start a real one.
pub(crate) struct Scene {
    pub(crate) editor: Editor,
    pub(crate) fake: Fake,
    neovim: PathBuf,
    home: TempDir,
}

impl Scene {
    pub(crate) async fn new(neovim: &Path) -> Self {
        let home = tempfile::tempdir().unwrap();
        let fake = Fake::start(home.path().join("s"));
        let repository = home.path().join("repo");
        for (file, text) in [("a.lua", "local a = 1\nlocal b = 2\nreturn a + b\n"), ("only_here.lua", "return 0\n")] {
            write(&repository.join("src").join(file), text);
        }
        std::fs::create_dir_all(repository.join(".git")).unwrap();
        let editor = Editor::start(neovim, home.path(), &repository, &fake.socket).await;
        Self { editor, fake, neovim: neovim.to_owned(), home }
    }

    /// Another Neovim on the same daemon.
    pub(crate) async fn another(&self) -> Editor {
        Editor::start(&self.neovim, self.home.path(), &self.repository(), &self.fake.socket).await
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.home.path().join("repo")
    }

    pub(crate) fn worktree(&self, name: &str) -> PathBuf {
        self.repository().join(".worktrees").join(name)
    }

    /// A session that the daemon knows, with a worktree in which `src/a.lua` differs.
    pub(crate) fn session(&self, id: &str, name: &str, state: &str) {
        write(&self.worktree(name).join("src/a.lua"), "local a = 1\nlocal b = 3\nreturn a + b\n");
        self.fake.put(view(id, name, state, &self.repository()));
    }
}

/// Waits until something of the daemon or the system is so.
pub(crate) async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            sleep(Duration::from_millis(3)).await;
        }
    };
    assert!(timeout(DEADLINE, wait).await.is_ok(), "never so: {what}");
}

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

impl Editor {
    async fn start(neovim: &Path, home: &Path, directory: &Path, socket: &Path) -> Self {
        let mut command = Command::new(neovim);
        command
            .current_dir(directory)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("TMPDIR", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_RUNTIME_DIR", home)
            .env("DIVISI_SOCKET", socket);
        Self::launch(command).await
    }

    /// Starts a Neovim whose program, directory and environment are given.
    pub(crate) async fn launch(mut command: Command) -> Self {
        command
            .args(["--headless", "--embed", "--clean", "--cmd"])
            .arg(format!("set runtimepath^={}", env!("CARGO_MANIFEST_DIR")))
            .env("DIVISI_BIN", env!("CARGO_BIN_EXE_divisi"))
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let (nvim, _io, child) = new_child_cmd(&mut command, Dummy::new()).await.unwrap();
        nvim.ui_attach(100, 30, &UiAttachOptions::new()).await.unwrap();
        let editor = Self { nvim, child };
        // What a person would see as a message, and every error, is kept for the test's end.
        editor
            .lua("_G.notices = {}; vim.notify = function(text, level) table.insert(_G.notices, { text = text, level = level or 2 }) end
                _G.told = function(text) return vim.iter(_G.notices):any(function(n) return n.text:find(text, 1, true) end) end")
            .await;
        editor
    }

    /// Runs Lua and returns its value.
    pub(crate) async fn lua(&self, code: &str) -> Value {
        let answer = self.exec(code.to_owned()).await.unwrap_or_else(|| panic!("no answer in time to: {code}"));
        divisi::nvim::msgpack::to_json(&answer.unwrap_or_else(|error| panic!("{error} in: {code}")))
    }

    /// [`Self::lua`], for who can do without an answer when it does not come in time.
    pub(crate) async fn lua_in_time(&self, code: &str) -> Option<Value> {
        let answer = self.exec(code.to_owned()).await?;
        Some(divisi::nvim::msgpack::to_json(&answer.unwrap_or_else(|error| panic!("{error} in: {code}"))))
    }

    /// In a task of its own: nvim-rs ends the connection when an answer finds nobody who waits for it.
    async fn exec(&self, code: String) -> Option<Result<Pack, String>> {
        let nvim = self.nvim.clone();
        let call =
            tokio::spawn(async move { nvim.exec_lua(&code, Vec::new()).await.map_err(|error| error.to_string()) });
        timeout(DEADLINE, call).await.ok().map(Result::unwrap)
    }

    /// Waits until a Lua expression is true.
    pub(crate) async fn until(&self, expression: &str) {
        let code = format!("return ({expression}) and true or false");
        let wait = async {
            while self.lua(&code).await != true {
                sleep(Duration::from_millis(3)).await;
            }
        };
        assert!(timeout(DEADLINE, wait).await.is_ok(), "never true: {expression}\n{}", self.picture().await);
    }

    /// Types keys.
    pub(crate) async fn keys(&self, keys: &str) {
        self.nvim.input(keys).await.unwrap();
    }

    /// An Ex command.
    pub(crate) async fn ex(&self, command: &str) {
        self.nvim.command(command).await.unwrap_or_else(|error| panic!("{error} in :{command}"));
    }

    /// Lines of the buffer with a name.
    pub(crate) async fn lines(&self, name: &str) -> Vec<String> {
        let code = format!(
            "for _, b in ipairs(vim.api.nvim_list_bufs()) do if vim.api.nvim_buf_get_name(b) == {name:?} then \
             return vim.api.nvim_buf_get_lines(b, 0, -1, false) end end return {{}}"
        );
        strings(&self.lua(&code).await)
    }

    /// Its lines without the empty ones.
    pub(crate) async fn said(&self, name: &str) -> Vec<String> {
        self.lines(name).await.into_iter().filter(|line| !line.trim().is_empty()).collect()
    }

    /// Waits until a buffer's text holds something.
    pub(crate) async fn shows(&self, name: &str, text: &str) {
        let wait = async {
            while !self.lines(name).await.join("\n").contains(text) {
                sleep(Duration::from_millis(3)).await;
            }
        };
        assert!(
            timeout(DEADLINE, wait).await.is_ok(),
            "{name} never showed {text:?}:\n{}\n{}",
            self.lines(name).await.join("\n"),
            self.picture().await
        );
    }

    /// Connects and waits for the first snapshot.
    pub(crate) async fn attach(&self) {
        self.lua("require('divisi').attach()").await;
        self.until("require('divisi.mirror').connection.state == 'attached'").await;
    }

    /// Answers the next questions of `vim.ui.select` by a part of the text, and of `vim.ui.input` by the text.
    pub(crate) async fn will_choose(&self, answers: &[&str]) {
        let list: Vec<String> = answers.iter().map(|answer| format!("{answer:?}")).collect();
        self.lua(&format!(
            "_G.answers = {{ {} }}; _G.asked = {{}}
             vim.ui.select = function(items, opts, done)
               local wanted, texts = table.remove(_G.answers, 1), {{}}
               local chosen
               for i, item in ipairs(items) do
                 texts[i] = (opts.format_item or tostring)(item)
                 if wanted and not chosen and texts[i]:find(wanted, 1, true) then chosen = {{ item, i }} end
               end
               table.insert(_G.asked, {{ prompt = opts.prompt, texts = texts }})
               if chosen then done(chosen[1], chosen[2]) else done(nil) end
             end
             vim.ui.input = function(opts, done) table.insert(_G.asked, {{ prompt = opts.prompt }}) done(table.remove(_G.answers, 1)) end",
            list.join(", ")
        ))
        .await;
    }

    /// Messages so far.
    pub(crate) async fn notices(&self) -> Vec<String> {
        strings(&self.lua("return vim.tbl_map(function(n) return n.text end, _G.notices)").await)
    }

    /// Fails when anything went wrong in Lua: an error message, a fault in the log, a prompt that waits for a key.
    pub(crate) async fn assert_calm(&self) {
        let mode = self.lua("return vim.api.nvim_get_mode()").await;
        assert_eq!(mode["blocking"], false, "Neovim waits for a key\n{}", self.picture().await);
        let notices = self.notices().await;
        assert!(
            !notices.iter().any(|text| text.contains("fault of the plugin")),
            "{notices:?}\n{}",
            self.picture().await
        );
        let errmsg = self.lua("return vim.v.errmsg").await;
        assert_eq!(errmsg, "", "{}", self.picture().await);
    }

    /// kill -9.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits until Neovim waits for a key and answers nothing else.
    pub(crate) async fn is_blocked(&self) {
        let wait = async {
            loop {
                let mode = self.nvim.get_mode().await.unwrap();
                if mode.iter().any(|(key, value)| key.as_str() == Some("blocking") && value.as_bool() == Some(true)) {
                    return;
                }
                sleep(Duration::from_millis(3)).await;
            }
        };
        assert!(timeout(DEADLINE, wait).await.is_ok(), "Neovim never waited for a key");
    }

    /// What there is to see, for a failed test.
    pub(crate) async fn picture(&self) -> String {
        let code = "local out = {}
            for _, w in ipairs(vim.api.nvim_list_wins()) do
              local b = vim.api.nvim_win_get_buf(w)
              table.insert(out, ('-- window %d %s'):format(w, vim.api.nvim_buf_get_name(b)))
              vim.list_extend(out, vim.api.nvim_buf_get_lines(b, 0, 20, false))
            end
            local log = io.open(require('divisi.errors').log_path())
            if log then table.insert(out, '-- log') table.insert(out, log:read('*a')) end
            table.insert(out, '-- messages ' .. vim.fn.execute('messages') .. vim.inspect(_G.notices))
            return table.concat(out, '\\n')";
        match self.exec(code.to_owned()).await {
            Some(Ok(text)) => text.as_str().unwrap_or_default().to_owned(),
            other => format!("no picture: {other:?}"),
        }
    }
}

fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map(|items| items.iter().map(|item| item.as_str().unwrap_or("?").to_owned()).collect())
        .unwrap_or_default()
}
