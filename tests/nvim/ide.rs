//! This editor as the one that agents in their own interface look for: a scripted agent connects as Claude Code does.

use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::editor::{Editor, wait_until, write};
use super::real::{Real, everywhere, start};
use crate::sessions::scene::Scene;

const WITHIN: Duration = Duration::from_secs(10);

/// An agent with an interface of its own that speaks with editors; what it is found by is in its environment.
const AGENT: &str = "name = \"speaks\"\ndescription = \"Speaks with editors\"\nprotocol = \"pty\"\neditor = \"claude\"\n\
                     command = [\"sh\", \"-c\", \"stty -echo; echo port $CLAUDE_CODE_SSE_PORT $ENABLE_IDE_INTEGRATION; cat\"]\n";

/// A session of it runs, and this editor has a tab in its worktree.
async fn session(real: &Real, name: &str) -> Agent {
    let (editor, scene) = (&real.editor, &real.scene);
    scene.env.write("home/config/divisi/agents/speaks.toml", AGENT);
    scene.divisi(&["new", "--name", name, "--agent", "speaks", "go"]).ok();
    editor.attach().await;
    real.state(name, "running").await;
    editor.ex(&format!("Divisi switch {name}")).await;
    editor.until(&format!("vim.fn.getcwd() == {:?}", scene.worktree(name).display().to_string())).await;
    let mut agent = Agent::connect(scene, name).await;
    let listens =
        format!("require('divisi.editor').listens((require('divisi.mirror').find({name:?}) or {{}}).id or '')");
    editor.until(&listens).await;
    agent.until_shown(true).await;
    agent
}

struct Agent {
    socket: WebSocketStream<TcpStream>,
    calls: i64,
    /// What came while something else was waited for.
    told: Vec<Value>,
}

impl Agent {
    async fn connect(scene: &Scene, name: &str) -> Self {
        let worktree = scene.worktree(name).display().to_string();
        let found = |folder: &Path| {
            std::fs::read_dir(folder).into_iter().flatten().flatten().find_map(|entry| {
                let lock: Value = serde_json::from_slice(&std::fs::read(entry.path()).ok()?).ok()?;
                let port: u16 = entry.path().file_stem()?.to_str()?.parse().ok()?;
                (lock["workspaceFolders"] == json!([worktree])).then_some((port, lock))
            })
        };
        let folder = scene.env.path("home/.claude/ide");
        wait_until("there is a lock file", || found(&folder).is_some()).await;
        let (port, lock) = found(&folder).unwrap();
        let mut request = format!("ws://127.0.0.1:{port}").into_client_request().unwrap();
        let token = lock["authToken"].as_str().unwrap().parse().unwrap();
        request.headers_mut().insert("x-claude-code-ide-authorization", token);
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (socket, _) = client_async(request, stream).await.unwrap();
        let mut agent = Self { socket, calls: 0, told: Vec::new() };
        agent.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        agent
    }

