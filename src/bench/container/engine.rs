//! The engine of containers: docker, or podman, which takes the same words. Every call is a program with a list of arguments, bounded in
//! time and output; names from datasets were looked at before (`eval::swebench::is_reference`).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::super::machine::Unrun;
use crate::base::hex;
use crate::base::text::visible_line;
use crate::model::container::Image;
use crate::process::identity;
use crate::process::run::{Finished, Program, RunError, run, run_until};

/// An engine that does not answer by then is not there.
const ANSWER: Duration = Duration::from_secs(20);
/// What is done in an engine without running anything takes no longer.
pub(super) const SHORT: Duration = Duration::from_secs(120);
/// An image that is not there by then does not come.
const PULL: Duration = Duration::from_secs(30 * 60);
/// Output that is read, bytes.
const LIMIT: usize = 16 << 20;
/// The label by which containers of divisi are known.
const LABEL: &str = "divisi.owner";
/// The beginning of their names.
const NAME: &str = "divisi-bench";
/// Whom the client gets its settings from, beside what begins with one of [`OWN`].
const PASSED: [&str; 19] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_AUTH_SOCK",
    "REGISTRY_AUTH_FILE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
];
const OWN: [&str; 3] = ["DOCKER_", "CONTAINER", "PODMAN_"];

/// An engine that answers.
#[derive(Debug)]
pub(super) struct Engine<'a> {
    /// What it is called.
    pub(super) name: &'static str,
    /// Its version.
    pub(super) version: String,
    /// What it runs: `linux/amd64`.
    pub(super) platform: String,
    /// Whether it is podman, under whatever name.
    pub(super) is_podman: bool,
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    owner: String,
    stop: &'a AtomicBool,
}

/// An image that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Which.
    pub(super) image: Image,
    /// What it is for: `linux/amd64`.
    pub(super) platform: String,
}

impl<'a> Engine<'a> {
    /// The first that answers; otherwise why none does, nothing where there is none.
    pub(super) fn find(environment: &[(OsString, OsString)], stop: &'a AtomicBool) -> Result<Self, Vec<String>> {
        let path = environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
        let path = path.unwrap_or_default();
        let is_passed = |name: &OsString| {
            let name = name.to_string_lossy();
            PASSED.contains(&&*name) || OWN.iter().any(|prefix| name.starts_with(prefix))
        };
        let own: Vec<_> = environment.iter().filter(|(name, _)| is_passed(name)).cloned().collect();
        let mut why = Vec::new();
        for name in ["docker", "podman"] {
            let Ok(program) = which::which_in(name, Some(&path), "/") else { continue };
            match Self::ask_one(name, program, own.clone(), stop) {
                Ok(engine) => return Ok(engine),
                Err(reason) if reason.starts_with(name) => why.push(reason),
                Err(reason) => why.push(format!("{name}: {reason}")),
            }
        }
        Err(why)
    }

    fn ask_one(
        name: &'static str,
        program: PathBuf,
        environment: Vec<(OsString, OsString)>,
        stop: &'a AtomicBool,
    ) -> Result<Self, String> {
        let mut engine = Self {
            name,
            version: String::new(),
            platform: String::new(),
            is_podman: false,
            program,
            environment,
            owner: owner()?,
            stop,
        };
        let plain = |unrun| match unrun {
            Unrun::Failed(why) | Unrun::Never(why) => why,
            Unrun::Stopped => "it was stopped".to_owned(),
        };
        // Under docker's name there may be podman.
        let said = engine.ask(&["--version"], ANSWER).map_err(plain)?;
        engine.is_podman = said.to_ascii_lowercase().contains("podman");
        let format = if engine.is_podman {
            "{{.Client.Version}} {{.Client.OsArch}}"
        } else {
            "{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}}"
        };
        let said = engine.ask(&["version", "--format", format], ANSWER).map_err(plain)?;
        let mut words = said.split_whitespace().map(|word| visible_line(word, 60));
        let (Some(version), Some(platform)) = (words.next(), words.next()) else {
            return Err(format!("it does not say its version, but {}", visible_line(&said, 100)));
        };
        (engine.version, engine.platform) = (version, platform);
        Ok(engine)
    }

