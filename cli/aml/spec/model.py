"""The specs as values. A key of the schema is a field here, with the same name.

Paths are absolute when a spec has been parsed: what a file says is relative to the file.
Source of keys and defaults: Azure ML's YAML reference for command jobs, inputs and outputs, models, data and
environments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from aml.spec.pipeline import ParallelComponent, PipelineComponent, PipelineJob
    from aml.spec.serving import OnlineDeployment, OnlineEndpoint
    from aml.spec.sweep import SweepJob

Scalar = str | int | float | bool

InputType = Literal["uri_file", "uri_folder", "mltable", "custom_model", "mlflow_model", "triton_model"]
InputMode = Literal["ro_mount", "download", "direct", "eval_mount", "eval_download"]
DatastoreType = Literal["azure_blob", "azure_file", "azure_data_lake_gen1", "azure_data_lake_gen2", "one_lake"]
OutputMode = Literal["rw_mount", "mount", "upload", "direct"]


@dataclass(frozen=True)
class LiteralInput:
    """A value, given as it is in the YAML: 0, "" and false are values."""

    value: Scalar


@dataclass(frozen=True)
class DataInput:
    """Data or a model that the job reads."""

    path: str  # absolute local path, or a URI or asset reference as written
    type: InputType = "uri_folder"
    mode: InputMode = "ro_mount"
    datastore: str | None = None
    path_on_compute: str | None = None


Input = LiteralInput | DataInput


@dataclass(frozen=True)
class Output:
    """A folder or file that the job writes; with a name it is registered when the job ends."""

    type: InputType = "uri_folder"
    mode: OutputMode = "rw_mount"
    path: str | None = None
    name: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class Resources:
    instance_count: int = 1
    instance_type: str | None = None
    shm_size: str | None = None
    docker_args: str | tuple[str, ...] | None = None
    locations: tuple[str, ...] = ()
    max_instance_count: int | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    timeout: int | None = None  # seconds of wall time from the first process's start


@dataclass(frozen=True)
class CommandJob:
    """A `type: command` job, complete and valid. `None` is: not given."""

    command: str
    environment: str | Mapping[str, Any]  # a reference, or an inline environment (conda_file's path absolute)
    code: str | None = None  # absolute local path, or a reference
    inputs: Mapping[str, Input] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    limits: Limits = field(default_factory=Limits)
    distribution: Mapping[str, Any] | None = None
    services: Mapping[str, Any] = field(default_factory=dict)
    queue_settings: Mapping[str, Any] = field(default_factory=dict)
    identity: Mapping[str, Any] | None = None
    compute: str | None = None
    name: str | None = None
    display_name: str | None = None
    experiment_name: str | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)
    parent_job_name: str | None = None


@dataclass(frozen=True)
class ComponentInput:
    """What a component takes: a parameter (`string`, `number`, ...), or data of a type that jobs have too."""

    type: str
    description: str | None = None
    optional: bool = False
    default: Scalar | None = None
    min: float | None = None
    max: float | None = None
    enum: tuple[str, ...] = ()
    mode: str | None = None


@dataclass(frozen=True)
class ComponentOutput:
    type: str
    description: str | None = None
    mode: str | None = None


@dataclass(frozen=True)
class Component:
    """A `command` component, or the flags of `component create`."""

    name: str
    command: str
    environment: str | Mapping[str, Any]  # a reference, or an inline environment (conda_file's path absolute)
    type: Literal["command"] = "command"
    version: str | None = None  # None: the next integer
    display_name: str | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    is_deterministic: bool = True
    inputs: Mapping[str, ComponentInput] = field(default_factory=dict)
    outputs: Mapping[str, ComponentOutput] = field(default_factory=dict)
    code: str | None = None  # absolute local path, or a reference
    additional_includes: tuple[str, ...] = ()  # absolute local paths
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    distribution: Mapping[str, Any] | None = None
    resources: Resources = field(default_factory=Resources)
    queue_settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """A `model` file, or the flags of `model create`."""

    name: str
    path: str  # absolute local path, or azureml://jobs/..., runs:/...
    version: str | None = None  # None: the next integer
    type: Literal["custom_model", "mlflow_model", "triton_model"] = "custom_model"
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)
    flavors: Mapping[str, Any] = field(default_factory=dict)
    stage: str | None = None


@dataclass(frozen=True)
class Data:
    """A `data` file, or the flags of `data create`."""

    path: str  # absolute local path, or a URI
    name: str | None = None  # a file need not have it, what is registered does
    version: str | None = None  # None: the next integer
    type: Literal["uri_file", "uri_folder", "mltable"] = "uri_folder"
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Environment:
    """An `environment` file, or the flags of `environment create`: an image, or a build that makes one."""

    name: str
    version: str | None = None  # None: the next integer
    image: str | None = None
    conda_file: str | Mapping[str, Any] | None = None  # absolute local path, or the file's content
    build: Mapping[str, str] | None = None  # path: absolute local one or a URL, and dockerfile_path
    os_type: Literal["linux", "windows"] = "linux"
    inference_config: Mapping[str, Any] | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class AmlCompute:
    """A `type: amlcompute` cluster. Defaults are those of Azure's SDK."""

    name: str
    size: str = "Standard_DS3_v2"
    tier: Literal["dedicated", "low_priority"] = "dedicated"
    min_instances: int = 0
    max_instances: int = 4
    idle_time_before_scale_down: int = 120  # seconds
    location: str | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    identity: Mapping[str, Any] = field(default_factory=dict)
    network_settings: Mapping[str, Any] = field(default_factory=dict)
    ssh_public_access_enabled: bool | None = None
    ssh_settings: Mapping[str, Any] = field(default_factory=dict)  # without admin_password: it is not kept
    enable_node_public_ip: bool = True


