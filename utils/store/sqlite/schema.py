"""The tables, as migrations in order of release. A change is a new script at the end; released scripts are
never edited."""

from __future__ import annotations

FILES = """
CREATE TABLE files (
    number INTEGER PRIMARY KEY,  -- the order of lists and their pages
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    filename TEXT NOT NULL,
    purpose TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE INDEX files_of_owner ON files (owner, number);
CREATE INDEX files_by_expiry ON files (expires_at);
"""

JOBS = """
CREATE TABLE batches (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    status TEXT NOT NULL,
    output_seconds INTEGER,  -- how long its outputs are kept
    document TEXT NOT NULL  -- the batch as its owner sees it
) STRICT;
CREATE INDEX batches_of_owner ON batches (owner, number);
CREATE INDEX batches_by_status ON batches (status);

CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    fields TEXT NOT NULL,
    batch_id TEXT REFERENCES batches (id) ON DELETE CASCADE,
    custom_id TEXT NOT NULL,
    file_id TEXT,  -- a kept file, else the upload was spooled
    status TEXT NOT NULL DEFAULT 'queued',
    turn INTEGER NOT NULL,
    starts INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    started_at REAL,
    finished_at REAL,
    expires_at REAL,
    samples_done INTEGER NOT NULL DEFAULT 0,
    samples_total INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    transcript BLOB
) STRICT;
CREATE INDEX jobs_by_turn ON jobs (status, turn, number);
CREATE INDEX jobs_of_owner ON jobs (owner, batch_id, turn);
CREATE INDEX jobs_of_batch ON jobs (batch_id, status);
CREATE INDEX jobs_by_expiry ON jobs (expires_at);

CREATE TABLE chunks (  -- checkpoints of jobs in progress
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    "index" INTEGER NOT NULL,
    result BLOB NOT NULL,
    PRIMARY KEY (job_id, "index")
) STRICT, WITHOUT ROWID;
"""

VOICES = """
CREATE TABLE voices (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    network TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    clips INTEGER NOT NULL,
    num_samples INTEGER NOT NULL,
    embedding BLOB NOT NULL,  -- 32-bit floats, little-endian
    UNIQUE (owner, name)
) STRICT;
"""

EVENTS = """
CREATE TABLE events (  -- what was told of a background job, to be told again to whoever joins
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    data TEXT NOT NULL,
    delta TEXT NOT NULL,  -- what it adds to the text
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;
"""

LINES = """
CREATE TABLE lines (  -- of the transcripts of jobs, as utils/transcript/lines.py writes them
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    line BLOB NOT NULL,
    PRIMARY KEY (job_id, number)
) STRICT;
UPDATE jobs SET status = 'failed', error = json_object('status', 500, 'error', json_object(
    'message', 'An upgrade of the server left this result behind; start the transcription again.',
    'type', 'server_error', 'param', NULL, 'code', NULL)) WHERE status = 'completed';
ALTER TABLE jobs DROP COLUMN transcript;
"""

# The accepted request, as services/requests/accepted.py serialises it. Jobs of earlier versions have their
# form fields there until the next start (services/durable/upgrade.py).
REQUESTS = """
ALTER TABLE jobs RENAME COLUMN fields TO request;
"""

QUEUE = """
CREATE TABLE queue (virtual_time INTEGER NOT NULL) STRICT;  -- the greatest turn that has begun
INSERT INTO queue SELECT coalesce(max(turn), 0) FROM jobs WHERE started_at IS NOT NULL;
DROP INDEX jobs_of_owner;
CREATE INDEX jobs_by_flow ON jobs (owner, batch_id, status, turn);
"""

PARTS = """
CREATE TABLE parts (  -- of the chunk in progress, whose text is in events already
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    "index" INTEGER NOT NULL,
    number INTEGER NOT NULL,
    part BLOB NOT NULL,
    PRIMARY KEY (job_id, "index", number)
) STRICT, WITHOUT ROWID;
ALTER TABLE jobs ADD COLUMN last_event INTEGER NOT NULL DEFAULT 0;  -- later ones are not shown yet
UPDATE jobs SET last_event = (SELECT count(*) FROM events WHERE job_id = jobs.id);
"""

MIGRATIONS = (FILES, JOBS, VOICES, EVENTS, LINES, REQUESTS, QUEUE, PARTS)
"""`PRAGMA user_version` of a file is the number of these applied to it."""
