//! Real editors, driven as a person drives them, against the real daemon.

mod helix;
mod hx;
mod nvim_lsp;
mod stage;
mod together;
mod code;
mod vscode;
