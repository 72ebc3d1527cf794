use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::atomic::AtomicBool;

use super::*;
use crate::bench::tests::plain::Plain;
use crate::eval::case::{Files, Grading, Limits, Source};
use crate::model::attempt::{Asked, BenchRequest, Contestant};
use crate::model::bench_environment::Shelve;
use crate::model::container::Containers;
use crate::model::meter::Allowance;
use crate::model::retries::Retries;

/// Makes what a virtual environment is like: a program that names its interpreter, packages, a link to where it lies.
const SCRIPT: &str = "set -e\necho made >>\"$LOG\"\nmkdir -p \"$CASE_ROOT/venv/bin\" \"$CASE_ROOT/venv/lib/site-packages/thing-1.2.dist-info\" \
                      node_modules/left\n\
                      printf '#!/bin/sh\\ncat \"%s/venv/lib/site-packages/thing.py\"\\n' \"$CASE_ROOT\" >\"$CASE_ROOT/venv/bin/tool\"\n\
                      chmod 755 \"$CASE_ROOT/venv/bin/tool\"\necho good >\"$CASE_ROOT/venv/lib/site-packages/thing.py\"\n\
                      touch -d 2020-01-01 \"$CASE_ROOT/venv/lib/site-packages/thing.py\"\n\
                      ln -s \"$CASE_ROOT/venv/lib\" \"$CASE_ROOT/venv/lib64\"\ncp package.json node_modules/left/\n\
                      echo '{\"packages\": {\"node_modules/left\": {\"version\": \"3.0\"}}}' >node_modules/.package-lock.json\n";

struct Ground {
    temp: tempfile::TempDir,
    recipe: Recipe,
}

impl Ground {
    fn new() -> Self {
        let recipe = Recipe {
            name: "acme/anvil 1".to_owned(),
            script: SCRIPT.to_owned(),
            asks: Some("echo python 3".to_owned()),
            requirements: vec!["requirements.txt".to_owned()],
            reads: vec!["package.json".to_owned()],
            makes: vec!["node_modules".to_owned()],
            makes_beside: vec!["venv".to_owned()],
        };
        Self { temp: tempfile::tempdir().unwrap(), recipe }
    }

    fn case(&self) -> Case {
        Case {
            id: "one".to_owned(),
            group: String::new(),
            source: Source::Files(Files::new()),
            prompt: String::new(),
            follow_ups: Vec::new(),
            environment: Some(self.recipe.clone()),
            setup: None,
            variables: vec![("LOG".to_owned(), self.log().display().to_string())],
            test: String::new(),
            grading: Grading::ExitCode,
            restore: Vec::new(),
            carry: Vec::new(),
            hidden: Files::new(),
            expected_files: Vec::new(),
            reference: None,
            iterations: 1,
            limits: Limits::default(),
        }
    }

    fn log(&self) -> PathBuf {
        self.temp.path().join("log")
    }

    /// How often it was made.
    fn made(&self) -> usize {
        fs::read_to_string(self.log()).unwrap_or_default().lines().count()
    }

    fn kept(&self) -> Vec<crate::model::bench_environment::KeptEnvironment> {
        shelve(&Shelve { cache: self.temp.path().join("cache"), at_most: None }).unwrap().kept
    }

    fn request(&self) -> BenchRequest {
        BenchRequest {
            suite: PathBuf::new(),
            only: Vec::new(),
            size: None,
            seed: 0,
            attempts: 1,
            concurrency: 1,
            directory: self.temp.path().join("run"),
            repositories: None,
            environments: None,
            environment: Vec::new(),
            contestant: Contestant::Null,
            asked: Asked::default(),
            keep: false,
            allowance: Allowance::default(),
            limits: crate::model::suite::Limits::default(),
            cache: self.temp.path().join("cache"),
            retries: Retries::default(),
            containers: Containers::Never,
            images: BTreeMap::new(),
            network: None,
        }
    }

