//! A face's end of a terminal: a connection of its own.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::OwnedWriteHalf;

use super::stream::{Incoming, ReadHalf, Stream};
use super::{CallError, Caller, ConnectError};
use crate::model::Refusal;
use crate::model::terminal::{OpenTerminal, TerminalSize};
use crate::wire::message::request;
use crate::wire::method;
use crate::wire::terminal::{TerminalEnded, TerminalInput, TerminalOpened, TerminalOutput, TerminalResize};

/// What comes from the daemon.
#[derive(Debug)]
pub enum FromTerminal {
    /// To be written to the viewer's terminal.
    Output(String),
    /// The program has ended, how.
    Ended(String),
    /// The daemon was told to stop; the program goes on.
    Stopping,
    /// The connection is lost; the program goes on.
    Lost,
}

/// What comes in.
pub struct TerminalOutputs {
    read: ReadHalf,
}

/// What goes out.
pub struct TerminalInputs {
    write: OwnedWriteHalf,
    terminal: String,
    requests: i64,
}

/// Looks at the terminal of a session's program.
///
/// # Errors
/// When nobody listens, the daemon refuses, or the connection is lost.
pub async fn open_terminal(
    socket: &Path,
    caller: &Caller,
    open: &OpenTerminal,
) -> Result<(TerminalOutputs, TerminalInputs), CallError> {
    let (mut stream, _) = Stream::open(socket, caller).await.map_err(|error| match error {
        ConnectError::NotRunning => CallError::Lost,
        other => CallError::Refused(other.into()),
    })?;
    let answer = stream.ask(method::TERMINAL_OPEN, &json!(open)).await.ok_or(CallError::Lost)?;
    let opened: TerminalOpened = read(answer.map_err(Refusal::from)?)?;
    let (read, write) = stream.split();
    Ok((TerminalOutputs { read }, TerminalInputs { write, terminal: opened.terminal, requests: 1 }))
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, CallError> {
    Ok(serde_json::from_value(value).map_err(|error| super::unreadable("read the daemon's answer", &error))?)
}

impl TerminalOutputs {
    /// The next thing. Answers to what was typed are not waited for: a program that ended says so. Cancel safe.
    pub async fn next(&mut self) -> FromTerminal {
        loop {
            match self.read.next().await {
                None => return FromTerminal::Lost,
                Some(Incoming::Notification(name, params)) if name == method::TERMINAL_OUTPUT => {
                    if let Ok(output) = serde_json::from_value::<TerminalOutput>(params) {
                        return FromTerminal::Output(output.text);
                    }
                }
                Some(Incoming::Notification(name, params)) if name == method::TERMINAL_ENDED => {
                    if let Ok(ended) = serde_json::from_value::<TerminalEnded>(params) {
                        return if ended.goes_on { FromTerminal::Stopping } else { FromTerminal::Ended(ended.reason) };
                    }
                }
                Some(Incoming::Notification(..) | Incoming::Answer(..)) => {}
            }
        }
    }
}

impl TerminalInputs {
    /// Types.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn type_in(&mut self, bytes: &[u8]) -> Result<(), CallError> {
        let terminal = self.terminal.clone();
        let input = match std::str::from_utf8(bytes) {
            Ok(text) => TerminalInput { terminal, text: text.to_owned(), bytes: Vec::new() },
            Err(_) => TerminalInput { terminal, text: String::new(), bytes: bytes.to_vec() },
        };
        self.send(method::TERMINAL_INPUT, &json!(input)).await
    }

    /// Tells the viewer's size.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn resize(&mut self, size: TerminalSize) -> Result<(), CallError> {
        let resize = TerminalResize { terminal: self.terminal.clone(), columns: size.columns, rows: size.rows };
        self.send(method::TERMINAL_RESIZE, &json!(resize)).await
    }

    async fn send(&mut self, method: &str, params: &Value) -> Result<(), CallError> {
        self.requests += 1;
        self.write.write_all(&request(self.requests, method, params)).await.map_err(|_| CallError::Lost)
    }
}
