//! Editors that are attached, and which of them an agent's question goes to.
//!
//! A question goes to the editor that shows the session's worktree; of several to the one in which it was looked at last. The one that
//! was asked answers; when it goes, whoever asked hears so at once. Nothing here is recorded: it is about what people see now.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::host::port::EditorDoor;
use crate::model::Refusal;
use crate::model::editor::{
    Asked, EditorAnswer, EditorMention, EditorPlaces, EditorQuestion, EditorSelection, Mention, Selection, ToEditor,
};
use crate::model::id::SessionId;

/// Questions that one session's agents may have open at once.
const MOST_QUESTIONS: usize = 32;
/// Mentions that wait for an agent that does not read.
const MENTIONS: usize = 64;

struct Attached {
    told: mpsc::UnboundedSender<ToEditor>,
    shows: BTreeSet<SessionId>,
    /// When each was looked at last, by a count that only grows.
    looked: HashMap<SessionId, u64>,
}

struct Open {
    editor: u64,
    session: SessionId,
    reply: oneshot::Sender<Result<Value, Refusal>>,
}

/// What is known of a session.
struct OfSession {
    selection: watch::Sender<Option<Selection>>,
    /// Whose selection that is.
    from: Option<u64>,
    mentions: broadcast::Sender<Mention>,
    /// Agents that listen.
    listeners: usize,
}

impl Default for OfSession {
    fn default() -> Self {
        Self {
            selection: watch::Sender::new(None),
            from: None,
            mentions: broadcast::Sender::new(MENTIONS),
            listeners: 0,
        }
    }
}

#[derive(Default)]
struct State {
    editors: BTreeMap<u64, Attached>,
    questions: BTreeMap<u64, Open>,
    sessions: HashMap<SessionId, OfSession>,
    next: u64,
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The editor that shows the session, the one in which it was looked at last before others.
    fn showing(&self, session: &SessionId) -> Option<u64> {
        let looked = |editor: &Attached| editor.looked.get(session).copied().unwrap_or(0);
        let showing = self.editors.iter().filter(|(_, editor)| editor.shows.contains(session));
        showing.max_by_key(|(number, editor)| (looked(editor), **number)).map(|(number, _)| *number)
    }

    fn agents(&self) -> Vec<SessionId> {
        let mut sessions: Vec<_> =
            self.sessions.iter().filter(|(_, of)| of.listeners > 0).map(|(session, _)| session.clone()).collect();
        sessions.sort();
        sessions
    }

    fn tell_agents(&self) {
        for editor in self.editors.values() {
            // An editor whose connection is ending hears nothing more.
            let _ = editor.told.send(ToEditor::Agents { sessions: self.agents() });
        }
    }

    /// Forgets a session about which nobody says or hears anything.
    fn tidy(&mut self, session: &SessionId) {
        let idle = |of: &OfSession| of.listeners == 0 && of.from.is_none() && of.selection.receiver_count() == 0;
        if self.sessions.get(session).is_some_and(idle) {
            self.sessions.remove(session);
        }
    }
}

/// The editors there are.
#[derive(Default)]
pub(crate) struct Editors(Mutex<State>);

impl Editors {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An editor attaches; what it is told comes out of the second half.
    pub(crate) fn attach(self: &Arc<Self>) -> (Editor, mpsc::UnboundedReceiver<ToEditor>) {
        let (told, heard) = mpsc::unbounded_channel();
        let mut state = self.state();
        let number = state.number();
        // The receiver is in hand.
        let _ = told.send(ToEditor::Agents { sessions: state.agents() });
        state.editors.insert(number, Attached { told, shows: BTreeSet::new(), looked: HashMap::new() });
        drop(state);
        (Editor { all: Arc::clone(self), number }, heard)
    }

    /// The way to the editors for a session's agent.
    pub(crate) fn door(self: &Arc<Self>, session: &SessionId) -> Arc<dyn EditorDoor> {
        Arc::new(Door { all: Arc::clone(self), session: session.clone() })
    }
}

/// An editor that is attached. Dropping it detaches it: questions it has not answered are given up.
pub struct Editor {
    all: Arc<Editors>,
    number: u64,
}

impl Editor {
    /// What it shows now.
    pub fn places(&self, places: EditorPlaces) {
        let mut state = self.all.state();
        let look = state.number();
        let Some(editor) = state.editors.get_mut(&self.number) else { return };
        editor.shows = places.sessions.into_iter().chain(places.current.clone()).collect();
        if let Some(current) = places.current {
            editor.looked.insert(current, look);
        }
        let Attached { shows, looked, .. } = editor;
        looked.retain(|session, _| shows.contains(session));
    }

    /// Answers a question.
    ///
    /// # Errors
    /// When it was not asked that, or it was withdrawn.
    pub fn answer(&self, answer: EditorAnswer) -> Result<(), Refusal> {
        let EditorAnswer { question, value, problem } = answer;
        let mut state = self.all.state();
        let open = match state.questions.get(&question) {
            Some(open) if open.editor == self.number => state.questions.remove(&question),
            _ => None,
        };
        drop(state);
        let Some(open) = open else {
            return Err(Refusal::conflict(format!("the question {question} is not open in this editor")));
        };
        // Whoever asked may have gone this moment.
        let _ = open.reply.send(match problem {
            None => Ok(value),
            Some(problem) => Err(Refusal::conflict(problem)),
        });
        Ok(())
    }

