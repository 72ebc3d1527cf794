//! Bad samples: what each rule must object to, and its nearest neighbours that it must not.

use super::source::{Finding, Source};
use super::{absences, calls, layers, names, protocol, sizes};

/// The lines that `rule` objects to in `text` as the file `path`.
fn lines(rule: impl Fn(&Source) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
    let place = |finding: Finding| finding.place.rsplit_once(':').unwrap().1.parse().unwrap();
    let mut lines: Vec<usize> = rule(&Source::new(path, text)).into_iter().map(place).collect();
    lines.dedup();
    lines
}

#[test]
fn paths_are_read_out_of_code_and_nothing_else() {
    let text = r##"
use crate::model::{self, session::{State, Turn as T}, *};
pub(crate) use crate::base::path;
// use crate::comment::a;
/* crate::comment::b /* nested */ crate::comment::c */
const A: &str = "crate::text::a \" crate::text::b";
const B: &str = r#"crate::text::c" crate::text::d"#;
fn f<'a>(x: &'a u8) -> char { crate::git::run::<u8>(x); let c = '"'; crate::store::open(); '\'' }
macro_rules! m { () => { $crate::wire::x }; }
use super::super::host::port::Clock;
use super::near;
fn g() { divisi::cli::main() }
"##;
    let found = layers::paths(&Source::new("src/session/state.rs", text));
    let found: Vec<_> = found.iter().map(|(line, path)| format!("{line} {path}")).collect();
    let expected = [
        "2 model",
        "2 model",
        "2 model::session::State",
        "2 model::session::Turn",
        "3 base::path",
        "8 git::run",
        "8 store::open",
        "9 wire::x",
        "10 host::port::Clock",
        "12 cli::main",
    ];
    assert_eq!(found, expected);
}

#[test]
fn each_layer_has_edges_that_are_refused() {
    let refused = [
        ("src/base/path.rs", "use crate::model::Id;"),
        ("src/model/session.rs", "use crate::session::x;"),
        ("src/session/state.rs", "use crate::store::Store;"),
        ("src/session/state.rs", "use crate::worktree::Name;"),
        ("src/session.rs", "fn f() { crate::host::port::x() }"),
        ("src/git/run.rs", "use crate::process::spawn;"),
        ("src/git/run.rs", "use crate::host::{port::Git, registry::Registry};"),
        ("src/agent/acp/client.rs", "use super::super::super::store::x;"),
        ("src/host/bus.rs", "use crate::git::Repository;"),
        ("src/host/tests.rs", "use crate::cli::main;"),
        ("src/cli/list.rs", "use crate::session::rank;"),
        ("src/cli/list.rs", "use crate::host::registry;"),
        ("src/cli/list.rs", "use crate::host;"),
        ("src/cli/list.rs", "use crate::*;"),
        ("src/cli.rs", "mod a { use super::near; mod b { use super::super::super::git::run; } }"),
        ("src/nvim/push.rs", "use crate::hosts::handle;"),
        ("src/novelty/x.rs", ""),
    ];
    for (path, text) in refused {
        assert_eq!(lines(layers::check, path, text), [1], "{path}: {text}");
    }
    let allowed = [
        ("src/model/session.rs", "use crate::{base::path, model::id};"),
        ("src/session/state.rs", "use crate::model::session::State;"),
        ("src/agent/shell.rs", "use crate::process::spawn;"),
        ("src/git/run.rs", "use crate::host::port::{Git, Refusal};"),
        ("src/host/bus.rs", "use crate::{session::rank, host::port};"),
        ("src/cli/list.rs", "use crate::host::handle::HostHandle; use crate::{config, wire::method};"),
        ("src/cli/list.rs", "use super::super::model; use super::render;"),
        ("src/cli.rs", "mod near; mod a { use super::near; use super::*; mod b { use super::super::near; } }"),
        ("src/boot.rs", "use crate::{store, cli, git};"),
        ("src/main.rs", "use divisi::boot;"),
        ("tests/x.rs", "use divisi::store;"),
    ];
    for (path, text) in allowed {
        assert_eq!(lines(layers::check, path, text), [0; 0], "{path}: {text}");
    }
}

