//! How much memory processes have.
//!
//! Source: `proc_pid_statm(5)` and `proc_pid_smaps_rollup(5)`.

use std::fs;

use crate::process::identity::ProcessStat;

/// Whether processes have more memory together than `most` bytes. What several of them share counts once.
pub fn is_over(processes: &[ProcessStat], most: u64) -> bool {
    let sum = |of: fn(i32) -> u64| processes.iter().fold(0_u64, |sum, process| sum.saturating_add(of(process.pid)));
    // What is shared is found out only where it matters: the kernel looks at every page for it.
    sum(resident) > most && sum(own_share) > most
}

/// What a process has in memory, shared or not, bytes; 0 when it is gone.
fn resident(pid: i32) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages: u64 = statm.split_ascii_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    pages.saturating_mul(u64::try_from(rustix::param::page_size()).unwrap_or(4096))
}

/// Its share of what it has, in memory or swapped out: a page that is in two processes is half a page in each.
fn own_share(pid: i32) -> u64 {
    let Ok(rollup) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) else { return resident(pid) };
    share(&rollup)
}

fn share(rollup: &str) -> u64 {
    let field = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or_default()
    };
    field("Pss").saturating_add(field("SwapPss")).saturating_mul(1024)
}

#[cfg(test)]
mod tests;
