"""A conda environment file: read from disk, and as requirements of Python packages."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aml.errors import AmlError
from aml.workspace.embedded.environments.conda_names import distribution
from aml.workspace.embedded.files.blobs import explained

_DEPENDENCY = re.compile(r"(?:\S+::)?(?P<name>[\w.-]+)\s*(?P<version>.*)", re.ASCII)
_VERSION_IN_BRACKETS = re.compile(r"""\[.*?version\s*=\s*['"]?([^'"\]]+)""")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_INCLUDED = ("-r", "--requirement")
_LOCATED = ("-c", "--constraint", "-e", "--editable", "-f", "--find-links")
_EDITABLE = ("-e", "--editable")
_DEEPEST = 8


@dataclass(frozen=True)
class Requirements:
    """What a conda file asks for, as pip and uv take it."""

    python: str = ""  # a version specifier, ==3.10.*; "" is any
    packages: tuple[str, ...] = ()  # lines of a requirements file
    options: tuple[str, ...] = ()  # lines such as --extra-index-url URL
    left_out: tuple[str, ...] = ()  # conda packages that are no Python packages
    unknown: tuple[str, ...] = ()  # conda packages of which that is not known


def content(given: str | Mapping[str, Any]) -> dict[str, Any]:
    """What a spec gives as conda_file, complete in itself: requirement files put in, local paths absolute."""
    if not isinstance(given, str):
        return located(given, Path.cwd())
    path = Path(given)
    with explained(path):
        details = path.stat()
        return _read(path, details.st_mtime_ns, details.st_size)


def located(found: Any, folder: Path, name: str = "conda_file") -> dict[str, Any]:
    """The content of a conda file that lies in `folder` as one that can lie anywhere."""
    given = found.get("dependencies", []) if isinstance(found, dict) else None
    if not isinstance(given, list):
        raise AmlError(f"{name} is not a conda environment file", "It is a mapping with the key dependencies, a list.")
    dependencies = [_located_pip(item, folder) if isinstance(item, dict) and "pip" in item else item for item in given]
    return {**found, "dependencies": dependencies}


def requirements(found: Mapping[str, Any]) -> Requirements:
    """Of the content of a conda file."""
    python, packages, options = "", list[str](), list[str]()
    others: dict[str, list[str]] = {"other": [], "unknown": []}
    for item in found.get("dependencies") or ():
        if isinstance(item, dict):
            for line in item.get("pip") or ():
                (options if _is_option(line) else packages).append(line)
            continue
        match = _DEPENDENCY.fullmatch(str(item).strip())
        kind, name = distribution(match["name"]) if match else ("unknown", str(item))
        specifier = _specifier(match["version"]) if match else ""
        if name == "python":
            python = specifier
        elif kind == "python":
            packages.append(f"{name}{specifier}")
        else:
            others[kind].append(name)
    return Requirements(python, tuple(packages), tuple(options), tuple(others["other"]), tuple(others["unknown"]))


def local_paths(wanted: Requirements) -> list[Path]:
    """Packages, folders and constraints on this machine: what is in them decides, not only their names."""
    found = []
    for line in (*wanted.packages, *wanted.options):
        option, value = _option(line)
        path = re.sub(r"\[[^]]*\]$", "", value if option in (*_EDITABLE, "-c", "--constraint") else line)
        if path.startswith("/"):
            found.append(Path(path))
    return found


@functools.lru_cache(maxsize=8)
def _read(path: Path, _changed_ns: int, _size_bytes: int) -> dict[str, Any]:
    import yaml  # only files need it

    try:
        found = yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except yaml.YAMLError as error:
        raise AmlError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    return located(found, path.parent, str(path))


def _located_pip(item: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    pip = item["pip"] or []
    lines = [pip] if isinstance(pip, str) else pip
    return {**item, "pip": [line for each in lines for line in _located_line(str(each), folder, 0)]}


def _located_line(line: str, folder: Path, depth: int) -> Iterator[str]:
    """A line of pip's with its paths absolute; in place of a requirements file its lines."""
    line = _COMMENT.sub("", line).strip()
    option, value = _option(line)
    if option in _INCLUDED:
        if depth == _DEEPEST:
            raise AmlError(f"the requirement files of the conda file include each other: {line}")
        file = folder / value
        with explained(file):
            text = file.read_text("utf-8").replace("\\\n", " ")
        for included in text.splitlines():
            yield from _located_line(included, file.parent, depth + 1)
    elif option in _LOCATED and "://" not in value:
        yield f"{option} {_absolute(value, folder)}"
    elif line and not option and _is_path(line):
        yield _absolute(line, folder)
    elif line:
        yield line


def _option(line: str) -> tuple[str, str]:
    """The option of a line and its value; "" for a line without one."""
    match = re.match(r"(--[\w-]+|-\w)(?:\s*=\s*|\s*)(.*)", line)
    return (match[1], match[2].strip().strip("'\"")) if match else ("", "")


def _is_option(line: str) -> bool:
    return line.startswith("-") and _option(line)[0] not in _EDITABLE


def _is_path(line: str) -> bool:
    return line.startswith((".", "/", "~")) or (line.endswith((".whl", ".tar.gz", ".zip")) and "://" not in line)


def _absolute(path: str, folder: Path) -> str:
    """A path may have extras behind it: ./package[test]."""
    return os.path.normpath(folder / Path(path).expanduser())


def _specifier(version: str) -> str:
    """Conda's version as Python's: =1.2 is 1.2 and what follows it, =1.2=build is 1.2; a choice (1.2|1.4) is any."""
    if version.startswith("["):
        match = _VERSION_IN_BRACKETS.match(version)
        version = match[1] if match else ""
    parts = [_one_specifier(part) for part in re.split(r"\s*,\s*", version.strip()) if part not in ("", "*")]
    return "" if "|" in version else ",".join(part for part in parts if part)


def _one_specifier(part: str) -> str:
    match = re.match(r"(==|>=|<=|!=|~=|=|>|<)?\s*([^\s=]+)(=\S+)?", part)
    if match is None:
        return ""
    operator, number, build = match.groups()
    if operator == "=" and not build:
        return f"=={number}" if number.endswith("*") else f"=={number}.*"
    if operator in (None, "="):
        return "==" + re.sub(r"(?<!\.)\*$", ".*", number)
    return f"{operator}{number}"
