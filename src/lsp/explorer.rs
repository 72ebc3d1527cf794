//! Plans and suites as tests: for clients that show a list of them, with what came of each (VS Code's Test Explorer). A protocol of
//! divisi's own, described in `doc/LSP.md`; sent only to clients that asked for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lsp_server::{ErrorCode, RequestId};
use serde_json::{Value, json};

use super::documents::WATCH;
use super::own::yaml;
use super::plans::Sketch;
use super::server::{Asked, Done, Server};
use super::text;
use super::uri;
use crate::base::text::visible_line;
use crate::model::Refusal;
use crate::model::evaluation::EvaluationState;
use crate::wire::client::Client;
use crate::wire::kept::link::call;

pub mod look;
pub mod results;

use results::{Ran, leaf};

/// A plan or a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// `plan` or `suite`.
    pub kind: &'static str,
    /// What it says.
    pub text: String,
}

/// All of them, by path.
pub type Papers = BTreeMap<PathBuf, Paper>;

/// What the client was told.
#[derive(Debug, Default)]
pub(super) struct Explorer {
    /// Somebody asked for tests: results are told from then on.
    asked: bool,
    papers: Papers,
    /// Files that may have other items than were answered.
    changed: BTreeSet<PathBuf>,
    /// Whether they are being looked for, and whether that is to be done once more.
    looking: Option<bool>,
    /// Items as they were answered last, by file.
    items: BTreeMap<PathBuf, Value>,
    /// Runs as they were told, by batch or evaluation.
    told: BTreeMap<String, Told>,
    /// Evaluations that this server started with a part of a suite, and of which file.
    parts: BTreeMap<String, PathBuf>,
}

#[derive(Debug, Default)]
struct Told {
    /// How often it began: a batch that has ended can be run again.
    number: u32,
    ended: bool,
    leaves: BTreeMap<String, Value>,
}

/// The item of a file.
fn root(kind: &str, path: &Path) -> String {
    format!("{kind}:{}", uri::from_path(path))
}

/// The items of a file, as `divisi/tests` answers them.
fn item(path: &Path, paper: &Paper, encoding: super::capability::Encoding) -> Value {
    let sketch = Sketch::of(&paper.text);
    let (id, uri) = (root(paper.kind, path), uri::from_path(path));
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let label = sketch.name.clone().unwrap_or_else(|| visible_line(&name, 80));
    let at = |span: &std::ops::Range<usize>| json!(text::range(&paper.text, span, encoding));
    let mut found = json!({
        "id": id, "kind": paper.kind, "label": label, "description": visible_line(&name, 80), "uri": uri,
        "range": at(&(0..0)),
    });
    let kind = if paper.kind == "plan" { &yaml::PLAN } else { &yaml::SUITE };
    if let Some(problem) = kind.faults(&paper.text).first() {
        found["error"] = json!(problem.to_string());
    }
    let children: Vec<Value> = if paper.kind == "plan" {
        let task = |task: &super::plans::Named| {
            let agents = sketch.agents.iter().filter(|agent| sketch.runs(&task.id, &agent.id));
            let agents: Vec<Value> = agents
                .map(|agent| {
                    json!({
                        "id": leaf(&id, &[&task.id, &agent.id]), "kind": "agent", "label": visible_line(&agent.id, 80),
                        "uri": uri, "range": at(&task.span),
                    })
                })
                .collect();
            json!({
                "id": leaf(&id, &[&task.id]), "kind": "task", "label": visible_line(&task.id, 80), "uri": uri,
                "range": at(&task.span), "children": agents,
            })
        };
        sketch.tasks.iter().map(task).collect()
    } else {
        let one = |one: &super::plans::Named| {
            json!({
                "id": leaf(&id, &[&one.id]), "kind": "evaluator", "label": visible_line(&one.id, 80), "uri": uri,
                "range": at(&one.span),
            })
        };
        sketch.evaluators.iter().map(one).collect()
    };
    found["children"] = json!(children);
    found
}

