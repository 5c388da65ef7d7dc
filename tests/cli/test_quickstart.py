"""The quickstart from its YAML to a registered model, and the README's examples, as a user runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.terminal import aml

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    return [text for found, text in fenced if found == language]


def test_the_quickstart_trains_and_registers_a_model():
    pytest.importorskip("torch")
    spec = str(ROOT / "specs" / "quickstart" / "job.yml")
    done = aml("job", "create", "-f", spec, "--set", "inputs.epochs=1", "--name", "short", "--stream")
    assert done.returncode == 0, done.stderr
    assert "1442 training and 355 validation images" in done.stderr
    metrics = {point["key"]: point["value"] for point in json.loads(aml("job", "metrics", "-n", "short").stdout)}
    assert {"train_loss", "val_loss", "val_acc", "best_val_acc", "images_per_s"} <= metrics.keys()
    model = json.loads(aml("model", "show", "-n", "digits-resnet18", "--label", "latest").stdout)
    assert (model["version"], model["job_name"], model["type"]) == ("1", "short", "custom_model")
    assert (Path(model["path"]) / "model.pt").stat().st_size > 40_000_000


def test_the_quickstart_sweep_registers_the_model_of_its_best_trial():
    pytest.importorskip("torch")
    spec = str(ROOT / "specs" / "quickstart" / "sweep.yml")
    limits = ("limits.max_total_trials=1", "limits.max_concurrent_trials=1")
    short = ("inputs.epochs=1", "inputs.image_size=16", *limits)
    done = aml("job", "create", "-f", spec, "--set", *short, "--name", "tuned", "--stream")
    assert done.returncode == 0, done.stderr
    best = json.loads(done.stdout)["properties"]["best_child_run_id"]
    model = json.loads(aml("model", "show", "-n", "digits-resnet18", "--label", "latest").stdout)
    assert (model["version"], model["job_name"]) == ("1", best)


def test_the_example_of_the_readme_is_valid_and_its_mistake_is_reported_as_it_says(tmp_path):
    (spec,) = blocks("yaml")
    for folder in ("src", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "src" / "train.py").touch()
    (tmp_path / "job.yml").write_text(spec)
    assert aml("validate", "job.yml", cwd=tmp_path).stdout == "job.yml: valid\n"
    (tmp_path / "job.yml").write_text(spec.replace("inputs.lr}}", "inputs.lrr}}"))
    (told,) = [block for block in blocks("") if block.startswith("$ aml validate")]
    shown = aml("validate", "job.yml", cwd=tmp_path).stdout
    errors = [line for line in shown.splitlines() if "warning" not in line]
    assert errors[:2] == told.splitlines()[1:]


def test_the_python_example_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    (example,) = blocks("python")
    (tmp_path / "job.yml").write_text(
        "command: echo ${{inputs.lr}}\nenvironment: azureml:local@latest\ninputs: {lr: 1}\n"
    )
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out == "Completed {}\n"


def test_every_command_of_the_readme_is_one_that_exists():
    commands = set(re.findall(r"\baml ((?:job|model|workspace|engine) [a-z]+|validate)\b", README))
    for command in commands:
        assert aml(*command.split(), "--help").returncode == 0, command