#[test]
fn a_refused_edge_is_reported_with_its_place_and_the_rule() {
    let found = layers::check(&Source::new("src/cli/list.rs", "\n\nuse crate::git::run;\n"));
    let text = found[0].to_string();
    for part in ["src/cli/list.rs:3", "`cli`", "`git::run`", "host::handle", "doc/ARCHITECTURE.md"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn calls_outside_their_place() {
    let text = "\
fn f() { std::process::Command::new(\"x\"); }
fn f() { println!(); eprintln!(); }
fn f() { print!(\"\"); }
fn f() { std::time::SystemTime::now(); }
fn f() { Instant::now(); }
fn f() { x.unwrap(); }
fn f() { std::thread::sleep(x); }
fn f() { x.unwrap_or(1); pretty_print!(); MyCommand::new(); } // println!() .unwrap()
/// x.unwrap();
#[cfg(test)]
mod tests {
    fn f() { Command::new(\"x\"); println!(); Instant::now(); x.unwrap(); }
}
fn after() { x.unwrap(); }
#[cfg(test)]
use x;
fn later() { x.unwrap(); }
";
    assert_eq!(lines_of_calls("src/git/run.rs", text), [1, 2, 3, 4, 5, 6, 7, 14, 17]);
    assert_eq!(lines_of_calls("src/process/command.rs", text), [2, 3, 4, 5, 6, 14, 17]);
    assert_eq!(lines_of_calls("src/cli/render/table.rs", text), [1, 4, 5, 6, 7, 14, 17]);
    assert_eq!(lines_of_calls("src/base/clock.rs", text), [1, 2, 3, 6, 14, 17]);
    assert_eq!(lines_of_calls("src/git/run/tests.rs", text), [0; 0]);
    assert_eq!(lines_of_calls("tests/behaviour.rs", text), [7]);
    assert_eq!(lines_of_calls("tests/support/wait.rs", text), [0; 0]);
    assert_eq!(lines_of_calls("lua/divisi/x.lua", text), [0; 0]);
}

fn lines_of_calls(path: &str, text: &str) -> Vec<usize> {
    let mut lines = lines(calls::check, path, text);
    lines.sort_unstable();
    lines.dedup();
    lines
}

#[test]
fn unfinished_code() {
    let text = [
        concat!("fn f() { tod", "o!() }"),
        concat!("fn f() { unimple", "mented!() }"),
        concat!("// FIX", "ME later"),
        concat!("let x = 1; // X", "XX"),
        "mktemp XXXXXX; // todos are fine, so is methodo!logy",
    ];
    assert_eq!(lines(calls::check_markers, "src/a.rs", &text.join("\n")), [1, 2, 3, 4]);
    assert_eq!(lines(calls::check_markers, "lua/a.lua", &text.join("\n")), [3, 4]);
}

#[test]
fn waiting_in_the_domain_and_deciding_in_a_face() {
    let waits = "pub async fn f() {}\nfn g() { h(async move {}) }\nfn async_free() {}\n// async fn\n";
    for path in ["src/session/a.rs", "src/model/a.rs", "src/host/on_command.rs"] {
        assert_eq!(lines(absences::check, path, waits), [1, 2], "{path}");
    }
    for path in ["src/host/unit.rs", "src/git/a.rs"] {
        assert_eq!(lines(absences::check, path, waits), [0; 0], "{path}");
    }
    let decides = "\
        SessionState::Running => 1,\n\
        SessionState::Queued\n\
        | SessionState::Failed => 2,\n\
        if matches!(x, SessionState::Running) {}\n\
        if let SessionState::Running = x {}\n\
        let filter = SessionState::Running;\n\
        let text = state.label();\n";
    assert_eq!(lines(absences::check, "src/cli/list.rs", decides), [1, 3, 4, 5]);
    assert_eq!(lines(absences::check, "src/session/list.rs", decides), [0; 0]);
}

#[test]
fn hollow_names() {
    let text = "pub struct SessionManager;\nenum UtilKind {}\ntrait Helper {}\nstruct Utilised;\nstruct Managers;\n// struct Helper\nfn f() -> ServiceError {}\ntype ServiceId = u8;\n";
    assert_eq!(lines(names::check, "src/a.rs", text), [1, 2, 3, 8]);
    assert_eq!(lines(names::check, "src/session/utils.rs", ""), [1]);
    assert_eq!(lines(names::check, "src/session/utilisation.rs", ""), [0; 0]);
}

#[test]
fn long_files() {
    let places = |files: &[(&str, usize)]| -> Vec<String> {
        sizes::check(files.iter().copied()).into_iter().map(|finding| finding.place).collect()
    };
    let short = [("short", 400); 19];
    assert_eq!(places(&[&short[..], &[("long", 600)]].concat()), [""; 0]);
    assert_eq!(places(&[&short[..], &[("longest", 601)]].concat()), ["longest"]);
    assert_eq!(places(&[&short[..], &[("a", 401), ("b", 402)]].concat()), ["a", "b"]);
}

#[test]
fn a_protocol_and_its_document_that_differ() {
    let methods =
        "/// Makes one.\npub const CREATE: &str = \"session/create\";\npub const LIST: &str = \"session/list\";\n";
    let texts = |document: &str| -> Vec<String> {
        protocol::check(methods, document).into_iter().map(|finding| finding.text).collect()
    };
    assert_eq!(texts("### `session/create`\n| `session/list` | in `src/wire` |\n"), [""; 0]);
    let found = texts("### `session/create`, `session/remove`\n");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("`session/list`") && found[1].contains("`session/remove`"), "{found:?}");
}
