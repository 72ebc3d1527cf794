-- Version 2: indexes for one session's events and rows, and for the live rows that are loaded at start.

CREATE INDEX events_of_session ON events (session, seq) WHERE session IS NOT NULL;

CREATE INDEX sessions_of_session ON sessions (session, key) WHERE session IS NOT NULL;
CREATE INDEX worktrees_of_session ON worktrees (session, key) WHERE session IS NOT NULL;
CREATE INDEX turns_of_session ON turns (session, key) WHERE session IS NOT NULL;
CREATE INDEX tool_calls_of_session ON tool_calls (session, key) WHERE session IS NOT NULL;
CREATE INDEX approvals_of_session ON approvals (session, key) WHERE session IS NOT NULL;
CREATE INDEX landings_of_session ON landings (session, key) WHERE session IS NOT NULL;
CREATE INDEX usage_of_session ON usage (session, key) WHERE session IS NOT NULL;
CREATE INDEX jobs_of_session ON jobs (session, key) WHERE session IS NOT NULL;
CREATE INDEX rules_of_session ON rules (session, key) WHERE session IS NOT NULL;
CREATE INDEX trust_of_session ON trust (session, key) WHERE session IS NOT NULL;
CREATE INDEX names_of_session ON names (session, key) WHERE session IS NOT NULL;
CREATE INDEX receipts_of_session ON receipts (session, key) WHERE session IS NOT NULL;
CREATE INDEX patches_of_session ON patches (session, key) WHERE session IS NOT NULL;

CREATE INDEX sessions_live ON sessions (key) WHERE live = 1;
CREATE INDEX worktrees_live ON worktrees (key) WHERE live = 1;
CREATE INDEX turns_live ON turns (key) WHERE live = 1;
CREATE INDEX tool_calls_live ON tool_calls (key) WHERE live = 1;
CREATE INDEX approvals_live ON approvals (key) WHERE live = 1;
CREATE INDEX landings_live ON landings (key) WHERE live = 1;
CREATE INDEX usage_live ON usage (key) WHERE live = 1;
CREATE INDEX jobs_live ON jobs (key) WHERE live = 1;
CREATE INDEX rules_live ON rules (key) WHERE live = 1;
CREATE INDEX trust_live ON trust (key) WHERE live = 1;
CREATE INDEX names_live ON names (key) WHERE live = 1;
CREATE INDEX receipts_live ON receipts (key) WHERE live = 1;
CREATE INDEX patches_live ON patches (key) WHERE live = 1;
