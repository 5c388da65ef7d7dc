from pathlib import Path

import pytest

from aml.spec.load import load, loads
from aml.spec.model import Model
from aml.spec.parse import parse, problems
from aml.spec.serving import (
    CodeConfiguration,
    Collection,
    OnlineDeployment,
    OnlineEndpoint,
    ProbeSettings,
    RequestSettings,
    ScaleSettings,
)

SPECS = Path(__file__).parents[1] / "specs"
MANAGED = "name: blue\nendpoint_name: digits\ninstance_type: Standard_DS3_v2\n"


def deployment(name: str) -> OnlineDeployment:
    spec = parse(load(SPECS / "valid" / name))
    assert isinstance(spec, OnlineDeployment)
    return spec


def told(text: str) -> list[str]:
    found = problems(loads(text, "spec.yml", SPECS / "valid"), "online-deployment" if "endpoint_name" in text else None)
    return [f"{problem.code} {problem.path}" for problem in found]


@pytest.fixture(scope="module")
def every_key() -> OnlineDeployment:
    return deployment("online-deployment.yml")


def test_an_endpoint_file_becomes_an_endpoint() -> None:
    assert parse(load(SPECS / "valid" / "online-endpoint.yml")) == OnlineEndpoint(
        name="digits-endpoint",
        auth_mode="key",
        traffic={"blue": 90, "green": 10, "red": 0},
        mirror_traffic={"red": 20},
        identity={"type": "user_assigned", "user_assigned_identities": [{"resource_id": "an-id", "client_id": "c"}]},
        public_network_access="disabled",
        location="westeurope",
        description="What digit a picture shows.",
        tags={"team": "vision"},
        properties={"aml.server": "ours"},
    )


def test_a_deployment_has_its_model_code_and_environment_by_absolute_paths(every_key: OnlineDeployment) -> None:
    assert every_key.model == Model("digits", str(SPECS / "src"), "3")
    assert every_key.code_configuration == CodeConfiguration(str(SPECS / "serving"), "score.py")
    assert every_key.environment == {"image": "python:3.11", "conda_file": str(SPECS / "conda.yml")}
    assert every_key.environment_variables["WORKER_COUNT"] == "2"


def test_probes_and_request_settings_have_azure_mls_defaults(every_key: OnlineDeployment) -> None:
    assert every_key.liveness_probe == ProbeSettings(0, 5, 1, 1, 3)
    assert every_key.readiness_probe == ProbeSettings(10, 10, 2, 2, 30)
    assert every_key.request_settings == RequestSettings(3000, 4, 0)
    assert deployment("online-deployment-without-code.yml").request_settings == RequestSettings(5000, 1, 500)


def test_what_is_collected_is_known(every_key: OnlineDeployment) -> None:
    assert every_key.data_collector is not None
    assert every_key.data_collector.collections["request"] == Collection(enabled=True, data="azureml:requests:1")
    assert not every_key.data_collector.collections["model_inputs"].enabled
    assert every_key.data_collector.sampling_rate == 0.5
    assert every_key.data_collector.capture_headers == ("x-request-id",)


def test_a_kubernetes_deployment_scales_with_its_load() -> None:
    spec = deployment("online-deployment-of-kubernetes.yml")
    assert spec.type == "kubernetes"
    assert spec.scale_settings == ScaleSettings("target_utilization", 1, 3, 10, 70)
    assert spec.resources["requests"] == {"cpu": "500m", "memory": "0.5Gi", "gpu": "1"}
    assert spec.model == "azureml:digits@latest"


def test_the_case_of_types_does_not_matter() -> None:
    text = f"{MANAGED}type: Managed\nscale_settings: {{type: Default}}\nmodel: {{path: ../src, type: MlflowModel}}"
    spec = parse(loads(text, "spec.yml", SPECS / "valid"))
    assert isinstance(spec, OnlineDeployment)
    assert (spec.type, spec.scale_settings.type) == ("managed", "default")
    assert isinstance(spec.model, Model)
    assert spec.model.type == "mlflow_model"


def test_a_model_inside_a_deployment_needs_no_name() -> None:
    model = deployment("online-deployment-without-code.yml").model
    assert model == Model("", str(SPECS / "src"), type="mlflow_model")


