"""curves.png and confusion_matrix.png, by matplotlib without a display."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aml_trainer import files
from aml_trainer.classification import Classification

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_NAMED = 30  # classes; the names and numbers of more would cover each other
DPI = 120


def draw(folder: Path, epochs: Sequence[Mapping[str, float]], judged: Classification) -> list[str]:
    """The names of the plots that were drawn: none without matplotlib, which is said and fails nothing."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("curves.png and confusion_matrix.png are not drawn: pip install matplotlib", file=sys.stderr)
        return []
    figures = {
        "curves.png": _curves(Figure(figsize=(9, 3.5), layout="constrained"), epochs),
        "confusion_matrix.png": _confusion(Figure(figsize=(5, 4.5), layout="constrained"), judged),
    }
    for name, figure in figures.items():
        with files.replacing(folder / name) as temporary:
            figure.savefig(temporary, dpi=DPI)
    return list(figures)


def _curves(figure: Figure, epochs: Sequence[Mapping[str, float]]) -> Figure:
    losses, accuracies = figure.subplots(1, 2)
    steps = [line["epoch"] for line in epochs]
    for axes, names, title in (
        (losses, ("train_loss", "val_loss"), "loss, nats"),
        (accuracies, ("val_acc", "best_val_acc"), "accuracy"),
    ):
        for name in names:
            axes.plot(steps, [line[name] for line in epochs], marker=".", label=name)
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def _confusion(figure: Figure, judged: Classification) -> Figure:
    axes: Axes = figure.subplots()
    shares = [[count / max(sum(row), 1) for count in row] for row in judged.confusion]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(title=f"accuracy {judged.accuracy:.4f}", xlabel="predicted", ylabel="true")
    names = [score.name for score in judged.classes]
    if len(names) > MOST_NAMED:
        return figure
    axes.set_xticks(range(len(names)), names, rotation=90 if max(map(len, names)) > 3 else 0)
    axes.set_yticks(range(len(names)), names)
    for row, counts in enumerate(judged.confusion):
        for column, count in enumerate(counts):
            colour = "white" if shares[row][column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    return figure
