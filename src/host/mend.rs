//! Damage in the projection, contained: what the events still tell is made again, a session for which they do not is left out, and nobody
//! else notices.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::port::{DamagedRow, Row, Store, Table};
use crate::host::rebuild::{self, Replay};
use crate::host::registry::Registry;
use crate::model::Refusal;
use crate::model::id::SessionId;
use crate::model::query::Finding;
use crate::model::worktree::Worktree;

/// What was found damaged at the start, and what became of it.
#[derive(Debug, Default)]
pub(crate) struct Mends {
    /// What was made again from the events, one sentence each.
    pub(crate) mended: Vec<String>,
    /// The rows of that, still to be written.
    pub(crate) rows: Vec<Row>,
    /// Sessions that are not used, because neither their rows nor their events tell what they are.
    pub(crate) left_out: BTreeMap<SessionId, LeftOut>,
}

/// A session that is in the database but damaged there.
#[derive(Debug, Clone)]
pub(crate) struct LeftOut {
    /// Its id.
    pub(crate) id: SessionId,
    /// Its name, when that is still known.
    pub(crate) name: Option<String>,
    /// What is damaged.
    pub(crate) why: String,
    /// Its worktree, when that is still known: nobody else's, and not to be cleared away.
    pub(crate) worktree: Option<Worktree>,
}

impl LeftOut {
    fn shown(&self) -> String {
        match &self.name {
            Some(name) => format!("'{}' ({})", crate::base::text::visible_line(name, 60), self.id),
            None => self.id.to_string(),
        }
    }

    /// Why it cannot be used.
    pub(crate) fn refusal(&self) -> Refusal {
        Refusal::environment(format!("cannot use session {}: it is damaged in the database", self.shown()))
            .hint("divisi doctor")
    }

    /// The sentence for events and the log.
    pub(crate) fn sentence(&self) -> String {
        format!("session {} is left out: {}; its events are damaged too", self.shown(), self.why)
    }

    /// What doctor says.
    fn finding(&self) -> Finding {
        let kept = match &self.worktree {
            Some(worktree) => format!(
                "its files are as they were in {} (branch {}): commit there what you need; `git -C {} branch` lists the branches",
                worktree.path, worktree.branch, worktree.repository
            ),
            None => "look for its worktree with `git worktree list`".to_owned(),
        };
        Finding {
            kind: "session".to_owned(),
            level: "error".to_owned(),
            message: self.sentence(),
            repository: self.worktree.as_ref().map(|worktree| worktree.repository.clone()),
            subject: self.worktree.as_ref().map(|worktree| worktree.path.clone()),
            fix: None,
            hint: Some(format!("{kept}; or restore the database from a copy")),
        }
    }
}

impl Mends {
    /// What doctor says about all this.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mended = self.mended.iter().map(|what| Finding {
            kind: "database".to_owned(),
            level: "warning".to_owned(),
            message: what.clone(),
            repository: None,
            subject: None,
            fix: None,
            hint: Some("nothing is lost; check the disk, and copy the database somewhere safe".to_owned()),
        });
        self.left_out.values().map(LeftOut::finding).chain(mended).collect()
    }
}

