//! Timelines: checkpoints by name, diffs between them, going back without losing anything, growing from one; also with kills.

use serde_json::{Value, json};

use super::scene::Scene;

/// Two turns: `a.txt` begins, then it changes and `b.txt` comes.
fn two_turns() -> Scene {
    let scene = Scene::new();
    scene.shell("work", "echo one > a.txt").ok();
    scene.divisi(&["send", "work", "--wait", "echo two > a.txt; echo new > b.txt"]).ok();
    scene
}

fn timeline(scene: &Scene, name: &str) -> Vec<Value> {
    scene.env.json(&scene.repo, &["timeline", name]).as_array().unwrap().clone()
}

fn names(steps: &[Value]) -> Vec<String> {
    steps.iter().map(|step| format!("{}:{}", step["name"].as_str().unwrap(), step["title"].as_str().unwrap())).collect()
}

fn refs(scene: &Scene) -> String {
    scene
        .env
        .git(&scene.repo, &["for-each-ref", "--format=%(refname:lstrip=4) %(objectname)", "refs/divisi/checkpoints"])
}

#[test]
fn every_turn_is_a_checkpoint_with_a_name_in_the_repository() {
    let scene = two_turns();
    let steps = timeline(&scene, "work");
    assert_eq!(names(&steps), ["start:from main", "t1:echo one > a.txt", "t2:echo two > a.txt; echo new > b.txt"]);
    let current: Vec<bool> = steps.iter().map(|step| step["current"].as_bool().unwrap()).collect();
    assert_eq!(current, [false, false, true]);
    assert_eq!(steps[2]["stat"], json!({ "files": 2, "added": 2, "removed": 1 }));
    let expected: Vec<String> = steps
        .iter()
        .map(|step| format!("{} {}", step["name"].as_str().unwrap(), step["commit"].as_str().unwrap()))
        .collect();
    assert_eq!(refs(&scene), expected.join("\n"));
    let said = scene.divisi(&["timeline", "work"]).ok().stdout.clone();
    assert!(said.contains("t2") && said.contains("2 files +2 -1"), "{said}");
    scene.discard(&["work"]);
    assert_eq!(refs(&scene), "", "the names go with the session");
}

#[test]
fn what_an_agent_commits_itself_belongs_to_its_turn() {
    let scene = Scene::new();
    scene.shell("work", "echo one > a.txt; git add a.txt; git -c user.name=a -c user.email=a@a commit -qm mine").ok();
    let steps = timeline(&scene, "work");
    assert_eq!(steps[1]["stat"]["files"], 1);
    assert_ne!(steps[1]["commit"], steps[0]["commit"]);
    let diff = scene.env.json(&scene.repo, &["diff", "work", "--turn", "1"]);
    assert_eq!(diff["files"][0]["path"], "a.txt");
    scene.discard(&["work"]);
}

#[test]
fn checkpoints_are_compared_by_name_number_and_commit() {
    let scene = two_turns();
    let files = |arguments: &[&str]| -> Vec<String> {
        let said = scene.divisi(&[&["diff", "work", "--name-only"], arguments].concat()).ok().stdout.clone();
        said.lines().map(str::to_owned).collect()
    };
    assert_eq!(files(&["--from", "start", "--to", "t1"]), ["a.txt"]);
    assert_eq!(files(&["--from", "1", "--to", "t2"]), ["a.txt", "b.txt"]);
    std::fs::write(scene.worktree("work").join("c.txt"), "by hand\n").unwrap();
    let first = timeline(&scene, "work")[1]["commit"].as_str().unwrap()[..8].to_owned();
    assert_eq!(files(&["--from", &first]), ["a.txt", "b.txt", "c.txt"]);
    assert_eq!(files(&["--from", "t2"]), ["c.txt"]);
    let patch = scene.divisi(&["diff", "work", "--from", "t1", "--to", "t2", "--patch"]).ok().stdout.clone();
    assert!(patch.contains("+two") && patch.contains("-one"), "{patch}");
    scene.divisi(&["diff", "work", "--from", "t9"]).exits(1).says("'work' has no checkpoint t9");
    scene.divisi(&["diff", "work", "--from", "--all"]).exits(2);
    scene.discard(&["work"]);
}

#[test]
fn going_back_keeps_what_was_there_and_can_be_undone() {
    let scene = two_turns();
    let tree = scene.worktree("work");
    std::fs::write(tree.join("a.txt"), "by hand\n").unwrap();
    std::fs::write(tree.join("untracked.txt"), "precious\n").unwrap();
    let said = scene.divisi(&["rewind", "work", "t1"]).ok().stdout.clone();
    assert!(said.contains("c1  before going back to t1") && said.contains("c2  back to t1"), "{said}");
    assert_eq!(scene.read("work", "a.txt"), "one\n");
    assert!(!tree.join("b.txt").exists() && !tree.join("untracked.txt").exists());
    assert_eq!(scene.env.git(&tree, &["status", "--porcelain"]), "");
    let steps = timeline(&scene, "work");
    assert_eq!(names(&steps)[3..], ["c1:before going back to t1", "c2:back to t1"]);
    assert_eq!(steps[4]["current"], true);
    assert_eq!(scene.show("work")["stat"], json!({ "files": 1, "added": 1, "removed": 0 }));
    // And back to what was there before.
    scene.divisi(&["rewind", "work", "c1"]).ok();
    assert_eq!(scene.read("work", "a.txt"), "by hand\n");
    assert_eq!(scene.read("work", "untracked.txt"), "precious\n");
    // The agent goes on from there.
    scene.divisi(&["send", "work", "--wait", "cat a.txt b.txt > sum.txt"]).ok();
    assert_eq!(scene.read("work", "sum.txt"), "by hand\nnew\n");
    assert_eq!(names(&timeline(&scene, "work")).last().unwrap(), "t3:cat a.txt b.txt > sum.txt");
    scene.divisi(&["rewind", "work", "nowhere"]).exits(1).says("no checkpoint nowhere");
    scene.discard(&["work"]);
}

