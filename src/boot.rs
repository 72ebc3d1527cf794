//! Puts the layers together: the one file that may name all of them.
