//! In a PID namespace whose session's leader is outside, as in a container's shell and in many a CI job: the session's id is 0 there.

use std::process::{Command, Stdio};

use crate::support::skip::skip;

/// Runs another test of this binary in there; what it checks is that test's affair.
#[test]
fn a_job_runs_where_the_sessions_leader_cannot_be_seen() {
    let inside = |program: &str, arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc", program]);
        command.args(arguments).stdin(Stdio::null()).output()
    };
    if !inside("true", &[]).is_ok_and(|output| output.status.success()) {
        return skip("process::namespace", "unshare (util-linux) cannot make a PID namespace here");
    }
    let binary = std::env::current_exe().unwrap();
    let test = "process::lifecycle::both_streams_and_the_exit_code_are_in_the_journal";
    let output = inside(binary.to_str().unwrap(), &["--exact", test]).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed; 0 failed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
