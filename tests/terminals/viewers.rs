//! Who looks at a terminal: several, of different sizes, who come, go, are slow, or die.

use rustix::process::{Pid, Signal};

use super::scene::{idle, look};
use crate::sessions::scene::DEADLINE;
use crate::support::{holds_within as holds, wait_until};

#[test]
fn the_smallest_viewer_decides_the_size_and_each_sees_all_of_it() {
    let scene = idle("one");
    let large = look(&scene, "one", 120, 40);
    large.until("fake 120x40");
    let mut small = look(&scene, "one", 60, 15);
    small.until("fake 60x15");
    large.until("fake 60x15");
    assert!(large.text().lines().nth(14).is_some_and(|line| line.starts_with("> ")), "{}", large.text());
    small.resize(200, 10);
    large.until("fake 120x10");
    small.until("fake 120x10");
    small.type_in("\u{1c}");
    assert_eq!(small.end(), Some(0));
    large.until("fake 120x40");
}

#[test]
fn a_viewer_gets_colours_modes_and_the_title_and_leaves_its_terminal_as_it_was() {
    let scene = idle("one");
    let mut person = look(&scene, "one", 80, 24);
    person.until("heard [hello there]");
    person.look(|screen| {
        assert_eq!(screen.cell(0, 0).unwrap().fgcolor(), vt100::Color::Idx(2));
        assert!(screen.bracketed_paste() && screen.alternate_screen());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::PressRelease);
    });
    assert!(!person.is_as_before());
    person.type_in("\u{1b}[200~a \u{1c} b\u{1b}[201~");
    person.until("> ");
    person.type_in("\u{1c}");
    assert_eq!(person.end(), Some(0));
    assert!(person.is_as_before());
    person.until("detached");
    person.look(|screen| {
        assert!(!screen.bracketed_paste() && !screen.alternate_screen() && !screen.hide_cursor());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    });
    assert_eq!(scene.state("one"), "completed", "the program goes on");
    look(&scene, "one", 80, 24).until("fake");
}

#[test]
fn a_viewer_that_is_told_to_end_restores_its_terminal_and_one_that_is_killed_takes_nothing_along() {
    let scene = idle("one");
    for (signal, restores) in [(Signal::TERM, true), (Signal::HUP, true), (Signal::INT, true), (Signal::KILL, false)] {
        let mut person = look(&scene, "one", 80, 24);
        person.until("heard [hello there]");
        rustix::process::kill_process(Pid::from_raw(person.pid()).unwrap(), signal).unwrap();
        person.end();
        assert_eq!(person.is_as_before(), restores, "{signal:?}");
    }
    let wide = look(&scene, "one", 100, 30);
    wide.until("fake 100x30");
}

#[test]
fn a_slow_viewer_holds_nobody_up_and_sees_the_newest_when_it_looks_again() {
    let scene = idle("one");
    let slow = look(&scene, "one", 80, 24);
    let mut quick = look(&scene, "one", 80, 24);
    slow.until("heard [hello there]");
    quick.until("heard [hello there]");
    slow.look_away(true);
    quick.type_in("flood\r");
    quick.until_all(&["flooded"]);
    scene.wait_for("one", &["completed"]);
    slow.look_away(false);
    slow.until("flooded");
    assert_eq!(slow.text(), quick.text());
}

#[test]
fn a_daemon_that_is_killed_is_replaced_and_the_picture_goes_on() {
    let scene = idle("one");
    let mut person = look(&scene, "one", 90, 20);
    person.until("fake 90x20");
    scene.kill_daemon();
    // What is typed while there is no daemon may be lost; what is seen says when there is one.
    let heard = holds(DEADLINE, || {
        person.type_in("x");
        person.text().lines().nth(19).is_some_and(|line| line.contains('x'))
    });
    assert!(heard, "{}", person.text());
    person.type_in("\r");
    person.until("heard [");
    wait_until(DEADLINE, "it is a turn", || scene.show("one")["turns"] == 2);
    assert_eq!(person.look(|screen| screen.cell(0, 0).unwrap().fgcolor()), vt100::Color::Idx(2));
    scene.divisi(&["daemon", "restart"]).ok();
    person.type_in("again\r");
    person.until("heard [");
}

#[test]
fn the_end_of_the_program_is_told_and_a_session_is_removed_with_somebody_looking() {
    let scene = idle("one");
    let mut person = look(&scene, "one", 80, 24);
    person.until("heard [hello there]");
    person.type_in("quit7\r");
    assert_eq!(person.end(), Some(0));
    person.until("one: the program ended with exit code 7");
    assert!(person.is_as_before());
    scene.divisi(&["send", "one", "again"]).ok();
    let mut person = look(&scene, "one", 80, 24);
    person.until("heard [again]");
    scene.wait_for("one", &["completed"]);
    scene.divisi(&["remove", "one", "--discard"]).ok();
    assert_eq!(person.end(), Some(0));
    assert!(person.is_as_before());
}
