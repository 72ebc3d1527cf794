//! Requests about documents, beside code actions.

use std::path::PathBuf;

use gen_lsp_types::{CodeAction, Command, Position};
use lsp_server::{ErrorCode, RequestId};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::annotations;
use super::authorship;
use super::outline;
use super::own::{self, Around, Kind, Lens};
use super::place::spots;
use super::plans;
use super::server::Server;
use super::text;
use super::uri;
use crate::base::hex;
use crate::model::approval::Approval;

/// Code actions that were offered with their commands left out: those of this many requests are remembered.
const OFFERS: usize = 16;

/// Code actions as they were offered last: the number of the request, and the commands.
#[derive(Debug, Default)]
pub(super) struct Offers {
    number: u64,
    kept: std::collections::VecDeque<(u64, Vec<Option<Command>>)>,
}

impl Offers {
    /// Takes the commands out of actions; each gets the place where its own is.
    pub(super) fn keep(&mut self, actions: &mut [CodeAction]) {
        self.number += 1;
        let number = self.number;
        let commands = actions
            .iter_mut()
            .enumerate()
            .map(|(index, action)| {
                if action.command.is_some() {
                    action.data = Some(json!({ "offer": number, "index": index }));
                }
                action.command.take()
            })
            .collect();
        self.kept.push_back((number, commands));
        if self.kept.len() > OFFERS {
            self.kept.pop_front();
        }
    }

    fn find(&self, data: &Value) -> Option<&Command> {
        let (number, index) = (data["offer"].as_u64()?, usize::try_from(data["index"].as_u64()?).ok()?);
        self.kept.iter().find(|(kept, _)| *kept == number)?.1.get(index)?.as_ref()
    }
}

fn path_of(params: &Value) -> Option<PathBuf> {
    params.pointer("/textDocument/uri").and_then(Value::as_str).and_then(uri::to_path)
}

fn position_of(params: &Value) -> Option<Position> {
    serde_json::from_value(params.get("position")?.clone()).ok()
}

