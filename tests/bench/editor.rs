//! What Neovim feels of divisi: how much later it starts, and how long a key takes to show while agents talk.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use nvim_rs::compat::tokio::Compat;
use nvim_rs::create::tokio::new_child_cmd;
use nvim_rs::{Handler, Neovim, UiAttachOptions};
use rmpv::Value as Pack;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::nvim::{command, prepare, run};
use crate::{Measure, directory, median, millis, percentile, say, scaled};

const STARTS: usize = 25;
const KEYS: usize = 500;
const AGENTS: usize = 8;
/// A person's fastest: a key held down repeats about thirty times a second.
const BETWEEN: Duration = Duration::from_millis(30);
/// A thousand lines a second in all, in pieces as programs write them.
const TALK: &str = "while [ ! -e stop ]; do for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo \"$i: a line of **text** with `code` that an agent says\"; done; sleep 0.096; done";

fn neovim(bench: &str) -> Option<OsString> {
    let found = std::env::var_os("DIVISI_TEST_NVIM_NEW");
    if found.is_none() {
        say(&format!("| {bench} | skipped: DIVISI_TEST_NVIM_NEW is not set | | | |"));
    }
    found
}

/// Start to `--startuptime`'s end, with and without the plugin, in turns.
pub(crate) fn startup() -> Vec<Measure> {
    let Some(neovim) = neovim("nvim-startup") else { return Vec::new() };
    let home = directory();
    std::fs::create_dir(home.path().join("repository")).expect("a folder");
    let log = home.path().join("startup.log");
    let plugin = format!("set runtimepath^={}", env!("CARGO_MANIFEST_DIR"));
    let start = |with: bool| {
        drop(std::fs::remove_file(&log));
        let mut command = command(home.path(), &neovim);
        command.args(["--headless", "--clean", "--startuptime"]).arg(&log);
        if with {
            command.args(["--cmd", &plugin]);
        }
        let output = command.args(["-c", "qa!"]).output().expect("Neovim runs");
        assert!(output.status.success(), "{output:?}");
        std::fs::read_to_string(&log).expect("a log")
    };
    let time = |text: &str| Duration::from_secs_f64(text.trim().parse::<f64>().expect("milliseconds") / 1e3);
    let (mut without, mut with, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..scaled(STARTS) {
        for plugin in [false, true] {
            let log = start(plugin);
            let last = log.lines().rfind(|line| line.contains("--- NVIM STARTED ---")).expect("it started");
            let total = time(last.split_whitespace().next().expect("a time"));
            if plugin {
                with.push(total);
                let line = log.lines().find(|line| line.contains("plugin/divisi.lua")).expect("it was read");
                // clock, self+sourced, self: of which the second is all that the file costs.
                own.push(time(line.split_whitespace().nth(1).expect("a time")));
            } else {
                without.push(total);
            }
        }
    }
    let (without, with) = (median(&mut without), median(&mut with));
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    vec![
        Measure {
            what: "Neovim starts without divisi".to_owned(),
            median: millis(without),
            ratio: String::new(),
            goal: String::new(),
        },
        Measure {
            what: "Neovim starts with it".to_owned(),
            median: millis(with),
            ratio: format!("{ratio:.2} ×"),
            goal: String::new(),
        },
        Measure {
            what: "of which `plugin/divisi.lua`".to_owned(),
            median: millis(median(&mut own)),
            ratio: String::new(),
            goal: "1 ms".to_owned(),
        },
    ]
}

/// Where the cursor is on the screen after each update of it.
#[derive(Clone)]
struct Screen {
    rows: mpsc::UnboundedSender<i64>,
}

#[async_trait]
impl Handler for Screen {
    type Writer = Compat<ChildStdin>;

    async fn handle_notify(&self, name: String, updates: Vec<Pack>, _nvim: Neovim<Self::Writer>) {
        if name != "redraw" {
            return;
        }
        for update in updates.iter().filter_map(Pack::as_array) {
            if update.first().and_then(Pack::as_str) == Some("grid_cursor_goto") {
                let row = update.last().and_then(Pack::as_array).and_then(|place| place.get(1)?.as_i64());
                // Without a listener the bench is over.
                let _ = row.map(|row| self.rows.send(row));
            }
        }
    }
}

/// Moves the cursor up and down, and takes the time until the screen has it there.
async fn keys(home: &Path, neovim: &OsString, agents: usize) -> Vec<Duration> {
    let (rows, mut moved) = mpsc::unbounded_channel();
    let mut program = tokio::process::Command::from(command(home, neovim));
    program.args(["--embed", "--clean"]).stdin(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let (nvim, _io, mut child) = new_child_cmd(&mut program, Screen { rows }).await.expect("Neovim starts");
    nvim.ui_attach(200, 60, UiAttachOptions::new().set_linegrid_external(true)).await.expect("a screen");
    let lua =
        async |code: &str| nvim.exec_lua(code, Vec::new()).await.unwrap_or_else(|error| panic!("{error}: {code}"));
    lua("vim.opt.rtp:prepend(vim.env.DIVISI_PLUGIN) vim.cmd('runtime plugin/divisi.lua') vim.cmd('edit text.txt') vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.fn['repeat']({ 'a line of a file' }, 30)) vim.bo.modified = false _G.file = vim.api.nvim_get_current_win()").await;
    for number in 1..=AGENTS {
        // The same windows for both: transcripts that grow, or text that stands still.
        let fill = if number <= agents {
            format!(
                "vim.cmd('Divisi show t{number}') vim.wait(20000, function() return vim.api.nvim_buf_get_name(0) == 'divisi://session/t{number}' and vim.api.nvim_buf_line_count(0) > 20 end, 5) vim.cmd('normal! G') vim.w.divisi = nil"
            )
        } else {
            "vim.cmd('botright vnew') vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.fn['repeat']({ 'text' }, 50)) vim.bo.modified = false".to_owned()
        };
        lua(&fill).await;
    }
    lua("vim.cmd('wincmd =') vim.api.nvim_set_current_win(_G.file) vim.cmd('normal! gg')").await;
    let mut pace = interval(BETWEEN);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..10 {
        pace.tick().await;
    }
    let mut took = Vec::new();
    let mut row = None;
    while let Ok(now) = moved.try_recv() {
        row = Some(now);
    }
    for number in 0..scaled(KEYS) {
        let began = Instant::now();
        nvim.input(if number % 2 == 0 { "j" } else { "k" }).await.expect("a key");
        loop {
            let seen =
                timeout(Duration::from_secs(5), moved.recv()).await.expect("the cursor moves").expect("Neovim lives");
            if Some(seen) != row {
                row = Some(seen);
                break;
            }
        }
        took.push(began.elapsed());
        pace.tick().await;
        while let Ok(now) = moved.try_recv() {
            row = Some(now);
        }
    }
    child.kill().await.expect("it ends");
    took
}

/// A key in a file while eight agents talk in eight windows beside it, and the same without divisi.
pub(crate) fn latency() -> Vec<Measure> {
    let Some(neovim) = neovim("nvim-keys") else { return Vec::new() };
    let home = directory();
    prepare(home.path());
    for number in 1..=AGENTS {
        run(
            home.path(),
            env!("CARGO_BIN_EXE_divisi"),
            &["new", "--name", &format!("t{number}"), "--agent", "shell", TALK],
        );
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let (mut quiet, mut busy) = runtime.block_on(async {
        let busy = keys(home.path(), &neovim, AGENTS).await;
        // The agents go on talking: the machine is as busy, Neovim is not.
        (keys(home.path(), &neovim, 0).await, busy)
    });
    for number in 1..=AGENTS {
        run(home.path(), env!("CARGO_BIN_EXE_divisi"), &["stop", &format!("t{number}")]);
    }
    run(home.path(), env!("CARGO_BIN_EXE_divisi"), &["daemon", "stop"]);
    let line = |what: &str, values: &mut [Duration], beside: Option<Duration>, goal: &str| {
        let (middle, late) = (percentile(values, 50), percentile(values, 99));
        let ratio = beside
            .map_or_else(String::new, |beside| format!("{:.2} × (p99)", late.as_secs_f64() / beside.as_secs_f64()));
        let median = format!("p50 {}, p99 {}", millis(middle), millis(late));
        Measure { what: what.to_owned(), median, ratio, goal: goal.to_owned() }
    };
    let first = line("a key until the screen shows it, nothing grows", &mut quiet, None, "");
    let beside = percentile(&mut quiet, 99);
    let second = line(
        &format!("the same while {AGENTS} agents write 1,000 lines/s into visible transcripts"),
        &mut busy,
        Some(beside),
        "p99 16 ms",
    );
    vec![first, second]
}
