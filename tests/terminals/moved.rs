//! Sessions that move from an agent's protocol to its own interface, and back.

use super::scene::{look, scene};

#[test]
fn an_agent_without_an_interface_that_can_go_on_is_refused_with_what_to_do() {
    let scene = scene();
    scene.shell("plain", "true").ok();
    let refused = scene.env.divisi_command(&scene.repo, &["open", "plain", "--terminal"]);
    let mut person = crate::support::TestTerminal::start(&refused, 80, 24);
    assert_eq!(person.end(), Some(1));
    person.until_all(&["has no interface of its own", "divisi log plain"]);
    assert!(person.is_as_before());
    let piped = scene.divisi(&["open", "plain", "--terminal"]);
    assert!(piped.exits(1).stderr.contains("no terminal"), "{piped}");
}

#[test]
fn a_session_moves_to_its_agents_interface_and_back() {
    let scene = scene();
    let tui = scene.env.path("tui.js");
    // The scripted agent, with the fake interface as its own.
    let definition = format!("name = \"scripted\"\n[terminal]\ncommand = [\"node\", {tui:?}, \"{{conversation}}\"]\n");
    scene.env.write("home/config/divisi/agents/scripted.toml", definition);
    scene.scripted("one", "say by protocol\nsleep-until go-on");
    scene.wait_for("one", &["running"]);
    let mut early = look(&scene, "one", 80, 24);
    assert_eq!(early.end(), Some(1));
    early.until("it works");
    scene.env.write(scene.worktree("one").join("go-on"), "");
    scene.wait_for("one", &["completed", "review"]);
    let mut person = look(&scene, "one", 80, 24);
    person.until("fake 80x24 ready");
    assert_eq!(scene.show("one")["terminal"], true);
    scene.divisi(&["send", "one", "typed for me"]).ok();
    person.until("heard [typed for me]");
    scene.wait_for("one", &["completed", "review"]);
    scene.kill_daemon();
    person.type_in("\r");
    person.until("fake");
    scene.wait_for("one", &["completed", "review"]);
    person.type_in("\rquit0\r");
    assert_eq!(person.end(), Some(0));
    scene.send_script("one", "say by protocol again");
    crate::support::wait_until(crate::sessions::scene::DEADLINE, "the protocol speaks again", || {
        scene.spoken("one").contains("by protocol again")
    });
    assert_eq!(scene.show("one")["terminal"], false);
}
