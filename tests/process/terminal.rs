//! Programs on a terminal: what holds on pipes holds here.

use std::time::Duration;

use divisi::host::port::{JobHandle, JobSpec, Jobs as _, RecordKind};
use divisi::model::job::{JobEnd, OnDaemonDeath};
use divisi::model::terminal::TerminalSize;
use rustix::process::Signal;

use super::support::{Heard, House, everything, gone, in_time, kill};

const SIZE: TerminalSize = TerminalSize { columns: 90, rows: 20 };

fn spec(house: &House, script: &str) -> JobSpec {
    JobSpec { terminal: Some(SIZE), stdin: true, ..house.shell("a.j1", script) }
}

async fn start(house: &House, script: &str) -> JobHandle {
    house.driver.start(&spec(house, script)).await.unwrap()
}

#[tokio::test]
async fn all_three_streams_are_the_terminal_and_it_is_the_programs_own() {
    let house = House::new();
    let script = "test -t 0 && test -t 1 && test -t 2 && stty size && echo $TERM $COLORTERM && echo err >&2 \
                  && ps -o tty= -p $$ && echo by-name > /dev/tty; ls /proc/self/fd | wc -w; exit 7";
    let mut handle = start(&house, script).await;
    let heard = everything(&mut *handle.reader).await;
    let text = heard.text();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[..3], ["20 90", "xterm-256color truecolor", "err"]);
    assert!(lines[3].starts_with("pts/"), "{text}");
    assert_eq!(lines[4], "by-name");
    assert_eq!(lines[5].trim(), "4", "nothing of the shim's is left open (ls itself opened the directory)");
    assert_eq!(heard.records[0].bytes, [90, 0, 20, 0], "the size is in the first record");
    assert!(heard.bytes(RecordKind::Stderr).is_empty());
    assert_eq!(heard.end(), Some(JobEnd::Exited { code: 7, stopped: false, leaked: 0 }));
    assert_eq!(house.log("a.j1"), "");
}

#[tokio::test]
async fn what_is_written_is_recorded_and_what_is_typed_is_not() {
    let house = House::new();
    let mut handle = start(&house, "stty -echo; echo ready; read a; read b; echo \"got $a $b\"").await;
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "ready").await;
    handle.control.write("prompt:1", b"one\n").await.unwrap();
    handle.control.type_in(b"secret\n").await.unwrap();
    heard.until(&mut *handle.reader, "got one secret").await;
    heard.finish(&mut *handle.reader).await;
    assert_eq!(heard.keys(), ["prompt:1"]);
    assert_eq!(heard.bytes(RecordKind::Stdin), b"one\n");
}

#[tokio::test]
async fn another_size_is_told_to_the_program_and_recorded_once() {
    let house = House::new();
    let mut handle = start(&house, "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.05; done").await;
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "ready").await;
    handle.control.resize(SIZE).await.unwrap();
    handle.control.resize(TerminalSize { columns: 120, rows: 40 }).await.unwrap();
    heard.until(&mut *handle.reader, "40 120").await;
    heard.finish(&mut *handle.reader).await;
    assert_eq!(heard.bytes(RecordKind::Resized), [120, 0, 40, 0]);
    let before = heard.records.iter().position(|record| record.kind == RecordKind::Resized).unwrap();
    let told = heard.records.iter().position(|record| String::from_utf8_lossy(&record.bytes).contains("40 120"));
    assert!(before < told.unwrap(), "the record comes before what was drawn for it");
}

#[tokio::test]
async fn an_interrupt_reaches_whoever_has_the_terminal() {
    let house = House::new();
    let script = "exec bash --norc -i -c 'trap \"echo caught\" INT; sleep 60; echo after'";
    let mut handle = start(&house, &format!("echo ready; {script}")).await;
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "ready").await;
    // Until the shell has handed the terminal on, there is nobody to interrupt.
    while !heard.text().contains("after") {
        handle.control.interrupt().await.ok();
        let more = in_time(handle.reader.read(heard.offset())).await.unwrap();
        if more.is_empty() {
            break;
        }
        heard.records.extend(more);
    }
    assert!(heard.end().is_some() || heard.text().contains("after"), "{}", heard.text());
    handle.control.stop(Duration::from_millis(100)).await.ok();
    heard.finish(&mut *handle.reader).await;
}

