//! `divisi answer`: once, reject, always.

use clap::ValueEnum;

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::Refusal;
use crate::model::approval::{AlwaysScope, Answer, Approval, RuleMatcher, RuleReach};
use crate::model::command::{AnswerApproval, Command};
use crate::model::id::ApprovalId;
use crate::model::query::{ListApprovals, Query};

/// Answer a permission request
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi answer k3f9 once
  divisi answer k3f9 reject --message 'use the existing helper'
  divisi answer k3f9 always --scope 'prefix:cargo test' --repository")]
pub(crate) struct Args {
    /// The approval: its id or the beginning of it
    approval: String,
    /// The answer
    #[arg(value_enum)]
    answer: Word,
    /// With reject: what the agent is told
    #[arg(long)]
    message: Option<String>,
    /// With always: what it matches (exact, prefix:TEXT or tool); without it, exactly this
    #[arg(long)]
    scope: Option<String>,
    /// With always: in every session of the repository, not only in this one
    #[arg(long)]
    repository: bool,
    /// For questions: the option to choose
    #[arg(long, value_name = "ID")]
    option: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Word {
    /// Allow this one
    Once,
    /// Do not allow it
    Reject,
    /// Allow it and what the scope matches
    Always,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    if args.message.is_some() && args.answer != Word::Reject {
        return Err(Refusal::user("--message goes with reject"));
    }
    if (args.scope.is_some() || args.repository) && args.answer != Word::Always {
        return Err(Refusal::user("--scope and --repository go with always"));
    }
    let mut door = context.door().await?;
    let open: Vec<Approval> = door.query(Query::ListApprovals(ListApprovals::default())).await?;
    let approval = matching(&open, &args.approval)?;
    let answer = match args.answer {
        Word::Once => Answer::Once,
        Word::Reject => Answer::Reject { message: args.message },
        Word::Always => Answer::Always { scope: scope(args.scope.as_deref(), args.repository, approval)? },
    };
    // One that is not open is left to the daemon, which knows who answered it.
    let id = approval.map_or_else(|| ApprovalId(args.approval.clone()), |approval| approval.id.clone());
    door.submit(Command::AnswerApproval(AnswerApproval { approval: id.clone(), answer, option: args.option })).await?;
    render::text(&format!("answered {id}"));
    Ok(Exit::Done)
}

fn matching<'a>(open: &'a [Approval], reference: &str) -> Result<Option<&'a Approval>, Refusal> {
    let found: Vec<_> = open.iter().filter(|approval| approval.id.as_str().starts_with(reference)).collect();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        [..] => Err(Refusal::user(format!("`{reference}` is the beginning of {} approvals", found.len()))
            .hint("divisi approvals")),
    }
}

/// What an "always" reaches; absent: the daemon's default, exactly this in this session.
fn scope(given: Option<&str>, repository: bool, approval: Option<&Approval>) -> Result<Option<AlwaysScope>, Refusal> {
    if given.is_none() && !repository {
        return Ok(None);
    }
    let approval =
        approval.ok_or_else(|| Refusal::conflict("the approval is not open any more").hint("divisi approvals"))?;
    let exact = || approval.command_line.clone().unwrap_or_else(|| approval.tool.title.clone());
    let matcher = match given {
        None | Some("exact") => RuleMatcher::Exact(exact()),
        Some("tool") => RuleMatcher::Tool(approval.tool.name.clone().unwrap_or_else(|| approval.tool.kind.clone())),
        Some(other) => match other.strip_prefix("prefix:") {
            Some(prefix) if !prefix.trim().is_empty() => RuleMatcher::Prefix(prefix.to_owned()),
            _ => {
                return Err(
                    Refusal::user(format!("failed to read --scope {other}")).hint("--scope exact|prefix:TEXT|tool")
                );
            }
        },
    };
    let reach = if repository { RuleReach::Repository } else { RuleReach::Session };
    Ok(Some(AlwaysScope { matcher, reach }))
}
