//! From start to end.

use std::time::Duration;

use divisi::host::port::{Attached, JobSpec, Jobs as _, RecordKind};
use divisi::model::RefusalKind;
use divisi::model::id::JobId;
use divisi::model::job::JobEnd;
use divisi::process::identity::ProcessStat;
use rustix::process::Signal;

use super::support::{Heard, House, everything, gone, in_time, kill};

#[tokio::test]
async fn both_streams_and_the_exit_code_are_in_the_journal() {
    let house = House::new();
    let mut handle = house.driver.start(&house.shell("a.j1", "echo out; echo err >&2; exit 3")).await.unwrap();
    let heard = everything(&mut *handle.reader).await;
    assert_eq!(heard.records[0].kind, RecordKind::Started);
    assert_eq!(heard.bytes(RecordKind::Stdout), b"out\n");
    assert_eq!(heard.bytes(RecordKind::Stderr), b"err\n");
    assert_eq!(heard.end(), Some(JobEnd::Exited { code: 3, stopped: false, leaked: 0 }));
    assert_eq!(house.log("a.j1"), "");
}

#[tokio::test]
async fn half_a_line_is_half_a_line_and_garbage_is_garbage() {
    let house = House::new();
    let mut handle = house.start("a.j1", r"printf 'half\377\000\033[31m'; kill -SEGV $$").await;
    let heard = everything(&mut *handle.reader).await;
    assert_eq!(heard.bytes(RecordKind::Stdout), b"half\xff\0\x1b[31m");
    assert_eq!(heard.end(), Some(JobEnd::Signaled { signal: 11, stopped: false, leaked: 0 }));
}

#[tokio::test]
async fn nothing_is_inherited_but_what_was_given() {
    let mut house = House::new();
    house.start_shims_with("trap '' INT QUIT HUP TERM PIPE; exec 7>&1; SECRET=1; export SECRET");
    let script = "env; ls /proc/self/fd; grep -E 'SigBlk|SigIgn' /proc/self/status; cat; echo over";
    let mut handle = house.driver.start(&house.shell("a.j1", script)).await.unwrap();
    let text = everything(&mut *handle.reader).await.text();
    let names: Vec<&str> = text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    let mut names: Vec<&str> =
        names.into_iter().filter(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(name)).collect();
    names.sort_unstable();
    assert_eq!(names, ["DIVISI_JOB", "DIVISI_JOB_DYE", "PATH", "TMPDIR"]);
    assert!(text.contains(&format!("TMPDIR={}", house.job_directory("a.j1").join("tmp").display())));
    let masks = text.lines().filter_map(|line| line.strip_prefix("Sig")?.split_once('\t'));
    let masks: Vec<u64> = masks.map(|(_, mask)| u64::from_str_radix(mask, 16).unwrap()).collect();
    // Above these are the C library's own.
    assert!(masks.len() == 2 && masks.iter().all(|mask| mask.trailing_zeros() >= 31), "{text}");
    // `ls` has opened the directory itself.
    let fds: Vec<&str> = text.lines().filter(|line| line.parse::<u32>().is_ok()).collect();
    assert_eq!(fds, ["0", "1", "2", "3"]);
    assert!(text.ends_with("over\n"), "an empty standard input");
}

