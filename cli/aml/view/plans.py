"""A plan for people and for programs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from aml.view.cards import short, size
from aml.view.color import paint
from aml.workspace.records import Plan, PlannedEnvironment, Snapshot

_MAX_FILES = 20
_MAX_IGNORED = 8


def document(plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "experiment_name": plan.experiment_name,
        "command": plan.command,
        "environment_variables": dict(plan.environment),
        "processes": [dict(each) for each in plan.processes],
        "working_directory": str(plan.working_directory),
        "inputs": {
            name: {"type": each.type, "value": each.value, "source": each.source and str(each.source)}
            for name, each in plan.inputs.items()
        },
        "outputs": dict(plan.outputs),
        "devices": [{"node": each.node, "uuid": each.uuid, "name": each.name} for each in plan.devices],
        "snapshot": None if plan.snapshot is None else _snapshot_document(plan.snapshot),
        "environment": {
            "name": plan.runs_in.name,
            "mode": plan.runs_in.mode,
            "python": plan.runs_in.python,
            "is_built": plan.runs_in.is_built,
            "container": list(plan.runs_in.container),
            "unmet": list(plan.runs_in.unmet),
        },
        "notes": list(plan.notes),
    }


def card(plan: Plan, *, color: bool) -> str:
    return "\n".join(_lines(plan, color)) + "\n"


def _lines(plan: Plan, color: bool) -> Iterator[str]:
    yield f"{paint(plan.name or 'a job', 'bold', color)}  in the experiment {plan.experiment_name}"
    yield from _section("command", plan.command.splitlines(), color)
    yield from _section("runs in", _environment(plan.runs_in), color)
    yield from _section("environment variables, besides yours", _pairs(plan.environment), color)
    for rank, added in enumerate(plan.processes):
        yield from _section(f"process {rank}", _pairs(added), color)
    yield from _section("working directory", [short(plan.working_directory)], color)
    told = {
        name: f"{each.value}" + (f"  from {short(each.source)}" if each.source else "")
        for name, each in plan.inputs.items()
    }
    yield from _section("inputs", _pairs(told), color)
    yield from _section("outputs", _pairs(plan.outputs), color)
    devices = [f"node {each.node}  {each.name}  {each.uuid}" for each in plan.devices]
    yield from _section("GPUs", devices, color)
    if plan.snapshot is not None:
        yield from _section(f"code, {_summary(plan.snapshot)}", _files(plan.snapshot), color)
    yield from _section("notes", plan.notes, color)
    yield ""
    yield paint("Nothing was changed.", "dim", color)


def _environment(planned: PlannedEnvironment) -> Iterator[str]:
    told = {"environment": planned.name, "mode": planned.mode}
    if planned.python is not None:
        told["python"] = planned.python + ("" if planned.is_built else "  (built when the job starts)")
    if planned.container:
        told["container"] = shlex.join(planned.container) + ("" if planned.is_built else "  (the image comes first)")
    yield from _pairs(told | ({"lacks": "; ".join(planned.unmet)} if planned.unmet else {}))


def _section(title: str, lines: Any, color: bool) -> Iterator[str]:
    shown = list(lines)
    if shown:
        yield ""
        yield paint(title, "dim", color)
        yield from (f"  {line}" for line in shown)


def _pairs(mapping: Any) -> Iterator[str]:
    width = max(map(len, mapping), default=0)
    return (f"{name:<{width}}  {value}".rstrip() for name, value in mapping.items())


def _summary(snapshot: Snapshot) -> str:
    count = len(snapshot.files)
    return f"{short(snapshot.code)}: {count:,} file{'' if count == 1 else 's'}, {size(snapshot.size_bytes)}"


def _files(snapshot: Snapshot) -> Iterator[str]:
    largest = sorted(snapshot.files, key=lambda file: -file[1]) if len(snapshot.files) > _MAX_FILES else snapshot.files
    yield from (f"{size(bytes_):>8}  {path}" for path, bytes_ in largest[:_MAX_FILES])
    if len(snapshot.files) > _MAX_FILES:
        yield f"and {len(snapshot.files) - _MAX_FILES:,} smaller ones"
    if snapshot.ignored:
        more = len(snapshot.ignored) - _MAX_IGNORED
        names = ", ".join(snapshot.ignored[:_MAX_IGNORED]) + (f" and {more:,} more" if more > 0 else "")
        yield f"left out by {snapshot.ignore_file}: {names}"


def _snapshot_document(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "code": str(snapshot.code),
        "files": [{"path": path, "size_bytes": size_bytes} for path, size_bytes in snapshot.files],
        "size_bytes": snapshot.size_bytes,
        "ignore_file": snapshot.ignore_file,
        "ignored": list(snapshot.ignored),
    }
