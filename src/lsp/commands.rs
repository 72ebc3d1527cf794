//! Commands that show something or ask.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::batch_page;
use super::report;
use super::server::{Asked, Server};
use super::shelf;
use super::uri;
use super::view::{self, Draft, Page, View};
use crate::base::clock;
use crate::config::schema::DOCUMENTS;
use crate::model::id::SessionId;

impl Server {
    /// Opens a view, as soon as there is something in it, and keeps it up to date from then on.
    pub(super) fn open_view(&mut self, view: &View) {
        let (page, session) = match view {
            View::Sessions => (view::sessions(&self.state), None),
            View::Review(id) => match self.state.sessions.get(id) {
                Some(session) => (view::review(session, self.state.changes.get(id)), Some(id.clone())),
                None => return self.error("that session is gone"),
            },
            View::Transcript(id) => {
                (Page { text: "The transcript is being read.\n".to_owned(), marks: Vec::new() }, Some(id.clone()))
            }
            View::Batch(id) => (batch_page::page(self.state.batches.get(id), clock::now()), None),
            View::Prompt(draft) => return self.open_prompt(draft.clone(), ""),
            View::Report(report) => (report::page(report, None), None),
        };
        let Some(path) = self.place(view) else { return };
        let read = match view {
            // What an editor does not read again has to be true when it is shown.
            View::Review(id) => self.client.watches() && self.state.changes.contains_key(id),
            View::Batch(id) => self.state.batches.contains_key(id),
            View::Transcript(_) | View::Report(_) => false,
            View::Sessions | View::Prompt(_) => true,
        };
        match self.shelf.put(view.clone(), path, page) {
            Ok(path) if read => self.show_view(&path, view),
            Ok(_) => {
                if let Some(open) = self.shelf.get_mut(view) {
                    open.unseen = true;
                }
            }
            Err(error) => return self.error(&format!("cannot write the view: {error}")),
        }
        self.dirty = true;
        match view {
            View::Report(report) => self.ask_report(report),
            View::Batch(id) => {
                self.wanted.notify_one();
                self.read_batch(id);
            }
            _ => {}
        }
        if let Some(session) = session {
            match view {
                View::Transcript(_) => drop(self.transcripts.insert(session)),
                _ => self.read_changes(&session),
            }
        }
    }

    /// What was asked for is there, or will not come: it is written, and the editor opens it if that was put off.
    pub(super) fn has_come(&mut self, view: &View) {
        if !self.shelf.get_mut(view).is_some_and(|open| std::mem::take(&mut open.unseen)) {
            return;
        }
        self.write_views();
        if let Some(path) = self.shelf.get_mut(view).map(|open| open.path.clone()) {
            self.show_view(&path, view);
        }
    }

    /// Opens a view's file; an editor that shows what it said before is told how to read it again.
    fn show_view(&mut self, path: &Path, view: &View) {
        let now = self.shelf.get_mut(view).map(|open| open.page.text.clone()).unwrap_or_default();
        let is_old = self.documents.get(path).is_some_and(|text| *text != now);
        self.show_file(path, None);
        if is_old && !self.client.watches() {
            self.say("`:reload` shows what this view says now");
        }
    }

    /// A question that is about no file that is open stands in the list of sessions, where diagnostics lead to it.
    pub(super) fn shelve_questions(&mut self) {
        // divisi's own extension asks in its own way.
        if self.client.extension || self.state.approvals.is_empty() || self.shelf.get_mut(&View::Sessions).is_some() {
            return;
        }
        let mut asking = self.state.approvals.values().filter_map(|asked| self.state.sessions.get(&asked.session));
        if !asking.any(|view| super::state::State::concerns(view, &self.client.folders)) {
            return;
        }
        let Some(directory) = self.folder().and_then(shelf::directory) else { return };
        let path = shelf::file(&directory, &View::Sessions, "");
        if let Err(error) = self.shelf.put(View::Sessions, path, view::sessions(&self.state)) {
            tracing::warn!(%error, "the list of sessions cannot be written");
        }
    }

