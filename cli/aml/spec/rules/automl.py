"""The rules of automl jobs: which metrics each task has, and where the data is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.rules import paths
from aml.spec.wording import allowed, canonical

_TABLES = ("training_data", "validation_data", "test_data")
_MULTILABEL = "image_classification_multilabel"
_METRICS: Mapping[str, tuple[str, ...]] = {
    "image_object_detection": ("mean_average_precision",),
    "image_instance_segmentation": ("mean_average_precision",),
    "text_classification_multilabel": ("accuracy",),
    "text_ner": ("accuracy",),
}
"""Tasks with fewer metrics than their schema has."""


def metric(document: Document) -> Iterator[Problem]:
    """The primary metric is one of the task's."""
    task, given = document.value("task"), document.value("primary_metric")
    name = canonical(task, (*_METRICS, _MULTILABEL, "image_classification")) if isinstance(task, str) else None
    if name is None or not isinstance(given, str):
        return
    wrong = canonical(given, ("iou", "mean_average_precision"))
    wrong = None if name == _MULTILABEL and wrong == "iou" else wrong
    known = _METRICS.get(name)
    if (known is not None and canonical(given, known) is None) or (known is None and wrong):
        hint = allowed(known) if known else None
        yield document.problem("not-allowed", f"The task {name} has no metric {given}.", ("primary_metric",), hint=hint)


def data(document: Document) -> Iterator[Problem]:
    for name in _TABLES:
        yield from paths.table(document, (name, "path"))


def limits(document: Document) -> Iterator[Problem]:
    """No more trials at once than there are."""
    at_once, total = (document.value("limits", f"max_{key}trials") for key in ("concurrent_", ""))
    if isinstance(at_once, int) and isinstance(total, int) and at_once > total > 0:
        message = f"`max_concurrent_trials` is {at_once}, more than `max_trials`, which is {total}."
        yield document.problem("out-of-range", message, ("limits", "max_concurrent_trials"))


RULES = {"automl": (metric, data, limits)}
