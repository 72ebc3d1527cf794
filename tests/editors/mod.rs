//! Real editors, driven as a person drives them, against the real daemon.

mod code;
mod commands;
mod explorer;
mod helix;
mod hx;
mod nvim_lsp;
mod stage;
mod three;
mod together;
mod trust;
mod vi;
mod vscode;
