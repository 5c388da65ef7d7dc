"""What a path in a spec is: a local path, or one of the ways to name something elsewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # two characters at least: C:\ is a drive
SCHEMES = (
    "azureml",
    "http",
    "https",
    "wasb",
    "wasbs",
    "abfs",
    "abfss",
    "adl",
    "runs",
    "hdfs",
    "s3",
    "gs",
    "dbfs",
    "mlflow-artifacts",
    "file",
)

_NAME = r"[^\s:@/]+"
_AZUREML = re.compile(
    rf"azureml:{_NAME}([:@]{_NAME})?"
    r"|azureml://(registries|datastores|jobs|locations)/\S+"
    r"|azureml:/+subscriptions/\S+"
)


def scheme(path: str) -> str | None:
    """`https`, `azureml`, `file`, lower-case; None for a local path."""
    match = _SCHEME.match(path)
    return match[1].lower() if match else None


def is_local(path: str) -> bool:
    """Whether `path` is on this machine and complete: no URI, no reference, nothing in it still to be filled in."""
    return scheme(path) in (None, "file") and "${{" not in path


def is_azureml(path: str) -> bool:
    """Whether `path` has one of the forms that follow `azureml:`."""
    return _AZUREML.fullmatch(path.strip()) is not None


def absolute(path: str, folder: Path) -> str:
    """A local path as seen from `folder`; anything else as it stands."""
    if not is_local(path):
        return path
    if scheme(path) == "file":
        path = unquote(re.sub(r"^file:(//)?", "", path, flags=re.IGNORECASE))
    return os.path.normpath(folder / path.strip())


def exists(path: str, folder: Path) -> bool:
    """Whether a local path is there; one that can't be asked for is not."""
    try:
        Path(absolute(path, folder)).stat()
    except (OSError, ValueError):
        return False
    return True
