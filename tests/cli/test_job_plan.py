"""`aml job validate`, `aml job plan` and `aml job create --dry-run`."""

from __future__ import annotations

import json
import re
import sys

import pytest

from aml.workspace.redaction import is_secret
from cli.terminal import Terminal, aml
from conftest import command_job, log_of

SPEC = """\
code: ./src
command: python main.py --data ${{inputs.data}} --lr ${{inputs.lr}} --to ${{outputs.model}}
environment: azureml:local@latest
experiment_name: trials
inputs:
  data:
    type: uri_file
    path: ./my table.csv
  lr: 0.1
outputs:
  model:
    type: custom_model
environment_variables:
  MODE: fast
  API_KEY: correct-horse-battery
"""


@pytest.fixture
def spec(tmp_path):
    (tmp_path / "src" / "cache").mkdir(parents=True)
    (tmp_path / "src" / "main.py").write_text("print(1)\n")
    (tmp_path / "src" / "big.bin").write_bytes(b"0" * 1000)
    (tmp_path / "src" / "cache" / "x").touch()
    (tmp_path / "src" / ".amlignore").write_text("*.bin\ncache/\n")
    (tmp_path / "my table.csv").write_text("1,2\n")
    path = tmp_path / "job.yml"
    path.write_text(SPEC)
    return path


def plan(spec, *arguments: str) -> dict:
    return json.loads(aml("job", "plan", "-f", str(spec), *arguments, check=True).stdout)


def test_a_plan_tells_what_would_run(spec, tmp_path, aml_home):
    told = plan(spec, "--name", "mine", "--set", "inputs.lr=0.2")
    folder = aml_home / "workspaces" / "default" / "jobs" / "mine"
    data = folder / "exec" / "inputs" / "data" / "my_table.csv"
    model = folder / "named-outputs" / "model"
    assert told["command"] == f"python main.py --data {data} --lr 0.2 --to {model}"
    assert told["working_directory"] == str(folder / "exec" / "wd")
    assert told["inputs"]["data"] == {"type": "uri_file", "value": str(data), "source": str(tmp_path / "my table.csv")}
    assert told["outputs"] == {"model": str(model)}
    assert told["snapshot"]["ignored"] == ["big.bin", "cache/"]
    assert {file["path"]: file["size_bytes"] for file in told["snapshot"]["files"]} == {".amlignore": 13, "main.py": 9}
    assert told["environment_variables"]["AZUREML_PARAMETER_lr"] == "0.2"
    python = f"{sys.prefix}/bin/python"
    here = {"name": "azureml:local@latest", "mode": "current", "python": python, "is_built": True}
    assert told["environment"] == here | {"container": [], "unmet": []}


def test_a_plan_tells_no_secret_and_nothing_of_the_submitters_environment(spec, monkeypatch):
    monkeypatch.setenv("MINE", "all mine")
    told = plan(spec)
    assert told["environment_variables"]["API_KEY"] == "***"
    assert told["environment_variables"]["MLFLOW_TRACKING_TOKEN"] == "***"
    assert told["environment_variables"]["MODE"] == "fast"
    text = json.dumps(told)
    assert "correct-horse" not in text
    assert "all mine" not in text
    assert "<name>" in told["working_directory"]


@pytest.mark.parametrize("command", [("plan",), ("create", "--dry-run")])
def test_nothing_is_changed(spec, aml_home, command):
    aml("job", "list", check=True)  # the workspace is there

    def state() -> dict[str, bytes]:
        files = (path for path in aml_home.rglob("*") if path.is_file() and "store.db-" not in path.name)
        return {str(path): path.read_bytes() for path in files}

    before = state()
    aml("job", *command, "-f", str(spec), check=True)
    assert state() == before
    assert json.loads(aml("engine", "status").stdout)["running"] is False


def test_the_job_that_is_submitted_gets_what_the_plan_said(workspace, tmp_path):
    (tmp_path / "data").mkdir()
    spec = command_job("env; pwd", name="same", environment_variables={"MODE": "fast"})
    told = workspace.plan(spec)
    workspace.wait(workspace.submit(spec).name)
    log = log_of(workspace, "same")
    seen = dict(line.split("=", 1) for line in log.splitlines() if "=" in line)
    settled = {name: value for name, value in told.environment.items() if "*" not in value and "<" not in value}
    assert len(settled) > 8
    assert settled.items() <= seen.items()
    assert log.endswith(f"{told.working_directory}\n")


def test_a_plan_is_refused_what_a_submit_is(spec, workspace):
    workspace.submit(command_job("true", name="taken"))
    for verb in (("plan",), ("create", "--dry-run"), ("create",)):
        refused = aml("job", *verb, "-f", str(spec), "--name", "taken")
        assert refused.returncode == 1
        assert "a job named taken exists already" in refused.stderr
    missing = aml("job", "plan", "-f", str(spec), "--set", "inputs.data.path=azureml:nothing:1")
    assert (missing.returncode, missing.stdout) == (3, "")


def test_people_see_a_page(spec):
    terminal = Terminal.run("job", "plan", "-f", str(spec), "--name", "mine")
    assert terminal.wait() == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", terminal.text).replace("\r\n", "\n")
    assert text.startswith("mine  in the experiment trials\n\ncommand\n  python main.py --data ")
    assert "left out by .amlignore: big.bin, cache/" in text
    assert "2 files, 22 B" in text
    assert text.endswith("Nothing was changed.\n")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY", "x"),
        ("HF_TOKEN", "x"),
        ("DB_PASSWORD", "x"),
        ("AZURE_STORAGE_CONNECTION_STRING", "x"),
        ("DATABASE", "postgres://me:secret@host/db"),
        ("BLOB", "https://a.blob.core.windows.net/c?sv=1&sig=abc"),
        ("AWS", "AKIAABCDEFGHIJKLMNOP"),
    ],
)
def test_what_looks_like_a_secret_is_one(name, value):
    assert is_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PWD", "/home/me"),
        ("MONKEY", "1"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("API_KEY", ""),
        ("URL", "http://h:80/"),
    ],
)
def test_what_does_not_look_like_a_secret_is_none(name, value):
    assert not is_secret(name, value)


def test_job_validate_checks_the_file_with_set_over_it(spec):
    good = aml("job", "validate", "-f", str(spec))
    assert (good.returncode, good.stdout.splitlines()[-1]) == (0, f"{spec}: valid")
    bad = aml("job", "validate", "-f", str(spec), "--set", "limits.timeout=soon", "-o", "json")
    assert bad.returncode == 1
    (error,) = json.loads(bad.stdout)["errors"]
    assert error["path"] == "limits.timeout"
    assert "(from --set limits.timeout)" in error["message"]
    assert aml("job", "validate", "-f", str(spec), "--set", "limits").returncode == 2
