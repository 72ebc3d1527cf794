//! Too much, too slow, too full.

use std::fs;
use std::time::Duration;

use divisi::host::port::{Jobs as _, RecordKind};
use divisi::model::job::JobEnd;
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::support::{Heard, House, eventually, everything, numbers};

/// The most memory a process ever had, in KiB.
fn high_water(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

#[tokio::test]
async fn a_flood_that_nobody_reads_is_kept_in_little_memory() {
    const FLOOD: u64 = 200_000_000;
    let house = House::new();
    let mut handle = house.start("a.j1", &format!("head -c {FLOOD} /dev/zero; touch said; read x")).await;
    house.file("said").await;
    let memory = high_water(handle.shim.pid);
    handle.control.close_stdin().await.unwrap();
    let (mut offset, mut bytes) = (0, 0);
    let mut end = None;
    loop {
        let records = handle.reader.read(offset).await.unwrap();
        let Some(last) = records.last() else { break };
        offset = last.offset;
        let batch: usize = records.iter().map(|record| record.bytes.len()).sum();
        assert!(batch <= 300 << 10, "{batch}");
        bytes += batch as u64;
        end = last.end.clone();
    }
    assert_eq!(bytes, FLOOD);
    assert!(matches!(end, Some(JobEnd::Exited { .. })));
    assert!(memory < 32 << 10, "{memory} KiB");
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_is_still_heard() {
    let house = House::new();
    let mut handle = house.start("a.j1", "seq 200000; touch said; sleep 600").await;
    let large = vec![b'x'; 4 << 20];
    handle.control.write("large", &large).await.unwrap();
    handle.control.write("more", b"more").await.unwrap();
    handle.control.close_stdin().await.unwrap();
    let late = handle.control.write("late", b"late").await;
    assert!(late.unwrap_err().message.contains("standard input is closed"));
    let mut heard = Heard::default();
    heard.until(&mut *handle.reader, "\n200000\n").await;
    handle.control.stop(Duration::ZERO).await.unwrap();
    heard.finish(&mut *handle.reader).await;
    assert_eq!(heard.keys(), ["large", "more"]);
    assert_eq!(heard.bytes(RecordKind::Stdin).len(), large.len() + 4);
}

#[tokio::test]
async fn a_large_input_arrives_whole() {
    let house = House::new();
    let mut handle = house.start("a.j1", "wc -c; echo done").await;
    handle.control.write("a", &vec![b'x'; 5 << 20]).await.unwrap();
    handle.control.write("b", b"y").await.unwrap();
    handle.control.close_stdin().await.unwrap();
    let heard = everything(&mut *handle.reader).await;
    assert_eq!(heard.text().split_whitespace().collect::<Vec<_>>(), ["5242881", "done"]);
}

#[tokio::test]
async fn input_that_a_program_closes_is_refused_and_harms_nobody() {
    let house = House::new();
    let mut handle = house.start("a.j1", "exec 0<&-; touch closed; exec sleep 600").await;
    house.file("closed").await;
    // The first one finds the pipe broken; it is in the journal all the same.
    handle.control.write("first", b"x").await.unwrap();
    let control = &handle.control;
    let mut number = 0;
    loop {
        number += 1;
        if let Err(refusal) = control.write(&format!("next{number}"), b"x").await {
            assert!(refusal.message.contains("standard input is closed"), "{}", refusal.message);
            break;
        }
        assert!(number < 100);
    }
    handle.control.stop(Duration::ZERO).await.unwrap();
    everything(&mut *handle.reader).await;
}

/// A limit on the shim's file size stands for a full disk: both are a write that fails.
#[tokio::test]
async fn a_full_disk_stops_the_program_and_loses_nothing() {
    let house = House::new();
    let mut handle = house.start("a.j1", "read x; seq 300000; echo over").await;
    let shim = Pid::from_raw(handle.shim.pid);
    let before = prlimit(shim, Resource::Fsize, Rlimit { current: Some(500_000), maximum: None }).unwrap();
    handle.control.write("go", b"\n").await.unwrap();
    let journal = house.driver.journal_path(&"a.j1".into());
    eventually("a full disk", || (fs::metadata(&journal).unwrap().len() == 500_000).then_some(())).await;
    // The tail that did not fit is not there yet, for a reader.
    let mut heard = Heard::default();
    while heard.offset() < 400_000 {
        heard.records.extend(handle.reader.read(heard.offset()).await.unwrap());
    }
    prlimit(shim, Resource::Fsize, before).unwrap();
    heard.finish(&mut *handle.reader).await;
    let expected: String = numbers(300_000);
    assert!(heard.text() == format!("{expected}over\n"));
    assert_eq!(heard.end(), Some(JobEnd::Exited { code: 0, stopped: false, leaked: 0 }));
}

#[tokio::test]
async fn thirty_jobs_at_once() {
    let house = House::new();
    let jobs = (0..30).map(|number| {
        let house = &house;
        async move {
            let name = format!("s{number}.j1");
            let mut handle = house.start(&name, &format!("read x; echo {number} $x")).await;
            handle.control.write("k", b"yes\n").await.unwrap();
            everything(&mut *handle.reader).await.text()
        }
    });
    let mut said = Vec::new();
    let mut jobs: Vec<_> = jobs.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        jobs.retain_mut(|job| match job.as_mut().poll(context) {
            std::task::Poll::Ready(text) => {
                said.push(text);
                false
            }
            std::task::Poll::Pending => true,
        });
        if jobs.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    said.sort();
    let mut expected: Vec<_> = (0..30).map(|number| format!("{number} yes\n")).collect();
    expected.sort();
    assert_eq!(said, expected);
}
