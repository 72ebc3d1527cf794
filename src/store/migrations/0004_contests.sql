-- Version 4: contests of batches, which stood in the rows of their batches. What stood there is moved by `store/moved.rs`, because rows
-- have checksums. A contest's batch stands in the column `session`.

CREATE TABLE contests (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;

CREATE INDEX contests_of_session ON contests (session, key) WHERE session IS NOT NULL;

CREATE INDEX contests_live ON contests (key) WHERE live = 1;
