"""Whatever a job leaves in its outputs can be collected and downloaded, and nothing leaves its folder."""

from __future__ import annotations

import os
import socket

import pytest

from aml.errors import AmlError, NotFound
from aml.spec.model import Output
from aml.workspace.embedded.files.trees import copy_tree
from aml.workspace.records import Status
from cli.terminal import aml
from conftest import command_job, log_of

ODD = (
    "{make}; echo 1 > outputs/a; ln -s a outputs/link; ln -s . outputs/loop; ln -s loop outputs/loop/again; "
    "ln -s self outputs/self; ln -s /nonexistent outputs/dangling; mkfifo outputs/pipe; mkdir outputs/sub; "
    "echo 2 > 'outputs/sub/with blank'; echo 3 > \"outputs/$(printf 'new\\nline')\""
)


@pytest.mark.parametrize("make", ["true", "rm outputs; mkdir outputs"])  # the workspace's folder, and one of its own
def test_odd_outputs_are_collected_listed_and_downloaded(workspace, tmp_path, make):
    job = workspace.wait(workspace.submit(command_job(ODD.format(make=make))).name, timeout_s=30)
    assert job.status is Status.COMPLETED, job.message
    aml("job", "download", "-n", job.name, "--all", "-p", str(tmp_path / "all"), check=True)
    outputs = tmp_path / "all" / "artifacts" / "outputs"
    assert sorted(path.name for path in outputs.iterdir()) == ["a", "link", "new\nline", "sub"]
    assert (outputs / "link").read_text() == (outputs / "a").read_text() == "1\n"
    assert not (outputs / "link").is_symlink()
    listed = {file.path.removeprefix("artifacts/outputs/") for file in workspace.files.list(job.name)}
    assert {"a", "link", "sub/with blank", "new\nline"} <= listed


def test_a_copy_does_not_write_through_a_link_in_its_place(tmp_path):
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "a").write_text("new")
    (tmp_path / "to").mkdir()
    (tmp_path / "precious").write_text("old")
    (tmp_path / "to" / "a").symlink_to(tmp_path / "precious")
    copy_tree(tmp_path / "from", tmp_path / "to")
    assert (tmp_path / "precious").read_text() == "old"
    assert (tmp_path / "to" / "a").read_text() == "new"


def test_sockets_and_what_is_read_only_are_no_obstacle(tmp_path):
    source = tmp_path / "from"
    source.mkdir()
    (source / "a").write_text("1")
    (source / "a").chmod(0o400)
    with socket.socket(socket.AF_UNIX) as here:
        here.bind(os.path.relpath(source / "socket"))
        copy_tree(source, tmp_path / "to")
        copy_tree(source, tmp_path / "to")
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["a"]
    assert os.access(tmp_path / "to" / "a", os.W_OK)


def test_names_that_would_leave_a_folder_are_refused_wherever_they_come_from(workspace, tmp_path):
    job = workspace.wait(workspace.submit(command_job("echo 1 > outputs/a", name="one")).name, timeout_s=30)
    for name in ("../one", "one/..", "/etc", "..", "one\x00"):
        with pytest.raises(AmlError):
            workspace.job(name)
        with pytest.raises(AmlError, match="can't be the name of"):
            workspace.submit(command_job("true", name=name))
    for output in ("..", "../..", "/etc"):
        with pytest.raises(NotFound):
            workspace.files.download_outputs(job.name, tmp_path, output=output, everything=False)
    for path in ("../../store.db", "/etc/passwd", "../exec/wd"):
        with pytest.raises(NotFound):
            workspace.files.list(job.name, path)


def test_the_name_of_an_output_is_a_name(workspace, tmp_path):
    for name in ("..", "a/b", "/etc"):
        (tmp_path / "job.yml").write_text(
            f"command: 'true'\nenvironment: azureml:local@latest\noutputs:\n  {name}:\n    type: uri_folder\n"
        )
        assert aml("job", "create", "-f", str(tmp_path / "job.yml")).returncode == 1
    assert workspace.jobs() == []


def test_outputs_that_differ_in_case_alone_are_two_or_are_refused(workspace, monkeypatch):
    both = {"model": Output(), "Model": Output()}
    if not workspace._paths.folds_case():
        job = workspace.submit(command_job("echo 1 > ${{outputs.model}}/a; ls ${{outputs.Model}}", outputs=both))
        assert workspace.wait(job.name, timeout_s=30).status is Status.COMPLETED
        assert log_of(workspace, job.name) == ""
        monkeypatch.setattr(type(workspace._paths), "folds_case", lambda paths: True)
    with pytest.raises(AmlError, match="the outputs `model` and `Model` differ in case alone"):
        workspace.submit(command_job("true", outputs=both))


def test_escape_sequences_of_a_job_do_not_reach_its_record(workspace):
    command = r"printf 'a\n\033[31m\033]0;title\007red\033[0m\b\a \377\n'; exit 1"
    job = workspace.wait(workspace.submit(command_job(command)).name, timeout_s=30)
    assert job.message.endswith("its last words: red \ufffd")
    assert not any(ord(character) < 32 for character in job.message)
    name = workspace.files.logs(job.name)[0][1]
    assert b"\033[31m" in name.read_bytes()  # the log itself is what the job wrote


def test_what_a_job_writes_after_its_end_is_not_waited_for_and_stops(workspace):
    job = workspace.submit(command_job("(trap '' HUP TERM; while :; do echo late; sleep 0.01; done) & echo done"))
    job = workspace.wait(job.name, timeout_s=20)
    assert job.status is Status.COMPLETED
    assert log_of(workspace, job.name) == log_of(workspace, job.name)
    size = len(log_of(workspace, job.name))
    other = workspace.wait(workspace.submit(command_job("sleep 0.2")).name, timeout_s=20)
    assert other.status is Status.COMPLETED
    assert len(log_of(workspace, job.name)) == size
