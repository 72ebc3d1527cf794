//! Views as Markdown: what an editor without virtual documents opens as files. Pure: state in, text and marks out.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::diagnostics::title;
use super::state::{Changes, State};
use crate::base::text::{visible, visible_line};
use crate::model::diff::{FileStatus, HunkDecision};
use crate::model::id::{ApprovalId, BatchId, HunkId, SessionId};
use crate::model::session::SessionView;

/// Which view.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// All sessions, and what they ask.
    Sessions,
    /// What a session said.
    Transcript(SessionId),
    /// What a session changed, hunk by hunk.
    Review(SessionId),
    /// A batch and its runs.
    Batch(BatchId),
    /// Where something is written.
    Prompt(Draft),
    /// What the daemon answers to a query.
    Report(Report),
}

/// What is being written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Draft {
    /// The first prompt of a session in this folder.
    New(PathBuf),
    /// A prompt for a session.
    To(SessionId),
    /// A comment on a line of a file of a session, one-based.
    Comment(SessionId, String, u32),
}

impl Draft {
    /// The session it is for.
    pub fn session(&self) -> Option<&SessionId> {
        match self {
            Self::New(_) => None,
            Self::To(session) | Self::Comment(session, ..) => Some(session),
        }
    }
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Report {
    /// Its heading, and its file's name.
    pub title: String,
    /// The wire's method.
    pub method: &'static str,
    /// Its parameters, JSON.
    pub params: String,
}

/// What a line of a view is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// A session.
    Session(SessionId),
    /// An open approval.
    Approval(ApprovalId),
    /// A batch.
    Batch(BatchId),
    /// A repository's settings, to be trusted: its path, and the digest of what is shown.
    Trust(String, String),
    /// A hunk.
    Hunk(SessionId, HunkId, Option<HunkDecision>),
}

/// A text with what its lines are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Markdown.
    pub text: String,
    /// First and last line, zero-based, and what they are about; the more exact ones come later.
    pub marks: Vec<((u32, u32), Mark)>,
}

impl Page {
    pub(super) fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    pub(super) fn at(&self) -> u32 {
        u32::try_from(self.text.matches('\n').count()).unwrap_or(u32::MAX)
    }

    pub(super) fn mark(&mut self, first: u32, mark: Mark) {
        self.marks.push(((first, self.at().saturating_sub(1).max(first)), mark));
    }

    /// What the lines of a range are about.
    pub fn marked(&self, first: u32, last: u32) -> impl Iterator<Item = &Mark> {
        self.marks.iter().filter(move |((from, to), _)| *from <= last && first <= *to).map(|(_, mark)| mark)
    }
}

/// All sessions, those that need a person first.
pub fn sessions(state: &State) -> Page {
    let mut page = Page::default();
    page.line("# divisi: sessions");
    page.line("");
    page.line("Code actions on a line: transcript, review, land, stop, and the answers to what is asked.");
    if !state.connected {
        page.line("");
        page.line("**No connection to the daemon.** It is tried again.");
    }
    if state.sessions.is_empty() {
        page.line("");
        page.line("No sessions. The command `divisi.prompt` opens a file to write the first prompt in.");
    }
    for view in state.sorted() {
        page.line("");
        let first = page.at();
        let unread = if view.unread { " (new)" } else { "" };
        page.line(&format!("## {}: {}{unread}", visible_line(&view.name, 60), view.state.phrase()));
        page.line("");
        let branch = view.worktree.branch.strip_prefix("refs/heads/").unwrap_or(&view.worktree.branch);
        page.line(&format!(
            "{} on `{}`, {} files +{} -{}",
            visible_line(&view.agent, 40),
            visible_line(branch, 120),
            view.stat.files,
            view.stat.added,
            view.stat.removed
        ));
        for words in [&view.activity, &view.reason].into_iter().flatten() {
            page.line(&format!("{}  ", visible_line(words, 200)));
        }
        page.line(&format!("> {}", visible_line(&view.prompt, 200)));
        page.mark(first, Mark::Session(view.id.clone()));
        for approval in state.waiting(&view.id) {
            page.line("");
            let first = page.at();
            page.line(&format!("- [ ] asks: `{}`", title(approval).replace('`', "'")));
            page.mark(first, Mark::Approval(approval.id.clone()));
        }
    }
    page
}

