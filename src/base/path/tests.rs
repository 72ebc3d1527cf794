use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use super::{private_directory, short_name, writable_by_others};

#[test]
fn a_private_directory_is_made_and_tightened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b");
    private_directory(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(writable_by_others(&path).unwrap());
    private_directory(&path).unwrap();
    assert!(!writable_by_others(&path).unwrap());
}

#[test]
fn links_and_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    symlink(dir.path(), dir.path().join("link")).unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    assert!(private_directory(&dir.path().join("link")).unwrap_err().to_string().contains("symbolic link"));
    assert!(private_directory(&dir.path().join("file")).unwrap_err().to_string().contains("not a directory"));
}

#[test]
fn short_names_are_stable() {
    assert_eq!(
        short_name(Path::new("/home/a/.local/state/divisi")),
        short_name(Path::new("/home/a/.local/state/divisi"))
    );
    assert_ne!(short_name(Path::new("/home/a")), short_name(Path::new("/home/b")));
    assert_eq!(short_name(Path::new("")), "cbf29ce484222325");
}
