//! Sessions and approvals for people.

use crate::base::clock;
use crate::base::date;
use crate::cli::render::table::Table;
use crate::cli::render::{Line, Screen, Style, line, words};
use crate::model::approval::Approval;
use crate::model::attachment::Attachment;
use crate::model::evaluation::GateStanding;
use crate::model::landing::Preflight;
use crate::model::session::{SessionView, Setup};

/// The list, in the daemon's order.
pub(crate) fn list(screen: &Screen, sessions: &[SessionView], now: clock::Millis) {
    let mut table = Table::new(&["ID", "NAME", "STATE", "AGENT", "CHANGES", "COST", "AGE", "DOING"]);
    for view in sessions {
        let doing = view.reason.as_ref().or(view.activity.as_ref()).unwrap_or(&view.prompt);
        let name = if view.unread { Style::Bold } else { Style::Plain };
        table.row(vec![
            (Style::Dim, view.id.as_str().chars().take(6).collect()),
            (name, view.name.clone()),
            (words::state_style(view.state), words::state(view)),
            (Style::Plain, view.agent.clone()),
            (Style::Plain, words::stat(view.stat)),
            (Style::Dim, words::cost(&view.usage, 2)),
            (Style::Dim, words::age(view.updated_at, now)),
            (Style::Plain, doing.clone()),
        ]);
    }
    table.write(screen);
}

/// One session in full.
pub(crate) fn show(screen: &Screen, view: &SessionView, now: clock::Millis) {
    let field = |name: &str, style: Style, text: &str| {
        if !text.is_empty() {
            line(screen, &Line::new().add(Style::Dim, &format!("{name:<12}")).add(style, text));
        }
    };
    field("name", Style::Bold, &view.name);
    field("id", Style::Plain, view.id.as_str());
    field("state", words::state_style(view.state), &words::state(view));
    field("reason", Style::Bad, view.reason.as_deref().unwrap_or_default());
    let retry_at = view.turn.as_ref().and_then(|turn| turn.failure.as_ref()).and_then(|failure| failure.retry_at);
    if let Some(at) = retry_at.filter(|at| *at > now && view.reason.is_some()) {
        let left = date::length(at - now);
        field("retry", Style::Attention, &format!("at {}, in {left}: divisi send {}", date::minute(at), view.name));
    }
    field("doing", Style::Plain, view.activity.as_deref().unwrap_or_default());
    field("prompt", Style::Plain, &view.prompt);
    let asked = [&view.model, &view.mode].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    field("agent", Style::Plain, format!("{} {asked}", view.agent).trim_end());
    field("profile", Style::Plain, view.profile.as_deref().unwrap_or_default());
    field("repository", Style::Plain, &view.repository);
    field("worktree", Style::Plain, &view.worktree.path);
    field("branch", Style::Plain, words::branch(&view.worktree.branch));
    field("base", Style::Plain, &format!("{} ({})", view.worktree.base.label, view.worktree.base.commit.short()));
    field("changes", Style::Plain, &words::stat(view.stat));
    if let Some(evaluation) = &view.evaluation {
        let (style, text) = crate::cli::render::evaluation::line_of(evaluation);
        field("evaluation", style, &text);
    }
    field("context", Style::Plain, &words::context(&view.usage));
    field("created", Style::Plain, &format!("{} ago", words::age(view.created_at, now)));
    field("turns", Style::Plain, &view.turns.to_string());
    if let Setup::Failed { reason } = &view.setup {
        field("setup", Style::Bad, reason);
    }
    if view.setup == Setup::Untrusted {
        field("setup", Style::Attention, "not trusted: divisi trust");
    }
    field("mcp", Style::Plain, &view.mcp.join(" "));
    for entry in &view.plan {
        field("plan", Style::Plain, &format!("[{}] {}", entry.status, entry.content));
    }
    for option in &view.options {
        let choices = option.choices.iter().map(|choice| choice.id.as_str()).collect::<Vec<_>>().join(" ");
        field("option", Style::Plain, &format!("{} = {} ({choices})", option.id, option.current));
    }
    if !view.commands.is_empty() {
        let commands = view.commands.iter().map(|command| format!("/{}", command.name)).collect::<Vec<_>>();
        field("commands", Style::Plain, &commands.join(" "));
    }
    for prompt in &view.queue {
        let way = if prompt.steers.is_some() { "on its way " } else { "" };
        let files =
            if prompt.attachments.is_empty() { String::new() } else { format!(" [{}]", names(&prompt.attachments)) };
        field("waiting", Style::Plain, &format!("{} {way}{}{files}", prompt.id, prompt.text));
    }
    if view.approvals > 0 {
        field("approvals", Style::Attention, &format!("{}: divisi approvals {}", view.approvals, view.name));
    }
}

