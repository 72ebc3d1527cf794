use super::*;
use crate::model::RefusalKind;
use crate::model::samples::{SESSION, approval};

fn rule(matcher: RuleMatcher, reach: RuleReach) -> Rule {
    Rule { scope: AlwaysScope { matcher, reach }, session: SESSION.into(), common_dir: "/r/.git".to_owned() }
}

fn prefix(prefix: &str) -> Rule {
    rule(RuleMatcher::Prefix(prefix.to_owned()), RuleReach::Session)
}

#[test]
fn a_prefix_covers_more_arguments_and_nothing_else() {
    for (line, expected) in [
        ("git status", true),
        ("git status -s", true),
        ("git status\t--short  src/a.rs", true),
        ("  git status -s ", true),
        ("git status 'a b'", true),
        ("git statusx", false),
        ("git status-x", false),
        ("git stat", false),
        ("sudo git status", false),
        ("git status; rm -rf /", false),
        ("git status ;rm -rf /", false),
        ("git status && rm x", false),
        ("git status & rm x", false),
        ("git status | sh", false),
        ("git status > /etc/passwd", false),
        ("git status < x", false),
        ("git status $(rm x)", false),
        ("git status `rm x`", false),
        ("git status $HOME", false),
        ("git status \"$(rm x)\"", false),
        ("git status (rm x)", false),
        ("git status {a,b}", false),
        ("git status \nrm -rf /", false),
        ("git status\nrm -rf /", false),
        ("git status \r rm", false),
        ("git status a\\\nb", false),
        ("git status # x", false),
        ("git status \0", false),
    ] {
        for written in ["git status", "git status "] {
            assert_eq!(matches(&prefix(written), &approval(line), "/r/.git"), expected, "{line:?}");
        }
    }
    assert!(!matches(&prefix(" "), &approval("rm -rf /"), "/r/.git"));
    assert!(!matches(&prefix("sh -c \""), &approval("sh -c \" rm -rf /\""), "/r/.git"));
    assert!(matches(&prefix("cd a && cargo test"), &approval("cd a && cargo test --lib"), "/r/.git"));
    let without = Approval { command_line: None, ..approval("") };
    assert!(!matches(&prefix("Write"), &without, "/r/.git"), "titles are the agent's own words");
}

#[test]
fn an_exact_rule_covers_the_same_line_only() {
    let exact = |text: &str| rule(RuleMatcher::Exact(text.to_owned()), RuleReach::Session);
    assert!(matches(&exact("cargo test"), &approval("cargo test"), "/r/.git"));
    for line in ["cargo test ", "cargo test -q", "cargo  test", ""] {
        assert!(!matches(&exact("cargo test"), &approval(line), "/r/.git"), "{line:?}");
    }
    let mut titled = Approval { command_line: None, ..approval("") };
    assert!(matches(&exact("Write hello.txt"), &titled, "/r/.git"));
    assert!(
        !matches(&exact("Write hello.txt"), &approval("rm -rf /"), "/r/.git"),
        "the command line counts, not the title"
    );
    titled.tool.kind = "execute".to_owned();
    titled.tool.title = "cargo test".to_owned();
    assert!(
        !matches(&exact("cargo test"), &titled, "/r/.git"),
        "a program that is not named is not allowed by its title"
    );
}

#[test]
fn a_tool_rule_goes_by_the_name_and_else_by_the_kind() {
    let tool = |name: &str| rule(RuleMatcher::Tool(name.to_owned()), RuleReach::Session);
    let mut asked = approval("ls");
    assert!(matches(&tool("write_file"), &asked, "/r/.git"));
    assert!(!matches(&tool("edit"), &asked, "/r/.git"), "another tool of the same kind");
    asked.tool.name = None;
    assert!(matches(&tool("edit"), &asked, "/r/.git"));
    asked.tool.kind = String::new();
    assert!(!matches(&tool(""), &asked, "/r/.git"));
}

