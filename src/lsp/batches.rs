//! Plans, batches and suites: what is read of them, and what commands do with them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::batch_page::counted;
use super::order::Errand;
use super::own::{self, Kind};
use super::server::{Done, Server};
use super::shelf;
use super::verbs::Errands;
use super::view::{Report, View};
use crate::base::text::visible_line;
use crate::base::yaml::Problem;
use crate::model::Refusal;
use crate::model::batch::{BatchDetail, BatchState, BatchView, RunState};
use crate::model::evaluation::Evaluation;
use crate::model::id::BatchId;
use crate::wire::client::Client;
use crate::wire::kept::link::{Current, call};

pub(super) mod narrow;

/// A batch that changes all the time is read this often at most.
const PAUSE: Duration = Duration::from_millis(150);
/// Batches that are read when a connection stands.
const MOST: usize = 50;
/// Evaluations of failed runs that are read at a time.
const JUDGED: usize = 20;

/// What is wrong with a document of divisi's own, by its reader.
#[derive(Debug, Default)]
pub(super) struct Check {
    /// The text that was asked about last.
    asked: Option<String>,
    asking: bool,
    /// What was answered, and about which text; nothing when it could not be told.
    pub(super) told: Option<(String, Vec<Problem>)>,
    /// What is probably not meant so, of the same text.
    pub(super) warned: Vec<Problem>,
}

impl Server {
    /// Which batches there are.
    pub(super) fn read_batches(&self) {
        let (current, done) = (self.current.clone(), self.done.clone());
        tokio::spawn(async move {
            // One of another version may not know batches.
            let Ok(answer) = call(current, "batch/list", json!({})).await else { return };
            let views: Vec<BatchView> = serde_json::from_value(answer).unwrap_or_default();
            // The loop ends only with the process.
            let _ = done.send(Done::Batches(views));
        });
    }

    /// Whether a batch is of a plan that somebody here has open, in a folder or as a document.
    fn is_here(&self, view: &BatchView) -> bool {
        let path = Path::new(&view.path);
        self.client.folders.iter().any(|folder| path.starts_with(folder)) || self.documents.contains_key(path)
    }

    fn is_viewed(&self, id: &BatchId) -> bool {
        self.shelf.views().any(|view| *view == View::Batch(id.clone())) || self.pages.shows_batch(id)
    }

    /// Reads those that go on, and the newest of each plan.
    pub(super) fn choose_batches(&mut self, mut views: Vec<BatchView>) {
        views.sort_by_key(|view| std::cmp::Reverse(view.created_at));
        let mut seen = std::collections::BTreeSet::new();
        let mut wanted = Vec::new();
        for view in &views {
            let first = seen.insert(view.path.clone());
            if self.is_viewed(&view.id) || self.is_here(view) && (first || view.state != BatchState::Ended) {
                wanted.push(view.id.clone());
            }
        }
        self.state.batches.retain(|id, _| wanted.contains(id));
        for id in wanted.iter().take(MOST) {
            self.read_batch(id);
        }
    }

    /// Reads a batch. One at a time: what happens meanwhile is read after.
    pub(super) fn read_batch(&mut self, id: &BatchId) {
        if self.strangers.contains(id) && !self.is_viewed(id) {
            return;
        }
        if let Some(again) = self.reading_batches.get_mut(id) {
            *again = true;
            return;
        }
        self.reading_batches.insert(id.clone(), false);
        self.fetch_batch(id, Duration::ZERO);
    }

    fn fetch_batch(&self, id: &BatchId, pause: Duration) {
        let known: Vec<_> = self.state.judged.keys().cloned().collect();
        let (current, done, id) = (self.current.clone(), self.done.clone(), id.clone());
        tokio::spawn(async move {
            sleep(pause).await;
            let answer = match call(current.clone(), "batch/get", json!({ "batch": id })).await {
                Ok(answer) => serde_json::from_value::<BatchDetail>(answer)
                    .map_err(|error| Refusal::internal(format!("the daemon answered something else: {error}"))),
                Err(refusal) => Err(refusal),
            };
            let answer = match answer {
                Ok(detail) => {
                    let judged = judged(&current, &detail, &known).await;
                    Ok((detail, judged))
                }
                Err(refusal) => Err(refusal),
            };
            // The loop ends only with the process.
            let _ = done.send(Done::Batch(id, Box::new(answer)));
        });
    }

