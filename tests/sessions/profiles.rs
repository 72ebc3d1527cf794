//! Profiles and variables on their way to an agent: what it gets, who wins, and that nothing of a credential stays behind.

use std::fs;
use std::path::Path;

use super::scene::Scene;

const CONFIG: &str = "home/config/divisi/config.toml";
const SECRET: &str = "hunter2-4f1c9b";

/// Files under a directory that contain a text, the journals' and the database's included.
fn holding(directory: &Path, text: &str, found: &mut Vec<String>) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files += holding(&path, text, found);
        } else if path.is_file() {
            files += 1;
            let bytes = fs::read(&path).unwrap_or_default();
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    files
}

/// Nothing that divisi keeps, and nothing that it shows, holds the secret.
#[track_caller]
fn nowhere(scene: &Scene, names: &[&str]) {
    for name in names {
        for verb in ["show", "log"] {
            for arguments in [vec![verb, name], vec![verb, name, "--json"]] {
                let ran = scene.divisi(&arguments);
                assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{ran}");
            }
        }
    }
    for arguments in
        [&["config", "profiles"][..], &["config", "list"], &["agents", "--json"], &["doctor"], &["list", "--json"]]
    {
        let ran = scene.divisi(arguments);
        assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{ran}");
    }
    let mut found = Vec::new();
    let files = holding(&scene.env.path("home/state"), SECRET, &mut found)
        + holding(&scene.env.path("run"), SECRET, &mut found)
        + holding(&scene.repo, SECRET, &mut found);
    assert!(files > 5, "the search found nothing to look at");
    assert_eq!(found, Vec::<String>::new());
}

/// Says how long a variable is: that it has arrived, without saying it.
fn length(name: &str) -> String {
    format!("printf '{name} has %s' \"${{#{name}}}\"")
}

#[test]
fn credentials_reach_the_agent_and_nothing_else() {
    let mut scene = Scene::new();
    scene.env.set("WORK_KEY", SECRET);
    let keyring = format!("test \"$*\" = 'lookup service divisi account mine' || exit 1\necho {SECRET}\n");
    scene.env.script("bin/secret-tool", &keyring);
    let path = format!("{}:{}", scene.env.path("bin").display(), std::env::var("PATH").unwrap());
    scene.env.set("PATH", path);
    scene.env.write("vault", format!("{SECRET}\n"));
    scene.env.write(
        CONFIG,
        format!(
            "core.log_level = \"trace\"\n[profiles.work]\nmodel = \"m1\"\n[profiles.work.environment]\nPLAIN = \"plain\"\n\
             [profiles.work.credentials]\nA_KEY = \"env:WORK_KEY\"\nB_KEY = {{ command = [\"cat\", \"{}\"] }}\nC_KEY = \"keyring:mine\"\n",
            scene.env.path("vault").display()
        ),
    );
    let script = format!("{}; {}; {}; echo $PLAIN $WORK_KEY", length("A_KEY"), length("B_KEY"), length("C_KEY"));
    scene.divisi(&["new", "--name", "work", "--agent", "shell", "--profile", "work", "--wait", &script]).ok();
    let all = SECRET.len();
    assert_eq!(scene.spoken("work"), format!("A_KEY has {all}B_KEY has {all}C_KEY has {all}plain\n"));
    let shown = scene.show("work");
    assert_eq!((shown["profile"].as_str(), shown["model"].as_str()), (Some("work"), Some("m1")));
    // By name: the caller's value, also for the next turn of the same daemon.
    let script = length("WORK_KEY");
    scene.divisi(&["new", "--name", "named", "--agent", "shell", "--env", "WORK_KEY", "--wait", &script]).ok();
    scene.divisi(&["send", "named", "--wait", &script]).ok();
    assert_eq!(scene.spoken("named"), format!("WORK_KEY has {all}WORK_KEY has {all}"));
    let profiles = scene.divisi(&["config", "profiles"]);
    assert!(profiles.ok().stdout.contains("A_KEY from env:WORK_KEY"), "{profiles}");
    nowhere(&scene, &["work", "named"]);
    scene.divisi(&["daemon", "stop"]).ok();
    nowhere(&scene, &["work", "named"]);
}

