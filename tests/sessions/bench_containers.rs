//! Instances of SWE-bench judged in containers, with an engine that plays a part: it keeps the books of images and containers, and runs
//! what is to run in a container in a directory. What a real engine does is in `bench_podman`.

use std::fs;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::batches::plan;
use super::scene::{DEADLINE, Scene, is_alive};
use crate::support::{Ran, wait_until};

/// The image of the instance, as the harness publishes it.
pub(super) const IMAGE: &str = "swebench/sweb.eval.x86_64.acme_1776_anvil-1:latest";

/// Plays docker. What is in `before-VERB` is done first.
const ENGINE: &str = r#"
state=STATE
printf '%s\n' "$*" >>"$state/calls"
env >"$state/environment"
if [ -f "$state/before-$1" ]; then . "$state/before-$1"; fi
case $1 in
--version) echo 'Docker version 99.1, build 0' ;;
version) echo '99.1 linux/amd64' ;;
ps) ls "$state/containers" ;;
images) cat "$state/images" ;;
image)
    for what; do :; done
    line=$(grep -F -- "${what#docker.io/}" "$state/images") || exit 1
    echo "${line#* } linux/amd64" ;;
pull)
    for what; do :; done
    echo "${what#docker.io/} sha256:bb" >>"$state/images" ;;
create)
    while [ "$1" != --name ]; do shift; done
    mkdir "$state/containers/$2" && cp -r "$state/tree" "$state/containers/$2/testbed" ;;
start) [ -d "$state/containers/$2" ] ;;
cp)
    place=$state/containers/${3%%:*}
    sed "s#/testbed#$place/testbed#g" <"$2" >"$place/${3##*/}" ;;
exec)
    shift
    if [ "$1" = --workdir ]; then shift 2; fi
    place=$state/containers/$1
    shift
    cd "$place/testbed" || exit 1
    for word; do
        shift
        case $word in /eval.sh | /tmp/patch.diff) word=$place/${word##*/} ;; esac
        set -- "$@" "$word"
    done
    exec "$@" ;;
kill) [ -d "$state/containers/$2" ] ;;
rm) rm -rf "$state/containers/$3" ;;
container)
    for what; do :; done
    [ -d "$state/containers/$what" ] && echo true false ;;
*) echo "unknown verb $1" >&2; exit 1 ;;
esac
"#;

/// A dataset with one instance, the clone that it is about, and an engine.
pub(super) struct Yard {
    pub(super) scene: Scene,
    pub(super) dataset: String,
    clones: String,
    instance: Value,
}

impl Yard {
    /// With docker's part played, and the instance's image there.
    fn new() -> Self {
        let yard = Self::without_engine();
        let state = yard.state();
        fs::create_dir_all(state.join("containers")).unwrap();
        fs::write(state.join("images"), format!("other:latest sha256:cc\n{IMAGE} sha256:aa\n")).unwrap();
        // The tree of an image: the instance's, prepared.
        yard.tree(&state.join("tree"));
        fs::write(state.join("tree/.git/prepared"), "").unwrap();
        yard.scene.env.script("tools/docker", &ENGINE.replace("STATE", &state.display().to_string()));
        yard
    }

    /// With the engines of this machine.
    pub(super) fn for_real() -> Self {
        let mut yard = Self::without_engine();
        yard.scene.env.set("PATH", std::env::var("PATH").expect("PATH is set"));
        yard.instance["image"] = "".into();
        // Other tests, which know of no engine, have to find no image of theirs on this machine.
        yard.instance["instance_id"] = "acme__podman-1".into();
        yard.tests("");
        yard
    }

    /// The tree of an image: the instance's.
    pub(super) fn tree(&self, place: &std::path::Path) {
        self.scene.env.git("clones", &["clone", "--quiet", "acme__anvil", place.to_str().unwrap()]);
        let base = self.instance["base_commit"].as_str().unwrap();
        self.scene.env.git(place, &["reset", "--quiet", "--hard", base]);
    }

