//! What a turn started is ended, and the program goes on with what it started before.

use std::time::Duration;

use divisi::host::port::JobHandle;
use divisi::process::identity::ticks;

use super::support::{Heard, House, eventually, in_time};

/// Reads a word and does as it says. The commands of a turn get away in every way that real agents' do; one ignores SIGTERM.
const AGENT: &str = r#"
setsid sleep 601 &
sleep 602 &
while read -r word; do
  case $word in
    work)
      sleep 0.03 # as no model is quicker
      (setsid sleep 603 &)
      setsid sh -c 'trap "" TERM; sleep 604 & echo begun; wait'  &
      sleep 605 &
      ;;
    *) echo "heard $word" ;;
  esac
done
"#;

/// What it starts before any turn.
const HELPERS: [&str; 2] = ["sleep 601", "sleep 602"];

fn sleepers(house: &House) -> Vec<String> {
    let lines = house.inhabitants().into_iter().map(|(_, line)| line.replace('\0', " ").trim().to_owned());
    let mut sleepers: Vec<String> = lines.filter(|line| line.starts_with("sleep")).collect();
    sleepers.sort();
    sleepers
}

async fn next_tick() {
    let now = ticks();
    eventually("the next tick", || (ticks() > now).then_some(())).await;
}

/// The agent with its helpers, and then its first turn with all its commands.
async fn at_work(house: &House) -> (JobHandle, Heard) {
    let mut handle = house.start("a.j1", AGENT).await;
    let mut heard = Heard::default();
    handle.control.write("first", b"hello\n").await.unwrap();
    heard.until(&mut *handle.reader, "heard hello").await;
    eventually("its helpers", || (sleepers(house) == HELPERS).then_some(())).await;
    // Births are told apart by the clock's ticks.
    next_tick().await;
    handle.control.write("prompt:1", b"work\n").await.unwrap();
    heard.until(&mut *handle.reader, "begun").await;
    eventually("its commands", || (sleepers(house).len() == 5).then_some(())).await;
    (handle, heard)
}

async fn stop(house: &House, mut handle: JobHandle, mut heard: Heard) {
    handle.control.stop(Duration::ZERO).await.unwrap();
    heard.finish(&mut *handle.reader).await;
    assert_eq!(house.inhabitants(), []);
}

#[tokio::test]
async fn what_a_turn_started_is_ended_and_nothing_else() {
    let house = House::new();
    let (mut handle, mut heard) = at_work(&house).await;
    in_time(handle.control.end_since("prompt:1")).await.unwrap();
    assert_eq!(sleepers(&house), HELPERS);
    // Nobody is left: again is nothing to do, and the program still listens.
    in_time(handle.control.end_since("prompt:1")).await.unwrap();
    handle.control.write("prompt:2", b"again\n").await.unwrap();
    heard.until(&mut *handle.reader, "heard again").await;
    let refusal = in_time(handle.control.end_since("prompt:3")).await.unwrap_err();
    assert!(refusal.to_string().contains("prompt:3"), "{refusal}");
    stop(&house, handle, heard).await;
}

#[tokio::test]
async fn a_new_daemon_ends_what_was_started_under_the_old_one() {
    let mut house = House::new();
    let (handle, heard) = at_work(&house).await;
    drop(handle);
    house.restart();
    let handle = house.attach_alive("a.j1").await;
    in_time(handle.control.end_since("prompt:1")).await.unwrap();
    assert_eq!(sleepers(&house), HELPERS);
    stop(&house, handle, heard).await;
}

#[tokio::test]
async fn nobody_waits_for_a_sweep_of_a_job_that_is_stopped() {
    let house = House::new();
    let (handle, heard) = at_work(&house).await;
    let control = std::sync::Arc::clone(&handle.control);
    let sweep = tokio::spawn(async move { control.end_since("prompt:1").await });
    stop(&house, handle, heard).await;
    // Done, or refused because the job is over.
    let _either = in_time(sweep).await.unwrap();
}
