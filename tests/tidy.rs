//! The rules of the house that a reader cannot check by eye: who imports whom, how long files are, which
//! calls stay in their one place. `doc/STYLE.md` gives the reasons. Every rule is shown to fail on a small
//! bad sample (`tidy/samples.rs`), for a check that cannot fail checks nothing.

mod absences;
mod calls;
mod layers;
mod names;
mod protocol;
mod samples;
mod sizes;
mod source;

use source::{Finding, Source, repository, sources};

/// Fails with one line per finding.
#[track_caller]
fn none(findings: &[Finding]) {
    let lines: Vec<_> = findings.iter().map(|finding| format!("\n  {finding}")).collect();
    assert!(lines.is_empty(), "{} finding(s):{}", lines.len(), lines.concat());
}

#[track_caller]
fn everywhere(rule: impl Fn(&Source) -> Vec<Finding>) {
    none(&sources().iter().flat_map(rule).collect::<Vec<_>>());
}

#[test]
fn the_walk_finds_this_repository() {
    let sources = sources();
    for path in ["src/main.rs", "src/lib.rs", "tests/tidy.rs", "tests/support/env.rs"] {
        assert!(sources.iter().any(|source| source.path == path), "{path} is not among the files looked at");
    }
}

#[test]
fn imports_follow_the_layers() {
    everywhere(layers::check);
}

#[test]
fn files_are_short() {
    none(&sizes::check(sources().iter().map(|source| (source.path.as_str(), source.text.lines().count()))));
}

#[test]
fn calls_stay_in_their_place() {
    everywhere(calls::check);
}

#[test]
fn nothing_is_left_undone() {
    everywhere(calls::check_markers);
}

#[test]
fn domain_code_waits_for_nothing_and_faces_decide_nothing() {
    everywhere(absences::check);
}

#[test]
fn names_say_what_a_thing_is() {
    everywhere(names::check);
}

#[test]
fn the_protocol_is_documented_method_by_method() {
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).ok();
    if let (Some(methods), Some(document)) = (read("src/wire/method.rs"), read("doc/PROTOCOL.md")) {
        none(&protocol::check(&methods, &document));
    }
}
