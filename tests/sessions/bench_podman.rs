//! An instance judged by a real engine, in an image made of this machine's own programs. Skipped where no engine runs anything.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::bench_containers::Yard;
use crate::support::skip::skip;

/// Programs that the image has, with their libraries.
const PROGRAMS: [&str; 14] =
    ["sh", "bash", "git", "patch", "cat", "ls", "rm", "env", "sleep", "grep", "sed", "head", "tail", "true"];

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Removed at the end, whatever happens.
struct Image(&'static str);

impl Drop for Image {
    fn drop(&mut self) {
        let _ = said("podman", &["rmi", "--force", self.0]);
    }
}

/// The files of the programs: where they are called, and where they are.
fn files() -> BTreeSet<(String, String)> {
    let mut files = BTreeSet::new();
    for name in PROGRAMS {
        let places = std::env::var("PATH").unwrap();
        let path = places.split(':').map(|place| format!("{place}/{name}")).find(|path| fs::exists(path).unwrap());
        let path = path.unwrap_or_else(|| panic!("{name} is on the PATH"));
        let libraries = said("ldd", &[&path]).unwrap_or_default();
        let libraries = libraries.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned);
        for file in libraries.chain([path]) {
            let real = fs::canonicalize(&file).unwrap().display().to_string();
            files.insert((file, real));
        }
    }
    files
}

#[test]
fn a_real_engine_judges_under_limits_and_nothing_stays() {
    const NAME: &str = "localhost/sweb.eval.x86_64.acme__podman-1:latest";
    let skip = |why: &str| skip("sessions::bench_podman", why);
    if said("podman", &["version"]).is_none() {
        return skip("there is no podman");
    }
    if !said("podman", &["version", "--format", "{{.Client.OsArch}}"]).is_some_and(|says| says.ends_with("amd64")) {
        return skip("podman is not for amd64");
    }
    let mut yard = Yard::for_real();
    let root = yard.scene.env.path("root");
    for directory in ["bin", "tmp", "etc", "root", "usr/bin"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    for (file, real) in files() {
        let target = root.join(file.trim_start_matches('/'));
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(real, target).unwrap();
    }
    for shell in ["sh", "bash"] {
        let shell = root.join("bin").join(shell);
        if !shell.exists() {
            fs::copy(fs::canonicalize(format!("/bin/{}", shell.file_name().unwrap().display())).unwrap(), shell)
                .unwrap();
        }
    }
    yard.tree(&root.join("testbed"));
    let tar = yard.scene.env.path("root.tar").display().to_string();
    said("tar", &["-C", root.to_str().unwrap(), "-cf", &tar, "."]).expect("tar works");
    let _image = Image(NAME);
    if said("podman", &["import", &tar, NAME]).is_none() {
        return skip("podman imports no image");
    }
    let ran = yard.bench("validate", &["--containers", "always"]);
    if ran.stderr.contains("failed to use containers") {
        return skip(&format!("podman runs no containers here: {}", ran.stderr.lines().next().unwrap_or_default()));
    }
    assert!(ran.ok().stdout.contains("1 of 1 cases are valid here"), "{ran}");
    let out = yard.scene.env.path("out").display().to_string();
    yard.tests("[ \"$(grep -c : /proc/net/dev)\" = 1 ] && head -c 300000000 /dev/zero | tail >/dev/null;");
    let ran = yard.bench("run", &["--agent", "gold", "--memory-mb", "100", "--out", &out]);
    assert!(ran.stdout.contains("in a container"), "{ran}");
    let log = fs::read_to_string(yard.scene.env.path("out/cases/acme__podman-1/gold/1/test_output.txt")).unwrap();
    assert!(log.contains("used more than 100 MiB of memory"), "{log}");
    let filter = format!("ancestor={NAME}");
    let left = said("podman", &["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"]).unwrap();
    assert_eq!(left, "", "containers stay");
}
