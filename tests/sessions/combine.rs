//! Several sessions side by side, and one made of them.

use serde_json::{Value, json};

use super::scene::Scene;

/// Three sessions of the same task over `lines.txt`.
fn three() -> Scene {
    let scene = Scene::new();
    let lines = (1..=40).fold(String::new(), |lines, number| format!("{lines}line {number}\n"));
    scene.env.write("repo/lines.txt", lines);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--all", "--message", "More lines"]);
    scene.shell("one", "sed -i 's/line 2$/LINE 2/; s/line 31$/LINE 31/' lines.txt; echo one > one.txt").ok();
    scene
        .shell("two", "sed -i 's/line 2$/LINE 2/; s/line 16$/LINE 16/' lines.txt; mkdir d; echo two > 'd/two two.txt'")
        .ok();
    scene.shell("three", "sed -i 's/line 2$/other 2/' lines.txt").ok();
    scene
}

fn hunk(comparison: &Value, candidate: usize, line: &str) -> String {
    let files = comparison["files"].as_array().unwrap();
    let hunks = files.iter().filter_map(|file| file["sides"][candidate]["hunks"].as_array()).flatten();
    let holds = |hunk: &&Value| hunk["lines"].as_array().unwrap().iter().any(|text| text == line);
    hunks.clone().find(holds).unwrap_or_else(|| panic!("no hunk with {line}"))["id"].as_str().unwrap().to_owned()
}

fn head(scene: &Scene) -> Value {
    scene.env.json(&scene.repo, &["daemon", "status"])["head"].clone()
}

#[test]
fn sessions_are_compared_file_by_file_and_equal_hunks_have_equal_ids() {
    let scene = three();
    let comparison = scene.env.json(&scene.repo, &["compare", "one", "two", "three"]);
    let names: Vec<&str> =
        comparison["candidates"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["one", "two", "three"]);
    assert_eq!(comparison["candidates"][0]["stat"], json!({ "files": 2, "added": 3, "removed": 2 }));
    assert_eq!(comparison["candidates"][0]["state"], "review");
    let paths: Vec<&str> =
        comparison["files"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["d/two two.txt", "lines.txt", "one.txt"]);
    assert_eq!(comparison["files"][0]["sides"][0], Value::Null);
    assert_eq!(hunk(&comparison, 0, "+LINE 2"), hunk(&comparison, 1, "+LINE 2"));
    let said = scene.divisi(&["compare", "one", "two", "three", "--hunks"]).ok().stdout.clone();
    assert!(said.contains("M +2 -2") && said.contains("one, two") && said.contains("+other 2"), "{said}");
    scene.divisi(&["compare", "one", "one"]).exits(1).says("'one' is named twice");
    scene.divisi(&["compare", "one"]).exits(2);
    scene.discard(&["one", "two", "three"]);
}

#[test]
fn one_is_picked_whole_with_what_is_uncommitted() {
    let scene = three();
    std::fs::write(scene.worktree("one").join("late.txt"), "by hand\n").unwrap();
    let made = scene.env.json(&scene.repo, &["combine", "one"]);
    assert_eq!(made["name"], "combined-from-one");
    assert_eq!((&made["state"], &made["turns"]), (&json!("review"), &json!(0)));
    assert_eq!(made["stat"], json!({ "files": 3, "added": 4, "removed": 2 }));
    assert_eq!(scene.read("combined-from-one", "late.txt"), "by hand\n");
    // The name is taken now; without one another is found. Nobody's own files changed.
    assert_eq!(scene.env.json(&scene.repo, &["combine", "one"])["name"], "combined-from-one-2");
    assert_eq!(scene.env.git(scene.worktree("one"), &["status", "--porcelain"]), "?? late.txt");
    scene.discard(&["one", "two", "three", "combined-from-one", "combined-from-one-2"]);
}

