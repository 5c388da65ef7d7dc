"""`aml component`, as scripts use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aml.workspace import open_workspace
from cli.terminal import aml

SPECS = Path(__file__).parents[1] / "specs"
FILE = str(SPECS / "valid" / "command-component.yml")


def run(*arguments: str) -> Any:
    return json.loads(aml(*arguments, check=True).stdout)


def test_a_component_is_made_from_a_file_and_shown_as_az_shows_it():
    made = run("component", "create", "-f", FILE)
    code, environment = Path(made["code"]), made["environment"]
    assert sorted(path.name for path in code.iterdir()) == ["iris.csv", "train.py"]
    assert (code / "train.py").stat().st_mode & 0o222 == 0
    assert environment["conda_file"]["dependencies"]
    assert (made["id"], made["version"], made["type"]) == ("azureml:train_iris:1.10", "1.10", "command")
    assert made["inputs"]["kernel"] == {"type": "string", "default": "linear", "enum": ["linear", "rbf"]}
    assert made["outputs"]["score"] == {"type": "number"}
    assert (made["display_name"], made["is_deterministic"]) == ("Train", False)
    assert made["resources"] == {"instance_count": 2}
    assert "additional_includes" not in made
    assert run("component", "show", "-n", "train_iris") == made


def test_flags_and_sets_go_over_the_file_and_versions_count_up():
    new = ("-n", "other", "--set", "display_name=x", "command=echo", "inputs={}", "outputs={}")
    first = run("component", "create", "-f", FILE, "--version", "1", *new)
    assert (first["name"], first["version"], first["command"]) == ("other", "1", "echo")
    plain = str(SPECS / "valid" / "component-without-schema.yml")
    assert [run("component", "create", "-f", plain)["version"] for _ in range(2)] == ["1", "2"]
    assert [each["name"] for each in run("component", "list")] == ["count_rows", "count_rows", "other"]


def test_a_version_with_the_same_content_is_the_same_and_with_another_a_conflict():
    run("component", "create", "-f", FILE)
    assert run("component", "create", "-f", FILE, "--set", "tags.a=1")["tags"] == {"team": "vision", "a": "1"}
    done = aml("component", "create", "-f", FILE, "--set", "command=false", "inputs={}", "outputs={}")
    assert done.returncode == 1
    assert "version 1.10 of the component train_iris exists already" in done.stderr


def test_the_verbs_of_every_asset_are_there():
    run("component", "create", "-f", FILE)
    changed = run("component", "update", "-n", "train_iris", "--label", "latest", "--set", "description=new")
    assert changed["description"] == "new"
    aml("component", "archive", "-n", "train_iris", "-v", "1.10", check=True)
    assert run("component", "list") == []
    aml("component", "restore", "-n", "train_iris", check=True)
    assert len(run("component", "list", "-n", "train_iris")) == 1
    shared = run("component", "create", "-f", FILE, "--registry-name", "shared")
    assert shared["id"] == "azureml://registries/shared/components/train_iris/versions/1.10"
    assert aml("component", "show", "-n", "nobody").returncode == 3


def test_what_is_included_must_not_be_in_the_code_too(tmp_path):
    for folder in ("code", "more/code"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.py").write_text(folder)
    text = "name: c\nversion: 1\ncommand: x\nenvironment: azureml:e:1\ncode: code\nadditional_includes: [{}]\n"
    (tmp_path / "c.yml").write_text(text.format("more/code/a.py"))
    done = aml("component", "create", "-f", str(tmp_path / "c.yml"))
    assert "is included and has a.py, which the code has too" in done.stderr
    (tmp_path / "c.yml").write_text(text.format("more"))
    code = Path(run("component", "create", "-f", str(tmp_path / "c.yml"))["code"])
    assert (code / "more" / "code" / "a.py").read_text() == "more/code"


def test_a_component_without_code_has_none():
    plain = str(SPECS / "valid" / "component-without-schema.yml")
    assert "code" not in run("component", "create", "-f", plain)
    assert open_workspace().assets.get("component", "count_rows").path is None


def test_a_file_is_validated():
    assert aml("component", "validate", "-f", FILE).returncode == 0
    assert aml("component", "create", "-f", str(SPECS / "valid" / "data.yml")).returncode == 1


def test_components_of_pipelines_and_parallel_ones_are_stored_with_the_code_of_their_steps(tmp_path):
    pipeline = run("component", "create", "-f", str(SPECS / "valid" / "pipeline-component.yml"))
    first, second = (pipeline["jobs"][step]["component"] for step in ("first", "second"))
    assert (first["name"], first["environment"]["image"]) == ("train_iris", "python:3.11")
    assert first["environment"]["conda_file"]["dependencies"]
    for component in (first, second):
        assert sorted(path.name for path in Path(component["code"]).iterdir()) == ["iris.csv", "train.py"]
    assert first["code"] != second["code"]
    parallel = run("component", "create", "-f", str(SPECS / "valid" / "parallel-component.yml"))
    assert (Path(parallel["task"]["code"]) / "train.py").is_file()
    assert run("component", "show", "-n", "train_twice") == pipeline
    assert [each["type"] for each in run("component", "list")] == ["parallel", "pipeline"]


def test_what_is_stored_is_the_component_again():
    from aml.spec.stored.components import component_of

    for kind, name in (("pipeline", "train_twice"), ("parallel", "score_rows"), ("command", "train_iris")):
        run("component", "create", "-f", str(SPECS / "valid" / f"{kind}-component.yml"))
        asset = open_workspace().assets.get("component", name)
        spec = component_of({"name": asset.name, "version": asset.version, **asset.located})
        assert (spec.name, spec.type) == (name, kind)
