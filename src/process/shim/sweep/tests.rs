use super::*;

fn process(pid: i32, parent: i32, group: i32, session: i32, start_time: u64) -> ProcessStat {
    ProcessStat { pid, state: b'S', parent, group, session, start_time }
}

fn sweep() -> Sweep {
    let mut sweep = Sweep::new((1, 1), 100, crate::base::clock::instant());
    sweep.born = (100, 200);
    sweep
}

fn selected(sweep: &mut Sweep, tree: &[ProcessStat]) -> Vec<i32> {
    sweep.select(tree).iter().map(|process| process.pid).collect()
}

#[test]
fn it_takes_who_was_born_in_between_and_no_one_else() {
    let tree = [
        process(10, 1, 10, 1, 50),   // the program
        process(11, 10, 10, 1, 100), // a helper of the same tick as the prompt
        process(12, 10, 12, 12, 150),
        process(13, 10, 13, 13, 201), // the next turn's
    ];
    assert_eq!(selected(&mut sweep(), &tree), [12]);
}

#[test]
fn it_takes_what_its_own_start_while_it_lasts() {
    let mut sweep = sweep();
    let tree = [process(12, 10, 12, 12, 150), process(20, 12, 20, 20, 250), process(21, 20, 21, 21, 260)];
    assert_eq!(selected(&mut sweep, &tree), [12, 20, 21]);
    // Their parents are gone: known by the session, the group, the parent seen before.
    let tree = [process(22, 1, 22, 12, 270), process(23, 1, 20, 9, 270), process(24, 21, 24, 24, 270)];
    assert_eq!(selected(&mut sweep, &tree), [22, 23, 24]);
    // And a stranger who was born late is not theirs.
    assert_eq!(selected(&mut sweep, &[process(30, 10, 30, 30, 270)]), Vec::<i32>::new());
}

#[test]
fn it_takes_nobody_older_by_kinship() {
    // A helper that joined the group of a command, or whose pid came round.
    let mut sweep = sweep();
    assert_eq!(selected(&mut sweep, &[process(12, 10, 12, 12, 150), process(11, 12, 12, 12, 60)]), [12]);
}
