use super::super::view::{Draft, Mark};
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

#[test]
fn an_editor_that_shows_an_earlier_page_is_understood_and_one_that_was_written_into_is_not() {
    let root = tempfile::tempdir().unwrap();
    let page =
        |number: u32| Page { text: format!("{number}\n"), marks: vec![((number, number), Mark::Session("s".into()))] };
    let mut shelf = Shelf::default();
    shelf.put(View::Sessions, root.path().join("sessions.md"), page(0)).unwrap();
    let open = shelf.get_mut(&View::Sessions).unwrap();
    for number in 1..30 {
        open.write(page(number)).unwrap();
    }
    assert_eq!(open.page_of(None), Some(&page(29)));
    assert_eq!(open.page_of(Some("29\n")), Some(&page(29)));
    assert_eq!(open.page_of(Some("9\n")), Some(&page(9)));
    assert_eq!(open.page_of(Some("8\n")), None, "too old");
    assert_eq!(open.page_of(Some("29\nmine\n")), None);
}

#[test]
fn the_file_of_a_prompt_that_was_sent_stays_while_it_is_shown_and_no_other_prompt_is_written_there() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("prompt.md");
    let page = || Page { text: "do it\n".to_owned(), marks: Vec::new() };
    let mut shelf = Shelf::default();
    shelf.put(View::Prompt(Draft::New(PathBuf::new())), path.clone(), page()).unwrap();
    shelf.sent(&path, true).unwrap();
    assert!(path.exists() && shelf.at(&path).is_none(), "it is not sent twice");
    let second = shelf.unsent(path.clone());
    assert_eq!(second, root.path().join("prompt-2.md"));
    shelf.put(View::Prompt(Draft::New(PathBuf::new())), second.clone(), page()).unwrap();
    shelf.sent(&second, true).unwrap();
    assert_eq!(shelf.unsent(path.clone()), root.path().join("prompt-3.md"));
    shelf.closed(&path).unwrap();
    assert_eq!((path.exists(), shelf.unsent(path.clone())), (false, path.clone()));
    shelf.clear();
    assert!(!second.exists());
    shelf.put(View::Prompt(Draft::New(PathBuf::new())), path.clone(), page()).unwrap();
    shelf.closed(&path).unwrap();
    assert!(path.exists(), "what was not sent stays");
    shelf.sent(&path, false).unwrap();
    assert!(!path.exists());
}
