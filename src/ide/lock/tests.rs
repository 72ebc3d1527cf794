use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Note, directory, note_file, remove, take_all, write};

fn around(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn note(root: &Path) -> Note {
    Note { port: 4711, token: "secret".to_owned(), lock: root.join("config/ide/4711.lock"), worktree: "/w".to_owned() }
}

#[test]
fn the_lock_file_is_where_the_process_itself_looks() {
    let home = around(&[("HOME", "/home/me")]);
    assert_eq!(directory(&home), Some(PathBuf::from("/home/me/.claude/ide")));
    assert_eq!(directory(&around(&[("HOME", "/h"), ("CLAUDE_CONFIG_DIR", "/own")])), Some(PathBuf::from("/own/ide")));
    assert_eq!(directory(&around(&[("HOME", "/h"), ("CLAUDE_CONFIG_DIR", "")])), Some(PathBuf::from("/h/.claude/ide")));
    assert_eq!(directory(&around(&[("HOME", "relative")])), None);
    assert_eq!(directory(&around(&[("CLAUDE_CONFIG_DIR", "../other"), ("HOME", "/h")])), None);
}

#[test]
fn both_files_are_private_and_found_again_once() {
    let root = tempfile::tempdir().unwrap();
    let note = note(root.path());
    let notes = root.path().join("state/endpoints");
    let file = note_file(&notes, "abc.j1");
    write(&file, &note).unwrap();
    for path in [&file, &note.lock] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
    let lock: Value = serde_json::from_slice(&fs::read(&note.lock).unwrap()).unwrap();
    assert_eq!(lock["workspaceFolders"], json!(["/w"]));
    assert_eq!(lock["pid"], std::process::id());
    assert_eq!((&lock["transport"], &lock["authToken"]), (&json!("ws"), &json!("secret")));
    fs::write(notes.join("rubbish.json"), "{").unwrap();
    let found = take_all(&notes);
    assert_eq!(found.get("abc.j1"), Some(&note));
    assert!(!note.lock.exists() && !file.exists(), "nobody listens there until the process is found again");
    assert!(take_all(&notes).is_empty());
}

#[test]
fn a_lock_file_that_is_somebody_elses_by_now_stays() {
    let root = tempfile::tempdir().unwrap();
    let note = note(root.path());
    fs::create_dir_all(note.lock.parent().unwrap()).unwrap();
    for theirs in [r#"{"authToken":"theirs"}"#, "no json", ""] {
        fs::write(&note.lock, theirs).unwrap();
        remove(&note);
        assert_eq!(fs::read_to_string(&note.lock).unwrap(), theirs);
    }
}

#[test]
fn links_are_not_followed() {
    let root = tempfile::tempdir().unwrap();
    let note = note(root.path());
    let victim = root.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::create_dir_all(note.lock.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&victim, &note.lock).unwrap();
    write(&note_file(&root.path().join("notes"), "j"), &note).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(fs::symlink_metadata(&note.lock).unwrap().is_file());
    let elsewhere = root.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let linked = root.path().join("linked");
    std::os::unix::fs::symlink(&elsewhere, &linked).unwrap();
    let note = Note { lock: linked.join("1.lock"), ..note };
    assert!(write(&note_file(&root.path().join("notes"), "k"), &note).is_err());
}
