"""Lists of jobs: every filter finds what it should, along an index, whatever the size of the store."""

from __future__ import annotations

import itertools
import json

import pytest

from aml.spec.updates import Update
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.listing import listing
from aml.workspace.embedded.queue import Queue
from aml.workspace.embedded.store import Jobs, NewJob
from aml.workspace.records import JobFilter, Reason, Status

FILTERS = {
    "parent": "sweep",
    "status": Status.FAILED,
    "experiment_name": "b",
    "compute": "gpu",
    "tags": (("team", "red"), ("hot", None)),
}


@pytest.fixture
def database(tmp_path):
    return Database(tmp_path / "store.db")


def claimed(jobs: Jobs, lease: str):
    """The next job, claimed."""
    queue = Queue(jobs._database)
    claim = queue.next(local_jobs=9)
    assert claim is None or queue.claim(claim.job.name, lease)
    return claim


@pytest.fixture
def jobs(database):
    return Jobs(database)


def add(jobs: Jobs, name: str, *, experiment="a", compute=None, tags=None, parent=None) -> None:
    document = {"command": "true"} | ({} if compute is None else {"compute": compute})
    new = NewJob(name, "command", experiment, name, document, None, "me", parent, tags or {}, {}, compute or "local")
    jobs.insert(new, lambda: None)


def names(jobs: Jobs, **fields) -> list[str]:
    return [job.name for job in jobs.list(JobFilter(**fields))]


def test_jobs_are_found_by_experiment_compute_and_tags(jobs):
    add(jobs, "one", experiment="b", compute="gpu", tags={"team": "red", "hot": None})
    add(jobs, "two", experiment="b", tags={"team": "blue", "a.b": "1"})
    add(jobs, "three", compute="gpu", tags={"team": "red"})
    assert names(jobs, experiment_name="b") == ["two", "one"]
    assert names(jobs, compute="gpu") == names(jobs, compute="azureml:gpu") == ["three", "one"]
    assert names(jobs, compute="local") == ["two"]
    assert names(jobs, tags=(("team", None),)) == ["three", "two", "one"]
    assert names(jobs, tags=(("team", "red"),)) == ["three", "one"]
    assert names(jobs, tags=(("team", "red"), ("hot", None))) == ["one"]
    assert names(jobs, tags=(("a.b", "1"),)) == ["two"]
    assert names(jobs, tags=(("team", "red"),), experiment_name="b", compute="gpu") == ["one"]


def test_jobs_are_found_by_their_status_of_now(jobs):
    for name in ("one", "two"):
        add(jobs, name)
    assert names(jobs, status=Status.QUEUED) == ["two", "one"]
    claimed(jobs, "engine")
    jobs.record_end("one", "engine", Reason.LOST)
    assert names(jobs, status=Status.QUEUED) == ["two"]
    assert names(jobs, status=Status.FAILED) == ["one"]


def test_a_tag_that_was_changed_is_found_and_the_old_one_is_not(jobs):
    add(jobs, "one", tags={"team": "red", "old": "1"})
    jobs.update("one", Update(sets=["tags.team=blue"], removes=["tags.old"]))
    assert names(jobs, tags=(("team", "blue"),)) == ["one"]
    assert names(jobs, tags=(("team", "red"),)) == names(jobs, tags=(("old", None),)) == []


def test_children_are_found_by_their_parent_and_filters_apply_to_them(jobs):
    add(jobs, "sweep")
    add(jobs, "sweep_0", parent="sweep", tags={"hot": "1"})
    add(jobs, "sweep_1", parent="sweep")
    assert names(jobs, parent="sweep") == ["sweep_1", "sweep_0"]
    assert names(jobs, parent="sweep", tags=(("hot", None),)) == ["sweep_0"]
    assert names(jobs, experiment_name="a") == ["sweep"]


COMBINATIONS = [keys for length in range(3) for keys in itertools.combinations(FILTERS, length)]


@pytest.mark.parametrize("archived", [False, None])
@pytest.mark.parametrize("keys", COMBINATIONS, ids="+".join)
def test_every_list_follows_an_index_in_its_order(database, keys, archived):
    query, values = listing(JobFilter(archived=archived, **{key: FILTERS[key] for key in keys}))
    plan = [row["detail"] for row in database.connection.execute(f"EXPLAIN QUERY PLAN {query} LIMIT 50", values)]
    assert not any("TEMP B-TREE" in step for step in plan), plan
    if keys or archived is not None:
        assert not any(step.startswith("SCAN") for step in plan), plan


def test_a_row_far_down_is_found_about_as_fast_as_with_few_jobs(database, jobs):
    """Steps of SQLite's machine instead of a clock: they are the same on every machine."""
    add(jobs, "rare", experiment="b", tags={"team": "red", "hot": "1"})
    claimed(jobs, "engine")
    with database.transaction() as write:
        write.execute("UPDATE job SET compute = 'gpu'")
    jobs.record_end("rare", "engine", Reason.LOST)
    few = {key: steps(database, key) for key in FILTERS if key != "parent"}
    row = json.dumps({"command": "true"})
    with database.transaction() as write:
        write.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
            "INSERT INTO job (name, type, status, experiment_name, display_name, document, created_at, created_by, "
            "tags) SELECT 'job' || i, 'command', 'Completed', 'a', '', ?, '2026-01-01', 'me', '{\"team\": \"blue\"}' "
            "FROM n",
            (row,),
        )
    for key, before in few.items():
        assert steps(database, key) < 10 * before, key


def steps(database: Database, key: str) -> int:
    query, values = listing(JobFilter(**{key: FILTERS[key] if key != "tags" else (("hot", None),)}))
    count = 0

    def tick() -> None:
        nonlocal count
        count += 1

    database.connection.set_progress_handler(tick, 1)
    assert [row["name"] for row in database.connection.execute(f"{query} LIMIT 50", values)] == ["rare"]
    database.connection.set_progress_handler(None, 0)
    return count