    /// With no engine at all.
    pub(super) fn without_engine() -> Self {
        let mut scene = Scene::new();
        let search = std::env::var("PATH").expect("PATH is set");
        // Engines of this machine are not asked.
        let tools = scene.env.path("tools");
        let kept: Vec<&str> = search
            .split(':')
            .filter(|place| !["docker", "podman"].iter().any(|name| PathBuf::from(place).join(name).exists()))
            .collect();
        let others = scene.env.path("others");
        fs::create_dir_all(&others).unwrap();
        for place in search.split(':').filter(|place| !kept.contains(place)) {
            for entry in fs::read_dir(place).into_iter().flatten().flatten() {
                let name = entry.file_name();
                if name != "docker" && name != "podman" && !others.join(&name).exists() {
                    let _ = std::os::unix::fs::symlink(entry.path(), others.join(&name));
                }
            }
        }
        let path = [&[tools.to_str().unwrap()], &kept[..], &[others.to_str().unwrap()]].concat().join(":");
        scene.env.set("PATH", path);
        scene.env.write("clones/acme__anvil/answer", "41\n");
        scene.env.write("clones/acme__anvil/tests/check.sh", "true\n");
        let git = |arguments: &[&str]| scene.env.git("clones/acme__anvil", arguments);
        git(&["init", "--quiet", "--initial-branch=main"]);
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message", "The bug"]);
        let base = git(&["rev-parse", "HEAD"]);
        let check = "if [ \"$(cat answer)\" = 42 ]; then echo PASSED x::answer; else echo FAILED x::answer; fi\n\
                     echo PASSED x::there\n[ \"$(cat answer)\" = 42 ]\n";
        scene.env.write("clones/acme__anvil/tests/check.sh", check);
        let test_patch = git(&["diff", "--", "tests"]) + "\n";
        git(&["checkout", "--quiet", "--", "."]);
        scene.env.write("clones/acme__anvil/answer", "42\n");
        let fix = git(&["diff"]) + "\n";
        git(&["commit", "--quiet", "--all", "--message", "The fix"]);
        let marker = "EOF_114329324912";
        let script = format!(
            "#!/bin/bash\nset -uxo pipefail\nsource /opt/miniconda3/bin/activate\nconda activate testbed\ncd /testbed\n\
             git checkout {base} tests/check.sh\ngit apply -v - <<'{marker}'\n{test_patch}\n{marker}\n\
             : '>>>>> Start Test Output'\nBEFORE sh tests/check.sh\n: '>>>>> End Test Output'\n"
        );
        let instance = json!({
            "repo": "acme/anvil", "instance_id": "acme__anvil-1", "base_commit": base, "patch": fix, "test_patch": test_patch,
            "problem_statement": "The answer is wrong.", "version": "1.0", "image": IMAGE,
            "FAIL_TO_PASS": ["x::answer"], "PASS_TO_PASS": ["x::there"],
            "eval_script": script, "log_parser": "parse_log_pytest", "eval_type": "pass_and_fail",
        });
        let dataset = scene.env.path("dataset.jsonl").display().to_string();
        let clones = scene.env.path("clones").display().to_string();
        let mut yard = Self { scene, dataset, clones, instance };
        yard.tests("");
        yard
    }

    /// Has the tests do something before they begin.
    pub(super) fn tests(&mut self, before: &str) {
        let mut instance = self.instance.clone();
        let script = instance["eval_script"].as_str().unwrap().replace("BEFORE", before);
        instance["eval_script"] = script.into();
        fs::write(&self.dataset, format!("{instance}\n")).unwrap();
    }

    fn state(&self) -> PathBuf {
        self.scene.env.path("engine")
    }

    /// Has the engine do something before what a verb asks of it.
    fn before(&self, verb: &str, script: &str) {
        fs::write(self.state().join(format!("before-{verb}")), script).unwrap();
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.state().join("calls")).unwrap_or_default()
    }

    fn containers(&self) -> Vec<String> {
        let entries = fs::read_dir(self.state().join("containers")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// `divisi bench`, with the clones.
    pub(super) fn bench(&self, verb: &str, arguments: &[&str]) -> Ran {
        let common = ["bench", verb, &self.dataset, "--repos", &self.clones];
        self.scene.divisi(&[&common, arguments].concat())
    }

    fn record(&self, run: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.scene.env.path(run).join("run.json")).unwrap()).unwrap()
    }

    fn out(&self, run: &str) -> String {
        self.scene.env.path(run).display().to_string()
    }
}

