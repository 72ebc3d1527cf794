//! Session creation through the daemon, beside git's own command in the same repository.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use super::scene::{Client, Scene};
use super::{Measure, median, millis, scaled, size, timed};

/// What the daemon may take beyond git's own time.
const ALLOWED: Duration = Duration::from_millis(15);

/// `git worktree add` and `session/create`, in turns, in a small, a middle and a large repository.
pub(super) fn creation() -> Vec<Measure> {
    let scene = Scene::new();
    let daemon = scene.daemon();
    let mut client = daemon.connect();
    client.subscribe();
    let mut measures = Vec::new();
    for (files, rounds) in [(10, 41), (4000, 15), (size("DIVISI_BENCH_FILES", 50_000), 5)] {
        let repository = scene.repository(&format!("r{files}"), files);
        let (mut bare, mut ours, mut recorded) = (Vec::new(), Vec::new(), Vec::new());
        let before = client.call("daemon/status", &json!({}))["git_processes"].as_u64().unwrap_or(0);
        // The first of each warms the caches up and does not count.
        for round in 0..=scaled(rounds) {
            let run_git = || timed(|| add(&scene, &repository, round)).0;
            let git = (round % 2 == 0).then(run_git);
            let (receipt, ready) = create(&mut client, &repository);
            let git = git.unwrap_or_else(run_git);
            if round > 0 {
                bare.push(git);
                ours.push(ready);
                recorded.push(receipt);
            }
        }
        let after = client.call("daemon/status", &json!({}))["git_processes"].as_u64().unwrap_or(0);
        let (bare, ours, recorded) = (median(&mut bare), median(&mut ours), median(&mut recorded));
        let (more, sign) =
            if ours > bare { (ours.saturating_sub(bare), '+') } else { (bare.saturating_sub(ours), '−') };
        let processes = (after - before) / (scaled(rounds) as u64 + 1);
        measures.push(Measure {
            what: format!("a session in a repository of {files} files"),
            median: format!("{} (recorded after {})", millis(ours), millis(recorded)),
            ratio: format!(
                "{:.2} × `git worktree add` ({}), {sign}{}; {processes} git processes, those of its turn included",
                ours.as_secs_f64() / bare.as_secs_f64(),
                millis(bare),
                millis(more)
            ),
            goal: format!("git + {} ms", ALLOWED.as_millis()),
        });
    }
    daemon.stop();
    measures
}

fn add(scene: &Scene, repository: &Path, round: usize) {
    let path = scene.path("bare").join(format!("{}-{round}", repository.file_name().unwrap_or_default().display()));
    let ended = scene
        .command("git")
        .current_dir(repository)
        .args(["worktree", "add", "--quiet", "-b", &format!("bare-{round}")])
        .arg(path)
        .arg("main")
        .stderr(Stdio::null())
        .status()
        .expect("git is installed");
    assert!(ended.success(), "git worktree add failed");
}

/// From the request until the receipt, and until the worktree is there; then waits until its turn is over.
fn create(client: &mut Client, repository: &Path) -> (Duration, Duration) {
    let begin = Instant::now();
    let session = client.create(repository, "shell", "true");
    let receipt = begin.elapsed();
    client.wait_for(&session, |event| event["type"] == "worktree.changed" && event["payload"]["state"] == "ready");
    let ready = begin.elapsed();
    client.wait_for(&session, |event| event["type"] == "turn.ended");
    (receipt, ready)
}
