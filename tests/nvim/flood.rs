//! Output far beyond what a transcript keeps: a gigabyte, scaled down to several times the bounds that `:help divisi-transcript` names.

use std::time::{Duration, Instant};

use super::editor::{OUTER, Scene};
use super::in_every_neovim;

const BUFFER: &str = "divisi://session/fix";
/// What is shown at most: the bounds and the quarter over them that is let grow before anything is cut.
const LINES: u64 = 100_000 * 5 / 4;
const BYTES: u64 = 32 * 1024 * 1024 * 5 / 4;

/// The memory of a process, in MiB.
fn memory(pid: u64) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1024
}

/// What a process has used of the processors. Between a question and its answer it says how long the editor was busy, however much
/// of the machine others had meanwhile.
fn processor_time(pid: u64) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name, which may hold anything, is in parentheses. Fields 14 and 15, in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |field: usize| fields[field - 3].parse::<u64>().unwrap();
    Duration::from_millis(10 * (ticks(14) + ticks(15)))
}

struct Flood<'a> {
    scene: &'a Scene,
    neovim: u64,
    /// How long Neovim was busy until it answered.
    waits: Vec<Duration>,
}

impl Flood<'_> {
    /// Says this much of a line, in pieces; looks at the buffer and takes the time of an answer after each.
    async fn pour(&mut self, line: &str, lines: usize, piece: usize) {
        let begin = Instant::now();
        let text = format!("{line}\n").repeat(piece);
        for number in 0..lines / piece {
            self.scene.fake.say("aaaaaaaaaa", &text);
            let asked = processor_time(self.neovim);
            let look = format!(
                "local b = vim.fn.bufnr({BUFFER:?}) local n = vim.api.nvim_buf_line_count(b) return {{ n, vim.api.nvim_buf_get_offset(b, n) }}"
            );
            let seen = self.scene.editor.lua(&look).await;
            self.waits.push(processor_time(self.neovim).saturating_sub(asked));
            assert!(seen[0].as_u64().unwrap() <= LINES, "{} lines after {number} pieces", seen[0]);
            assert!(seen[1].as_u64().unwrap() <= BYTES, "{} bytes after {number} pieces", seen[1]);
        }
        self.scene.fake.say("aaaaaaaaaa", &format!("that was {line:.9} {lines}\n"));
        println!("{lines} lines said after {:?}", begin.elapsed());
        let end = format!(
            "vim.tbl_contains(vim.api.nvim_buf_get_lines(vim.fn.bufnr({BUFFER:?}), -4, -1, false), 'that was {line:.9} {lines}')"
        );
        // Without the deadline of one event: it is a thousand of them, and others may have the machine. How busy it was counts.
        let wait = tokio::time::timeout(Duration::from_secs(120), async {
            loop {
                let asked = processor_time(self.neovim);
                let look = format!("return vim.wait(50, function() return {end} end, 10)");
                let answer = self.scene.editor.lua_in_time(&look).await;
                self.waits.push(processor_time(self.neovim).saturating_sub(asked));
                if answer == Some(true.into()) {
                    return;
                }
            }
        });
        let shown = wait.await.is_ok();
        println!("and shown after {:?}", begin.elapsed());
        assert!(shown, "the end of the flood is not shown");
    }
}

impl<'a> Flood<'a> {
    /// A transcript that is open and follows; with the process ids of Neovim and its host process.
    async fn begin(scene: &'a Scene) -> (Self, u64, u64) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "talk");
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows(BUFFER, "talk").await;
        scene.editor.keys("G").await;
        let host = scene.editor.lua("local out require('divisi').request('host/status', {}, function(s) out = s.pid end) vim.wait(5000, function() return out end, 5) return out").await;
        let neovim = scene.editor.lua("return vim.fn.getpid()").await;
        let neovim = neovim.as_u64().unwrap();
        (Self { scene, neovim, waits: Vec::new() }, neovim, host.as_u64().unwrap())
    }

    /// The editor has answered all along.
    async fn end(mut self) {
        self.waits.sort_unstable();
        let (middle, most) = (self.waits[self.waits.len() / 2], self.waits[self.waits.len() - 1]);
        println!("busy until an answer: median {middle:?}, at most {most:?}");
        assert!(most < Duration::from_secs(2), "{most:?}");
        self.scene.editor.assert_calm().await;
    }
}

in_every_neovim! {
    // A thousand events, when others work the machine too.
    within OUTER * 3;

    async fn lines_without_end_stay_within_their_bound_and_the_editor_answers(scene) {
        let (mut flood, neovim, host) = Flood::begin(&scene).await;
        // The bound once, then twice more.
        flood.pour("a line of what it prints", 100_000, 5_000).await;
        let full = (memory(neovim), memory(host));
        flood.pour("a line of what it prints", 200_000, 5_000).await;
        let after = (memory(neovim), memory(host));
        println!("100,000 short lines: Neovim {} MiB, its host process {} MiB; after 300,000: {} and {} MiB", full.0, full.1, after.0, after.1);
        assert!(after.0 <= full.0 + 64 && after.1 <= full.1 + 64, "{full:?}, then {after:?}");
        flood.end().await;
    }

    async fn long_lines_without_end_stay_within_their_bound_and_the_editor_answers(scene) {
        let (mut flood, neovim, host) = Flood::begin(&scene).await;
        // The bound twice.
        flood.pour(&"long ".repeat(800), 16_000, 100).await;
        let after = (memory(neovim), memory(host));
        println!("after 64 MB of long lines: Neovim {} MiB, its host process {} MiB", after.0, after.1);
        // The bound twice in the host process, as text and as what is on its way; once and its overhead in Neovim.
        assert!(after.0 < 256 && after.1 < 256, "{after:?}");
        flood.end().await;
    }
}