#[test]
fn an_instance_is_judged_in_a_container_of_its_image_and_nothing_stays() {
    let mut yard = Yard::new();
    yard.scene.env.set("DEPLOY_TOKEN", "hunter2");
    // It says where it is: the tree of the image is prepared.
    yard.tests("[ -e .git/prepared ] &&");
    let ran = yard.bench("validate", &[]);
    assert!(ran.ok().stdout.contains("1 of 1 cases are valid here"), "{ran}");
    let ran = yard.bench("run", &["--agent", "gold", "--out", &yard.out("gold"), "--containers", "always"]);
    assert!(ran.ok().stdout.contains("in a container"), "{ran}");
    assert!(ran.stdout.contains("judged in containers: 1 of 1"), "{ran}");
    assert_eq!(yard.containers(), Vec::<String>::new());
    let calls = yard.calls();
    let created: Vec<&str> = calls.lines().filter(|call| call.starts_with("create ")).collect();
    // A trial and a judgement of nothing and of the reference, then a trial and the reference.
    assert_eq!(created.len(), 5, "{calls}");
    for call in created {
        assert!(
            call.contains("--network none") && call.contains("--pids-limit") && call.contains(" sha256:aa "),
            "{call}"
        );
    }
    let environment = fs::read_to_string(yard.state().join("environment")).unwrap();
    assert!(!environment.contains("hunter2"), "a secret reached the engine: {environment}");
    let record = yard.record("gold");
    assert_eq!(record["cases"][0]["image"], json!({"name": IMAGE, "id": "sha256:aa"}), "{record}");
    assert_eq!(record["setup"]["engine"], "docker 99.1");
    // References need no clone there.
    yard.scene.divisi(&["bench", "validate", &yard.dataset, "--containers", "always"]).ok();
    let ran = yard.bench("run", &["--agent", "null", "--containers", "never"]);
    ran.exits(4);
    assert!(!ran.stdout.contains("in a container"), "{ran}");
    yard.bench("run", &["--agent", "gold", "--network", "on"]).ok();
    let last = yard.calls().lines().rfind(|call| call.starts_with("create ")).unwrap().to_owned();
    assert!(!last.contains("--network"), "{last}");
}

#[test]
fn a_plan_judges_in_containers_where_it_or_the_configuration_does_not_say_otherwise() {
    let mut yard = Yard::new();
    yard.instance["problem_statement"] = "echo 42 > answer".into();
    // Passes in the tree of the image alone.
    yard.tests("[ -e .git/prepared ] &&");
    let run = |name: &str, more: &str| {
        let text = format!(
            "version: 3\nmetadata: {{name: {name}}}\nagents: [{{id: a, agent: shell}}]\n\
             tasks: [{{id: t, type: evaluation, dataset: dataset, cases_dir: ., repos_dir: clones{more}}}]\n"
        );
        yard.scene.divisi(&["batch", "run", &plan(&yard.scene, &text)])
    };
    run("in", "").ok();
    let judged = yard.calls();
    assert!(judged.lines().any(|call| call.starts_with("create ") && call.contains("--network none")), "{judged}");
    assert_eq!(yard.containers(), Vec::<String>::new());
    run("out", ", containers: never").exits(4);
    yard.scene.divisi(&["config", "set", "bench.containers", "never"]).ok();
    yard.scene.divisi(&["daemon", "restart"]).ok();
    run("as-configured", "").exits(4);
    assert_eq!(yard.calls(), judged, "no engine was asked");
    run("all-the-same", ", containers: always, network: true").ok();
    let last = yard.calls().lines().rfind(|call| call.starts_with("create ")).unwrap().to_owned();
    assert!(!last.contains("--network"), "{last}");
}

