//! Commands that show something or ask.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::server::{Asked, Server};
use super::shelf;
use super::uri;
use super::view::{self, Page, View};
use crate::model::id::SessionId;

impl Server {
    /// Opens a view, and keeps it up to date from then on.
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
        match self.shelf.put(view.clone(), path, page) {
            Ok(path) => self.show_file(&path),
            Err(error) => return self.error(&format!("cannot write the view: {error}")),
        }
        self.dirty = true;
        if let Some(session) = session {
            match view {
                View::Transcript(_) => drop(self.transcripts.insert(session)),
                _ => self.read_changes(&session),
            }
        }
    }

    /// Opens a file to write a prompt in. What was written before is not lost.
    pub(super) fn open_prompt(&mut self, session: Option<SessionId>, about: &str) {
        let target = session.as_ref().and_then(|id| self.state.sessions.get(id));
        let mut text = view::prompt(target, about);
        let view = View::Prompt(session);
        let Some(path) = self.place(&view) else { return };
        if let Ok(before) = fs::read_to_string(&path)
            && !view::prompt_of(&before).is_empty()
        {
            text = if about.is_empty() { before } else { format!("{}\n\n{about}", before.trim_end()) };
        }
        match self.shelf.put(view, path, Page { text, marks: Vec::new() }) {
            Ok(path) => self.show_file(&path),
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
            return self.call("session/create", params, "started {name}".to_owned(), file);
        };
        let name = self.state.sessions.get(&session).map(|view| view.name.clone()).unwrap_or_default();
        self.call("session/send", json!({ "session": session, "text": prompt }), format!("sent to {name}"), file);
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

    fn show_file(&mut self, path: &Path) {
        let params = json!({ "uri": uri::from_path(path), "takeFocus": true });
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
