"""Files are stored once by their content; trees come back as they were."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aml.errors import BackendError
from aml.workspace.embedded import snapshot
from aml.workspace.embedded.blobs import Blobs


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
