//! Delivers a batch to Neovim: one call per frame, each with a deadline, never while Neovim waits for a key.

use std::time::Duration;

use nvim_rs::Neovim;
use rmpv::Value as Pack;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::handler::Writer;
use super::msgpack;

/// The one way into Lua.
const DISPATCH: &str = "return require('divisi.rpc').dispatch(...)";
/// How long `nvim_get_mode`, which Neovim answers even at a prompt, may take before it is asked again.
const MODE_DEADLINE: Duration = Duration::from_secs(2);
/// How long Lua may take before the batch is sent again under the same number; Lua ignores a number it has seen.
const BATCH_DEADLINE: Duration = Duration::from_secs(5);
/// How often a Neovim at a prompt is looked at.
const BLOCKED: Duration = Duration::from_millis(30);

/// Neovim is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// Delivers batch `number`; returns when Lua has applied it.
///
/// # Errors
/// [`Gone`] when the connection to Neovim ended.
pub async fn deliver(nvim: Neovim<Writer>, number: u64, batch: Vec<Value>) -> Result<(), Gone> {
    let batch = Pack::Array(batch.into_iter().map(msgpack::from_json).collect());
    loop {
        match timeout(MODE_DEADLINE, nvim.call("nvim_get_mode", Vec::new())).await {
            Err(_) => continue,
            Ok(Err(_)) => return Err(Gone),
            Ok(Ok(mode)) if blocking(&mode) => {
                sleep(BLOCKED).await;
                continue;
            }
            Ok(Ok(_)) => {}
        }
        let args = vec![Pack::from(DISPATCH), Pack::Array(vec![Pack::from(number), batch.clone()])];
        match timeout(BATCH_DEADLINE, nvim.call("nvim_exec_lua", args)).await {
            Err(_) => tracing::warn!(number, "Neovim has not applied a batch in time; it is sent again"),
            Ok(Err(_)) => return Err(Gone),
            Ok(Ok(Err(error))) => {
                // Lua guards every entry by itself; an error here means the plugin is not there or broken.
                tracing::error!(number, %error, "a batch was not applied");
                return Ok(());
            }
            Ok(Ok(Ok(_))) => return Ok(()),
        }
    }
}

fn blocking(mode: &Result<Pack, Pack>) -> bool {
    let Ok(Pack::Map(entries)) = mode else { return false };
    entries.iter().any(|(key, value)| key.as_str() == Some("blocking") && value.as_bool() == Some(true))
}
