//! Containers in which instances of SWE-bench are judged.

use serde::{Deserialize, Serialize};

/// Whether they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Containers {
    /// Where an engine works and an instance's image is there; else the instance is judged without.
    #[default]
    Auto,
    /// Not at all.
    Never,
    /// For every instance; an image that is not there is pulled.
    Always,
}

impl Containers {
    /// Their words, for people.
    pub const WORDS: &[(&str, Self)] = &[("auto", Self::Auto), ("never", Self::Never), ("always", Self::Always)];
}

/// Whether tests may use the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TestNetwork {
    /// Not in a container; without one they may.
    #[default]
    Auto,
    /// They may.
    On,
    /// They may not.
    Off,
}

impl TestNetwork {
    /// Their words, for people.
    pub const WORDS: &[(&str, Self)] = &[("auto", Self::Auto), ("on", Self::On), ("off", Self::Off)];

    /// What is asked for; absent: nothing.
    pub fn asked(self) -> Option<bool> {
        (self != Self::Auto).then_some(self == Self::On)
    }
}

/// An image as it was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// What it is called.
    pub name: String,
    /// What it is: its digest, as the engine gives it.
    pub id: String,
}

impl Image {
    /// The beginning of its digest, for people.
    pub fn short(&self) -> &str {
        let digest = self.id.strip_prefix("sha256:").unwrap_or(&self.id);
        digest.get(..12).unwrap_or(digest)
    }
}
