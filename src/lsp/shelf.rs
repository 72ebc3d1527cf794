//! Views on disk: real files under the git directory, for editors that open nothing else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::view::{Draft, Page, View};
use crate::base::atomic_write::atomic_write;
use crate::model::Envelope;
use crate::model::id::Seq;
use crate::wire::transcript::Transcript;

/// A view that was opened, and its file.
#[derive(Debug)]
pub struct Open {
    /// Where it is.
    pub path: PathBuf,
    /// What it says now.
    pub page: Page,
    /// What it said before, the newest last: an editor that does not watch files still shows one of these.
    earlier: VecDeque<Page>,
    /// For transcripts.
    pub record: Option<Record>,
    /// For reports: what was answered last.
    pub answer: Option<Result<Value, String>>,
    /// Whether a report is being asked for.
    pub asking: bool,
    /// Whether the editor is to open it once there is something to read: not all editors see that a file changes.
    pub unseen: bool,
    nowhere: bool,
}

/// A transcript in the making.
#[derive(Debug, Default)]
pub struct Record {
    transcript: Transcript,
    lines: Vec<String>,
    /// The newest event in it.
    pub last: Seq,
    /// Whether its events are being read.
    pub reading: bool,
}

/// Earlier pages that are remembered.
const EARLIER: usize = 20;
/// A file of this size or larger gets no more lines at its beginning: a person reads the end.
const MOST: usize = 20_000;

impl Record {
    /// Adds events.
    pub fn add(&mut self, events: Vec<Envelope>) {
        for event in events {
            // Pages may overlap when they were asked for twice.
            if event.seq <= self.last {
                continue;
            }
            self.last = event.seq;
            for edit in self.transcript.push(&event) {
                edit.apply(&mut self.lines);
            }
        }
    }

    /// Its text, without its beginning when it is very long.
    pub fn text(&self) -> String {
        let cut = self.lines.len().saturating_sub(MOST);
        let mut text = if cut > 0 { format!("({cut} earlier lines: divisi log)\n") } else { String::new() };
        for line in &self.lines[cut..] {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// All views that were opened.
#[derive(Debug, Default)]
pub struct Shelf {
    open: BTreeMap<View, Open>,
    /// Files of prompts that were sent and that the editor still shows.
    sent: BTreeSet<PathBuf>,
    /// Whether files are only thought of.
    nowhere: bool,
}

impl Shelf {
    /// One that writes nothing.
    pub fn nowhere() -> Self {
        Self { nowhere: true, ..Self::default() }
    }

    /// Writes a file that is no view.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        if self.nowhere {
            return Ok(());
        }
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        atomic_write(path, text.as_bytes())
    }

    /// The views.
    pub fn views(&self) -> impl Iterator<Item = &View> {
        self.open.keys()
    }

    /// The views with their files.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&View, &mut Open)> {
        self.open.iter_mut()
    }

    /// A view by what it shows.
    pub fn get_mut(&mut self, view: &View) -> Option<&mut Open> {
        self.open.get_mut(view)
    }

    /// A view by its file.
    pub fn at(&self, path: &Path) -> Option<(&View, &Open)> {
        self.open.iter().find(|(_, open)| open.path == path)
    }

    /// Another view takes the file over.
    pub fn forget(&mut self, path: &Path) {
        self.open.retain(|_, open| open.path != path);
    }

