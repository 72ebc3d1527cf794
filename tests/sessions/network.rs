//! Suites that let their programs use no network: a server outside cannot be reached, and where that cannot be had nothing runs.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use super::evaluations::{eval, of};
use super::scene::Scene;
use crate::support::{run, skip};

/// A program that connects to a port of this machine, and says what came of it.
fn connects(port: u16) -> String {
    format!(
        "node -e 'require(\\\"net\\\").connect({port}, \\\"127.0.0.1\\\").on(\\\"connect\\\", () => {{ console.log(\\\"reached\\\"); \
         process.exit(0) }}).on(\\\"error\\\", error => {{ console.log(error.code); process.exit(7) }})'"
    )
}

/// A program that has a server and a client of its own.
const OWN: &str = "node -e 'const net = require(\\\"net\\\"); const server = net.createServer(c => c.end()).listen(0, \\\"127.0.0.1\\\", () => \
                   net.connect(server.address().port, \\\"127.0.0.1\\\").on(\\\"connect\\\", () => process.exit(0)).on(\\\"error\\\", () => process.exit(7)))'";

#[test]
fn a_server_outside_is_reached_only_where_the_suite_allows_it() {
    let scene = Scene::new();
    let fences = [vec!["--user", "--map-root-user"], vec![]];
    let fence = fences.iter().find(|fence| {
        let mut command = scene.env.command("unshare");
        command.args(fence.iter()).args(["--net", "--", "true"]);
        run(command).status.success()
    });
    if fence.is_none() {
        return skip::skip("sessions::network", "this system allows no network namespace");
    }
    scene.shell("work", "echo a > a.txt").ok();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let connects = connects(server.local_addr().unwrap().port());
    let suite = |network: bool| {
        format!(
            "version: 1\nlimits: {{network: {network}}}\nevaluators:\n  - {{id: out, kind: script, command: \"{connects}\"}}\n  \
             - {{id: child, kind: script, command: \"setsid sh -c \\\"$0\\\" & wait $!; true\"}}\n  - {{id: own, kind: script, command: \"{OWN}\"}}\n"
        )
    };
    let (open, _) = eval(&scene, "work", &suite(true));
    assert_eq!((of(&open, "out")["outcome"].as_str(), server.accept().is_ok()), (Some("passed"), true), "{open}");
    let (shut, code) = eval(&scene, "work", &suite(false));
    assert_eq!((of(&shut, "out")["outcome"].as_str(), code), (Some("failed"), 4), "{shut}");
    assert!(of(&shut, "out").to_string().contains("ECONNREFUSED"), "{shut}");
    assert!(server.accept().is_err(), "it was reached");
    let ip = run({
        let mut command = scene.env.command("sh");
        command.args(["-c", "command -v ip"]);
        command
    });
    if ip.status.success() {
        assert_eq!(of(&shut, "own")["outcome"], "passed", "tests reach servers of their own: {shut}");
    }
}

#[test]
fn nothing_runs_where_the_network_cannot_be_turned_off() {
    let mut scene = Scene::new();
    let unshare = scene.env.write("tools/unshare", "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n");
    std::fs::set_permissions(&unshare, std::fs::Permissions::from_mode(0o755)).unwrap();
    let search = std::env::var("PATH").expect("PATH is set");
    scene.env.set("PATH", format!("{}:{search}", scene.env.path("tools").display()));
    scene.shell("work", "echo a > a.txt").ok();
    let ran = scene.env.path("ran");
    let suite = format!(
        "version: 1\nlimits: {{network: false}}\nevaluators:\n  - {{id: script, kind: script, command: 'touch {}'}}\n  \
         - {{id: size, kind: diff_size, lines: 5}}\n",
        ran.display()
    );
    let (evaluation, code) = eval(&scene, "work", &suite);
    assert_eq!((code, evaluation["passed"].as_bool()), (4, Some(false)), "{evaluation}");
    let script = of(&evaluation, "script");
    assert_eq!(script["outcome"], "errored", "{evaluation}");
    let reason = script["reason"].as_str().unwrap();
    assert!(reason.contains("network cannot be turned off") && reason.contains("Operation not permitted"), "{reason}");
    assert_eq!(of(&evaluation, "size")["outcome"], "passed", "what runs nothing needs no network: {evaluation}");
    assert!(!ran.exists(), "it ran with the network on");
}
