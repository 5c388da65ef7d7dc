"""report.md: what was trained on what, how well it does, and with which files, on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from aml_trainer import files
from aml_trainer.classification import Classification, ClassScore
from aml_trainer.config import Config

if TYPE_CHECKING:
    from aml_trainer.results import Result
    from aml_trainer.setup import Training

MOST_CLASSES = 40  # rows of a page


def write(
    path: Path,
    training: Training,
    best: Result,
    judged: Classification,
    epochs: Sequence[Mapping[str, float]],
    plots: Sequence[str],
) -> None:
    config = training.config
    lines = [
        f"# {config.model} on {len(training.classes)} classes",
        "",
        _summary(training, best, judged, len(epochs)),
        "",
        *(f"![{name.removesuffix('.png').replace('_', ' ')}]({name})\n" for name in plots),
        "| class | images | precision | recall | F1 | AUC |",
        "|---|---|---|---|---|---|",
        *(_row(score) for score in _worst(judged)),
        "",
        f"Options: {_options(config) or 'all at their defaults'}.",
    ]
    files.write(path, "\n".join(lines) + "\n")


def _summary(training: Training, best: Result, judged: Classification, epochs: int) -> str:
    skipped = f" ({training.skipped} more can't be read)" if training.skipped else ""
    return (
        f"Accuracy {judged.accuracy:.4f} and loss {judged.loss:.4f} on {len(training.val_set)} validation images, in "
        f"epoch {best.epoch} of {epochs}. Trained on {len(training.train_set)} images{skipped}, on "
        f"{training.compute.device.type} in {training.compute.precision}."
    )


def _worst(judged: Classification) -> Sequence[ClassScore]:
    if len(judged.classes) <= MOST_CLASSES:
        return judged.classes
    return sorted(judged.classes, key=lambda score: score.f1)[:MOST_CLASSES]


def _row(score: ClassScore) -> str:
    auc = "" if score.auc is None else f"{score.auc:.4f}"
    name = score.name.replace("|", "\\|")
    return f"| {name} | {score.images} | {score.precision:.4f} | {score.recall:.4f} | {score.f1:.4f} | {auc} |"


def _options(config: Config) -> str:
    """What differs from the defaults."""
    changed = [
        f"`--{field.name.replace('_', '-')} {getattr(config, field.name)}`"
        for field in fields(config)
        if field.name not in {"output_dir", "cache_dir"} and getattr(config, field.name) != field.default
    ]
    return " ".join(changed)
