//! Face: Neovim.
