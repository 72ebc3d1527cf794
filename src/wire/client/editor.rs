//! A face's end of an editor's connection: what it says goes out in order, what agents ask comes in.

use std::path::Path;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use super::stream::{Incoming, Stream};
use super::{CallError, Caller, ConnectError};
use crate::model::Refusal;
use crate::wire::message::request;
use crate::wire::method;

/// Something an editor says: a method and its parameters.
pub type Saying = (&'static str, Value);

/// What an editor hears: a notification, or a refusal of something it said.
#[derive(Debug)]
pub enum Heard {
    /// A notification.
    Notification(String, Value),
    /// What was said last under this number was refused.
    Refused(Refusal),
}

/// An editor's connection. It ends when the sender is dropped; the receiver ends with it.
pub struct EditorLink {
    /// What is said.
    pub say: mpsc::UnboundedSender<Saying>,
    /// What is heard.
    pub heard: mpsc::UnboundedReceiver<Heard>,
}

/// Connects and attaches.
///
/// # Errors
/// When nobody listens, the daemon refuses (an older one knows no editors), or the connection is lost.
pub async fn attach_editor(socket: &Path, caller: &Caller) -> Result<EditorLink, CallError> {
    let (mut stream, _) = Stream::open(socket, caller).await.map_err(|error| match error {
        ConnectError::NotRunning => CallError::Lost,
        other => CallError::Refused(other.into()),
    })?;
    stream.ask(method::EDITOR_ATTACH, &json!({})).await.ok_or(CallError::Lost)?.map_err(Refusal::from)?;
    let (mut read, mut write) = stream.split();
    let (say, mut said) = mpsc::unbounded_channel::<Saying>();
    let (hear, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut number = 1;
        loop {
            tokio::select! {
                saying = said.recv() => {
                    let Some((method, params)) = saying else { return };
                    number += 1;
                    if write.write_all(&request(number, method, &params)).await.is_err() {
                        return;
                    }
                }
                incoming = read.next() => {
                    let told = match incoming {
                        None => return,
                        Some(Incoming::Notification(name, params)) => Heard::Notification(name, params),
                        Some(Incoming::Answer(_, Err(refusal))) => Heard::Refused(refusal),
                        Some(Incoming::Answer(_, Ok(_))) => continue,
                    };
                    if hear.send(told).is_err() {
                        return;
                    }
                }
            }
        }
    });
    Ok(EditorLink { say, heard })
}
