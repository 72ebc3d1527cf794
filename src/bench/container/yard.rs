//! Which instances of a run are judged in a container: decided once, before anything runs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::engine::{Engine, Found};
use super::{Allowed, Container};
use crate::bench::machine::Unrun;
use crate::eval::case::{Case, Grading};
use crate::eval::swebench::image_names;
use crate::model::Refusal;
use crate::model::attempt::BenchRequest;
use crate::model::container::{Containers, Image};
use crate::model::suite::Limits;

/// How long the container lives in which it is tried whether containers can run.
const TRIAL: Duration = Duration::from_secs(60);

/// The containers of a run.
pub(in crate::bench) struct Yard<'a> {
    engine: Option<Engine<'a>>,
    images: BTreeMap<String, Image>,
    network: bool,
    /// What the person should know.
    pub(in crate::bench) notes: Vec<String>,
}

/// What a run that is repeated, or goes on, says of its cases: the image in which each was judged, or that it was judged without.
pub(in crate::bench) type Fixed = BTreeMap<String, Option<Image>>;

/// What is wanted for a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// No container.
    Without,
    /// One, if it can be had.
    IfThere,
    /// One.
    Must,
}

/// What is wanted for a case by what is asked for and what was done before; refused where these contradict.
pub(super) fn wanted(asked: Containers, fixed: Option<&Option<Image>>) -> Result<Wanted, &'static str> {
    match (asked, fixed) {
        (Containers::Never, Some(Some(_))) => Err("in a container, and this one is to use none"),
        (Containers::Always, Some(None)) => Err("without a container, and this one is to use them"),
        (_, Some(Some(_))) | (Containers::Always, None) => Ok(Wanted::Must),
        (_, Some(None)) | (Containers::Never, None) => Ok(Wanted::Without),
        (Containers::Auto, None) => Ok(Wanted::IfThere),
    }
}

impl<'a> Yard<'a> {
    /// Nothing runs in a container.
    pub(in crate::bench) fn empty() -> Self {
        Self { engine: None, images: BTreeMap::new(), network: false, notes: Vec::new() }
    }

    /// Finds out for all cases. Asks no engine where nothing wants one.
    ///
    /// # Errors
    /// When a container has to be used and cannot be, or an image has to be there and is not.
    pub(in crate::bench) fn survey(
        request: &BenchRequest,
        cases: &[Case],
        fixed: &Fixed,
        environment: &[(OsString, OsString)],
        stop: &'a AtomicBool,
    ) -> Result<Self, Refusal> {
        let mut must = BTreeSet::new();
        let mut maybe = BTreeSet::new();
        for case in cases.iter().filter(|case| matches!(case.grading, Grading::Swebench(_))) {
            let wanted = wanted(request.containers, fixed.get(&case.id)).map_err(|how| {
                Refusal::user(format!("{} has {} {how}", request.directory.display(), case.id))
                    .hint("leave --containers out, or give another --out")
            })?;
            match wanted {
                Wanted::Without => {}
                Wanted::IfThere => drop(maybe.insert(case.id.as_str())),
                Wanted::Must => drop(must.insert(case.id.as_str())),
            }
        }
        if request.containers == Containers::Always && must.is_empty() {
            return Err(Refusal::user("there are no instances of SWE-bench in the suite, and only these have images")
                .hint("leave --containers out"));
        }
        let mut yard = Self { network: request.network.unwrap_or(false), ..Self::empty() };
        if must.is_empty() && maybe.is_empty() {
            return Ok(yard);
        }
        match yard.set(cases, &must, &maybe, fixed, (environment, stop)) {
            Ok(()) => Ok(yard),
            Err(Unrun::Stopped) => Err(Refusal::user("stopped before anything ran")),
            Err(Unrun::Failed(why) | Unrun::Never(why)) if must.is_empty() => {
                // Nobody asked for containers: without an engine there is nothing to say, with one that fails there is.
                let notes = (!why.is_empty()).then(|| format!("no containers are used: {why}"));
                Ok(Self { notes: notes.into_iter().collect(), ..Self::empty() })
            }
            Err(Unrun::Failed(why) | Unrun::Never(why)) => {
                let why = if why.is_empty() { "neither docker nor podman is on the PATH".to_owned() } else { why };
                Err(Refusal::environment(format!("failed to use containers: {why}"))
                    .hint("mend that, or judge without containers: --containers never"))
            }
        }
    }

