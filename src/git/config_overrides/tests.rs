use std::convert::Infallible;
use std::fs;
use std::path::Path;

use super::{Cache, Listing, listing};

fn entry(scope: &str, file: &str, key: &str, value: &str) -> Vec<u8> {
    format!("{scope}\0file:{file}\0{key}\n{value}\0").into_bytes()
}

#[test]
fn every_named_program_is_overridden_and_nothing_else() {
    let mut output = entry("local", ".git/config", "filter.a=b.clean", "evil");
    output.extend(entry("worktree", ".git/config.worktree", "merge.x.driver", "evil"));
    output.extend(entry("local", ".git/config", "diff.y.textconv", "evil"));
    output.extend(entry("local", ".git/config", "remote.origin.uploadpack", "evil"));
    output.extend(entry("local", ".git/config", "remote.origin.url", "somewhere"));
    output.extend(entry("global", "/h/.gitconfig", "user.name", "A"));
    output.extend(entry("global", "/h/.gitconfig", "user.email", "a@b"));
    output.extend(entry("command", "x", "filter.z.clean", "ours"));
    let found = listing(&output, Path::new("/r"), false);
    let keys: Vec<String> =
        found.overrides.pairs.iter().map(|(key, _)| String::from_utf8_lossy(key).into_owned()).collect();
    assert_eq!(keys, ["filter.a=b.clean", "merge.x.driver", "diff.y.textconv", "remote.origin.uploadpack"]);
    assert!(found.overrides.identity);
    assert!(!found.includes);
    assert_eq!(found.files[0], Path::new("/r/.git/config"));
}

#[test]
fn lfs_is_allowed_by_name_only_when_wanted() {
    let output = entry("local", "c", "filter.lfs.process", "evil");
    assert_eq!(listing(&output, Path::new("/"), false).overrides.pairs.len(), 1);
    assert_eq!(listing(&output, Path::new("/"), true).overrides.pairs.len(), 0);
}

#[test]
fn includes_of_the_repository_are_noticed() {
    assert!(listing(&entry("local", "c", "include.path", "x"), Path::new("/"), false).includes);
    assert!(!listing(&entry("global", "c", "include.path", "x"), Path::new("/"), false).includes);
}

#[test]
fn a_changed_file_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config");
    fs::write(&config, "one").unwrap();
    let cache = Cache::default();
    let mut reads = 0;
    let mut ask = |cache: &Cache| {
        cache
            .of(directory.path(), directory.path(), || {
                reads += 1;
                Ok::<_, Infallible>(Listing::default())
            })
            .unwrap();
        reads
    };
    assert_eq!(ask(&cache), 1);
    fs::write(&config, "two").unwrap();
    assert_eq!(ask(&cache), 2);
    fs::write(directory.path().join("config.worktree"), "new").unwrap();
    assert_eq!(ask(&cache), 3);
}
