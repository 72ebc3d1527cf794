//! Programs and the death of their daemon.

use std::time::Duration;

use divisi::host::port::{Attached, JobSpec, Jobs as _};
use divisi::model::job::{JobEnd, OnDaemonDeath};

use rustix::process::Signal;

use super::support::{Heard, House, everything, gone, kill, numbers};

/// Answers every line that it is told.
const ECHO: &str = "echo ready; while read line; do echo \"got $line\"; done";

#[tokio::test]
async fn a_new_daemon_goes_on_where_the_old_one_was_killed() {
    let mut house = House::new();
    let mut handle = house.start("a.j1", ECHO).await;
    let mut heard = Heard::default();
    for round in 0..10 {
        handle.control.write(&format!("w{round}"), format!("{round}\n").as_bytes()).await.unwrap();
        if round % 2 == 0 {
            heard.until(&mut *handle.reader, &format!("got {round}\n")).await;
        }
        let shim = handle.shim.clone();
        drop(handle);
        house.restart();
        handle = house.attach_alive("a.j1").await;
        assert_eq!(handle.shim, shim);
        // A daemon that does not know whether it wrote writes again.
        handle.control.write(&format!("w{round}"), b"never\n").await.unwrap();
    }
    handle.control.close_stdin().await.unwrap();
    heard.finish(&mut *handle.reader).await;
    let expected: String = (0..10).fold(String::new(), |text, round| text + &format!("got {round}\n"));
    assert_eq!(heard.text(), format!("ready\n{expected}"));
    assert_eq!(heard.keys(), (0..10).map(|round| format!("w{round}")).collect::<Vec<_>>());
    assert_eq!(heard.end(), Some(JobEnd::Exited { code: 0, stopped: false, leaked: 0 }));
    assert_eq!(everything(&mut *house.attach_gone("a.j1").await).await, heard, "the journal reads the same afterwards");
}

#[tokio::test]
async fn what_a_program_says_while_no_daemon_is_there_is_kept() {
    let mut house = House::new();
    let handle = house.start("a.j1", "seq 100000; touch said; read x; seq 100001 200000").await;
    drop(handle);
    house.restart();
    house.file("said").await;
    let mut handle = house.attach_alive("a.j1").await;
    handle.control.write("go", b"\n").await.unwrap();
    let heard = everything(&mut *handle.reader).await;
    let expected: String = numbers(200_000);
    assert!(heard.text() == expected, "{} bytes of {}", heard.text().len(), expected.len());
}

#[tokio::test]
async fn a_job_that_ended_meanwhile_is_gone_with_its_end() {
    let mut house = House::new();
    let handle = house.start("a.j1", "exit 6").await;
    let shim = handle.shim.clone();
    drop(handle);
    house.restart();
    gone(&shim).await;
    let heard = everything(&mut *house.attach_gone("a.j1").await).await;
    assert_eq!(heard.end(), Some(JobEnd::Exited { code: 6, stopped: false, leaked: 0 }));
}

#[tokio::test]
async fn a_program_that_dies_with_its_daemon_dies() {
    let mut house = House::new();
    let script = "trap 'echo told; exit 1' TERM; echo ready; while :; do read x; done";
    let spec = JobSpec { on_daemon_death: OnDaemonDeath::Kill, stdin: true, ..house.shell("a.j1", script) };
    let mut handle = house.driver.start(&spec).await.unwrap();
    Heard::default().until(&mut *handle.reader, "ready").await;
    let shim = handle.shim.clone();
    drop(handle);
    house.restart();
    gone(&shim).await;
    assert_eq!(house.inhabitants(), []);
    let heard = everything(&mut *house.attach_gone("a.j1").await).await;
    assert_eq!(heard.text(), "ready\ntold\n");
    assert_eq!(heard.end(), Some(JobEnd::Exited { code: 1, stopped: true, leaked: 0 }));
}

