//! The list of a thousand sessions in a Neovim that has just attached, beside one that draws as many lines that it was given.

use std::ffi::{OsStr, OsString};
use std::process::Stdio;
use std::time::Duration;

use nvim_rs::create::tokio::new_child_cmd;
use nvim_rs::rpc::handler::Dummy;
use nvim_rs::{UiAttachOptions, Value};

use super::scene::{DIVISI, Scene};
use super::{Measure, median, millis, say, scaled, size, start};

const ROUNDS: usize = 9;

/// Nanoseconds from the command until the list is on the screen.
const LIST: &str = "vim.cmd('runtime plugin/divisi.lua')
    local begin = vim.uv.hrtime()
    vim.cmd('Divisi list')
    local shown = vim.wait(20000, function()
      local buf = vim.fn.bufnr('divisi://sessions')
      return buf > 0 and vim.api.nvim_buf_line_count(buf) > tonumber(vim.env.SESSIONS)
    end, 1)
    vim.cmd.redraw()
    return shown and vim.uv.hrtime() - begin or -1";

/// The same for lines that are there already.
const BARE: &str = "local lines = {}
    for n = 1, tonumber(vim.env.SESSIONS) + 1 do
      lines[n] = ('●◆ review  the-first-of-many-%d  shell  +120 −3/4  43s  the last thing that the agent said'):format(n)
    end
    local begin = vim.uv.hrtime()
    local buf = vim.api.nvim_create_buf(false, true)
    vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
    vim.api.nvim_open_win(buf, true, { win = -1, split = 'below', height = 12 })
    vim.cmd.redraw()
    return vim.uv.hrtime() - begin";

/// One Neovim with a screen, which runs one of them.
async fn run(scene: &Scene, neovim: &OsStr, sessions: usize, lua: &str) -> Duration {
    let mut command = tokio::process::Command::from(scene.command(&neovim.to_string_lossy()));
    command.args(["--embed", "--clean", "--cmd"]).arg(format!("set runtimepath^={}", env!("CARGO_MANIFEST_DIR")));
    command.env("DIVISI_BIN", DIVISI).env("SESSIONS", sessions.to_string());
    command.stdin(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let (nvim, _io, mut child) = new_child_cmd(&mut command, Dummy::new()).await.expect("Neovim starts");
    nvim.ui_attach(120, 40, UiAttachOptions::new().set_linegrid_external(true)).await.expect("a screen");
    let took = nvim.exec_lua(lua, Vec::new()).await.unwrap_or_else(|error| panic!("{error}"));
    child.kill().await.expect("it ends");
    match took {
        Value::Integer(took) => Duration::from_nanos(took.as_u64().expect("it was shown")),
        other => panic!("no time: {other}"),
    }
}

/// From the first command to the list, with a daemon that knows a thousand sessions and runs.
pub(super) fn listing() -> Vec<Measure> {
    let Some(neovim) = std::env::var_os("DIVISI_TEST_NVIM_NEW").filter(|name: &OsString| !name.is_empty()) else {
        say("| nvim-thousand | skipped: DIVISI_TEST_NVIM_NEW is not set | | | |");
        return Vec::new();
    };
    let scene = Scene::new();
    let sessions = size("DIVISI_BENCH_SESSIONS", 1_000);
    start::fill(&scene, 20_000, sessions);
    let daemon = scene.daemon();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
    let (mut listed, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..scaled(ROUNDS) {
        bare.push(runtime.block_on(run(&scene, &neovim, sessions, BARE)));
        listed.push(runtime.block_on(run(&scene, &neovim, sessions, LIST)));
    }
    daemon.stop();
    let (listed, bare) = (median(&mut listed), median(&mut bare));
    let ratio = listed.as_secs_f64() / bare.as_secs_f64();
    vec![
        Measure {
            what: format!("a bare Neovim draws {sessions} prepared lines"),
            median: millis(bare),
            ratio: String::new(),
            goal: String::new(),
        },
        Measure {
            what: format!("first command to the list of {sessions} sessions on the screen"),
            median: millis(listed),
            ratio: format!("{ratio:.1} ×"),
            goal: "200 ms".to_owned(),
        },
    ]
}
