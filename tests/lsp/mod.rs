//! The language server over its standard input and output, with a real daemon: `divisi lsp` as an editor starts it.

mod batches;
pub(crate) mod client;
mod company;
mod documents;
mod explorer;
mod loops;
mod manners;
mod mutated;
mod own;
mod words;
