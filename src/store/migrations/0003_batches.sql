-- Version 3: batches and their runs. A run's batch stands in the column `session`.

CREATE TABLE batches (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;
CREATE TABLE runs    (key TEXT PRIMARY KEY NOT NULL, session TEXT, live INTEGER NOT NULL, doc TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;

CREATE INDEX batches_of_session ON batches (session, key) WHERE session IS NOT NULL;
CREATE INDEX runs_of_session ON runs (session, key) WHERE session IS NOT NULL;

CREATE INDEX batches_live ON batches (key) WHERE live = 1;
CREATE INDEX runs_live ON runs (key) WHERE live = 1;
