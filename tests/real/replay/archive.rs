//! The recorded transcripts: a folder or an archive that is named, or the archive that lies beside the checkout. They are no part of
//! this repository.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{TestEnv, run};

/// A folder of transcripts, or the archive of one; nothing is fetched.
const TRANSCRIPTS: &str = "DIVISI_TEST_TRANSCRIPTS";
/// Where they lie when nothing is named.
const BESIDE: &str = "../shared/data/agent-transcripts.tar.xz";

/// Recorded transcripts, unpacked while this lives.
pub(super) struct Archive {
    pub(super) folder: PathBuf,
    _unpacked: Option<TempDir>,
}

impl Archive {
    /// Finds and unpacks them, or says why there are none.
    pub(super) fn open() -> Result<Self, String> {
        let named = std::env::var_os(TRANSCRIPTS).filter(|path| !path.is_empty()).map(PathBuf::from);
        let path = named.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(BESIDE));
        if path.is_dir() {
            return Ok(Self { folder: path, _unpacked: None });
        }
        if !path.exists() {
            assert!(named.is_none(), "{TRANSCRIPTS} names {}, which is not there", path.display());
            return Err(format!("there is no {BESIDE}, and {TRANSCRIPTS} names nothing else"));
        }
        let unpacked = tempfile::tempdir().expect("a temporary directory");
        unpack(&path, unpacked.path())?;
        let folder = folder_in(unpacked.path());
        Ok(Self { folder, _unpacked: Some(unpacked) })
    }
}

fn unpack(archive: &Path, into: &Path) -> Result<(), String> {
    let env = TestEnv::new();
    let mut xz = env.command("sh");
    xz.args(["-c", "command -v tar && command -v xz"]);
    if !run(xz).status.success() {
        return Err("tar or xz is missing, and the transcripts are packed with them".to_owned());
    }
    let mut tar = env.command("tar");
    tar.arg("-xJf").arg(archive).arg("-C").arg(into);
    run(tar).ok();
    Ok(())
}

/// The folder in which they are: the archive may have one around them.
fn folder_in(unpacked: &Path) -> PathBuf {
    let mut inside = std::fs::read_dir(unpacked).expect("unpacked").flatten().map(|entry| entry.path());
    match (inside.next(), inside.next()) {
        (Some(only), None) if only.is_dir() => only,
        _ => unpacked.to_owned(),
    }
}
