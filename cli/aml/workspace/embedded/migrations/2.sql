CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX job_sweep ON job (id) WHERE type = 'sweep' AND status NOT IN ('Completed', 'Failed', 'Canceled');
