//! Real editors, driven as a person drives them, against the real daemon.

mod code;
mod helix;
mod hx;
mod nvim_lsp;
mod stage;
mod three;
mod together;
mod vi;
mod vscode;
