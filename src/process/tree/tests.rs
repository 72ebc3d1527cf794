use std::process::{Child, Command, Stdio};

use super::*;

fn sleeper(configure: impl FnOnce(&mut Command)) -> Child {
    let mut command = Command::new("sleep");
    command.arg("600").stdin(Stdio::null()).stdout(Stdio::null());
    configure(&mut command);
    command.spawn().unwrap()
}

fn ids(processes: &[ProcessStat]) -> Vec<i32> {
    processes.iter().map(|process| process.pid).collect()
}

fn random() -> u64 {
    getrandom::u64().unwrap()
}

#[test]
fn either_mark_is_enough_and_others_are_left_alone() {
    let dye = dye(random());
    // Not `with_dye`: this process has other threads, whose children would be dyed too.
    let mut dyed = sleeper(|command| _ = command.env_clear());
    let limit = Rlimit { current: Some(dye), maximum: rustix::process::getrlimit(Resource::Rttime).maximum };
    let pid = Pid::from_raw(i32::try_from(dyed.id()).unwrap());
    rustix::process::prlimit(pid, Resource::Rttime, limit).unwrap();
    let mut named = sleeper(|command| _ = command.env(DYE_VARIABLE, dye_text(dye)));
    let mut other = sleeper(|command| _ = command.env(DYE_VARIABLE, dye_text(dye ^ 1)));
    let mut found = Vec::new();
    hunt::Hunt::new(dye).look(|process| found.push(process.pid));
    found.sort_unstable();
    let (ended, all) = finish_off(dye, Duration::from_secs(10));
    let survives = other.try_wait().unwrap().is_none();
    other.kill().unwrap();
    for child in [&mut dyed, &mut named, &mut other] {
        child.wait().unwrap();
    }
    let mut expected = [dyed.id(), named.id()].map(|pid| i32::try_from(pid).unwrap());
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!((ended, all), (2, true));
    assert!(survives);
}

#[test]
fn a_process_of_another_start_time_is_not_signalled() {
    let mut child = sleeper(|_| ());
    let stat = ProcessStat::read(i32::try_from(child.id()).unwrap()).unwrap();
    signal(&ProcessStat { start_time: stat.start_time + 1, ..stat }, Signal::KILL);
    let survives = child.try_wait().unwrap().is_none();
    signal(&stat, Signal::KILL);
    child.wait().unwrap();
    assert!(survives);
}

#[test]
fn descendants_are_found_by_both_ways() {
    let mut child = Command::new("sh")
        .args(["-c", "sh -c 'sleep 600 & echo ready; wait' & wait"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 6];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let root = i32::try_from(child.id()).unwrap();
    let walked = descendants(root);
    let mut quick = ids(&children_of_children(root));
    for process in &walked {
        signal(process, Signal::KILL);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(walked.len(), 2, "{walked:?}");
    let mut walked = ids(&walked);
    walked.sort_unstable();
    quick.sort_unstable();
    assert!(quick == walked || quick.is_empty(), "{quick:?} {walked:?}");
}
