"""Which files a folder or a pattern stands for, and which of those are Azure ML's."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aml.errors import AmlError
from aml.spec.document import Document
from aml.spec.kinds import by_keys, by_schema, by_type, by_version_1
from aml.spec.schema import files as schema_files

SUFFIXES = (".yml", ".yaml", ".runconfig")
_V1_FOLDER = ".azureml"  # hidden, and walked all the same
_NOT_WALKED = frozenset({"node_modules", "__pycache__"})
_LIKELY = 0.6  # of the keys of a file that names no kind: the rest may be misspelled
_NEED_A_TYPE = frozenset({"pipeline"})  # `jobs` alone is what workflows of CI servers have
_SIGNS = re.compile(
    r"""^["']?\$schema["']?\s*:.*azureml|^type\s*:\s*["']?(?:command|sweep|amlcompute|computeinstance|mlflow_model)\b""",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Found:
    path: Path
    named: bool  # the user named the file itself: it is checked whatever is in it


def find(name: str) -> Iterator[Found]:
    """The file itself, the files of a folder, or those that match a pattern.

    Raises `AmlError` for a folder or a pattern without any YAML.
    """
    path = Path(name)
    if path.is_dir():
        yield from _some(_walk(path), f"{name}: there is no .yml or .yaml file in the folder.")
    elif any(char in name for char in "*?[") and not path.exists():
        yield from _some(_matches(name), f"{name}: no .yml or .yaml file matches.")
    else:
        yield Found(path, named=True)


def is_azure_ml(document: Document) -> bool:
    """Whether a file says that it is a spec, or looks like one: its keys are those of the kind that they tell."""
    data = document.data
    if not isinstance(data, dict):
        return _SIGNS.search(document.text) is not None
    if by_version_1(document) or by_schema(data) or by_type(data):
        return True
    kind = by_keys(data)
    if kind is None or kind in _NEED_A_TYPE or not schema_files.has(kind):
        return False
    known = schema_files.schema_of(kind).get("properties", {})
    return sum(key in known for key in data) >= _LIKELY * len(data)


def looks_like_azure_ml(text: str) -> bool:
    """The same of a text that is no YAML."""
    return _SIGNS.search(text) is not None


def _some(paths: Iterator[Path], none: str) -> Iterator[Found]:
    found = False
    for path in paths:
        found = True
        yield Found(path, named=False)
    if not found:
        raise AmlError(none)


def _matches(pattern: str) -> Iterator[Path]:
    from glob import glob

    for name in sorted(glob(pattern, recursive=True)):  # noqa: PTH207 Path.glob takes no absolute pattern
        if name.endswith(SUFFIXES) and Path(name).is_file():
            yield Path(name)


def _walk(folder: Path) -> Iterator[Path]:
    """Depth first in the order of names; hidden folders, packages and virtual environments are left out."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise AmlError(f"{folder}: the folder can't be read: {error.strerror}.") from None
    for entry in entries:
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=False):
            hidden = entry.name.startswith(".") and entry.name != _V1_FOLDER
            if not (hidden or entry.name in _NOT_WALKED or (path / "pyvenv.cfg").exists()):
                yield from _walk(path)
        elif entry.name.endswith(SUFFIXES) and entry.is_file():
            yield path