/// The leaves of a file's items that some of its ids mean.
fn leaves(item: &Value, wanted: &BTreeSet<&str>, all: bool, found: &mut Vec<String>) {
    let id = item["id"].as_str().unwrap_or_default();
    let all = all || wanted.contains(id);
    match item["children"].as_array().filter(|children| !children.is_empty()) {
        Some(children) => children.iter().for_each(|child| leaves(child, wanted, all, found)),
        None if all => found.push(id.to_owned()),
        None => {}
    }
}

impl Server {
    /// Looks for plans and suites; answers a request with them, where there is one.
    pub(super) fn look_for_papers(&mut self, asked: Option<(RequestId, Option<PathBuf>)>) {
        if asked.is_none() {
            // One look at a time: files change in crowds.
            if let Some(again) = self.explorer.looking.as_mut() {
                *again = true;
                return;
            }
            self.explorer.looking = Some(false);
        }
        let (folders, done) = (self.client.folders.clone(), self.done.clone());
        tokio::task::spawn_blocking(move || {
            let papers = look::all(&folders);
            // The loop ends only with the process.
            let _ = done.send(Done::Found { papers, asked });
        });
    }

    /// A client that shows tests is asked to tell when there are others.
    pub(super) fn watch_papers(&mut self) {
        if self.client.tests {
            let watchers = json!([{ "globPattern": "**/*.{yaml,yml,json}" }]);
            let one = json!({
                "id": "divisi-tests", "method": "workspace/didChangeWatchedFiles", "registerOptions": { "watchers": watchers },
            });
            self.ask(WATCH, json!({ "registrations": [one] }), Asked::Nothing);
        }
    }

    /// `divisi/tests`.
    pub(super) fn tests(&mut self, id: RequestId, params: &Value) {
        let only = params["uri"].as_str().and_then(uri::to_path);
        self.look_for_papers(Some((id, only)));
    }

    /// They were looked for.
    pub(super) fn found(&mut self, papers: Papers, asked: Option<(RequestId, Option<PathBuf>)>) {
        self.state.papers = papers.iter().map(|(path, paper)| (path.clone(), paper.kind)).collect();
        let before = std::mem::replace(&mut self.explorer.papers, papers);
        let now = &self.explorer.papers;
        let others = before.iter().filter(|(path, paper)| now.get(*path) != Some(paper));
        let new = now.keys().filter(|path| !before.contains_key(*path));
        self.explorer.changed.extend(others.map(|(path, _)| path).chain(new).cloned());
        self.read_open_papers();
        if asked.is_none() && self.explorer.looking.take() == Some(true) {
            self.look_for_papers(None);
        }
        let Some((id, only)) = asked else { return };
        let encoding = self.client.encoding;
        let items: BTreeMap<PathBuf, Value> = self
            .explorer
            .papers
            .iter()
            .filter(|(path, _)| only.as_ref().is_none_or(|only| only == *path))
            .map(|(path, paper)| (path.clone(), item(path, paper, encoding)))
            .collect();
        let answer: Vec<&Value> = items.values().collect();
        self.answer(id, json!({ "items": answer }));
        match only {
            Some(only) => {
                self.explorer.items.remove(&only);
                self.explorer.items.extend(items);
            }
            None => self.explorer.items = items,
        }
        if !std::mem::replace(&mut self.explorer.asked, true) {
            // What has ended before anybody asked is not news.
            for ran in self.ran().into_iter().filter(|ran| ran.ended) {
                let told = Told { number: 1, ended: true, leaves: ran.leaves };
                self.explorer.told.insert(ran.key, told);
            }
        }
    }

    /// What open documents say now counts.
    fn read_open_papers(&mut self) {
        for (path, text) in &self.documents {
            let kind = yaml::of(path, text).filter(|kind| matches!(kind.name, "plan" | "suite"));
            if let Some(kind) = kind {
                let paper = Paper { kind: kind.name, text: text.clone() };
                if self.explorer.papers.get(path) != Some(&paper) {
                    self.explorer.changed.insert(path.clone());
                    self.state.papers.insert(path.clone(), kind.name);
                    self.explorer.papers.insert(path.clone(), paper);
                }
            } else {
                self.state.papers.remove(path);
                if self.explorer.papers.remove(path).is_some() {
                    self.explorer.changed.insert(path.clone());
                }
            }
        }
    }

