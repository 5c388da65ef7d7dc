"""The state of a training in the middle: checkpoint.pt, from which `--resume` goes on bit by bit.

It holds what the same arguments and the same number of processes do not give again: weights, optimizer, step,
position, random numbers of each process, and the best epoch so far.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

import torch

from aml_trainer import files
from aml_trainer.config import Config
from aml_trainer.errors import ConfigError, TrainerError
from aml_trainer.models import read_torch

NAME = "checkpoint.pt"

State = dict[str, Any]

# Arguments that don't change what is calculated: a resumed training may have others.
FREE = frozenset(("output_dir", "cache_dir", "cache_size", "resume", "checkpoint_every", "log_dir", "report", "data"))


@dataclass(frozen=True)
class Position:
    """How far a training is: `batches` of `epoch` are done, with their summed loss over `seen` images."""

    epoch: int = 1  # counts from 1
    batches: int = 0
    loss_sum: float = 0.0
    seen: int = 0
    waited: int = 0  # epochs since the validation loss was lowest
    lowest_val_loss: float = float("inf")


def save(folder: Path, state: Mapping[str, object]) -> Path:
    """Write the state whole, over the one before."""
    # torch.save to a full disk ends in a RuntimeError without a cause; write_bytes in an OSError
    content = io.BytesIO()
    torch.save(dict(state), content)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.write(folder / NAME, content.getbuffer())
    except OSError as error:
        raise TrainerError(f"the checkpoint can't be written to {folder}: {error.strerror or error}") from error
    return folder / NAME


def find(config: Config) -> Path | None:
    """The checkpoint that `--resume` means; None is to start anew."""
    match config.resume:
        case "none":
            return None
        case "auto":
            path = config.output_dir / NAME
            return path if path.is_file() else None
        case name if Path(name).is_file():
            return Path(name)
        case name:
            raise ConfigError(f"--resume: there is no file {name}; give auto, a FILE or none")


def load(path: Path, config: Config, world_size: int) -> State:
    """The state in `path`, if it is one of this training on as many processes."""
    state = read_torch(path, allow_pickle=False)
    if not (isinstance(state, dict) and {"config", "world_size", "position"} <= state.keys()):
        raise ConfigError(f"--resume: {path} is no checkpoint of a training")
    now = recipe(config)
    differing = [f"--{name.replace('_', '-')}" for name in now if state["config"].get(name) != now[name]]
    if differing:
        raise ConfigError(f"--resume: {path} was made with another {', '.join(differing)}; give the same to go on")
    if state["world_size"] != world_size:
        raise ConfigError(f"--resume: {path} is of {state['world_size']} processes, not {world_size}; start as many")
    return cast("State", state)


def recipe(config: Config) -> dict[str, object]:
    """The arguments that a checkpoint depends on, as plain values."""
    return {field.name: getattr(config, field.name) for field in fields(config) if field.name not in FREE}
