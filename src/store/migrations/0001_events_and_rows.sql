-- Version 1: the events, which are the truth, and one table of documents per projection.

PRAGMA application_id = 1684633203; -- 'divs'

CREATE TABLE events (
    seq     INTEGER PRIMARY KEY,      -- dense, from 1
    time    INTEGER NOT NULL,         -- milliseconds since the epoch
    session TEXT,
    cause   TEXT    NOT NULL,         -- JSON
    type    TEXT    NOT NULL,
    version INTEGER NOT NULL,         -- of the payload's shape
    payload TEXT    NOT NULL,         -- JSON
    crc     INTEGER NOT NULL          -- CRC-32 of all the other columns
) STRICT;

CREATE TABLE sessions   (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE worktrees  (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE turns      (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE tool_calls (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE approvals  (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE landings   (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE usage      (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE jobs       (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE rules      (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE trust      (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE names      (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE receipts   (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE patches    (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
