"""Where a job's inputs come from and how they reach it, and what becomes of its outputs."""

from __future__ import annotations

import pytest

from aml.errors import BackendError, NotFound
from aml.spec.model import Data, DataInput, Model, Output
from aml.workspace.records import Reason, Status
from conftest import command_job, log_of


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / "a.csv").write_text("1,2\n")
    return folder


def run(workspace, command: str, **fields):
    job = workspace.submit(command_job(command, **fields))
    return workspace.wait(job.name, timeout_s=60)


def read(workspace, data: DataInput) -> str:
    job = run(workspace, "cat ${{inputs.data}}/a.csv", inputs={"data": data})
    assert job.status is Status.COMPLETED, job.message
    return log_of(workspace, job.name)


def test_a_job_reads_registered_data_by_version_and_by_latest(workspace, folder):
    workspace.assets.create(Data(str(folder), "d"))
    (folder / "a.csv").write_text("3,4\n")
    workspace.assets.create(Data(str(folder), "d"))
    assert read(workspace, DataInput("azureml:d:1")) == "1,2\n"
    assert read(workspace, DataInput("azureml:d@latest")) == "3,4\n"


def test_the_latest_is_the_one_at_the_submit_and_the_job_says_which(workspace, folder):
    workspace.assets.create(Data(str(folder), "d"))
    job = workspace.submit(command_job("true ${{inputs.data}}", inputs={"data": DataInput("azureml:d@latest")}))
    workspace.assets.create(Data(str(folder), "d"))
    assert job.document["inputs"]["data"]["path"] == "azureml:d:1"


def test_data_comes_before_a_model_of_the_same_name_except_for_the_types_of_models(workspace, folder, tmp_path):
    workspace.assets.create(Data(str(folder), "x"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.csv").write_text("model\n")
    workspace.models.create(Model("x", str(tmp_path / "other")))
    assert read(workspace, DataInput("azureml:x:1")) == "1,2\n"
    assert read(workspace, DataInput("azureml:x:1", type="custom_model")) == "model\n"


def test_an_asset_that_is_not_there_is_not_found_at_the_submit(workspace, folder):
    workspace.assets.create(Data(str(folder), "d"))
    for path, words in (("azureml:e:1", "version 1 of data or model named e"), ("azureml:d:2", "version 2 of")):
        with pytest.raises(NotFound, match=words):
            workspace.submit(command_job("true", inputs={"data": DataInput(path)}))


def test_the_blob_store_of_the_workspace_is_a_folder(workspace, aml_home):
    stored = aml_home / "workspaces/default/datastores/workspaceblobstore/in"
    stored.mkdir(parents=True)
    (stored / "a.csv").write_text("stored\n")
    short = "azureml://datastores/workspaceblobstore/paths/in/"
    assert read(workspace, DataInput(short)) == "stored\n"
    long = "azureml://subscriptions/0/resourcegroups/local/workspaces/default/datastores/workspaceblobstore/paths/in"
    assert read(workspace, DataInput(long)) == "stored\n"
    workspace.assets.create(Data(short, "d"))
    assert read(workspace, DataInput("azureml:d:1")) == "stored\n"


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("azureml://datastores/workspaceblobstore/paths/nothing", "no such file or folder"),
        ("azureml://datastores/other/paths/x", "no datastore named other"),
        ("azureml://datastores/workspaceblobstore/paths/../../secret", "leads out of the datastore"),
        ("wasbs://store@account/x", "can't be reached from the embedded workspace"),
    ],
)
def test_what_can_not_be_reached_is_refused_at_the_submit(workspace, uri, words):
    with pytest.raises((NotFound, BackendError), match=words):
        workspace.submit(command_job("true", inputs={"data": DataInput(uri)}))


def test_a_file_uri_is_a_path(workspace, folder):
    assert read(workspace, DataInput(folder.as_uri())) == "1,2\n"


