"""Endpoints and deployments as values. A key of the schema is a field here, with the same name.

Paths are absolute when a spec has been parsed. Source of keys and defaults: Azure ML's YAML reference for online
endpoints and deployments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aml.spec.model import Model


@dataclass(frozen=True)
class OnlineEndpoint:
    """An address that answers requests; its deployments do the work."""

    name: str
    auth_mode: Literal["key", "aml_token", "aad_token"] = "key"
    traffic: Mapping[str, int] = field(default_factory=dict)  # percent, by deployment: 0 or 100 together
    mirror_traffic: Mapping[str, int] = field(default_factory=dict)  # percent, at most 50 to at most one deployment
    identity: Mapping[str, Any] = field(default_factory=dict)
    public_network_access: Literal["enabled", "disabled"] = "enabled"
    compute: str | None = None  # of a kubernetes endpoint
    location: str | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class CodeConfiguration:
    """The code that serves a model."""

    code: str | None = None  # absolute local path, or a reference
    scoring_script: str | None = None  # relative to the code


@dataclass(frozen=True)
class RequestSettings:
    """How long and how many requests may wait."""

    request_timeout_ms: int = 5000
    max_concurrent_requests_per_instance: int = 1
    max_queue_wait_ms: int = 500


@dataclass(frozen=True)
class ProbeSettings:
    """When to ask whether an instance works; times in seconds."""

    initial_delay: int = 10
    period: int = 10
    timeout: int = 2
    success_threshold: int = 1
    failure_threshold: int = 30


@dataclass(frozen=True)
class ScaleSettings:
    """How the number of instances follows the load; all but the type are for target_utilization."""

    type: Literal["default", "target_utilization"] = "default"
    min_instances: int = 1
    max_instances: int = 1
    polling_interval: int = 1  # seconds
    target_utilization_percentage: int = 70


@dataclass(frozen=True)
class Collection:
    """What is collected of one kind of data."""

    enabled: bool
    data: str | Mapping[str, str] | None = None
    client_id: str | None = None


@dataclass(frozen=True)
class DataCollector:
    """What of the requests and answers is kept."""

    collections: Mapping[str, Collection] = field(default_factory=dict)
    rolling_rate: Literal["minute", "hour", "day"] = "hour"
    sampling_rate: float = 1.0  # 0 to 1
    capture_headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class OnlineDeployment:
    """A model, its code and environment, and the machines that serve it."""

    name: str
    endpoint_name: str
    type: Literal["managed", "kubernetes"] = "managed"
    model: str | Model | None = None  # a reference, or an inline model: one without a name has ""
    model_mount_path: str | None = None
    code_configuration: CodeConfiguration = field(default_factory=CodeConfiguration)
    environment: str | Mapping[str, Any] | None = None  # as of a command job
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    instance_type: str | None = None
    instance_count: int = 1
    request_settings: RequestSettings = field(default_factory=RequestSettings)
    liveness_probe: ProbeSettings = field(default_factory=ProbeSettings)
    readiness_probe: ProbeSettings = field(default_factory=ProbeSettings)
    scale_settings: ScaleSettings = field(default_factory=ScaleSettings)
    data_collector: DataCollector | None = None
    resources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of kubernetes: requests, limits
    app_insights_enabled: bool = False
    egress_public_network_access: Literal["enabled", "disabled"] = "enabled"
    private_network_connection: bool | None = None
    description: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str | None] = field(default_factory=dict)
