"""The files a training leaves: model.pt and model.json, each whole or not there."""

from __future__ import annotations

import io
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import torch
import torchvision
from torch import Tensor

from aml_trainer.errors import TrainerError


def save(folder: Path, state_dict: Mapping[str, Tensor], description: Mapping[str, object]) -> None:
    """`model.pt` is `description` with the weights as `state_dict`; `model.json` is `description` with versions.

    `torch.load(..., weights_only=True)` reads the first: it holds tensors, numbers, strings and lists only.
    """
    versions = {"python": platform.python_version(), "torch": torch.__version__, "torchvision": torchvision.__version__}
    # torch.save to a full disk ends in a RuntimeError without a cause; write_bytes in an OSError
    weights = io.BytesIO()
    torch.save({"state_dict": {name: tensor.cpu() for name, tensor in state_dict.items()}, **description}, weights)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / "model.pt", weights.getbuffer())
        _replace(folder / "model.json", json.dumps({**description, "versions": versions}, indent=2).encode() + b"\n")
    except OSError as error:
        raise TrainerError(f"the model can't be written to {folder}: {error.strerror or error}") from error


def _replace(path: Path, content: bytes | memoryview) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