#[tokio::test]
async fn it_lives_on_when_the_daemon_goes_on_purpose_or_another_is_there() {
    let mut house = House::new();
    let spec = JobSpec { on_daemon_death: OnDaemonDeath::Kill, stdin: true, ..house.shell("a.j1", ECHO) };
    let handle = house.driver.start(&spec).await.unwrap();
    house.driver.detach().await;
    drop(handle);
    house.restart();
    let first = house.attach_alive("a.j1").await;
    let mut second = house.attach_alive("a.j1").await;
    drop(first);
    second.control.write("w", b"still\n").await.unwrap();
    second.control.close_stdin().await.unwrap();
    let heard = everything(&mut *second.reader).await;
    assert_eq!(heard.text(), "ready\ngot still\n");
    assert_eq!(heard.end(), Some(JobEnd::Exited { code: 0, stopped: false, leaked: 0 }));
}

#[tokio::test]
async fn the_lease_ends_a_program_that_nobody_comes_back_for() {
    let mut house = House::new();
    let spec = JobSpec { lease: Duration::from_millis(150), stdin: true, ..house.shell("a.j1", ECHO) };
    let mut handle = house.driver.start(&spec).await.unwrap();
    Heard::default().until(&mut *handle.reader, "ready").await;
    let shim = handle.shim.clone();
    drop(handle);
    house.restart();
    gone(&shim).await;
    let heard = everything(&mut *house.attach_gone("a.j1").await).await;
    assert_eq!(heard.end(), Some(JobEnd::Signaled { signal: 15, stopped: true, leaked: 0 }));
}

#[tokio::test]
async fn a_start_that_never_came_to_its_program_is_given_up_for_good() {
    let house = House::new();
    assert!(matches!(house.attach("a.j1").await, Attached::NeverStarted));
    let directory = house.job_directory("a.j1");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("shim.json"), "").unwrap();
    assert!(matches!(house.attach("a.j1").await, Attached::NeverStarted));
    assert!(!directory.join("shim.json").exists(), "a shim that comes late finds that it is not wanted");
    let mut handle = house.driver.start(&house.shell("a.j1", "echo now")).await.unwrap();
    assert_eq!(everything(&mut *handle.reader).await.text(), "now\n");
}

#[tokio::test]
async fn a_shim_killed_in_a_flood_leaves_a_journal_that_reads_to_its_last_whole_record() {
    let house = House::new();
    for round in 0..5 {
        let job = format!("a.j{round}");
        let mut handle = house.start(&job, "exec yes").await;
        let mut heard = Heard::default();
        while heard.offset() < 1_000_000 {
            heard.records.extend(handle.reader.read(heard.offset()).await.unwrap());
        }
        kill(&handle.shim, Signal::KILL);
        heard.finish(&mut *handle.reader).await;
        assert_eq!(heard.end(), None);
        let text = heard.text();
        assert!(text.as_bytes().chunks(2).all(|line| line == b"y\n" || line == b"y"));
        assert_eq!(everything(&mut *house.attach_gone(&job).await).await, heard);
        assert_eq!(house.inhabitants(), []);
    }
}

#[tokio::test]
async fn a_damaged_journal_is_refused_by_name_and_place_after_what_is_good() {
    let house = House::new();
    let mut handle = house.start("a.j1", "seq 10000").await;
    let heard = everything(&mut *handle.reader).await;
    let path = house.driver.journal_path(&"a.j1".into());
    let mut bytes = std::fs::read(&path).unwrap();
    let good = heard.records[1].offset;
    bytes[usize::try_from(good).unwrap() + 40] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let mut reader = house.attach_gone("a.j1").await;
    assert_eq!(reader.read(0).await.unwrap(), heard.records[..2]);
    let refusal = reader.read(good).await.unwrap_err();
    assert!(refusal.message.contains(&format!("{path} is damaged at byte {good}")), "{}", refusal.message);
}
