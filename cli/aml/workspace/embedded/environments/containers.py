"""Images that docker or podman runs jobs in: pulled, or built from a Dockerfile or a conda file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from aml.errors import BackendError
from aml.workspace.embedded.environments.builds import Builder, Cache, hashed
from aml.workspace.embedded.environments.conda_file import requirements
from aml.workspace.embedded.environments.resolve import Resolved

_TAG = "localhost/aml-environment"
_ANSWER_TIMEOUT_S = 20
_PREFIX = "/azureml-envs/aml"
_DOCKERFILE = f"""\
FROM {{image}}
COPY . /tmp/aml-environment
RUN sh /tmp/aml-environment/install.sh
ENV CONDA_PREFIX={_PREFIX} PATH={_PREFIX}/bin:$PATH
"""
# Azure ML's own images have conda; what is a plain Python gets a venv at the same place.
_INSTALL = f"""\
set -e
cd /tmp/aml-environment
if command -v conda >/dev/null; then
    conda env create --prefix {_PREFIX} --file conda.json
elif command -v python3 >/dev/null; then
    python3 -m venv --system-site-packages {_PREFIX}
    {_PREFIX}/bin/python -m pip install --no-cache-dir --requirement requirements.txt
else
    echo "error: the image has neither conda nor python3 to build the conda file with"
    exit 1
fi
"""


def check(resolved: Resolved, tool: str, path: str) -> None:
    """Raises `BackendError` if the tool is not there, does not work, or has nothing to work with."""
    program = shutil.which(tool, path=path)
    if program is None:
        raise BackendError(f"the mode {tool} needs {tool}, which is not on PATH", "Install it, or use another mode.")
    if resolved.image is None and resolved.build is None:
        raise BackendError(
            f"{resolved.title} can't be run by {tool}: its image is not known here",
            "Give an environment with an image or a build.",
        )
    said = _complaint(program)
    if said is not None:
        raise BackendError(f"{tool} does not work here: {said}", "Start it, or use another mode.")


def key(resolved: Resolved, tool: str) -> str:
    """A hash of what the image is built from; the folder of a build belongs to a registered environment."""
    return hashed(tool, resolved.image, resolved.conda, str(resolved.build), resolved.dockerfile)


def is_ready(resolved: Resolved, tool: str, client: Mapping[str, str]) -> bool:
    line = [shutil.which(tool, path=client.get("PATH")) or tool, "image", "inspect", image_of(resolved, tool)]
    return subprocess.run(line, env=client, capture_output=True, check=False).returncode == 0


def image_of(resolved: Resolved, tool: str) -> str:
    """The image that the job runs in, once it is there."""
    is_built = resolved.build is not None or resolved.conda is not None
    return f"{_TAG}:{key(resolved, tool)}" if is_built or resolved.image is None else resolved.image


def make(place: Path, resolved: Resolved, tool: str, builder: Builder) -> None:
    """Pull the image or build it, unless it is there; `place` is a folder for what is sent to the builder."""
    place.mkdir(parents=True)
    if is_ready(resolved, tool, builder.environment):
        return
    program = shutil.which(tool, path=builder.environment.get("PATH", os.defpath)) or tool
    image = image_of(resolved, tool)
    if resolved.build is not None:
        context = str(resolved.build)
        file = [] if "://" in context else ["--file", str(Path(context, resolved.dockerfile.lstrip("/")))]
        line = [program, "build", "--tag", image, *file, context]
    elif resolved.conda is not None:
        _write_context(place, resolved)
        line = [program, "build", "--tag", image, str(place)]
    else:
        line = [program, "pull", image]
    builder.run(line, what=f"{tool} {line[1]} failed")


def forget_if_gone(cache: Cache, resolved: Resolved, tool: str, client: Mapping[str, str]) -> None:
    """An image may have been deleted behind our back."""
    if not is_ready(resolved, tool, client):
        cache.forget(key(resolved, tool))


def _complaint(program: str) -> str | None:
    """What the tool says against working; None if it works."""
    try:
        asked = subprocess.run(
            [program, "info"], capture_output=True, text=True, timeout=_ANSWER_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"`{program} info` has no answer within {_ANSWER_TIMEOUT_S} s"
    if asked.returncode == 0:
        return None
    return (asked.stderr.strip().splitlines() or [f"exit code {asked.returncode}"])[-1]


def _write_context(place: Path, resolved: Resolved) -> None:
    assert resolved.conda is not None
    wanted = requirements(resolved.conda)
    (place / "Dockerfile").write_text(_DOCKERFILE.format(image=resolved.image))
    (place / "install.sh").write_text(_INSTALL)
    (place / "conda.json").write_text(json.dumps(resolved.conda))  # JSON is YAML
    (place / "requirements.txt").write_text("".join(f"{line}\n" for line in (*wanted.options, *wanted.packages)))
