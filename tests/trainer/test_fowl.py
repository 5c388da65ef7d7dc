from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from aml_trainer.config import Config, parse

from .conftest import TRAINER

FOWL = Path(__file__).resolve().parents[2] / "specs" / "fowl"


def _spec(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = yaml.safe_load((FOWL / name).read_text())
    return spec


def _config(command: str, values: dict[str, Any]) -> Config:
    bound = re.sub(r"\$\{\{(.*?)\}\}", lambda binding: str(values[binding[1]]), command)
    words = shlex.split(bound)
    assert words[:3] == ["python", "-m", "aml_trainer"]
    return parse(words[3:])


def test_the_tutorials_job_starts_the_trainer_with_the_tutorials_recipe():
    spec = _spec("job.yml")
    values = {f"inputs.{name}": value for name, value in spec["inputs"].items()} | {"outputs.model": "out"}
    config = _config(spec["command"], values)
    assert (config.model, config.weights, config.epochs, config.batch_size) == ("resnet18", "imagenet", 30, 4)
    assert (config.lr, config.momentum, config.step_epochs, config.step_factor) == (0.001, 0.9, 7, 0.1)
    assert config.data.endswith("/fowl_data.zip")
    assert config.resume == "auto"


def test_the_sweep_tries_what_the_tutorial_tries():
    spec = _spec("sweep.yml")
    values = {f"inputs.{name}": value for name, value in spec["inputs"].items()} | {"outputs.model": "out"}
    values |= {f"search_space.{name}": space["max_value"] for name, space in spec["search_space"].items()}
    config = _config(spec["trial"]["command"], values)
    assert (config.lr, config.momentum, config.epochs) == (0.005, 0.99, 30)
    assert spec["objective"]["primary_metric"] == "best_val_acc"


def test_the_deployment_serves_what_the_job_registers_by_the_trainers_scoring_script():
    job, deployment = _spec("job.yml"), _spec("deployment.yml")
    assert deployment["model"] == f"azureml:{job['outputs']['model']['name']}@latest"
    code = deployment["code_configuration"]
    assert (FOWL / code["code"]).resolve() == TRAINER
    assert (TRAINER / code["scoring_script"]).is_file()
    assert deployment["endpoint_name"] == _spec("endpoint.yml")["name"]
    environment = _spec("environment.yml")
    assert job["environment"] == deployment["environment"] == f"azureml:{environment['name']}@latest"
    assert job["compute"] == f"azureml:{_spec('compute.yml')['name']}"


def test_all_files_of_the_tutorial_are_valid():
    command = [sys.executable, "-m", "aml", "validate", "--strict", str(FOWL)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
