//! Prompts for the running turn, images, options and MCP servers, with the programs people use.

use std::fs;

use divisi::model::event::Event;
use divisi::model::turn::TurnOutcome;

use super::agents::{Agent, CLAUDE, CLAUDE_ACP, CODEX, CODEX_ACP};
use super::session::{Session as _, Stop};
use super::through::{DaemonSession, Way};

/// The smallest PNG that decoders take: one pixel.
const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1f, 0x15, 0xc4, 0x89, 0x00, 0x00, 0x00, 0x0d, 0x49,
    0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0xf0, 0x1f, 0x00, 0x05, 0x00, 0x01, 0xff, 0x89, 0x99, 0x3d,
    0x1d, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

fn ended(session: &mut DaemonSession) {
    loop {
        match session.next() {
            Stop::Asked { key, options, .. } => session.answer(&key, &options, "allow_once", None),
            Stop::Ended(TurnOutcome::Done { .. }) => return,
            Stop::Ended(other) => panic!("{other:?}: {:?}", session.notices()),
        }
    }
}

/// A prompt is put into a turn whose tool runs; what the model does afterwards is what that prompt says. One that comes when the turn is
/// over is a turn of its own.
fn is_steered(session: &mut DaemonSession, program: &str) {
    session.prompt("please @@gated");
    session.wait_for_file("long.txt");
    let sent = session.scene.divisi(&["send", "one", "--now", "rather @@write=steered.txt"]);
    sent.ok();
    assert!(sent.stdout.contains("sent as"), "{}", sent.stdout);
    fs::write(session.worktree().join("gate.txt"), "").unwrap();
    ended(session);
    let steered = session
        .events()
        .iter()
        .filter(|envelope| matches!(&envelope.event, Event::PromptSteered { text, .. } if text.contains("steered.txt")))
        .count();
    assert_eq!(steered, 1, "{program}: {}", sent.stdout);
    assert!(session.worktree().join("steered.txt").exists(), "{program}: {:?}", session.said());
    assert_eq!(session.raw(), Vec::<String>::new());
    // Nothing runs: it is delivered like any other.
    session.prompt_now("please @@text");
    ended(session);
    assert!(session.said().contains("Just text, no tools."), "{:?}", session.said());
}

/// An interrupt takes along what was not taken up; it is then a turn of its own, once.
fn is_interrupted_with_a_prompt(session: &mut DaemonSession) {
    for file in ["gate.txt", "long.txt"] {
        let _ = fs::remove_file(session.worktree().join(file));
    }
    session.prompt("please @@longshell");
    session.wait_for_file("long.txt");
    session.scene.divisi(&["send", "one", "--interrupt", "rather @@text"]).ok();
    match session.next() {
        Stop::Ended(TurnOutcome::Interrupted { .. }) => {}
        other => panic!("{other:?}"),
    }
    session.next_turn();
    ended(session);
    assert!(session.said().contains("Just text, no tools."), "{:?}", session.said());
}

/// An image goes along, and the model call carries it.
fn sees_an_image(session: &mut DaemonSession) {
    let image = session.scene.env.path("pixel.png");
    fs::write(&image, PNG).unwrap();
    session.prompt_with(&["--image", image.to_str().unwrap()], "what is it? @@pictures");
    fs::remove_file(image).unwrap();
    ended(session);
    assert!(session.said().contains("I see 1 image."), "{:?}", session.said());
}

fn all(test: &str, agent: &Agent) {
    let Some(mut session) = DaemonSession::start(test, agent, agent.working, Way::Daemon) else { return };
    is_steered(&mut session, agent.program);
    sees_an_image(&mut session);
    is_interrupted_with_a_prompt(&mut session);
}

#[test]
fn claude() {
    all("real::steering::claude", &CLAUDE);
}

#[test]
fn codex() {
    all("real::steering::codex", &CODEX);
}

#[test]
fn codex_acp() {
    all("real::steering::codex_acp", &CODEX_ACP);
}

#[test]
fn claude_acp() {
    all("real::steering::claude_acp", &CLAUDE_ACP);
}

/// A server that says which variables it has and that it was started, then waits for its input to end.
const SERVER: &str = "#!/bin/sh\necho \"$API_TOKEN\" > \"$1\"\ncat > /dev/null\n";

/// A configured server is started with its secret, the repository's own is not.
fn starts_the_servers_it_is_given(test: &str, agent: &Agent) {
    let Some(session) = DaemonSession::start_with(test, agent, |scene| {
        let server = scene.env.script("server", SERVER.strip_prefix("#!/bin/sh\n").unwrap());
        let (started, foreign) = (scene.env.path("started"), scene.env.path("foreign"));
        let config = format!(
            "[mcp.files]\ncommand = \"{}\"\nargs = [\"{}\"]\nenv = {{ API_TOKEN = \"env:TOKEN_OF_TEST\" }}\n",
            server.display(),
            started.display()
        );
        scene.env.set("TOKEN_OF_TEST", "s3cr3t");
        scene.env.write("home/config/divisi/config.toml", config);
        let theirs = format!(
            r#"{{"mcpServers": {{"theirs": {{"command": "{}", "args": ["{}"]}}}}}}"#,
            server.display(),
            foreign.display()
        );
        scene.env.write("repo/.mcp.json", theirs);
        scene.env.write("repo/.claude/settings.json", r#"{"enableAllProjectMcpServers": true}"#);
        let repo = scene.repo.clone();
        scene.env.git(&repo, &["add", "--all"]);
        scene.env.git(&repo, &["commit", "--quiet", "--message", "Name a server"]);
    }) else {
        return;
    };
    let started = session.scene.env.path("started");
    crate::support::wait_until(crate::sessions::scene::DEADLINE, "the server has its secret", || {
        fs::read_to_string(&started).is_ok_and(|text| text == "s3cr3t\n")
    });
    assert!(!session.scene.env.path("foreign").exists(), "a server that the repository names was started");
    assert_eq!(session.show()["mcp"], serde_json::json!(["files"]));
}

#[test]
fn claude_starts_the_servers_it_is_given() {
    starts_the_servers_it_is_given("real::steering::claude_starts_the_servers_it_is_given", &CLAUDE);
}

#[test]
fn codex_starts_the_servers_it_is_given() {
    starts_the_servers_it_is_given("real::steering::codex_starts_the_servers_it_is_given", &CODEX);
}

#[test]
fn codex_acp_starts_the_servers_it_is_given() {
    starts_the_servers_it_is_given("real::steering::codex_acp_starts_the_servers_it_is_given", &CODEX_ACP);
}
