//! The one binary.

use std::path::PathBuf;
use std::sync::Arc;

fn main() -> std::process::ExitCode {
    // Until the command line exists: the Neovim face over the socket that is named.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (Some("nvim"), Some(path)) = (arguments.first().map(String::as_str), std::env::var_os("DIVISI_SOCKET")) else {
        return std::process::ExitCode::from(2);
    };
    let backend = Arc::new(divisi::nvim::socket::SocketBackend { path: PathBuf::from(path) });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = runtime.and_then(|runtime| {
        let ended = runtime.block_on(divisi::nvim::run(backend));
        // Standard input is read by a thread that cannot be woken.
        runtime.shutdown_background();
        ended
    });
    if ended.is_ok() { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