/// The names of attached files.
fn names(attachments: &[Attachment]) -> String {
    attachments.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Approvals with what can be answered; "always" is never first.
pub(crate) fn approvals(screen: &Screen, approvals: &[Approval], sessions: &[SessionView], now: clock::Millis) {
    for approval in approvals {
        let session = sessions
            .iter()
            .find(|view| view.id == approval.session)
            .map_or(approval.session.as_str(), |view| view.name.as_str());
        let asks = approval.command_line.as_ref().unwrap_or(&approval.tool.title);
        line(
            screen,
            &Line::new()
                .add(Style::Attention, approval.id.as_str())
                .add(Style::Dim, &format!("  {session}  {} ago  ", words::age(approval.asked_at, now)))
                .add(Style::Bold, &format!("{} ", approval.tool.kind))
                .add(Style::Plain, asks),
        );
        for place in &approval.tool.locations {
            line(screen, &Line::new().add(Style::Dim, &format!("  {}", place.path)));
        }
        let mut options: Vec<_> = approval.options.iter().collect();
        options.sort_by_key(|option| option.kind.contains("always"));
        for option in options {
            line(screen, &Line::new().add(Style::Dim, &format!("  --option {}  {}", option.id, option.name)));
        }
        line(screen, &Line::new().add(Style::Dim, &format!("  divisi answer {} once|reject|always", approval.id)));
    }
}

/// What a landing would meet.
pub(crate) fn preflight(screen: &Screen, found: &Preflight) {
    let say = |style: Style, text: &str| line(screen, &Line::new().add(style, text));
    say(
        Style::Plain,
        &format!("{} onto {} ({})", found.head.short(), words::branch(&found.onto), found.onto_commit.short()),
    );
    say(Style::Plain, &format!("ahead {}, behind {}, {}", found.ahead, found.behind, words::stat(found.stat)));
    if found.dirty {
        say(Style::Plain, "uncommitted changes become a checkpoint first");
    }
    for conflict in &found.conflicts {
        say(Style::Bad, &format!("conflicts with {}: {}", conflict.with, conflict.paths.join(", ")));
    }
    for overlap in &found.overlaps {
        say(Style::Attention, &format!("overlaps with session {}: {}", overlap.with, overlap.paths.join(", ")));
    }
    if let Some(checkout) = &found.checkout {
        let what = if checkout.clean { "follows the landing" } else { "has changes and is left alone" };
        say(Style::Plain, &format!("the checkout {} {what}", checkout.path));
    }
    if let Some(gates) = &found.gates {
        let required = gates.required.join(", ");
        let style = if gates.standing == GateStanding::Passed { Style::Good } else { Style::Attention };
        let standing = match gates.standing {
            GateStanding::Passed => "passed",
            GateStanding::Failed => "failed",
            GateStanding::Running => "being judged",
            GateStanding::Stale => "judged before the newest changes",
            GateStanding::Moved => "judged before the target moved",
            GateStanding::Unjudged => "not judged",
        };
        say(style, &format!("gates {} ({required}): {standing}", gates.suite));
        if let Some(asks) = &gates.asks {
            say(Style::Attention, &format!("look first: {asks}"));
        }
    }
    for blocker in &found.blockers {
        say(Style::Bad, &format!("blocked: {blocker}"));
    }
    if found.ready {
        say(Style::Good, "ready to land");
    }
}