#[test]
fn rules_hold_where_they_were_made_to_hold_and_never_for_questions() {
    let of = |reach| rule(RuleMatcher::Exact("ls".to_owned()), reach);
    let other = Approval { session: "othersessi".into(), ..approval("ls") };
    assert!(matches(&of(RuleReach::Session), &approval("ls"), "/elsewhere/.git"));
    assert!(!matches(&of(RuleReach::Session), &other, "/r/.git"));
    assert!(matches(&of(RuleReach::Repository), &other, "/r/.git"));
    assert!(!matches(&of(RuleReach::Repository), &other, "/elsewhere/.git"));
    let question = Approval { kind: ApprovalKind::Question, ..approval("ls") };
    assert!(!matches(&of(RuleReach::Session), &question, "/r/.git"));
    let rules = [prefix("cargo"), of(RuleReach::Session)];
    assert_eq!(covering(&rules, &approval("ls"), "/r/.git"), Some(&rules[1]));
    assert_eq!(covering(&rules, &approval("make"), "/r/.git"), None);
}

#[test]
fn an_always_without_a_scope_is_as_narrow_as_it_can_be() {
    let exact = |text: &str| RuleMatcher::Exact(text.to_owned());
    let mut asked = approval("cargo test");
    assert_eq!(default_scope(&asked), AlwaysScope { matcher: exact("cargo test"), reach: RuleReach::Session });
    asked.command_line = None;
    assert_eq!(default_scope(&asked).matcher, exact("Write hello.txt"));
    asked.tool.title = String::new();
    assert_eq!(default_scope(&asked).matcher, RuleMatcher::Tool("write_file".to_owned()));
    for asked in [approval("cargo test"), asked] {
        let made = Rule { scope: default_scope(&asked), ..prefix("") };
        assert!(matches(&made, &asked, "/r/.git"), "it covers what it was made for");
    }
}

/// An approval that offers options of some kinds, each with its kind as id.
fn offering(kinds: &[&str]) -> Approval {
    let option =
        |kind: &&str| ApprovalOption { id: (*kind).to_owned(), name: (*kind).to_owned(), kind: (*kind).to_owned() };
    Approval { options: kinds.iter().map(option).collect(), ..approval("ls") }
}

#[test]
fn the_agent_is_told_no_more_than_the_answer_says() {
    let (once, always) = (Answer::Once, Answer::Always { scope: None });
    let reject = Answer::Reject { message: None };
    for (kinds, answer, expected) in [
        (&["allow_always", "allow_once", "reject_once"][..], &once, Ok(Some("allow_once"))),
        (&["allow_always", "allow_once", "reject_once"], &always, Ok(Some("allow_once"))),
        (&["allow_always", "allow_once", "reject_once"], &reject, Ok(Some("reject_once"))),
        (&["allow_always", "reject_always"], &once, Err(())),
        (&["allow_always", "reject_always"], &always, Ok(Some("allow_always"))),
        (&["allow_always", "reject_always"], &reject, Ok(Some("reject_always"))),
        (&["allow_once"], &reject, Ok(None)),
        (&["red", "green"], &once, Err(())),
        (&["red", "green"], &reject, Ok(None)),
        (&[], &once, Err(())),
    ] {
        let asked = offering(kinds);
        let told = choose(&asked, answer, None).map_err(|refusal| assert_eq!(refusal.kind, RefusalKind::User));
        assert_eq!(told, expected, "{kinds:?} {answer:?}");
    }
}

#[test]
fn a_chosen_option_is_taken_unless_it_contradicts_the_answer() {
    let (once, always) = (Answer::Once, Answer::Always { scope: None });
    let reject = Answer::Reject { message: Some("no".to_owned()) };
    let asked = offering(&["red", "allow_once", "allow_always", "reject_once"]);
    for (answer, wanted, good) in [
        (&once, "red", true),
        (&once, "allow_once", true),
        (&once, "allow_always", false),
        (&once, "reject_once", false),
        (&always, "allow_always", true),
        (&always, "reject_once", false),
        (&reject, "reject_once", true),
        (&reject, "red", true),
        (&reject, "allow_once", false),
        (&once, "blue", false),
    ] {
        let told = choose(&asked, answer, Some(wanted));
        assert_eq!(told.clone().ok(), good.then_some(Some(wanted)), "{answer:?} {wanted}: {told:?}");
        if let Err(refusal) = told {
            assert!(refusal.hints[0].contains("allow_once"), "{refusal:?}");
        }
    }
}
