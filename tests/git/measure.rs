//! Numbers, on demand: `cargo test --test behaviour git::measure -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use divisi::host::port::Git as _;

use super::fixture::Fixture;

#[test]
#[ignore = "takes long and says numbers"]
fn creation_against_plain_git() {
    for files in [3_u32, 4_000] {
        let fixture = Fixture::new();
        for n in 0..files {
            fixture.write(&format!("d{}/e{}/f{n}", n % 40, n % 7), &"line of text\n".repeat(100));
        }
        fixture.git(&["add", "-A"]);
        fixture.git(&["commit", "-qm", "many"]);
        let (mut ours, mut gits, mut spawns) = (Vec::new(), Vec::new(), 0);
        for round in 0..9 {
            let worktree = fixture.intend(&format!("m{round}"), &format!("m{round}"), None);
            let before = fixture.driver.processes();
            let started = Instant::now();
            fixture.driver.create_worktree(&worktree).unwrap();
            ours.push(started.elapsed());
            spawns = fixture.driver.processes() - before;
            let path = fixture.path().join(format!("plain{round}"));
            let started = Instant::now();
            fixture.git(&[
                "worktree",
                "add",
                "-q",
                "--no-track",
                "-b",
                &format!("p{round}"),
                path.to_str().unwrap(),
                "main",
            ]);
            gits.push(started.elapsed());
        }
        println!("{files} files: ours {:?}, git {:?}, {spawns} processes", median(ours), median(gits));
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
