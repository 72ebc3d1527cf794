use super::super::samples::{approval, changes, hunk, state, view};
use super::*;

#[test]
fn a_line_of_the_list_is_about_its_session_and_what_it_asks() {
    let a = view("a");
    let mut state = state(vec![(a.clone(), changes("x", Vec::new())), (view("b"), changes("x", Vec::new()))]);
    state.approvals.insert("p1".into(), approval(&a, "p1", "rm `x`\u{1b}[2J"));
    let page = sessions(&state);
    assert!(!page.text.contains('\u{1b}'), "{}", page.text);
    let line = |wanted: &str| u32::try_from(page.text.lines().position(|line| line.contains(wanted)).unwrap()).unwrap();
    let about = |line: u32| page.marked(line, line).cloned().collect::<Vec<_>>();
    assert_eq!(about(line("## a")), [Mark::Session("a00000".into())]);
    assert_eq!(about(line("rm 'x'")), [Mark::Approval("p1".into())]);
    assert_eq!(about(line("## b")), [Mark::Session("b00000".into())]);
    assert_eq!(about(0), []);
}

#[test]
fn a_hunk_is_marked_from_its_heading_to_its_end_and_cannot_leave_its_fence() {
    let hunks = vec![hunk("h1", 1, 1, &["-a", "+````", "+# no heading"]), hunk("h2", 9, 9, &["+z"])];
    let page = review(&view("a"), Some(&changes("x.md", hunks)));
    let lines: Vec<&str> = page.text.lines().collect();
    let fences: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].starts_with("`````")).collect();
    assert_eq!(fences.len(), 2, "{}", page.text);
    for at in fences[0]..=fences[1] {
        let at = u32::try_from(at).unwrap();
        assert_eq!(page.marked(at, at).count(), 1, "line {at}");
    }
    assert!(page.text.contains("0 of 2 hunks decided"));
    assert!(review(&view("a"), None).text.contains("being read"));
}

#[test]
fn a_prompt_comes_back_as_it_was_written() {
    let file = prompt(&Draft::New("/r".into()), None, "about\n") + "and more\n";
    assert_eq!(prompt_of(&file), "about\nand more");
    assert_eq!(prompt_of(&prompt(&Draft::To("a".into()), Some(&view("a")), "")), "");
}
