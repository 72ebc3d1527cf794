//! Paths of a session's own worktree, named from there: where the worktree itself is says nothing to whoever reads a transcript.

use crate::model::Event;
use crate::model::agent::ToolCall;

/// Names what a tool call or a question is about from the worktree `root` on; everything else stays.
pub(super) fn name_from(root: &str, event: &mut Event) {
    let prefix = format!("{}/", root.trim_end_matches('/'));
    match event {
        Event::AgentTool { call, .. } => shorten(&prefix, call),
        Event::ApprovalRequested(approval) => shorten(&prefix, &mut approval.tool),
        _ => {}
    }
}

fn shorten(prefix: &str, call: &mut ToolCall) {
    if call.title.contains(prefix) {
        call.title = call.title.replace(prefix, "");
    }
    let diffs = call.diffs.iter_mut().map(|diff| &mut diff.path);
    for path in diffs.chain(call.locations.iter_mut().map(|place| &mut place.path)) {
        if let Some(inside) = path.strip_prefix(prefix) {
            *path = inside.to_owned();
        }
    }
}
