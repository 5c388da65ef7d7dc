"""What people see on a terminal instead of a document: a few lines of what matters, and what to do next."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aml.view.color import Style, paint
from aml.workspace.records import (
    Asset,
    Compute,
    Datastore,
    EngineState,
    Experiment,
    Job,
    MetricPoint,
    ModelVersion,
    RegistryInfo,
    Settings,
    Status,
    Usage,
    WorkspaceInfo,
)

_STATUS_STYLES: dict[Status, Style] = {Status.COMPLETED: "cyan", Status.FAILED: "red", Status.CANCELED: "yellow"}
_MAX_METRICS = 8
_CONTAINERS = ("container_name", "file_share_name", "filesystem", "store_name", "one_lake_workspace_name")


def job(record: Job, metrics: Sequence[MetricPoint] = (), models: Sequence[ModelVersion] = (), *, color: bool) -> str:
    """A job, what it reached, where its files are, and the next three commands to try."""
    status = paint(str(record.status), _STATUS_STYLES.get(record.status, "bold"), color)
    lines = [f"{paint(record.name, 'bold', color)}  {status}{_took(record)}"]
    if record.message:
        lines += fields_of({"why" if record.status.is_terminal else "now": record.message})
    if metrics:
        lines += fields_of({"metrics": values(metrics)})
    for model_ in models:
        lines += fields_of({"model": f"{model_.name}:{model_.version}", "": short(model_.path)})
    if record.folder is not None:
        lines += fields_of({"files": short(record.folder)})
    lines += ["", paint("next", "dim", color), *(f"  {command}" for command in next_commands(record, models))]
    return "\n".join(lines) + "\n"


def experiment(record: Experiment, *, color: bool) -> str:
    fields = {"jobs": str(record.jobs), "last job": record.last_job, "created": _local(record.created_at)}
    return "\n".join([paint(record.name, "bold", color), *fields_of(fields)]) + "\n"


def services(given: Mapping[str, Mapping[str, Any]], *, color: bool) -> str:
    """The services of a job, as its document has them."""
    lines = []
    for name, service in given.items():
        lines.append(f"{paint(name, 'bold', color)}  {service.get('type') or ''}".rstrip())
        lines += fields_of({"endpoint": service.get("endpoint"), "status": service.get("status")})
    return "\n".join(lines) + "\n"


def model(record: ModelVersion, *, color: bool) -> str:
    lines = [
        f"{paint(f'{record.name}:{record.version}', 'bold', color)}  {record.type}",
        *fields_of(
            {
                "path": short(record.path),
                "size": size(record.size_bytes),
                "job": record.job_name,
                "created": _local(record.created_at),
                "description": record.description,
            }
        ),
    ]
    return "\n".join(lines) + "\n"


def asset(record: Asset, *, color: bool) -> str:
    document = record.document
    lines = [
        f"{paint(f'{record.name}:{record.version}', 'bold', color)}  {document.get('type', record.kind)}",
        *fields_of(
            {
                "image": document.get("image"),
                "conda": _packages(document.get("conda_file")),
                "path": short(record.path) if record.path is not None else document.get("path"),
                "size": None if record.path is None else size(record.size_bytes),
                "job": record.job_name,
                "created": _local(record.created_at),
                "description": record.description,
            }
        ),
    ]
    return "\n".join(lines) + "\n"


def compute(record: Compute, *, color: bool) -> str:
    document = record.document
    nodes = f"{document['min_instances']} to {document['max_instances']}" if "max_instances" in document else None
    idle = document.get("idle_time_before_scale_down")
    lines = [
        f"{paint(record.name, 'bold', color)}  {record.type}" + (f"  {record.state}" if record.state else ""),
        *fields_of(
            {
                "size": record.size,
                "nodes": nodes,
                "now": ", ".join(f"{count} {state}" for state, count in record.node_counts.items() if count) or None,
                "tier": document.get("tier"),
                "idle time": None if idle is None else f"{idle} s",
                "description": document.get("description"),
            }
        ),
    ]
    return "\n".join(lines) + "\n"


def datastore(record: Datastore, *, color: bool) -> str:
    document = record.document
    place = [
        document[key] for key in ("container_name", "file_share_name", "filesystem", "store_name") if key in document
    ]
    lines = [
        f"{paint(record.name, 'bold', color)}  {record.type}" + ("  default" if record.is_default else ""),
        *fields_of(
            {
                "folder": None if record.folder is None else short(record.folder),
                "account": document.get("account_name"),
                "container": place[0] if place else None,
                "credentials": "kept" if record.has_credentials else None,
                "description": document.get("description"),
            }
        ),
    ]
    return "\n".join(lines) + "\n"


def workspace(record: WorkspaceInfo, settings: Settings, *, color: bool) -> str:
    redacted = ", ".join(settings.redacted_variables) or None
    lines = [
        f"{paint(record.name, 'bold', color)}  {record.kind}",
        *fields_of({"folder": short(Path(record.location)), "mlflow": record.mlflow_tracking_uri}),
        *fields_of(
            {"jobs run in": settings.environment_mode, "at once": str(settings.local_jobs), "redacted": redacted}
        ),
    ]
    return "\n".join(lines) + "\n"


def registry(record: RegistryInfo, *, color: bool) -> str:
    fields = fields_of({"folder": short(Path(record.location))})
    return "\n".join([paint(record.name, "bold", color), *fields]) + "\n"


def usage(record: Usage, *, color: bool) -> str:
    total = paint(size(record.total_bytes), "bold", color)
    parts = {
        "jobs": size(record.jobs_bytes),
        "blobs": size(record.blobs_bytes),
        "models": size(record.models_bytes),
        "other": size(record.other_bytes),
    }
    shared = f"environments, shared by all workspaces: {size(record.environments_bytes)}"
    return "\n".join([f"total  {total}", *fields_of(parts), shared]) + "\n"


def engine(record: EngineState, *, color: bool) -> str:
    state = paint("running", "cyan", color) if record.running else paint("not running", "dim", color)
    since = None if record.started_at is None else _local(record.started_at)
    port = None if record.port is None else str(record.port)
    pid = None if record.pid is None else str(record.pid)
    lines = [f"engine  {state}", *fields_of({"pid": pid, "port": port, "since": since, "log": short(record.log)})]
    lines += fields_of({"queued": str(record.queued)})
    lines += [f"  {each.name}  {each.status}" for each in record.active]
    return "\n".join(lines) + "\n"


def next_commands(record: Job, models: Sequence[ModelVersion]) -> list[str]:
    """Three commands that somebody who has just seen this job would want."""
    if not record.status.is_terminal:
        return [f"aml job {verb} -n {record.name}" for verb in ("stream", "show", "cancel")]
    if record.status is not Status.COMPLETED:
        log = f"aml job stream -n {record.name}"
        return [log, f"aml job show -n {record.name} -o yaml", "aml engine status"]
    last = models[-1] if models else None
    fetch = (
        f"aml job download -n {record.name} -p ."
        if last is None
        else f"aml model download -n {last.name} -v {last.version} -p ."
    )
    return [f"aml job metrics -n {record.name}", fetch, "aml job list"]


def values(points: Sequence[MetricPoint]) -> str:
    """`val_acc 0.9713  val_loss 0.1021`, the first few of them."""
    shown = [f"{point.key} {point.value:.4g}" for point in points[:_MAX_METRICS]]
    more = len(points) - len(shown)
    return "  ".join([*shown, f"and {more} more"] if more > 0 else shown)


def short(path: Path) -> str:
    """A path with the home folder as ~."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) and path != home else os.fspath(path)


def size(size_bytes: int) -> str:
    amount = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} GB"


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _packages(conda_file: Mapping[str, Any] | None) -> str | None:
    """How much a conda file asks for, pip's packages too."""
    if conda_file is None:
        return None
    listed = conda_file.get("dependencies") or []
    count = sum(len(each["pip"]) if isinstance(each, dict) and "pip" in each else 1 for each in listed)
    return f"{count} packages"


def _took(record: Job) -> str:
    if record.started_at is None:
        return ""
    end = record.ended_at or datetime.now(UTC)
    return f"  {'in' if record.ended_at else 'for'} {duration((end - record.started_at).total_seconds())}"


def fields_of(fields: Mapping[str, str | None]) -> list[str]:
    return [f"  {name:<11} {value}" for name, value in fields.items() if value is not None]


def _local(time: datetime) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
