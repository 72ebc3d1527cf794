//! The life of a session: started, watched, sent a follow-up, looked at, read again after a restart.

use super::scene::{DEADLINE, Scene};
use crate::support::wait_until;

#[test]
fn a_shell_session_works_in_a_worktree_of_its_own() {
    let scene = Scene::new();
    scene.shell("greet", "echo hello > greeting.txt; echo said; pwd").ok();
    let session = scene.show("greet");
    assert_eq!(session["state"], "review");
    assert_eq!(session["worktree"]["branch"], "refs/heads/divisi/greet/work");
    assert_eq!(session["stat"]["files"], 1);
    assert_eq!(session["stat"]["added"], 1);
    assert_eq!(scene.read("greet", "greeting.txt"), "hello\n");
    let worktree = scene.worktree("greet");
    assert_eq!(scene.spoken("greet"), format!("said\n{}\n", worktree.display()));
    // The person's checkout is as it was.
    assert!(!scene.repo.join("greeting.txt").exists());
    assert_eq!(scene.env.git(&scene.repo, &["status", "--porcelain"]), "");
    assert_eq!(scene.env.git(&scene.repo, &["branch", "--show-current"]), "main");
    // The checkpoint is the person's, and says whose work it is.
    let commit = scene.env.git(&worktree, &["log", "-1", "--format=%an <%ae>%n%B"]);
    assert!(commit.starts_with("Test Person <person@divisi.test>\ndivisi: "), "{commit}");
    let id = session["id"].as_str().unwrap();
    assert!(commit.contains(&format!("Divisi-Session: {id} (greet)")), "{commit}");
    assert!(commit.contains("Divisi-Agent: shell"), "{commit}");
}

#[test]
fn the_exit_code_says_how_it_went() {
    let scene = Scene::new();
    let failed = scene.shell("fails", "echo partly > partly.txt; exit 3");
    failed.exits(4);
    let session = scene.show("fails");
    assert_eq!(session["state"], "failed");
    assert!(session["reason"].as_str().unwrap().contains("exit 3"), "{session}");
    // What a failed turn did is kept like any other's.
    assert_eq!(session["stat"]["files"], 1);
    scene.shell("nothing", "true").ok();
    assert_eq!(scene.state("nothing"), "completed");
    scene.divisi(&["show", "no-such-session"]).exits(1);
    scene.divisi(&["show"]).exits(2);
    scene.divisi(&["new", "--agent", "no-such-agent", "x"]).exits(1);
    scene.divisi(&["new", "--base", "no-such-base", "x"]).exits(1);
    scene.divisi(&["new", "--name", "../evil", "x"]).exits(1);
    assert_eq!(scene.env.json(&scene.repo, &["list"]).as_array().unwrap().len(), 2);
}

#[test]
fn follow_ups_run_one_after_the_other_in_the_same_worktree() {
    let scene = Scene::new();
    let gate = scene.env.path("gate");
    scene.divisi(&["new", "--name", "steps", "--agent", "shell", &wait_for_file("one", &gate)]).ok();
    scene.wait_for("steps", &["running"]);
    scene.divisi(&["send", "steps", "echo two >> steps.txt"]).ok();
    scene.divisi(&["send", "steps", "echo three >> steps.txt"]).ok();
    let queue = scene.show("steps")["queue"].as_array().unwrap().len();
    assert_eq!(queue, 2, "prompts wait while a turn runs");
    std::fs::write(&gate, "").unwrap();
    wait_until(DEADLINE, "three turns have ended", || {
        let session = scene.show("steps");
        session["turns"] == 3 && session["state"] == "review"
    });
    assert_eq!(scene.read("steps", "steps.txt"), "one\ntwo\nthree\n");
    // Each turn has a checkpoint and a diff of its own.
    let second = scene.env.json(&scene.repo, &["diff", "steps", "--turn", "2"]);
    assert_eq!(second["stat"]["added"], 1);
    assert_eq!(scene.env.git(scene.worktree("steps"), &["rev-list", "--count", "main..HEAD"]), "3");
}

#[test]
fn a_waiting_prompt_can_be_changed_and_taken_back() {
    let scene = Scene::new();
    let gate = scene.env.path("gate");
    scene.divisi(&["new", "--name", "queue", "--agent", "shell", &wait_for_file("one", &gate)]).ok();
    scene.wait_for("queue", &["running"]);
    scene.divisi(&["send", "queue", "echo wrong >> steps.txt"]).ok();
    scene.divisi(&["send", "queue", "echo never >> steps.txt"]).ok();
    let queue = scene.show("queue")["queue"].clone();
    let id = |number: usize| queue[number]["id"].as_str().unwrap().to_owned();
    scene.divisi(&["queue", "edit", "queue", &id(0), "echo right >> steps.txt"]).ok();
    scene.divisi(&["queue", "cancel", "queue", &id(1)]).ok();
    std::fs::write(&gate, "").unwrap();
    wait_until(DEADLINE, "both turns have ended", || {
        let session = scene.show("queue");
        session["turns"] == 2 && session["state"] == "review"
    });
    assert_eq!(scene.read("queue", "steps.txt"), "one\nright\n");
    scene.divisi(&["queue", "cancel", "queue", &id(0)]).exits(1);
}

