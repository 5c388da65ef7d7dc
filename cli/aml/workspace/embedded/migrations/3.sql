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
