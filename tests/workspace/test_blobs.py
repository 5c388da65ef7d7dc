"""Files are stored once by their content; trees come back as they were."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aml import load_job
from aml.errors import BackendError
from aml.workspace import open_workspace
from aml.workspace.embedded.files import snapshot
from aml.workspace.embedded.files.blobs import Blobs
from conftest import command_job


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def names(folder: Path) -> list[str]:
    return [name for name, _ in snapshot.files(folder)]


def test_a_tree_comes_back_as_it_was(tmp_path):
    code = write(tmp_path / "code", {"train.py": "print(1)", "lib/a b.py": "x", "run.sh": "#!/bin/sh", "empty": ""})
    (code / "run.sh").chmod(0o755)
    blobs = Blobs(tmp_path / "blobs")
    manifest = blobs.ingest(snapshot.files(code))
    blobs.check_out(blobs.manifest(manifest.digest), tmp_path / "out", writable=True)
    for entry in manifest.entries:
        assert (tmp_path / "out" / entry.path).read_bytes() == (code / entry.path).read_bytes()
    assert os.access(tmp_path / "out" / "run.sh", os.X_OK)
    assert not os.access(tmp_path / "out" / "train.py", os.X_OK)


def test_a_second_ingest_stores_only_what_changed(tmp_path):
    code = write(tmp_path / "code", {f"{number}.txt": f"{number}" * 100 for number in range(20)})
    blobs = Blobs(tmp_path / "blobs")
    blobs.ingest(snapshot.files(code))
    (code / "7.txt").write_text("changed")
    before = {path for path in blobs.folder.rglob("*") if path.is_file()}
    second = blobs.ingest(snapshot.files(code))
    after = {path for path in blobs.folder.rglob("*") if path.is_file()}
    assert second.stored_bytes == len("changed")
    assert len(after - before) == 2  # the file and the manifest


def test_a_working_copy_can_be_changed_without_changing_what_is_stored(tmp_path):
    code = write(tmp_path / "code", {"a": "one"})
    blobs = Blobs(tmp_path / "blobs")
    manifest = blobs.ingest(snapshot.files(code))
    blobs.check_out(manifest, tmp_path / "out", writable=True)
    (tmp_path / "out" / "a").write_text("two")
    blobs.check_out(manifest, tmp_path / "again", writable=True)
    assert (tmp_path / "again" / "a").read_text() == "one"


def test_amlignore_wins_over_gitignore_and_ignored_folders_are_not_walked(tmp_path):
    files = {".amlignore": "data/\n*.log\n!keep.log\n", ".gitignore": "train.py\n", "train.py": "", "keep.log": ""}
    code = write(tmp_path / "code", files | {"x.log": "", "data/big.bin": "", "sub/data/also.bin": ""})
    (code / "data" / "locked").mkdir(mode=0)
    assert names(code) == [".amlignore", ".gitignore", "keep.log", "train.py"]


def test_gitignore_counts_where_there_is_no_amlignore(tmp_path):
    code = write(tmp_path / "code", {".gitignore": "/secret.txt\n", "secret.txt": "", "sub/secret.txt": ""})
    assert names(code) == [".gitignore", "sub/secret.txt"]


def test_git_and_bytecode_are_never_part_of_a_snapshot(tmp_path):
    code = write(tmp_path / "code", {".git/HEAD": "", "lib/__pycache__/a.pyc": "", "lib/a.py": ""})
    assert names(code) == ["lib/a.py"]


def test_links_are_followed(tmp_path):
    code = write(tmp_path / "code", {"a.py": "code"})
    write(tmp_path / "elsewhere", {"lib.py": "linked"})
    (code / "lib").symlink_to(tmp_path / "elsewhere")
    (code / "b.py").symlink_to("a.py")
    assert names(code) == ["a.py", "b.py", "lib/lib.py"]


def test_a_link_to_a_folder_above_is_named(tmp_path):
    code = write(tmp_path / "code", {"a.py": ""})
    (code / "loop").symlink_to(code)
    with pytest.raises(BackendError, match=r"loop: this link leads back"):
        names(code)


def test_a_broken_link_and_a_pipe_are_named(tmp_path):
    code = write(tmp_path / "code", {"a.py": ""})
    (code / "gone").symlink_to("nowhere")
    with pytest.raises(BackendError, match=r"gone: a link to nowhere, which does not exist"):
        names(code)
    (code / "gone").unlink()
    os.mkfifo(code / "pipe")
    with pytest.raises(BackendError, match=r"pipe: neither a file nor a folder"):
        names(code)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's power to read everything."""
    if os.getuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("locked", ["secret.txt", "folder"])