    /// A batch was read, or is gone.
    pub(super) fn batch_read(&mut self, id: &BatchId, answer: Result<(BatchDetail, Vec<Evaluation>), Refusal>) {
        let again = self.reading_batches.remove(id) == Some(true);
        match answer {
            Ok((detail, judged)) => {
                for evaluation in judged {
                    self.state.judged.insert(evaluation.session.clone(), evaluation);
                }
                if self.is_here(&detail.view) || self.is_viewed(id) {
                    let older: Vec<BatchId> = self
                        .state
                        .batches
                        .values()
                        .map(|other| &other.view)
                        .filter(|other| other.path == detail.view.path && other.created_at < detail.view.created_at)
                        .filter(|other| other.state == BatchState::Ended && !self.is_viewed(&other.id))
                        .map(|other| other.id.clone())
                        .collect();
                    for older in older {
                        self.state.batches.remove(&older);
                    }
                    let before = self.state.batches.get(id).map(|before| before.view.state);
                    let ended = detail.view.state == BatchState::Ended;
                    if ended && before.is_some_and(|before| before != BatchState::Ended) {
                        self.tell_of_batch(&detail);
                    }
                    self.state.batches.insert(id.clone(), detail);
                } else {
                    self.strangers.insert(id.clone());
                }
            }
            Err(refusal) => {
                tracing::debug!(batch = %id, message = refusal.message, "no batch to show");
                self.state.batches.remove(id);
            }
        }
        if again {
            self.reading_batches.insert(id.clone(), false);
            self.fetch_batch(id, PAUSE);
        }
        self.batch_grew(id);
        self.has_come(&View::Batch(id.clone()));
    }

    /// A batch has ended: nobody looks at a plan all the time.
    fn tell_of_batch(&self, batch: &BatchDetail) {
        if !self.client.extension && !self.client.quiet {
            let (name, counts) = (visible_line(&batch.view.name, 60), counted(batch.view.counts));
            self.say(&format!("the batch {name} has ended: {counts}"));
        }
    }

    /// Asks the daemon what is wrong with the documents of divisi's own whose readers it has.
    pub(super) fn check_documents(&mut self) {
        let mut asked = Vec::new();
        for (path, text) in &self.documents {
            let around = self.around(path, text);
            let Some((method, params)) = own::kind(&around).and_then(|kind| kind.asks(text, &around)) else { continue };
            let check = self.checks.get(path);
            if check.is_none_or(|check| !check.asking && check.asked.as_ref() != Some(text)) {
                asked.push((path.clone(), text.clone(), method, params));
            }
        }
        for (path, text, method, params) in asked {
            let check = self.checks.entry(path.clone()).or_default();
            check.asking = true;
            check.asked = Some(text.clone());
            let (current, done) = (self.current.clone(), self.done.clone());
            tokio::spawn(async move {
                let answer = call(current, method, params).await;
                // The loop ends only with the process.
                let _ = done.send(Done::Checked { path, text, answer });
            });
        }
        self.checks.retain(|path, _| self.documents.contains_key(path));
    }

    /// The daemon said what is wrong with a text.
    pub(super) fn checked(&mut self, path: &Path, text: String, answer: Result<Value, Refusal>) {
        let Some(check) = self.checks.get_mut(path) else { return };
        check.asking = false;
        check.warned = Vec::new();
        check.told = answer.ok().and_then(|answer| {
            check.warned = serde_json::from_value(answer["warnings"].clone()).unwrap_or_default();
            let problems = if answer.is_array() { answer } else { answer["problems"].clone() };
            Some((text, serde_json::from_value(problems).ok()?))
        });
    }

    /// It was saved: what it names may be there now.
    pub(super) fn saved(&mut self, path: &Path) {
        if let Some(check) = self.checks.get_mut(path) {
            check.asked = None;
            self.dirty = true;
        }
    }

