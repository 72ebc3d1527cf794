use super::super::samples::{changes, hunk, state, view};
use super::*;

#[test]
fn each_run_of_lines_names_its_session_and_the_turn_that_wrote_it() {
    let all = hunk("h", 1, 1, &[" one", "-two", "+zwei 𝄞", "+drei", "+vier", " five"]);
    let mut state = state(vec![(view("a"), changes("x.rs", vec![all]))]);
    let turn = |lines: &[&str]| changes("x.rs", vec![hunk("t", 1, 1, lines)]).diff;
    let turns = [(1, turn(&["+zwei 𝄞", "+drei", "+vier"])), (2, turn(&[" zwei 𝄞", "+vier"]))];
    state.turns.insert("a00000".into(), turns.into());
    let text = "one\nzwei 𝄞\ndrei\nvier\nfive\n";
    let path = Path::new("/w/a/x.rs");
    let found = hints(&state, path, text, (0, 99), Encoding::Utf16);
    let told = |found: &Value| -> Vec<(u64, u64, String)> {
        let hint = |hint: &Value| {
            let position = &hint["position"];
            let label = hint["label"].as_str().unwrap().to_owned();
            (position["line"].as_u64().unwrap(), position["character"].as_u64().unwrap(), label)
        };
        found.as_array().unwrap().iter().map(hint).collect()
    };
    assert_eq!(told(&found), [(1, 7, "a, turn 1".to_owned()), (3, 4, "a, turn 2".to_owned())]);
    assert_eq!(told(&hints(&state, path, text, (2, 3), Encoding::Utf16)).len(), 1);
    let typed = text.replace("drei", "3");
    assert_eq!(told(&hints(&state, path, &typed, (0, 99), Encoding::Utf8)).len(), 2, "the person's own line has none");
    assert_eq!(hints(&state, Path::new("/r/x.rs"), text, (0, 99), Encoding::Utf8), json!([]));
}
