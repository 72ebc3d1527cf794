//! Files and images that go with a prompt.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::path_text;
use crate::model::Refusal;
use crate::model::attachment::Attach;

/// Attachments on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct AttachArgs {
    /// Attach a file as it is now (up to 20 MiB); may be repeated
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Attach an image: PNG, JPEG, GIF or WebP (up to 5 MiB); may be repeated
    #[arg(long, value_name = "FILE")]
    image: Vec<PathBuf>,
}

impl AttachArgs {
    /// What the daemon is to copy, by absolute paths.
    pub(crate) fn attach(&self) -> Result<Vec<Attach>, Refusal> {
        let one = |path: &PathBuf, image: bool| {
            let absolute = std::path::absolute(path)
                .map_err(|error| Refusal::user(format!("cannot attach {}: {error}", path.display())))?;
            Ok(Attach { path: path_text(&absolute)?, image })
        };
        let images = self.image.iter().map(|path| one(path, true));
        images.chain(self.file.iter().map(|path| one(path, false))).collect()
    }
}
