//! Opening the database: everything is looked at before anything is written, and nothing is ever deleted or overwritten.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::model::Refusal;
use crate::model::id::Seq;
use crate::store::checkpoint::KEPT;
use crate::store::headmark::HeadMark;
use crate::store::lock::beside;
use crate::store::schema::migrate;

/// How long a connection waits for another one's lock. Only opening and checkpoints ever contend.
const BUSY: Duration = Duration::from_secs(10);

/// The first bytes of every `SQLite` database.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Creates the directory a database lives in, for its owner only.
pub(super) fn create_directory(database: &Path) -> Result<(), Refusal> {
    let Some(directory) = database.parent().filter(|directory| !directory.as_os_str().is_empty()) else {
        return Ok(());
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        Refusal::environment(format!("failed to create {}: {error}", directory.display()))
            .hint(format!("create it yourself, or check who owns {}", directory.display()))
    })
}

/// What a freshly opened database gives.
pub(super) struct Opened {
    /// The writer's connection.
    pub(super) writer: Connection,
    /// The newest event.
    pub(super) head: Seq,
    /// The mark of the newest event, when it could be opened.
    pub(super) mark: Option<HeadMark>,
}

/// Opens the database for its owner and brings it up to date.
pub(super) fn open(path: &Path) -> Result<Opened, Refusal> {
    let fresh = examine(path)?;
    let mut writer = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE,
    )
    .map_err(|error| trouble(path, &error))?;
    let wal = prepare(&writer).map_err(|error| trouble(path, &error))?;
    migrate(&mut writer, path)?;
    if !wal {
        switch_to_wal(&writer, path)?;
    }
    let head = head(&writer).map_err(|error| trouble(path, &error))?;
    let mark = HeadMark::open(path).ok();
    if let Some(mark) = &mark {
        if !fresh && let Some(acknowledged) = mark.read().filter(|acknowledged| *acknowledged > head) {
            return Err(lost_tail(path, head, acknowledged));
        }
        mark.write(head);
    }
    Ok(Opened { writer, head, mark })
}

/// Opens another connection that only reads.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE,
    )?;
    careful(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -1024)?;
    Ok(connection)
}

/// Opens the connection that copies the log into the database.
pub(super) fn open_checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE,
    )?;
    careful(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -64)?;
    Ok(connection)
}

/// Looks at the files without `SQLite`; creates an empty one when there is none. True: nothing is in it yet.
fn examine(path: &Path) -> Result<bool, Refusal> {
    let failed = |error: &std::io::Error| {
        Refusal::environment(format!("failed to open the database {}: {error}", path.display()))
            .hint(format!("check that {} is yours and can be read and written", path.display()))
    };
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(failed(&error)),
    };
    let empty = found.as_ref().is_none_or(|found| found.is_file() && found.len() == 0);
    if empty {
        let log = beside(path, "-wal");
        if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            return Err(Refusal::environment(format!(
                "the database {} is missing, but its log {} is still there",
                path.display(),
                log.display()
            ))
            .hint("put the database back beside its log")
            .hint(format!("or, to start anew, move the log aside: mv {log} {log}.old", log = log.display())));
        }
        OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(|error| failed(&error))?;
        return Ok(true);
    }
    if !found.is_some_and(|found| found.is_file()) {
        return Err(unusable(path, "it is not an ordinary file"));
    }
    let mut start = [0; 16];
    let mut file = File::open(path).map_err(|error| failed(&error))?;
    match file.read_exact(&mut start) {
        Ok(()) if &start == MAGIC => Ok(false),
        Ok(()) => Err(unusable(path, "it is not a SQLite database")),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(unusable(path, "it is not a SQLite database")),
        Err(error) => Err(failed(&error)),
    }
}

/// Settings of the writer's connection. True when the database is in write-ahead mode already.
fn prepare(connection: &Connection) -> rusqlite::Result<bool> {
    careful(connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update_and_check(None, "journal_size_limit", KEPT, |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(64);
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(mode.eq_ignore_ascii_case("wal"))
}

fn switch_to_wal(connection: &Connection, path: &Path) -> Result<(), Refusal> {
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(|error| trouble(path, &error))?;
    if mode.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    Err(Refusal::environment(format!("the file system of {} does not support a write-ahead log", path.display()))
        .hint("put divisi's state on a local disk: set XDG_STATE_HOME"))
}

/// What every connection is told: a database may be damaged or planted.
fn careful(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)
}

fn head(connection: &Connection) -> rusqlite::Result<Seq> {
    let head: i64 = connection.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0))?;
    Ok(Seq(u64::try_from(head).unwrap_or(0)))
}

fn lost_tail(path: &Path, head: Seq, acknowledged: Seq) -> Refusal {
    Refusal::environment(format!(
        "the database {path} ends at event {head}, but event {acknowledged} was recorded: {path}-wal was damaged, deleted or exchanged",
        path = path.display()
    ))
    .hint(format!("put {path} and {path}-wal back from a copy of the same moment", path = path.display()))
    .hint(format!(
        "or go on without the lost events: mv {path}.head {path}.head.old (sessions' work is safe in their git branches)",
        path = path.display()
    ))
}

/// A file that is not to be used, and what to do.
pub(super) fn unusable(path: &Path, why: &str) -> Refusal {
    Refusal::environment(format!("failed to open the database {}: {why}", path.display())).hint(format!(
        "move it aside and start anew: mv {path} {path}.old (sessions' work is safe in their git branches, `divisi doctor` lists them)",
        path = path.display()
    ))
}

/// An error of `SQLite` while opening or reading, in words.
pub(super) fn trouble(path: &Path, error: &rusqlite::Error) -> Refusal {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => unusable(path, "it is not a SQLite database"),
        Some(ErrorCode::DatabaseCorrupt) => damaged(path, &error.to_string()),
        // A table or column that is missing, or a value of the wrong type: the file was tampered with or damaged.
        _ if error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_ERROR) => {
            damaged(path, &error.to_string())
        }
        _ => Refusal::environment(format!("failed to read the database {}: {error}", path.display()))
            .hint(format!("check the disk, and that {} is yours and can be read and written", path.display())),
    }
}

/// Damage in a file that is a database of ours.
pub(super) fn damaged(path: &Path, what: &str) -> Refusal {
    Refusal::environment(format!("the database {} is damaged: {what}", path.display()))
        .hint("`divisi doctor` lists everything that is damaged")
        .hint(format!(
            "restore {path} from a copy, or move it aside: mv {path} {path}.damaged (sessions' work is safe in their git branches)",
            path = path.display()
        ))
}
