"""What a workspace takes on the disk, and what of it nothing refers to any more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from aml.workspace.embedded.database import Database
from aml.workspace.embedded.files.blobs import Blobs, size_bytes
from aml.workspace.embedded.paths import WorkspacePaths
from aml.workspace.records import Usage

# A submit stores its files before its job is recorded: what is new may be about to be referred to.
_FRESH_S = 3600.0
_UNUSED_S = 30 * 86400.0


def usage(paths: WorkspacePaths) -> Usage:
    """Bytes on the disk by part; a file with several links counts once, as part of the blobs if it is one."""
    seen: set[tuple[int, int]] = set()
    sizes = {part: size_bytes(paths.folder / part, seen) for part in ("blobs", "models", "jobs", "runs")}
    total = sum(sizes.values()) + size_bytes(paths.folder, seen)
    return Usage(
        total_bytes=total,
        blobs_bytes=sizes["blobs"],
        models_bytes=sizes["models"],
        jobs_bytes=sizes["jobs"] + sizes["runs"],
        other_bytes=total - sum(sizes.values()),
        environments_bytes=size_bytes(paths.environments, set()),
    )


def collect_garbage(paths: WorkspacePaths, database: Database) -> int:
    """Delete blobs that no job, no model and no asset refers to, and environments unused for a month; bytes freed."""
    blobs = Blobs(paths.blobs)
    kept: set[str] = set()
    for manifest in _manifests(database):
        kept.add(manifest)
        kept.update(entry.digest for entry in blobs.manifest(manifest).entries)
    freed = _drop_environments(paths)
    for path in paths.blobs.rglob("*"):
        digest = path.parent.name + path.name
        details = path.lstat()
        if path.is_file() and digest not in kept and time.time() - details.st_mtime > _FRESH_S:
            path.unlink()
            freed += details.st_size
    return freed


def _manifests(database: Database) -> Iterator[str]:
    rows = database.connection.execute(
        "SELECT snapshot AS digest FROM job WHERE snapshot IS NOT NULL UNION SELECT manifest FROM model"
        " UNION SELECT manifest FROM asset WHERE manifest IS NOT NULL"
    )
    for row in rows:
        yield row["digest"]


def _drop_environments(paths: WorkspacePaths) -> int:
    """But not those of processes that run, in whatever workspace: a job may take more than a month."""
    from aml.workspace.embedded.engine.executors.process import values_of
    from aml.workspace.embedded.environments.builds import Cache
    from aml.workspace.embedded.environments.prepared import VARIABLES

    in_use = {Path(value) for name in VARIABLES for value in values_of(name)}
    return Cache(paths.environments).drop(unused_s=_UNUSED_S, in_use=in_use)
