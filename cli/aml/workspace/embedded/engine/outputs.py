"""A job's outputs that have a path: where on this machine that is, and when what was written gets there.

What is mounted is a link to the datastore's folder, so that it is there at once. With the mode upload, and where it is
one file, it is copied when the job is over. With the mode direct the command gets the URI of what is not on this
machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aml.errors import BackendError, Misfit
from aml.spec.binding import bind
from aml.spec.model import CommandJob, Output
from aml.workspace.embedded.catalog.datastores import DEFAULT
from aml.workspace.embedded.catalog.references import References
from aml.workspace.embedded.engine.launch import output_path
from aml.workspace.embedded.files.blobs import copy_out, explained
from aml.workspace.embedded.paths import JobPaths


@dataclass(frozen=True)
class Destination:
    """Where an output is to be."""

    uri: str  # with the job's name filled in
    place: Path | None  # folder or file on this machine; None: the job itself writes to the URI
    is_late: bool  # copied there when the job is over


def destinations(spec: CommandJob, job_name: str, references: References) -> dict[str, Destination]:
    """Those of the outputs that have a path. Raises `AmlError` for one that can't be written from here."""
    return {
        name: _destination(name, output, job_name, references)
        for name, output in spec.outputs.items()
        if output.path is not None
    }


def uris(found: Mapping[str, Destination]) -> dict[str, str]:
    """What the command gets for the outputs that it writes elsewhere by itself."""
    return {name: destination.uri for name, destination in found.items() if destination.place is None}


def folders(found: Mapping[str, Destination]) -> tuple[str, ...]:
    """Where the job itself writes, besides its own folder."""
    return tuple(str(each.place) for each in found.values() if each.place is not None and not each.is_late)


def link(found: Mapping[str, Destination], paths: JobPaths) -> None:
    """Make the folders of mounted outputs lead to the datastore; safe to repeat."""
    for name, destination in found.items():
        seen = paths.named_outputs / name
        if destination.place is None or destination.is_late or seen.is_symlink():
            continue
        with explained(destination.place):
            destination.place.mkdir(parents=True, exist_ok=True)
            seen.parent.mkdir(parents=True, exist_ok=True)
            seen.symlink_to(destination.place)


def deliver(found: Mapping[str, Destination], spec: CommandJob, paths: JobPaths) -> None:
    """Copy what was not written to its place at once; safe to repeat."""
    for name, destination in found.items():
        written = output_path(name, spec.outputs[name], paths)
        if destination.place is not None and destination.is_late and written.exists():
            copy_out(written, destination.place)


def _destination(name: str, output: Output, job_name: str, references: References) -> Destination:
    assert output.path is not None
    values = {"name": job_name, "output_name": name, "default_datastore": DEFAULT}
    uri = bind(output.path, values, final=True)
    try:
        place = references.destination(uri)
    except BackendError as error:
        if output.mode == "direct":
            return Destination(uri, None, is_late=False)
        raise _refusal(name, error.message, error.hint) from error
    if place is None and output.mode != "direct":
        what = f"{uri} can't be written from this machine"
        raise _refusal(name, what, "Use azureml://datastores/NAME/paths/PATH, or `mode: direct`.")
    is_file = output.type == "uri_file"
    if place is not None and is_file and uri.endswith("/"):
        place /= name
    return Destination(uri, place, is_late=output.mode == "upload" or is_file)


def _refusal(name: str, message: str, hint: str | None) -> Misfit:
    return Misfit(f"output {name}: {message}", hint or "", ("outputs", name, "path"))