    /// Opens a file to write something in. What was written before is not lost.
    pub(super) fn open_prompt(&mut self, draft: Draft, about: &str) {
        let target = draft.session().and_then(|id| self.state.sessions.get(id));
        let mut text = view::prompt(&draft, target, about);
        let same = matches!(draft, Draft::New(_) | Draft::To(_));
        let view = View::Prompt(draft);
        let Some(path) = self.place(&view) else { return };
        // An editor may still show what was sent.
        let path = self.shelf.unsent(path);
        if let Ok(before) = fs::read_to_string(&path)
            && !view::prompt_of(&before).is_empty()
        {
            // A comment that was not sent is about another line: its words are kept under the new heading.
            let kept = if same { before.clone() } else { format!("{text}{}", view::prompt_of(&before)) };
            text = if about.is_empty() { kept } else { format!("{}\n\n{about}", kept.trim_end()) };
        }
        let last = u32::try_from(text.lines().count().saturating_sub(1)).unwrap_or_default();
        self.shelf.forget(&path);
        match self.shelf.put(view, path, Page { text, marks: Vec::new() }) {
            Ok(path) => self.show_file(&path, Some(last)),
            Err(error) => self.error(&format!("cannot write the file for the prompt: {error}")),
        }
    }

    /// Sends what stands in such a file: the editor's text of it when it is open there.
    pub(super) fn send_file(&mut self, path: &Path) {
        let Some((View::Prompt(draft), _)) = self.shelf.at(path) else {
            return self.error("that is no file of a prompt: divisi.prompt opens one");
        };
        let draft = draft.clone();
        let text = match self.documents.get(path) {
            Some(text) => text.clone(),
            None => match fs::read_to_string(path) {
                Ok(text) => text,
                Err(error) => return self.error(&format!("cannot read {}: {error}", path.display())),
            },
        };
        let unsaved = !self.client.watches() && fs::read_to_string(path).is_ok_and(|saved| saved != text);
        let hint = if unsaved { "; its buffer is not saved: `:bc!` closes it" } else { "" };
        let prompt = view::prompt_of(&text).to_owned();
        if prompt.is_empty() {
            return self.error("there is nothing below the line");
        }
        let file = Some(path.to_owned());
        let name = draft.session().and_then(|id| self.state.sessions.get(id)).map(|view| view.name.clone());
        let name = name.unwrap_or_default();
        match draft {
            Draft::New(folder) => {
                let params = json!({ "repository": folder.to_string_lossy(), "prompt": prompt });
                self.call("session/create", params, format!("started {{name}}{hint}"), file);
            }
            Draft::To(session) => {
                self.call(
                    "session/send",
                    json!({ "session": session, "text": prompt }),
                    format!("sent to {name}{hint}"),
                    file,
                );
            }
            Draft::Comment(session, path, first) => {
                let params = json!({ "session": session, "path": path, "first": first, "text": prompt });
                self.call("comment/add", params, format!("commented; {name} hears of it with the review{hint}"), file);
            }
        }
    }

    /// Opens a session's worktree: at a file of it, or the first one that it changed.
    pub(super) fn open_worktree(&mut self, session: &SessionId, path: Option<&str>) {
        let Some(view) = self.state.sessions.get(session) else { return self.error("that session is gone") };
        let root = PathBuf::from(&view.worktree.path);
        let changed = self.state.changes.get(session).into_iter().flat_map(|changes| &changes.diff.files);
        let candidates = path.map(str::to_owned).into_iter().chain(changed.map(|file| file.path.clone()));
        // A path out of the worktree is not one of it.
        let inside = |path: &String| !Path::new(path).components().any(|part| part == std::path::Component::ParentDir);
        let file = candidates.filter(inside).map(|path| root.join(path)).find(|path| path.is_file());
        self.say(&format!("the worktree of {} is {}", view.name, root.display()));
        if let Some(file) = file {
            self.show_file(&file, None);
        }
    }

