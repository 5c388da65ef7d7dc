"""`aml job files`, `aml job download --file` and `aml job show-services`."""

from __future__ import annotations

import json

import pytest

from aml.spec.model import Output
from cli.terminal import aml
from conftest import command_job, log_of, wait_for


@pytest.fixture
def done(workspace):
    command = (
        "echo hi; echo abc > outputs/a.txt; mkdir outputs/sub; echo 1 > outputs/sub/b.csv; "
        "echo m > ${{outputs.model}}/m.pt"
    )
    return workspace.wait(workspace.submit(command_job(command, name="done", outputs={"model": Output()})).name)


def fetched(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_files_are_named_as_a_download_lays_them_out(done, tmp_path):
    listed = json.loads(aml("job", "files", "-n", "done", check=True).stdout)
    assert {file["path"]: file["size_bytes"] for file in listed} == {
        "artifacts/outputs/a.txt": 4,
        "artifacts/outputs/sub/b.csv": 2,
        "artifacts/user_logs/std_log.txt": 3,
        "named-outputs/model/m.pt": 2,
    }
    aml("job", "download", "-n", "done", "--all", "-p", str(tmp_path), check=True)
    assert fetched(tmp_path) == sorted(file["path"] for file in listed)


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("artifacts/outputs/a.txt", ["artifacts/outputs/a.txt"]),
        ("outputs/a.txt", ["artifacts/outputs/a.txt"]),
        ("./outputs/a.txt", ["artifacts/outputs/a.txt"]),
        ("*.csv", ["artifacts/outputs/sub/b.csv"]),
        ("outputs/*", ["artifacts/outputs/a.txt", "artifacts/outputs/sub/b.csv"]),
        ("model/*", ["named-outputs/model/m.pt"]),
        ("named-outputs/**/*.pt", ["named-outputs/model/m.pt"]),
    ],
)
def test_one_file_or_a_glob_is_downloaded(done, tmp_path, pattern, files):
    aml("job", "download", "-n", "done", "--file", pattern, "-p", str(tmp_path), check=True)
    assert fetched(tmp_path) == files


def test_a_file_that_is_not_there_is_said_with_one_that_is(done, tmp_path):
    missing = aml("job", "download", "-n", "done", "--file", "outputs/b.txt", "-p", str(tmp_path / "to"))
    assert missing.returncode == 3
    assert "the job done has no file outputs/b.txt" in missing.stderr
    assert "Did you mean outputs/a.txt?" in missing.stderr
    assert not (tmp_path / "to").exists()
    both = aml("job", "download", "-n", "done", "--file", "x", "--all")
    assert both.returncode == 2


def test_a_file_of_a_running_job_can_be_had(workspace, tmp_path):
    name = workspace.submit(command_job("echo now; sleep 300")).name
    wait_for(lambda: "now" in log_of(workspace, name))
    aml("job", "download", "-n", name, "--file", "user_logs/std_log.txt", "-p", str(tmp_path), check=True)
    assert (tmp_path / "artifacts" / "user_logs" / "std_log.txt").read_text() == "now\n"


def test_a_link_that_leads_out_of_the_outputs_is_no_file_of_the_job(workspace, tmp_path):
    (tmp_path / "private").write_text("mine")
    command = f"ln -s {tmp_path}/private outputs/out; echo 1 > outputs/in; ln -s in outputs/also"
    name = workspace.wait(workspace.submit(command_job(command)).name).name
    paths = [file.path for file in workspace.files.list(name)]
    assert paths == ["artifacts/outputs/also", "artifacts/outputs/in", "artifacts/user_logs/std_log.txt"]


def test_services_are_those_of_show(done):
    services = json.loads(aml("job", "show-services", "-n", "done", check=True).stdout)
    assert services == json.loads(aml("job", "show", "-n", "done").stdout)["services"]
    assert services["Studio"]["endpoint"].startswith("file://")
    assert aml("job", "show-services", "-n", "done", "-i", "1").returncode == 2
