//! Programs with an interface of their own: sessions whose agent is on a terminal, and who looks at it.

mod moved;
mod scene;
mod turns;
mod viewers;
