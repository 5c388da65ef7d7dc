"""Datastores: folders of the workspace, folders that stand for Azure's, and outputs that are written to them."""

from __future__ import annotations

import stat

import pytest

from aml.errors import BackendError, Conflict, NotFound
from aml.spec.model import DataInput, Datastore, Output
from aml.workspace.records import Status
from conftest import command_job, log_of

STORE = "azureml://datastores/workspaceblobstore/paths"


def blob(name: str, **fields) -> Datastore:
    return Datastore(name, "azure_blob", account_name="a", container_name="c", **fields)


def run(workspace, command: str, **fields):
    job = workspace.wait(workspace.submit(command_job(command, **fields)).name, timeout_s=60)
    assert job.status is Status.COMPLETED, job.message
    return job


def folder_of(workspace, name: str = "workspaceblobstore"):
    return workspace.datastores.get(name).folder


def test_a_workspace_has_the_four_of_azure_and_the_blobs_are_the_default(workspace):
    found = workspace.datastores.list()
    assert [each.name for each in found] == [
        "workspaceblobstore",
        "workspacefilestore",
        "workspaceworkingdirectory",
        "workspaceartifactstore",
    ]
    assert [each.name for each in found if each.is_default] == ["workspaceblobstore"]
    with pytest.raises(Conflict, match="is the workspace's own"):
        workspace.datastores.put(blob("WorkspaceBlobStore"))
    with pytest.raises(Conflict, match="can't be deleted"):
        workspace.datastores.delete("workspaceblobstore")


def test_credentials_are_in_a_file_that_its_owner_alone_can_read(workspace, aml_home):
    made = workspace.datastores.put(blob("d", credentials={"account_key": "s3cr3t-of-a"}))
    assert made.has_credentials
    holding = [path for path in aml_home.rglob("*") if path.is_file() and b"s3cr3t-of-a" in path.read_bytes()]
    assert [path.name for path in holding] == ["d.json"]
    assert stat.S_IMODE(holding[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(holding[0].parent.stat().st_mode) == 0o700
    assert workspace.datastores.put(blob("d", description="new")).has_credentials
    workspace.datastores.delete("d")
    assert not holding[0].exists()


def test_what_refers_to_a_datastore_of_azure_is_refused_until_a_folder_stands_for_it(workspace, tmp_path):
    workspace.datastores.put(blob("far"))
    (tmp_path / "a.csv").write_text("1,2\n")
    data = {"data": DataInput("azureml://datastores/far/paths/a.csv", type="uri_file")}
    with pytest.raises(BackendError, match=r"the datastore far is Azure's \(azure_blob\)"):
        workspace.submit(command_job("cat ${{inputs.data}}", inputs=data))
    with pytest.raises(NotFound, match="there is no datastore named nobody"):
        workspace.submit(command_job("true", inputs={"d": DataInput("azureml://datastores/nobody/paths/a")}))
    workspace.datastores.put(blob("far"), tmp_path)
    workspace.datastores.put(blob("far", description="keeps the folder"))
    assert "1,2" in log_of(workspace, run(workspace, "cat ${{inputs.data}}", inputs=data).name)


def test_the_uri_of_a_datastore_of_azure_is_given_to_a_job_that_wants_it_direct(workspace):
    workspace.datastores.put(blob("far"))
    uri = "azureml://datastores/far/paths/x"
    job = run(
        workspace,
        "echo ${{inputs.i}} ${{outputs.o}} ${{outputs.s3}}",
        inputs={"i": DataInput(uri, mode="direct")},
        outputs={"o": Output(mode="direct", path=f"{uri}/${{{{name}}}}"), "s3": Output(mode="direct", path="s3://b/c")},
        name="j",
    )
    assert f"{uri} {uri}/j s3://b/c" in log_of(workspace, job.name)


@pytest.mark.parametrize("mode", ["rw_mount", "mount", "direct", "upload"])
def test_an_output_with_a_path_is_in_the_datastore_when_the_job_is_over(workspace, mode):
    output = Output(mode=mode, path=f"{STORE}/runs/${{{{name}}}}/${{{{output_name}}}}/")
    job = run(workspace, "mkdir ${{outputs.o}}/sub; echo hi > ${{outputs.o}}/sub/a.txt", outputs={"o": output})
    assert (folder_of(workspace) / "runs" / job.name / "o" / "sub" / "a.txt").read_text() == "hi\n"
    assert [file.path for file in workspace.files.list(job.name, "named-outputs/*")] == ["named-outputs/o/sub/a.txt"]
    read = {"i": DataInput(f"azureml://jobs/{job.name}/outputs/o/paths/sub/a.txt", type="uri_file")}
    assert "hi" in log_of(workspace, run(workspace, "cat ${{inputs.i}}", inputs=read).name)


def test_a_mounted_output_is_there_while_the_job_runs_and_an_uploaded_one_is_not(workspace):
    store = folder_of(workspace)
    (store / "late").mkdir(parents=True)
    job = run(
        workspace,
        f"echo 1 > ${{{{outputs.now}}}}/a; echo 1 > ${{{{outputs.late}}}}/a; ls {store}/now {store}/late",
        outputs={"now": Output(path=f"{STORE}/now"), "late": Output(mode="upload", path=f"{STORE}/late")},
    )
    assert log_of(workspace, job.name).split() == [f"{store}/late:", f"{store}/now:", "a"]
    assert (store / "late" / "a").exists()


def test_one_file_goes_where_its_path_says(workspace):
    outputs = {
        "f": Output(type="uri_file", path=f"{STORE}/files/table.csv"),
        "g": Output(type="uri_file", path=f"{STORE}/files/"),
    }
    run(workspace, "echo f > ${{outputs.f}}; echo g > ${{outputs.g}}", outputs=outputs)
    assert (folder_of(workspace) / "files" / "table.csv").read_text() == "f\n"
    assert (folder_of(workspace) / "files" / "g").read_text() == "g\n"


def test_a_named_output_with_a_path_is_in_the_datastore_and_registered(workspace):
    output = Output(path="azureml://datastores/${{default_datastore}}/paths/d", name="made", version="1")
    run(workspace, "echo hi > ${{outputs.o}}/a.txt", outputs={"o": output})
    assert (workspace.assets.get("data", "made").path / "a.txt").read_text() == "hi\n"
    assert (folder_of(workspace) / "d" / "a.txt").exists()


@pytest.mark.parametrize("path", [f"{STORE}/../../jobs", "https://example.org/x", "azureml://datastores/far/paths/x"])
def test_a_path_that_can_not_be_written_is_refused_at_the_submit(workspace, path):
    workspace.datastores.put(blob("far"))
    with pytest.raises(Conflict, match="output o: "):
        workspace.submit(command_job("true", outputs={"o": Output(path=path)}))
    assert workspace.jobs() == []
