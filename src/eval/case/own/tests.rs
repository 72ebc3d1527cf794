use super::super::tests::text;
use super::*;

fn read(name: &str) -> Result<String, String> {
    match name {
        "fix.patch" => Ok("diff --git a/x b/x\n".to_owned()),
        "task.md" => Ok("Do it.".to_owned()),
        "check.sh" => Ok("exit 0\n".to_owned()),
        _ => Err(format!("failed to read {name}: no such file")),
    }
}

fn problems(text: &str) -> Vec<String> {
    cases(text, "/suites", &read).unwrap_err().iter().map(ToString::to_string).collect()
}

const SUITE: &str = "\
version: 1
name: mine
defaults: {repository: ./repo, script_command: make test, restore: ['tests/**'], max_iterations: 2, timeout_sec: 60}
cases:
  - id: first
    prompt: Fix it.
    follow_ups: [And now the tests.]
    reference: {patch: fix.patch}
  - id: second
    directory: /elsewhere
    prompt_file: task.md
    script_command: sh check.sh
    restore: []
    hidden_files: {check.sh: check.sh}
    expected_files: [done.txt]
    reference: {command: touch done.txt}
    test_timeout_sec: 5
    processes: 9
";

#[test]
fn a_suite_has_cases_with_defaults() {
    let cases = cases(SUITE, "/suites", &read).unwrap();
    let [first, second] = &cases[..] else { panic!("{cases:?}") };
    assert_eq!(first.source, Source::Commit { repository: "/suites/./repo".to_owned(), base: "HEAD".to_owned() });
    assert_eq!((first.test.as_str(), first.iterations), ("make test", 2));
    assert_eq!(first.limits.agent, Duration::from_secs(60));
    assert_eq!(first.restore, ["tests/**"]);
    assert_eq!(first.group, "mine");
    assert!(matches!(&first.reference, Some(Reference::Patch(patch)) if patch.starts_with("diff")));
    assert_eq!(second.source, Source::Directory("/elsewhere".to_owned()));
    assert_eq!(second.prompt, "Do it.");
    assert!(second.restore.is_empty());
    assert_eq!(text(&second.hidden, "check.sh"), "exit 0\n");
    assert_eq!(second.limits.test, Duration::from_secs(5));
    assert_eq!((first.limits.uses.processes, second.limits.uses.processes), (None, Some(9)));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let unknown = SUITE.replace("follow_ups", "folow_ups");
    assert_eq!(problems(&unknown), ["7:5: a case has no 'folow_ups' (did you mean 'follow_ups'?)"]);
    assert_eq!(problems(&SUITE.replace("version: 1", "version: 2")), ["1:10: 'version' has to be 1"]);
    assert_eq!(problems(&SUITE.replace("task.md", "gone.md")), ["11:18: failed to read gone.md: no such file"]);
    let twice = problems(&SUITE.replace("second", "first"));
    assert_eq!(twice, ["9:5: there is a case 'first' already"]);
    let outside = problems(&SUITE.replace("{check.sh: check.sh}", "{../check.sh: check.sh}"));
    assert!(outside[0].contains("lies outside"), "{outside:?}");
    assert!(
        problems("version: 1\ncases:\n- {id: ../x, prompt: y, directory: d, script_command: t}\n")[0]
            .contains("the id")
    );
    assert!(problems("version: 1\ncases: []\n")[0].contains("no cases"));
    assert!(
        problems("version: 1\ncases:\n- {id: x, prompt: y, script_command: t}\n")[0].contains("needs 'repository'")
    );
    assert!(problems("[").len() == 1);
}

const SHARED: &str = "\
version: 1
name: mine
defaults:
  directory: d
  script_command: t
  environment: {python: '3.11', packages: [pytest], exclude_newer: '2023-09-30', variables: {A: b}, install: [npm ci], reads: [p], makes: [n]}
cases:
  - {id: first, prompt: x}
  - {id: second, prompt: x, environment: {variables: {C: d}}}
  - {id: third, prompt: x, environment: {}}
";

#[test]
fn cases_share_an_environment_unless_they_say_otherwise() {
    let cases = cases(SHARED, "/suites", &read).unwrap();
    let [first, second, third] = &cases[..] else { panic!("{cases:?}") };
    let recipe = first.environment.as_ref().unwrap();
    assert!(recipe.script.contains("--exclude-newer '2023-09-30' ") && recipe.script.ends_with(" 'pytest'\nnpm ci\n"));
    assert_eq!(
        (recipe.name.as_str(), &recipe.reads[..], &recipe.makes[..]),
        ("mine", &["p".to_owned()][..], &["n".to_owned()][..])
    );
    assert_eq!(recipe.makes_beside, ["venv"]);
    assert_eq!(first.variables, [("A".to_owned(), "b".to_owned())]);
    assert_eq!((&second.environment, &second.variables[..]), (&None, &[("C".to_owned(), "d".to_owned())][..]));
    assert_eq!((&third.environment, &third.variables[..]), (&None, &[][..]));
    // What tests read decides what they say.
    let other = &super::cases(&SHARED.replace("C: d", "C: e"), "/suites", &read).unwrap()[1];
    assert_ne!(other.digest(), second.digest());
}

#[test]
fn what_is_wrong_with_an_environment_is_said_with_its_place() {
    let of = |from: &str, to: &str| problems(&SHARED.replace(from, to));
    assert_eq!(of("packages:", "package:"), ["6:33: 'environment' has no 'package' (did you mean 'packages'?)"]);
    assert!(of("'2023-09-30'", "created")[0].starts_with("6:68: 'created' is the day of an instance"));
    assert_eq!(of("reads: [p]", "reads: [../p]"), ["6:128: \"../p\" is no path below the tree"]);
    assert_eq!(of("{C: d}", "[C]"), ["9:54: 'variables' has to be a mapping, not a list"]);
    assert_eq!(of("environment: {}", "environment: 3.11"), ["10:41: 'environment' has to be a mapping, not a text"]);
}
