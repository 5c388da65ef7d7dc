"""A trained model that judges images: what score, evaluate, the endpoint and MLflow share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aml_trainer.data import IMAGENET, Normalisation
from aml_trainer.decode import Geometry, decode
from aml_trainer.devices import find_device
from aml_trainer.errors import InvalidModelDirectoryError
from aml_trainer.models import make, read_torch

BATCH = 64  # images
TUTORIAL = Geometry(224, 256)  # what a whole pickled model, which says nothing of its input, is given


@dataclass(frozen=True)
class Prediction:
    """Scores of one image: the softmax of the model's outputs, which sum to 1."""

    label: str
    scores: dict[str, float]  # by class


@dataclass(frozen=True)
class Predictor:
    """A classifier with what makes its inputs of images."""

    model: nn.Module
    classes: Sequence[str]
    geometry: Geometry
    normalise: Normalisation
    device: torch.device

    @classmethod
    def load(
        cls, path: Path, *, device: str = "cpu", allow_pickle: bool = False, classes: Sequence[str] = ()
    ) -> Predictor:
        """From the folder of a training or its model.pt; `classes` name the outputs of a whole pickled model.

        Raises InvalidModelDirectoryError when it is no such folder or file.
        """
        file = path / "model.pt" if path.is_dir() else path
        if not file.is_file():
            found = ", ".join(sorted(entry.name for entry in path.iterdir())[:5]) if path.is_dir() else ""
            raise InvalidModelDirectoryError(
                f"{file} is missing; expected the folder that a training wrote" + (f", found {found}" if found else "")
            )
        where = find_device(device)
        saved = read_torch(file, allow_pickle=allow_pickle)
        if isinstance(saved, nn.Module):
            return cls(saved.to(where).eval(), _names(saved, classes), TUTORIAL, IMAGENET, where)
        if not (isinstance(saved, dict) and {"state_dict", "architecture", "classes", "image_size"} <= saved.keys()):
            raise InvalidModelDirectoryError(f"{file} is no model of this trainer: it does not say what it holds")
        model = make(saved["architecture"], len(saved["classes"]))
        model.load_state_dict(saved["state_dict"])
        normalise = Normalisation(tuple(saved["mean"]), tuple(saved["std"]))
        geometry = Geometry(saved["image_size"], saved.get("resize_size", 0))
        return cls(model.to(where).eval(), saved["classes"], geometry, normalise, where)

    def logits(self, inputs: Tensor) -> Tensor:
        """float32 [n, 3, height, width], normalised, to [n, classes] on the CPU."""
        with torch.inference_mode():
            parts = [self.model(part.to(self.device)).float().cpu() for part in torch.split(inputs, BATCH)]
        return torch.cat(parts)

    def inputs(self, images: Sequence[Path | bytes]) -> Tensor:
        """Images, in any format that Pillow reads, as inputs. Raises one of `decode.DAMAGED`."""
        squares = torch.stack([decode(image, self.geometry)[0] for image in images])
        return self.normalise(squares)

    def predict(self, images: Sequence[Path | bytes]) -> list[Prediction]:
        parts = (images[start : start + BATCH] for start in range(0, len(images), BATCH))
        return [prediction for part in parts for prediction in self.predictions(self.logits(self.inputs(part)))]

    def predictions(self, logits: Tensor) -> list[Prediction]:
        scores: list[list[float]] = logits.softmax(1).tolist()
        return [
            Prediction(
                self.classes[max(range(len(row)), key=row.__getitem__)], dict(zip(self.classes, row, strict=True))
            )
            for row in scores
        ]


def _names(model: nn.Module, classes: Sequence[str]) -> Sequence[str]:
    """The outputs' names: as given, else their numbers."""
    layers: list[Any] = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    count = layers[-1].out_features if layers else len(classes)
    if classes and len(classes) != count:
        raise InvalidModelDirectoryError(f"the model has {count} classes, and {len(classes)} names are given")
    return list(classes) or [str(number) for number in range(count)]
