use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener as StdListener;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::fake::{Daemon, Home, Raw, said, within};
use crate::model::command::{Command, OfSession};
use crate::model::id::SessionId;
use crate::model::query::{ListSessions, Query};
use crate::model::{Event, Refusal};
use crate::wire::client::{CallError, Caller, Client};
use crate::wire::idle::stop_when_idle;
use crate::wire::serve::Limits;
use crate::wire::socket::bind;

fn stop(session: &str) -> Command {
    Command::StopSession(OfSession { session: SessionId::from(session) })
}

#[tokio::test]
async fn hello_comes_first_and_once() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    let mut raw = Raw::connect(&home.paths).await;
    raw.say(r#"{"jsonrpc":"2.0","id":1,"method":"session/list"}"#).await;
    assert_eq!(raw.json().await["error"]["message"], "`hello` has to come first");
    raw.say(r#"{"jsonrpc":"2.0","id":"h","method":"hello","params":{"client":"x","version":"1","protocol":{"min":1,"max":3}}}"#).await;
    let welcome = raw.json().await;
    assert_eq!(
        welcome,
        json!({"jsonrpc":"2.0","id":"h","result":{"version":"9.9.9","protocol":1,"pid":7,"generation":"g","head":0}})
    );
    raw.say(r#"{"jsonrpc":"2.0","id":2,"method":"hello","params":{"client":"x","protocol":{"min":1,"max":3}}}"#).await;
    assert_eq!(raw.json().await["error"]["code"], -32600);
    raw.say(r#"{"jsonrpc":"2.0","id":3,"method":"session/list"}"#).await;
    assert_eq!(raw.json().await["result"], json!([]));
    daemon.end().await;
    assert!(raw.line().await.is_none(), "a stopped daemon closes its connections");
    assert!(!home.paths.socket.exists(), "and removes its socket");
}

#[tokio::test]
async fn requests_are_answered_concurrently_and_commands_keep_their_order() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    let mut raw = Raw::greeted(&home.paths).await;
    raw.say(r#"{"jsonrpc":"2.0","id":"slow","method":"session/show","params":{"session":"slow"}}"#).await;
    let mut burst = String::new();
    for number in 0..500 {
        let _ = writeln!(
            burst,
            "{{\"jsonrpc\":\"2.0\",\"id\":{number},\"method\":\"session/stop\",\"params\":{{\"session\":\"n{number}\"}}}}"
        );
    }
    within(raw.0.write_all(burst.as_bytes())).await.unwrap();
    for _ in 0..500 {
        assert!(raw.json().await["id"].is_number(), "the slow one does not hold the others up");
    }
    daemon.host.gate.send_replace(true);
    assert_eq!(raw.json().await["id"], "slow");
    let order: Vec<_> = daemon.host.commands.lock().unwrap().iter().map(|(_, command, _)| command.clone()).collect();
    assert_eq!(order, (0..500).map(|number| stop(&format!("n{number}"))).collect::<Vec<_>>());
    daemon.end().await;
}

#[tokio::test]
async fn a_request_without_id_gets_no_response_and_a_half_closed_client_gets_all() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    let mut raw = Raw::greeted(&home.paths).await;
    raw.say(r#"{"jsonrpc":"2.0","method":"session/stop","params":{"session":"quiet"}}"#).await;
    raw.say(r#"{"jsonrpc":"2.0","method":"session/nothing"}"#).await;
    raw.say(r#"{"jsonrpc":"2.0","id":9,"method":"session/list"}"#).await;
    raw.0.shutdown().await.unwrap();
    assert_eq!(raw.json().await["id"], 9);
    assert!(raw.line().await.is_none());
    assert_eq!(daemon.host.commands.lock().unwrap().len(), 1);
    daemon.end().await;
}

#[tokio::test]
async fn a_repeated_command_id_gets_the_first_receipt() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    let client = Client::connect(&home.paths.socket, &Caller::new("test")).await.unwrap();
    let id = Client::command_id();
    let first = client.submit(&id, &stop("a")).await.unwrap();
    assert_eq!(first, client.submit(&id, &stop("a")).await.unwrap());
    let other = client.submit(&Client::command_id(), &stop("a")).await.unwrap();
    assert_ne!(first.command, other.command);
    let commands = daemon.host.commands.lock().unwrap().clone();
    assert_eq!(commands.len(), 2);
    assert_eq!((commands[0].0.clone(), commands[0].2.as_str()), (id, "test"));
    daemon.end().await;
}

#[tokio::test]
async fn refusals_cross_the_wire_whole() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    let client = Client::connect(&home.paths.socket, &Caller::new("test")).await.unwrap();
    let CallError::Refused(refusal) = client.session("x", None).await.unwrap_err() else { panic!() };
    assert_eq!(refusal, Refusal::conflict("no session x").hint("divisi list"));
    let slow = client.session("slow", None);
    let ended = async {
        let _: Vec<u8> = client.query(&Query::ListSessions(ListSessions::default())).await.unwrap();
        daemon.stop.trigger();
    };
    let (slow, ()) = within(async { tokio::join!(slow, ended) }).await;
    assert!(matches!(slow, Err(CallError::Lost)), "{slow:?}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_slow_alone_and_dropped_in_the_end() {
    let home = Home::new();
    let limits = Limits { stall: Duration::from_secs(3), ..Limits::default() };
    let daemon = Daemon::start(&home.paths, limits);
    let mut slow = Raw::greeted(&home.paths).await;
    slow.say(r#"{"jsonrpc":"2.0","id":1,"method":"event/subscribe","params":{"after":0}}"#).await;
    let mut quick = Raw::greeted(&home.paths).await;
    quick.say(r#"{"jsonrpc":"2.0","id":1,"method":"event/subscribe","params":{"after":0}}"#).await;
    // 40 MiB: more than the socket's and the connection's buffers hold together.
    let text = "x".repeat(10 * 1024);
    daemon.host.publish(4096, |_| Event::AgentNotice { turn: None, text: text.clone() });
    let mut seen = 0;
    assert_eq!(quick.json().await["result"]["subscription"], "s1");
    let mut reader = tokio::io::BufReader::with_capacity(1 << 20, quick.0);
    while seen < 4096 {
        let mut line = String::new();
        within(tokio::io::AsyncBufReadExt::read_line(&mut reader, &mut line)).await.unwrap();
        let batch: serde_json::Value = serde_json::from_str(&line).unwrap();
        seen += batch["params"]["events"].as_array().unwrap().len();
    }
    let mut clients = daemon.clients.clone();
    within(clients.wait_for(|count| *count == 1)).await.unwrap();
    let mut rest = Vec::new();
    // What was buffered can still be read; then it is over.
    let _ = within(slow.0.read_to_end(&mut rest)).await;
    assert!(rest.len() < 20 * 1024 * 1024, "{} bytes", rest.len());
    drop(reader);
    daemon.end().await;
}

#[tokio::test]
async fn unsubscribing_ends_the_events() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    let mut raw = Raw::greeted(&home.paths).await;
    daemon.host.publish(3, said);
    raw.say(r#"{"jsonrpc":"2.0","id":1,"method":"event/subscribe"}"#).await;
    assert_eq!(raw.json().await["result"], json!({"subscription": "s1", "head": 3}));
    daemon.host.publish(1, said);
    assert_eq!(raw.json().await["params"]["events"][0]["seq"], 4);
    raw.say(r#"{"jsonrpc":"2.0","id":2,"method":"event/unsubscribe","params":{"subscription":"s1"}}"#).await;
    assert_eq!(raw.json().await["result"], json!({}));
    daemon.host.publish(1, said);
    raw.say(r#"{"jsonrpc":"2.0","id":3,"method":"event/unsubscribe","params":{"subscription":"s1"}}"#).await;
    assert_eq!(raw.json().await["error"]["code"], -32001);
    raw.say(r#"{"jsonrpc":"2.0","id":4,"method":"event/subscribe","params":{"after":99}}"#).await;
    assert_eq!(raw.json().await["error"]["code"], -32002);
    daemon.end().await;
}

#[tokio::test]
async fn connections_are_capped_and_hello_has_a_deadline() {
    let home = Home::new();
    let limits = Limits { connections: 2, hello: Duration::from_millis(200), ..Limits::default() };
    let daemon = Daemon::start(&home.paths, limits);
    let one = Raw::greeted(&home.paths).await;
    let mut silent = Raw::connect(&home.paths).await;
    let mut clients = daemon.clients.clone();
    within(clients.wait_for(|count| *count == 2)).await.unwrap();
    let mut third = Raw::connect(&home.paths).await;
    assert_eq!(third.json().await["error"]["message"], "the daemon has too many connections");
    assert_eq!(silent.json().await["error"]["message"], "`hello` did not come in time");
    within(clients.wait_for(|count| *count == 1)).await.unwrap();
    drop(one);
    within(clients.wait_for(|count| *count == 0)).await.unwrap();
    daemon.end().await;
}

#[tokio::test]
async fn the_socket_is_private_and_nothing_foreign_is_replaced() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    assert_eq!(fs::metadata(&home.paths.socket).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&home.paths.runtime_dir).unwrap().mode() & 0o777, 0o700);
    assert!(bind(&home.paths).unwrap_err().message.contains("another daemon"));
    daemon.end().await;
    // A stale socket: bound once, nobody listens any more.
    drop(StdListener::bind(&home.paths.socket).unwrap());
    drop(bind(&home.paths).unwrap());
    assert!(!home.paths.socket.exists());
    fs::write(&home.paths.socket, "mine").unwrap();
    assert!(bind(&home.paths).unwrap_err().message.contains("not our socket"));
    fs::remove_file(&home.paths.socket).unwrap();
    symlink("/elsewhere", &home.paths.socket).unwrap();
    assert!(bind(&home.paths).unwrap_err().message.contains("not our socket"));
    fs::remove_file(&home.paths.socket).unwrap();
    fs::remove_dir_all(&home.paths.runtime_dir).unwrap();
    symlink(&home.paths.config_dir, &home.paths.runtime_dir).unwrap();
    assert!(bind(&home.paths).unwrap_err().message.contains("symbolic link"));
}

#[tokio::test]
async fn a_given_directory_is_checked_and_not_changed() {
    let home = Home::new();
    let mut paths = home.paths.clone();
    fs::create_dir_all(&paths.runtime_dir).unwrap();
    paths.socket_given = true;
    fs::set_permissions(&paths.runtime_dir, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(bind(&paths).unwrap_err().message.contains("written to by others"));
    fs::set_permissions(&paths.runtime_dir, fs::Permissions::from_mode(0o755)).unwrap();
    drop(bind(&paths).unwrap());
    assert_eq!(fs::metadata(&paths.runtime_dir).unwrap().mode() & 0o777, 0o755);
}

#[tokio::test(start_paused = true)]
async fn an_idle_daemon_stops_unless_it_has_sessions_or_clients() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    *daemon.host.running.lock().unwrap() = 1;
    let (clients, watched) = tokio::sync::watch::channel(1);
    let idle =
        tokio::spawn(stop_when_idle(daemon.host.handle.clone(), watched, Duration::from_secs(60), daemon.stop.clone()));
    tokio::time::advance(Duration::from_secs(300)).await;
    assert!(!daemon.stop.is_triggered(), "a client is there");
    clients.send_replace(0);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(!daemon.stop.is_triggered(), "a session is there");
    *daemon.host.running.lock().unwrap() = 0;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(daemon.stop.is_triggered());
    idle.await.unwrap();
}