    /// What is wrong with an open document whose reader the daemon has; while that cannot be asked, what its description tells.
    pub(super) fn problems_of<'a>(&'a self, kind: &dyn Kind, path: &Path, text: &'a str) -> (&'a str, Vec<Problem>) {
        match self.checks.get(path).and_then(|check| check.told.as_ref()) {
            Some((text, problems)) if self.state.connected => (text, problems.clone()),
            _ => (text, kind.alone(text)),
        }
    }

    /// What the daemon thinks is probably not meant so in an open document.
    pub(super) fn warnings_of(&self, path: &Path) -> &[Problem] {
        self.checks.get(path).filter(|_| self.state.connected).map(|check| check.warned.as_slice()).unwrap_or_default()
    }

    /// The text of a document: the editor's, else the file's.
    pub(super) fn text_of(&self, path: &Path) -> Result<String, String> {
        match self.documents.get(path) {
            Some(text) => Ok(text.clone()),
            None => fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display())),
        }
    }

    /// Does something with a plan, a batch or a suite.
    pub(super) fn carry(&mut self, errand: Errand) {
        let Errand { what, given } = errand;
        let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let path = given.get("path").and_then(Value::as_str).map(|path| match self.folder() {
            Some(folder) => folder.join(path),
            None => PathBuf::from(path),
        });
        let read = path.as_deref().map(|path| self.text_of(path)).transpose();
        let read = match read {
            Ok(read) => read,
            Err(why) => return self.error(&why),
        };
        match (what, path, read) {
            (Errands::RunPlan, Some(path), Some(plan)) => {
                let plan = match given.get("only") {
                    Some(only) => narrow::plan(&plan, only).unwrap_or(plan),
                    None => plan,
                };
                self.run_plan(&path, &plan, &given);
            }
            (Errands::CheckPlan, Some(path), Some(plan)) => {
                let mut params = json!({ "text": plan, "path": path.to_string_lossy() });
                if let Some(environment) = given.get("environment") {
                    params["environment"] = environment.clone();
                }
                self.show_check(&path, "plan/check", &params);
            }
            (Errands::CheckSuite, Some(path), Some(suite)) => {
                self.show_check(&path, "evaluation/check", &json!({ "text": suite }));
            }
            (Errands::Evaluate, path, suite) => {
                let mut params = json!({ "session": given.get("session") });
                if let Some((path, suite)) = path.zip(suite) {
                    let suite = match given.get("only") {
                        Some(only) => narrow::suite(&suite, only).unwrap_or(suite),
                        None => suite,
                    };
                    params["suite"] = json!({ "text": { "text": suite, "path": path.to_string_lossy() } });
                }
                let name = self.state.sessions.get(&text("session").as_str().into()).map(|view| view.name.clone());
                self.call("evaluation/start", params, format!("evaluating {}", name.unwrap_or_default()), None);
            }
            (Errands::Export, ..) => self.export(&text("batch"), &text("format")),
            (Errands::Dismiss, ..) => drop(self.state.dismissed.insert(BatchId(text("batch")))),
            _ => self.error("a path is needed: that of a plan or a suite"),
        }
        self.dirty = true;
    }

    fn show_check(&mut self, path: &Path, method: &'static str, params: &Value) {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        self.open_view(&View::Report(Report { title: format!("check {name}"), method, params: params.to_string() }));
    }

    fn run_plan(&self, path: &Path, plan: &str, given: &Map<String, Value>) {
        let mut params = json!({ "text": plan, "path": path.to_string_lossy(), "command_id": Client::command_id() });
        if let Some(environment) = given.get("environment") {
            params["environment"] = environment.clone();
        }
        let concurrency = given.get("concurrency").cloned();
        self.wanted.notify_one();
        let (current, done) = (self.current.clone(), self.done.clone());
        tokio::spawn(async move {
            let mut outcome = call(current.clone(), "batch/create", params).await;
            let mut said = String::new();
            if let Ok(receipt) = &outcome {
                let (batch, runs) = (&receipt["outcome"]["batch"], receipt["outcome"]["runs"].as_u64().unwrap_or(0));
                let runs = if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
                said = format!("the batch has begun: {runs} (divisi.batch.open shows them)");
                if let Some(concurrency) = concurrency {
                    let params =
                        json!({ "batch": batch, "concurrency": concurrency, "command_id": Client::command_id() });
                    outcome = call(current, "batch/concurrency", params).await;
                }
            }
            // The loop ends only with the process.
            let _ = done.send(Done::Called { said, outcome, file: None });
        });
    }

    fn export(&self, batch: &str, format: &str) {
        let format = if format.is_empty() { "md" } else { format }.to_owned();
        let (current, done, batch) = (self.current.clone(), self.done.clone(), batch.to_owned());
        self.wanted.notify_one();
        tokio::spawn(async move {
            let answer = call(current, "batch/export", json!({ "batch": batch, "format": format })).await;
            let text = answer.map(|answer| answer["text"].as_str().unwrap_or_default().to_owned());
            // The loop ends only with the process.
            let _ = done.send(Done::Exported { name: format!("report-{batch}.{format}"), text });
        });
    }

    /// A report came.
    pub(super) fn exported(&mut self, name: &str, text: Result<String, Refusal>) {
        let text = match text {
            Ok(text) => text,
            Err(refusal) => return self.error(&super::outgoing::sentence(&refusal)),
        };
        let Some(directory) = self.folder().and_then(shelf::directory) else {
            return self.error("no folder with a git repository is open");
        };
        let path = directory.join(shelf::plain_of(name));
        match self.shelf.write(&path, &text) {
            // A page is for a browser.
            Ok(()) if path.extension().is_some_and(|extension| extension == "html") => {
                self.say(&format!("the report is {}", path.display()));
            }
            Ok(()) => self.show_file(&path, None),
            Err(error) => self.error(&format!("cannot write {}: {error}", path.display())),
        }
    }
}

/// What evaluators said of runs that failed and of whose evaluation nothing is known yet.
async fn judged(current: &Current, detail: &BatchDetail, known: &[crate::model::id::SessionId]) -> Vec<Evaluation> {
    let failed = detail.runs.iter().filter(|run| run.run.state == RunState::Failed);
    let sessions = failed.filter_map(|run| Some(&run.run.attempts.last()?.session));
    let mut found: BTreeMap<_, Evaluation> = BTreeMap::new();
    for session in sessions.filter(|session| !known.contains(session)).take(JUDGED) {
        // The session may be removed already.
        let all = call(current.clone(), "evaluation/list", json!({ "session": session })).await.unwrap_or_default();
        let all: Vec<Evaluation> = serde_json::from_value(all).unwrap_or_default();
        found.extend(all.into_iter().next_back().map(|newest| (session.clone(), newest)));
    }
    found.into_values().collect()
}
