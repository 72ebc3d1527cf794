//! Remembered answers: what a rule matches, and what the agent is told.

use crate::model::Refusal;
use crate::model::approval::{
    AlwaysScope, Answer, Approval, ApprovalKind, ApprovalOption, Rule, RuleMatcher, RuleReach,
};

/// Characters with which a shell does more than run one program with its arguments.
const SHELL_SYNTAX: &[char] =
    &[';', '&', '|', '<', '>', '`', '$', '(', ')', '{', '}', '\\', '#', '!', '\n', '\r', '\0'];

/// The first rule that allows what an approval asks for, in a repository.
pub fn covering<'a>(
    rules: impl IntoIterator<Item = &'a Rule>,
    approval: &Approval,
    common_dir: &str,
) -> Option<&'a Rule> {
    rules.into_iter().find(|rule| matches(rule, approval, common_dir))
}

/// Whether a rule allows what an approval asks for. Questions are never answered by a rule.
pub fn matches(rule: &Rule, approval: &Approval, common_dir: &str) -> bool {
    let reaches = match rule.scope.reach {
        RuleReach::Session => rule.session == approval.session,
        RuleReach::Repository => rule.common_dir == common_dir,
    };
    reaches && approval.kind == ApprovalKind::Permission && scope_matches(&rule.scope.matcher, approval)
}

fn scope_matches(matcher: &RuleMatcher, approval: &Approval) -> bool {
    match (matcher, subject(approval)) {
        (RuleMatcher::Exact(exact), Some(subject)) => !exact.is_empty() && subject == exact,
        (RuleMatcher::Exact(_), None) => false,
        (RuleMatcher::Prefix(prefix), _) => {
            approval.command_line.as_deref().is_some_and(|line| begins_with(line, prefix))
        }
        (RuleMatcher::Tool(tool), _) => !tool.is_empty() && tool_name(approval) == tool,
    }
}

/// What an exact rule is compared with: the command line, else the title. A program that is to be run without saying which has none:
/// its title is only what the agent calls it.
fn subject(approval: &Approval) -> Option<&str> {
    match &approval.command_line {
        Some(line) => Some(line),
        None if approval.tool.kind == "execute" => None,
        None => Some(&approval.tool.title),
    }
}

/// The tool's name, else its kind.
fn tool_name(approval: &Approval) -> &str {
    approval.tool.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&approval.tool.kind)
}

/// Whether a command line is a prefix with further arguments and nothing else: `git status` covers `git status -s`, not
/// `git statusx`, and not `git status; rm -rf /`.
fn begins_with(line: &str, prefix: &str) -> bool {
    let prefix = prefix.trim();
    let line = line.trim_matches([' ', '\t']);
    // After an open quote the rest would mean something else than it says.
    if prefix.is_empty() || prefix.matches('"').count() % 2 == 1 || prefix.matches('\'').count() % 2 == 1 {
        return false;
    }
    match line.strip_prefix(prefix) {
        Some("") => true,
        Some(rest) => rest.starts_with([' ', '\t']) && !rest.contains(SHELL_SYNTAX),
        None => false,
    }
}

/// How far an "always" without a scope reaches: this exact command line (else this title, else this tool), in this session.
pub fn default_scope(approval: &Approval) -> AlwaysScope {
    let matcher = match subject(approval) {
        Some(subject) if !subject.is_empty() => RuleMatcher::Exact(subject.to_owned()),
        _ => RuleMatcher::Tool(tool_name(approval).to_owned()),
    };
    AlwaysScope { matcher, reach: RuleReach::Session }
}

/// The agent's option for an answer; absent: the request is cancelled, which every agent takes for a no. `wanted` is the id of the
/// option the person chose, if they chose one themselves.
///
/// An "always" is told to the agent as allowing once where it offers that: divisi remembers the rule itself, shows it and can forget
/// it. A "once" is never told as an "always".
///
/// # Errors
/// When the wanted option does not exist or says the opposite of the answer, or a question is to be answered without an option.
pub fn choose<'a>(approval: &'a Approval, answer: &Answer, wanted: Option<&str>) -> Result<Option<&'a str>, Refusal> {
    if let Some(wanted) = wanted {
        return wanted_option(approval, answer, wanted).map(Some);
    }
    let first =
        |kind: &str| approval.options.iter().find(|option| option.kind == kind).map(|option| option.id.as_str());
    match answer {
        Answer::Reject { .. } => Ok(first("reject_once").or_else(|| first("reject_always"))),
        Answer::Once | Answer::Always { .. } => {
            let chosen = first("allow_once").or_else(|| match answer {
                Answer::Always { .. } => first("allow_always"),
                Answer::Once | Answer::Reject { .. } => None,
            });
            match chosen {
                Some(id) => Ok(Some(id)),
                None => {
                    Err(no_such_option(approval, "the agent offers several choices and none of them is a plain yes"))
                }
            }
        }
    }
}

fn wanted_option<'a>(approval: &'a Approval, answer: &Answer, wanted: &str) -> Result<&'a str, Refusal> {
    let Some(option) = approval.options.iter().find(|option| option.id == wanted) else {
        return Err(no_such_option(approval, &format!("the agent offers no option {wanted:?}")));
    };
    let rejects = option.kind.starts_with("reject");
    let allows = option.kind.starts_with("allow");
    let said_no = matches!(answer, Answer::Reject { .. });
    if (said_no && allows) || (!said_no && rejects) || (matches!(answer, Answer::Once) && option.kind == "allow_always")
    {
        return Err(no_such_option(
            approval,
            &format!("the option {wanted:?} is of kind {} and not what the answer says", option.kind),
        ));
    }
    Ok(&option.id)
}

fn no_such_option(approval: &Approval, why: &str) -> Refusal {
    let describe = |option: &ApprovalOption| format!("{} ({}, {})", option.id, option.name, option.kind);
    let offered = approval.options.iter().map(describe).collect::<Vec<_>>().join("; ");
    Refusal::user(format!("failed to answer approval {}: {why}", approval.id))
        .hint(format!("name one of these options: {offered}"))
}

#[cfg(test)]
mod tests;