    /// How it and its version are called.
    pub(super) fn title(&self) -> String {
        let name = if self.is_podman { "podman" } else { self.name };
        format!("{name} {}", self.version)
    }

    /// What images of its platform have in their names.
    pub(super) fn architecture(&self) -> &'static str {
        if self.platform.contains("arm64") || self.platform.contains("aarch64") { "arm64" } else { "x86_64" }
    }

    /// The words of a call, for a job.
    pub(super) fn words(&self, arguments: &[&str]) -> Result<Vec<String>, Unrun> {
        let program = self.program.to_str().map(str::to_owned);
        let program = program.ok_or_else(|| Unrun::Failed("the engine's path is not valid UTF-8".to_owned()))?;
        Ok([program].into_iter().chain(arguments.iter().map(|word| (*word).to_owned())).collect())
    }

    /// The environment of a call, for a job.
    pub(super) fn environment(&self) -> BTreeMap<String, String> {
        let text = |text: &OsString| text.to_str().map(str::to_owned);
        self.environment.iter().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect()
    }

    fn program<'p>(&'p self, arguments: &'p [OsString], deadline: Duration) -> Program<'p> {
        Program {
            program: &self.program,
            arguments,
            directory: Path::new("/"),
            environment: &self.environment,
            input: &[],
            deadline,
            limit: LIMIT,
        }
    }

    /// A call, whatever its exit code; over when the person ends everything.
    pub(super) fn call(&self, arguments: &[&str], deadline: Duration) -> Result<Finished, Unrun> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        run_until(&self.program(&arguments, deadline), self.stop).map_err(|error| match error {
            RunError::Stopped { .. } => Unrun::Stopped,
            other => Unrun::Failed(other.to_string()),
        })
    }

    /// A call that has to succeed: what it prints. Its last words otherwise.
    pub(super) fn ask(&self, arguments: &[&str], deadline: Duration) -> Result<String, Unrun> {
        let finished = self.call(arguments, deadline)?;
        if finished.code == Some(0) && !finished.truncated {
            return Ok(String::from_utf8_lossy(&finished.stdout).trim().to_owned());
        }
        let (verb, said) = (arguments.first().unwrap_or(&""), String::from_utf8_lossy(&finished.stderr));
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it does not say why");
        Err(Unrun::Failed(format!("{} {verb}: {}", self.name, visible_line(&without_ids(last), 300))))
    }

    /// A call that is made even when the person ends everything; false where it does not succeed.
    fn last_call(&self, arguments: &[&str]) -> bool {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        run(&self.program(&arguments, SHORT)).is_ok_and(|finished| finished.code == Some(0))
    }

    /// A name for a new container, and the label that says whose it is.
    pub(super) fn name(&self) -> Result<(String, String), Unrun> {
        let failed = |error: &dyn std::fmt::Display| Unrun::Failed(format!("failed to name a container: {error}"));
        let own = identity::own().map_err(|error| failed(&error))?;
        let random = getrandom::u64().map_err(|error| failed(&error))?;
        Ok((format!("{NAME}-{}-{}-{random:016x}", own.pid, own.start_time), format!("{LABEL}={}", self.owner)))
    }

    /// Removes a container with everything that runs in it, also when the person ends everything. False when it stays.
    pub(super) fn remove(&self, name: &str) -> bool {
        // Killed first: podman would ask politely for ten seconds.
        let _ = self.last_call(&["kill", name]);
        // One that removes itself at its end may be gone already.
        self.last_call(&["rm", "--force", name]) || !self.last_call(&["container", "inspect", name])
    }

    /// Removes the containers of runs on this machine that are not there any more. How many.
    pub(super) fn sweep(&self) -> Result<usize, Unrun> {
        let filter = format!("label={LABEL}={}", self.owner);
        let names = self.ask(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"], SHORT)?;
        let is_left = |name: &&str| owner_of(name).is_some_and(|(pid, start)| !is_alive(pid, start));
        Ok(names.lines().map(str::trim).filter(is_left).filter(|name| self.remove(name)).count())
    }

    /// Of these names those that are of images on this machine, with what those are.
    pub(super) fn images(&self, names: &BTreeSet<String>) -> Result<BTreeMap<String, Found>, Unrun> {
        let format = "{{.Repository}}:{{.Tag}} {{.ID}}";
        let listed = self.ask(&["images", "--no-trunc", "--format", format], SHORT)?;
        let listed: BTreeMap<&str, &str> = listed.lines().filter_map(|line| line.trim().split_once(' ')).collect();
        let mut there: BTreeMap<String, String> = BTreeMap::new();
        for name in names {
            // podman says which registry an image is from.
            let spelled = ["", "docker.io/", "localhost/", "docker.io/library/"].map(|place| format!("{place}{name}"));
            let id = spelled.iter().find_map(|spelled| listed.get(spelled.as_str()));
            // By digest it is in no list.
            if id.is_some() || name.contains('@') {
                there.insert(name.clone(), id.map_or_else(|| name.clone(), |id| (*id).to_owned()));
            }
        }
        let mut found = BTreeMap::new();
        for (name, id) in there {
            found.extend(self.inspect(&name, &id)?.map(|one| (name, one)));
        }
        Ok(found)
    }

    /// What an image is; nothing where it is not there.
    fn inspect(&self, name: &str, what: &str) -> Result<Option<Found>, Unrun> {
        let format = "{{.Id}} {{.Os}}/{{.Architecture}}";
        let finished = self.call(&["image", "inspect", "--format", format, what], SHORT)?;
        if finished.code != Some(0) {
            return Ok(None);
        }
        let said = String::from_utf8_lossy(&finished.stdout).into_owned();
        let Some((id, platform)) = said.trim().split_once(' ') else { return Ok(None) };
        // What is given back to the engine is looked at like what a dataset says.
        let digest = id.strip_prefix("sha256:").unwrap_or(id);
        if digest.is_empty() || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let id = format!("sha256:{digest}");
        Ok(Some(Found { image: Image { name: name.to_owned(), id }, platform: visible_line(platform, 60) }))
    }

    /// Gets an image from its registry.
    pub(super) fn pull(&self, name: &str) -> Result<Found, Unrun> {
        let first = name.split('/').next().unwrap_or_default();
        let has_registry = name.contains('/') && (first.contains(['.', ':']) || first == "localhost");
        let full = if has_registry { name.to_owned() } else { format!("docker.io/{name}") };
        self.ask(&["pull", "--quiet", &full], PULL)?;
        let found = self.inspect(name, &full)?;
        found.ok_or_else(|| Unrun::Failed(format!("{} pull: it is done, and {full} is not there", self.name)))
    }
}

/// Whose containers these are, among those of an engine that several machines or users may share: this boot's, seen from here.
fn owner() -> Result<String, String> {
    let failed = |error: std::io::Error| format!("failed to find out what this machine is: {error}");
    let boot = identity::boot_id().map_err(failed)?;
    let space = std::fs::read_link("/proc/self/ns/pid").map_err(failed)?;
    Ok(hex::encode(&Sha256::digest(format!("{boot} {}", space.display()))[..8]))
}

/// The process that a container's name says it is of, by id and start.
fn owner_of(name: &str) -> Option<(i32, u64)> {
    let mut parts = name.strip_prefix(NAME)?.strip_prefix('-')?.split('-');
    let (pid, start) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().map(|_| (pid, start))
}

fn is_alive(pid: i32, start: u64) -> bool {
    identity::ProcessStat::read(pid).is_some_and(|process| process.start_time == start && !process.is_dead())
}

/// A message without the long ids of containers, which say nothing to people.
fn without_ids(text: &str) -> String {
    let is_id = |word: &&str| {
        let bare = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
        bare.len() == 64 && bare.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    text.split(' ').filter(|word| !is_id(word)).collect::<Vec<_>>().join(" ")
}