    /// Tells what is selected in a file of a session's worktree.
    pub fn select(&self, selected: EditorSelection) {
        let EditorSelection { session, selection } = selected;
        let mut state = self.all.state();
        let of = state.sessions.entry(session.clone()).or_default();
        if selection.is_none() && of.from != Some(self.number) {
            state.tidy(&session);
            return;
        }
        of.from = selection.is_some().then_some(self.number);
        of.selection.send_if_modified(|known| {
            let changed = *known != selection;
            *known = selection;
            changed
        });
        state.tidy(&session);
    }

    /// Hands a place to a session's agent.
    ///
    /// # Errors
    /// When the session has no agent that listens to editors.
    pub fn mention(&self, mentioned: EditorMention) -> Result<(), Refusal> {
        let state = self.all.state();
        let of = state.sessions.get(&mentioned.session).filter(|of| of.listeners > 0);
        let told = of.is_some_and(|of| of.mentions.send(mentioned.mention).is_ok());
        drop(state);
        if told {
            return Ok(());
        }
        Err(Refusal::conflict("its agent's own interface does not run, or does not listen to editors")
            .hint(format!("divisi open {} --terminal", mentioned.session)))
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let mut state = self.all.state();
        state.editors.remove(&self.number);
        let left: Vec<u64> =
            state.questions.iter().filter(|(_, open)| open.editor == self.number).map(|(id, _)| *id).collect();
        for question in left {
            if let Some(open) = state.questions.remove(&question) {
                let _ = open.reply.send(Err(Refusal::conflict("the editor that was asked is gone")));
            }
        }
        let selected: Vec<SessionId> = state
            .sessions
            .iter()
            .filter(|(_, of)| of.from == Some(self.number))
            .map(|(session, _)| session.clone())
            .collect();
        for session in selected {
            if let Some(of) = state.sessions.get_mut(&session) {
                of.from = None;
                of.selection.send_replace(None);
            }
            state.tidy(&session);
        }
    }
}

struct Door {
    all: Arc<Editors>,
    session: SessionId,
}

/// Takes a question back when nobody waits for its answer any more.
struct Asking {
    all: Arc<Editors>,
    question: u64,
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut state = self.all.state();
        if let Some(open) = state.questions.remove(&self.question)
            && let Some(editor) = state.editors.get(&open.editor)
        {
            let _ = editor.told.send(ToEditor::Withdrawn { question: self.question });
        }
    }
}

/// Counts an agent for as long as it listens.
struct Listening {
    all: Arc<Editors>,
    session: SessionId,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut state = self.all.state();
        if let Some(of) = state.sessions.get_mut(&self.session) {
            of.listeners = of.listeners.saturating_sub(1);
            if of.listeners == 0 {
                state.tell_agents();
            }
        }
        let session = self.session.clone();
        state.tidy(&session);
    }
}

#[async_trait]
impl EditorDoor for Door {
    async fn ask(&self, ask: EditorQuestion) -> Result<Value, Refusal> {
        let (reply, answer) = oneshot::channel();
        let asking = {
            let mut state = self.all.state();
            let Some(editor) = state.showing(&self.session) else {
                return Err(Refusal::conflict("no editor shows this session's worktree")
                    .hint(format!(":Divisi switch {}    # in Neovim", self.session)));
            };
            if state.questions.values().filter(|open| open.session == self.session).count() >= MOST_QUESTIONS {
                return Err(Refusal::conflict("too many questions of this agent are open in the editor"));
            }
            let question = state.number();
            let asked = Asked { question, session: self.session.clone(), ask };
            let open = Open { editor, session: self.session.clone(), reply };
            state.questions.insert(question, open);
            if let Some(editor) = state.editors.get(&editor) {
                // Its end may be on the way; then the question is given up with it.
                let _ = editor.told.send(ToEditor::Asked(asked));
            }
            Asking { all: Arc::clone(&self.all), question }
        };
        let answer = answer.await.unwrap_or_else(|_| Err(Refusal::conflict("the editor that was asked is gone")));
        drop(asking);
        answer
    }

    fn selection(&self) -> watch::Receiver<Option<Selection>> {
        self.all.state().sessions.entry(self.session.clone()).or_default().selection.subscribe()
    }

    fn mentions(&self) -> broadcast::Receiver<Mention> {
        self.all.state().sessions.entry(self.session.clone()).or_default().mentions.subscribe()
    }

    fn listens(&self) -> Box<dyn Send + Sync> {
        let mut state = self.all.state();
        let of = state.sessions.entry(self.session.clone()).or_default();
        of.listeners += 1;
        if of.listeners == 1 {
            state.tell_agents();
        }
        Box::new(Listening { all: Arc::clone(&self.all), session: self.session.clone() })
    }
}

#[cfg(test)]
mod tests;
