use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Listings;
use crate::git::loose::tests::repository;
use crate::model::id::Oid;

/// Makes a directory look as if nobody had touched it for a while.
fn settle(path: &Path) {
    let long_ago = SystemTime::now() - Duration::from_secs(60);
    fs::File::open(path).unwrap().set_modified(long_ago).unwrap();
}

fn sorted(listings: &Listings, common: &Path) -> Vec<(String, Oid)> {
    let parts = listings.of(common, &["refs/heads", "refs/tags"]).unwrap();
    let mut all: Vec<_> = parts.iter().flat_map(|part| part.iter().cloned()).collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn what_changed_is_read_again_and_nothing_else() {
    let (_root, git, place, [one, two]) = repository();
    let common = place.common_dir().unwrap();
    let update = |name: &str, to: &Oid| git.call(&place).args(["update-ref", name, to.as_str()]).writes().ok().unwrap();
    update("refs/heads/a/b", &one);
    update("refs/divisi/x", &one);
    let listings = Listings::default();
    let names = |to: &Oid| vec![("refs/heads/a/b".to_owned(), to.clone()), ("refs/heads/main".to_owned(), one.clone())];
    assert_eq!(sorted(&listings, common), names(&one));
    for directory in ["refs/heads", "refs/heads/a", "refs/tags"] {
        settle(&common.join(directory));
    }
    assert_eq!(sorted(&listings, common), names(&one));
    // Nobody does this; it shows that the file was not read again.
    fs::write(common.join("refs/heads/main"), "odd").unwrap();
    assert_eq!(sorted(&listings, common), names(&one));
    update("refs/heads/a/b", &two);
    assert_eq!(sorted(&listings, common), names(&two));
    fs::write(common.join("refs/heads/a/odd"), "odd").unwrap();
    assert!(listings.of(common, &["refs/heads"]).is_none(), "no ref");
    assert!(listings.of(common, &["refs/remotes"]).unwrap().iter().all(|part| part.is_empty()), "there are none");
}

#[test]
fn packed_refs_are_listed_and_logs_are_not() {
    let (_root, git, place, [one, _]) = repository();
    let common = place.common_dir().unwrap();
    git.call(&place).args(["update-ref", "refs/tags/v1", one.as_str()]).writes().ok().unwrap();
    git.call(&place).args(["pack-refs", "--all"]).writes().ok().unwrap();
    fs::write(common.join("refs/heads/main.lock"), "").unwrap();
    let expected = vec![("refs/heads/main".to_owned(), one.clone()), ("refs/tags/v1".to_owned(), one.clone())];
    assert_eq!(sorted(&Listings::default(), common), expected);
}
