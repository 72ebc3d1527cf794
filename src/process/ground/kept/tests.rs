use super::*;
use std::time::{Duration, SystemTime};

fn tree() -> (tempfile::TempDir, std::path::PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let from = temp.path().join("from");
    fs::create_dir_all(from.join("sub/closed")).unwrap();
    fs::write(from.join("sub/program"), "x").unwrap();
    fs::set_permissions(from.join("sub/program"), Permissions::from_mode(0o755)).unwrap();
    fs::write(from.join("sub/closed/file"), "y").unwrap();
    fs::set_permissions(from.join("sub/closed"), Permissions::from_mode(0o555)).unwrap();
    symlink("program", from.join("sub/link")).unwrap();
    (temp, from)
}

#[test]
fn a_copy_has_files_of_its_own_with_modes_and_times() {
    let (temp, from) = tree();
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    File::open(from.join("sub/program")).unwrap().set_times(FileTimes::new().set_modified(old)).unwrap();
    let to = temp.path().join("to");
    copy(&from, &to).unwrap();
    let meta = fs::metadata(to.join("sub/program")).unwrap();
    assert_eq!((meta.mode() & 0o777, meta.modified().unwrap(), meta.nlink()), (0o755, old, 1));
    assert_eq!(fs::metadata(to.join("sub/closed")).unwrap().mode() & 0o777, 0o555);
    assert_eq!(fs::read_link(to.join("sub/link")).unwrap(), Path::new("program"));
    fs::write(to.join("sub/program"), "changed").unwrap();
    assert_eq!(fs::read_to_string(from.join("sub/program")).unwrap(), "x");
    for dir in [&from, &to] {
        fs::set_permissions(dir.join("sub/closed"), Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_seal_breaks_whatever_is_done_and_however_it_is_hidden() {
    let (_temp, from) = tree();
    let sealed = seal(&from).unwrap();
    assert_eq!(seal(&from).unwrap(), sealed, "looking changes nothing");
    let file = from.join("sub/program");
    // Written, with the size and the times of before.
    let times = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "z").unwrap();
    File::open(&file).unwrap().set_times(FileTimes::new().set_modified(times)).unwrap();
    let written = seal(&from).unwrap();
    assert_ne!(written, sealed);
    fs::write(from.join("sub/added"), "").unwrap();
    let added = seal(&from).unwrap();
    assert_ne!(added, written);
    fs::remove_file(from.join("sub/link")).unwrap();
    symlink("elsewhr", from.join("sub/link")).unwrap();
    assert_ne!(seal(&from).unwrap(), added);
    fs::set_permissions(from.join("sub/closed"), Permissions::from_mode(0o755)).unwrap();
}