    fn set(
        &mut self,
        cases: &[Case],
        must: &BTreeSet<&str>,
        maybe: &BTreeSet<&str>,
        fixed: &Fixed,
        (environment, stop): (&[(OsString, OsString)], &'a AtomicBool),
    ) -> Result<(), Unrun> {
        let engine = Engine::find(environment, stop).map_err(|why| Unrun::Failed(why.join("; ")))?;
        let left = engine.sweep()?;
        if left > 0 {
            self.notes.push(format!("removed what runs that were killed left: containers: {left}"));
        }
        let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for case in cases {
            if let Grading::Swebench(instance) = &case.grading
                && (must.contains(case.id.as_str()) || maybe.contains(case.id.as_str()))
            {
                let mut all = image_names(instance, engine.architecture());
                if let Some(Some(image)) = fixed.get(&case.id) {
                    all.retain(|name| *name == image.name);
                }
                names.insert(&case.id, all);
            }
        }
        let all: BTreeSet<String> = names.values().flatten().cloned().collect();
        let there = engine.images(&all)?;
        for (id, names) in &names {
            let found = names.iter().find_map(|name| there.get(name)).cloned();
            let found = match found {
                Some(found) => Some(found),
                None if must.contains(id) => {
                    let name = names.first();
                    let name = name.ok_or_else(|| Unrun::Failed(format!("{id} has no image that can be named")))?;
                    Some(engine.pull(name)?)
                }
                None => None,
            };
            let Some(Found { image, platform }) = found else { continue };
            if platform != engine.platform && !must.contains(id) {
                self.notes.push(format!(
                    "{id} is judged without a container: {} is for {platform}, not {}",
                    image.name, engine.platform
                ));
                continue;
            }
            if let Some(Some(was)) = fixed.get(*id)
                && was.id != image.id
            {
                let (was, now) = (was.short(), image.short());
                self.notes.push(format!("the image {} is not as it was: {was}, now {now}", image.name));
            }
            self.images.insert((*id).to_owned(), image);
        }
        if let Some(image) = self.images.values().next() {
            try_one(&engine, image)?;
        }
        let without = names.len() - self.images.len();
        if without > 0 && !self.images.is_empty() {
            self.notes.push(format!(
                "{without} of {} instances are judged without a container: their images are not here (--containers always pulls them)",
                names.len()
            ));
        }
        self.engine = (!self.images.is_empty()).then_some(engine);
        Ok(())
    }

    /// The image in which a case is judged; without one it is judged without a container.
    pub(in crate::bench) fn image(&self, case: &str) -> Option<&Image> {
        self.images.get(case)
    }

    /// The engine and its version, where one is used.
    pub(in crate::bench) fn title(&self) -> Option<String> {
        self.engine.as_ref().map(Engine::title)
    }

    pub(super) fn engine(&self) -> Option<&Engine<'a>> {
        self.engine.as_ref()
    }

    /// Whether tests in containers may use the network.
    pub(super) fn network(&self) -> bool {
        self.network
    }
}

/// Whether a container can run here at all: an engine that answers may be one that may not run anything.
fn try_one(engine: &Engine<'_>, image: &Image) -> Result<(), Unrun> {
    let limits = Limits { processes: 100, ..Limits::default() };
    let container = Container::start(engine, image, &Allowed { limits, network: false, life: TRIAL })?;
    let (runs, said) = container.words(&["true"])?;
    if runs {
        return Ok(());
    }
    let said = crate::base::text::visible_line(said.trim(), 200);
    Err(Unrun::Failed(format!("{} runs nothing in {}: {said}", engine.title(), image.name)))
}
