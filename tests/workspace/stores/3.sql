-- Jobs and assets. Times are ISO 8601 in UTC; tags, properties and documents are JSON.

CREATE TABLE job (
    id INTEGER PRIMARY KEY,                     -- order of submission
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,   -- names a folder, also on file systems that fold case
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    message TEXT,
    exit_code INTEGER,
    experiment_name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    parent_job_name TEXT,
    document TEXT NOT NULL,
    snapshot TEXT,                              -- digest of the code's manifest
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    tags TEXT NOT NULL DEFAULT '{}',
    properties TEXT NOT NULL DEFAULT '{}',
    archived INTEGER NOT NULL DEFAULT 0,
    compute TEXT NOT NULL DEFAULT 'local' COLLATE NOCASE,
    nodes INTEGER NOT NULL DEFAULT 1,           -- of the compute's capacity; a job on local takes one, whatever its nodes
    lease TEXT,                                 -- the engine that works on it: only its writes count
    process TEXT                                -- identity of the wrapper process
);

CREATE INDEX job_unfinished ON job (status, compute, id) WHERE status NOT IN ('Completed', 'Failed', 'Canceled');
CREATE INDEX job_finished ON job (status, id) WHERE status IN ('Completed', 'Failed', 'Canceled');
CREATE INDEX job_listed ON job (archived, id) WHERE parent_job_name IS NULL;
CREATE INDEX job_experiment ON job (experiment_name, id);
CREATE INDEX job_compute ON job (compute, id);
CREATE INDEX job_parent ON job (parent_job_name, id) WHERE parent_job_name IS NOT NULL;
CREATE INDEX job_sweep ON job (id) WHERE type = 'sweep' AND status NOT IN ('Completed', 'Failed', 'Canceled');
CREATE INDEX job_of_compute ON job (compute, ended_at) WHERE compute <> 'local';

-- The tags of jobs once more, to find jobs by them; kept by the triggers.
CREATE TABLE job_tag (
    key TEXT NOT NULL,
    job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    value TEXT,
    PRIMARY KEY (key, job_id)
) WITHOUT ROWID;

CREATE INDEX job_tag_of ON job_tag (job_id);

CREATE TRIGGER job_tagged AFTER INSERT ON job WHEN new.tags <> '{}' BEGIN
    INSERT INTO job_tag (key, job_id, value) SELECT key, new.id, value FROM json_each(new.tags);
END;

CREATE TRIGGER job_retagged AFTER UPDATE OF tags ON job WHEN new.tags <> old.tags BEGIN
    DELETE FROM job_tag WHERE job_id = new.id;
    INSERT INTO job_tag (key, job_id, value) SELECT key, new.id, value FROM json_each(new.tags);
END;

CREATE TABLE job_event (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    at TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    message TEXT
);

CREATE INDEX job_event_of ON job_event (job_id, id);

-- Data and environments. What only one kind has is in its document.
CREATE TABLE asset (
    id INTEGER PRIMARY KEY,                     -- order of creation: @latest is the greatest
    kind TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    version TEXT NOT NULL COLLATE NOCASE,
    document TEXT NOT NULL,
    path TEXT,                                  -- relative to the workspace's folder; NULL without files in it
    manifest TEXT,                              -- digest
    size_bytes INTEGER NOT NULL DEFAULT 0,
    job_name TEXT,
    description TEXT,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '{}',
    properties TEXT NOT NULL DEFAULT '{}',
    archived INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, name, version)
);

CREATE INDEX asset_made_by ON asset (job_name) WHERE job_name IS NOT NULL;

CREATE TABLE compute (
    id INTEGER PRIMARY KEY,                     -- order of creation
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    type TEXT NOT NULL,
    document TEXT NOT NULL,
    state TEXT,                                 -- Running or Stopped, of a computeinstance
    capacity INTEGER NOT NULL,                  -- nodes that jobs can have now
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);

CREATE TABLE model (
    id INTEGER PRIMARY KEY,                     -- order of creation: @latest is the greatest
    name TEXT NOT NULL COLLATE NOCASE,
    version TEXT NOT NULL COLLATE NOCASE,
    type TEXT NOT NULL,
    path TEXT NOT NULL,                         -- relative to the workspace's folder
    size_bytes INTEGER NOT NULL,
    manifest TEXT NOT NULL,                     -- digest
    job_name TEXT,
    description TEXT,
    stage TEXT,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '{}',
    properties TEXT NOT NULL DEFAULT '{}',
    flavors TEXT NOT NULL DEFAULT '{}',
    archived INTEGER NOT NULL DEFAULT 0,
    UNIQUE (name, version)
);

