"""The query behind a list of jobs: newest first, along an index, so that the size of the store does not matter."""

from __future__ import annotations

from aml.workspace.records import TERMINAL, JobFilter

# As the partial indexes of the schema say it, so that SQLite uses them.
UNFINISHED = "status NOT IN ('Completed', 'Failed', 'Canceled')"
_FINISHED = "status IN ('Completed', 'Failed', 'Canceled')"

EVERY_JOB = JobFilter()


def listing(which: JobFilter) -> tuple[str, list[str | None]]:
    """The statement, without a limit, and its values.

    One condition leads to an index that is in order of submission. A `+` keeps the others from being taken for it:
    SQLite knows no better than that each of them finds ten rows.
    """
    conditions, values = _leading(which)
    alone = not conditions
    if which.archived is not None:
        conditions.append(f"{'' if alone else '+'}job.archived = {int(which.archived)}")
    if which.parent is None:
        conditions.append("parent_job_name IS NULL")
    tables = "job"
    if which.tags:
        # The tag comes first, in its index's order; a job is one look-up then.
        tables = "job_tag AS tag CROSS JOIN job ON job.id = tag.job_id"
        first, *others = which.tags
        conditions.append(_tag_condition("tag", first, values))
        for other in others:
            inner = _tag_condition("also", other, values)
            conditions.append(f"EXISTS (SELECT 1 FROM job_tag AS also WHERE also.job_id = job.id AND {inner})")
    order = "tag.job_id" if which.tags else "job.id"
    query = f"SELECT job.* FROM {tables} WHERE {' AND '.join(conditions) or '1'} ORDER BY {order} DESC"
    return query, values


def _leading(which: JobFilter) -> tuple[list[str], list[str | None]]:
    """The conditions that have an index of their own, the most telling one first; only that one may use it."""
    found: list[tuple[str, str]] = []
    if which.parent is not None:
        found.append(("parent_job_name", which.parent))
    if which.compute is not None:
        found.append(("compute", which.compute.removeprefix("azureml:")))
    if which.experiment_name is not None:
        found.append(("experiment_name", which.experiment_name))
    if which.status is not None:
        found.append(("status", which.status))
    conditions = []
    for position, (column, _) in enumerate(found):
        hidden = position > 0 or bool(which.tags)
        conditions.append(f"{'+' if hidden else ''}job.{column} = ?")
    if conditions == ["job.status = ?"]:
        conditions.append(_FINISHED if which.status in TERMINAL else UNFINISHED)
    return conditions, [value for _, value in found]


def _tag_condition(table: str, tag: tuple[str, str | None], values: list[str | None]) -> str:
    key, value = tag
    values.append(key)
    if value is None:
        return f"{table}.key = ?"
    values.append(value)
    return f"{table}.key = ? AND {table}.value = ?"
