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