    /// A new run, which has this to do.
    fn run<T>(&self, what: impl FnOnce(&Machine<'_>) -> T) -> T {
        let stop = AtomicBool::new(false);
        let environment: Vec<_> = std::env::vars_os().filter(|(name, _)| name == "PATH").collect();
        what(&Machine::new(&environment, &self.request(), &Plain, &stop).unwrap())
    }

    /// A checkout called so, with a file in its tree.
    fn checkout(&self, name: &str) -> PathBuf {
        let root = self.temp.path().join(name);
        fs::create_dir_all(root.join("files")).unwrap();
        for (file, text) in [("package.json", "{}"), ("requirements.txt", "a\n"), ("secret.txt", "not declared")] {
            fs::write(root.join("files").join(file), text).unwrap();
        }
        root
    }

    fn provide(&self, machine: &Machine<'_>, root: &Path) -> Result<EnvironmentRecord, Unrun> {
        let case = self.case();
        machine.environments.provide(machine, &case, &self.recipe, &root.join("files"), root)
    }

    /// A checkout in a run of its own, with its environment.
    fn one(&self, name: &str) -> (PathBuf, EnvironmentRecord) {
        let root = self.checkout(name);
        let record = self.run(|machine| self.provide(machine, &root)).unwrap();
        (root, record)
    }
}

fn thing(root: &Path) -> PathBuf {
    root.join("venv/lib/site-packages/thing.py")
}

#[test]
fn it_is_made_once_and_every_checkout_has_files_of_its_own() {
    let ground = Ground::new();
    let (first, record) = ground.one("a first");
    assert_eq!(record.packages, ["left@3.0", "thing==1.2"]);
    assert_eq!((record.found.as_str(), record.name.as_str()), ("python 3", "acme/anvil 1"));
    assert_eq!(
        record.reads.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
        ["package.json", "requirements.txt"]
    );
    assert!(!first.join("environment").exists(), "where it was made is left");
    // What a case writes, in place, through a link, or by taking a file away, stays in its own copy.
    fs::write(first.join("venv/lib64/site-packages/thing.py"), "spoiled").unwrap();
    fs::write(first.join("files/node_modules/left/package.json"), "spoiled").unwrap();
    fs::remove_file(first.join("venv/bin/tool")).unwrap();
    let (second, again) = ground.one("b");
    assert_eq!((ground.made(), again.id()), (1, record.id()));
    assert_eq!(fs::read_to_string(thing(&second)).unwrap(), "good\n");
    assert_eq!(fs::read_to_string(second.join("files/node_modules/left/package.json")).unwrap(), "{}");
    assert_ne!(fs::metadata(thing(&first)).unwrap().ino(), fs::metadata(thing(&second)).unwrap().ino());
    assert_eq!(fs::metadata(thing(&second)).unwrap().mtime(), 1_577_836_800, "what was compiled of it holds");
    let tool = second.join("venv/bin/tool");
    assert!(fs::read_to_string(&tool).unwrap().contains(&format!("\"{}/venv/lib", second.display())));
    assert_eq!(fs::metadata(&tool).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(fs::read_link(second.join("venv/lib64")).unwrap(), second.join("venv/lib"));
}

#[test]
fn those_who_need_it_at_once_wait_for_the_one_who_makes_it() {
    let mut ground = Ground::new();
    // Who makes it waits until somebody else has come.
    let (gate, come) = (ground.temp.path().join("gate"), ground.temp.path().join("come"));
    ground.recipe.script =
        format!("touch '{}'; until [ -e '{}' ]; do :; done\n{SCRIPT}", come.display(), gate.display());
    let roots: Vec<PathBuf> = (0..4).map(|number| ground.checkout(&format!("at once {number}"))).collect();
    ground.run(|machine| {
        std::thread::scope(|scope| {
            let all: Vec<_> =
                roots.iter().map(|root| (scope.spawn(|| ground.provide(machine, root).unwrap()), root)).collect();
            let deadline = clock::instant() + Duration::from_secs(20);
            while !come.exists() {
                assert!(clock::instant() < deadline, "nobody began");
                std::thread::yield_now();
            }
            fs::write(&gate, "").unwrap();
            for (one, root) in all {
                one.join().unwrap();
                assert_eq!(fs::read_to_string(thing(root)).unwrap(), "good\n");
            }
        });
    });
    assert_eq!(ground.made(), 1);
}

#[test]
fn a_half_that_a_kill_left_is_no_environment() {
    let ground = Ground::new();
    let (_, record) = ground.one("a");
    let kept = ground.temp.path().join("cache/environments").join(&record.key);
    let half = kept.with_extension("new");
    fs::rename(&kept, &half).unwrap();
    fs::remove_file(half.join("beside/venv/lib/site-packages/thing.py")).unwrap();
    assert!(ground.kept().is_empty());
    let (second, _) = ground.one("b");
    assert_eq!((ground.made(), fs::read_to_string(thing(&second)).unwrap().as_str()), (2, "good\n"));
    assert!(!half.exists());
    assert_eq!(ground.kept().len(), 1);
}

#[test]
fn who_spoils_what_is_kept_is_found_out() {
    let ground = Ground::new();
    let (_, record) = ground.one("a");
    let kept = ground.temp.path().join("cache/environments").join(&record.key);
    for (spoil, times) in [
        (&(|| fs::write(kept.join("beside/venv/lib/site-packages/thing.py"), "evil\n").unwrap()) as &dyn Fn(), 2),
        (&|| fs::write(kept.join("beside/venv/lib/site-packages/more.pth"), "import evil\n").unwrap(), 3),
        (&|| fs::set_permissions(kept.join("beside/venv/bin/tool"), fs::Permissions::from_mode(0o644)).unwrap(), 4),
        (&|| fs::remove_file(kept.join("tree/node_modules/left/package.json")).unwrap(), 5),
        (&|| fs::write(kept.join("beside/venv/bin/again"), [0; 8]).unwrap(), 6),
    ] {
        spoil();
        let (root, _) = ground.one(&format!("after {times}"));
        assert_eq!(ground.made(), times);
        assert_eq!(fs::read_to_string(thing(&root)).unwrap(), "good\n");
        assert!(!root.join("venv/lib/site-packages/more.pth").exists());
        assert!(root.join("files/node_modules/left/package.json").exists());
    }
}

#[test]
fn what_decides_makes_another_one_and_nothing_else_does() {
    let mut ground = Ground::new();
    let (_, record) = ground.one("a");
    let root = ground.checkout("b");
    fs::write(root.join("files/secret.txt"), "something else").unwrap();
    let same = ground.run(|machine| ground.provide(machine, &root)).unwrap();
    assert_eq!((same.key == record.key, ground.made()), (true, 1), "what is not read decides nothing");
    let root = ground.checkout("c");
    fs::write(root.join("files/requirements.txt"), "-r base.txt\n").unwrap();
    fs::write(root.join("files/base.txt"), "b\n").unwrap();
    let named = ground.run(|machine| ground.provide(machine, &root)).unwrap();
    assert_ne!(named.key, record.key);
    assert!(named.reads.iter().any(|(path, _)| path == "base.txt"), "{:?}", named.reads);
    let keys = |ground: &Ground, name: &str| ground.one(name).1.key;
    ground.recipe.script.push_str("true\n");
    let script = keys(&ground, "d");
    ground.recipe.asks = Some("echo python 4".to_owned());
    let found = keys(&ground, "e");
    let mut all = vec![record.key, named.key, script, found];
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4);
    // What is not declared is not there.
    ground.recipe.script = "cat secret.txt\n".to_owned();
    let failed = ground.run(|machine| ground.provide(machine, &ground.checkout("f"))).unwrap_err();
    assert!(matches!(&failed, Unrun::Failed(why) if why.contains("secret.txt")), "{failed:?}");
}

#[test]
fn what_cannot_be_moved_is_made_in_every_checkout() {
    let mut ground = Ground::new();
    ground.recipe.script =
        format!("{SCRIPT}printf 'ELF\\000%s' \"$CASE_ROOT/venv\" >\"$CASE_ROOT/venv/bin/program\"\n");
    for (name, times) in [("a", 2), ("b", 3)] {
        let (root, record) = ground.one(name);
        assert_eq!(ground.made(), times, "once to see it, and once for each");
        let program = fs::read_to_string(root.join("venv/bin/program")).unwrap();
        assert!(program.ends_with(&format!("\0{}/venv", root.display())), "{program:?}");
        assert!(!record.packages.is_empty());
    }
    assert!(ground.kept().is_empty());
}

#[test]
fn one_that_cannot_be_made_is_given_up_for_the_whole_run() {
    let mut ground = Ground::new();
    ground.recipe.script = "echo made >>\"$LOG\"; echo no network; exit 3\n".to_owned();
    ground.run(|machine| {
        let said: Vec<Unrun> =
            (0..5).map(|number| ground.provide(machine, &ground.checkout(&number.to_string())).unwrap_err()).collect();
        let why = "making the environment ended with code 3: no network".to_owned();
        assert_eq!(said[..3], vec![Unrun::Failed(why.clone()); 3]);
        assert_eq!(said[3..], vec![Unrun::Never(format!("{why} (tried 3 times in this run)")); 2]);
    });
    assert_eq!(ground.made(), 3);
    assert!(matches!(ground.run(|machine| ground.provide(machine, &ground.checkout("x"))), Err(Unrun::Failed(_))));
    ground.recipe.asks = Some("echo no such interpreter; exit 1".to_owned());
    let missing = ground.run(|machine| ground.provide(machine, &ground.checkout("y"))).unwrap_err();
    assert_eq!(missing, Unrun::Never("what the environment needs is not here: no such interpreter".to_owned()));
}

#[test]
fn nothing_leads_out_of_a_checkout() {
    let mut ground = Ground::new();
    let outside = ground.temp.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("a"), "").unwrap();
    let root = ground.checkout("a");
    fs::remove_file(root.join("files/package.json")).unwrap();
    std::os::unix::fs::symlink(outside.join("a"), root.join("files/package.json")).unwrap();
    let refused = ground.run(|machine| ground.provide(machine, &root)).unwrap_err();
    assert!(matches!(&refused, Unrun::Never(why) if why.contains("leads out of the tree")), "{refused:?}");
    ground.recipe.script = "mkdir -p sub/made; echo x >sub/made/x".to_owned();
    ground.recipe.makes = vec!["sub/made".to_owned()];
    let root = ground.checkout("b");
    std::os::unix::fs::symlink(&outside, root.join("files/sub")).unwrap();
    let refused = ground.run(|machine| ground.provide(machine, &root)).unwrap_err();
    assert!(matches!(&refused, Unrun::Failed(why) if why.contains("out of the checkout")), "{refused:?}");
    assert!(!outside.join("made").exists());
}

