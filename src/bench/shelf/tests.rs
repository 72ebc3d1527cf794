use super::*;

const RESULT: &str = r#"{"case":"rust/bowling","group":"rust","contestant":"claude","attempt":1,"outcome":"unresolved","digest":"d","patch_sha256":"p","iterations":2,"prepare_ms":100,"agent_ms":2000,"test_ms":300,"usage":{"scope":"session","source":"reported","cost_micros":120000},"at":50,"artefacts":"cases/rust/bowling/claude/1"}"#;

fn a_run(root: &Path) -> std::path::PathBuf {
    let run = root.join("polyglot-claude-1");
    fs::create_dir_all(run.join("cases/rust/bowling/claude/1")).unwrap();
    fs::write(run.join("run.json"), r#"{"version":9,"suite":"polyglot","new":true}"#).unwrap();
    let resolved = RESULT.replace("bowling\",\"group", "clock\",\"group").replace("unresolved", "resolved");
    let nothing = RESULT
        .replace("bowling\",\"group", "bad\",\"group")
        .replace("\"unresolved\"", "\"infrastructure\",\"why\":\"no cargo\"");
    fs::write(run.join("results.jsonl"), format!("{RESULT}\n{resolved}\n{nothing}\n{{\"torn")).unwrap();
    fs::write(run.join("cases/rust/bowling/claude/1/patch.diff"), "--- a\n").unwrap();
    run
}

#[test]
fn a_run_that_goes_on_is_read() {
    let root = tempfile::tempdir().unwrap();
    let path = a_run(root.path());
    fs::create_dir(root.path().join("no run")).unwrap();
    let all = list(root.path());
    assert_eq!(all.len(), 1);
    let run = &all[0];
    assert_eq!(
        (run.id.as_str(), run.suite.as_str(), run.contestants.join(",")),
        ("polyglot-claude-1", "polyglot", "claude".to_owned())
    );
    assert_eq!((run.attempts, run.counted, run.resolved, run.newest_at), (3, 2, 1, Some(50)));
    assert_eq!((run.cost_micros, run.cost_partial), (Some(360_000), false));
    assert!(run.begun_at > 0 && run.share.is_some());
    let detail = open(&path).unwrap();
    let case = &detail.cases[2];
    assert_eq!((case.outcome.as_str(), case.why.as_deref(), case.counts), ("infrastructure", Some("no cargo"), false));
    assert_eq!(detail.cases[0].took_ms, Some(2_400));
    assert_eq!(list(&root.path().join("nowhere")), []);
    assert!(open(&root.path().join("no run")).is_err());
}

#[test]
fn what_is_kept_is_read_and_nothing_outside_the_run() {
    let root = tempfile::tempdir().unwrap();
    let path = a_run(root.path());
    assert_eq!(artefact(&path, "cases/rust/bowling/claude/1", Artefact::Patch).unwrap(), "--- a\n");
    assert!(artefact(&path, "cases/rust/bowling/claude/1", Artefact::Log).is_err());
    for outside in ["../polyglot-claude-1/cases/rust/bowling/claude/1", "/etc", "cases/../../x"] {
        let refused = artefact(&path, outside, Artefact::Patch).unwrap_err();
        assert!(refused.message.contains("outside"), "{outside}: {refused:?}");
    }
}