/// A session's changes, each hunk with its mark.
pub fn review(view: &SessionView, changes: Option<&Changes>) -> Page {
    let mut page = Page::default();
    page.line(&format!("# Review of {}", visible_line(&view.name, 60)));
    page.line("");
    let first = page.at();
    page.line(&format!("{}; base {}", view.state.phrase(), visible_line(&view.worktree.base.label, 60)));
    page.mark(first, Mark::Session(view.id.clone()));
    let Some(changes) = changes else {
        page.line("");
        page.line("The changes are being read.");
        return page;
    };
    let hunks = || changes.diff.files.iter().flat_map(|file| &file.hunks);
    let decided = hunks().filter(|hunk| hunk.decision.is_some()).count();
    let stat = changes.diff.stat;
    page.line("");
    page.line(&format!(
        "{} files, +{} -{}; {decided} of {} hunks decided.",
        stat.files,
        stat.added,
        stat.removed,
        hunks().count()
    ));
    page.line("Code actions on a hunk: accept, reject, take back; here: land.");
    if let Some(preflight) = &changes.preflight {
        for blocker in &preflight.blockers {
            page.line(&format!("- not ready to land: {}", visible_line(blocker, 200)));
        }
    }
    for file in &changes.diff.files {
        page.line("");
        let what = match file.status {
            FileStatus::Added => " (new)",
            FileStatus::Deleted => " (deleted)",
            FileStatus::Renamed => " (renamed)",
            FileStatus::TypeChanged => " (type or mode)",
            FileStatus::Modified => "",
        };
        page.line(&format!("## {}{what}", visible_line(&file.path, 300)));
        if file.binary {
            page.line("");
            page.line("Binary.");
        }
        for hunk in &file.hunks {
            page.line("");
            let first = page.at();
            let decision = match hunk.decision {
                Some(HunkDecision::Accepted) => "accepted",
                Some(HunkDecision::Rejected) => "rejected",
                None => "undecided",
            };
            page.line(&format!("### line {}: {decision}", hunk.new_start.max(1)));
            let fence = fence(&hunk.lines);
            page.line(&format!("{fence}diff"));
            for line in &hunk.lines {
                page.line(&visible(line).replace('\n', " "));
            }
            page.line(&fence);
            page.mark(first, Mark::Hunk(view.id.clone(), hunk.id.clone(), hunk.decision));
        }
    }
    page
}

/// A fence that no line of a block can close.
fn fence(lines: &[String]) -> String {
    let longest = lines
        .iter()
        .map(|line| line.chars().skip(1).skip_while(|c| c.is_whitespace()).take_while(|&c| c == '`').count())
        .max();
    "`".repeat(longest.unwrap_or(0).max(2) + 1)
}

/// The line below which a prompt is written.
pub const CUT: &str = "<!-- Everything below this line is sent, by a code action here. -->";

/// A file to write something in.
pub fn prompt(draft: &Draft, view: Option<&SessionView>, about: &str) -> String {
    let mut text = String::new();
    let name = view.map_or_else(String::new, |view| visible_line(&view.name, 60));
    let heading = match draft {
        Draft::New(folder) => format!("New session in {}", visible_line(&folder.to_string_lossy(), 200)),
        Draft::To(_) => format!("To {name}"),
        Draft::Comment(_, path, line) => format!("Comment for {name} on {}:{line}", visible_line(path, 200)),
    };
    // Writing to a String cannot fail.
    let _ = write!(text, "# {heading}\n\n{CUT}\n\n{about}");
    text
}

/// The prompt in such a file.
pub fn prompt_of(text: &str) -> &str {
    text.split_once(CUT).map_or(text, |(_, prompt)| prompt).trim()
}

#[cfg(test)]
mod tests;