    /// Makes a view's file, if it is not there, and returns its path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&mut self, view: View, path: PathBuf, page: Page) -> io::Result<PathBuf> {
        if let (Some(directory), false) = (path.parent(), self.nowhere) {
            fs::create_dir_all(directory)?;
        }
        let nowhere = self.nowhere;
        let record = matches!(view, View::Transcript(_)).then(Record::default);
        let open = self.open.entry(view).or_insert_with(|| Open {
            path: path.clone(),
            page: Page::default(),
            earlier: VecDeque::new(),
            record,
            answer: None,
            asking: false,
            unseen: false,
            nowhere,
        });
        open.path = path;
        open.write(page)?;
        Ok(open.path.clone())
    }

    /// A prompt went out of this file, which is for no other one. As long as the editor shows it the file stays, for an editor that
    /// looks for it would complain.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn sent(&mut self, path: &Path, shown: bool) -> io::Result<()> {
        self.open.retain(|view, open| open.path != path || !matches!(view, View::Prompt(_)));
        if shown {
            self.sent.insert(path.to_owned());
            return Ok(());
        }
        self.remove(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if self.nowhere { Ok(()) } else { fs::remove_file(path) }
    }

    /// The editor shows a file no more.
    ///
    /// # Errors
    /// When it was to be removed and cannot be.
    pub fn closed(&mut self, path: &Path) -> io::Result<()> {
        if self.sent.remove(path) { self.remove(path) } else { Ok(()) }
    }

    /// The editor is gone, and with it all that it showed.
    pub fn clear(&mut self) {
        for path in std::mem::take(&mut self.sent) {
            if let Err(error) = self.remove(&path) {
                tracing::warn!(%error, "the file of a prompt that was sent stays");
            }
        }
    }

    /// This path, or the next one with a number, that no prompt went out of.
    pub fn unsent(&self, path: PathBuf) -> PathBuf {
        if !self.sent.contains(&path) {
            return path;
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let numbered = |number: u32| path.with_file_name(format!("{stem}-{number}.md"));
        (2..1_000).map(numbered).find(|path| !self.sent.contains(path)).unwrap_or(path)
    }
}

impl Open {
    /// Writes what it says now, if it says something else or the file is gone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, page: Page) -> io::Result<()> {
        if !self.nowhere && (page.text != self.page.text || !self.path.exists()) {
            atomic_write(&self.path, page.text.as_bytes())?;
        }
        let before = std::mem::replace(&mut self.page, page);
        if before.text != self.page.text && !before.marks.is_empty() {
            self.earlier.push_back(before);
            if self.earlier.len() > EARLIER {
                self.earlier.pop_front();
            }
        }
        Ok(())
    }

    /// The page that an editor shows which has this text; the one of now where it has not told its text. None when the person wrote
    /// into it or it is too old: then nobody can say what its lines are about.
    pub fn page_of(&self, text: Option<&str>) -> Option<&Page> {
        let Some(text) = text else { return Some(&self.page) };
        std::iter::once(&self.page).chain(self.earlier.iter().rev()).find(|page| page.text == text)
    }
}

/// Where the views of the repository around a path are: `divisi/views` in its common git directory.
pub fn directory(path: &Path) -> Option<PathBuf> {
    let git = path.ancestors().map(|folder| folder.join(".git")).find(|git| git.exists())?;
    let common = if git.is_dir() {
        git
    } else {
        let text = fs::read_to_string(&git).ok()?;
        let own = git.parent()?.join(text.strip_prefix("gitdir:")?.trim());
        let common =
            fs::read_to_string(own.join("commondir")).map_or_else(|_| own.clone(), |text| own.join(text.trim()));
        common.canonicalize().ok()?
    };
    Some(common.join("divisi").join("views"))
}

/// A view's file in that directory. Names of sessions are plain (`git check-ref-format` saw them), but this does not rely on it.
pub fn file(directory: &Path, view: &View, name: &str) -> PathBuf {
    let plain = plain_of(name);
    directory.join(match view {
        View::Sessions => "sessions.md".to_owned(),
        View::Transcript(_) => format!("session-{plain}.md"),
        View::Review(_) => format!("review-{plain}.md"),
        View::Batch(id) => format!("batch-{}.md", plain_of(id.as_str())),
        View::Prompt(Draft::New(_)) => "prompt.md".to_owned(),
        View::Prompt(Draft::To(_)) => format!("prompt-{plain}.md"),
        View::Prompt(Draft::Comment(..)) => format!("comment-{plain}.md"),
        View::Report(report) => format!("{}.md", plain_of(&report.title)),
    })
}

/// A name as a file can have it.
pub(super) fn plain_of(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests;
