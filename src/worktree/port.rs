//! Ports for what runs in a worktree (development servers, test databases): ten in a row, stable for the worktree's path.

/// Ports of one worktree.
pub const COUNT: u16 = 10;
/// The first port that is given out.
const FIRST: u16 = 20_000;
/// How many ranges there are.
const RANGES: u16 = 1_000;

/// The first of [`COUNT`] ports for a worktree: decided by its path, moved on while another live worktree has that range.
pub fn first_port(path: &str, taken: impl Fn(u16) -> bool) -> u16 {
    let start = u16::try_from(crc32fast::hash(path.as_bytes()) % u32::from(RANGES)).unwrap_or(0);
    (0..RANGES)
        .map(|step| FIRST + (start + step) % RANGES * COUNT)
        .find(|port| !taken(*port))
        .unwrap_or(FIRST + start * COUNT)
}

#[cfg(test)]
mod tests;