/// Puts what the events tell in the place of what is damaged.
///
/// # Errors
/// When the events cannot be read at all.
pub(crate) fn mend(registry: &mut Registry, store: &dyn Store, damaged: &[(Table, DamagedRow)]) -> Result<(), Refusal> {
    let replay = rebuild::replay(store, |table| {
        matches!(
            table,
            Table::Sessions
                | Table::Approvals
                | Table::Jobs
                | Table::Rules
                | Table::Trust
                | Table::Names
                | Table::Worktrees
                | Table::Batches
                | Table::Runs
                | Table::Contests
        )
    })?;
    for (table, row) in damaged {
        // What belongs to one session is that session's trouble; rules, trust and names are made again as far as the events tell.
        let owner = matches!(table, Table::Sessions | Table::Approvals | Table::Jobs)
            .then(|| owner(*table, row, &replay))
            .flatten();
        if let Some(owner) = &owner
            && !tells(&replay, owner)
        {
            leave_out(registry, store, &replay, owner, &row.what);
        } else {
            registry.mends.mended.push(format!("{}: {} - made again from the events", store.path(), row.what));
            let key = (*table, row.key.clone().unwrap_or_default());
            registry.mends.rows.extend(replay.rows.get(&key).cloned());
            if *table == Table::Batches {
                // In an older database they stood in this row, which could not be taken apart.
                let of_batch = |row: &&Row| {
                    row.table == Table::Contests && row.session.as_ref().map(SessionId::as_str) == Some(key.1.as_str())
                };
                registry.mends.rows.extend(replay.rows.values().filter(of_batch).cloned());
            }
        }
    }
    // Not only the damaged keys: when it is the key that is damaged, the events know the right one.
    let left: BTreeSet<SessionId> = registry.mends.left_out.keys().cloned().collect();
    let Registry { sessions, approvals, jobs, rules, trust, named, batches, .. } = replay.registry;
    if damaged.iter().any(|(table, _)| matches!(table, Table::Batches | Table::Runs | Table::Contests)) {
        registry.batches = batches;
    }
    for (id, session) in sessions {
        if !left.contains(&id) {
            registry.sessions.entry(id).or_insert(session);
        }
    }
    for (id, approval) in approvals {
        if registry.sessions.contains_key(&approval.session) {
            registry.approvals.entry(id).or_insert(approval);
        }
    }
    for (id, job) in jobs {
        if registry.sessions.contains_key(&job.session) {
            registry.jobs.entry(id).or_insert(job);
        }
    }
    if damaged.iter().any(|(table, _)| *table == Table::Rules) {
        registry.rules = rules;
    }
    for (key, value) in trust {
        registry.trust.entry(key).or_insert(value);
    }
    for (key, value) in named {
        registry.named.entry(key).or_insert(value);
    }
    // Nobody can answer or follow what belongs to a session that is not there.
    registry.approvals.retain(|_, approval| !left.contains(&approval.session));
    registry.jobs.retain(|_, job| !left.contains(&job.session));
    Ok(())
}

/// The session that a damaged row belongs to.
fn owner(table: Table, row: &DamagedRow, replay: &Replay) -> Option<SessionId> {
    let key = row.key.as_ref()?;
    let told = replay.rows.get(&(table, key.clone())).and_then(|row| row.session.clone());
    told.or_else(|| row.session.clone()).or_else(|| (table == Table::Sessions).then(|| SessionId(key.clone())))
}

/// Whether the events tell a session whole: none of its own is damaged, and none that could be its own.
fn tells(replay: &Replay, id: &SessionId) -> bool {
    let known = |id: &SessionId| replay.rows.contains_key(&(Table::Sessions, id.0.clone()));
    known(id)
        && replay.holes.iter().all(|hole| match &hole.session {
            Some(session) => session != id && known(session),
            None => false,
        })
}

fn leave_out(registry: &mut Registry, store: &dyn Store, replay: &Replay, id: &SessionId, why: &str) {
    let kept = store.row(Table::Worktrees, id.as_str()).ok().flatten();
    let told = replay.rows.get(&(Table::Worktrees, id.0.clone())).cloned();
    let worktree = kept.or(told).and_then(|row| serde_json::from_str::<Worktree>(&row.doc?).ok());
    let name = registry.named.iter().find(|(_, named)| *named == id);
    let name = name.and_then(|(key, _)| key.split_once('\n')).map(|(_, name)| name.to_owned());
    registry.sessions.remove(id);
    let left = LeftOut { id: id.clone(), name, why: why.to_owned(), worktree };
    registry.mends.left_out.entry(id.clone()).or_insert(left);
}
