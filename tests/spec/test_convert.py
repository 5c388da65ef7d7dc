"""Files of Azure ML v1 become files of v2 that are valid and mean the same."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from aml.errors import AmlError, SpecError, UsageError
from aml.spec.check import check
from aml.spec.convert import converted, neighbour
from aml.spec.kinds import kind_of
from aml.spec.load import load, loads
from aml.spec.overrides import document_from
from aml.spec.parse import problems

RUN = """
script: train.py
arguments: [--epochs, "3"]
target: cpu-cluster
framework: PyTorch
communicator: Nccl
nodeCount: 2
maxRunDurationSeconds: 600
environment:
  environmentVariables: {A: b}
  python: {userManagedDependencies: false, condaDependenciesFile: .azureml/conda.yml}
  docker: {enabled: true, baseImage: "ubuntu:22.04"}
"""
HYPERDRIVE = """
sampling:
  type: random
  parameter_space:
  - {name: --penalty, expression: choice, values: [0.5, 1, 1.5]}
  - {name: batch-size, expression: quniform, values: [8, 64, 8]}
policy: {type: BanditPolicy, evaluation_interval: 1, slack_factor: 0.2}
primary_metric_name: Accuracy
primary_metric_goal: Maximize
max_total_runs: 8
max_concurrent_runs: 2
max_duration_minutes: 100
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".azureml").mkdir()
    (tmp_path / "train.py").touch()
    (tmp_path / ".azureml" / "conda.yml").write_text("dependencies: [python]\n")
    (tmp_path / ".azureml" / "gpu.runconfig").write_text(RUN)
    (tmp_path / ".azureml" / "hdconfig.yml").write_text(HYPERDRIVE)
    return tmp_path


def v2(project: Path, file: str, **given: Any) -> dict[str, Any]:
    path = project / ".azureml" / file
    configuration = None if file.endswith(".runconfig") else load(project / ".azureml" / "gpu.runconfig")
    return converted(load(path), project, configuration, given.get("script"))


def test_a_run_configuration_becomes_a_command_job(project: Path) -> None:
    assert v2(project, "gpu.runconfig") == {
        "$schema": "https://azuremlschemas.azureedge.net/latest/commandJob.schema.json",
        "type": "command",
        "command": "python train.py --epochs 3",
        "environment": {"image": "ubuntu:22.04", "conda_file": "./.azureml/conda.yml"},
        "code": ".",
        "environment_variables": {"A": "b"},
        "resources": {"instance_count": 2},
        "limits": {"timeout": 600},
        "distribution": {"type": "pytorch"},
        "compute": "cpu-cluster",
    }


def test_a_hyperdrive_configuration_becomes_a_sweep_of_its_runs(project: Path) -> None:
    sweep = v2(project, "hdconfig.yml")
    command = "python train.py --epochs 3 --penalty ${{search_space.penalty}} --batch-size ${{search_space.batch_size}}"
    assert sweep["trial"]["command"] == command
    assert sweep["sampling_algorithm"] == "random"
    assert sweep["search_space"] == {
        "penalty": {"type": "choice", "values": [0.5, 1, 1.5]},
        "batch_size": {"type": "quniform", "min_value": 8, "max_value": 64, "q": 8},
    }
    assert sweep["objective"] == {"goal": "maximize", "primary_metric": "Accuracy"}
    assert sweep["early_termination"] == {"type": "bandit", "evaluation_interval": 1, "slack_factor": 0.2}
    assert sweep["limits"] == {
        "max_total_trials": 8,
        "max_concurrent_trials": 2,
        "timeout": 6000,
        "trial_timeout": 600,
    }