#[tokio::test]
async fn a_shell_that_ignores_termination_ends_when_its_terminal_hangs_up() {
    let house = House::new();
    let mut handle = start(&house, "exec bash --norc -i").await;
    let mut heard = Heard::default();
    handle.control.type_in(b"sleep 1000 & echo rea''dy\n").await.unwrap();
    heard.until(&mut *handle.reader, "ready").await;
    // Far longer than the test may take: only the hang-up ends it.
    handle.control.stop(Duration::from_secs(600)).await.unwrap();
    heard.finish(&mut *handle.reader).await;
    assert!(matches!(heard.end(), Some(JobEnd::Signaled { stopped: true, .. } | JobEnd::Exited { stopped: true, .. })));
    assert!(house.inhabitants().is_empty());
}

#[tokio::test]
async fn what_outlives_the_program_in_sessions_of_its_own_is_ended_and_counted() {
    let house = House::new();
    let mut handle = start(&house, "setsid sleep 1000 & setsid -f sleep 1000; sleep 0.2; exit 0").await;
    let heard = everything(&mut *handle.reader).await;
    assert_eq!(heard.end(), Some(JobEnd::Exited { code: 0, stopped: false, leaked: 2 }));
}

#[tokio::test]
async fn it_outlives_the_daemon_and_is_found_again_with_its_screen_and_keys() {
    let mut house = House::new();
    let mut handle = start(&house, "stty -echo; echo ready; while read a; do echo \"got $a\"; done").await;
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "ready").await;
    handle.control.write("prompt:1", b"one\n").await.unwrap();
    heard.until(&mut *handle.reader, "got one").await;
    drop(handle);
    house.restart();
    let mut handle = house.attach_alive("a.j1").await;
    handle.control.write("prompt:1", b"one\n").await.unwrap();
    handle.control.type_in(b"two\n").await.unwrap();
    heard.until(&mut *handle.reader, "got two").await;
    assert_eq!(heard.text().matches("got one").count(), 1);
    handle.control.close_stdin().await.unwrap();
    heard.finish(&mut *handle.reader).await;
    assert_eq!(
        heard.end(),
        Some(JobEnd::Exited { code: 0, stopped: false, leaked: 0 }),
        "the end of its input ends it"
    );
}

#[tokio::test]
async fn the_tree_ends_with_its_shim() {
    let mut house = House::new();
    let mut handle = start(&house, "trap '' HUP TERM; setsid -f sleep 1000; echo ready; sleep 1000").await;
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "ready").await;
    kill(&handle.shim, Signal::KILL);
    gone(&handle.shim).await;
    drop(handle);
    house.restart();
    let mut reader = house.attach_gone("a.j1").await;
    heard.finish(&mut *reader).await;
    assert_eq!(heard.end(), None);
    assert!(house.inhabitants().is_empty());
}

#[tokio::test]
async fn it_dies_with_the_daemon_when_it_is_to() {
    let house = House::new();
    let spec = JobSpec { on_daemon_death: OnDaemonDeath::Kill, ..spec(&house, "echo ready; sleep 1000") };
    let mut handle = house.driver.start(&spec).await.unwrap();
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "ready").await;
    let shim = handle.shim.clone();
    drop(handle);
    gone(&shim).await;
    assert!(house.inhabitants().is_empty());
}

#[tokio::test]
async fn what_cannot_start_on_a_terminal_is_refused_with_its_reason() {
    let house = House::new();
    std::fs::write(house.worktree().join("script"), "echo no line\n").unwrap();
    std::fs::write(house.worktree().join("lost"), "#!/nowhere/sh\n").unwrap();
    for (name, why) in [("./script", "is not a program"), ("./lost", "does not exist"), ("nothing-like-it", "PATH")] {
        let path = house.worktree().join(name);
        if path.exists() {
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
        let spec = JobSpec { command: vec![name.to_owned()], ..spec(&house, "") };
        let refusal = house.driver.start(&spec).await.err().expect("refused");
        assert!(refusal.message.contains(why), "{name}: {}", refusal.message);
    }
    assert!(house.inhabitants().is_empty());
}

#[tokio::test]
async fn a_flood_comes_through_whole_and_a_program_on_pipes_has_no_terminal_to_type_on() {
    let house = House::new();
    let mut handle = start(&house, "stty -opost; seq 200000").await;
    let heard = everything(&mut *handle.reader).await;
    assert!(heard.text() == super::support::numbers(200_000));
    let mut piped = house.driver.start(&house.shell("a.j2", "sleep 0.3")).await.unwrap();
    assert!(piped.control.type_in(b"x").await.unwrap_err().message.contains("terminal"));
    assert!(piped.control.resize(SIZE).await.unwrap_err().message.contains("terminal"));
    everything(&mut *piped.reader).await;
}