@dataclass(frozen=True)
class ComputeInstance:
    """A `type: computeinstance` machine."""

    name: str
    size: str = "Standard_DS3_v2"
    location: str | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    identity: Mapping[str, Any] = field(default_factory=dict)
    network_settings: Mapping[str, Any] = field(default_factory=dict)
    ssh_public_access_enabled: bool | None = None
    ssh_settings: Mapping[str, Any] = field(default_factory=dict)
    enable_node_public_ip: bool = True
    schedules: Mapping[str, Any] = field(default_factory=dict)
    idle_time_before_shutdown: str | None = None
    idle_time_before_shutdown_minutes: int | None = None
    custom_applications: tuple[Mapping[str, Any], ...] = ()
    setup_scripts: Mapping[str, Any] = field(default_factory=dict)
    create_on_behalf_of: Mapping[str, Any] = field(default_factory=dict)
    enable_sso: bool | None = None
    enable_root_access: bool | None = None
    enable_os_patching: bool | None = None
    release_quota_on_stop: bool | None = None


@dataclass(frozen=True)
class Datastore:
    """Where data is kept, and how to sign in there: a file of the type `azure_blob`, `azure_file`, ..."""

    name: str
    type: DatastoreType
    account_name: str | None = None  # of all but azure_data_lake_gen1 and one_lake
    container_name: str | None = None  # of azure_blob
    file_share_name: str | None = None  # of azure_file
    filesystem: str | None = None  # of azure_data_lake_gen2
    store_name: str | None = None  # of azure_data_lake_gen1
    one_lake_workspace_name: str | None = None
    artifact: Mapping[str, str] = field(default_factory=dict)  # of one_lake
    endpoint: str | None = None  # suffix of the service's addresses; None: core.windows.net
    protocol: str | None = None  # None: https
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)  # secrets: for a 0600 file only
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)


ComputeSpec = AmlCompute | ComputeInstance

Spec: TypeAlias = (
    "CommandJob | SweepJob | PipelineJob | Component | PipelineComponent | ParallelComponent"
    " | Model | Data | Environment | ComputeSpec | Datastore | OnlineEndpoint | OnlineDeployment"
)