    async fn send(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        match timeout(WITHIN, self.socket.next()).await.expect("a word in time") {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn begin(&mut self, tool: &str, arguments: Value) -> i64 {
        self.calls += 1;
        let params = json!({ "name": tool, "arguments": arguments });
        self.send(json!({ "jsonrpc": "2.0", "id": self.calls, "method": "tools/call", "params": params })).await;
        self.calls
    }

    /// The pieces of text that a call is answered with, and whether they say why not.
    async fn answer(&mut self, call: i64) -> (Vec<String>, bool) {
        loop {
            let heard = self.told.iter().position(|message| message["id"] == call);
            let message = match heard {
                Some(at) => self.told.remove(at),
                None => self.hear().await,
            };
            if message["id"] == call {
                let texts = message["result"]["content"].as_array().unwrap();
                let texts = texts.iter().map(|text| text["text"].as_str().unwrap().to_owned()).collect();
                return (texts, message["result"]["isError"] == true);
            }
            self.told.push(message);
        }
    }

    async fn ask(&mut self, tool: &str, arguments: Value) -> Value {
        let call = self.begin(tool, arguments).await;
        let (texts, failed) = self.answer(call).await;
        assert!(!failed, "{texts:?}");
        serde_json::from_str(&texts[0]).unwrap_or_else(|_| json!(texts[0]))
    }

    /// Asks until an editor answers, or until none does; the last answer.
    async fn until_shown(&mut self, shown: bool) -> Vec<String> {
        let asking = async {
            loop {
                let call = self.begin("getOpenEditors", json!({})).await;
                let (texts, failed) = self.answer(call).await;
                if failed != shown {
                    return texts;
                }
            }
        };
        timeout(WITHIN, asking).await.expect("the editor shows the worktree, or no more")
    }

    /// The first thing of that name that is told and so.
    async fn told(&mut self, method: &str, so: impl Fn(&Value) -> bool) -> Value {
        loop {
            let seen = self.told.iter().position(|message| message["method"] == method && so(&message["params"]));
            if let Some(at) = seen {
                return self.told.remove(at)["params"].clone();
            }
            let message = self.hear().await;
            self.told.push(message);
        }
    }

    async fn propose(&mut self, file: &Path, text: &str) -> i64 {
        let file = file.display().to_string();
        let tab = format!("tab of {file}");
        let arguments =
            json!({ "old_file_path": file, "new_file_path": file, "new_file_contents": text, "tab_name": tab });
        self.begin("openDiff", arguments).await
    }
}

/// True in Lua while a float says that something waits.
const FLOAT: &str = "vim.iter(vim.api.nvim_list_wins()):any(function(w) return vim.api.nvim_win_get_config(w).relative ~= '' and \
     table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(w), 0, -1, false), '\\n'):find(':Divisi proposal', 1, true) ~= nil end)";

const IN_PROPOSAL: &str = "vim.api.nvim_buf_get_name(0):find('divisi://proposal/', 1, true) == 1";

async fn proposals(editor: &Editor, count: usize) {
    editor.until(&format!("require('divisi.ui.proposal').count() == {count}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_selected_open_and_wrong_reaches_the_agent() {
    everywhere(async |real: Real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        let mut agent = session(&real, "one").await;
        let file = scene.worktree("one").join("words.txt");
        write(&file, "plain\nsöme 𝄞 words\nlast\n");
        let path = file.display().to_string();
        editor.ex(&format!("edit {path}")).await;
        let at = |line: u64| move |params: &Value| params["selection"]["start"]["line"] == line;
        let told = agent.told("selection_changed", at(0)).await;
        assert_eq!((&told["filePath"], &told["text"]), (&json!(path), &json!("")));
        // To the end of the clef: it is two code units, its line has two characters of several bytes.
        editor.keys("jvee").await;
        let told = agent.told("selection_changed", |params| params["text"] == "söme 𝄞").await;
        assert_eq!(
            told["selection"],
            json!({ "start": { "line": 1, "character": 0 }, "end": { "line": 1, "character": 7 }, "isEmpty": false })
        );
        // Going to the agent by way of normal mode takes nothing away.
        editor.keys("<Esc>").await;
        editor.until("vim.fn.mode() == 'n'").await;
        let latest = agent.ask("getLatestSelection", json!({})).await;
        assert_eq!(latest["text"], "söme 𝄞");
        editor.keys("Vk").await;
        let told = agent.told("selection_changed", |params| params["text"] == "plain\nsöme 𝄞 words\n").await;
        assert_eq!(told["selection"]["end"], json!({ "line": 2, "character": 0 }));
        editor.keys("<Esc>").await;
        editor
            .lua("vim.diagnostic.set(vim.api.nvim_create_namespace('x'), 0, {{ lnum = 1, col = 6, end_col = 10, message = 'odd', severity = 2, source = 'ls' }})")
            .await;
        let said = agent.ask("getDiagnostics", json!({ "uri": format!("file://{path}") })).await;
        assert_eq!(said[0]["uri"], format!("file://{path}"));
        assert_eq!(
            said[0]["diagnostics"],
            json!([{ "message": "odd", "severity": "Warning", "source": "ls",
                     "range": { "start": { "line": 1, "character": 5 }, "end": { "line": 1, "character": 7 } } }])
        );
        let open = agent.ask("getOpenEditors", json!({})).await;
        let tab = open["tabs"].as_array().unwrap().iter().find(|tab| tab["fileName"] == path).unwrap();
        assert_eq!((&tab["isActive"], &tab["isDirty"]), (&json!(true), &json!(false)));
        editor.keys("ggAmine<Esc>").await;
        editor.until("vim.bo.modified and require('divisi.live').base(vim.fn.bufnr()) ~= nil").await;
        assert_eq!(agent.ask("checkDocumentDirty", json!({ "filePath": path })).await["isDirty"], true);
        assert_eq!(agent.ask("saveDocument", json!({ "filePath": path })).await["saved"], true);
        assert!(std::fs::read_to_string(&file).unwrap().starts_with("plainmine\n"));
        assert_eq!(agent.ask("checkDocumentDirty", json!({ "filePath": "/etc/passwd" })).await["success"], false);
        editor.ex("2,3Divisi mention").await;
        let told = agent.told("at_mentioned", |_| true).await;
        assert_eq!(told, json!({ "filePath": path, "lineStart": 1, "lineEnd": 2 }));
        let folders = agent.ask("getWorkspaceFolders", json!({})).await;
        assert_eq!(folders["rootPath"], scene.worktree("one").display().to_string());
        editor.assert_calm().await;
        scene.discard(&["one"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proposal_interrupts_nobody_is_edited_accepted_rejected_deferred_and_decided_elsewhere() {
    everywhere(async |real: Real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        let mut agent = session(&real, "one").await;
        let file = scene.worktree("one").join("lines.txt");
        let old = std::fs::read_to_string(&file).unwrap();
        editor.ex(&format!("edit {}", file.display())).await;
        let before = editor.lua("return vim.fn.winlayout()").await;
        editor.keys("iabc").await;
        editor.until("vim.fn.mode() == 'i'").await;
        let call = agent.propose(&file, &format!("{old}one line more\n")).await;
        editor.until(FLOAT).await;
        editor.keys("def").await;
        editor.until("vim.api.nvim_get_current_line():find('abcdef', 1, true) == 1").await;
        assert_eq!(editor.lua("return vim.fn.mode()").await, "i", "whoever types goes on typing");
        editor.keys("<Esc>u").await;
        assert_eq!(editor.lua("return vim.fn.winlayout()").await, before);
        editor.ex("Divisi proposal").await;
        editor.until(IN_PROPOSAL).await;
        editor.until("#vim.api.nvim_list_tabpages() == 3 and #vim.api.nvim_tabpage_list_wins(0) == 2").await;
        // Closed, it waits; what was edited in it is still there.
        editor.keys("Goand mine<Esc>q").await;
        editor.until("#vim.api.nvim_list_tabpages() == 2").await;
        editor.until(FLOAT).await;
        editor.ex("Divisi proposal one").await;
        editor.until(IN_PROPOSAL).await;
        editor.ex("write").await;
        let (texts, failed) = agent.answer(call).await;
        assert_eq!((texts, failed), (vec!["FILE_SAVED".to_owned(), format!("{old}one line more\nand mine\n")], false));
        editor.until(&format!("#vim.api.nvim_list_tabpages() == 2 and not ({FLOAT})")).await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), old, "the agent writes it, not the editor");

        // As it was proposed, to the byte, when nothing was changed; a file that is not there yet.
        let new = scene.worktree("one").join("new.txt");
        let call = agent.propose(&new, "a\r\nb\r\nno end").await;
        proposals(editor, 1).await;
        editor.ex("Divisi proposal").await;
        editor.until(IN_PROPOSAL).await;
        assert_eq!(editor.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)").await, json!(["a", "b", "no end"]));
        editor.keys("\\a").await;
        assert_eq!(agent.answer(call).await.0, ["FILE_SAVED", "a\r\nb\r\nno end"]);
        let call = agent.propose(&new, "").await;
        proposals(editor, 1).await;
        editor.ex("Divisi proposal").await;
        editor.until(IN_PROPOSAL).await;
        editor.keys("\\x").await;
        assert_eq!(agent.answer(call).await.0, ["DIFF_REJECTED"]);

        // Decided in the terminal: its tab is closed by the agent, with the tab in front of the person or not.
        let call = agent.propose(&new, "x\n").await;
        proposals(editor, 1).await;
        editor.ex("Divisi proposal").await;
        editor.until(IN_PROPOSAL).await;
        agent.begin("close_tab", json!({ "tab_name": format!("tab of {}", new.display()) })).await;
        assert!(agent.answer(call).await.1, "neither yes nor no");
        proposals(editor, 0).await;
        editor.until("#vim.api.nvim_list_tabpages() == 2 and _G.told('decided elsewhere')").await;
        let two = [agent.propose(&new, "x\n").await, agent.propose(&file, "y\n").await];
        proposals(editor, 2).await;
        let all = agent.begin("closeAllDiffTabs", json!({})).await;
        for call in two {
            agent.answer(call).await;
        }
        assert_eq!(agent.answer(all).await.0, ["CLOSED_2_DIFF_TABS"]);
        proposals(editor, 0).await;
        // Whoever wants to decide in the terminal only is not shown anything.
        editor.lua("require('divisi').setup({ editor = { diffs = false } })").await;
        let call = agent.propose(&new, "x\n").await;
        assert!(agent.answer(call).await.1);
        editor.assert_calm().await;
        scene.discard(&["one"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sessions_and_two_editors_each_get_their_own() {
    everywhere(async |real: Real, neovim| {
        let (left, scene) = (&real.editor, &real.scene);
        let mut one = session(&real, "one").await;
        let mut two = session(&real, "two").await;
        // Two tabs of one editor.
        let (file_one, file_two) = (scene.worktree("one").join("a.txt"), scene.worktree("two").join("b.txt"));
        let (call_one, call_two) = (one.propose(&file_one, "1\n").await, two.propose(&file_two, "2\n").await);
        proposals(left, 2).await;
        for (name, text) in [("two", "2"), ("one", "1")] {
            left.ex(&format!("Divisi proposal {name}")).await;
            left.until(IN_PROPOSAL).await;
            assert_eq!(left.lua("return vim.fn.getline(1)").await, text);
            left.ex("write").await;
        }
        assert_eq!(one.answer(call_one).await.0, ["FILE_SAVED", "1\n"]);
        assert_eq!(two.answer(call_two).await.0, ["FILE_SAVED", "2\n"]);
        // Another editor is on `two` now: the person looked at it there last.
        let right = start(neovim, scene).await;
        right.attach().await;
        right.ex("Divisi switch two").await;
        right.until("vim.t.divisi_session ~= nil").await;
        let id = left.lua("return require('divisi.mirror').find('two').id").await;
        right.until(&format!("require('divisi.editor').listens({id})")).await;
        right.ex(&format!("edit {}", scene.worktree("two").join("lines.txt").display())).await;
        two.told("selection_changed", |params| params["filePath"].as_str().unwrap().ends_with("two/lines.txt")).await;
        let call = two.propose(&file_two, "22\n").await;
        proposals(&right, 1).await;
        proposals(left, 0).await;
        // It is gone in the middle of it: the agent asks in its terminal, and the next time the other editor.
        right.kill().await;
        assert!(two.answer(call).await.1);
        two.told("selection_changed", |params| params["filePath"] == "").await;
        two.propose(&file_two, "222\n").await;
        proposals(left, 1).await;
        // An agent that goes takes its proposal with it.
        drop(two);
        proposals(left, 0).await;
        left.assert_calm().await;
        scene.discard(&["one", "two"]);
        let folder = scene.env.path("home/.claude/ide");
        wait_until("its lock files are gone with the sessions", || {
            std::fs::read_dir(&folder).is_ok_and(|mut left| left.next().is_none())
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_editor_the_agent_hears_so_and_a_new_daemon_listens_where_the_old_one_did() {
    everywhere(async |real: Real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        let mut agent = session(&real, "one").await;
        let file = scene.worktree("one").join("a.txt");
        // No tab is on the worktree any more.
        editor.ex("tabclose").await;
        editor.until("#vim.api.nvim_list_tabpages() == 1").await;
        let why = agent.until_shown(false).await;
        assert!(why[0].contains("no editor shows"), "{why:?}");
        let call = agent.propose(&file, "x\n").await;
        assert!(agent.answer(call).await.1, "it asks in its terminal then");
        assert_eq!(agent.ask("getDiagnostics", json!({})).await, json!([]));
        let ports = || {
            let found = std::fs::read_dir(scene.env.path("home/.claude/ide")).unwrap();
            found.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>()
        };
        let before = ports();
        scene.kill_daemon();
        editor.ex("Divisi switch one").await;
        editor.until("require('divisi.mirror').connection.state == 'attached'").await;
        wait_until("the lock file is the new daemon's", || {
            let lock = std::fs::read(scene.env.path("home/.claude/ide").join(&before[0])).unwrap_or_default();
            let lock: Value = serde_json::from_slice(&lock).unwrap_or_default();
            lock["pid"].as_u64().is_some_and(|pid| Path::new(&format!("/proc/{pid}")).exists())
        })
        .await;
        assert_eq!(ports(), before);
        let mut agent = Agent::connect(scene, "one").await;
        editor.until("vim.t.divisi_session ~= nil and require('divisi.editor').listens(vim.t.divisi_session)").await;
        agent.until_shown(true).await;
        scene.discard(&["one"]);
    })
    .await;
}
