"""`aml data`, `aml environment` and the verbs that change models, as scripts use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cli.terminal import Terminal, aml

SPECS = Path(__file__).parents[1] / "specs"


def run(*arguments: str) -> Any:
    return json.loads(aml(*arguments, check=True).stdout)


def test_data_is_made_from_a_file_and_shown_as_az_shows_it():
    made = run("data", "create", "-f", str(SPECS / "valid" / "data.yml"))
    path, created = Path(made.pop("path")), made.pop("creation_context")
    assert path.read_text() == (SPECS / "data" / "iris.csv").read_text()
    assert set(created) == {"created_at", "created_by", "created_by_type"}
    assert made == {
        "name": "iris",
        "version": "1.10",
        "id": "azureml:iris:1.10",
        "type": "uri_file",
        "description": "Measurements of flowers.",
        "tags": {"rows": "3", "clean": "true"},
        "properties": {"aml.size_bytes": str(path.stat().st_size)},
    }


def test_data_is_made_from_flags_and_sets_go_over_a_file():
    made = run(
        *("data", "create", "--name", "d", "--path", str(SPECS / "data"), "--type", "uri_folder"),
        *("--version", "3", "--description", "what", "--tags", "a=1", "b=2", "--datastore", "workspaceblobstore"),
    )
    assert (made["version"], made["type"], made["tags"]) == ("3", "uri_folder", {"a": "1", "b": "2"})
    other = run("data", "create", "-f", str(SPECS / "valid" / "data.yml"), "--set", "name=other", "version=2")
    assert (other["name"], other["version"]) == ("other", "2")


def test_an_environment_is_made_from_a_file_or_from_flags():
    made = run("environment", "create", "-f", str(SPECS / "valid" / "environment.yml"))
    assert made["conda_file"]["dependencies"]
    assert (made["image"], made["os_type"]) == ("python:3.11", "linux")
    conda = str(SPECS / "conda.yml")
    by_flags = run("environment", "create", "-n", "train", "-i", "python:3.11", "-c", conda)
    assert by_flags["version"] == "4"
    built = run("environment", "create", "-n", "b", "-b", str(SPECS / "docker"), "-d", "/Dockerfile")
    assert Path(built["build"]["path"], built["build"]["dockerfile_path"]).is_file()


def test_one_version_is_shown_by_version_by_label_and_by_default():
    for version in ("1", "2"):
        run("environment", "create", "-n", "e", "-v", version, "-i", "python")
    assert run("environment", "show", "-n", "e", "-v", "1")["version"] == "1"
    assert run("environment", "show", "--name", "e", "--label", "latest")["version"] == "2"
    assert run("environment", "show", "-n", "e")["version"] == "2"
    assert aml("environment", "show", "-n", "e", "-l", "best").returncode == 2
    assert aml("environment", "show", "-n", "nobody").returncode == 3


def test_lists_are_cut_filtered_and_leave_out_what_is_archived():
    for name in ("a", "b", "a"):
        run("environment", "create", "-n", name, "-i", "python")
    assert [each["name"] for each in run("environment", "list", "--max-results", "2")] == ["a", "b"]
    assert len(run("environment", "list", "--name", "a")) == 2
    assert aml("environment", "archive", "-n", "a", "-v", "1", check=True).stdout == ""
    assert [each["version"] for each in run("environment", "list", "-n", "a")] == ["2"]
    assert len(run("environment", "list", "-n", "a", "--include-archived")) == 2
    assert [each["version"] for each in run("environment", "list", "--archived-only")] == ["1"]
    aml("environment", "restore", "-n", "a", "--version", "1", check=True)
    assert len(run("environment", "list")) == 3


def test_an_update_sets_adds_and_removes():
    run("data", "create", "-f", str(SPECS / "valid" / "data.yml"))
    changed = run(
        *("data", "update", "-n", "iris", "-v", "1.10", "--set", "tags.source=lab", "description=new"),
        *("--add", "tags", "a.b=1", "--remove", "tags.rows"),
    )
    assert changed["tags"] == {"clean": "true", "source": "lab", "a.b": "1"}
    assert run("data", "show", "-n", "iris")["description"] == "new"
    refused = aml("data", "update", "-n", "iris", "--set", "type=mltable")
    assert refused.returncode == 1
    assert "type can't be changed" in refused.stderr


def test_a_model_is_updated_archived_and_restored():
    run("model", "create", "-n", "m", "-p", str(SPECS / "data"))
    changed = run("model", "update", "-n", "m", "--set", "properties.acc=0.90", "tags.x=1", "--stage", "Production")
    assert (changed["stage"], changed["tags"], changed["properties"]["acc"]) == ("Production", {"x": "1"}, "0.90")
    assert run("model", "update", "-n", "m", "--remove", "stage")["stage"] is None
    assert run("model", "show", "-n", "m")["properties"]["acc"] == "0.90"
    aml("model", "archive", "-n", "m", "-l", "latest", check=True)
    assert run("model", "list") == []
    aml("model", "restore", "-n", "m", check=True)
    assert len(run("model", "list")) == 1


def test_a_person_sees_a_card():
    terminal = Terminal.run("environment", "create", "-f", str(SPECS / "valid" / "environment.yml"))
    assert terminal.wait() == 0
    assert "train:3" in terminal.text
    assert "python:3.11" in terminal.text
