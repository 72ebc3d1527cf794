//! What happened, in a few words.

use super::line;
use crate::base::text::visible_line;
use crate::model::approval::Answer;
use crate::model::diff::DiffStat;
use crate::model::job::JobEnd;
use crate::model::landing::LandingState;
use crate::model::session::Setup;
use crate::model::turn::TurnOutcome;
use crate::model::worktree::WorktreeState;

pub(super) fn answered(answer: &Answer, by: &str) -> (char, String) {
    let by = visible_line(by, 40);
    match answer {
        Answer::Once => ('✓', format!("allowed once by {by}")),
        Answer::Always { .. } => ('✓', format!("allowed always by {by}")),
        Answer::Reject { message: None } => ('✗', format!("rejected by {by}")),
        Answer::Reject { message: Some(message) } => ('✗', format!("rejected by {by}: {}", line(message))),
    }
}

pub(super) fn worktree(state: WorktreeState, notes: &[String]) -> Option<String> {
    let notes = notes.iter().map(|note| line(note)).collect::<Vec<_>>().join("; ");
    match state {
        WorktreeState::Failed => {
            Some(format!("the worktree could not be made{}{notes}", if notes.is_empty() { "" } else { ": " }))
        }
        _ if notes.is_empty() => None,
        _ => Some(notes),
    }
}

pub(super) fn setup_line(setup: &Setup) -> Option<String> {
    match setup {
        Setup::None | Setup::Done => None,
        Setup::Running => Some("setup runs".to_owned()),
        Setup::Untrusted => Some(
            "the repository's setup commands did not run: its .divisi.toml is not trusted (divisi trust)".to_owned(),
        ),
        Setup::Failed { reason } => Some(format!("setup failed: {}", line(reason))),
    }
}

pub(super) fn job(end: &JobEnd) -> Option<String> {
    let leaked =
        |count: u32| if count == 0 { String::new() } else { format!("; {count} leftover processes were ended") };
    match end {
        JobEnd::Exited { code: 0, leaked: 0, .. }
        | JobEnd::Exited { stopped: true, leaked: 0, .. }
        | JobEnd::Signaled { stopped: true, leaked: 0, .. } => None,
        JobEnd::Exited { code, leaked: count, .. } => {
            Some(format!("the agent's process exited with {code}{}", leaked(*count)))
        }
        JobEnd::Signaled { signal, leaked: count, .. } => {
            Some(format!("signal {signal} ended the agent's process{}", leaked(*count)))
        }
        JobEnd::NotStarted { reason } => Some(format!("the agent could not be started: {}", line(reason))),
        JobEnd::Lost => Some("the agent's process was lost".to_owned()),
    }
}

pub(super) fn outcome_words(outcome: &TurnOutcome) -> String {
    match outcome {
        TurnOutcome::Done { stop_reason } => format!("done ({})", line(stop_reason)),
        TurnOutcome::Failed { reason } => format!("failed: {}", line(reason)),
        TurnOutcome::Interrupted { reason } => format!("interrupted: {}", line(reason)),
    }
}

pub(super) fn landing(state: &LandingState) -> Option<String> {
    match state {
        LandingState::Started => None,
        LandingState::Conflicted { paths } => {
            let paths = paths.iter().map(|path| line(path)).collect::<Vec<_>>().join(", ");
            Some(format!("landing stopped at conflicts in {paths}"))
        }
        LandingState::Completed { commit, checkout } if checkout.is_empty() => {
            Some(format!("landed as {}", commit.short()))
        }
        LandingState::Completed { commit, checkout } => {
            Some(format!("landed as {}; {}", commit.short(), line(checkout)))
        }
        LandingState::Failed { reason } => Some(format!("landing failed: {}", line(reason))),
        LandingState::Aborted => Some("landing given up".to_owned()),
    }
}

pub(super) fn stat(stat: DiffStat) -> String {
    let plural = if stat.files == 1 { "" } else { "s" };
    format!("{} file{plural}, +{} -{}", stat.files, stat.added, stat.removed)
}
