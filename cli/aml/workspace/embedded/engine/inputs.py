"""A job's data inputs: where its process finds each, and how that comes there.

What is at an http or https address is fetched first. An input is a link to the data, which an executor may replace by a
read-only mount, or with the mode download a copy that the job may change; with the mode direct what is a URI is passed
as it is. No input's name has a blank in it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aml.errors import BackendError
from aml.spec.model import CommandJob, DataInput
from aml.workspace.embedded.blobs import explained
from aml.workspace.embedded.downloads import fetch, is_address, target
from aml.workspace.embedded.paths import JobPaths
from aml.workspace.embedded.references import References
from aml.workspace.embedded.trees import copy_file, copy_tree

_COPIED = ("download", "eval_download")


@dataclass(frozen=True)
class Place:
    """Where a job finds an input."""

    text: str  # for the command: a path, or a URI
    source: Path | None = None  # what is to be there; None for a URI
    copied: bool = False
    url: str | None = None  # what `source` is fetched from first


def places(spec: CommandJob, paths: JobPaths, references: References) -> dict[str, Place]:
    """The place of each data input. Raises `AmlError` for what can't be had."""
    data = {name: value for name, value in spec.inputs.items() if isinstance(value, DataInput)}
    return {name: _place(name, value, paths, references) for name, value in data.items()}


def lay_out(found: Mapping[str, Place], downloads: Path) -> None:
    """Fetch what is elsewhere, make the links and copies; safe to repeat after a crash in the middle."""
    for name, place in found.items():
        if place.source is None:
            continue
        if place.url is not None:
            fetch(place.url, downloads)
        if not place.source.exists():
            raise BackendError(
                f"input {name}: {place.source} does not exist any more", "Put it back, or submit the job anew."
            )
        target = Path(place.text)
        with explained(target):
            shutil.rmtree(target.parent, ignore_errors=True)
            target.parent.mkdir(parents=True)
            if place.copied:
                _copy(place.source, target)
            else:
                target.symlink_to(place.source)


def linked(found: Mapping[str, Place]) -> tuple[tuple[str, str], ...]:
    """(source, link) of the inputs that are the user's own files or the workspace's."""
    return tuple(
        (str(place.source), place.text) for place in found.values() if place.source is not None and not place.copied
    )


def _place(name: str, value: DataInput, paths: JobPaths, references: References) -> Place:
    uri = references.uri(value.path, value.type)
    if uri is not None and value.mode == "direct":
        return Place(uri)
    url = uri if uri is not None and is_address(uri) else None
    source = references.path(value.path, value.type) if url is None else target(url, references.paths.downloads)
    if url is not None and value.type != "uri_file":
        source = source.parent
    text = str(paths.inputs / name / re.sub(r"\s", "_", source.name))
    return Place(text, source, value.mode in _COPIED, url)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        copy_tree(source, target)
    else:
        copy_file(source, target)