#[test]
fn an_engine_that_does_not_work_is_needed_only_where_it_was_asked_for() {
    let yard = Yard::new();
    let refused = |why: &str| {
        let ran = yard.bench("run", &["--agent", "gold", "--containers", "always"]);
        assert!(ran.stderr.contains(why) && ran.stderr.contains("--containers never"), "{ran}");
        assert_eq!(ran.code(), 1, "{ran}");
        let ran = yard.bench("run", &["--agent", "gold"]);
        assert!(ran.ok().stderr.contains("no containers are used") && ran.stderr.contains(why), "{ran}");
        assert!(!ran.stdout.contains("in a container"), "{ran}");
        assert_eq!(yard.containers(), Vec::<String>::new());
    };
    yard.before("version", "echo 'Cannot connect to the Docker daemon' >&2; exit 1\n");
    refused("Cannot connect to the Docker daemon");
    yard.before("version", "echo rubbish; exit 0\n");
    refused("it does not say its version");
    yard.before("version", "kill -9 $$\n");
    refused("docker version");
    fs::remove_file(yard.state().join("before-version")).unwrap();
    // It answers, and runs nothing.
    yard.before("start", "echo 'OCI runtime error: \x1b[31mno cgroups' >&2; exit 126\n");
    refused("OCI runtime error");
    fs::remove_file(yard.state().join("before-start")).unwrap();
    yard.before("exec", "echo 'exec: no shell in there'; exit 127\n");
    refused("no shell in there");
}

#[test]
fn without_an_engine_nothing_is_said_of_it() {
    let yard = Yard::without_engine();
    let ran = yard.bench("run", &["--agent", "gold"]);
    assert!(!ran.ok().stderr.contains("container"), "{ran}");
    let ran = yard.bench("run", &["--agent", "gold", "--containers", "always"]);
    assert!(ran.stderr.contains("neither docker nor podman"), "{ran}");
}

#[test]
fn an_image_that_is_not_there_is_pulled_only_when_containers_are_asked_for() {
    let yard = Yard::new();
    fs::write(yard.state().join("images"), "other:latest sha256:cc\n").unwrap();
    let ran = yard.bench("run", &["--agent", "gold"]);
    assert!(!ran.ok().stdout.contains("in a container"), "{ran}");
    assert!(!yard.calls().contains("pull "), "{}", yard.calls());
    yard.before("pull", "echo 'manifest unknown' >&2; exit 1\n");
    let ran = yard.bench("run", &["--agent", "gold", "--containers", "always"]);
    assert!(ran.stderr.contains("manifest unknown"), "{ran}");
    fs::remove_file(yard.state().join("before-pull")).unwrap();
    let ran = yard.bench("run", &["--agent", "gold", "--containers", "always"]);
    assert!(ran.ok().stdout.contains("in a container"), "{ran}");
    assert!(yard.calls().contains(&format!("pull --quiet docker.io/{IMAGE}")), "{}", yard.calls());
}

#[test]
fn a_container_that_ends_before_its_tests_says_nothing_about_the_patch() {
    let mut yard = Yard::new();
    yard.tests("rm -rf ../../*; exit 137;");
    let ran = yard.bench("run", &["--agent", "gold", "--json"]);
    let result: Value = serde_json::from_str(ran.exits(4).stdout.lines().next().unwrap()).unwrap();
    assert_eq!(result["outcome"], "infrastructure", "{ran}");
    assert!(result["why"].as_str().unwrap().contains("the container ended before its tests did"), "{ran}");
}

#[test]
fn a_dataset_gives_the_engine_no_options() {
    let mut yard = Yard::new();
    yard.instance["image"] = "--privileged".into();
    yard.instance["instance_id"] = "acme__anvil-1 --volume=/:/host".into();
    yard.tests("");
    let ran = yard.bench("run", &["--agent", "gold", "--containers", "always"]);
    assert!(ran.stderr.contains("no image that can be named"), "{ran}");
    let calls = yard.calls();
    assert!(!calls.contains("privileged") && !calls.contains("volume"), "{calls}");
}

