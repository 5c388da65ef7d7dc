"""What differs between two jobs: pure, over their records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aml.workspace.records import Job, MetricPoint

Part = Literal["spec", "code", "result", "metric"]
_DIGEST_LENGTH = 12
_NOT_COMPARED = frozenset({"name", "$schema", "properties"})


@dataclass(frozen=True)
class Compared:
    """One job, with what is compared of it."""

    job: Job
    code: Mapping[str, str]  # path -> digest of the content
    metrics: Sequence[MetricPoint]  # the last value of each


@dataclass(frozen=True)
class Difference:
    part: Part
    key: str  # inputs.lr, src/train.py, val_loss
    first: Any  # None: it has none
    second: Any


def differences(first: Compared, second: Compared) -> tuple[Difference, ...]:
    """What differs, by part and then by key. Names, times and lineage are never the same and are left out."""
    pairs: Sequence[tuple[Part, Mapping[str, Any], Mapping[str, Any]]] = (
        ("spec", _flat(_spec(first.job)), _flat(_spec(second.job))),
        ("code", _short(first.code), _short(second.code)),
        ("result", _result(first.job), _result(second.job)),
        ("metric", _values(first.metrics), _values(second.metrics)),
    )
    return tuple(difference for part, a, b in pairs for difference in _between(part, a, b))


def _between(part: Part, first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Difference]:
    for key in sorted({*first, *second}):
        a, b = first.get(key), second.get(key)
        if repr(a) != repr(b):  # nan equals itself, 1 and true do not
            yield Difference(part, key, a, b)


def _spec(job: Job) -> dict[str, Any]:
    document = {key: value for key, value in job.document.items() if key not in _NOT_COMPARED}
    own_name = {} if job.display_name == job.name else {"display_name": job.display_name}
    return {**document, **own_name, "experiment_name": job.experiment_name, "tags": dict(job.tags)}


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping):
        items = [_flat(item, f"{prefix}.{key}" if prefix else str(key)) for key, item in value.items()]
        return {key: item for flat in items for key, item in flat.items()}
    return {prefix: value}


def _short(code: Mapping[str, str]) -> dict[str, str]:
    return {path: digest[:_DIGEST_LENGTH] for path, digest in code.items()}


def _result(job: Job) -> dict[str, Any]:
    return {"status": str(job.status), "exit_code": job.exit_code}


def _values(points: Sequence[MetricPoint]) -> dict[str, float]:
    return {point.key: point.value for point in points}
