use super::*;

#[test]
fn views_are_under_the_common_git_directory_also_from_a_linked_worktree() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("main/.git/worktrees/w")).unwrap();
    fs::create_dir_all(root.join("main/src")).unwrap();
    fs::create_dir_all(root.join("w")).unwrap();
    fs::write(root.join("w/.git"), format!("gitdir: {}\n", root.join("main/.git/worktrees/w").display())).unwrap();
    fs::write(root.join("main/.git/worktrees/w/commondir"), "../..\n").unwrap();
    let expected = root.join("main/.git/divisi/views");
    assert_eq!(directory(&root.join("main/src")), Some(expected.clone()));
    assert_eq!(directory(&root.join("w")), Some(expected));
    assert_eq!(directory(Path::new("/proc")), None);
}

#[test]
fn a_file_is_written_only_when_it_says_something_else() {
    let root = tempfile::tempdir().unwrap();
    let mut shelf = Shelf::default();
    let path = root.path().join("views/sessions.md");
    let page = |text: &str| Page { text: text.to_owned(), marks: Vec::new() };
    shelf.put(View::Sessions, path.clone(), page("one")).unwrap();
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let first = inode(&path);
    let open = shelf.get_mut(&View::Sessions).unwrap();
    open.write(page("one")).unwrap();
    assert_eq!(inode(&path), first);
    open.write(page("two")).unwrap();
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), inode(&path) == first), ("two", false));
    fs::remove_file(&path).unwrap();
    open.write(page("two")).unwrap();
    assert!(path.exists(), "one that was removed comes back");
}

#[test]
fn a_name_cannot_leave_the_directory() {
    let path = file(Path::new("/v"), &View::Review("x".into()), "../../etc/passwd");
    assert_eq!(path, Path::new("/v/review-.._.._etc_passwd.md"));
}