def test_direct_passes_a_uri_as_it_is_written(workspace, folder):
    workspace.assets.create(Data("https://example.org/a", "remote"))
    workspace.assets.create(Data(str(folder), "local"))
    uris = ("https://example.org/?a=1", "azureml://datastores/any/paths/x", "azureml:remote:1", "azureml:local:1")
    inputs = {f"i{number}": DataInput(uri, mode="direct") for number, uri in enumerate(uris)}
    job = run(workspace, "printf '%s\\n' '${{inputs.i0}}' ${{inputs.i1}} ${{inputs.i2}} ${{inputs.i3}}", inputs=inputs)
    *texts, local = log_of(workspace, job.name).splitlines()
    assert texts == ["https://example.org/?a=1", "azureml://datastores/any/paths/x", "https://example.org/a"]
    assert local.endswith("/my_data")


def test_a_download_is_a_copy_that_the_job_may_change(workspace, folder):
    workspace.assets.create(Data(str(folder), "d"))
    for path in (str(folder), "azureml:d:1"):
        inputs = {"data": DataInput(path, mode="download")}
        job = run(workspace, "echo more >> ${{inputs.data}}/a.csv && cat ${{inputs.data}}/a.csv", inputs=inputs)
        assert log_of(workspace, job.name) == "1,2\nmore\n"
    assert (folder / "a.csv").read_text() == "1,2\n"
    assert (workspace.assets.get("data", "d").path / "a.csv").read_text() == "1,2\n"


def test_a_downloaded_file_keeps_its_name_without_blanks(workspace, tmp_path):
    (tmp_path / "table 1.csv").write_text("1\n")
    inputs = {"data": DataInput(str(tmp_path / "table 1.csv"), type="uri_file", mode="download")}
    job = run(workspace, "echo ${{inputs.data}}; cat ${{inputs.data}}", inputs=inputs)
    path, content = log_of(workspace, job.name).splitlines()
    assert path.endswith("/table_1.csv")
    assert content == "1"


def test_a_named_output_is_registered_as_data_that_another_job_reads(workspace):
    outputs = {"made": Output(name="made"), "table": Output(type="uri_file", name="table", version="v1"), "x": Output()}
    job = run(workspace, "echo 5 > ${{outputs.made}}/a.csv; echo 6 > ${{outputs.table}}", outputs=outputs)
    assert job.status is Status.COMPLETED, job.message
    made, table = workspace.assets.get("data", "made"), workspace.assets.get("data", "table", "v1")
    assert (made.version, made.job_name, made.document) == ("1", job.name, {"type": "uri_folder"})
    assert table.path.read_text() == "6\n"
    assert len(workspace.assets.list("data")) == 2
    assert read(workspace, DataInput("azureml:made@latest")) == "5\n"


def test_an_output_folder_may_be_empty_and_a_file_that_was_not_written_fails_the_job(workspace):
    assert run(workspace, "true", outputs={"o": Output(name="o")}).status is Status.COMPLETED
    job = run(workspace, "true", outputs={"f": Output(type="uri_file", name="f")})
    assert (job.status, job.reason) == (Status.FAILED, Reason.FINALIZE_FAILED)
    assert "output f can't be registered as f" in job.message


def test_a_job_that_failed_registers_nothing(workspace):
    run(workspace, "false", outputs={"o": Output(name="o")})
    assert workspace.assets.list("data") == []


def test_a_job_can_not_change_its_inputs_or_the_workspace_says_that_it_can(workspace, folder):
    inputs = {"data": DataInput(str(folder))}
    job = run(workspace, "echo more >> ${{inputs.data}}/a.csv; touch ${{inputs.data}}/b; pwd", inputs=inputs)
    said = [note for note in workspace.notes(command_job("true", inputs=inputs)) if "can change its inputs" in note]
    assert job.status is Status.COMPLETED
    if said:
        assert (folder / "b").exists()
    else:
        assert (folder / "a.csv").read_text() == "1,2\n"
        assert [path.name for path in folder.iterdir()] == ["a.csv"]
        assert "Read-only file system" in log_of(workspace, job.name)