@pytest.mark.parametrize("file", ["gpu.runconfig", "hdconfig.yml"])
def test_what_is_converted_is_valid(project: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    assert [str(each) for each in problems(document_from(v2(project, file), "made"))] == []


@pytest.mark.parametrize(
    ("expression", "values", "made"),
    [
        ("randint", [10], {"upper": 10}),
        ("uniform", [0, 1], {"min_value": 0, "max_value": 1}),
        ("loguniform", [-4, -1], {"min_value": -4, "max_value": -1}),
        ("qloguniform", [0, 3, 1], {"min_value": 0, "max_value": 3, "q": 1}),
        ("normal", [0, 1], {"mu": 0, "sigma": 1}),
        ("qlognormal", [0, 1, 2], {"mu": 0, "sigma": 1, "q": 2}),
    ],
)
def test_every_expression_has_its_values_by_name(
    project: Path, expression: str, values: list[int], made: dict[str, int]
) -> None:
    text = HYPERDRIVE.replace("choice, values: [0.5, 1, 1.5]", f"{expression}, values: {values}")
    (project / ".azureml" / "hdconfig.yml").write_text(text)
    assert v2(project, "hdconfig.yml")["search_space"]["penalty"] == {"type": expression, **made}


@pytest.mark.parametrize(
    ("text", "kind"),
    [(RUN, "runconfig"), (HYPERDRIVE, "hdconfig"), ("script: a.py\nNode_Count: 1\n", "runconfig")],
)
def test_files_of_v1_are_told_by_their_keys(text: str, kind: str) -> None:
    assert kind_of(loads(text, "some.yml", Path("/"))) == kind


def test_they_are_checked_in_their_folder_with_the_others(project: Path) -> None:
    report = check([str(project)], stdin=io.BytesIO())
    assert [(Path(file.file).name, file.valid) for file in report.files] == [
        ("gpu.runconfig", True),
        ("hdconfig.yml", True),
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("type: random", "type: sobol"), ("not-allowed", "sampling.type")),
        (("type: random", "type: grid"), ("sampling", "sampling.parameter_space.1.expression")),
        (("[8, 64, 8]", "[8, 64]"), ("bad-format", "sampling.parameter_space.1.values")),
        (("[8, 64, 8]", "[64, 8, 8]"), ("out-of-range", "sampling.parameter_space.1.values")),
        (("[8, 64, 8]", "[a, b, c]"), ("wrong-type", "sampling.parameter_space.1.values")),
        (("choice,", "chioce,"), ("not-allowed", "sampling.parameter_space.0.expression")),
        (("slack_factor: 0.2", "slack_factor: 0.2, slack_amount: 1"), ("exclusive-keys", "policy.slack_factor")),
        (("Maximize", "Up"), ("not-allowed", "primary_metric_goal")),
        (("max_total_runs: 8", ""), ("missing-key", "max_total_runs")),
        (("max_total_runs: 8", "max_total_runs: 1"), ("out-of-range", "max_concurrent_runs")),
        (("max_total_runs: 8", "max_total_runs: many"), ("wrong-type", "max_total_runs")),
        (("policy:", "polciy:"), ("unknown-key", "polciy")),
    ],
)
def test_a_fault_of_a_hyperdrive_configuration_is_told_at_its_key(
    project: Path, change: tuple[str, str], expected: tuple[str, str]
) -> None:
    (project / ".azureml" / "hdconfig.yml").write_text(HYPERDRIVE.replace(*change))
    found = problems(load(project / ".azureml" / "hdconfig.yml"))
    assert [(problem.code, problem.path) for problem in found] == [expected]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("nodeCount: 2", "nodeCount: 0"), ("out-of-range", "nodeCount")),
        (("nodeCount: 2", "node_count: two"), ("wrong-type", "node_count")),
        (("Nccl", "Pigeon"), ("not-allowed", "communicator")),
        (("PyTorch", "PyTroch"), ("not-allowed", "framework")),
        (("target:", "tragte:"), ("unknown-key", "tragte")),
        (("conda.yml", "cond.yml"), ("missing-path", "environment.python.condaDependenciesFile")),
        (("script: train.py", "script: trian.py"), ("missing-path", "script")),
        (('[--epochs, "3"]', "{a: b}"), ("wrong-type", "arguments")),
        (("userManagedDependencies: false", "userManagedDependencies: 3"), ("wrong-type", None)),
    ],
)
def test_a_fault_of_a_run_configuration_is_told_at_its_key(
    project: Path, change: tuple[str, str], expected: tuple[str, str | None]
) -> None:
    (project / ".azureml" / "gpu.runconfig").write_text(RUN.replace(*change))
    (found,) = problems(load(project / ".azureml" / "gpu.runconfig"))
    assert found.code == expected[0]
    assert found.path == (expected[1] or "environment.python.userManagedDependencies")


def test_an_argument_that_both_give_is_refused(project: Path) -> None:
    (project / ".azureml" / "hdconfig.yml").write_text(HYPERDRIVE.replace("--penalty", "--epochs"))
    with pytest.raises(SpecError, match="The argument --epochs is in the run configuration too"):
        v2(project, "hdconfig.yml")


def test_what_can_not_be_converted_says_what_can(project: Path) -> None:
    with pytest.raises(UsageError) as caught:
        converted(loads("command: a\n", "job.yml", project), project, None, None)
    assert "NAME.runconfig" in str(caught.value.hint)
    with pytest.raises(UsageError, match="samples the arguments of a run configuration"):
        converted(load(project / ".azureml" / "hdconfig.yml"), project, None, None)


def test_the_only_run_configuration_beside_it_is_taken(project: Path) -> None:
    file = project / ".azureml" / "hdconfig.yml"
    assert neighbour(file) == project / ".azureml" / "gpu.runconfig"
    (project / ".azureml" / "cpu.runconfig").write_text(RUN)
    with pytest.raises(AmlError, match=r"cpu\.runconfig, gpu\.runconfig"):
        neighbour(file)
