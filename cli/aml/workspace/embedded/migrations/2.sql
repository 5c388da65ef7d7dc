CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE datastore (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    type TEXT NOT NULL,
    document TEXT NOT NULL,
    folder TEXT,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);

CREATE INDEX job_sweep ON job (id) WHERE type = 'sweep' AND status NOT IN ('Completed', 'Failed', 'Canceled');
-- What a job takes of this machine, and since when an instance is as it is.

ALTER TABLE job ADD COLUMN v_cp_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN gpus INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN visible_devices TEXT;
ALTER TABLE job ADD COLUMN low_priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN devices TEXT NOT NULL DEFAULT '[]';
ALTER TABLE compute ADD COLUMN state_at TEXT;

DROP INDEX job_unfinished;
CREATE INDEX job_unfinished ON job (status, compute, low_priority, id)
    WHERE status NOT IN ('Completed', 'Failed', 'Canceled');
