use std::fs;
use std::os::unix::fs::symlink;

use super::{find, own_file};
use crate::base::yaml::Place;

#[test]
fn a_prompt_file_lies_in_the_plans_folder_or_its_repository() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    fs::create_dir_all(at("repo/plans")).unwrap();
    for name in ["secret", "repo/shared.md", "repo/plans/own.md"] {
        fs::write(at(name), name).unwrap();
    }
    symlink(at("secret"), at("repo/plans/link.md")).unwrap();
    let plans = at("repo/plans");
    let outside = "it is outside the plan's folder and repository; copy it there";
    let absolute = at("secret").display().to_string();
    fs::create_dir(at("repo/.git")).unwrap();
    for file in ["../../secret", "link.md", &absolute] {
        assert_eq!(own_file(&plans, file).unwrap_err(), outside, "{file}");
    }
    assert_eq!(own_file(&plans, "own.md").unwrap(), "repo/plans/own.md");
    assert_eq!(own_file(&plans, "../shared.md").unwrap(), "repo/shared.md");
    assert_eq!(own_file(&plans, "gone.md").unwrap_err(), "No such file or directory (os error 2)");
    assert_eq!(own_file(&plans, ".").unwrap_err(), "it is not a file");
}

#[test]
fn what_a_plan_names_is_found_where_it_stands() {
    let text = "version: 3.0\nmetadata: {name: a.b}\ntasks:\n  - repositories: [., 'x y']\n";
    assert_eq!(find(text, "."), Place { line: 4, column: 20 });
    assert_eq!(find(text, "x y"), Place { line: 4, column: 23 });
    assert_eq!(find(text, "nowhere"), Place { line: 1, column: 1 });
}
