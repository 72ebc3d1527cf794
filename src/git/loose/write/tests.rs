use std::fs;
use std::time::Duration;

use super::{create, delete, link, sweep};
use crate::git::command::Git;
use crate::git::lock::{WRITERS, Writers};
use crate::git::loose::tests::{by_git, repository};
use crate::model::id::Oid;

const BRANCH: &str = "refs/heads/divisi/x/work";
const KEPT: &str = "refs/divisi/preserved/aaaa";

#[test]
fn a_second_name_stays_where_it_is_when_the_first_one_moves() {
    let (_root, git, place, [one, two]) = repository();
    let common = place.common_dir().unwrap();
    assert!(!link(common, BRANCH, KEPT, &one), "there is nothing to link to");
    assert!(create(common, BRANCH, &one));
    assert!(!link(common, BRANCH, KEPT, &two), "it is elsewhere");
    assert_eq!(by_git(&git, &place, KEPT), None, "and nothing was made");
    assert!(link(common, BRANCH, KEPT, &one));
    git.call(&place).args(["update-ref", BRANCH, two.as_str()]).writes().ok().unwrap();
    assert_eq!(by_git(&git, &place, KEPT), Some(one.clone()));
    assert_eq!(by_git(&git, &place, BRANCH), Some(two));
    assert!(!link(common, "refs/heads/main", KEPT, &one), "it exists");
}

#[test]
fn what_is_in_the_way_of_a_name_is_gits_to_say() {
    let (_root, git, place, [one, _]) = repository();
    let common = place.common_dir().unwrap();
    let update = |name: &str| git.call(&place).args(["update-ref", name, one.as_str()]).writes().ok().unwrap();
    update("refs/heads/divisi/above");
    assert!(!create(common, "refs/heads/divisi/above/work", &one));
    update("refs/heads/divisi/below/work");
    git.call(&place).args(["pack-refs", "--all"]).writes().ok().unwrap();
    assert!(!create(common, "refs/heads/divisi/above/work", &one), "packed");
    assert!(!create(common, "refs/heads/divisi/below", &one), "packed, the other way round");
    assert!(create(common, "refs/heads/divisi/above-it/work", &one), "only looks alike");
}

/// Deletes for one who writes to the repository.
fn gone(git: &Git, place: &crate::git::command::Place, refs: &[(&str, &Oid)]) -> bool {
    let common = place.common_dir().unwrap();
    let writers = Writers::default();
    let writer = writers.enter(common, Duration::from_secs(5)).unwrap();
    let refs: Vec<(String, Oid)> = refs.iter().map(|(name, at)| ((*name).to_owned(), (*at).clone())).collect();
    let gone = delete(&writer, common, &refs);
    for (name, at) in &refs {
        assert_eq!(by_git(git, place, name).as_ref() == Some(at), !gone, "{name}");
        assert!(!common.join(format!("{name}.lock")).exists() || !gone, "{name} is not locked any more");
    }
    gone
}

#[test]
fn refs_are_deleted_with_their_logs_all_or_none() {
    let (_root, git, place, [one, two]) = repository();
    let common = place.common_dir().unwrap();
    let update = |name: &str, to: &Oid| git.call(&place).args(["update-ref", name, to.as_str()]).writes().ok().unwrap();
    update(BRANCH, &one);
    assert!(common.join("logs").join(BRANCH).exists());
    update(KEPT, &one);
    assert!(gone(&git, &place, &[(BRANCH, &one), (KEPT, &one)]));
    assert!(!common.join("logs").join(BRANCH).exists());
    assert!(!common.join("packed-refs.lock").exists());

    update(BRANCH, &one);
    update(KEPT, &two);
    let wrong = [(BRANCH.to_owned(), one.clone()), (KEPT.to_owned(), one.clone())];
    let writers = Writers::default();
    let writer = writers.enter(common, Duration::from_secs(5)).unwrap();
    assert!(!delete(&writer, common, &wrong), "one of them has moved");
    drop(writer);
    assert_eq!(by_git(&git, &place, BRANCH), Some(one.clone()), "so both are left");
    assert!(!gone(&git, &place, &[("refs/heads/main", &one)]), "not one of ours");

    // Somebody else's lock, and one that a killed daemon of ours left.
    let lock = common.join(format!("{BRANCH}.lock"));
    fs::write(&lock, "").unwrap();
    assert!(!gone(&git, &place, &[(BRANCH, &one)]));
    assert!(lock.exists(), "it is not ours to take");
    fs::remove_file(&lock).unwrap();
    fs::hard_link(common.join(WRITERS), &lock).unwrap();
    assert!(gone(&git, &place, &[(BRANCH, &one)]));

    // One that is gone already has nobody who takes its lock.
    let packed = common.join("packed-refs.lock");
    fs::hard_link(common.join(WRITERS), &lock).unwrap();
    fs::hard_link(common.join(WRITERS), &packed).unwrap();
    let others = common.join("refs/heads/divisi/x/other.lock");
    fs::write(&others, "").unwrap();
    let writer = writers.enter(common, Duration::from_secs(5)).unwrap();
    sweep(&writer, common, BRANCH);
    sweep(&writer, common, "refs/heads/divisi/x/other");
    drop(writer);
    assert!(!lock.exists() && !packed.exists() && others.exists());

    // What is packed too would come back.
    git.call(&place).args(["pack-refs", "--all", "--no-prune"]).writes().ok().unwrap();
    assert!(!gone(&git, &place, &[(KEPT, &two)]));
}
