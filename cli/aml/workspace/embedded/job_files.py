"""The files that a job wrote, one by one, named as a download lays them out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import translate
from pathlib import Path

from aml.errors import NotFound
from aml.workspace.embedded.blobs import explained
from aml.workspace.embedded.references import DEFAULT_OUTPUT
from aml.workspace.records import JobFile


def place(output: str) -> str:
    """Where a download puts an output."""
    return "artifacts" if output == DEFAULT_OUTPUT else f"named-outputs/{output}"


def listed(outputs: Sequence[tuple[str, Path]]) -> Sequence[JobFile]:
    """All files of these outputs, by path. A link counts as what it leads to, if that is one of the files' own."""
    return sorted((file for name, folder in outputs for file in _walk(folder, place(name))), key=lambda file: file.path)


def matching(files: Sequence[JobFile], pattern: str, job_name: str) -> Sequence[JobFile]:
    """Those of a path or a glob, in which `*` also crosses folders; `NotFound` if there is none."""
    wanted = pattern.removeprefix("./").rstrip("/")
    matches = re.compile(translate(wanted)).fullmatch
    found = [file for file in files if any(each == wanted or matches(each) for each in _names(file))]
    if found:
        return found
    raise NotFound(f"the job {job_name} has no file {pattern}", _advice(files, wanted, job_name))


def _names(file: JobFile) -> tuple[str, ...]:
    return (file.path, file.path.partition("/")[2])


def _advice(files: Sequence[JobFile], wanted: str, job_name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(wanted, [name for file in files for name in _names(file)], n=1)
    every = f"`aml job files -n {job_name}` shows what it has."
    return f"Did you mean {close[0]}? {every}" if close else every


def _walk(folder: Path, prefix: str) -> Iterator[JobFile]:
    with explained(folder):
        for parent, _, names in os.walk(folder):
            for name in names:
                path = Path(parent, name)
                if path.is_file() and (not path.is_symlink() or path.resolve().is_relative_to(folder.resolve())):
                    relative = path.relative_to(folder).as_posix()
                    yield JobFile(f"{prefix}/{relative}", path.stat().st_size, path)
