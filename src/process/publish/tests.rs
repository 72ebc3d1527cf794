use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::{Publication, open_request, push};

fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@b"])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_push_runs_nothing_the_repository_names() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs, mark) = (dir.path().join("ours"), dir.path().join("theirs"), dir.path().join("mark"));
    git(dir.path(), &["init", "-q", "--bare", "theirs"]);
    git(dir.path(), &["init", "-q", "-b", "main", "ours"]);
    git(&ours, &["commit", "-q", "--allow-empty", "-m", "x"]);
    git(&ours, &["remote", "add", "origin", theirs.to_str().unwrap()]);
    let commit = git(&ours, &["rev-parse", "HEAD"]);
    let hook = ours.join(".git/hooks/pre-push");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    for key in ["core.sshCommand", "credential.helper", "core.fsmonitor", "core.hooksPath"] {
        git(&ours, &["config", key, &format!("!touch {}", mark.display())]);
    }
    let common_dir = ours.join(".git");
    let publication = Publication { common_dir: &common_dir, commit: &commit, head: "divisi/x/work" };
    assert_eq!(push(&publication).unwrap(), theirs.to_str().unwrap());
    assert_eq!(git(&theirs, &["rev-parse", "refs/heads/divisi/x/work"]), commit);
    assert!(!mark.exists(), "something of the repository ran");
    git(&ours, &["config", "remote.origin.url", &format!("ext::touch {}", mark.display())]);
    assert!(push(&publication).unwrap_err().message.contains("would run a program"));
    git(&ours, &["config", "--remove-section", "remote.origin"]);
    assert!(push(&publication).unwrap_err().message.contains("no remote"));
}

#[test]
fn gh_is_given_everything_as_arguments() {
    let dir = tempfile::tempdir().unwrap();
    let gh = dir.path().join("gh");
    fs::write(&gh, "#!/bin/sh\nfor a in \"$@\"; do printf '%s\\n' \"$a\"; done; cat\n").unwrap();
    fs::set_permissions(&gh, fs::Permissions::from_mode(0o755)).unwrap();
    let said = open_request(&gh, "u", "h", "b", "a $(title)", "body\n").unwrap();
    assert_eq!(said, "pr\ncreate\n--repo\nu\n--head\nh\n--base\nb\n--title\na $(title)\n--body-file\n-\nbody\n");
    fs::write(&gh, "#!/bin/sh\necho no >&2; exit 1\n").unwrap();
    assert_eq!(open_request(&gh, "u", "h", "b", "t", "").unwrap_err().message, "failed to open a pull request: no");
}