    /// Tells what is new of tests.
    pub(super) fn show_tests(&mut self) {
        self.read_open_papers();
        if !self.client.tests || !self.explorer.asked {
            return;
        }
        let mut changed = Vec::new();
        for path in std::mem::take(&mut self.explorer.changed) {
            let now = self.explorer.papers.get(&path).map(|paper| item(&path, paper, self.client.encoding));
            if now.as_ref() != self.explorer.items.get(&path) {
                changed.push((path, now));
            }
        }
        if !changed.is_empty() {
            let uris: Vec<String> = changed.iter().map(|(path, _)| uri::from_path(path)).collect();
            self.notify("divisi/testsChanged", json!({ "uris": uris }));
        }
        for (path, now) in changed {
            match now {
                Some(now) => drop(self.explorer.items.insert(path, now)),
                None => drop(self.explorer.items.remove(&path)),
            }
        }
        let ran = self.ran();
        // A session or a batch that is gone takes its results along.
        let gone =
            self.explorer.told.iter().filter(|(key, told)| !told.ended && !ran.iter().any(|ran| ran.key == **key));
        let gone: Vec<String> = gone.map(|(key, told)| format!("{key}:{}", told.number)).collect();
        for run in gone {
            self.notify(
                "divisi/testRun",
                json!({ "run": run, "item": "", "label": "", "state": "ended", "items": [] }),
            );
        }
        self.explorer.told.retain(|key, told| told.ended || ran.iter().any(|ran| ran.key == *key));
        for ran in ran {
            self.tell_run(ran);
        }
    }

    fn ran(&self) -> Vec<Ran> {
        results::all(&self.state, &self.explorer.papers, &self.explorer.parts)
    }

    fn tell_run(&mut self, ran: Ran) {
        let mut told = self.explorer.told.remove(&ran.key).unwrap_or_default();
        if told.number == 0 || told.ended && !ran.ended {
            told = Told { number: told.number + 1, ..Told::default() };
            let items: Vec<&String> = ran.leaves.keys().collect();
            let run = format!("{}:{}", ran.key, told.number);
            let params = json!({
                "run": run, "item": ran.item, "label": ran.label, "state": "started", "items": items,
            });
            self.notify("divisi/testRun", params);
        }
        let run = format!("{}:{}", ran.key, told.number);
        if !told.ended {
            for (leaf, result) in &ran.leaves {
                if told.leaves.get(leaf) != Some(result) {
                    let mut params = result.clone();
                    (params["run"], params["item"]) = (json!(run), json!(leaf));
                    self.notify("divisi/testResult", params);
                }
            }
            if ran.ended {
                let params = json!({ "run": run, "item": ran.item, "label": ran.label, "state": "ended", "items": [] });
                self.notify("divisi/testRun", params);
            }
        }
        (told.ended, told.leaves) = (ran.ended, ran.leaves);
        self.explorer.told.insert(ran.key, told);
    }

