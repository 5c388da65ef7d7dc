"""What a submit would do, as a value: the engine's own plan of the process, for a job that does not exist."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from aml.spec.binding import literal_text
from aml.spec.model import CommandJob, DataInput, Input, LiteralInput, Output
from aml.spec.stored.basics import document_of
from aml.workspace.embedded.catalog.references import References
from aml.workspace.embedded.compute.device_plan import Devices
from aml.workspace.embedded.distribution import distribution_of
from aml.workspace.embedded.engine import executors, launch
from aml.workspace.embedded.engine.executors import containers
from aml.workspace.embedded.engine.inputs import Place, linked, places
from aml.workspace.embedded.engine.outputs import Destination, destinations, folders, uris
from aml.workspace.embedded.environments import prepared
from aml.workspace.embedded.environments.builds import Cache
from aml.workspace.embedded.environments.choice import Choice
from aml.workspace.embedded.paths import JobPaths, WorkspacePaths
from aml.workspace.records import Job, Plan, PlannedDevice, PlannedEnvironment, PlannedInput, Snapshot, Status
from aml.workspace.redaction import REDACTED, redacted

UNKNOWN_NAME = "<name>"


def plan(
    spec: CommandJob,
    *,
    experiment_name: str,
    paths: WorkspacePaths,
    tracking: launch.Tracking,
    references: References,
    snapshot: Snapshot | None,
    devices: Devices,
    declared: Collection[str],
    choice: Choice,
    notes: Sequence[str],
) -> Plan:
    """The plan of a spec; nothing is made or changed. Raises `AmlError` for an input that can't be had.

    Variables that are `declared` are not told, besides those that look like a secret.
    """
    job = _job(spec, experiment_name)
    job_paths = paths.job(job.name)
    found = places(spec, job_paths, references)
    texts = {name: place.text for name, place in found.items()}
    outputs = destinations(spec, job.name, references)
    process = launch.plan(job, spec, job_paths, _site(spec, paths, tracking, devices), texts, {}, uris(outputs))
    container = prepared.container(choice, spec.resources, os.environ)
    container = container and replace(container, folders=folders(outputs))
    single = process.processes[0] if len(process.processes) == 1 else {}
    return Plan(
        name=spec.name,
        experiment_name=experiment_name,
        command=process.command,
        environment=redacted({**process.environment, **single}, declared),
        processes=tuple(dict(each) for each in process.processes) if not single else (),
        working_directory=process.cwd,
        inputs={name: _input(value, found.get(name)) for name, value in spec.inputs.items()},
        outputs={name: _output(name, output, job_paths, outputs.get(name)) for name, output in spec.outputs.items()},
        devices=tuple(
            PlannedDevice(node, uuid, devices.names[uuid])
            for node, uuids in enumerate(devices.of_nodes or ())
            for uuid in uuids
        ),
        snapshot=snapshot,
        runs_in=_environment(choice, replace(process, read_only=linked(found)), container, paths),
        notes=(*notes, *devices.notes),
    )


def unknown_tracking(uri: str | None, experiment_id: str | None) -> launch.Tracking:
    """Where the job would report to, as far as that is settled before the engine has it."""
    return launch.Tracking(uri or "http://127.0.0.1:<port>", REDACTED, experiment_id or "<new>")


def _environment(
    choice: Choice, process: executors.Launch, container: executors.Container | None, paths: WorkspacePaths
) -> PlannedEnvironment:
    name = choice.resolved.pinned if isinstance(choice.resolved.pinned, str) else choice.resolved.title
    place = prepared.place(choice, Cache(paths.environments), os.environ)
    line = () if container is None else tuple(containers.argv(process, container))
    return PlannedEnvironment(name, choice.mode, place.python, place.is_built, line, choice.unmet())


def _site(spec: CommandJob, paths: WorkspacePaths, tracking: launch.Tracking, devices: Devices) -> launch.Site:
    """Ports are found when a job starts: 0 stands for each."""
    ports = [0] * distribution_of(spec).port_count
    return launch.Site(paths.folder.name, tracking, ports, devices.of_nodes)


def _job(spec: CommandJob, experiment_name: str) -> Job:
    name = spec.name or UNKNOWN_NAME
    return Job(
        name=name,
        type="command",
        status=Status.QUEUED,
        experiment_name=experiment_name,
        display_name=spec.display_name or name,
        document=document_of(spec),
        created_at=datetime.now(UTC),
        created_by="",
    )


def _output(name: str, output: Output, paths: JobPaths, destination: Destination | None) -> str:
    """Where it is in the end."""
    if destination is None:
        return str(launch.output_path(name, output, paths))
    return destination.uri if destination.place is None else str(destination.place)


def _input(value: Input, place: Place | None) -> PlannedInput:
    if isinstance(value, DataInput) and place is not None:
        return PlannedInput(value.type, place.text, place.source)
    assert isinstance(value, LiteralInput)
    return PlannedInput("literal", literal_text(value.value), None)
