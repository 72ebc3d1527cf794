use std::fs;

use super::tree_of;
use crate::git::loose::tests::repository;
use crate::model::id::Oid;

#[test]
fn the_tree_is_the_one_that_git_names() {
    let (_root, git, place, [one, two]) = repository();
    let common = place.common_dir().unwrap();
    let by_git = git.call(&place).args(["rev-parse", &format!("{one}^{{tree}}")]).oid().unwrap();
    assert_eq!(tree_of(common, &one), Some(by_git.clone()));
    assert_eq!(tree_of(common, &by_git), None, "a tree is no commit");
    assert_eq!(tree_of(common, &Oid("../../config".to_owned())), None);
    let (directory, name) = two.as_str().split_at(2);
    let file = common.join("objects").join(directory).join(name);
    fs::remove_file(&file).unwrap();
    assert_eq!(tree_of(common, &two), None, "packed, or not there");
    fs::write(&file, b"no object").unwrap();
    assert_eq!(tree_of(common, &two), None, "damaged");
}
