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
    v_cp_us INTEGER NOT NULL DEFAULT 0,         -- of this machine; 0: a job's share of local
    gpus INTEGER NOT NULL DEFAULT 0,            -- at the most: a job gets as many as there are
    visible_devices TEXT,                       -- the CUDA_VISIBLE_DEVICES that it was submitted with
    low_priority INTEGER NOT NULL DEFAULT 0,
    devices TEXT NOT NULL DEFAULT '[]',         -- UUIDs of the GPUs that it got, JSON
    lease TEXT,                                 -- the engine that works on it: only its writes count
    process TEXT                                -- identity of the wrapper process
);

CREATE INDEX job_unfinished ON job (status, compute, low_priority, id)
    WHERE status NOT IN ('Completed', 'Failed', 'Canceled');
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
    state_at TEXT,                              -- since when
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