@pytest.mark.parametrize(
    ("traffic", "expected"),
    [
        ("{}", []),
        ("{blue: 0}", []),
        ("{blue: 100}", []),
        ("{blue: 50, green: 50}", []),
        ("{blue: 50, green: 49}", ["out-of-range traffic"]),
        ("{blue: 50.5, green: 49.5}", ["wrong-type traffic.blue", "wrong-type traffic.green"]),
        ("[blue]", ["wrong-type traffic"]),
    ],
)
def test_traffic_is_all_or_nothing(traffic: str, expected: list[str]) -> None:
    assert told(f"name: digits\nauth_mode: key\ntraffic: {traffic}") == expected


@pytest.mark.parametrize(
    ("mirror", "expected"),
    [
        ("{green: 50}", []),
        ("{blue: 0}", []),
        ("{green: 51}", ["out-of-range mirror_traffic.green"]),
        ("{green: 10, red: 10}", ["out-of-range mirror_traffic"]),
        ("{blue: 10}", ["not-allowed mirror_traffic.blue"]),
    ],
)
def test_traffic_is_mirrored_to_one_deployment_without_any(mirror: str, expected: list[str]) -> None:
    assert told(f"name: digits\ntraffic: {{blue: 100}}\nmirror_traffic: {mirror}") == expected


@pytest.mark.parametrize("name", ["<ENDPOINT_NAME>", "{{ENDPOINT_NAME}}", "digits-<initials>", "${ENDPOINT}"])
def test_the_name_of_the_endpoint_may_still_be_put_in(name: str) -> None:
    assert told(f"name: blue\nendpoint_name: '{name}'\ninstance_type: x") == ["placeholder endpoint_name"]


@pytest.mark.parametrize("name", ["ab", "1abc", "abc-", "a" * 33, "a_b", "my endpoint"])
def test_names_of_endpoints_and_deployments_have_one_pattern(name: str) -> None:
    assert told(f"name: '{name}'\nauth_mode: key") == ["bad-name name"]
    assert told(f"name: '{name}'\nendpoint_name: abc\ninstance_type: x\nmodel: azureml:m") == ["bad-name name"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model: azureml:m:1", []),
        ("model: azureml:m", []),
        ("model: azurml:m:1", ["bad-reference model"]),
        ("model: ./model", ["bad-reference model"]),
        ("model: azureml://registries/r/models/m/versions/1", []),
        ("environment: 'azureml:e:'", ["bad-reference environment"]),
        ("model: {path: ../src}", ["missing-key environment"]),
        ("model: {path: ../src, type: triton_model}", []),
        ("model: {path: 'runs:/abc/model', type: mlflow_model}", []),
        ("model: {}", ["missing-key model.path"]),
        ("environment: {image: a, build: {path: ../docker}}", ["exclusive-keys environment.build"]),
        ("request_settings: {request_timeout_ms: 180000}", []),
        ("request_settings: {request_timeout_ms: 180001}", ["out-of-range request_settings.request_timeout_ms"]),
        ("type: kubernetes\nrequest_settings: {request_timeout_ms: 180001}", []),
        ("scale_settings: {type: default, min_instances: 1}", ["unknown-key scale_settings.min_instances"]),
        ("instance_count: 0", ["out-of-range instance_count"]),
        ("liveness_probe: {timeout: -1}", ["out-of-range liveness_probe.timeout"]),
        ("data_collector: {collections: {a: {enabled: true}}}", ["wrong-type data_collector.collections.a.enabled"]),
        ("data_collector: {collections: {}, sampling_rate: '1.5'}", ["wrong-type data_collector.sampling_rate"]),
        ("code_configuration: {code: ../serving}", ["missing-key code_configuration.scoring_script"]),
        ("code_configuration: {code: ../nowhere, scoring_script: x.py}", ["missing-path code_configuration.code"]),
        (
            "code_configuration: {code: ../serving, scoring_script: x.py}",
            ["missing-path code_configuration.scoring_script"],
        ),
    ],
)
def test_a_deployment_is_judged(text: str, expected: list[str]) -> None:
    assert told(MANAGED + text) == expected


@pytest.mark.parametrize(
    ("text", "severity"),
    [("instance_type: small", "warning"), ("resources: {}", "error"), ("instance_count: 1", "error")],
)
def test_a_kubernetes_deployment_without_a_type_is_taken_for_a_managed_one(text: str, severity: str) -> None:
    start = "$schema: https://azuremlschemas.azureedge.net/latest/kubernetesOnlineDeployment.schema.json\n"
    found = problems(loads(f"{start}name: blue\nendpoint_name: digits\n{text}", "d.yml", SPECS))
    assert [(problem.severity, problem.path) for problem in found] == [(severity, "type")]
