//! divisi.
