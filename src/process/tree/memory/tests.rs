use std::process::{Command, Stdio};

use super::*;

#[test]
fn a_share_is_what_is_in_memory_and_what_is_swapped_out() {
    let rollup = "5581-7ffc ---p 00000000 00:00 0    [rollup]\nRss:      9000 kB\nPss:      1000 kB\nPss_Dirty:    700 kB\n\
                  Shared_Clean:  80 kB\nSwap:      50 kB\nSwapPss:     24 kB\n";
    assert_eq!(share(rollup), 1024 * 1024);
    assert_eq!(share(""), 0);
}

#[test]
fn memory_that_processes_share_counts_once() {
    // Every child has the parent's 64 MiB, which nobody writes to.
    let script =
        "my $text = 'x' x (64 << 20); for (1 .. 4) { next if fork; print \"$$\\n\"; sleep 600; exit } sleep 600";
    let mut child = Command::new("perl")
        .args(["-e", &format!("$| = 1; {script}")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = std::io::BufReader::new(child.stdout.take().unwrap());
    let pids: Vec<i32> = std::io::BufRead::lines(said).take(4).map(|line| line.unwrap().parse().unwrap()).collect();
    let all: Vec<ProcessStat> =
        pids.into_iter().chain([i32::try_from(child.id()).unwrap()]).filter_map(ProcessStat::read).collect();
    let resident: u64 = all.iter().map(|process| resident(process.pid)).sum();
    let (over_much, over_little) = (is_over(&all, 256 << 20), is_over(&all, 48 << 20));
    for process in &all {
        crate::process::tree::signal(process, rustix::process::Signal::KILL);
    }
    child.wait().unwrap();
    assert_eq!(all.len(), 5);
    assert!(resident > 5 * (64 << 20), "each of them has it: {resident}");
    assert!(!over_much, "it was counted five times");
    assert!(over_little);
}
