use super::{COUNT, first_port};

#[test]
fn a_path_keeps_its_ports() {
    let port = first_port("/repo/.worktrees/fix", |_| false);
    assert_eq!(port, first_port("/repo/.worktrees/fix", |_| false));
    assert!((20_000..30_000).contains(&port));
    assert_eq!(port % COUNT, 0);
}

#[test]
fn live_worktrees_do_not_share_ports() {
    let first = first_port("/repo/.worktrees/fix", |_| false);
    let second = first_port("/repo/.worktrees/fix", |port| port == first);
    assert_ne!(first, second);
    assert_eq!(second % COUNT, 0);
}