    /// `divisi/test/run`.
    pub(super) fn run_tests(&mut self, id: RequestId, params: &Value) {
        let wanted: BTreeSet<&str> =
            params["items"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let of = |(path, paper): &(&PathBuf, &Paper)| {
            let root = root(paper.kind, path);
            wanted
                .iter()
                .any(|item| item.strip_prefix(&root).is_some_and(|rest| rest.is_empty() || rest.starts_with('#')))
        };
        let files: Vec<(&PathBuf, &Paper)> = self.explorer.papers.iter().filter(of).collect();
        let [(path, paper)] = files.as_slice() else {
            let words = if files.is_empty() { "there is no such item" } else { "the items are of several files" };
            return self.answer_error(id, ErrorCode::InvalidParams, words);
        };
        let (path, paper) = ((*path).clone(), (*paper).clone());
        let whole = item(&path, &paper, self.client.encoding);
        let mut chosen = Vec::new();
        leaves(&whole, &wanted, false, &mut chosen);
        let all = wanted.contains(whole["id"].as_str().unwrap_or_default());
        let (method, params) = if paper.kind == "plan" {
            let only = results::pairs(&whole, &chosen);
            let text = if all { None } else { super::batches::narrow::plan(&paper.text, &only) };
            let text = text.unwrap_or_else(|| paper.text.clone());
            ("batch/create", json!({ "text": text, "path": path.to_string_lossy() }))
        } else {
            let Some(session) = params["session"].as_str() else { return self.needs_session(id, &path) };
            let ids = results::evaluators(&whole, &chosen);
            let text = if all { None } else { super::batches::narrow::suite(&paper.text, &json!(ids)) };
            let text = text.unwrap_or_else(|| paper.text.clone());
            let suite = json!({ "text": { "text": text, "path": path.to_string_lossy() } });
            ("evaluation/start", json!({ "session": session, "suite": suite }))
        };
        let mut params = params;
        params["command_id"] = json!(Client::command_id());
        self.wanted.notify_one();
        let (current, done) = (self.current.clone(), self.done.clone());
        tokio::spawn(async move {
            let outcome = call(current, method, params).await;
            // The loop ends only with the process.
            let _ = done.send(Done::Started { id, path, items: chosen, outcome });
        });
    }

    /// A suite judges a session: which ones there are.
    fn needs_session(&self, id: RequestId, path: &Path) {
        let fits = |view: &&&crate::model::session::SessionView| {
            view.state.at_rest() && path.starts_with(&view.repository) || path.starts_with(&view.worktree.path)
        };
        let sorted = self.state.sorted();
        let choices: Vec<Value> = sorted
            .iter()
            .filter(fits)
            .map(|view| {
                json!({
                    "session": view.id, "label": visible_line(&view.name, 60),
                    "description": format!("{} (+{} -{})", view.state.phrase(), view.stat.added, view.stat.removed),
                })
            })
            .collect();
        self.answer(id, json!({ "needs": "session", "choices": choices }));
    }

    /// A batch or an evaluation began as tests, or did not.
    pub(super) fn trial_started(
        &mut self,
        id: RequestId,
        path: &Path,
        items: &[String],
        outcome: Result<Value, Refusal>,
    ) {
        let receipt = match outcome {
            Ok(receipt) => receipt,
            Err(refusal) => return self.answer_outcome(id, Err(refusal)),
        };
        let outcome = &receipt["outcome"];
        let key = match (outcome["batch"].as_str(), outcome["evaluation"].as_str()) {
            (Some(batch), _) => format!("batch:{batch}"),
            (None, Some(evaluation)) => {
                self.explorer.parts.insert(evaluation.to_owned(), path.to_owned());
                format!("evaluation:{evaluation}")
            }
            _ => return self.answer_error(id, ErrorCode::RequestFailed, "the daemon named nothing that began"),
        };
        self.answer(id, json!({ "run": format!("{key}:1"), "items": items }));
    }

    /// `divisi/test/cancel`.
    pub(super) fn cancel_tests(&mut self, id: RequestId, params: &Value) {
        let run = params["run"].as_str().unwrap_or_default();
        let key = run.rsplit_once(':').map_or(run, |(key, _)| key);
        let (method, params) = if let Some(batch) = key.strip_prefix("batch:") {
            ("batch/cancel", json!({ "batch": batch }))
        } else {
            let evaluation = key.strip_prefix("evaluation:").unwrap_or_default();
            let all = self.state.evaluations.values();
            let going = all.filter(|known| known.state == EvaluationState::Running);
            let Some(known) = going.into_iter().find(|known| known.id.as_str() == evaluation) else {
                return self.answer_error(id, ErrorCode::InvalidParams, "there is no such run, or it has ended");
            };
            ("evaluation/cancel", json!({ "session": known.session }))
        };
        let mut params = params;
        params["command_id"] = json!(Client::command_id());
        let (current, done) = (self.current.clone(), self.done.clone());
        tokio::spawn(async move {
            let outcome = call(current, method, params).await.map(|_| Value::Null);
            // The loop ends only with the process.
            let _ = done.send(Done::Answer(id, outcome));
        });
    }
}
