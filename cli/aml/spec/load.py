"""Files to documents. Whatever is in the file, only aml's own errors leave this module."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from aml.errors import AmlError, Pointer, Problem, SpecError
from aml.spec.compose import Refused, compose
from aml.spec.document import Document, Node, Place
from aml.spec.syntax import problem_of
from aml.spec.wording import close_files

MAX_BYTES = 1 << 20
"""Azure's own largest example has 40 kB; a file far beyond that is no spec."""

_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def load(path: Path) -> Document:
    """The document in `path`. Raises SpecError with line and column, or AmlError where the file can't be had."""
    file = str(path)
    content = _read(path)
    folder = path.absolute().parent if path.is_file() else Path.cwd()
    return loads(_decode(content, file), file, folder)


def load_stream(stream: BinaryIO, file: str) -> Document:
    """The document that a stream holds; relative paths in it are relative to the current folder."""
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise _too_large(file)
    return loads(_decode(content, file), file, Path.cwd())


def loads(text: str, file: str, folder: Path) -> Document:
    """The document in `text`; `file` is its name in messages, relative paths in it are relative to `folder`."""
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_BYTES:
        raise _too_large(file)
    _refuse_control_characters(text, file)
    root, findings = _compose(text, file)
    return Document(file, folder.absolute(), root, text, findings)


def _compose(text: str, file: str) -> tuple[Node, tuple[Problem, ...]]:
    import yaml

    try:
        return compose(text)
    except Refused as error:
        raise SpecError(file, [error.problem], text) from None
    except yaml.MarkedYAMLError as error:
        raise SpecError(file, [problem_of(error, text)], text) from None
    except yaml.YAMLError as error:
        message = f"The YAML can't be read: {' '.join(str(error).split())}."
        raise SpecError(file, [Problem("yaml-syntax", message, (), 1, 1)], text) from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise AmlError(f"{path}: there is no such file.", _close_names(path)) from None
    except IsADirectoryError:
        raise AmlError(f"{path} is a folder.", _specs_in(path)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise AmlError(f"{path}: the file can't be read: {reason}.") from None
    if len(content) > MAX_BYTES:
        raise _too_large(str(path))
    return content


def _decode(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        if content.startswith(_UTF16):
            problem = Problem("not-utf8", "The file is UTF-16.", (), 1, 1, "Save it as UTF-8.")
            raise SpecError(file, [problem]) from None
        text = content.decode("utf-8", "replace")
        place = _place_at(content[: error.start].decode("utf-8"))
        message = f"The byte 0x{content[error.start]:02x} is not UTF-8."
        problem = Problem("not-utf8", message, _pointer_at(text, place), *place, "Save the file as UTF-8.")
        raise SpecError(file, [problem], text) from None


def _refuse_control_characters(text: str, file: str) -> None:
    match = _CONTROL.search(text)
    if match is None:
        return
    place = _place_at(text[: match.start()])
    message = f"The control character U+{ord(match[0]):04X} is not allowed in YAML."
    shown = _CONTROL.sub("\ufffd", text)
    problem = Problem("control-character", message, _pointer_at(shown, place), *place, "Remove it.")
    raise SpecError(file, [problem], shown)


def _too_large(file: str) -> SpecError:
    message = f"The file is larger than {MAX_BYTES // 1024:,} KiB."
    hint = "A spec this large is refused unread. Data belongs into files that the spec points to."
    return SpecError(file, [Problem("too-large", message, (), 1, 1, hint)])


def _place_at(before: str) -> Place:
    lines = (before + "|").splitlines()
    return Place(max(len(lines), 1), len(lines[-1]))


def _pointer_at(text: str, place: Place) -> Pointer:
    """Path of the innermost value that covers `place`, () where the text can't be read."""
    import yaml

    try:
        node = compose(text.removeprefix("\ufeff")).root
    except (Refused, yaml.YAMLError):
        return ()
    pointer: Pointer = ()
    while True:
        inner = [key for key, (start, child) in node.children.items() if start <= place <= child.end]
        if not inner:
            return pointer
        pointer = (*pointer, inner[-1])
        node = node.children[inner[-1]].node


def _close_names(path: Path) -> str:
    if close := close_files(path.name, _names(path.parent), most=3):
        return f"Did you mean {', '.join(str(path.parent / name) for name in close)}?"
    return _specs_in(path.parent) if path.parent.is_dir() else f"There is no folder {path.parent} either."


def _specs_in(folder: Path) -> str:
    specs = [str(folder / name) for name in _names(folder) if name.endswith((".yml", ".yaml", ".json"))]
    return (
        f"Spec files in it: {', '.join(specs[:8])}."
        if specs
        else f"There is no .yml or .yaml file in {_named(folder)}."
    )


def _named(folder: Path) -> str:
    return "this folder" if str(folder) == "." else str(folder)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []
