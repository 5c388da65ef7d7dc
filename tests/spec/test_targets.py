"""What a target adds to the checks of the language."""

from __future__ import annotations

from pathlib import Path

import pytest

from aml.commands._targets import measure
from aml.spec.load import load, loads
from aml.spec.parse import problems
from aml.spec.report import Target
from aml.spec.targets import FolderSize, judge, misfits

ROOT = Path(__file__).parents[2]
STEP = """
type: pipeline
settings: {default_compute: local}
jobs: {a: {compute: local, limits: {timeout: 5}, inputs: {d: {path: 's3://a/b'}}}}
"""
PIPELINE = ("unsupported-kind", "type")
JOB = "command: echo\nenvironment: azureml:any:1\n"


def told(text: str, target: Target, size: FolderSize | None = None, folder: Path = Path("/")) -> list[tuple[str, str]]:
    document = loads(text, "job.yml", folder)
    found = misfits(document, target, measure if size is None else lambda _: size)
    return [(problem.code, problem.path) for problem in found]


@pytest.mark.parametrize("spec", sorted((ROOT / "specs").rglob("*.yml")), ids=lambda path: path.name)
def test_the_specs_that_ship_go_to_azure_unchanged(spec: Path) -> None:
    if "conda" not in spec.name:
        assert misfits(load(spec), "azure", measure) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("environment: azureml:local@latest\n", [("azure-environment", "environment")]),
        ("environment: azureml:localised:1\n", []),
        ("environment: azureml:AzureML-Tutorial:1\n", [("azure-environment", "environment")]),
        ("environment: azureml:AzureML-sklearn-1.5@latest\n", []),
        ("command: echo ${{'${{'}} $[[$<<inputs.a>>]]\n", [("azure-binding", "command")] * 2),
        ("display_name: " + "x" * 257 + "\n", [("azure-limit", "display_name")]),
        ("tags: {" + ", ".join(f"t{i}: a" for i in range(51)) + "}\n", [("azure-limit", "tags")]),
        ("properties: {" + "x" * 101 + ": a}\n", [("azure-limit", f"properties.{'x' * 101}")]),
        ("outputs: {" + ", ".join(f"o{i}: " for i in range(21)) + "}\n", [("azure-limit", "outputs")]),
        ("inputs: {a: {path: 's3://bucket/x'}}\n", [("azure-path", "inputs.a.path")]),
        ("inputs: {a: {path: './x'}, b: {path: 'abfss://x@y/z'}, c: s3://x}\n", []),
        ("type: sweep\ncompute: local\n", [("azure-compute", "compute")]),
        (
            STEP,
            [
                ("azure-path", "jobs.a.inputs.d.path"),
                ("azure-compute", "settings.default_compute"),
                ("azure-compute", "jobs.a.compute"),
                ("azure-limit", "jobs.a.limits.timeout"),
            ],
        ),
        ("name: microsoft-mine\nimage: a\n", [("azure-environment", "name")]),
        ("inputs: [1]\ntags: x\nlimits: 3\nenvironment: [a]\n", []),
        ("[a]\n", []),
    ],
)
def test_azure_refuses(text: str, expected: list[tuple[str, str]]) -> None:
    assert told(text, "azure") == expected


def test_a_snapshot_and_a_build_folder_have_a_limit(tmp_path: Path) -> None:
    text = f"{JOB}code: .\n"
    assert told(text, "azure", FolderSize(1, 300 * 1024**2), tmp_path) == []
    assert told(text, "azure", FolderSize(1, 300 * 1024**2 + 1), tmp_path) == [("azure-limit", "code")]
    build = "name: a\nbuild: {path: .}\n"
    assert told(build, "azure", FolderSize(100, 1024**2), tmp_path) == []
    assert told(build, "azure", FolderSize(101, 1), tmp_path) == [("azure-limit", "build.path")]


@pytest.mark.parametrize(
    ("line", "faults"),
    [
        ("numpy", 0),
        ("-r requirements.txt", 1),
        ("'--requirement=more.txt'", 1),
        ("-e ./mine", 1),
        ("-e git+https://host/x", 0),
        ("--extra-index-url https://host/a", 0),
    ],
)
def test_azure_gets_a_conda_file_alone(tmp_path: Path, line: str, faults: int) -> None:
    (tmp_path / "conda.yml").write_text(f"dependencies:\n- pip\n- pip:\n  - numpy\n  - {line}\n")
    text = "environment: {image: a, conda_file: conda.yml}\n"
    assert told(text, "azure", None, tmp_path) == [("azure-environment", "environment.conda_file")] * faults


def test_what_an_ignore_file_names_is_not_measured(tmp_path: Path) -> None:
    (tmp_path / ".amlignore").write_text("big\n")
    (tmp_path / "big").write_bytes(b"x" * 5000)
    (tmp_path / "small").write_bytes(b"x" * 10)
    assert measure(tmp_path) == FolderSize(2, 14)


def test_a_folder_that_can_not_be_stored_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to("nowhere")
    assert told(f"{JOB}code: .\n", "azure", None, tmp_path) == [("unreadable", "code")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("distribution: {type: Ray}\n", [("local-distribution", "distribution.type")]),
        ("inputs: {a: {path: 's3://bucket/x'}}\n", [("local-path", "inputs.a.path")]),
        ("inputs: {a: {path: 's3://bucket/x', mode: Direct}}\n", []),
        ("inputs: {a: {path: 'azureml://registries/x/data/y/versions/1'}}\n", []),
        ("inputs: {a: {path: azureml:x:1}, b: {path: 'https://x/y'}, c: {path: ./x}}\n", []),
        (
            "type: pipeline\njobs: {a: {distribution: {type: ray}, services: {s: {type: ssh}}}}\n",
            [PIPELINE, ("local-distribution", "jobs.a.distribution.type"), ("local-service", "jobs.a.services.s")],
        ),
        ("environment: {image: x, os_type: Windows}\n", [("local-environment", "environment.os_type")]),
        (
            "type: sweep\ntrial: {distribution: {type: ray}}\n",
            [("local-distribution", "trial.distribution.type")],
        ),
        (
            "type: pipeline\njobs: {a: {component: {environment: {image: x, os_type: windows}}}}\n",
            [PIPELINE, ("local-environment", "jobs.a.component.environment.os_type")],
        ),
    ],
)
def test_this_machine_can_not_run(text: str, expected: list[tuple[str, str]]) -> None:
    assert told(text, "local") == expected


def test_faults_of_the_language_and_of_the_target_are_told_together_in_order() -> None:
    document = loads("limits: {timeout: 1}\nexperiment_name: a b\ncommand: echo\n", "job.yml", Path("/"))
    assert [problem.code for problem in judge(document, "azure", measure)] == [
        "azure-name",
        "missing-key",
        "azure-limit",
    ]
    assert [problem.code for problem in problems(document)] == ["missing-key"]
