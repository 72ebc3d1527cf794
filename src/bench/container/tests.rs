use super::*;

fn image() -> Image {
    Image { name: "sweb.eval.x86_64.acme__anvil-1:latest".to_owned(), id: format!("sha256:{}", "0a".repeat(32)) }
}

#[test]
fn a_container_has_its_limits_and_no_network() {
    let limits = Limits { memory_mb: 512, cpu_sec: 30, processes: 64, file_mb: 2, ..Limits::default() };
    let allowed = Allowed { limits, network: false, life: Duration::from_secs(90) };
    let words = create("divisi-bench-1-2-3", "divisi.owner=x", &image(), &allowed, None).join(" ");
    for wanted in [
        "create --rm --name divisi-bench-1-2-3 --label divisi.owner=x",
        "--network none",
        "--memory 512m --memory-swap 512m",
        "--pids-limit 64",
        "--ulimit fsize=2097152:2097152",
        "--ulimit cpu=30:30",
        "--security-opt no-new-privileges",
    ] {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    assert!(words.ends_with(&format!("{} -c sleep 90 & wait", image().id)), "{words}");
    let allowed = Allowed { limits: Limits::default(), network: true, ..allowed };
    let words = create("n", "l", &image(), &allowed, Some(vec![("nofile", 1024)])).join(" ");
    assert!(!words.contains("--network") && !words.contains("--memory") && !words.contains("cpu="), "{words}");
    assert!(words.contains("--http-proxy=false --ulimit nofile=1024:1024"), "{words}");
}

#[test]
fn the_kernels_count_of_what_it_ended_is_read_in_both_its_spellings() {
    assert_eq!(oom_kills("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"), 2);
    assert_eq!(oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"), 1);
    assert_eq!(oom_kills("cat: not there\n"), 0);
}

#[test]
fn a_run_goes_on_as_it_began() {
    use crate::model::container::Containers::{Always, Auto, Never};
    use yard::{Wanted, wanted};
    let (with, without) = (Some(image()), None);
    assert_eq!(wanted(Auto, None), Ok(Wanted::IfThere));
    assert_eq!(wanted(Auto, Some(&with)), Ok(Wanted::Must));
    assert_eq!(wanted(Auto, Some(&without)), Ok(Wanted::Without));
    assert_eq!(wanted(Always, None), Ok(Wanted::Must));
    assert_eq!(wanted(Always, Some(&with)), Ok(Wanted::Must));
    assert_eq!(wanted(Never, None), Ok(Wanted::Without));
    assert_eq!(wanted(Never, Some(&without)), Ok(Wanted::Without));
    assert!(wanted(Always, Some(&without)).is_err() && wanted(Never, Some(&with)).is_err());
}

#[test]
fn a_log_in_which_nothing_was_begun_is_the_engines() {
    assert!(has_begun(b"+ source /opt/miniconda3/bin/activate\n"));
    assert!(has_begun(b"a warning of the shell\n+ cd /testbed\n"));
    assert!(!has_begun(b"Error: can only create exec sessions on running containers\n"));
    assert!(!has_begun(b""));
}
