use super::parse::{Script, Step, Trait};

fn parsed(text: &str) -> Script {
    Script::parse(text).unwrap()
}

#[test]
fn the_tour_parses_and_asks_exactly_one_approval() {
    fn asks(steps: &[Step]) -> usize {
        let one = |step: &Step| match step {
            Step::AskPermission { .. } => 1,
            Step::If { steps, .. } => asks(steps),
            _ => 0,
        };
        steps.iter().map(one).sum()
    }
    let tour = parsed(super::TOUR);
    assert_eq!(asks(tour.turn(1)), 1);
    assert_eq!(tour.startup.modes, ["ask", "auto"]);
}

#[test]
fn words_text_lists_and_escapes() {
    let script = parsed(
        "# c\n\n edit \"a b.txt\" one\\ntwo \\e\\\\ \\x\n plan +A | *B | C\n ask-permission t Run it :: make  all\n",
    );
    assert_eq!(
        script.steps,
        [
            Step::Edit { path: "a b.txt".to_owned(), text: "one\ntwo \u{1b}\\ \\x".to_owned() },
            Step::Plan(vec!["+A".to_owned(), "*B".to_owned(), "C".to_owned()]),
            Step::AskPermission {
                id: "t".to_owned(),
                title: "Run it".to_owned(),
                command: Some("make  all".to_owned())
            },
        ]
    );
}

#[test]
fn sections_blocks_and_startup() {
    let script = parsed(
        "say d\non-resume\nsay r\non-turn 2\nif-allowed\nsay a\nif-rejected\nsay never\nend\nend\ncapability load\non-turn 2\nsay z\n",
    );
    assert_eq!(script.turn(1), [Step::Say("d".to_owned())]);
    assert_eq!(script.turn(3), script.turn(1));
    assert_eq!(script.turn(2).len(), 2);
    assert_eq!(script.resumed(), Some([Step::Say("r".to_owned())].as_slice()));
    assert_eq!(parsed("say d").resumed(), None);
    let Step::If { allowed: true, steps } = &script.turn(2)[0] else { panic!("{:?}", script.turn(2)) };
    assert_eq!(steps.len(), 2);
    assert_eq!(script.startup.traits, [Trait::Loads]);
}

#[test]
fn mistakes_name_their_line() {
    for (text, expected) in [
        ("say x\nfly away\n", "line 2: unknown step fly"),
        ("exit many\n", "line 1: many is not a number"),
        ("flood -1\n", "line 1: -1 is not a number"),
        ("replace a b\n", "line 1: `replace` needs OLD :: NEW"),
        ("pause soon\n", "line 1: soon is not a number"),
        ("exit\n", "line 1: a word is missing"),
        ("crash on\n", "line 1: \"on\" is too much"),
        ("end\n", "line 1: no block is open"),
        ("if-allowed\nsay x\n", "a block has no `end`"),
        ("if-allowed\non-turn 2\n", "line 2: a block has no `end`"),
        ("edit \"a b\n", "line 1: a quote is not closed"),
        ("capability fly\n", "line 1: unknown capability"),
        ("plan a || b\n", "line 1: a list has an empty entry"),
    ] {
        let error = Script::parse(text).unwrap_err();
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
}
