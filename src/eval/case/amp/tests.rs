use super::*;

#[test]
fn a_case_is_a_commit_a_prompt_and_a_command() {
    let text = r#"{"id": "simple#001", "repo": "acme/anvil", "bugCommit": "abc", "fixCommit": "def", "testPath": "t.py",
                   "testCommand": "python t.py", "prompt": "Mend it."}"#;
    assert!(is_one(text) && !is_one("{\"instance_id\": \"x\"}"));
    assert_eq!(repository(text).as_deref(), Ok("acme/anvil"));
    let made = case(text, "/r".to_owned(), None).unwrap();
    assert_eq!((made.id.as_str(), made.test.as_str(), made.prompt.as_str()), ("simple-001", "python t.py", "Mend it."));
    assert_eq!(made.source, Source::Commit { repository: "/r".to_owned(), base: "abc".to_owned() });
    let bare = text.replace("\"testCommand\": \"python t.py\", ", "");
    assert_eq!(case(&bare, "/r".to_owned(), None).unwrap_err(), "the case simple-001 has no 'testCommand'");
    assert_eq!(case(&bare, "/r".to_owned(), Some("make check")).unwrap().test, "make check");
}
