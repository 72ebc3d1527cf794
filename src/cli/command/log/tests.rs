use super::Stream;
use crate::wire::transcript::Edit;

#[test]
fn paper_only_grows() {
    let mut stream = Stream::default();
    let append = |lines: &[&str]| Edit::Append { lines: lines.iter().map(|line| (*line).to_owned()).collect() };
    let printed: String = [
        append(&["one", "tw"]),
        Edit::ExtendLast { text: "o".to_owned() },
        append(&["- ○ tool"]),
        Edit::Replace { line: 2, text: "- ✓ tool".to_owned() },
        Edit::Replace { line: 0, text: "````".to_owned() },
        append(&["end"]),
    ]
    .iter()
    .map(|edit| stream.print(edit))
    .collect();
    assert_eq!(printed + &stream.end(), "one\ntwo\n- ○ tool\n- ✓ tool\nend\n");
}