impl Server {
    /// What is around a document.
    pub(super) fn around<'a>(&'a self, path: &'a std::path::Path, text: &'a str) -> Around<'a> {
        Around { path, text, config_dir: self.config_dir.as_deref(), agents: &self.state.catalog }
    }

    /// One of divisi's own documents that is open: its kind, its path and its text.
    fn own(&self, params: &Value) -> Option<(&'static dyn Kind, PathBuf, &str)> {
        let path = path_of(params)?;
        let text = self.documents.get(&path)?;
        let kind = own::kind(&self.around(&path, text))?;
        Some((kind, path, text))
    }

    pub(super) fn completion(&self, id: RequestId, params: &Value) {
        let found = self.own(params).zip(position_of(params)).map(|((kind, path, text), position)| {
            let at = text::offset(text, position, self.client.encoding);
            own::completion(kind, text, at, &self.around(&path, text), self.client.encoding)
        });
        self.answer(id, found.unwrap_or(Value::Null));
    }

    pub(super) fn hover(&mut self, id: RequestId, params: &Value) {
        let position = position_of(params);
        if let (Some((kind, _, text)), Some(position)) = (self.own(params), position) {
            let at = text::offset(text, position, self.client.encoding);
            return self.answer(id, own::hover(kind, text, at, self.client.encoding));
        }
        let line = position.map(|position| position.line);
        let found = path_of(params).and_then(|path| {
            let spots = spots(&self.state, &path, self.documents.get(&path)?);
            let asked = line.map(|line| self.asked_at(&path, line)).unwrap_or_default();
            Some((annotations::hover(&self.state, &spots, &asked, line), spots))
        });
        let Some((answer, spots)) = found else { return self.answer(id, Value::Null) };
        // The next look knows the turns.
        for spot in spots.iter().filter(|spot| line.is_some_and(|line| spot.touches(line, line))) {
            self.read_turns(&spot.session);
        }
        self.answer(id, answer);
    }

    /// The approvals whose diagnostics are on a line.
    fn asked_at(&self, path: &std::path::Path, line: u32) -> Vec<&Approval> {
        let published = self.published.get(path).and_then(Value::as_array).into_iter().flatten();
        let here = published.filter(|found| found.pointer("/range/start/line") == Some(&json!(line)));
        here.filter_map(|found| self.state.approvals.get(&found["data"]["approval"].as_str()?.into())).collect()
    }

    pub(super) fn lenses(&self, id: RequestId, params: &Value) {
        if let Some((kind, path, text)) = self.own(params) {
            let lenses = self.lenses_of(kind, &path, text);
            return self.answer(id, lenses.iter().map(annotations::own).collect());
        }
        let found = path_of(params).and_then(|path| {
            let spots = spots(&self.state, &path, self.documents.get(&path)?);
            Some(annotations::lenses(&self.state, &spots))
        });
        self.answer(id, found.unwrap_or(Value::Null));
    }

    /// Commands over the lines of one of divisi's own documents.
    pub(super) fn lenses_of(&self, kind: &dyn Kind, path: &std::path::Path, text: &str) -> Vec<Lens> {
        let mut lenses = kind.lenses(text, &self.around(path, text));
        match own::yaml::of(path, text).map(|kind| kind.name) {
            Some("plan") => lenses.extend(plans::over_plan(&self.state, path, text)),
            Some("suite") => {
                let digest = hex::encode(&Sha256::digest(text));
                lenses.extend(plans::over_suite(&self.state, path, &digest, &self.client.folders));
            }
            _ => {}
        }
        lenses.retain(|lens| self.client.runs(lens.command));
        lenses
    }

    pub(super) fn hints(&mut self, id: RequestId, params: &Value) {
        let at = |end: &str| {
            let line = params.pointer(&format!("/range/{end}/line")).and_then(Value::as_u64);
            line.and_then(|line| u32::try_from(line).ok())
        };
        let lines = (at("start").unwrap_or(0), at("end").unwrap_or(u32::MAX));
        let path = path_of(params).filter(|_| self.client.authorship);
        let session = path.as_ref().and_then(|path| self.state.inhabitant(path)).map(|view| view.id.clone());
        if let Some(session) = session {
            self.read_turns(&session);
        }
        let found = path.and_then(|path| {
            let document = self.documents.get(&path)?;
            Some(authorship::hints(&self.state, &path, document, lines, self.client.encoding))
        });
        self.answer(id, found.unwrap_or(Value::Null));
    }

    pub(super) fn symbols(&self, id: RequestId, params: &Value) {
        if let Some((kind, path, text)) = self.own(params) {
            let uri = uri::from_path(&path);
            return self.answer(id, own::symbols(kind, text, self.client.encoding, self.client.nested_symbols, &uri));
        }
        let found = path_of(params).and_then(|path| {
            self.shelf.at(&path)?;
            let text = self.documents.get(&path)?;
            Some(outline::symbols(text, self.client.nested_symbols, &uri::from_path(&path)))
        });
        self.answer(id, found.unwrap_or(Value::Null));
    }

    pub(super) fn links(&self, id: RequestId, params: &Value) {
        let found = path_of(params).and_then(|path| {
            let (view, _) = self.shelf.at(&path)?;
            Some(outline::links(&self.state, view, self.documents.get(&path)?))
        });
        self.answer(id, found.unwrap_or(Value::Null));
    }

    /// Gives a code action its command.
    pub(super) fn resolve(&self, id: RequestId, mut action: Value) {
        match action.get("data").and_then(|data| self.offers.find(data)) {
            Some(command) => {
                action["command"] = json!(command);
                self.answer(id, action);
            }
            None if action.get("edit").is_some() || action.get("command").is_some() => self.answer(id, action),
            None => self.answer_error(id, ErrorCode::ContentModified, "that was offered too long ago: ask again"),
        }
    }
}
