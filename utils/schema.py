"""The tables, in the order in which they came. A new one is a new script at the end; what has been released
is never edited."""

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

MIGRATIONS = (FILES,)
"""`PRAGMA user_version` of a file is how many of these it has been through."""
