"""Paths in a spec: local ones exist, the others have a form that Azure ML knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from aml.errors import Pointer, Problem
from aml.spec import reference
from aml.spec.document import Document
from aml.spec.wording import close_files, closest

Severity = Literal["error", "warning"]


def code(document: Document) -> Iterator[Problem]:
    yield from _path(document, ("code",), "The code folder")


def component(document: Document, pointer: Pointer) -> Iterator[Problem]:
    value = document.value(*pointer)
    if isinstance(value, str) and reference.is_local(value):
        yield from _path(document, pointer, "The component")


def additional_includes(document: Document) -> Iterator[Problem]:
    includes = document.value("additional_includes")
    for index in range(len(includes)) if isinstance(includes, list) else ():
        yield from _path(document, ("additional_includes", index), "The path")


def inputs(document: Document) -> Iterator[Problem]:
    yield from _inputs(document, "error")


def pipeline_inputs(document: Document) -> Iterator[Problem]:
    """Data that is not there is a doubt only: scripts make it before a pipeline is submitted."""
    yield from _inputs(document, "warning")


def _inputs(document: Document, missing: Severity) -> Iterator[Problem]:
    for name, value in document.mapping("inputs").items():
        if isinstance(value, dict):
            yield from _path(document, ("inputs", name, "path"), "The path", missing)
            yield from _type(document, ("inputs", name, "path"), value.get("type"))


def environment(document: Document) -> Iterator[Problem]:
    yield from _environment(document, ("environment",))


def environment_asset(document: Document) -> Iterator[Problem]:
    yield from _environment(document, ())


def table(document: Document, pointer: Pointer) -> Iterator[Problem]:
    """The path of an MLTable, which a script may make before the job is submitted."""
    yield from _path(document, pointer, "The path", "warning")


def model(document: Document) -> Iterator[Problem]:
    yield from _path(document, ("path",), "The path")


def data(document: Document) -> Iterator[Problem]:
    yield from _path(document, ("path",), "The path")
    yield from _type(document, ("path",), document.value("type"))
    yield from _table(document)


def deployment(document: Document) -> Iterator[Problem]:
    yield from _path(document, ("model", "path"), "The path")
    yield from _path(document, ("code_configuration", "code"), "The code folder")
    yield from _scoring_script(document)
    yield from _environment(document, ("environment",))


def _scoring_script(document: Document) -> Iterator[Problem]:
    """The script stands in the code folder, where that is local; without a folder it is relative to the file."""
    code, script = (document.value("code_configuration", key) for key in ("code", "scoring_script"))
    is_here = isinstance(code, str) and reference.is_local(code)
    folder = Path(reference.absolute(code, document.folder)) if is_here else None
    if not folder or not folder.is_dir() or not isinstance(script, str) or not script.strip():
        return
    if not reference.exists(script, folder):
        message = f"The scoring script '{script}' does not exist in {code}."
        hint = _missing_hint(script, folder)
        hint = hint if hint.startswith("Did") else "It is relative to `code`."
        yield document.problem("missing-path", message, ("code_configuration", "scoring_script"), hint=hint)


def local(document: Document, pointer: Pointer, what: str) -> Iterator[Problem]:
    """What is wrong with the path at `pointer`."""
    yield from _path(document, pointer, what)


def _environment(document: Document, at: Pointer) -> Iterator[Problem]:
    yield from _path(document, (*at, "conda_file"), "The conda file")
    yield from _path(document, (*at, "build", "path"), "The build folder")


def _path(document: Document, pointer: Pointer, what: str, missing: Severity = "error") -> Iterator[Problem]:
    path = document.value(*pointer)
    if not isinstance(path, str) or not path.strip():
        return
    scheme = reference.scheme(path)
    if path.startswith(("git+", "git@")):
        hint = "Clone the repository and give the path of the folder."
        yield document.problem("git-path", f"{what} can't be a git address.", pointer, hint=hint)
    elif scheme == "azureml" and not reference.is_azureml(path):
        hint = "Write azureml:NAME:VERSION, azureml:NAME@latest or azureml://datastores/NAME/paths/PATH."
        yield document.problem("bad-reference", f"'{path}' is not a reference.", pointer, hint=hint)
    elif scheme and scheme not in reference.SCHEMES:
        yield document.problem("bad-reference", f"'{scheme}:' is not known here.", pointer, hint=_scheme_hint(path))
    elif reference.is_local(path) and not reference.exists(path, document.folder):
        hint = _missing_hint(path, document.folder, besides=Path(document.file).name)
        message = f"{what} '{path}' does not exist."
        yield document.problem("missing-path", message, pointer, hint=hint, severity=missing)


def _scheme_hint(path: str) -> str:
    scheme, _, rest = path.partition(":")
    close = closest(scheme.lower(), reference.SCHEMES, 0.6)
    return f"Did you mean {close}:{rest}?" if close else f"Known: {', '.join(reference.SCHEMES)}."


def _missing_hint(path: str, folder: Path, besides: str = "") -> str:
    if "\\" in path and reference.exists(path.replace("\\", "/"), folder):
        return f"Did you mean {path.replace(chr(92), '/')}? Only Windows takes \\ between folders."
    full = Path(reference.absolute(path, folder))
    try:
        names = [entry.name for entry in full.parent.iterdir() if entry != folder / besides]
    except (OSError, ValueError):
        names = []
    for close in close_files(full.name, names):
        return f"Did you mean {Path(path).parent / close}?"
    return "It is relative to the folder of the spec file."


def _type(document: Document, pointer: Pointer, given: object) -> Iterator[Problem]:
    path, kind = document.value(*pointer), str(given).lower()
    if not isinstance(path, str) or not reference.is_local(path) or not reference.exists(path, document.folder):
        return
    is_folder = Path(reference.absolute(path, document.folder)).is_dir()
    wrong, right = ("folder", "uri_folder") if is_folder else ("file", "uri_file")
    if kind in ("uri_file", "uri_folder") and kind != right:
        message = f"'{path}' is a {wrong}, but the type is {kind}."
        hint = f"Write type: {right}."
        yield document.problem("path-type", message, pointer, hint=hint, severity="warning")


def _table(document: Document) -> Iterator[Problem]:
    """An mltable is a folder with a file named MLTable."""
    path = document.value("path")
    if str(document.value("type")).lower() != "mltable" or not isinstance(path, str) or not reference.is_local(path):
        return
    if reference.exists(path, document.folder) and not reference.exists(f"{path}/MLTable", document.folder):
        hint = "It says how the data is read; without it the type is uri_folder or uri_file."
        yield document.problem("missing-path", f"There is no file MLTable in '{path}'.", ("path",), hint=hint)
