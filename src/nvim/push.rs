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
        match within(MODE_DEADLINE, &nvim, "nvim_get_mode", Vec::new()).await? {
            None => continue,
            Some(mode) if blocking(&mode) => {
                sleep(BLOCKED).await;
                continue;
            }
            Some(_) => {}
        }
        let args = vec![Pack::from(DISPATCH), Pack::Array(vec![Pack::from(number), batch.clone()])];
        match within(BATCH_DEADLINE, &nvim, "nvim_exec_lua", args).await? {
            None => tracing::warn!(number, "Neovim has not applied a batch in time; it is sent again"),
            Some(Err(error)) => {
                // Lua guards every entry by itself; an error here means the plugin is not there or broken.
                tracing::error!(number, %error, "a batch was not applied");
                return Ok(());
            }
            Some(Ok(_)) => return Ok(()),
        }
    }
}

/// Calls Neovim and waits for so long; `None` when the answer takes longer.
///
/// The call goes on in a task of its own: nvim-rs ends the whole connection when an answer finds nobody who waits for it.
async fn within(
    deadline: Duration,
    nvim: &Neovim<Writer>,
    method: &'static str,
    args: Vec<Pack>,
) -> Result<Option<Result<Pack, Pack>>, Gone> {
    let nvim = nvim.clone();
    let call = tokio::spawn(async move { nvim.call(method, args).await });
    match timeout(deadline, call).await {
        Err(_) => Ok(None),
        Ok(Ok(Ok(answer))) => Ok(Some(answer)),
        Ok(Ok(Err(_)) | Err(_)) => Err(Gone),
    }
}

fn blocking(mode: &Result<Pack, Pack>) -> bool {
    let Ok(Pack::Map(entries)) = mode else { return false };
    entries.iter().any(|(key, value)| key.as_str() == Some("blocking") && value.as_bool() == Some(true))
}
