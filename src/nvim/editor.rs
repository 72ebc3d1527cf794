//! This Neovim as the editor of agents that have an interface of their own: what they ask goes to Lua, what is seen and selected goes
//! to the daemon. The connection for that is made again with the other one.

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::host::{Done, Host};
use crate::model::Refusal;
use crate::wire::client::{EditorLink, Heard, Saying};
use crate::wire::method::{EDITOR_ANSWER, EDITOR_MENTION, EDITOR_PLACES, EDITOR_SELECTION};

/// What happens on that connection.
pub(super) enum Editing {
    /// It stands.
    Attached(mpsc::UnboundedSender<Saying>),
    /// Something was said.
    Heard(Heard),
    /// It is gone.
    Lost,
}

/// What is kept of it.
#[derive(Default)]
pub(super) struct EditorDuty {
    say: Option<mpsc::UnboundedSender<Saying>>,
    connecting: bool,
    /// What the editor shows, as Lua said last.
    places: Option<Value>,
}

/// The daemon's method of a request of Lua's, when it is one of these.
fn method(name: &str) -> Option<&'static str> {
    [EDITOR_PLACES, EDITOR_ANSWER, EDITOR_SELECTION, EDITOR_MENTION].into_iter().find(|method| *method == name)
}

impl Host {
    /// Attaches, unless that is done.
    pub(super) fn attach_editor(&mut self) {
        if self.editor.connecting || self.editor.say.as_ref().is_some_and(|say| !say.is_closed()) {
            return;
        }
        let Some(link) = self.current.borrow().clone() else { return };
        self.editor.connecting = true;
        let done = self.done.clone();
        tokio::spawn(async move {
            // The loop that reads them ends only with the process.
            if let Ok(EditorLink { say, mut heard }) = link.editor().await {
                let _ = done.send(Done::Editing(Editing::Attached(say)));
                while let Some(heard) = heard.recv().await {
                    let _ = done.send(Done::Editing(Editing::Heard(heard)));
                }
            }
            let _ = done.send(Done::Editing(Editing::Lost));
        });
    }

    /// What Lua says as an editor; absent when it is something else.
    pub(super) fn say_as_editor(&mut self, name: &str, params: &Value) -> Option<Result<Value, Refusal>> {
        let method = method(name)?;
        if method == EDITOR_PLACES {
            self.editor.places = Some(params.clone());
        }
        let said = self.editor.say.as_ref().is_some_and(|say| say.send((method, params.clone())).is_ok());
        Some(if said || method == EDITOR_PLACES {
            Ok(json!({}))
        } else {
            Err(Refusal::environment("there is no connection to the daemon"))
        })
    }

    /// Entries for Lua.
    pub(super) fn editing(&mut self, editing: Editing) -> Option<Value> {
        match editing {
            Editing::Attached(say) => {
                if let Some(places) = &self.editor.places {
                    // It may be gone already; then the next one is told.
                    let _ = say.send((EDITOR_PLACES, places.clone()));
                }
                self.editor.say = Some(say);
                Some(json!({ "kind": "editor", "what": "attached" }))
            }
            Editing::Lost => {
                let stood = self.editor.say.take().is_some();
                self.editor.connecting = false;
                // The other connection may have been made anew before this one's end was heard of.
                if stood {
                    self.attach_editor();
                }
                Some(json!({ "kind": "editor", "what": "lost" }))
            }
            Editing::Heard(Heard::Notification(name, params)) => {
                let what = name.strip_prefix("editor/")?;
                Some(json!({ "kind": "editor", "what": what, "params": params }))
            }
            Editing::Heard(Heard::Refused(refusal)) => {
                // It was withdrawn while it was answered, most likely.
                tracing::debug!(%refusal, "the daemon refused what the editor said");
                None
            }
        }
    }
}
