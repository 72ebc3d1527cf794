//! Evaluators that come later find nothing of those that were there before, other than what the suite prepared for all of them.

use super::evaluations::{eval, of};
use super::scene::Scene;

/// A scene that ignores `*.tmp`, with a session that has work.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.env.write("repo/.gitignore", "*.tmp\nmade/\n");
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Ignore"]);
    scene.shell("work", "echo a > a.txt").ok();
    scene
}

#[test]
fn what_an_evaluator_plants_does_not_reach_the_next() {
    let scene = scene();
    let later = scene.env.path("later-pid");
    let hostile = format!(
        "\
set -e
# Of the checkout: tracked, untracked, ignored, in a way that git does not look.
echo planted > lines.txt; echo planted > conftest.py; echo planted > x.tmp; mkdir -p node_modules/.bin; touch node_modules/.bin/eslint
git update-index --assume-unchanged lines.txt; git update-index --skip-worktree a.txt; echo planted > a.txt
# Of git.
git config core.hooksPath \"$PWD/hooks\"; git config alias.st '!false'; mkdir -p .git/info; echo 'a.txt filter=x' > .git/info/attributes; touch .git/hooks-were-here
# Of the user and of builds.
mkdir -p \"$HOME/.config\" \"$CARGO_HOME\"; echo '[alias] x = y' > \"$HOME/.gitconfig\"; echo x > \"$CARGO_HOME/config.toml\"
echo planted > \"$CARGO_TARGET_DIR/planted\"; echo planted > \"$TMPDIR/planted\"
# Of directories that cannot be looked into, and that are somebody else's names.
mkdir closed; touch closed/file; chmod 0 closed
# Somebody who stays, and writes later to where the next one will be.
at=\"$PWD\"
setsid sh -c \"trap '' TERM HUP; while :; do echo planted > '$at/late.txt'; sleep 0.02; done\" >/dev/null 2>&1 &
echo $! > {}
",
        later.display()
    );
    let checks = "\
for path in conftest.py x.tmp node_modules closed late.txt .git/hooks-were-here .git/info/attributes $HOME/.gitconfig $HOME/.config \
$CARGO_HOME/config.toml $CARGO_TARGET_DIR/planted $TMPDIR/planted; do test ! -e $path || { echo found $path; exit 1; }; done
grep -q planted lines.txt a.txt && { echo changed; exit 1; }
test -z \"$(git status --porcelain --ignored)\" || { git status --ignored; exit 1; }
test -z \"$(git config --get core.hooksPath)\" && test -z \"$(git ls-files -v | grep -v '^H')\" || { echo configured; exit 1; }
sleep 0.2; test ! -e late.txt && test \"$(git rev-parse HEAD)\" = \"$DIVISI_COMMIT\"
";
    scene.env.write("hostile.sh", &hostile);
    scene.env.write("checks.sh", checks);
    let (hostile, checks) = (scene.env.path("hostile.sh"), scene.env.path("checks.sh"));
    let suite = format!(
        "version: 1\nevaluators:\n  - {{id: first, kind: script, command: 'sh {0}'}}\n  - {{id: second, kind: script, command: 'sh {1}'}}\n  \
         - {{id: again, kind: script, command: 'sh {0}'}}\n  - {{id: third, kind: script, command: 'sh {1}'}}\n",
        hostile.display(),
        checks.display()
    );
    let (evaluation, code) = eval(&scene, "work", &suite);
    assert_eq!(code, 0, "{evaluation:#}");
    let pid = std::fs::read_to_string(later).unwrap();
    assert!(!std::path::Path::new("/proc").join(pid.trim()).exists(), "nobody stays");
}

#[test]
fn who_is_at_what_the_next_begin_with_is_found_out() {
    let scene = scene();
    let suite = "\
version: 1
evaluators:
  - {id: first, kind: script, command: 'echo planted > ../../kept/checkout/conftest.py; echo planted > ../../kept/home/.gitconfig'}
  - {id: second, kind: script, command: 'true'}
  - {id: third, kind: script, command: 'true'}
  - {id: measured, kind: secrets}
";
    let (evaluation, code) = eval(&scene, "work", suite);
    assert_eq!(code, 4, "{evaluation:#}");
    for id in ["second", "third"] {
        let reason = of(&evaluation, id)["reason"].as_str().unwrap_or_default().to_owned();
        assert!(reason.contains("an earlier evaluator changed what the later ones begin with"), "{evaluation:#}");
    }
    assert_eq!(of(&evaluation, "measured")["outcome"], "passed", "{evaluation:#}");
}

#[test]
fn what_was_prepared_is_there_for_everyone_and_does_not_touch_the_commit() {
    let scene = scene();
    let suite = "\
version: 1
prepare: {command: 'mkdir made; echo good > made/tool; echo built > $CARGO_TARGET_DIR/built; echo worse > lines.txt; rm a.txt; git config a.b c; echo x >> .git/info/exclude; rm -f .git/index'}
evaluators:
  - {id: first, kind: script, command: 'grep -q good made/tool && test -e $CARGO_TARGET_DIR/built && echo bad > made/tool'}
  - {id: second, kind: script, command: 'grep -q good made/tool && test -e $CARGO_TARGET_DIR/built && ! grep -q worse lines.txt && grep -q a a.txt && git status --porcelain'}
  - {id: third, kind: script, command: 'test -z \"$(git status --porcelain)\" && test -z \"$(git config --get a.b)\"'}
";
    let (evaluation, code) = eval(&scene, "work", suite);
    assert_eq!(code, 0, "{evaluation:#}");
    let suite = "\
version: 1
prepare: {command: 'echo nothing here >&2; exit 3'}
evaluators: [{id: first, kind: script, command: 'true'}, {id: measured, kind: secrets}]
";
    let (evaluation, code) = eval(&scene, "work", suite);
    assert_eq!(code, 4, "{evaluation:#}");
    assert_eq!(of(&evaluation, "first")["reason"], "'prepare' ended with 3: nothing here", "{evaluation:#}");
    assert_eq!(of(&evaluation, "measured")["outcome"], "passed");
    let endless = "version: 1\nprepare: {command: 'sleep 60', timeout_sec: 1}\nevaluators: [{id: a, kind: script, command: 'true'}]\n";
    let (evaluation, _) = eval(&scene, "work", endless);
    assert_eq!(of(&evaluation, "a")["reason"], "'prepare' did not end within 1 s", "{evaluation:#}");
}

#[test]
fn coverage_that_an_earlier_evaluator_measured_is_handed_on() {
    let scene = scene();
    let suite = "\
version: 1
evaluators:
  - {id: tests, kind: script, command: \"mkdir -p out; printf 'SF:a.txt\\\\nDA:1,1\\\\nend_of_record\\\\n' > out/cov.info\"}
  - {id: between, kind: script, command: 'test ! -e out'}
  - {id: covered, kind: coverage, report: out/cov.info, changed: 100}
  - {id: nowhere, kind: coverage, report: other.info}
";
    let (evaluation, code) = eval(&scene, "work", suite);
    assert_eq!(code, 4, "{evaluation:#}");
    assert_eq!(of(&evaluation, "between")["outcome"], "passed", "{evaluation:#}");
    assert_eq!(of(&evaluation, "covered")["outcome"], "passed", "{evaluation:#}");
    assert_eq!(of(&evaluation, "nowhere")["outcome"], "errored", "{evaluation:#}");
}
