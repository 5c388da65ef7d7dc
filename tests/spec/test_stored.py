import json
from pathlib import Path

import pytest
import yaml

from aml.spec.kinds import kind_of
from aml.spec.load import load, loads
from aml.spec.model import AmlCompute, CommandJob, Component, ComputeInstance, DataInput, LiteralInput
from aml.spec.parse import parse
from aml.spec.pipeline import ParallelComponent, PipelineComponent
from aml.spec.stored import components as stored_components
from aml.spec.stored.basics import component_document, component_of, compute_document, document_of, from_document
from aml.spec.stored.sweeps import sweep_document, sweep_of
from aml.spec.sweep import SweepJob

VALID = Path(__file__).parents[1] / "specs" / "valid"
JOBS = sorted(path for path in VALID.glob("*.yml") if kind_of(load(path)) == "command")
SWEEPS = sorted(path for path in VALID.glob("*.yml") if kind_of(load(path)) == "sweep")
COMPUTES = [VALID / "amlcompute.yml", VALID / "computeinstance.yml"]


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.name)
def test_what_is_stored_comes_back(path: Path) -> None:
    spec = parse(load(path))
    assert isinstance(spec, CommandJob)
    assert from_document(json.loads(json.dumps(document_of(spec)))) == spec


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.name)
def test_what_is_stored_is_a_spec_again(path: Path) -> None:
    spec = parse(load(path))
    assert isinstance(spec, CommandJob)
    text = yaml.safe_dump(document_of(spec), allow_unicode=True)
    assert parse(loads(text, "stored.yml", Path("/"))) == spec


@pytest.mark.parametrize("path", COMPUTES, ids=lambda path: path.name)
def test_a_stored_compute_is_a_spec_again(path: Path) -> None:
    spec = parse(load(path))
    assert isinstance(spec, AmlCompute | ComputeInstance)
    text = yaml.safe_dump(compute_document(spec), allow_unicode=True)
    assert parse(loads(text, "stored.yml", Path("/"))) == spec


def test_a_password_is_not_kept() -> None:
    text = "{name: cpu, type: amlcompute, ssh_settings: {admin_username: me, admin_password: secret}}"
    spec = parse(loads(text, "cluster.yml", Path("/")))
    assert isinstance(spec, AmlCompute)
    assert "secret" not in json.dumps(compute_document(spec))


def test_what_was_not_given_is_left_out() -> None:
    spec = CommandJob("ls", "azureml:a:1", inputs={"x": LiteralInput(0), "d": DataInput("/data")})
    assert document_of(spec) == {
        "type": "command",
        "command": "ls",
        "environment": "azureml:a:1",
        "inputs": {"x": 0, "d": {"path": "/data", "type": "uri_folder", "mode": "ro_mount"}},
        "resources": {"instance_count": 1},
    }


def test_a_stored_component_comes_back_and_is_a_spec_again() -> None:
    spec = parse(load(VALID / "command-component.yml"))
    assert isinstance(spec, Component)
    document = json.loads(json.dumps(component_document(spec)))
    assert component_of(document) == spec
    text = yaml.safe_dump(document, allow_unicode=True)
    assert parse(loads(text, "stored.yml", Path("/")), "command-component") == spec


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.name)
def test_a_stored_sweep_comes_back_and_is_a_spec_again(path: Path) -> None:
    spec = parse(load(path))
    assert isinstance(spec, SweepJob)
    document = json.loads(json.dumps(sweep_document(spec)))
    assert sweep_of(document) == spec
    text = yaml.safe_dump(document, allow_unicode=True)
    assert parse(loads(text, "stored.yml", Path("/"))) == spec


@pytest.mark.parametrize("name", ["command-component", "pipeline-component", "parallel-component"])
def test_a_stored_component_of_any_type_comes_back(name: str) -> None:
    spec = parse(load(VALID / f"{name}.yml"))
    assert isinstance(spec, Component | PipelineComponent | ParallelComponent)
    document = json.loads(json.dumps(stored_components.component_document(spec)))
    assert stored_components.component_of(document) == spec


def test_a_stored_parallel_component_is_a_spec_again() -> None:
    spec = parse(load(VALID / "parallel-component.yml"))
    assert isinstance(spec, ParallelComponent)
    text = yaml.safe_dump(stored_components.component_document(spec), allow_unicode=True)
    assert parse(loads(text, "stored.yml", Path("/")), "parallel-component") == spec
