"""The files a training leaves: the best model as soon as it is known, a line per epoch, and the rest at the end."""

from __future__ import annotations

import io
import json
import math
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torchvision

from aml_trainer import checkpoint, export, files, plots, report
from aml_trainer.classification import Classification
from aml_trainer.errors import TrainerError

if TYPE_CHECKING:
    from aml_trainer.setup import Training


@dataclass(frozen=True)
class Result:
    """The best epoch: highest validation accuracy, then lowest validation loss."""

    epoch: int = 0  # counts from 1; 0 is none yet
    val_acc: float = -1.0  # share of the validation images
    val_loss: float = math.inf  # mean cross entropy, nats

    def beats(self, other: Result) -> bool:
        return (self.val_acc, -self.val_loss) > (other.val_acc, -other.val_loss)


def save(training: Training, best: Result) -> None:
    """`model.pt` is a description with the weights as `state_dict`; `model.json` is the description with versions.

    `torch.load(..., weights_only=True)` reads the first: it holds tensors, numbers, strings and lists only.
    """
    description = describe(training, best)
    weights = {name: tensor.cpu() for name, tensor in training.network.state_dict().items()}
    # torch.save to a full disk ends in a RuntimeError without a cause; write_bytes in an OSError
    content = io.BytesIO()
    torch.save({"state_dict": weights, **description}, content)
    folder = training.config.output_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.write(folder / "model.pt", content.getbuffer())
        files.write(folder / "model.json", json.dumps({**description, "versions": versions()}, indent=2) + "\n")
    except OSError as error:
        raise TrainerError(f"the model can't be written to {folder}: {error.strerror or error}") from error


def describe(training: Training, best: Result) -> dict[str, object]:
    """What is needed to use the weights: how images become inputs, and what the outputs mean."""
    return {
        "architecture": training.config.model,
        "classes": training.classes,
        "image_size": training.config.image_size,
        "resize_size": training.config.resize_size,
        "mean": list(training.normalise.mean),
        "std": list(training.normalise.std),
        **asdict(best),
    }


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), "torch": torch.__version__, "torchvision": torchvision.__version__}


class History:
    """metrics.jsonl: a line per epoch, there as soon as the epoch is over."""

    def __init__(self, folder: Path, first_epoch: int, *, writes: bool = True) -> None:
        """Lines from `first_epoch` on are of an earlier try and go."""
        self._path = folder / "metrics.jsonl"
        self._writes = writes
        old = [json.loads(line) for line in self._path.read_text().splitlines()] if self._path.is_file() else []
        self.epochs: list[dict[str, float]] = [line for line in old if line["epoch"] < first_epoch]

    def append(self, epoch: int, metrics: Mapping[str, float]) -> None:
        self.epochs.append({"epoch": epoch, **metrics, "time": round(time.time(), 3)})
        if self._writes:
            files.write(self._path, "".join(json.dumps(line) + "\n" for line in self.epochs))


def finish(training: Training, best: Result, history: History) -> None:
    """Everything that is made of the best model once it is known. The checkpoint has served then, and goes."""
    folder = training.config.output_dir
    if training.config.report and best.epoch:
        weights = torch.load(folder / "model.pt", weights_only=True)["state_dict"]
        training.network.load_state_dict(weights)
        logits, labels = training.predict(torch.arange(len(training.val_set)))
        judged = Classification.of(logits.cpu(), labels.cpu(), training.classes)
        try:
            export.write_onnx(training.network, training.config.image_size, folder / "model.onnx")
            export.write_mlmodel(folder)
            drawn = plots.draw(folder, history.epochs, judged)
            report.write(folder / "report.md", training, best, judged, history.epochs, drawn)
        except OSError as error:
            raise TrainerError(f"the results can't be written to {folder}: {error.strerror or error}") from error
    (folder / checkpoint.NAME).unlink(missing_ok=True)