#[test]
fn hunks_and_files_of_several_make_a_session_that_lands() {
    let scene = three();
    let comparison = scene.env.json(&scene.repo, &["compare", "one", "two", "three"]);
    let (eleven, six) = (hunk(&comparison, 0, "+LINE 31"), hunk(&comparison, 1, "+LINE 16"));
    let picks = [format!("one:{}", &eleven[..6]), format!("two:{six},d/two two.txt"), "three".to_owned()];
    scene.divisi(&["combine", &picks[0], &picks[1], &picks[2], "--name", "best"]).ok();
    let lines = scene.read("best", "lines.txt");
    let changed: Vec<&str> = lines.lines().filter(|line| !line.starts_with("line ")).collect();
    assert_eq!(changed, ["other 2", "LINE 16", "LINE 31"]);
    assert_eq!(scene.read("best", "d/two two.txt"), "two\n");
    assert!(!scene.worktree("best").join("one.txt").exists());
    let start = &scene.env.json(&scene.repo, &["timeline", "best"])[0];
    assert_eq!(start["title"], "combined from one (1 hunk) and two (2 parts) and three");
    scene.divisi(&["land", "best", "--squash"]).ok();
    assert_eq!(scene.env.git(&scene.repo, &["show", "main:lines.txt"]).lines().nth(30), Some("LINE 31"));
    scene.discard(&["one", "two", "three", "best"]);
}

#[test]
fn a_conflict_is_named_and_nothing_is_half_done() {
    let scene = three();
    let before = (head(&scene), scene.env.git(&scene.repo, &["for-each-ref"]));
    scene.divisi(&["combine", "one", "three", "--name", "both"]).exits(1).says("'three' conflicts").says("lines.txt");
    scene.divisi(&["combine", "one:nothere.txt"]).exits(1).says("'one' did not change nothere.txt");
    scene.divisi(&["combine", "one:ffff"]).exits(1).says("there is no hunk ffff");
    scene.divisi(&["combine", "one:"]).exits(1).says("names no hunk");
    scene.divisi(&["combine", "one", "--name", "two"]).exits(1).says("that name is or was in use");
    assert_eq!((head(&scene), scene.env.git(&scene.repo, &["for-each-ref"])), before);
    assert!(!scene.repo.join(".worktrees/both").exists());
    scene.discard(&["one", "two", "three"]);
}

#[test]
fn a_combination_with_a_task_is_worked_on() {
    let scene = three();
    scene.divisi(&["combine", "one", "--name", "next", "--prompt", "cat one.txt > again.txt"]).ok();
    scene.wait_for("next", &["review"]);
    assert_eq!(scene.read("next", "again.txt"), "one\n");
    assert_eq!(scene.show("next")["stat"]["files"], 3);
    scene.discard(&["one", "two", "three", "next"]);
}

#[test]
fn deleted_moved_and_binary_files_are_taken_whole() {
    let scene = Scene::new();
    scene.shell("one", "git mv lines.txt moved.txt; printf '\\0\\1' > blob.bin; echo gone > gone.txt").ok();
    scene.divisi(&["combine", "one:moved.txt,blob.bin", "--name", "part"]).ok();
    let tree = scene.worktree("part");
    assert!(tree.join("moved.txt").exists() && !tree.join("lines.txt").exists() && !tree.join("gone.txt").exists());
    assert_eq!(std::fs::read(tree.join("blob.bin")).unwrap(), [0, 1]);
    scene.discard(&["one", "part"]);
}

#[test]
fn killed_while_a_combination_is_made_it_ends_the_same_or_not_at_all() {
    let play = |kill: Option<u64>| -> (u64, String) {
        let mut scene = three();
        let head = head(&scene).as_u64().unwrap();
        if let Some(after) = kill {
            scene.env.set("DIVISI_TEST_KILL", format!("after:{}", head + after));
            scene.env.tolerate("divisi.sock");
            scene.divisi(&["daemon", "restart"]).ok();
        }
        scene.divisi(&["combine", "one", "two:d/two two.txt", "--name", "best"]).ok();
        let tree = scene.worktree("best");
        let made = scene.env.git(&tree, &["ls-files", "--stage"]) + &scene.env.git(&tree, &["status", "--porcelain"]);
        scene.wait_for("best", &["review"]);
        let end = self::head(&scene).as_u64().unwrap();
        scene.discard(&["one", "two", "three", "best"]);
        (end - head, made)
    };
    let (events, expected) = play(None);
    for after in 1..=events {
        assert_eq!(play(Some(after)).1, expected, "killed after the {after}. event");
    }
}
