//! `divisi config`, and what a broken configuration does to everything else.

use std::fs;

use crate::support::TestEnv;

const FILE: &str = "home/config/divisi/config.toml";

#[test]
fn values_are_read_and_written_without_a_daemon() {
    let env = TestEnv::new();
    assert_eq!(env.divisi(&["config", "path"]).ok().stdout.trim(), env.path(FILE).to_str().unwrap());
    assert_eq!(env.divisi(&["config", "get", "git.landing"]).ok().stdout, "\"squash\"\n");
    env.write(FILE, "# mine\n[git]\nlfs = true # because\n");
    env.divisi(&["config", "set", "git.landing", "rebase"]).ok();
    assert_eq!(
        fs::read_to_string(env.path(FILE)).unwrap(),
        "# mine\n[git]\nlfs = true # because\nlanding = \"rebase\"\n"
    );
    let all = env.json("", &["config", "list"]);
    let landing = all.as_array().unwrap().iter().find(|setting| setting["key"] == "git.landing").unwrap().clone();
    assert_eq!((landing["value"].as_str().unwrap().trim(), &landing["default"]), ("\"rebase\"", &false.into()));
    assert!(!env.path("run/divisi.sock").exists());
}

#[test]
fn mistakes_name_file_line_key_and_the_next_thing_to_try() {
    let env = TestEnv::new();
    let ran = env.divisi(&["config", "set", "git.landng", "rebase"]);
    assert!(ran.exits(1).stderr.contains("try: did you mean `git.landing`?"), "{ran}");
    env.write(FILE, "[git]\n\nlandng = \"rebase\"\n");
    let ran = env.divisi(&["list"]);
    let place = format!("{}:3: unknown key `git.landng`", env.path(FILE).display());
    assert!(ran.exits(1).stderr.contains(&place), "{ran}");
    assert!(!env.path("run/divisi.sock").exists(), "no daemon runs with a configuration that is wrong");
    // The way out still works.
    env.divisi(&["config", "path"]).ok();
}
