"""The rules of schedules: one thing that is done, and when."""

from __future__ import annotations

from collections.abc import Iterator

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.rules import files, paths, triggers
from aml.spec.rules.lacking import lacks

_ACTIONS = ("create_job", "import_data", "create_monitor")
_JOBS = ("command", "pipeline", "spark", "sweep", "automl")


def trigger(document: Document) -> Iterator[Problem]:
    yield from triggers.trigger(document.part("trigger"))


def action(document: Document) -> Iterator[Problem]:
    """What is done: one of three keys."""
    given = [key for key in _ACTIONS if key in document.data]
    if all(lacks(document, "schedule", key) for key in _ACTIONS):
        hint = "What is made: azureml:NAME or a file; or `import_data`, or `create_monitor`."
        yield document.problem("missing-key", "A schedule needs the key `create_job`.", ("create_job",), hint=hint)
    for key in given[1:]:
        message = f"`{given[0]}` and `{key}` exclude each other."
        yield document.about_key("exclusive-keys", message, (key,), "A schedule does one thing; write two files.")


def job(document: Document) -> Iterator[Problem]:
    """The job that is made, where it is in a file."""
    if isinstance(document.value("create_job"), str):
        yield from files.referred(document, ("create_job",), _JOBS)
    else:
        job = document.value("create_job", "job")
        if isinstance(job, str) and job.startswith("azureml:") and lacks(document, "schedule", "create_job", "type"):
            message = "`create_job` needs the key `type`: the job is not here to be asked."
            yield document.problem("missing-key", message, ("create_job", "type"), hint="Write type: pipeline.")
        yield from files.referred(document, ("create_job", "job"), _JOBS)
        yield from paths.inputs(document.part("create_job"))


def imported(document: Document) -> Iterator[Problem]:
    yield from files.referred(document, ("import_data",), ("data-import",))


RULES = {"schedule": (trigger, action, job, imported)}
