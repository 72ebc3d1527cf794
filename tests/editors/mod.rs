//! Real editors, driven as a person drives them, against the real daemon.

mod code;
mod vscode;
