use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;

use super::{Paths, PathsError};

fn paths(variables: &[(&str, &str)], run_user: &Path) -> Result<Paths, PathsError> {
    let map: HashMap<_, _> = variables.iter().map(|(name, value)| (*name, OsString::from(*value))).collect();
    Paths::compute(|name| map.get(name).cloned(), run_user)
}

#[test]
fn home_is_enough() {
    let found = paths(&[("HOME", "/home/ada")], Path::new("/nowhere")).unwrap();
    assert_eq!(found.config_file, Path::new("/home/ada/.config/divisi/config.toml"));
    assert_eq!(found.database, Path::new("/home/ada/.local/state/divisi/state.db"));
    assert_eq!(found.socket, Path::new("/home/ada/.local/state/divisi/run/divisi-p1.sock"));
    assert_eq!(found.log, Path::new("/home/ada/.local/state/divisi/log/daemon.log"));
    assert!(!found.socket_given);
}

#[test]
fn relative_and_empty_variables_count_as_unset() {
    let found =
        paths(&[("HOME", "/h"), ("XDG_STATE_HOME", "here"), ("DIVISI_SOCKET", "")], Path::new("/nowhere")).unwrap();
    assert_eq!(found.state_dir, Path::new("/h/.local/state/divisi"));
    assert!(paths(&[("HOME", "relative")], Path::new("/nowhere")).unwrap_err().message.contains("HOME"));
}

#[test]
fn the_runtime_directory_is_used_when_it_is_ours_and_differs_per_state_directory() {
    let run = tempfile::tempdir().unwrap();
    let one = paths(&[("HOME", "/h")], run.path()).unwrap();
    let two = paths(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")], run.path()).unwrap();
    assert!(one.socket.starts_with(run.path().join("divisi")));
    assert_ne!(one.socket, two.socket);
    // Whether the variable is exported makes no difference.
    let three = paths(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/elsewhere")], run.path()).unwrap();
    assert_eq!(one, three);
}

#[test]
fn long_paths_are_hashed_and_long_given_ones_refused() {
    let long = format!("/{}", "d".repeat(120));
    let found = paths(&[("HOME", &long)], Path::new("/nowhere")).unwrap();
    assert!(found.socket.as_os_str().len() <= 100);
    assert_eq!(found, paths(&[("HOME", &long)], Path::new("/nowhere")).unwrap());
    assert!(paths(&[("HOME", "/h"), ("DIVISI_SOCKET", &long)], Path::new("/nowhere")).is_err());
    assert!(paths(&[("HOME", "/h"), ("DIVISI_SOCKET", "x.sock")], Path::new("/nowhere")).is_err());
}

#[test]
fn a_given_socket_is_taken() {
    let found = paths(&[("HOME", "/h"), ("DIVISI_SOCKET", "/x/y.sock")], Path::new("/nowhere")).unwrap();
    assert_eq!((found.socket.as_path(), found.runtime_dir.as_path()), (Path::new("/x/y.sock"), Path::new("/x")));
    assert!(found.socket_given);
}
