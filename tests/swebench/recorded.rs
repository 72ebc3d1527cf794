//! The recorded logs and datasets: the folder that is named, or the one that lies beside the checkout. They are no part of this
//! repository.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use divisi::eval::swebench::{Dataset, Format, Instance};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{TestEnv, run};

/// A folder of packed datasets, logs and verdicts; nothing is fetched.
const NAMED: &str = "DIVISI_TEST_SWEBENCH";
/// Where it lies when nothing is named.
const BESIDE: &str = "../shared/data/swebench";

/// The datasets whose instances the logs belong to; what an earlier one has counts.
pub(super) const DATASETS: [&str; 3] = ["SWE-bench_Lite.test", "SWE-bench_Lite.dev", "SWE-bench_Verified.test"];

pub(super) struct Recorded {
    folder: PathBuf,
    env: TestEnv,
}

/// A verdict of the harness.
pub(super) struct Verdict {
    /// `<run>/<instance>`, which is also where the log lies.
    pub(super) place: String,
    pub(super) instance_id: String,
    pub(super) said: Value,
    /// The report as its text in JSON on one line.
    pub(super) report: String,
}

impl Recorded {
    /// Finds them, or says why there are none.
    pub(super) fn open() -> Result<Self, String> {
        let named = std::env::var_os(NAMED).filter(|path| !path.is_empty()).map(PathBuf::from);
        let folder = named.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(BESIDE));
        if !folder.is_dir() {
            assert!(named.is_none(), "{NAMED} names {}, which is no folder", folder.display());
            return Err(format!("there is no {BESIDE}, and {NAMED} names nothing else"));
        }
        let env = TestEnv::new();
        let mut tools = env.command("sh");
        tools.args(["-c", "command -v tar && command -v xz"]);
        if !run(tools).status.success() {
            return Err("tar or xz is missing, and the logs are packed with them".to_owned());
        }
        Ok(Self { folder, env })
    }

    fn unpacked(&self, name: &str) -> String {
        let mut xz = self.env.command("xz");
        xz.arg("-dc").arg(self.folder.join(name));
        run(xz).ok().stdout.clone()
    }

    pub(super) fn dataset(&self, name: &str) -> Dataset {
        let text = self.unpacked(&format!("{name}.jsonl.xz"));
        Dataset::read(text.as_bytes(), Format::JsonLines).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The instances that there are logs of.
    pub(super) fn instances(&self) -> HashMap<String, Instance> {
        let mut all = HashMap::new();
        for instance in DATASETS.iter().flat_map(|name| self.dataset(name).instances) {
            all.entry(instance.instance_id.clone()).or_insert(instance);
        }
        all
    }

    /// All logs, in `<run>/<instance>/test_output.txt`.
    pub(super) fn logs(&self) -> TempDir {
        let into = tempfile::tempdir().expect("a temporary directory");
        let mut tar = self.env.command("tar");
        tar.arg("-xJf").arg(self.folder.join("logs.tar.xz")).arg("-C").arg(into.path());
        run(tar).ok();
        into
    }

    pub(super) fn verdicts(&self, release: &str) -> Vec<Verdict> {
        let text = self.unpacked(&format!("expected.{release}.jsonl.xz"));
        let verdict = |line: &str| {
            let said: Value = serde_json::from_str(line).expect("a verdict");
            let field = |name: &str| said[name].as_str().expect("a string").to_owned();
            let (_, report) = line.split_once("\"report\": ").expect("a report");
            let report = report.strip_suffix('}').expect("the report comes last").to_owned();
            Verdict {
                place: format!("{}/{}", field("run"), field("instance_id")),
                instance_id: field("instance_id"),
                said,
                report,
            }
        };
        text.lines().map(verdict).collect()
    }
}