-- Settings that are not the default, as they were typed.
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Those that users have made; a workspace's own four are always there. Credentials are not here.
CREATE TABLE datastore (
    id INTEGER PRIMARY KEY,                     -- order of creation
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    type TEXT NOT NULL,
    document TEXT NOT NULL,
    folder TEXT,                                -- absolute, of this machine, that stands for it; NULL: it is Azure's alone
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
);
-- MLflow's side of the store. Times are ms since the epoch; a NaN is stored as NULL.

CREATE TABLE experiment (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    lifecycle_stage TEXT NOT NULL DEFAULT 'active',
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
);

-- The client takes 0 when nobody names an experiment.
INSERT INTO experiment (id, name, created_ms, updated_ms) VALUES
    (0, 'Default', CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER),
    CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER));

CREATE TABLE experiment_tag (
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (experiment_id, key)
) WITHOUT ROWID;

CREATE TABLE run (
    run_id TEXT PRIMARY KEY,                    -- a job's name, or made for the client
    experiment_id INTEGER NOT NULL REFERENCES experiment (id),
    name TEXT NOT NULL,
    user_id TEXT NOT NULL,
    status TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER,
    lifecycle_stage TEXT NOT NULL DEFAULT 'active'
);

CREATE INDEX run_listed ON run (experiment_id, start_ms);

CREATE TABLE run_param (
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run_id, key)
) WITHOUT ROWID;

CREATE TABLE run_tag (
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run_id, key)
) WITHOUT ROWID;

-- One row for each key of a run: its latest value. Every value is a metric_point.
CREATE TABLE metric (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value REAL,
    step INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    UNIQUE (run_id, key)
);

CREATE TABLE metric_point (
    id INTEGER PRIMARY KEY,                     -- order of arrival
    metric_id INTEGER NOT NULL REFERENCES metric (id) ON DELETE CASCADE,
    value REAL,
    step INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL
);

CREATE INDEX metric_point_of ON metric_point (metric_id);
-- A client that retries a batch does not log it twice.
CREATE UNIQUE INDEX metric_point_once ON metric_point (metric_id, step, timestamp_ms, coalesce(value, 'nan'));

CREATE TABLE dataset (
    id INTEGER PRIMARY KEY,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema TEXT,
    profile TEXT,
    UNIQUE (experiment_id, name, digest)
);

CREATE TABLE run_dataset (
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    dataset_id INTEGER NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    tags TEXT NOT NULL,                         -- JSON: [{"key": ..., "value": ...}]
    PRIMARY KEY (run_id, dataset_id)
) WITHOUT ROWID;

CREATE TABLE logged_model (
    model_id TEXT PRIMARY KEY,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id),
    run_id TEXT REFERENCES run (run_id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    folder TEXT NOT NULL,                       -- below the run's artifacts; '' without a run
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    lifecycle_stage TEXT NOT NULL DEFAULT 'active',
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
);

CREATE INDEX logged_model_of ON logged_model (run_id, folder);
CREATE INDEX logged_model_listed ON logged_model (experiment_id, created_ms);

CREATE TABLE logged_model_param (
    model_id TEXT NOT NULL REFERENCES logged_model (model_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
) WITHOUT ROWID;

CREATE TABLE logged_model_tag (
    model_id TEXT NOT NULL REFERENCES logged_model (model_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
) WITHOUT ROWID;

-- The latest value of each metric that was logged for a model.
CREATE TABLE logged_model_metric (
    model_id TEXT NOT NULL REFERENCES logged_model (model_id) ON DELETE CASCADE,
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    dataset_name TEXT NOT NULL,                 -- '' without a dataset
    dataset_digest TEXT NOT NULL,
    value REAL,
    step INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    PRIMARY KEY (model_id, run_id, key, dataset_name, dataset_digest)
) WITHOUT ROWID;

CREATE TABLE run_model (
    run_id TEXT NOT NULL REFERENCES run (run_id) ON DELETE CASCADE,
    direction TEXT NOT NULL,                    -- input, output
    model_id TEXT NOT NULL,
    step INTEGER NOT NULL,
    PRIMARY KEY (run_id, direction, model_id)
) WITHOUT ROWID;

-- What MLflow says of a model's name; its versions are in the model table.
CREATE TABLE registered_model (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    description TEXT,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
);

CREATE TABLE registered_model_tag (
    name TEXT NOT NULL COLLATE NOCASE REFERENCES registered_model (name) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name, key)
) WITHOUT ROWID;

CREATE TABLE registered_model_alias (
    name TEXT NOT NULL COLLATE NOCASE REFERENCES registered_model (name) ON DELETE CASCADE,
    alias TEXT NOT NULL COLLATE NOCASE,
    version TEXT NOT NULL,
    PRIMARY KEY (name, alias)
) WITHOUT ROWID;
