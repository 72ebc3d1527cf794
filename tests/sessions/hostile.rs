//! Hostile repositories run nothing in the daemon, hostile output is inert (promises P12 and P14).

use super::scene::Scene;

/// Plants everything git would run by itself, all of it writing to one file.
fn plant(scene: &Scene, directory: &std::path::Path, canary: &std::path::Path) {
    let evil = scene.env.script("evil.sh", &format!("echo \"$0 $*\" >> '{}'\ncat\n", canary.display()));
    let evil = evil.to_str().unwrap();
    for (key, value) in [
        ("core.fsmonitor", evil),
        ("core.hooksPath", "evil-hooks"),
        ("core.pager", evil),
        ("core.editor", evil),
        ("core.sshCommand", evil),
        ("core.alternateRefsCommand", evil),
        ("diff.external", evil),
        ("diff.evil.command", evil),
        ("diff.evil.textconv", evil),
        ("merge.evil.driver", evil),
        ("filter.evil.clean", evil),
        ("filter.evil.smudge", evil),
        ("filter.evil.required", "true"),
        ("gpg.program", evil),
        ("commit.gpgSign", "true"),
        ("credential.helper", evil),
        ("interactive.diffFilter", evil),
        ("sequence.editor", evil),
    ] {
        scene.env.git(directory, &["config", key, value]);
    }
    let hooks = scene.repo.join(".git/hooks");
    for hook in [
        "pre-commit",
        "prepare-commit-msg",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "post-merge",
        "post-rewrite",
        "pre-rebase",
        "reference-transaction",
        "post-index-change",
        "pre-merge-commit",
        "fsmonitor-watchman",
        "applypatch-msg",
        "pre-applypatch",
        "post-applypatch",
        "pre-auto-gc",
        "sendemail-validate",
    ] {
        for place in [hooks.join(hook), scene.repo.join("evil-hooks").join(hook)] {
            scene.env.script(place, &format!("echo hook {hook} >> '{}'\n", canary.display()));
        }
    }
}

#[test]
fn nothing_planted_runs_before_or_during_a_session() {
    let scene = Scene::new();
    let canary = scene.env.path("canary");
    scene.env.write("repo/.gitattributes", "*.txt diff=evil merge=evil filter=evil\n");
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Attributes"]);
    plant(&scene, &scene.repo, &canary);
    let untouched = |what: &str| {
        assert!(!canary.exists(), "{what} ran {}", std::fs::read_to_string(&canary).unwrap_or_default());
    };
    scene.shell("work", "sed -i 's/line 5/five/' lines.txt; echo new > new.txt").ok();
    untouched("creating, working or committing");
    // The agent plants more, in its own worktree's configuration.
    scene.env.git(
        &scene.repo,
        &[
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
            "config",
            "extensions.worktreeConfig",
            "true",
        ],
    );
    let planted = format!(
        "git config --worktree core.fsmonitor '{0}'; git config --worktree filter.late.clean '{0}'; echo '*.md filter=late' > .gitattributes; echo x >> README.md; rm -f '{1}'",
        scene.env.path("evil.sh").display(),
        canary.display()
    );
    scene.divisi(&["send", "work", "--wait", &planted]).ok();
    // What the agent's own git calls ran is its own affair; from here on everything is divisi.
    drop(std::fs::remove_file(&canary));
    for arguments in [
        &["diff", "work"][..],
        &["diff", "work", "--stat"],
        &["diff", "work", "--turn", "1"],
        &["preflight", "work"],
        &["doctor"],
        &["list"],
    ] {
        scene.divisi(arguments);
        untouched(&arguments.join(" "));
    }
    scene.shell("second", "sed -i 's/line 5/fünf/' lines.txt").ok();
    drop(std::fs::remove_file(&canary));
    scene.divisi(&["land", "work"]).ok();
    untouched("landing");
    scene.divisi(&["land", "second"]).exits(1);
    untouched("a landing with conflicts");
    scene.divisi(&["land", "second", "--abort"]).ok();
    scene.divisi(&["remove", "second", "--discard"]).ok();
    scene.divisi(&["restore", "second"]).ok();
    scene.divisi(&["remove", "second", "--discard"]).ok();
    scene.divisi(&["remove", "work", "--discard"]).ok();
    untouched("removing or restoring");
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let scene = Scene::new();
    let nasty = "printf 'a\\033]52;c;ZXZpbA==\\007b\\033[2Jc\\302\\2331md\\0e\\342\\200\\256f\\n'; printf x > \"$(printf 'na\\033[31mme.txt')\"";
    scene.shell("nasty", nasty).ok();
    scene.scripted("talker", "say \\e]0;title\\e\\\\ \\e[31mred\ntool-call t1 edit \\e[2Jwiped\ntool-done t1");
    scene.wait_for("talker", &["completed"]);
    for arguments in [
        &["log", "nasty"][..],
        &["log", "talker"],
        &["list"],
        &["show", "talker"],
        &["show", "nasty"],
        &["diff", "nasty"],
        &["diff", "nasty", "--stat"],
        &["diff", "nasty", "--name-only"],
        &["preflight", "nasty"],
        &["show", "\u{1b}[31mno-such"],
    ] {
        let ran = scene.divisi(arguments);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        let raw: Vec<char> =
            all.chars().filter(|c| (c.is_control() && !"\n\t".contains(*c)) || *c == '\u{202e}').collect();
        assert!(raw.is_empty(), "{arguments:?} let {raw:?} through: {all:?}");
    }
    scene.discard(&["talker"]);
}
