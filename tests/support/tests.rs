//! The environment itself: it isolates, it notices what is left behind, it ends what it finds.

use std::fs;
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::leftovers::survivors;
use super::skip::record;
use super::*;

/// Drops `env` with little patience and answers the panic's text, or nothing.
fn complaint(mut env: TestEnv) -> Option<String> {
    env.set_grace(Duration::from_millis(200));
    let panic = catch_unwind(AssertUnwindSafe(|| drop(env))).err()?;
    Some(*panic.downcast::<String>().expect("the environment panics with a text"))
}

/// A shell in `env` that has started a `sleep` of its own and leaves it running.
fn leaked_sleep(env: &TestEnv, script: &str) -> i32 {
    let mut shell = env.command("sh");
    shell.args(["-c", script]);
    let ran: Ran = run(shell);
    ran.ok().stdout.trim().parse().expect("the script prints a pid")
}

fn alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn programs_see_this_environment_and_nothing_else() {
    let mut env = TestEnv::new();
    env.set("EXTRA", "1");
    env.set("EXTRA", "2");
    let ran = run(env.command("env"));
    let mut names: Vec<_> = ran.ok().stdout.lines().filter_map(|line| line.split_once('=')).collect();
    names.sort_unstable();
    let root = env.root().to_str().unwrap();
    for (name, value) in &names {
        match *name {
            "PATH" | "LC_ALL" | "GIT_CONFIG_NOSYSTEM" | "GIT_TERMINAL_PROMPT" => {}
            "EXTRA" => assert_eq!(*value, "2"),
            _ => assert!(value.starts_with(root), "{name}={value} is not in {root}"),
        }
    }
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TMPDIR", "DIVISI_SOCKET"] {
        assert!(names.iter().any(|(known, _)| *known == name), "{name} is not set");
    }
}

#[test]
fn a_repository_is_the_same_in_every_run() {
    let env = TestEnv::new();
    let [a, b] = ["one", "two words"].map(|name| env.repo(name));
    assert_eq!(env.git(&a, &["rev-parse", "HEAD"]), env.git(&b, &["rev-parse", "HEAD"]));
    assert_eq!(env.git(&a, &["symbolic-ref", "HEAD"]), "refs/heads/main");
    assert_eq!(env.git(&a, &["status", "--porcelain"]), "");
    assert_eq!(env.git(&a, &["log", "--format=%an <%ae> %s"]), "Test Person <person@divisi.test> Initial commit");
}

#[test]
#[should_panic(expected = "not a git repository")]
fn git_that_fails_panics_with_what_git_said() {
    TestEnv::new().git("", &["status"]);
}

#[test]
fn divisi_is_the_binary_of_this_build_unless_replaced() {
    let mut env = TestEnv::new();
    assert_eq!(env.divisi(&["--version"]).ok().code(), 0);
    env.spawn_divisi("", &["--version"]).wait(OUTER_TIMEOUT).ok();
    let program = env.script("bin/divisi", "pwd >&2; printf '{\"arguments\": \"%s\"}' \"$*\"\n");
    env.set_divisi(program);
    let dir = env.repo("project");
    assert_eq!(env.json(&dir, &["list"])["arguments"], "list --json");
    assert_eq!(env.divisi_in(&dir, &[]).stderr.trim_end(), dir.to_str().unwrap());
}

#[test]
fn a_conversation_with_a_running_program() {
    let env = TestEnv::new();
    let mut cat = Running::start(env.command("cat"));
    cat.write("one\ntwo\nthree");
    assert_eq!(cat.line(OUTER_TIMEOUT), "one");
    assert_eq!(cat.line(OUTER_TIMEOUT), "two");
    cat.close_stdin();
    assert_eq!(cat.line(OUTER_TIMEOUT), "three");
    assert_eq!(cat.wait(OUTER_TIMEOUT).ok().stdout, "one\ntwo\nthree");
    let mut cat = Running::start(env.command("cat"));
    assert!(alive(i32::try_from(cat.pid()).unwrap()));
    assert_eq!(cat.kill().code(), None, "ended by a signal");
}

