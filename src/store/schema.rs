//! Numbered migrations, and the copy that is kept before one runs.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::model::Refusal;
use crate::store::lock::beside;
use crate::store::moved;
use crate::store::open::{trouble, unusable};

/// The steps; the number of steps taken is the database's `user_version`.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_events_and_rows.sql"),
    include_str!("migrations/0002_indexes.sql"),
    include_str!("migrations/0003_batches.sql"),
    include_str!("migrations/0004_contests.sql"),
];

/// The step after which contests have a table of their own.
const CONTESTS: usize = 4;

/// `application_id` of a divisi database: the letters `divs`.
pub(super) const APPLICATION_ID: i64 = 0x6469_7673;

/// Brings a database up to date. A database with data is copied to `<database>.v<N>.bak` first.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Refusal> {
    let version = version(connection, path)?;
    let newest = MIGRATIONS.len();
    if version == newest {
        return Ok(());
    }
    if version > 0 {
        back_up(connection, path, version)?;
    }
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(version) {
        let number = step + 1;
        apply(connection, sql, number).map_err(|error| {
            Refusal::environment(format!(
                "failed to bring the database {} to version {number}: {error}",
                path.display()
            ))
            .hint("nothing was changed; free some disk space or repair the cause, then try again")
        })?;
    }
    Ok(())
}

/// Checks whose database it is and which version, without changing anything.
fn version(connection: &Connection, path: &Path) -> Result<usize, Refusal> {
    let pragma = |name: &str| -> Result<i64, Refusal> {
        connection.pragma_query_value(None, name, |row| row.get(0)).map_err(|error| trouble(path, &error))
    };
    let version = pragma("user_version")?;
    let application = pragma("application_id")?;
    let objects: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| trouble(path, &error))?;
    let fresh = version == 0 && application == 0 && objects == 0;
    if !fresh && application != APPLICATION_ID {
        return Err(unusable(path, "it is a database of another program"));
    }
    let newest = MIGRATIONS.len();
    match usize::try_from(version) {
        Ok(version) if version <= newest && (fresh || version > 0) => Ok(version),
        Ok(version) if version > newest => Err(newer(path, version, newest)),
        _ => Err(unusable(path, &format!("its version {version} makes no sense"))),
    }
}

fn newer(path: &Path, version: usize, newest: usize) -> Refusal {
    let refusal = Refusal::user(format!(
        "the database {} was written by a newer divisi (version {version}; this one knows up to {newest})",
        path.display()
    ))
    .hint("use the newer divisi; nothing was changed");
    let backup = (1..=newest).rev().map(|old| beside(path, &format!(".v{old}.bak"))).find(|backup| backup.exists());
    match backup {
        Some(backup) => refusal.hint(format!(
            "or go back to the copy made before the upgrade: move {path}, {path}-wal and {path}.head aside, then `cp {} {path}`",
            backup.display(),
            path = path.display(),
        )),
        None => refusal,
    }
}

fn apply(connection: &mut Connection, sql: &str, number: usize) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(sql)?;
    if number == CONTESTS {
        moved::contests(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", i64::try_from(number).unwrap_or(i64::MAX))?;
    transaction.commit()
}

/// Copies the database as it is, complete and flushed before the name appears. An earlier copy is kept.
fn back_up(connection: &Connection, path: &Path, version: usize) -> Result<PathBuf, Refusal> {
    let target = (1..1000)
        .map(|n| beside(path, &if n == 1 { format!(".v{version}.bak") } else { format!(".v{version}.{n}.bak") }))
        .find(|target| !target.exists())
        .unwrap_or_else(|| beside(path, ".bak"));
    let unfinished = beside(path, ".bak.unfinished");
    let failed = |error: &dyn std::fmt::Display| {
        Refusal::environment(format!(
            "failed to copy {} to {} before an upgrade: {error}",
            path.display(),
            target.display()
        ))
        .hint("free some disk space and try again; the database was not changed")
    };
    let _ = std::fs::remove_file(&unfinished);
    let copied = copy(connection, &unfinished).map_err(|error| failed(&error)).and_then(|()| {
        File::open(&unfinished)
            .and_then(|copy| copy.sync_all())
            .and_then(|()| std::fs::rename(&unfinished, &target))
            .and_then(|()| File::open(target.parent().unwrap_or(Path::new(".")))?.sync_all())
            .map_err(|error| failed(&error))
    });
    if copied.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    copied.map(|()| target)
}

fn copy(connection: &Connection, to: &Path) -> rusqlite::Result<()> {
    // Made first, so that it is its owner's alone from the beginning; a failure shows when it is opened.
    let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    let mut target = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    Backup::new(connection, &mut target)?.run_to_completion(4096, Duration::ZERO, None)?;
    // The copy is one file, usable without a log beside it.
    target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    target.close().map_err(|(_, error)| error)
}