#[test]
fn ctrl_c_removes_the_container_and_kill_9_leaves_it_to_the_next_run() {
    let mut yard = Yard::new();
    let ready = yard.scene.env.path("ready");
    yard.tests(&format!("echo $$ >{0}.new; mv {0}.new {0}; sleep 600;", ready.display()));
    let begin = |yard: &Yard| {
        let run = ["bench", "run", &yard.dataset, "--repos", &yard.clones, "--agent", "gold"];
        let running = yard.scene.env.spawn_divisi(&yard.scene.repo, &run);
        wait_until(DEADLINE, "the tests run", || ready.exists());
        assert_eq!(yard.containers().len(), 1);
        let tests: i32 = fs::read_to_string(&ready).unwrap().trim().parse().unwrap();
        fs::remove_file(&ready).unwrap();
        (running, tests)
    };
    let kill = |pid: u32, signal| kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
    let (running, _) = begin(&yard);
    kill(running.pid(), Signal::INT);
    assert_eq!(running.wait(DEADLINE).code(), 130);
    assert_eq!(yard.containers(), Vec::<String>::new(), "{}", yard.calls());

    let (running, tests) = begin(&yard);
    kill(running.pid(), Signal::KILL);
    let _ = running.wait(DEADLINE);
    // Killed before it had come to its shim, that waits for it for a while.
    wait_until(DEADLINE, "the engine's client has ended", || !is_alive(tests));
    let left = yard.containers();
    assert_eq!(left.len(), 1);
    // Another run's, which is at work.
    let own = fs::read_to_string("/proc/self/stat").unwrap();
    let started = own.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().to_owned();
    let other = format!("divisi-bench-{}-{started}-0000000000000000", std::process::id());
    fs::create_dir(yard.state().join("containers").join(&other)).unwrap();
    fs::create_dir(yard.state().join("containers/postgres")).unwrap();
    yard.tests("");
    let ran = yard.bench("run", &["--agent", "gold"]);
    assert!(ran.ok().stderr.contains("left: containers: 1"), "{ran}");
    let mut stay = yard.containers();
    stay.sort();
    assert_eq!(stay, [other, "postgres".to_owned()], "only what a dead run left is removed");
}

#[test]
fn a_run_is_repeated_in_what_it_was_judged_in() {
    let yard = Yard::new();
    yard.bench("run", &["--agent", "gold", "--out", &yard.out("with")]).ok();
    yard.bench("run", &["--agent", "gold", "--out", &yard.out("without"), "--containers", "never"]).ok();
    let again =
        |run: &str| yard.scene.divisi(&["bench", "rerun", &yard.out(run), "--out", &yard.out(&format!("{run}-again"))]);
    assert!(again("with").ok().stdout.contains("in a container"));
    assert!(!again("without").ok().stdout.contains("in a container"));
    // It goes on as it began, too.
    let ran = yard.bench("run", &["--agent", "gold", "--out", &yard.out("with"), "--containers", "never"]);
    assert!(ran.stderr.contains("in a container, and this one is to use none"), "{ran}");
    fs::write(yard.state().join("images"), format!("{IMAGE} sha256:dd\n")).unwrap();
    fs::remove_dir_all(yard.out("with-again")).unwrap();
    let ran = again("with");
    assert!(ran.ok().stderr.contains("is not as it was: aa, now dd"), "{ran}");
    fs::remove_dir_all(yard.out("with-again")).unwrap();
    yard.before("version", "echo 'Cannot connect to the Docker daemon' >&2; exit 1\n");
    let ran = again("with");
    assert!(ran.stderr.contains("failed to use containers"), "{ran}");
}

#[test]
fn tests_without_a_container_use_no_network_where_that_is_asked_for() {
    let mut yard = Yard::without_engine();
    yard.scene.env.script("tools/unshare", "echo 'unshare failed: Operation not permitted' >&2\nexit 1\n");
    let ran = yard.bench("run", &["--agent", "gold", "--network", "off", "--json"]);
    let result: Value = serde_json::from_str(ran.exits(4).stdout.lines().next().unwrap()).unwrap();
    assert_eq!(result["outcome"], "infrastructure", "{ran}");
    assert!(result["why"].as_str().unwrap().contains("the network cannot be turned off"), "{ran}");
    fs::remove_file(yard.scene.env.path("tools/unshare")).unwrap();
    let mut command = yard.scene.env.command("sh");
    command.args(["-c", "unshare --user --map-root-user --net true || unshare --net true"]);
    if !crate::support::run(command).status.success() {
        return crate::support::skip::skip("sessions::bench_containers", "this system allows no network namespace");
    }
    yard.tests("[ \"$(grep -c : /proc/net/dev)\" = 1 ] &&");
    yard.bench("run", &["--agent", "gold", "--network", "off"]).ok();
}