#[tokio::test]
async fn what_cannot_start_is_refused_with_its_reason_and_leaves_nothing() {
    let house = House::new();
    std::fs::write(house.worktree().join("plain"), "echo\n").unwrap();
    std::fs::write(house.worktree().join("script"), "echo no line\n").unwrap();
    std::fs::write(house.worktree().join("lost"), "#!/nowhere/sh\n").unwrap();
    for name in ["script", "lost"] {
        let path = house.worktree().join(name);
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let base = house.shell("a.j1", "true");
    let program = |name: &str| JobSpec { command: vec![name.to_owned()], ..base.clone() };
    let directory = |path: String| JobSpec { directory: path, ..base.clone() };
    for (spec, expected) in [
        (program("no-such-program"), "was not found in PATH"),
        (program("/no/such/program"), "does not exist"),
        (program("./plain"), "is not executable"),
        (program("./script"), "is not a program"),
        (program("./lost"), "what its `#!` line or loader names does not exist"),
        (program("/"), "is a directory, not a program"),
        (JobSpec { command: vec!["sh".into(), "a\0b".into()], ..base.clone() }, "NUL byte"),
        (directory("/no/such/directory".into()), "does not exist"),
        (directory("relative".into()), "is not absolute"),
        (directory(house.worktree().join("plain").display().to_string()), "is not a directory"),
    ] {
        let Err(refusal) = house.driver.start(&spec).await else { panic!("{expected}") };
        assert!(refusal.message.contains(expected), "{}", refusal.message);
        assert_eq!(refusal.kind, RefusalKind::User, "{}", refusal.message);
        assert!(!house.job_directory("a.j1").exists(), "{expected}");
        assert!(matches!(house.attach("a.j1").await, Attached::NeverStarted));
    }
    assert!(house.driver.start(&JobSpec { job: JobId::from("../x"), ..base.clone() }).await.is_err());
}

#[tokio::test]
async fn what_a_program_is_started_with_is_in_no_file_and_may_be_longer_than_a_pipe() {
    let house = House::new();
    let key = "k3y".repeat(33_000);
    let mut spec = JobSpec { stdin: true, ..house.shell("a.j1", "echo ${#A}/${#B}/${#C}; read go") };
    spec.environment.extend(["A", "B", "C"].map(|name| (name.to_owned(), key.clone())));
    let mut handle = house.driver.start(&spec).await.unwrap();
    Heard::default().until(&mut *handle.reader, "99000/99000/99000\n").await;
    let mut files = 0;
    for entry in std::fs::read_dir(house.job_directory("a.j1")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            let content = std::fs::read(entry.path()).unwrap();
            assert!(!String::from_utf8_lossy(&content).contains("k3yk3y"), "{}", entry.path().display());
            files += 1;
        }
    }
    assert_eq!(files, 2, "the shim's card and the journal");
    handle.control.write("w", b"go\n").await.unwrap();
    assert!(everything(&mut *handle.reader).await.end().is_some());
}

#[tokio::test]
async fn a_job_is_started_once_and_forgotten_when_it_is_over() {
    let house = House::new();
    let mut handle = house.start("a.j1", "mkdir -p $TMPDIR/ro/x; chmod 555 $TMPDIR/ro; read go").await;
    let again = house.driver.start(&house.shell("a.j1", "true")).await;
    assert_eq!(again.err().map(|refusal| refusal.kind), Some(RefusalKind::Conflict));
    let early = house.driver.forget(&JobId::from("a.j1")).await;
    assert_eq!(early.err().map(|refusal| refusal.kind), Some(RefusalKind::Conflict));
    handle.control.write("go", b"go\n").await.unwrap();
    everything(&mut *handle.reader).await;
    assert!(house.driver.start(&house.shell("a.j1", "true")).await.is_err(), "it was started already");
    house.driver.forget(&JobId::from("a.j1")).await.unwrap();
    assert!(!house.job_directory("a.j1").exists());
    house.driver.forget(&JobId::from("a.j1")).await.unwrap();
}

#[tokio::test]
async fn secrets_do_not_stay_on_the_disk() {
    let house = House::new();
    let mut spec = house.shell("a.j1", "read x");
    spec.stdin = true;
    spec.environment.insert("KEY".into(), "hunter2".into());
    let mut handle = house.driver.start(&spec).await.unwrap();
    for entry in std::fs::read_dir(house.job_directory("a.j1")).unwrap().flatten() {
        let content = std::fs::read(entry.path()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&content).contains("hunter2"), "{:?}", entry.path());
        let mode = std::os::unix::fs::PermissionsExt::mode(&entry.metadata().unwrap().permissions());
        assert!(entry.path().ends_with("control.sock") || mode.trailing_zeros() >= 6, "{:?} {mode:o}", entry.path());
    }
    handle.control.close_stdin().await.unwrap();
    everything(&mut *handle.reader).await;
}

#[tokio::test]
async fn shim_and_program_are_away_from_the_daemons_session_and_from_each_other() {
    let house = House::new();
    let mut handle = house.start("a.j1", "echo $$; read x").await;
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "\n").await;
    let shim = ProcessStat::read(handle.shim.pid).unwrap();
    let program = ProcessStat::read(heard.text().trim().parse().unwrap()).unwrap();
    assert_eq!((shim.session, shim.group), (shim.pid, shim.pid));
    assert_eq!((program.session, program.group, program.parent), (shim.pid, program.pid, shim.pid));
    handle.control.close_stdin().await.unwrap();
    heard.finish(&mut *handle.reader).await;
}