#[test]
fn a_running_turn_can_be_stopped_and_gone_on_with() {
    let scene = Scene::new();
    scene.divisi(&["new", "--name", "long", "--agent", "shell", "echo begun > begun.txt; exec sleep 1000"]).ok();
    scene.wait_for("long", &["running"]);
    let begun = scene.worktree("long").join("begun.txt");
    wait_until(DEADLINE, "the command runs", || begun.exists());
    scene.divisi(&["stop", "long"]).ok();
    let stopped = scene.wait_for("long", &["interrupted"]);
    assert_eq!(stopped["stat"]["files"], 1, "what it did until then is kept");
    scene.divisi(&["send", "long", "echo more >> begun.txt"]).ok();
    wait_until(DEADLINE, "the second turn has ended", || scene.show("long")["state"] == "review");
    assert_eq!(scene.read("long", "begun.txt"), "begun\nmore\n");
}

#[test]
fn names_and_paths_are_never_used_twice() {
    let scene = Scene::new();
    scene.shell("once", "echo 1 > one.txt").ok();
    scene.discard(&["once"]);
    scene.divisi(&["new", "--name", "once", "x"]).exits(1);
    let first = scene.env.json(&scene.repo, &["new", "--agent", "shell", "--wait", "echo same words > a.txt"]);
    let second = scene.env.json(&scene.repo, &["new", "--agent", "shell", "--wait", "echo same words > a.txt"]);
    assert_ne!(first["name"], second["name"]);
    assert_ne!(first["worktree"]["path"], second["worktree"]["path"]);
    let ports = [first["worktree"]["port"].clone(), second["worktree"]["port"].clone()];
    assert_ne!(ports[0], ports[1]);
}

#[test]
fn the_environment_of_an_agent_is_an_allow_list() {
    let mut scene = Scene::new();
    for (name, value) in
        [("SECRET_TOKEN", "s3cret"), ("GIT_DIR", "/nowhere"), ("NVIM", "/nowhere"), ("LANG", "C.UTF-8")]
    {
        scene.env.set(name, value);
    }
    // GIT_DIR must not mislead divisi itself either.
    scene.shell("env", "env; printf 'port %s\\n' \"$DIVISI_PORT\"; cat; echo end").ok();
    let said = scene.spoken("env");
    for absent in ["SECRET_TOKEN", "GIT_DIR=", "NVIM=", "DIVISI_SOCKET=", "GIT_CONFIG_GLOBAL="] {
        assert!(!said.contains(absent), "{absent} leaked: {said}");
    }
    for present in ["LANG=C.UTF-8", "DIVISI_SESSION=", "DIVISI_SESSION_NAME=env", "TMPDIR=", "\nend\n"] {
        assert!(said.contains(present), "{present} is missing: {said}");
    }
    let port = scene.show("env")["worktree"]["port"].to_string();
    assert!(said.contains(&format!("port {port}\n")), "{said}");
}

#[test]
fn a_restart_of_the_daemon_changes_nothing() {
    let scene = Scene::new();
    scene.shell("kept", "echo kept > kept.txt").ok();
    let before = scene.show("kept");
    scene.divisi(&["daemon", "restart"]).ok();
    assert_eq!(scene.show("kept"), before);
    scene.divisi(&["daemon", "stop"]).ok();
    assert_eq!(scene.show("kept"), before);
}

#[test]
fn setup_commands_run_only_once_their_file_is_trusted() {
    let scene = Scene::new();
    scene.env.write("repo/.divisi.toml", "[setup]\ncommands = [\"echo ready > ready.txt\", \"test -f ready.txt\"]\n");
    scene.shell("before", "test -f ready.txt || echo not ready").ok();
    assert_eq!(scene.spoken("before"), "not ready\n");
    assert_eq!(scene.show("before")["setup"]["state"], "untrusted");
    let trust = || {
        let digest = scene.env.json(&scene.repo, &["trust"])["digest"].as_str().unwrap().to_owned();
        scene.divisi(&["trust", "--digest", &digest]).ok();
    };
    trust();
    scene.shell("after", "cat ready.txt").ok();
    assert_eq!(scene.spoken("after"), "ready\n");
    assert_eq!(scene.show("after")["setup"]["state"], "done");
    // Another content is another question.
    scene.env.write("repo/.divisi.toml", "[setup]\ncommands = [\"echo evil > evil.txt\"]\n");
    scene.shell("changed", "test -f evil.txt && echo evil; true").ok();
    assert_eq!(scene.spoken("changed"), "");
    // A failing setup keeps the agent from starting, and says why.
    scene.env.write("repo/.divisi.toml", "[setup]\ncommands = [\"echo trying; exit 7\"]\n");
    trust();
    scene.shell("broken", "echo ran > ran.txt").exits(4);
    let broken = scene.show("broken");
    assert_eq!(broken["state"], "failed");
    assert!(broken["reason"].as_str().unwrap().contains("code 7"), "{broken}");
    assert!(!scene.worktree("broken").join("ran.txt").exists());
}

/// A command line that writes a word and then waits for a file.
fn wait_for_file(word: &str, gate: &std::path::Path) -> String {
    format!("echo {word} >> steps.txt; until [ -e '{}' ]; do sleep 0.02; done", gate.display())
}