def test_what_can_not_be_read_is_named_with_the_way_out(tmp_path, locked):
    code = write(tmp_path / "code", {"a.py": "", "secret.txt": "", "folder/b.py": ""})
    blobs = Blobs(tmp_path / "blobs")
    blobs.folder.mkdir(mode=0o777)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o711)
    blobs.folder.chmod(0o777)
    (code / locked).chmod(0)
    with as_nobody(), pytest.raises(BackendError, match=f"{locked}: Permission denied") as caught:
        blobs.ingest(snapshot.files(code))
    assert "name the file in .amlignore" in str(caught.value.hint)
    (code / ".amlignore").write_text(f"{locked}\n")
    with as_nobody():
        blobs.ingest(snapshot.files(code))


def test_sockets_and_devices_are_named(tmp_path):
    code = write(tmp_path / "code", {"a.py": ""})
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(code / "socket"))
        with pytest.raises(BackendError, match="socket: neither a file nor a folder"):
            names(code)
    (code / "socket").unlink()
    (code / "null").symlink_to("/dev/null")
    with pytest.raises(BackendError, match="null: neither a file nor a folder"):
        names(code)


def test_what_an_ignore_file_names_is_not_looked_at(tmp_path):
    code = write(tmp_path / "code", {"a.py": "", ".amlignore": "gone\npipe\nloop\n"})
    (code / "gone").symlink_to("nowhere")
    (code / "loop").symlink_to(code)
    os.mkfifo(code / "pipe")
    assert names(code) == [".amlignore", "a.py"]


def test_names_of_any_bytes_come_back_as_they_were(tmp_path):
    code = write(tmp_path / "code", {"with blank.txt": "a", "new\nline": "b", "'quoted' $(x)": "c"})
    odd = os.fsencode(code) + b"/caf\xe9"
    Path(os.fsdecode(odd)).write_text("latin")
    blobs = Blobs(tmp_path / "blobs")
    blobs.check_out(blobs.manifest(blobs.ingest(snapshot.files(code)).digest), tmp_path / "out", writable=True)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {path.name for path in code.iterdir()}


def test_a_huge_file_takes_no_memory(tmp_path):
    code = write(tmp_path / "code", {"a.py": ""})
    with (code / "huge.bin").open("wb") as file:
        file.truncate(300_000_000)
    script = (
        "import os, sys; from pathlib import Path; from aml.workspace.embedded.files import snapshot;"
        "from aml.workspace.embedded.files.blobs import Blobs;"
        "Blobs(Path(sys.argv[2])).ingest(snapshot.files(Path(sys.argv[1])));"
        "sys.path.insert(0, ''); from conftest import peak_memory_kb; print(peak_memory_kb(os.getpid()))"
    )
    command = [sys.executable, "-c", script, str(code), str(tmp_path / "blobs")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    assert int(done.stdout) < 100_000


def test_code_is_found_from_the_file_through_dots_and_is_one_folder(workspace, tmp_path):
    write(tmp_path, {"src/train.py": "print('found')", "jobs/job.yml": JOB})
    job = workspace.submit(load_job(tmp_path / "jobs" / "job.yml"))
    assert workspace.wait(job.name, timeout_s=60).exit_code == 0
    assert list(workspace.files.code(job.name)) == ["train.py"]


JOB = "command: python train.py\ncode: ../jobs/../src\nenvironment: azureml:local@latest\n"


def test_a_workspace_with_a_blank_in_its_path_says_that_commands_would_break(tmp_path, monkeypatch):
    monkeypatch.setenv("AML_HOME", str(tmp_path / "a home"))
    with pytest.raises(BackendError, match="has a blank in its path, which would break commands"):
        open_workspace().submit(command_job("true"))
