"""`aml datastore`, as scripts use it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.terminal import Terminal, aml

BLOB = """\
$schema: https://azuremlschemas.azureedge.net/latest/azureBlob.schema.json
name: blob_example
type: azure_blob
description: A container.
account_name: account
container_name: data
credentials:
  account_key: c2VjcmV0LWtleQ
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "ds.yml"
    path.write_text(BLOB)
    return str(path)


def run(*arguments: str) -> Any:
    return json.loads(aml(*arguments, check=True).stdout)


def test_a_datastore_is_made_shown_changed_and_deleted(file):
    made = run("datastore", "create", "-f", file)
    assert made == {
        "name": "blob_example",
        "id": "azureml:blob_example",
        "type": "azure_blob",
        "description": "A container.",
        "account_name": "account",
        "container_name": "data",
        "credentials": {},
        "tags": {},
        "properties": {"aml.credentials": "kept"},
    }
    assert run("datastore", "show", "--name", "blob_example") == made
    changed = run("datastore", "update", "-n", "blob_example", "--set", "container_name=other", "--add", "tags", "a=1")
    assert (changed["container_name"], changed["tags"]) == ("other", {"a": "1"})
    assert run("datastore", "update", "-f", file)["container_name"] == "data"
    assert aml("datastore", "delete", "-n", "blob_example", check=True).stdout == ""
    assert aml("datastore", "show", "-n", "blob_example").returncode == 3
    assert aml("datastore", "update", "-f", file).returncode == 3


def test_no_command_tells_the_credentials(file, tmp_path):
    for command in (("create", "-f", file, "-o", "yaml"), ("show", "-n", "blob_example"), ("list",)):
        done = aml("datastore", *command, check=True)
        assert "c2VjcmV0" not in done.stdout + done.stderr
    terminal = Terminal.run("datastore", "show", "-n", "blob_example")
    assert terminal.wait() == 0
    assert "c2VjcmV0" not in terminal.text


def test_a_folder_becomes_a_datastore_by_its_name(tmp_path):
    made = run("datastore", "create", "-n", "nas", "--path", str(tmp_path))
    assert made["properties"] == {"aml.path": str(tmp_path)}
    (tmp_path / "a.csv").write_text("1")
    data = run("data", "create", "-n", "d", "--type", "uri_file", "--path", "azureml://datastores/nas/paths/a.csv")
    assert data["path"] == "azureml://datastores/nas/paths/a.csv"
    (tmp_path / "job.yml").write_text(
        "command: cp ${{inputs.d}} ${{outputs.o}}/b.csv\nenvironment: azureml:local@latest\n"
        "inputs: {d: {type: uri_file, path: azureml:d:1}}\n"
        "outputs: {o: {path: 'azureml://datastores/nas/paths/${{name}}'}}\n"
    )
    plan = run("job", "plan", "-f", str(tmp_path / "job.yml"), "-n", "j")
    assert plan["outputs"] == {"o": str(tmp_path / "j")}
    aml("job", "create", "-f", str(tmp_path / "job.yml"), "-n", "j", "--stream", check=True)
    assert (tmp_path / "j" / "b.csv").read_text() == "1"
    assert run("job", "show", "-n", "j")["outputs"]["o"]["path"] == "azureml://datastores/nas/paths/j"


def test_lists_have_the_workspaces_own_first(file):
    run("datastore", "create", "-f", file)
    found = run("datastore", "list")
    assert (found[0]["name"], found[-1]["name"], len(found)) == ("workspaceblobstore", "blob_example", 5)
    assert found[0]["properties"]["aml.default"] == "true"
    assert len(run("datastore", "list", "-r", "2")) == 2


def test_what_is_missing_is_told(tmp_path):
    assert "Give --file, or --name and --path." in aml("datastore", "create", "-n", "x").stderr
    assert aml("datastore", "create", "-n", "x", "--path", str(tmp_path / "nothing")).returncode == 2
    assert aml("datastore", "update").returncode == 2


def test_an_output_that_can_not_be_written_is_told_at_its_line(tmp_path):
    file = tmp_path / "job.yml"
    file.write_text(
        "command: 'true'\nenvironment: azureml:local@latest\noutputs:\n  o:\n    path: https://example.org/x\n"
    )
    done = aml("job", "create", "-f", str(file))
    assert (done.returncode, "job.yml:5:" in done.stderr) == (1, True)
