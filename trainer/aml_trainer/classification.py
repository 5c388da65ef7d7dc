"""How well a classifier did: accuracy, and for each class precision, recall, F1 and area under the ROC curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ClassScore:
    """One class against all others. A share of nothing is 0, as scikit-learn has it; `auc` then is not known."""

    name: str
    images: int
    precision: float
    recall: float
    f1: float
    auc: float | None


@dataclass(frozen=True)
class Classification:
    """Scores over a labelled set."""

    accuracy: float
    loss: float  # mean cross entropy, nats
    confusion: tuple[tuple[int, ...], ...]  # images by [true class][predicted class]
    classes: tuple[ClassScore, ...]

    @classmethod
    def of(cls, logits: Tensor, labels: Tensor, names: Sequence[str]) -> Classification:
        """From `logits` [n, classes] and the numbers of the true classes [n]."""
        n, count = len(labels), len(names)
        probabilities = logits.double().softmax(1)
        predicted = logits.argmax(1)
        confusion = torch.bincount(labels * count + predicted, minlength=count**2).view(count, count)
        loss = torch.nn.functional.cross_entropy(logits.double(), labels)
        scores = [_score(name, number, confusion, probabilities, labels) for number, name in enumerate(names)]
        accuracy = float(confusion.diagonal().sum()) / n
        return cls(accuracy, float(loss), tuple(map(tuple, confusion.tolist())), tuple(scores))

    def as_dict(self) -> dict[str, object]:
        by_class = {
            score.name: {name: value for name, value in vars(score).items() if name != "name"} for score in self.classes
        }
        return {"accuracy": self.accuracy, "loss": self.loss, "classes": by_class, "confusion": self.confusion}


def _score(name: str, number: int, confusion: Tensor, probabilities: Tensor, labels: Tensor) -> ClassScore:
    hits, images, guesses = (
        float(value) for value in (confusion[number, number], confusion[number].sum(), confusion[:, number].sum())
    )
    auc = area_under_roc(probabilities[:, number], labels == number)
    f1 = 2 * hits / (images + guesses) if images + guesses else 0.0
    return ClassScore(name, int(images), hits / guesses if guesses else 0.0, hits / images if images else 0.0, f1, auc)


def area_under_roc(scores: Tensor, positive: Tensor) -> float | None:
    """The chance that a positive has a higher score than a negative, a tie counting half (Mann and Whitney's U).

    None where there are no positives or no negatives.
    """
    positives, n = int(positive.sum()), len(positive)
    if positives in {0, n}:
        return None
    _, group, sizes = torch.unique(scores, return_inverse=True, return_counts=True)
    below = sizes.cumsum(0) - sizes
    ranks = below[group] + (sizes[group] + 1) / 2  # ties share their mean rank
    u = ranks[positive].double().sum() - positives * (positives + 1) / 2
    return float(u) / (positives * (n - positives))
