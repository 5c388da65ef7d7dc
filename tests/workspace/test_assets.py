"""Data and environments: numbered versions that never change, found by reference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aml.errors import AmlError, Conflict, NotFound
from aml.spec.model import Data, Environment


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / "a.csv").write_text("1,2\n")
    return folder


def test_versions_count_up_and_the_latest_is_the_one_created_last(workspace, folder):
    made = [workspace.assets.create(Data(str(folder), "d")).version for _ in range(2)]
    workspace.assets.create(Data(str(folder), "d", version="1.0"))
    assert made == ["1", "2"]
    assert workspace.assets.get("data", "d").version == "1.0"
    assert workspace.assets.create(Data(str(folder), "d")).version == "3"


def test_names_of_one_kind_are_no_names_of_another(workspace, folder):
    workspace.assets.create(Data(str(folder), "x"))
    assert workspace.assets.create(Environment("x", image="python")).version == "1"
    assert [asset.kind for asset in workspace.assets.list("environment")] == ["environment"]


def test_a_version_of_data_that_exists_is_a_conflict(workspace, folder):
    workspace.assets.create(Data(str(folder), "d", version="7"))
    (folder / "a.csv").write_text("changed")
    with pytest.raises(Conflict, match="version 7 of the data asset d exists already"):
        workspace.assets.create(Data(str(folder), "d", version="7"))
    assert (workspace.assets.get("data", "d").path / "a.csv").read_text() == "1,2\n"


def test_local_data_is_copied_read_only_and_stored_once(workspace, folder, aml_home):
    first, second = (workspace.assets.create(Data(str(folder), "d")) for _ in range(2))
    assert first.path.name == "my data"
    assert first.size_bytes == 4
    assert (first.path / "a.csv").samefile(second.path / "a.csv")
    assert (first.path / "a.csv").stat().st_mode & 0o222 == 0
    (folder / "a.csv").write_text("changed")
    assert (first.path / "a.csv").read_text() == "1,2\n"


def test_one_file_can_be_data(workspace, folder):
    data = workspace.assets.create(Data(str(folder / "a.csv"), "d", type="uri_file"))
    assert data.path.read_text() == "1,2\n"
    assert data.path.name == "a.csv"


def test_a_uri_is_kept_as_it_is_written(workspace):
    data = workspace.assets.create(Data("https://example.org/a b/", "d"))
    assert data.path is None
    assert data.document == {"type": "uri_folder", "path": "https://example.org/a b/"}


def test_data_without_a_name_or_a_file_is_refused(workspace, tmp_path):
    with pytest.raises(AmlError, match="needs a name"):
        workspace.assets.create(Data("https://example.org"))
    with pytest.raises(NotFound, match="does not exist"):
        workspace.assets.create(Data(str(tmp_path / "nothing"), "d"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(AmlError, match="empty folder"):
        workspace.assets.create(Data(str(tmp_path / "empty"), "d"))
    with pytest.raises(NotFound, match="no job named nobody"):
        workspace.assets.create(Data("azureml://jobs/nobody/outputs/x/paths/y", "d"))
    with pytest.raises(AmlError, match="is an asset already"):
        workspace.assets.create(Data("azureml:e:1", "d"))
    assert workspace.assets.list("data") == []


@pytest.mark.parametrize(("name", "version"), [("../d", None), ("d", "../../x"), ("d", "a/b")])
def test_a_name_or_version_that_would_leave_the_folder_is_refused(workspace, folder, name, version):
    with pytest.raises(AmlError, match="can't be the name of"):
        workspace.assets.create(Data(str(folder), name, version=version))


def test_an_environment_keeps_the_content_of_its_conda_file(workspace, tmp_path):
    conda = tmp_path / "conda.yml"
    conda.write_text("dependencies: [python=3.11, {pip: [numpy]}]\n")
    made = workspace.assets.create(Environment("e", image="python", conda_file=str(conda)))
    conda.unlink()
    assert made.document["conda_file"] == {"dependencies": ["python=3.11", {"pip": ["numpy"]}]}


@pytest.mark.parametrize(("text", "words"), [("a: [", "not valid YAML"), ("- a", "not a conda environment file")])
def test_a_conda_file_that_is_none_is_refused(workspace, tmp_path, text, words):
    (tmp_path / "conda.yml").write_text(text)
    with pytest.raises(AmlError, match=words):
        workspace.assets.create(Environment("e", image="python", conda_file=str(tmp_path / "conda.yml")))


def test_a_build_folder_is_copied(workspace, folder):
    (folder / "Dockerfile").write_text("FROM python\n")
    made = workspace.assets.create(Environment("e", build={"path": str(folder)}))
    assert (made.path / "Dockerfile").read_text() == "FROM python\n"
    assert made.document["build"] == {"dockerfile_path": "Dockerfile"}
    with pytest.raises(AmlError, match="there is no other in"):
        workspace.assets.create(Environment("e", build={"path": str(folder), "dockerfile_path": "other"}))


def test_the_same_environment_again_is_described_anew_and_another_one_is_a_conflict(workspace):
    spec = Environment("e", version="1", image="python:3.11")
    workspace.assets.create(spec)
    again = workspace.assets.create(replace(spec, description="for training"))
    assert (again.version, again.description) == ("1", "for training")
    assert workspace.assets.get("environment", "e").description == "for training"
    with pytest.raises(Conflict, match="version 1 of the environment e exists already"):
        workspace.assets.create(replace(spec, image="python:3.12"))


def test_archived_versions_are_hidden_from_lists_and_still_found(workspace, folder):
    for _ in range(2):
        workspace.assets.create(Data(str(folder), "d"))
    workspace.assets.archive("data", "d", "1", archived=True)
    assert [asset.version for asset in workspace.assets.list("data")] == ["2"]
    workspace.assets.archive("data", "d", None, archived=True)
    assert workspace.assets.list("data") == []
    assert [asset.version for asset in workspace.assets.list("data", archived=None)] == ["2", "1"]
    assert workspace.assets.get("data", "d", "1").archived
    workspace.assets.archive("data", "d", None, archived=False)
    assert len(workspace.assets.list("data", "D")) == 2


def test_what_describes_a_version_can_be_changed(workspace, folder):
    workspace.assets.create(Data(str(folder), "d", tags={"a": "1"}))
    workspace.assets.update("data", "d", None, lambda asset: replace(asset, description="x", tags={"b": "2"}))
    asset = workspace.assets.get("data", "d", "1")
    assert (asset.description, asset.tags) == ("x", {"b": "2"})


def test_what_is_not_there_is_not_found(workspace):
    with pytest.raises(NotFound, match="no environment named e"):
        workspace.assets.get("environment", "e")
    with pytest.raises(NotFound, match="no data asset named d"):
        workspace.assets.archive("data", "d", None, archived=True)
