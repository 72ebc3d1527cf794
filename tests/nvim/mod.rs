//! The Neovim face in real Neovims: the newest and the oldest that is supported, against a daemon whose script the test
//! writes, and in `real` against the real one.

mod approvals;
mod attach;
mod batches;
mod boards;
pub(crate) mod editor;
mod fake;
mod flood;
mod hour;
mod hygiene;
mod ide;
mod install;
mod list;
mod live;
mod load;
mod looks;
mod parts;
mod picked;
mod prompt;
mod real;
mod review;
mod screens;
mod start;
mod steps;
mod terminal;
mod transcript;
mod twenty;
mod undisturbed;
mod verdict;
mod views;
mod vimdoc;
mod ways;
mod work;
mod worktrees;

/// Runs a test once in every Neovim that is installed, each within `OUTER` unless it says otherwise.
macro_rules! in_every_neovim {
    (async $($tests:tt)+) => { in_every_neovim! { within crate::nvim::editor::OUTER; async $($tests)+ } };
    (# $($tests:tt)+) => { in_every_neovim! { within crate::nvim::editor::OUTER; # $($tests)+ } };
    (within $within:expr; $($(#[$meta:meta])* async fn $name:ident($editor:ident) $body:block)+) => {$(
        $(#[$meta])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            for neovim in crate::nvim::editor::installed() {
                let test = async {
                    let $editor = crate::nvim::editor::Scene::new(&neovim).await;
                    $body
                };
                if tokio::time::timeout($within, test).await.is_err() {
                    panic!("{} did not finish in {}", stringify!($name), neovim.display());
                }
            }
        }
    )+};
}
use in_every_neovim;
