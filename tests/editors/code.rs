//! A real VS Code with the extension installed, driven through `vscode/driver.js`, whose beginning says what it can be told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::sessions::scene::Scene;
use crate::support::Running;
use crate::support::skip::skip;

/// How long the driver waits for anything, seconds. A cold start on a busy machine takes longest.
const PATIENCE: u64 = 60;
/// The driver answers by then in any case.
const OUTER: Duration = Duration::from_secs(PATIENCE * 2 + 30);

/// The tree of sessions.
pub(crate) const ROW: &str = "[id=\"workbench.view.extension.divisi\"] .monaco-list-row";
/// A notification.
pub(crate) const TOAST: &str = ".notification-toast";
/// Lines of text in editors.
pub(crate) const LINE: &str = ".view-line";
/// A review comment.
pub(crate) const COMMENT: &str = ".review-widget";
/// What quick picks and input boxes are in.
pub(crate) const QUICK: &str = ".quick-input-widget";

/// The window. Pictures are kept beside the installation, in `shots/TEST`.
pub(crate) struct Code {
    driver: Option<Running>,
    shots: PathBuf,
}

impl Code {
    /// The folder of `tests/tools/vscode`, or nothing and a counted reason.
    pub(crate) fn tools(test: &str) -> Option<PathBuf> {
        let tools = std::env::var_os("DIVISI_TEST_VSCODE").filter(|path| !path.is_empty()).map(PathBuf::from);
        if tools.is_none() {
            skip(test, "DIVISI_TEST_VSCODE is not set; run tests/run");
        }
        tools
    }

    /// A window on the scene's repository.
    #[track_caller]
    pub(crate) fn open(scene: &Scene, tools: &Path, test: &str) -> Self {
        Self::open_with(scene, tools, test, json!({}))
    }

    /// The same with settings of the person's own.
    #[track_caller]
    pub(crate) fn open_with(scene: &Scene, tools: &Path, test: &str, more: Value) -> Self {
        let extension = tools.join("divisi.vsix");
        assert!(extension.exists(), "there is no {}: lsp/vscode/package failed, run it", extension.display());
        // The daemon is the environment's: one that the editor starts would live in the editor's folders.
        scene.divisi(&["list"]).ok();
        let shots = tools.join("shots").join(test);
        let mut command = scene.env.command(tools.join("bin/node"));
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/editors/vscode/driver.js")).arg(tools).arg(&shots);
        let mut code = Self { driver: Some(Running::start(command)), shots };
        let mut settings = more;
        settings["divisi.path"] = json!(env!("CARGO_BIN_EXE_divisi"));
        code.tell(json!({ "op": "open", "folder": scene.repo, "vsix": extension, "settings": settings }));
        code
    }

    /// Tells the driver something; its answer.
    #[track_caller]
    fn tell(&mut self, mut request: Value) -> Value {
        request["seconds"] = json!(PATIENCE);
        let answer = self.ask(&request);
        assert_eq!(answer["ok"], json!(true), "{request}\n{answer:#}");
        answer
    }

    fn ask(&mut self, request: &Value) -> Value {
        let driver = self.driver.as_mut().expect("it runs");
        driver.write(&format!("{request}\n"));
        serde_json::from_str(&driver.line(OUTER)).expect("an answer")
    }

    /// Clicks a row, then a thing that is there only while that row has the focus: what comes meanwhile takes it away.
    #[track_caller]
    pub(crate) fn press_in_row(&mut self, row: &str, text: &str, place: &str) {
        let pressed = (0..10).any(|_| {
            self.click(row, text);
            self.ask(&json!({ "op": "click", "in": place, "seconds": 3 }))["ok"] == json!(true)
        });
        assert!(pressed, "{place} is not there when {text:?} was clicked");
    }

    /// Runs what the command palette calls so.
    #[track_caller]
    pub(crate) fn command(&mut self, title: &str) {
        self.tell(json!({ "op": "command", "title": title }));
    }

    /// Takes a row of the quick pick.
    #[track_caller]
    pub(crate) fn pick(&mut self, text: &str) {
        self.tell(json!({ "op": "pick", "text": text }));
    }

    /// Fills in the input box and sends it.
    #[track_caller]
    pub(crate) fn fill(&mut self, text: &str) {
        self.tell(json!({ "op": "fill", "text": text }));
    }

    /// Types, where the cursor is.
    #[track_caller]
    pub(crate) fn keys(&mut self, text: &str) {
        self.tell(json!({ "op": "type", "text": text }));
    }

    /// Clicks what shows the text, within a selector.
    #[track_caller]
    pub(crate) fn click(&mut self, place: &str, text: &str) {
        self.tell(json!({ "op": "click", "in": place, "text": text }));
    }

    /// Clicks a thing without text.
    #[track_caller]
    pub(crate) fn press(&mut self, place: &str) {
        self.tell(json!({ "op": "click", "in": place }));
    }

    /// Waits until it can be seen.
    #[track_caller]
    pub(crate) fn see(&mut self, place: &str, text: &str) {
        self.tell(json!({ "op": "see", "in": place, "text": text }));
    }

    /// A key that writes nothing.
    #[track_caller]
    pub(crate) fn key(&mut self, key: &str) {
        self.tell(json!({ "op": "press", "keys": key }));
    }

    /// Waits until a thing of which the selector says everything can be seen.
    #[track_caller]
    pub(crate) fn see_at(&mut self, place: &str) {
        self.tell(json!({ "op": "see", "in": place }));
    }

    /// Waits until it cannot be seen.
    #[track_caller]
    pub(crate) fn gone(&mut self, place: &str, text: &str) {
        self.tell(json!({ "op": "gone", "in": place, "text": text }));
    }

    /// What is written there.
    #[track_caller]
    pub(crate) fn read(&mut self, place: &str) -> String {
        self.tell(json!({ "op": "read", "in": place }))["text"].as_str().expect("a text").to_owned()
    }

    /// Takes a picture, for people.
    #[track_caller]
    pub(crate) fn shot(&mut self, name: &str) {
        self.tell(json!({ "op": "shot", "name": name }));
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        let Some(driver) = self.driver.take() else { return };
        if std::thread::panicking() {
            eprintln!("pictures of VS Code are in {}", self.shots.display());
        }
        // It ends the editor and the browser when its input ends.
        let ran = driver.wait(OUTER);
        if !std::thread::panicking() {
            ran.ok();
        }
    }
}
