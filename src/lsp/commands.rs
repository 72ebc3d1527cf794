//! Commands that show something or ask.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::server::{Asked, Server};
use super::shelf;
use super::uri;
use super::view::{self, Page, View};
use crate::model::id::{Seq, SessionId};

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
            View::Prompt(_) => return self.open_prompt(None, ""),
        };
        let Some(path) = self.place(view) else { return };
        let is_read = match view {
            View::Transcript(id) => self.record(id).is_some_and(|record| record.last > Seq::default()),
            // What will be shown as it is now has to be true now.
            View::Review(id) => self.client.watches() && self.state.changes.contains_key(id),
            View::Sessions | View::Prompt(_) => true,
        };
        if !(is_read && matches!(view, View::Transcript(_)))
            && let Err(error) = self.shelf.put(view.clone(), path, page)
        {
            return self.error(&format!("cannot write the view: {error}"));
        }
        self.awaited.insert(view.clone());
        if is_read {
            self.show_awaited(view);
        }
        self.dirty = true;
        if let Some(session) = session {
            match view {
                View::Transcript(_) => drop(self.transcripts.insert(session)),
                _ => self.read_changes(&session),
            }
        }
    }

    /// Shows a view that was waited for.
    pub(super) fn show_awaited(&mut self, view: &View) {
        if !self.awaited.remove(view) {
            return;
        }
        self.write_views();
        let Some(open) = self.shelf.get_mut(view) else { return };
        let path = open.path.clone();
        let is_old = self.documents.get(&path).is_some_and(|text| *text != open.page.text);
        self.show_file(&path, None);
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

    /// Opens a file to write a prompt in. What was written before is not lost.
    pub(super) fn open_prompt(&mut self, session: Option<SessionId>, about: &str) {
        let target = session.as_ref().and_then(|id| self.state.sessions.get(id));
        let mut text = view::prompt(target, about);
        let view = View::Prompt(session);
        let Some(path) = self.place(&view) else { return };
        // An editor may still show what was sent.
        let path = self.shelf.unsent(path);
        if let Ok(before) = fs::read_to_string(&path)
            && !view::prompt_of(&before).is_empty()
        {
            text = if about.is_empty() { before } else { format!("{}\n\n{about}", before.trim_end()) };
        }
        let last = u32::try_from(text.lines().count().saturating_sub(1)).unwrap_or_default();
        match self.shelf.put(view, path, Page { text, marks: Vec::new() }) {
            Ok(path) => self.show_file(&path, Some(last)),
            Err(error) => self.error(&format!("cannot write the file for the prompt: {error}")),
        }
    }

    /// Sends what stands in such a file: the editor's text of it when it is open there.
    pub(super) fn send_file(&mut self, path: &Path) {
        let Some((View::Prompt(session), _)) = self.shelf.at(path) else {
            return self.error("that is no file of a prompt: divisi.prompt opens one");
        };
        let session = session.clone();
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
            return self.error("there is no prompt below the line");
        }
        let file = Some(path.to_owned());
        let Some(session) = session else {
            let Some(folder) = self.folder().map(|folder| folder.to_string_lossy().into_owned()) else {
                return self.error("no folder is open to start a session in");
            };
            let params = json!({ "repository": folder, "prompt": prompt });
            return self.call("session/create", params, format!("started {{name}}{hint}"), file);
        };
        let name = self.state.sessions.get(&session).map(|view| view.name.clone()).unwrap_or_default();
        self.call("session/send", json!({ "session": session, "text": prompt }), format!("sent to {name}{hint}"), file);
    }

    /// Where a view's file is; says why when there is no place.
    fn place(&self, view: &View) -> Option<PathBuf> {
        let (Self { state, .. }, empty) = (self, String::new());
        let session = match view {
            View::Transcript(id) | View::Review(id) | View::Prompt(Some(id)) => state.sessions.get(id),
            View::Sessions | View::Prompt(None) => None,
        };
        let directory = match session {
            Some(session) => Some(Path::new(&session.worktree.common_dir).join("divisi").join("views")),
            None => self.folder().and_then(shelf::directory),
        };
        let name = session.map_or(&empty, |session| &session.name);
        let path = directory.map(|directory| shelf::file(&directory, view, name));
        if path.is_none() {
            self.error("no folder with a git repository is open");
        }
        path
    }

    /// Shows a file, at a line if one is given (zero-based).
    fn show_file(&mut self, path: &Path, line: Option<u32>) {
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
    pub(super) fn ask_which(&mut self, verb: &'static str, choices: Vec<(String, Value)>) {
        let names: Vec<&str> = choices.iter().map(|(name, _)| name.as_str()).collect();
        let told = format!("{verb}: which session? {}", names.join(", "));
        let actions: Vec<Value> = choices.iter().map(|(name, _)| json!({ "title": name })).collect();
        let params = json!({ "type": 3, "message": format!("divisi: {verb}: which session?"), "actions": actions });
        let safe = !self.client.name.contains("helix");
        if !safe || !self.ask("window/showMessageRequest", params, Asked::Choice(verb, choices)) {
            self.error(&told);
        }
    }
}
