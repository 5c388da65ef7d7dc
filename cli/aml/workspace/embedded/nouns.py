"""Models, assets, computes and metrics as commands see them: a table, and what goes beyond one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aml.errors import AmlError
from aml.workspace.embedded import names
from aml.workspace.embedded.catalog.assets import AssetTable
from aml.workspace.embedded.catalog.models import ModelTable
from aml.workspace.embedded.catalog.references import References, job_of
from aml.workspace.embedded.compute import computes, instances
from aml.workspace.embedded.compute.computes import ComputeTable
from aml.workspace.embedded.compute.vm_sizes import vm_sizes
from aml.workspace.embedded.database import Database
from aml.workspace.embedded.files.blobs import copy_out
from aml.workspace.embedded.queue import Queue
from aml.workspace.embedded.store import Jobs
from aml.workspace.embedded.tracking import metrics
from aml.workspace.records import Asset, Compute, ComputeNode, MetricPoint, ModelVersion, VmSize

if TYPE_CHECKING:
    from aml.spec.model import ComputeSpec, Data, Environment, Model
    from aml.spec.stored.components import AnyComponent


@dataclass(frozen=True)
class Models:
    """See `aml.workspace.Models`."""

    table: ModelTable
    references: References
    jobs: Jobs

    def create(self, spec: Model) -> ModelVersion:
        job_name = job_of(spec.path)
        if job_name is not None:
            _check_job(job_name, self.jobs, self.table.registry, "model")
        return self.table.create(
            spec.name,
            self.references.path(spec.path, spec.type),
            type=spec.type,
            created_by=names.user_name(),
            version=spec.version,
            run_id=job_name,
            description=spec.description,
            stage=spec.stage,
            tags=spec.tags,
            properties=spec.properties,
            flavors=spec.flavors,
        )

    def get(self, name: str, version: str | None = None) -> ModelVersion:
        return self.table.get(name, version)

    def list(
        self,
        name: str | None = None,
        *,
        limit: int | None = None,
        archived: bool | None = False,
        stage: str | None = None,
    ) -> Sequence[ModelVersion]:
        return self.table.list(name, limit=limit, archived=archived, stage=stage)

    def made_by(self, job_name: str) -> Sequence[ModelVersion]:
        return self.table.made_by(job_name)

    def download(self, name: str, version: str, folder: Path) -> Path:
        model = self.table.get(name, version)
        target = folder / model.name
        copy_out(model.path, target / model.path.name)
        return target

    def update(self, name: str, version: str | None, change: Callable[[ModelVersion], ModelVersion]) -> ModelVersion:
        model = self.table.get(name, version)
        return self.table.update(model.name, model.version, change)

    def archive(self, name: str, version: str | None, *, archived: bool) -> None:
        meant = [self.table.get(name, version)]
        for model in self.table.list(name, archived=None) if version is None else meant:
            self.table.update(model.name, model.version, lambda each: replace(each, archived=archived))


@dataclass(frozen=True)
class Assets:
    """See `aml.workspace.Assets`."""

    table: AssetTable
    jobs: Jobs

    def create(self, spec: Data | Environment | AnyComponent) -> Asset:
        from aml.workspace.embedded.catalog.content import new_asset

        new = new_asset(spec, names.user_name())
        if new.job_name is not None:
            _check_job(new.job_name, self.jobs, self.table.registry, new.kind)
        return self.table.create(new)

    def get(self, kind: str, name: str, version: str | None = None) -> Asset:
        return self.table.get(kind, name, version)

    def list(
        self, kind: str, name: str | None = None, *, limit: int | None = None, archived: bool | None = False
    ) -> Sequence[Asset]:
        return self.table.list(kind, name, limit=limit, archived=archived)

    def update(self, kind: str, name: str, version: str | None, change: Callable[[Asset], Asset]) -> Asset:
        return self.table.update(kind, name, version, change)

    def archive(self, kind: str, name: str, version: str | None, *, archived: bool) -> None:
        meant = [self.table.get(kind, name, version)]
        for asset in self.table.list(kind, name, archived=None) if version is None else meant:
            self.table.update(kind, name, asset.version, lambda each: replace(each, archived=archived))


@dataclass(frozen=True)
class Computes:
    """See `aml.workspace.Computes`."""

    table: ComputeTable
    jobs: Jobs
    queue: Queue
    changed: Callable[[], None]  # is called when jobs that wait may be able to run

    def put(self, spec: ComputeSpec) -> Compute:
        compute = self.table.put(spec)
        self.changed()
        return self._counted(compute)

    def get(self, name: str) -> Compute:
        return self._counted(self.table.get(name))

    def list(self, type_: str | None = None) -> Sequence[Compute]:
        return [self._counted(compute) for compute in self.table.list(type_)]

    def nodes(self, name: str) -> Sequence[ComputeNode]:
        from aml.workspace.embedded.compute import capacity

        return capacity.nodes_of(self.table.get(name), self.jobs, self.queue)

    def delete(self, name: str) -> None:
        self.table.delete(name)

    def start(self, name: str) -> Compute:
        compute = self.table.set_state(name, instances.RUNNING)
        self.changed()
        return compute

    def stop(self, name: str) -> Compute:
        return self.table.set_state(name, instances.STOPPED)

    def sizes(self) -> Sequence[VmSize]:
        return tuple(vm_sizes().values())

    def _counted(self, compute: Compute) -> Compute:
        if compute.type != computes.CLUSTER:
            return compute
        from aml.workspace.embedded.compute import capacity

        nodes = capacity.nodes_of(compute, self.jobs, self.queue)
        return replace(compute, node_counts=capacity.node_counts(nodes))


@dataclass(frozen=True)
class Metrics:
    """See `aml.workspace.Metrics`."""

    database: Database
    jobs: Jobs

    def latest(self, job_name: str) -> Sequence[MetricPoint]:
        return metrics.latest_metrics(self.database.connection, self.jobs.get(job_name).name)

    def history(self, job_name: str, key: str | None = None) -> Sequence[MetricPoint]:
        return metrics.metric_history(self.database.connection, self.jobs.get(job_name).name, key)

    def after(self, job_name: str, cursor: int) -> tuple[int, Sequence[MetricPoint]]:
        return metrics.metrics_after(self.database.connection, job_name, cursor)


def _check_job(name: str, jobs: Jobs, registry: str | None, noun: str) -> None:
    """That a job whose output is registered is there."""
    if registry is not None:
        raise AmlError(
            f"the output of the job {name} is in a workspace, which a registry can't look into",
            f"Register it in the workspace, then copy it with `aml {noun} share`.",
        )
    jobs.get(name)
