"""Model versions: numbered, immutable, found by reference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aml.errors import AmlError, Conflict, NotFound
from aml.spec.model import Model
from conftest import command_job


@pytest.fixture
def weights(tmp_path):
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "model.pt").write_bytes(b"weights")
    return folder


def test_versions_count_up_and_the_latest_is_the_one_created_last(workspace, weights):
    made = [workspace.models.create(Model("m", str(weights))).version for _ in range(2)]
    named = workspace.models.create(Model("m", str(weights), version="1.0"))
    assert made == ["1", "2"]
    assert workspace.models.get("m").version == named.version == "1.0"
    assert workspace.models.create(Model("m", str(weights))).version == "3"


def test_a_version_that_exists_is_a_conflict(workspace, weights):
    workspace.models.create(Model("m", str(weights), version="7"))
    with pytest.raises(Conflict, match="version 7 of the model m exists already"):
        workspace.models.create(Model("m", str(weights), version="7"))
    assert (workspace.models.get("m", "7").path / "model.pt").read_bytes() == b"weights"


def test_a_registered_model_does_not_change_with_its_source(workspace, weights):
    model = workspace.models.create(Model("m", str(weights)))
    (weights / "model.pt").write_bytes(b"others")
    assert (model.path / "model.pt").read_bytes() == b"weights"


def test_a_file_can_be_a_model(workspace, weights, tmp_path):
    model = workspace.models.create(Model("m", str(weights / "model.pt")))
    assert model.path.name == "model.pt"
    target = workspace.models.download("m", "1", tmp_path / "down")
    assert (target / "model.pt").read_bytes() == b"weights"


def test_what_was_downloaded_can_be_changed(workspace, weights, tmp_path):
    workspace.models.create(Model("m", str(weights)))
    target = workspace.models.download("m", "1", tmp_path / "down")
    (target / "weights" / "model.pt").write_bytes(b"mine")
    assert (workspace.models.get("m").path / "model.pt").read_bytes() == b"weights"


@pytest.mark.parametrize("reference", ["azureml://jobs/{job}/outputs/artifacts/paths/outputs/", "runs:/{job}/outputs"])
def test_a_model_is_made_from_the_output_of_a_job_and_knows_it(workspace, reference):
    job = workspace.submit(command_job("echo weights > outputs/model.pt"))
    workspace.wait(job.name)
    model = workspace.models.create(Model("m", reference.format(job=job.name)))
    assert model.job_name == job.name
    assert (model.path / "model.pt").read_text() == "weights\n"
    assert [found.version for found in workspace.models.made_by(job.name)] == ["1"]


def test_a_model_of_a_job_or_an_output_that_is_not_there_is_not_found(workspace):
    with pytest.raises(NotFound, match="no job named nobody"):
        workspace.models.create(Model("m", "azureml://jobs/nobody/outputs/artifacts/paths/x"))
    job = workspace.submit(command_job("true"))
    workspace.wait(job.name)
    with pytest.raises(NotFound, match="no such output"):
        workspace.models.create(Model("m", f"azureml://jobs/{job.name}/outputs/artifacts/paths/x"))


def test_a_path_out_of_the_jobs_folder_is_refused(workspace):
    job = workspace.submit(command_job("true"))
    workspace.wait(job.name)
    with pytest.raises(AmlError, match="leads out of the job's folder"):
        workspace.models.create(Model("m", f"azureml://jobs/{job.name}/outputs/artifacts/paths/../../../../secret"))


@pytest.mark.parametrize(("name", "version"), [("../m", None), ("m", "../../x"), ("m", "a/b")])
def test_a_name_or_version_that_would_leave_the_folder_is_refused(workspace, weights, name, version):
    with pytest.raises(AmlError, match="can't be the name of"):
        workspace.models.create(Model(name, str(weights), version=version))


def test_an_empty_folder_is_no_model(workspace, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="empty folder"):
        workspace.models.create(Model("m", str(tmp_path / "empty")))


def test_equal_content_is_stored_once(workspace, weights, aml_home):
    for _ in range(3):
        workspace.models.create(Model("m", str(weights)))
    blobs = [path for path in (aml_home / "workspaces/default/blobs").rglob("*") if path.is_file()]
    assert len(blobs) == 2  # the file and the manifest


def test_a_job_takes_a_registered_model_as_input(workspace, weights):
    from aml.spec.model import DataInput

    workspace.models.create(Model("m", str(weights)))
    for reference in ("azureml:m:1", "azureml:m@latest"):
        inputs = {"model": DataInput(reference, type="custom_model")}
        job = workspace.submit(command_job("cat ${{inputs.model}}/model.pt", inputs=inputs))
        workspace.wait(job.name)
        assert (workspace.files.logs(job.name)[0][1]).read_text() == "weights"


def test_archived_versions_are_listed_when_asked_for(workspace, weights):
    workspace.models.create(Model("m", str(weights)))
    workspace._models.update("m", "1", lambda model: replace(model, archived=True))
    assert workspace.models.list() == []
    assert [model.version for model in workspace.models.list(archived=None)] == ["1"]