/// As in the background of a script, where SIGINT and SIGQUIT are ignored, and what is ignored is inherited.
#[tokio::test]
async fn an_interrupt_reaches_the_group_even_when_the_daemon_ignores_it() {
    let mut house = House::new();
    house.start_shims_with("trap '' INT QUIT HUP");
    let mut handle = house.start("a.j1", "trap 'echo caught; exit 7' INT; echo ready; while :; do read x; done").await;
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "ready").await;
    handle.control.interrupt().await.unwrap();
    heard.finish(&mut *handle.reader).await;
    assert_eq!(heard.text(), "ready\ncaught\n");
    assert_eq!(heard.end(), Some(JobEnd::Exited { code: 7, stopped: false, leaked: 0 }));
    assert!(handle.control.interrupt().await.is_err(), "it has ended");
}

#[tokio::test]
async fn stop_is_polite_first_and_then_not() {
    let house = House::new();
    let mut handle = house.start("a.j1", "trap 'echo bye; exit 9' TERM; echo ready; while :; do read x; done").await;
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "ready").await;
    handle.control.stop(Duration::from_secs(30)).await.unwrap();
    heard.finish(&mut *handle.reader).await;
    assert_eq!(heard.text(), "ready\nbye\n");
    assert_eq!(heard.end(), Some(JobEnd::Exited { code: 9, stopped: true, leaked: 0 }));

    let mut handle = house.start("a.j2", "trap '' TERM; echo ready; while :; do read x; done").await;
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "ready").await;
    handle.control.stop(Duration::from_secs(3600)).await.unwrap();
    handle.control.stop(Duration::from_millis(50)).await.unwrap();
    heard.finish(&mut *handle.reader).await;
    assert_eq!(heard.end(), Some(JobEnd::Signaled { signal: 9, stopped: true, leaked: 0 }));
}

#[tokio::test]
async fn run_is_bounded_in_time_and_output() {
    let house = House::new();
    let (end, output) =
        house.driver.run(&house.shell("a.j1", "echo hi; exit 4"), Duration::from_secs(60)).await.unwrap();
    assert_eq!((end, output.as_str()), (JobEnd::Exited { code: 4, stopped: false, leaked: 0 }, "hi\n"));
    let script = "head -c 3000000 /dev/zero | tr '\\0' x; echo the end";
    let (_, output) = house.driver.run(&house.shell("a.j2", script), Duration::from_secs(60)).await.unwrap();
    assert!(output.len() < (1 << 20) + 100 && output.ends_with("the end\n"), "{}", output.len());
    let endless = house.shell("a.j3", "trap '' TERM; sleep 600 & (setsid sleep 600 &); sleep 600");
    let (end, _) = in_time(house.driver.run(&endless, Duration::from_millis(300))).await.unwrap();
    assert!(matches!(end, JobEnd::Signaled { signal: 9, stopped: true, .. }), "{end:?}");
    assert_eq!(house.inhabitants(), []);
    assert_eq!(std::fs::read_dir(house.job_directory("")).unwrap().count(), 0, "nothing is left behind");
}

#[tokio::test]
async fn a_shim_killed_in_the_middle_ends_the_reading_without_an_end_record() {
    let house = House::new();
    let mut handle = house.start("a.j1", "echo ready; while :; do read x; done").await;
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "ready").await;
    kill(&handle.shim, Signal::KILL);
    heard.finish(&mut *handle.reader).await;
    assert_eq!(heard.end(), None);
    assert_eq!(house.inhabitants(), [], "its tree is ended before the reader says so");
    assert!(handle.control.write("late", b"x").await.is_err());
    assert!(handle.control.stop(Duration::ZERO).await.is_err());
    gone(&handle.shim).await;
    assert_eq!(everything(&mut *house.attach_gone("a.j1").await).await, heard);
}

#[tokio::test]
async fn a_directory_whose_path_is_too_long_for_a_socket_works() {
    let house = House::new();
    let deep = house.worktree().join("d".repeat(60)).join("e".repeat(60));
    let shim = env!("CARGO_BIN_EXE_divisi").into();
    let driver = divisi::process::JobDriver::new(&deep, shim, &house.worktree().join("r"));
    let mut handle = driver.start(&house.shell("a.j1", "echo hi")).await.unwrap();
    assert_eq!(everything(&mut *handle.reader).await.text(), "hi\n");
    assert_eq!(std::fs::read_dir(house.worktree().join("r")).unwrap().count(), 0, "the socket is taken away");
}