    /// Opens the user's configuration, made when there is none.
    pub(super) fn open_config(&mut self) {
        let Some(directory) = self.config_dir.clone() else {
            return self.error("there is no place for a configuration: neither HOME nor XDG_CONFIG_HOME is set");
        };
        let path = directory.join("config.toml");
        let made = if path.exists() { Ok(()) } else { self.shelf.write(&path, "") };
        match made {
            Ok(()) => self.show_file(&path, None),
            Err(error) => self.error(&format!("cannot make {}: {error}", path.display())),
        }
    }

    /// Shows the schema of one of divisi's own documents.
    pub(super) fn show_schema(&mut self, name: &str) {
        let Some(document) = DOCUMENTS.iter().find(|document| document.name == name) else {
            return self.error(&format!("there is no schema {name}"));
        };
        let Some(directory) = self.folder().and_then(shelf::directory) else {
            return self.error("no folder with a git repository is open");
        };
        let path = directory.join(format!("schema-{}.json", document.name));
        let text = serde_json::to_string_pretty(&(document.schema)()).unwrap_or_default();
        match self.shelf.write(&path, &text) {
            Ok(()) => self.show_file(&path, None),
            Err(error) => self.error(&format!("cannot write {}: {error}", path.display())),
        }
    }

    /// Tells when a session is at rest: now, or later.
    pub(super) fn wait_for(&mut self, session: SessionId) {
        self.waiting.insert(session);
        self.tell_waiting();
    }

    /// Tells of those that were waited for and are at rest now.
    pub(super) fn tell_waiting(&mut self) {
        let (mut told, sessions) = (Vec::new(), &self.state.sessions);
        self.waiting.retain(|id| match sessions.get(id) {
            Some(view) if !view.state.at_rest() => true,
            Some(view) => {
                told.push(format!("{}: {}", view.name, view.state.phrase()));
                false
            }
            None => false,
        });
        for told in &told {
            self.say(told);
        }
    }

    /// Where a view's file is; says why when there is no place.
    fn place(&self, view: &View) -> Option<PathBuf> {
        let (Self { state, .. }, empty) = (self, String::new());
        let session = match view {
            View::Transcript(id) | View::Review(id) => state.sessions.get(id),
            View::Prompt(draft) => draft.session().and_then(|id| state.sessions.get(id)),
            View::Sessions | View::Batch(_) | View::Report(_) => None,
        };
        let written = match view {
            View::Prompt(Draft::New(folder)) => Some(folder.as_path()),
            _ => self.folder(),
        };
        let directory = match session {
            Some(session) => Some(Path::new(&session.worktree.common_dir).join("divisi").join("views")),
            None => written.and_then(shelf::directory),
        };
        let name = session.map_or(&empty, |session| &session.name);
        let path = directory.map(|directory| shelf::file(&directory, view, name));
        if path.is_none() {
            self.error("no folder with a git repository is open");
        }
        path
    }

    /// Shows a file, at a line if one is given (zero-based).
    pub(super) fn show_file(&mut self, path: &Path, line: Option<u32>) {
        let mut params = json!({ "uri": uri::from_path(path), "takeFocus": true });
        if let Some(line) = line {
            let at = json!({ "line": line, "character": 0 });
            params["selection"] = json!({ "start": at, "end": at });
        }
        if !self.ask("window/showDocument", params, Asked::Shown(path.to_owned())) {
            self.say(&format!("the view is {}", path.display()));
        }
    }

    /// Asks which session is meant where an answer cannot be given by mistake. In Helix a key that was meant for the text chooses the
    /// first one (research: measured), so there the names are told instead.
    pub(super) fn ask_which(&mut self, verb: &'static str, what: &'static str, choices: Vec<(String, Value)>) {
        let names: Vec<&str> = choices.iter().map(|(name, _)| name.as_str()).collect();
        let told = format!("{verb}: which {what}? {}", names.join(", "));
        let actions: Vec<Value> = choices.iter().map(|(name, _)| json!({ "title": name })).collect();
        let params = json!({ "type": 3, "message": format!("divisi: {verb}: which {what}?"), "actions": actions });
        let safe = self.client.may_ask();
        if !safe || !self.ask("window/showMessageRequest", params, Asked::Choice(verb, what, choices)) {
            self.error(&told);
        }
    }
}
