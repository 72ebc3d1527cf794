use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::{Beneath, Copied};

#[test]
fn links_on_the_way_are_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let inside = tempfile::tempdir().unwrap();
    symlink(outside.path(), inside.path().join("link")).unwrap();
    let beneath = Beneath::open(inside.path()).unwrap();
    beneath.write("link/x", b"no").unwrap_err();
    beneath.write("../x", b"no").unwrap_err();
    beneath.write("/x", b"no").unwrap_err();
    beneath.write("a//x", b"no").unwrap_err();
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    beneath.write("a/b/c", b"yes").unwrap();
    beneath.write("a/b/c", b"again").unwrap();
    assert_eq!(fs::read(inside.path().join("a/b/c")).unwrap(), b"again");
    Beneath::open(&inside.path().join("link")).unwrap_err();
}

#[test]
fn a_link_in_place_of_the_file_is_replaced_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let inside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "kept").unwrap();
    symlink(outside.path().join("secret"), inside.path().join("file")).unwrap();
    Beneath::open(inside.path()).unwrap().write("file", b"new").unwrap();
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"kept");
    assert_eq!(fs::read(inside.path().join("file")).unwrap(), b"new");
}

#[test]
fn copies_keep_mode_and_links_and_overwrite_nothing() {
    let from = tempfile::tempdir().unwrap();
    let to = tempfile::tempdir().unwrap();
    fs::create_dir(from.path().join("d")).unwrap();
    fs::write(from.path().join("d/run"), "#!/bin/sh").unwrap();
    fs::set_permissions(from.path().join("d/run"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/nowhere", from.path().join("link")).unwrap();
    fs::write(from.path().join("mine"), "theirs").unwrap();
    fs::write(to.path().join("mine"), "mine").unwrap();
    let source = Beneath::open(from.path()).unwrap();
    let target = Beneath::open(to.path()).unwrap();
    assert_eq!(target.copy_from(&source, b"d/run").unwrap(), Copied::Yes);
    assert_eq!(target.copy_from(&source, b"link").unwrap(), Copied::Yes);
    assert_eq!(target.copy_from(&source, b"mine").unwrap(), Copied::No);
    assert_eq!(fs::metadata(to.path().join("d/run")).unwrap().permissions().mode() & 0o111, 0o111);
    assert_eq!(fs::read_link(to.path().join("link")).unwrap().to_str(), Some("/nowhere"));
    assert_eq!(fs::read(to.path().join("mine")).unwrap(), b"mine");
}
