//! A client that is an editor: what agents ask of it goes out, what people do in it comes in.

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::host::handle::{Editor, HostHandle};
use crate::model::Refusal;
use crate::model::editor::{EditorAnswer, EditorMention, EditorPlaces, EditorSelection, ToEditor};
use crate::wire::message::notification;
use crate::wire::method::{EDITOR_AGENTS, EDITOR_ASKED, EDITOR_ATTACH, EDITOR_WITHDRAWN};
use crate::wire::outgoing::Outgoing;

/// What an editor says.
#[derive(Debug, Clone, PartialEq)]
pub enum EditorCall {
    /// `editor/attach`.
    Attach,
    /// `editor/places`.
    Places(EditorPlaces),
    /// `editor/answer`.
    Answer(EditorAnswer),
    /// `editor/selection`.
    Select(EditorSelection),
    /// `editor/mention`.
    Mention(EditorMention),
}

/// A connection that is an editor's.
pub(super) struct AttachedEditor {
    editor: Editor,
    pump: AbortHandle,
}

impl AttachedEditor {
    /// Does what an editor says; `attached` is this connection's editor.
    ///
    /// # Errors
    /// When it has not attached yet, has already, or the host refuses.
    pub(super) fn serve(
        attached: &mut Option<Self>,
        call: EditorCall,
        host: &HostHandle,
        outgoing: &Outgoing,
    ) -> Result<(), Refusal> {
        let editor = match (&call, &*attached) {
            (EditorCall::Attach, Some(_)) => return Err(Refusal::conflict("this connection is an editor's already")),
            (EditorCall::Attach, None) => {
                let (editor, heard) = host.attach_editor();
                let pump = tokio::spawn(pump(heard, outgoing.clone())).abort_handle();
                *attached = Some(Self { editor, pump });
                return Ok(());
            }
            (_, None) => return Err(Refusal::user(format!("`{EDITOR_ATTACH}` has to come first"))),
            (_, Some(attached)) => &attached.editor,
        };
        match call {
            EditorCall::Attach => Ok(()),
            EditorCall::Places(places) => {
                editor.places(places);
                Ok(())
            }
            EditorCall::Answer(answer) => editor.answer(answer),
            EditorCall::Select(selected) => {
                editor.select(selected);
                Ok(())
            }
            EditorCall::Mention(mentioned) => editor.mention(mentioned),
        }
    }
}

impl Drop for AttachedEditor {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

async fn pump(mut heard: mpsc::UnboundedReceiver<ToEditor>, outgoing: Outgoing) {
    while let Some(told) = heard.recv().await {
        let message = match told {
            ToEditor::Asked(asked) => notification(EDITOR_ASKED, &asked),
            ToEditor::Withdrawn { question } => {
                notification(EDITOR_WITHDRAWN, &serde_json::json!({ "question": question }))
            }
            ToEditor::Agents { sessions } => notification(EDITOR_AGENTS, &serde_json::json!({ "sessions": sessions })),
        };
        if outgoing.send(message).await.is_err() {
            return;
        }
    }
}
