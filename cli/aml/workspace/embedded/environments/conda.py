"""Environments that conda, mamba or micromamba builds, whichever is on PATH."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aml.errors import BackendError
from aml.workspace.embedded.environments.builds import Builder, hashed

TOOLS = ("micromamba", "mamba", "conda")


def check(path: str) -> None:
    if tool(path) is None:
        raise BackendError(
            f"the mode conda needs one of {', '.join(TOOLS)}, and none is on PATH",
            "Install one, or use the mode venv.",
        )


def tool(path: str) -> str | None:
    return next((found for name in TOOLS if (found := shutil.which(name, path=path))), None)


def key(content: Mapping[str, Any]) -> str:
    return hashed("conda", content)


def line(program: str, place: Path, file: Path) -> list[str]:
    """The program line that makes the environment of a file."""
    verb = ["create", "--yes"] if Path(program).name == "micromamba" else ["env", "create"]
    return [program, *verb, "--prefix", str(place), "--file", str(file)]


def make(place: Path, content: Mapping[str, Any], builder: Builder) -> None:
    program = tool(builder.environment.get("PATH", ""))
    if program is None:
        raise BackendError(f"none of {', '.join(TOOLS)} is on PATH any more")
    file = place.with_name("environment.yml")
    kept = {key: value for key, value in content.items() if key not in ("name", "prefix")}
    file.write_text(json.dumps(kept))  # JSON is YAML
    unasked = Builder(builder.log, {**builder.environment, "CONDA_ALWAYS_YES": "true"}, builder.stop, builder.lock)
    unasked.run(line(program, place, file), what=f"{Path(program).name} failed")
