//! How soon a Neovim shows what there is: the list of all sessions and one transcript, after its first command.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{Measure, directory, median, millis, say};

const ROUNDS: usize = 9;

/// Prints the milliseconds from the first command until both are shown.
const LUA: &str = r#"
vim.opt.rtp:prepend(vim.env.DIVISI_PLUGIN)
vim.cmd("runtime plugin/divisi.lua")
local begin = vim.uv.hrtime()
vim.cmd("Divisi list")
vim.cmd("Divisi show s50")
local function text(name)
  local buf = vim.fn.bufnr(name)
  return buf > 0 and table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), "\n") or ""
end
local shown = vim.wait(20000, function()
  return select(2, text("divisi://sessions"):gsub("\n", "")) >= tonumber(vim.env.SESSIONS) and text("divisi://session/s50"):find("\nhello 50") ~= nil
end, 1)
io.stdout:write(shown and vim.uv.hrtime() - begin or "never")
vim.cmd("qa!")
"#;

/// From attach to the same state; nothing is measured unless `DIVISI_TEST_NVIM_NEW` names a Neovim.
pub(crate) fn attach() -> Vec<Measure> {
    let Some(neovim) = std::env::var_os("DIVISI_TEST_NVIM_NEW") else {
        say("| nvim-attach | skipped: DIVISI_TEST_NVIM_NEW is not set | | | |");
        return Vec::new();
    };
    let home = directory();
    std::fs::write(home.path().join("measure.lua"), LUA).expect("a file");
    prepare(home.path());
    let divisi = env!("CARGO_BIN_EXE_divisi");
    let sessions = sessions();
    for number in 1..=sessions {
        let (name, prompt) = (format!("s{number}"), format!("echo hello {number}"));
        run(home.path(), divisi, &["new", "--name", &name, "--agent", "shell", &prompt]);
    }
    run(home.path(), divisi, &["wait", "s50"]);
    let mut took: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let script = home.path().join("measure.lua");
            let mut command = command(home.path(), &neovim);
            let output = command.args(["--headless", "--clean", "-l"]).arg(script).output().expect("Neovim runs");
            let text = String::from_utf8_lossy(&output.stdout);
            Duration::from_secs_f64(text.trim().parse::<f64>().unwrap_or_else(|_| panic!("{output:?}")) / 1e9)
        })
        .collect();
    run(home.path(), divisi, &["daemon", "stop"]);
    vec![Measure {
        what: format!("first command to the list of {sessions} sessions and a transcript"),
        median: millis(median(&mut took)),
        ratio: String::new(),
        goal: "200 ms".to_owned(),
    }]
}

/// A repository with one commit.
pub(crate) fn prepare(home: &Path) {
    std::fs::create_dir(home.join("repository")).expect("a folder");
    run(home, "git", &["init", "--quiet"]);
    let author = ["-c", "user.name=B", "-c", "user.email=b@x"];
    run(home, "git", &[author.as_slice(), &["commit", "--quiet", "--allow-empty", "-m", "B"]].concat());
}

/// As many as `DIVISI_BENCH_SESSIONS` says, and at least the one whose transcript is shown.
fn sessions() -> usize {
    let wanted = std::env::var("DIVISI_BENCH_SESSIONS").ok().and_then(|text| text.parse().ok());
    wanted.unwrap_or(100).max(50)
}

pub(crate) fn command(home: &Path, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(home.join("repository")).env_clear().stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home).env("XDG_RUNTIME_DIR", home);
    command.env("SESSIONS", sessions().to_string());
    command.env("DIVISI_SOCKET", home.join("s")).env("DIVISI_BIN", env!("CARGO_BIN_EXE_divisi"));
    command.env("DIVISI_PLUGIN", env!("CARGO_MANIFEST_DIR")).env("TMPDIR", home);
    command
}

pub(crate) fn run(home: &Path, program: &str, arguments: &[&str]) {
    let output = command(home, program).args(arguments).output().expect("the program runs");
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
}
