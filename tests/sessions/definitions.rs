//! Agents that a repository defines: used once its file is trusted, named and not used before, and nothing of them runs until then.

use super::scene::Scene;

/// A scene with a program on `PATH` that leaves a mark when it runs.
fn scene() -> Scene {
    let mut scene = Scene::new();
    let mark = scene.env.path("mark");
    scene.env.script("bin/marker", &format!("echo ran >> {}\necho \"marker: $*\"\n", mark.display()));
    let path = format!("{}:{}", scene.env.path("bin").display(), std::env::var("PATH").unwrap());
    scene.env.set("PATH", path);
    scene
}

const FILE: &str = "[agents.marker]\ndescription = \"leaves a mark\"\nprotocol = \"shell\"\ncommand = [\"marker\", \"now\"]\n\
                    version = [\"--version\"]\n";

fn trust(scene: &Scene) {
    let digest = scene.env.json(&scene.repo, &["trust"])["digest"].as_str().unwrap().to_owned();
    scene.divisi(&["trust", "--digest", &digest]).ok();
}

#[test]
fn a_repositorys_agent_runs_nothing_before_it_is_trusted() {
    let scene = scene();
    scene.env.write("repo/.divisi.toml", FILE);
    let listed = scene.env.json(&scene.repo, &["agents"]);
    let view = listed.as_array().unwrap().iter().find(|view| view["name"] == "marker").unwrap().clone();
    assert_eq!((view["installed"].as_bool(), view["path"].as_str()), (Some(false), None));
    assert!(view["ignored"].as_str().unwrap().ends_with("is not trusted: divisi trust"), "{view}");
    assert!(view["source"].as_str().unwrap().ends_with("/.divisi.toml"), "{view}");
    let table = scene.divisi(&["agents"]);
    assert!(table.ok().stderr.contains("marker: not used: "), "{table}");
    let ran = scene.divisi(&["new", "--agent", "marker", "x"]);
    assert!(ran.exits(1).stderr.contains("there is no agent named \"marker\""), "{ran}");
    assert!(ran.stderr.contains("divisi trust"), "{ran}");
    scene.divisi(&["doctor"]);
    assert!(!scene.env.path("mark").exists(), "it ran");
    trust(&scene);
    let listed = scene.env.json(&scene.repo, &["agents"]);
    let view = listed.as_array().unwrap().iter().find(|view| view["name"] == "marker").unwrap().clone();
    assert_eq!((view["installed"].as_bool(), view.get("ignored")), (Some(true), None));
    scene.divisi(&["new", "--name", "m", "--agent", "marker", "--wait", "x"]).ok();
    assert_eq!(scene.spoken("m"), "marker: now x\n");
    // The session keeps what was trusted when it was made.
    scene.env.write("repo/.divisi.toml", FILE.replace("now", "later"));
    scene.divisi(&["daemon", "restart"]).ok();
    scene.divisi(&["send", "m", "--wait", "y"]).ok();
    assert!(scene.spoken("m").ends_with("marker: now y\n"));
    assert!(scene.divisi(&["new", "--agent", "marker", "x"]).exits(1).stderr.contains("divisi trust"));
    // Elsewhere there is no such agent.
    let elsewhere = scene.env.divisi_in("", &["agents", "--json"]).ok().json();
    assert!(!elsewhere.as_array().unwrap().iter().any(|view| view["name"] == "marker"));
}

#[test]
fn a_repository_overrides_parts_of_an_agent_and_its_mistakes_are_named() {
    let scene = scene();
    scene.env.write("repo/.divisi.toml", "[agents.shell]\nenvironment = { EXTRA = \"from the repository\" }\n");
    scene.shell("before", "echo \"$EXTRA.\"").ok();
    assert_eq!(scene.spoken("before"), ".\n");
    let said = scene.divisi(&["log", "before"]).ok().stdout.clone();
    assert!(said.contains("defines the agent shell; that is not used"), "{said}");
    trust(&scene);
    scene.shell("after", "echo \"$EXTRA.\"").ok();
    assert_eq!(scene.spoken("after"), "from the repository.\n");
    scene.env.write("repo/.divisi.toml", "[setup]\ncommands = []\n[agents.shell]\nenviroment = { A = \"b\" }\n");
    let digest = scene.env.json(&scene.repo, &["trust"])["digest"].as_str().unwrap().to_owned();
    let ran = scene.divisi(&["trust", "--digest", &digest]);
    assert!(ran.exits(1).stderr.contains("line 4: unknown key"), "{ran}");
    assert!(ran.stderr.contains("did you mean `agents.shell.environment`?"), "{ran}");
}