#[test]
fn nothing_goes_back_under_an_agent_at_work_or_over_files_in_the_way() {
    let scene = Scene::new();
    scene.shell("work", "echo one > a.txt; echo 'a.txt' > .gitignore; git add -f a.txt").ok();
    scene
        .divisi(&[
            "send",
            "work",
            "--wait",
            "git rm -q --cached a.txt; git -c user.name=a -c user.email=a@a commit -qm out; echo ignored > a.txt",
        ])
        .ok();
    // `a.txt` is ignored now: nobody has a copy of it, so nothing is put in its place.
    scene.divisi(&["rewind", "work", "t1"]).exits(1).says("the files stay as they are");
    assert_eq!(scene.read("work", "a.txt"), "ignored\n");
    assert_eq!(scene.state("work"), "review");
    let gate = scene.env.path("gate");
    scene.divisi(&["send", "work", &format!("while [ ! -e {} ]; do sleep 0.02; done", gate.display())]).ok();
    scene.wait_for("work", &["running"]);
    scene.divisi(&["rewind", "work", "t1"]).exits(1).says("its agent is at work");
    std::fs::write(gate, "").unwrap();
    scene.wait_for("work", &["review"]);
    scene.discard(&["work"]);
}

#[test]
fn a_session_grows_from_a_checkpoint_of_another() {
    let scene = two_turns();
    scene.divisi(&["new", "--from", "work@t1", "--name", "fork", "--wait", "cat a.txt > copy.txt"]).ok();
    assert_eq!(scene.read("fork", "copy.txt"), "one\n");
    let fork = scene.show("fork");
    assert_eq!(fork["agent"], "shell", "the same agent unless another is named");
    assert_eq!(fork["worktree"]["base"]["branch"], "refs/heads/main");
    assert_eq!(
        fork["stat"],
        json!({ "files": 2, "added": 2, "removed": 0 }),
        "all that would land, not only the new turn"
    );
    assert_eq!(names(&timeline(&scene, "fork"))[0], "start:from work at t1");
    scene.divisi(&["land", "fork", "--squash"]).ok();
    assert_eq!(scene.env.git(&scene.repo, &["show", "main:copy.txt"]), "one");
    scene.divisi(&["new", "--from", "work@c7", "x"]).exits(1).says("no checkpoint c7");
    scene.divisi(&["new", "--from", "work", "--base", "main", "x"]).exits(2);
    scene.discard(&["work", "fork"]);
}

/// Plays a going back with daemons that die after these events.
fn rewound(kill: Option<String>) -> (Vec<String>, String, String) {
    let mut scene = two_turns();
    std::fs::write(scene.worktree("work").join("untracked.txt"), "precious\n").unwrap();
    if let Some(points) = kill {
        scene.env.set("DIVISI_TEST_KILL", points);
        scene.env.tolerate("divisi.sock");
        scene.divisi(&["daemon", "restart"]).ok();
    }
    scene.divisi(&["rewind", "work", "t1"]).ok();
    let log = scene.env.git(scene.worktree("work"), &["log", "--format=%s", "main.."]);
    // Without the commit's id, which depends on the time.
    let subjects = log.lines().map(|line| line.split(" (").next().unwrap()).collect::<Vec<_>>().join("\n");
    let outcome = (
        names(&timeline(&scene, "work")),
        subjects,
        scene.env.git(scene.worktree("work"), &["ls-files"])
            + &scene.env.git(scene.worktree("work"), &["status", "--porcelain"]),
    );
    assert_eq!(
        scene.env.git(
            &scene.repo,
            &[
                "show",
                &format!("refs/divisi/checkpoints/{}/c1:untracked.txt", scene.show("work")["id"].as_str().unwrap())
            ]
        ),
        "precious"
    );
    scene.discard(&["work"]);
    outcome
}

#[test]
fn killed_at_every_event_of_going_back_it_ends_the_same() {
    let expected = rewound(None);
    let scene = two_turns();
    let head = scene.env.json(&scene.repo, &["daemon", "status"])["head"].as_u64().unwrap();
    scene.discard(&["work"]);
    // The intent, the receipt, two checkpoints, the end.
    for seq in head + 1..=head + 5 {
        assert_eq!(rewound(Some(format!("after:{seq}"))), expected, "killed after event {seq} ({head} before)");
    }
}
