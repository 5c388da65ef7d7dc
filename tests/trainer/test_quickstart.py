from __future__ import annotations

import re
import shlex
from pathlib import Path

import yaml

from aml_trainer.config import parse

QUICKSTART = Path(__file__).resolve().parents[2] / "specs" / "quickstart"


def test_the_quickstart_starts_the_trainer_with_arguments_it_takes(tmp_path: Path):
    spec = yaml.safe_load((QUICKSTART / "job.yml").read_text())
    values = {f"inputs.{name}": value for name, value in spec["inputs"].items()} | {"outputs.model": tmp_path}
    command = re.sub(r"\$\{\{(.*?)\}\}", lambda binding: str(values[binding[1]]), spec["command"])
    write, train = (shlex.split(step) for step in command.split("&&"))
    assert write == ["python", "-m", "aml_trainer.digits", "--output-dir", "./digits"]
    assert train[:5] == ["python", "-m", "aml_trainer", "--data", "./digits"]
    config = parse(["--data", str(tmp_path), *train[5:]])
    assert (config.model, config.image_size, config.output_dir) == ("resnet18", 32, tmp_path)
    assert all(getattr(config, name) == value for name, value in spec["inputs"].items())


def test_the_quickstart_names_what_it_needs_in_the_cloud():
    spec = yaml.safe_load((QUICKSTART / "job.yml").read_text())
    conda = yaml.safe_load((QUICKSTART / spec["environment"]["conda_file"]).read_text())
    packages = {re.split(r"[<>=]", requirement)[0] for requirement in conda["dependencies"][-1]["pip"]}
    assert packages >= {"torch", "torchvision", "scikit-learn", "pillow", "mlflow-skinny"}
    assert (QUICKSTART / spec["code"] / "aml_trainer" / "__main__.py").is_file()
    assert spec["outputs"]["model"]["name"] == "digits-resnet18"
