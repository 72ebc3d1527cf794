//! Many at once: creation beside everything else that may write to a repository, and creation interrupted at any point (promises P3,
//! P4, P5 and P7).

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::scene::{DEADLINE, Scene, kill};
use crate::support::wait_until;

#[test]
fn thirty_two_at_once_beside_fetch_gc_pack_refs_and_config() {
    const COUNT: usize = 32;
    let scene = Scene::new();
    let origin = scene.env.path("origin.git");
    scene.env.git("", &["clone", "--quiet", "--bare", "repo", "origin.git"]);
    scene.env.git(&scene.repo, &["remote", "add", "origin", origin.to_str().unwrap()]);
    let busy = AtomicBool::new(true);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let bystander = |arguments: &'static [&'static str]| {
            let (scene, busy) = (&scene, &busy);
            scope.spawn(move || {
                let mut failed = Vec::new();
                while busy.load(Ordering::Relaxed) {
                    let mut git = scene.env.command("git");
                    let output = git.current_dir(&scene.repo).args(arguments).output().unwrap();
                    if !output.status.success() {
                        failed.push(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)));
                    }
                }
                failed
            })
        };
        let bystanders = [
            bystander(&["fetch", "--quiet", "origin"]),
            bystander(&["gc", "--quiet"]),
            bystander(&["pack-refs", "--all"]),
            bystander(&["config", "test.value", "1"]),
            bystander(&["worktree", "list"]),
        ];
        let mut sessions: Vec<_> = (0..COUNT)
            .map(|number| {
                let command = format!("echo {number} > mine.txt");
                scene.env.spawn_divisi(
                    &scene.repo,
                    &["new", "--name", &format!("s{number}"), "--agent", "shell", "--wait", &command],
                )
            })
            .collect();
        for session in sessions.drain(..) {
            session.wait(DEADLINE * 4).ok();
        }
        busy.store(false, Ordering::Relaxed);
        bystanders.into_iter().flat_map(|bystander| bystander.join().unwrap()).collect()
    });
    assert_eq!(failures, Vec::<String>::new(), "bystanders failed");
    let list = scene.env.json(&scene.repo, &["list"]);
    let sessions = list.as_array().unwrap();
    assert_eq!(sessions.len(), COUNT);
    let paths: BTreeSet<_> = sessions.iter().map(|session| session["worktree"]["path"].to_string()).collect();
    let ports: BTreeSet<_> = sessions.iter().map(|session| session["worktree"]["port"].to_string()).collect();
    assert_eq!((paths.len(), ports.len()), (COUNT, COUNT));
    for number in 0..COUNT {
        assert_eq!(scene.read(&format!("s{number}"), "mine.txt"), format!("{number}\n"));
    }
    assert_eq!(
        scene.env.git(&scene.repo, &["worktree", "list", "--porcelain"]).matches("worktree ").count(),
        COUNT + 1
    );
    scene.env.git(&scene.repo, &["fsck", "--no-dangling"]);
}

#[test]
fn killed_at_any_point_of_creation_leaves_each_session_once() {
    const POINTS: u32 = 100;
    let scene = Scene::new();
    for number in 0..150 {
        scene.env.write(format!("repo/many/{number}.txt"), format!("{number}\n"));
    }
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Many files"]);
    // How long an undisturbed creation takes here decides where the points lie.
    let began = Instant::now();
    scene.divisi(&["new", "--name", "first", "--agent", "shell", "true"]).ok();
    wait_until(DEADLINE, "the first is made", || scene.show("first")["worktree"]["state"] == "ready");
    let whole = began.elapsed();
    for point in 0..POINTS {
        let daemon = scene.daemon_pid();
        let creating = scene.env.spawn_divisi(
            &scene.repo,
            &["new", "--name", &format!("k{point}"), "--agent", "shell", "echo made > made.txt"],
        );
        let moment = Instant::now() + whole * point / POINTS;
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        kill(daemon);
        // The command line starts the next daemon and repeats the command under the same id.
        creating.wait(Duration::from_secs(60)).ok();
    }
    for point in 0..POINTS {
        scene.wait_for(&format!("k{point}"), &["review"]);
        assert_eq!(scene.read(&format!("k{point}"), "made.txt"), "made\n");
    }
    let count = usize::try_from(POINTS).unwrap() + 1;
    assert_eq!(scene.env.json(&scene.repo, &["list"]).as_array().unwrap().len(), count);
    assert_eq!(
        scene.env.git(&scene.repo, &["worktree", "list", "--porcelain"]).matches("worktree ").count(),
        count + 1
    );
    assert_eq!(scene.env.git(&scene.repo, &["branch", "--list", "divisi/*"]).lines().count(), count);
    let findings = scene.env.json(&scene.repo, &["doctor"]);
    let bad: Vec<_> = findings.as_array().unwrap().iter().filter(|finding| finding["fix"].is_string()).collect();
    assert!(bad.is_empty(), "{bad:?}");
    scene.env.git(&scene.repo, &["fsck", "--no-dangling"]);
}

#[test]
fn an_idle_daemon_starts_no_git_process() {
    let scene = Scene::new();
    let mut sessions: Vec<_> = (0..20)
        .map(|number| {
            scene.env.spawn_divisi(
                &scene.repo,
                &["new", "--name", &format!("s{number}"), "--agent", "shell", "--wait", "echo x > x"],
            )
        })
        .collect();
    for session in sessions.drain(..) {
        session.wait(DEADLINE * 2).ok();
    }
    let processes = || scene.env.json(&scene.repo, &["daemon", "status"])["git_processes"].as_u64().unwrap();
    let before = processes();
    // Reading the list over and over is what an editor does.
    for _ in 0..50 {
        scene.env.json("", &["list"]);
    }
    assert_eq!(processes(), before);
}