#[test]
fn a_credential_that_is_written_out_is_refused() {
    let scene = Scene::new();
    let given = format!("OPENAI_API_KEY={SECRET}");
    let ran = scene.divisi(&["new", "--agent", "shell", "--env", &given, "true"]);
    assert!(ran.exits(1).stderr.contains("--env OPENAI_API_KEY "), "{ran}");
    assert!(ran.stderr.contains("--profile"), "{ran}");
    assert!(!ran.stderr.contains(SECRET), "{ran}");
    scene
        .divisi(&["new", "--name", "fine", "--agent", "shell", "--env", "BASE_URL=x", "--wait", "echo $BASE_URL"])
        .ok();
    assert_eq!(scene.spoken("fine"), "x\n");
    let ran = scene.divisi(&["new", "--agent", "shell", "--env", "NOT_SET_ANYWHERE", "true"]);
    assert!(ran.exits(1).stderr.contains("NOT_SET_ANYWHERE"), "{ran}");
}

#[test]
fn a_credential_that_is_missing_fails_the_turn_with_the_next_step() {
    let scene = Scene::new();
    scene.env.write(
        CONFIG,
        format!("[profiles.w.credentials]\nA_KEY = {{ command = [\"sh\", \"-c\", \"echo {SECRET}; echo locked >&2; exit 3\"] }}\n"),
    );
    scene.divisi(&["new", "--name", "w", "--agent", "shell", "--profile", "w", "--wait", "true"]).exits(4);
    let reason = scene.show("w")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("the profile 'w' has no A_KEY: sh exited with code 3: locked"), "{reason}");
    let mut found = Vec::new();
    holding(&scene.env.path("home/state"), SECRET, &mut found);
    assert_eq!(found, Vec::<String>::new());
    let ran = scene.divisi(&["new", "--agent", "shell", "--profile", "x", "true"]);
    assert!(ran.exits(1).stderr.contains("there is no profile 'x'"), "{ran}");
}

#[test]
fn what_the_daemon_forgot_is_asked_for_again() {
    let mut scene = Scene::new();
    scene.env.set("MY_TOKEN", SECRET);
    let script = length("MY_TOKEN");
    scene.divisi(&["new", "--name", "s", "--agent", "shell", "--env", "MY_TOKEN", "--wait", &script]).ok();
    scene.env.set("MY_TOKEN", "");
    // A daemon that is started where the variable is not set.
    scene.divisi(&["daemon", "stop"]).ok();
    let mut bare = scene.env.divisi_command(&scene.repo, &["send", "s", "--wait", &script]);
    bare.env_remove("MY_TOKEN");
    let ran = crate::support::run(bare);
    ran.exits(4);
    let reason = scene.show("s")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("MY_TOKEN") && reason.contains("--env MY_TOKEN"), "{reason}");
    scene.env.set("MY_TOKEN", SECRET);
    scene.divisi(&["send", "s", "--env", "MY_TOKEN", "--wait", &script]).ok();
    assert!(scene.spoken("s").ends_with(&format!("MY_TOKEN has {}", SECRET.len())), "{}", scene.spoken("s"));
    nowhere(&scene, &["s"]);
    let ran = scene.divisi(&["send", "s", "--env", "PATH", "true"]);
    assert!(ran.exits(1).stderr.contains("does not take the variable PATH"), "{ran}");
}

