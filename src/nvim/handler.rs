//! What Neovim sends: decoded and enqueued, nothing else, so that Neovim never waits and order is kept.

use async_trait::async_trait;
use nvim_rs::compat::tokio::Compat;
use nvim_rs::{Handler, Neovim};
use rmpv::Value as Pack;
use serde_json::Value;
use tokio::sync::mpsc;

use super::msgpack;

/// One request of the Lua side, answered by a `result` in a later batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The Lua side's number of it.
    pub id: u64,
    /// A method of the wire, or one of this process (`host/status`, `host/wake`, `transcript/open`, `transcript/close`).
    pub method: String,
    /// Its parameters.
    pub params: Value,
}

/// How this process writes to Neovim: its standard output.
pub type Writer = Compat<tokio::fs::File>;

/// The door for notifications from Neovim.
#[derive(Debug, Clone)]
pub struct Door {
    /// Where requests go.
    pub asks: mpsc::UnboundedSender<Ask>,
}

#[async_trait]
impl Handler for Door {
    type Writer = Writer;

    async fn handle_notify(&self, name: String, args: Vec<Pack>, _nvim: Neovim<Writer>) {
        if let Some(ask) = decode(&name, &args) {
            // The loop that reads them ends only with this process.
            drop(self.asks.send(ask));
        } else {
            tracing::warn!(name, "a notification that nobody understands");
        }
    }
}

/// `request(id, method, params)`; an empty Lua table is an empty array on the wire and means no parameters.
pub fn decode(name: &str, args: &[Pack]) -> Option<Ask> {
    let ("request", [id, method, rest @ ..]) = (name, args) else { return None };
    let params = match rest.first().map(msgpack::to_json) {
        Some(Value::Object(params)) => Value::Object(params),
        _ => Value::Object(serde_json::Map::new()),
    };
    Some(Ask { id: id.as_u64()?, method: method.as_str()?.to_owned(), params })
}

#[cfg(test)]
mod tests;