#[test]
#[should_panic(expected = "still running after")]
fn a_program_that_hangs_is_a_failure() {
    let env = TestEnv::new();
    let mut sleep = env.command("sleep");
    sleep.arg("600");
    Running::start(sleep).wait(Duration::from_millis(50));
}

#[test]
fn a_program_that_is_dropped_is_ended() {
    let env = TestEnv::new();
    let mut sleep = env.command("sleep");
    sleep.arg("600");
    let sleep: Running = Running::start(sleep);
    let pid = i32::try_from(sleep.pid()).unwrap();
    drop(sleep);
    assert!(!alive(pid));
}

#[test]
#[should_panic(expected = "in vain until pigs fly")]
fn waiting_in_vain_says_for_what() {
    wait_until(Duration::ZERO, "pigs fly", || false);
}

#[test]
fn a_clean_environment_is_dropped_without_a_word_and_at_once() {
    let mut env = TestEnv::new();
    env.set_grace(OUTER_TIMEOUT);
    env.repo("project");
    let (began, root) = (Instant::now(), env.root().to_owned());
    drop(env);
    assert!(!root.exists());
    assert!(began.elapsed() < OUTER_TIMEOUT / 4, "dropping waited for nothing");
}

#[cfg(target_os = "linux")]
#[test]
fn a_leaked_process_fails_the_test_and_is_ended() {
    let env = TestEnv::new();
    let pid = leaked_sleep(&env, "sleep 600 >/dev/null 2>&1 & echo $!");
    let text = complaint(env).expect("the sleep was leaked");
    assert!(text.contains(&format!("process {pid} ")) && text.contains("sleep 600"), "{text}");
    assert!(!alive(pid));
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_is_found_by_each_of_its_marks() {
    let cases = [
        ("environment", "cd /; sleep 600 >/dev/null 2>&1 & echo $!"),
        ("command line", "cd /; env -i sh -c 'kill -STOP $$' $HOME >/dev/null 2>&1 & echo $!"),
        ("working directory", "env -i $(command -v sleep) 600 >/dev/null 2>&1 & echo $!"),
        (
            "program",
            "cp $(command -v sleep) tmp/; p=$PWD; cd /; (env -i sh -c 'exec \"$1\" 600' x $p/tmp/sleep) >/dev/null 2>&1 & echo $!",
        ),
        ("list of open files", "exec 9>tmp/file; s=$(command -v sleep); cd /; env -i $s 600 >/dev/null 2>&1 & echo $!"),
    ];
    for (mark, script) in cases {
        let env = TestEnv::new();
        let pid = leaked_sleep(&env, script);
        let found = || survivors(env.root()).into_iter().find(|process| process.pid == pid);
        // Between fork and exec the child still is the shell, with the shell's marks.
        wait_until(Duration::from_secs(10), &format!("the process is known by its {mark}"), || {
            found().is_some_and(|process| process.mark == mark || (mark == "program" && process.mark == "command line"))
        });
        assert!(complaint(env).is_some());
        assert!(!alive(pid));
    }
}

#[test]
fn lock_files_of_git_and_sockets_are_noticed() {
    let env = TestEnv::new();
    let repo = env.repo("project");
    env.write(repo.join("Cargo.lock"), "not git's");
    env.write(repo.join(".git/index.lock"), "");
    let _listener = UnixListener::bind(env.path("run/left.sock")).unwrap();
    let text = complaint(env).expect("two files were left");
    assert!(text.contains("project/.git/index.lock") && text.contains("run/left.sock"), "{text}");
    assert!(!text.contains("Cargo.lock") && !text.contains("process "), "{text}");
}

#[test]
fn a_worktree_may_stay_whole_but_not_in_halves() {
    let env = TestEnv::new();
    let repo = env.repo("project");
    env.git(&repo, &["worktree", "add", "--quiet", "-b", "whole", "../whole"]);
    env.git(&repo, &["worktree", "add", "--quiet", "-b", "half", "../half"]);
    fs::remove_dir_all(env.path("half")).unwrap();
    fs::create_dir(repo.join(".git/worktrees/begun")).unwrap();
    let text = complaint(env).expect("two worktrees have no directory");
    assert!(text.contains("project/.git/worktrees/half") && text.contains("worktrees/begun"), "{text}");
    assert!(!text.contains("whole"), "{text}");
}

#[test]
fn what_a_test_tolerates_is_no_leftover() {
    let mut env = TestEnv::new();
    env.tolerate("run/nvim.");
    env.write("bare/HEAD", "");
    fs::create_dir(env.path("bare/objects")).unwrap();
    let _listener = UnixListener::bind(env.path("run/nvim.1.0")).unwrap();
    assert_eq!(complaint(env), None);
}

#[test]
fn the_daemon_is_asked_to_stop_and_signalled_if_it_does_not() {
    for obeys in [true, false] {
        let mut env = TestEnv::new();
        let done = tempfile::NamedTempFile::new().unwrap();
        let kill = if obeys { "kill $(cat run/pid)" } else { ":" };
        let body = format!("echo \"$*\" >>{}; {kill}; rm run/divisi.sock\n", done.path().display());
        let stop = env.script("bin/divisi", &body);
        env.set_divisi(stop);
        let daemon = env.script("bin/daemon", "trap exit TERM; echo $$ >run/pid; while :; do sleep 0.1; done\n");
        let mut command = env.command(daemon);
        command.args(["daemon", "run"]);
        let daemon = Running::start(command);
        let socket = UnixListener::bind(env.path("run/divisi.sock")).unwrap();
        wait_until(OUTER_TIMEOUT, "the daemon runs", || env.path("run/pid").exists());
        assert_eq!(catch_unwind(AssertUnwindSafe(|| drop(env))).err().map(|_| ()), None);
        assert_eq!(fs::read_to_string(done.path()).unwrap(), "daemon stop\n");
        daemon.wait(OUTER_TIMEOUT);
        drop(socket);
    }
}

#[test]
fn a_failing_test_is_not_failed_again_by_its_leftovers() {
    let result = catch_unwind(|| {
        let mut env = TestEnv::new();
        env.set_grace(Duration::ZERO);
        env.write("repo/HEAD", "");
        fs::create_dir(env.path("repo/objects")).unwrap();
        env.write("repo/index.lock", "");
        panic!("the test's own failure");
    });
    assert_eq!(*result.unwrap_err().downcast::<&str>().unwrap(), "the test's own failure");
}

#[test]
fn output_kept_open_by_a_descendant_is_a_failure() {
    let env = TestEnv::new();
    let mut shell = env.command("sh");
    shell.args(["-c", "sleep 600 & echo done"]);
    let result = catch_unwind(AssertUnwindSafe(|| run(shell)));
    let text = *result.unwrap_err().downcast::<String>().unwrap();
    assert!(text.contains("a descendant keeps its output open") && text.contains("done"), "{text}");
    assert!(complaint(env).is_some());
}

#[test]
fn skips_are_counted_one_per_line() {
    let env = TestEnv::new();
    let list = env.path("skips");
    record(Some(list.as_os_str()), "some::test", "no program");
    record(Some(list.as_os_str()), "other::test", "no program");
    record(None, "third::test", "no list either");
    assert_eq!(fs::read_to_string(list).unwrap(), "some::test: no program\nother::test: no program\n");
}

#[test]
fn each_neovim_given_is_the_end_it_claims_to_be() {
    for end in NvimEnd::BOTH {
        let Some(program): Option<PathBuf> = nvim(end, "support::each_neovim_given_is_the_end_it_claims_to_be") else {
            continue;
        };
        let env = TestEnv::new();
        let mut command = env.command(program);
        command.args(["--clean", "--headless", "-c", "lua io.stdout:write(vim.version().minor)", "-c", "quit"]);
        let minor: u32 = run(command).ok().stdout.parse().unwrap();
        match end {
            NvimEnd::New => assert!(minor >= 12, "0.{minor}"),
            NvimEnd::Old => assert_eq!(minor, 10),
        }
    }
}
