//! Suites that let their programs use no network: a server outside cannot be reached, and where that cannot be had nothing runs.

use std::fmt::Write as _;
use std::net::TcpListener;

use super::evaluations::{eval, of};
use super::scene::Scene;
use crate::support::{run, skip};

/// Connects to a port of this machine, and says what came of it.
const CONNECTS: &str = "\
const socket = require('net').connect(Number(process.argv[2]), '127.0.0.1');
socket.on('connect', () => { console.log('reached'); process.exit(0) });
socket.on('error', error => { console.log(error.code); process.exit(7) });
";
/// Has a server and a client of its own.
const OWN: &str = "\
const net = require('net');
const server = net.createServer(socket => socket.end()).listen(0, '127.0.0.1', () => {
  const socket = net.connect(server.address().port, '127.0.0.1');
  socket.on('connect', () => process.exit(0));
  socket.on('error', () => process.exit(7));
});
";

#[test]
fn a_server_outside_is_reached_only_where_the_suite_allows_it() {
    let scene = Scene::new();
    let may = |words: &str| {
        let mut command = scene.env.command("sh");
        command.args(["-c", words]);
        run(command).status.success()
    };
    let as_user = may("unshare --user --map-root-user --net -- true");
    if !as_user && !may("unshare --net -- true") {
        return skip::skip("sessions::network", "this system allows no network namespace");
    }
    scene.shell("work", "echo a > a.txt").ok();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let connects = scene.env.write("connects.js", CONNECTS).display().to_string();
    let connects = format!("node {connects} {}", server.local_addr().unwrap().port());
    let own = scene.env.write("own.js", OWN).display().to_string();
    let leaves = format!("nsenter --net=/proc/{}/ns/net {connects}", std::process::id());
    let suite = |network: bool| {
        let mut suite = format!("version: 1\nlimits: {{network: {network}}}\nevaluators:\n");
        let own = format!("node {own}");
        for (id, command) in
            [("out", &connects), ("child", &format!("setsid {connects}")), ("leaves", &leaves), ("own", &own)]
        {
            writeln!(suite, "  - {{id: {id}, kind: script, command: '{command}'}}").unwrap();
        }
        suite
    };
    let (open, _) = eval(&scene, "work", &suite(true));
    assert_eq!((of(&open, "out")["outcome"].as_str(), server.accept().is_ok()), (Some("passed"), true), "{open}");
    // Whoever else has reached it.
    while server.accept().is_ok() {}
    let (shut, code) = eval(&scene, "work", &suite(false));
    for id in ["out", "child"] {
        assert_eq!((of(&shut, id)["outcome"].as_str(), code), (Some("failed"), 4), "{shut}");
        assert!(of(&shut, id).to_string().contains("ECONNREFUSED"), "{shut}");
    }
    if as_user {
        assert_eq!(of(&shut, "leaves")["outcome"], "failed", "it left its namespace: {shut}");
        assert!(server.accept().is_err(), "it was reached");
    }
    if may("ip -V") {
        assert_eq!(of(&shut, "own")["outcome"], "passed", "tests reach servers of their own: {shut}");
    }
}

#[test]
fn nothing_runs_where_the_network_cannot_be_turned_off() {
    let mut scene = Scene::new();
    scene.env.script("tools/unshare", "echo 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n");
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