#[test]
fn there_are_no_more_than_there_is_room_for() {
    let mut ground = Ground::new();
    for number in 0..3 {
        ground.recipe.script = format!("{SCRIPT}# {number}\n");
        ground.one(&number.to_string());
    }
    let cache = ground.temp.path().join("cache");
    let kept = ground.kept();
    assert_eq!(kept.len(), 3);
    assert!(kept.iter().all(|kept| kept.record.files == 4 && kept.record.bytes > 0 && kept.used_at > 0), "{kept:?}");
    // The one that was used last stays, and one that is in use.
    let held =
        try_lock(&cache.join("environments").join(format!("{}.lock", kept[2].record.key)), true).unwrap().unwrap();
    let shelved = shelve(&Shelve { cache: cache.clone(), at_most: Some(kept[0].record.bytes * 2) }).unwrap();
    assert_eq!(shelved.removed.len(), 1);
    assert_eq!(shelved.removed[0].record.key, kept[1].record.key);
    drop(held);
    let shelved = shelve(&Shelve { cache: cache.clone(), at_most: Some(0) }).unwrap();
    assert_eq!((shelved.removed.len(), shelved.kept.len()), (2, 0));
    assert_eq!(fs::read_dir(cache.join("environments")).unwrap().count(), 0);
}
