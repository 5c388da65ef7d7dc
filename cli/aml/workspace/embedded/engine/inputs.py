"""A job's data inputs: where its process finds each, and how that comes there.

What is at an http or https address is fetched first. An input is a link to the data, which an executor may replace by a
read-only mount, or with the mode download a copy that the job may change; with the mode direct what is a URI is passed
as it is. No input's name has a blank in it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aml.errors import BackendError, Misfit
from aml.spec.model import CommandJob, DataInput
from aml.workspace.embedded.catalog.references import References
from aml.workspace.embedded.files.blobs import explained
from aml.workspace.embedded.files.downloads import Tell, fetch, is_address, target, unpacked
from aml.workspace.embedded.files.trees import copy_file, copy_tree
from aml.workspace.embedded.paths import JobPaths

_COPIED = ("download", "eval_download")
UNPACK = "aml.unpack"
"""The property of a job that names inputs: archives at https addresses, whose content the job is to find."""


@dataclass(frozen=True)
class Place:
    """Where a job finds an input."""

    text: str  # for the command: a path, or a URI
    source: Path | None = None  # what is to be there; None for a URI
    copied: bool = False
    url: str | None = None  # what `source` is fetched from first
    unpacked: bool = False  # `source` is what is in the archive there


def places(spec: CommandJob, paths: JobPaths, references: References) -> dict[str, Place]:
    """The place of each data input. Raises `AmlError` for what can't be had."""
    data = {name: value for name, value in spec.inputs.items() if isinstance(value, DataInput)}
    found = {name: _place(name, value, paths, references) for name, value in data.items()}
    return found | {name: _unpacked(name, found, spec, references) for name in _to_unpack(spec, found)}


def lay_out(found: Mapping[str, Place], downloads: Path, tell: Tell) -> None:
    """Fetch what is elsewhere, make the links and copies; safe to repeat after a crash in the middle."""
    for name, place in found.items():
        if place.source is None:
            continue
        if place.url is not None:
            fetch(place.url, downloads, unpack=place.unpacked, tell=tell)
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


def _to_unpack(spec: CommandJob, found: Mapping[str, Place]) -> list[str]:
    """The inputs whose archives are to be unpacked: a list of names, or `true` for all that are fetched as folders."""
    asked = (spec.properties.get(UNPACK) or "").strip()
    fetched = [name for name, place in found.items() if place.url is not None]
    if asked.lower() in ("true", "false", ""):
        return [name for name in fetched if asked.lower() == "true" and _type(spec, name) != "uri_file"]
    names = [name.strip() for name in asked.split(",")]
    for name in names:
        if name not in fetched:
            hint = "Name inputs with a path at an https address, with commas between them, or say true for all."
            raise Misfit(f"{UNPACK}: there is no archive to fetch for an input {name}", hint, ("properties", UNPACK))
    return names


def _type(spec: CommandJob, name: str) -> str:
    value = spec.inputs[name]
    assert isinstance(value, DataInput)
    return value.type


def _unpacked(name: str, found: Mapping[str, Place], spec: CommandJob, references: References) -> Place:
    place = found[name]
    assert place.url is not None
    if _type(spec, name) == "uri_file":
        hint = "Write type: uri_folder."
        raise Misfit(f"{UNPACK}: the input {name} is one file", hint, ("inputs", name, "type"))
    source = unpacked(place.url, references.paths.downloads)
    text = str(Path(place.text).parent / re.sub(r"\s", "_", source.name))
    return replace(place, text=text, source=source, unpacked=True)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        copy_tree(source, target)
    else:
        copy_file(source, target)
