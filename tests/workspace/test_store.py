"""Jobs in the store: a name is taken once, a status keeps to its way, a stale engine's writes are dropped."""

from __future__ import annotations

import sqlite3

import pytest

from aml.errors import Conflict, NotFound
from aml.workspace.embedded.database import Database, StoreError
from aml.workspace.embedded.queue import Queue
from aml.workspace.embedded.store import Jobs, NewJob
from aml.workspace.records import JobFilter, Reason, Status


def claimed(jobs: Jobs, lease: str):
    """The next job, claimed."""
    queue = Queue(jobs._database)
    claim = queue.next(local_jobs=9)
    assert claim is None or queue.claim(claim.job.name, lease)
    return claim


@pytest.fixture
def jobs(tmp_path):
    return Jobs(Database(tmp_path / "store.db"))


def new(name: str) -> NewJob:
    return NewJob(name, "command", "trials", name, {"command": "true"}, None, "me", None, {"a": "1"}, {})


def add(jobs: Jobs, name: str = "a") -> None:
    jobs.insert(new(name), lambda: None)


def test_a_job_comes_back_as_it_was_submitted(jobs):
    add(jobs)
    job = jobs.get("a")
    assert (job.status, job.tags, job.document) == (Status.QUEUED, {"a": "1"}, {"command": "true"})


def test_a_name_is_taken_whatever_its_case(jobs):
    add(jobs, "Trial")
    with pytest.raises(Conflict, match="tRIAL exists already"):
        add(jobs, "tRIAL")


def test_what_fails_before_the_commit_leaves_no_job(jobs):
    def fail() -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        jobs.insert(new("a"), fail)
    with pytest.raises(NotFound):
        jobs.get("a")


def test_jobs_are_claimed_in_the_order_of_their_submission(jobs):
    for name in ("b", "a", "c"):
        add(jobs, name)
    assert [claimed(jobs, "engine").job.name for _ in range(3)] == ["b", "a", "c"]
    assert claimed(jobs, "engine") is None


def test_a_job_passes_its_statuses_in_order_and_every_one_is_an_event(jobs):
    add(jobs)
    claimed(jobs, "engine")
    jobs.record_start("a", "engine", "{}")
    jobs.record_finalizing("a", "engine")
    jobs.record_end("a", "engine", Reason.COMMAND_SUCCEEDED, exit_code=0)
    told = [status for _, status, _ in jobs.events("a")]
    assert told == [Status.QUEUED, Status.PREPARING, Status.RUNNING, Status.FINALIZING, Status.COMPLETED]
    assert jobs.get("a").ended_at >= jobs.get("a").started_at >= jobs.get("a").created_at


def test_a_stale_engine_changes_nothing(jobs):
    add(jobs)
    claimed(jobs, "old")
    jobs.adopt("a", "new")
    jobs.record_start("a", "old", "{}")
    jobs.record_end("a", "old", Reason.COMMAND_FAILED)
    assert jobs.get("a").status is Status.PREPARING


def test_canceling_a_queued_job_ends_it_at_once(jobs):
    add(jobs)
    assert jobs.request_cancel("a").status is Status.CANCELED
    assert claimed(jobs, "engine") is None


def test_a_cancel_during_the_start_is_not_overwritten_by_it(jobs):
    add(jobs)
    claimed(jobs, "engine")
    assert jobs.request_cancel("a").status is Status.CANCEL_REQUESTED
    jobs.record_start("a", "engine", "{}")
    assert jobs.get("a").status is Status.CANCEL_REQUESTED


def test_canceling_a_finished_job_is_a_conflict(jobs):
    add(jobs)
    claimed(jobs, "engine")
    jobs.record_end("a", "engine", Reason.COMMAND_FAILED)
    with pytest.raises(Conflict, match="a is Failed already"):
        jobs.request_cancel("a")


def test_an_ended_job_does_not_end_again(jobs):
    add(jobs)
    claimed(jobs, "engine")
    jobs.record_end("a", "engine", Reason.COMMAND_FAILED, exit_code=3)
    jobs.record_end("a", "engine", Reason.COMMAND_SUCCEEDED)
    assert (jobs.get("a").status, jobs.get("a").exit_code) == (Status.FAILED, 3)


def test_children_are_listed_with_their_parent_alone(jobs):
    add(jobs, "sweep")
    jobs.insert(NewJob("sweep_0", "command", "e", "d", {}, None, "me", "sweep", {}, {}), lambda: None)
    assert [job.name for job in jobs.list()] == ["sweep"]
    assert [job.name for job in jobs.list(JobFilter(parent="sweep"))] == ["sweep_0"]


def test_a_file_that_is_no_database_is_said_with_the_way_out(tmp_path):
    (tmp_path / "store.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(StoreError, match="not a database") as caught:
        Database(tmp_path / "store.db")
    assert "backup" in caught.value.hint


def test_a_store_of_a_newer_version_is_refused(tmp_path):
    Database(tmp_path / "store.db").close()
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer aml"):
        Database(tmp_path / "store.db")