#[test]
fn the_environment_of_who_starts_the_session_counts() {
    let mut scene = Scene::new();
    scene.env.set("HTTPS_PROXY", "http://daemon");
    scene.env.set("MINE", "daemon");
    scene.env.write(CONFIG, "[agents]\nenvironment = [\"MINE\"]\n");
    // The daemon has been started with these.
    scene.daemon_pid();
    let say = "echo \"$HTTPS_PROXY|$NODE_EXTRA_CA_CERTS|$MINE|$ELSE\"";
    scene.shell("first", say).ok();
    assert_eq!(scene.spoken("first"), "http://daemon||daemon|\n");
    scene.env.set("HTTPS_PROXY", "http://caller");
    scene.env.set("NODE_EXTRA_CA_CERTS", "/certs");
    scene.env.set("MINE", "caller");
    scene.env.set("ELSE", "caller");
    scene.shell("second", say).ok();
    assert_eq!(scene.spoken("second"), "http://caller|/certs|caller|\n");
    let mut unset =
        scene.env.divisi_command(&scene.repo, &["new", "--name", "third", "--agent", "shell", "--wait", say]);
    unset.env_remove("HTTPS_PROXY");
    crate::support::run(unset).ok();
    assert_eq!(scene.spoken("third"), "|/certs|caller|\n");
}

#[test]
fn amp_in_all_its_environments() {
    let mut scene = Scene::new();
    let say = "echo \"amp: $*|$AMP_URL|$AMP_EXPERIMENTAL_AGENT_MODE|$AMP_TOOLBOX|${#AMP_API_KEY}\" >> \"$OUT\"\n\
               echo '{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"T-1\"}'\n\
               echo '{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"done\",\"session_id\":\"T-1\"}'\n";
    scene.env.script("bin/amp", say);
    let local = scene.env.script("checkout/amp", &say.replace("amp: ", "local: "));
    let path = format!("{}:{}", scene.env.path("bin").display(), std::env::var("PATH").unwrap());
    scene.env.set("PATH", path);
    scene.env.set("AMP_URL", "http://elsewhere");
    scene.env.set("CI_AMP_KEY", SECRET);
    let out = scene.env.path("out");
    scene.env.write(
        CONFIG,
        format!(
            "[agents.profiles]\namp = \"production\"\n\
             [profiles.production]\nagents = [\"amp\"]\nunset = [\"AMP_URL\"]\n\
             [profiles.local]\nagents = [\"amp\"]\nbase_url = \"http://localhost:7002\"\nprogram = \"{}\"\nmode = \"large\"\n\
             arguments = [\"--no-color\"]\n[profiles.local.environment]\nAMP_TOOLBOX = \"/toolbox\"\n\
             [profiles.ci]\n[profiles.ci.credentials]\nAMP_API_KEY = \"env:CI_AMP_KEY\"\n",
            local.display()
        ),
    );
    let given = format!("OUT={}", out.display());
    let run = |name: &str, more: &[&str]| {
        let arguments = [&["new", "--name", name, "--agent", "amp", "--env", &given, "--wait"], more, &["hi"]].concat();
        scene.divisi(&arguments);
        fs::read_to_string(&out).unwrap().lines().last().unwrap().to_owned()
    };
    assert_eq!(run("a", &[]), "amp: --stream-json --execute=hi||||0");
    assert_eq!(
        run("b", &["--profile", "none", "--mode", "smart"]),
        "amp: --mode smart --stream-json --execute=hi|http://elsewhere|smart||0"
    );
    assert_eq!(
        run("c", &["--profile", "local"]),
        "local: --mode large --stream-json --no-color --execute=hi|http://localhost:7002|large|/toolbox|0"
    );
    assert_eq!(
        run("d", &["--profile", "ci"]),
        format!("amp: --stream-json --execute=hi|http://elsewhere|||{}", SECRET.len())
    );
    let ran = scene.divisi(&["new", "--agent", "shell", "--profile", "local", "true"]);
    assert!(ran.exits(1).stderr.contains("is for amp, not for shell"), "{ran}");
    nowhere(&scene, &["d"]);
}
