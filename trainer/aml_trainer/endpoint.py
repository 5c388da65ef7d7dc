"""The scoring script of an online endpoint: `init()` once per worker, `run()` per request.

A request is a JPEG (or any image that Pillow reads) as it is, or JSON: {"data": tensor} with normalised inputs, as the
PyTorch tutorial sends them, or {"images": [base64, ...]}; each alone or as a batch. The answer is a list with a label
and scores per image. What is wrong with a request is the answer, {"error": ...}, and the next one is served.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import os
from pathlib import Path
from typing import Any

import torch

from aml_trainer.decode import DAMAGED, reason
from aml_trainer.errors import InvalidModelDirectoryError
from aml_trainer.predictor import Prediction, Predictor

MOST_IMAGES = 256  # of a request
ALLOW_PICKLE = "AML_TRAINER_ALLOW_PICKLE"  # 1: load a whole pickled model, whose file runs any code as this process
CLASSES = "AML_TRAINER_CLASSES"  # names of a pickled model's outputs, split at commas

_log = logging.getLogger(__name__)
_loaded: list[Predictor] = []


class BadRequest(Exception):
    """What the sender has to change."""


def init() -> None:
    """Load the model below AZUREML_MODEL_DIR."""
    folder = Path(os.environ.get("AZUREML_MODEL_DIR") or ".")
    classes = [name for name in os.environ.get(CLASSES, "").split(",") if name]
    allowed = os.environ.get(ALLOW_PICKLE) == "1"
    _loaded[:] = [Predictor.load(find_model(folder), allow_pickle=allowed, classes=classes)]


def run(raw_data: Any) -> Any:
    """The answer to one request: str, bytes, or an object whose `get_data()` gives the body."""
    try:
        return [_answer(prediction) for prediction in _predict(raw_data)]
    except BadRequest as error:
        return {"error": str(error)}
    except Exception:  # a worker that ends takes its other requests along
        _log.exception("a request could not be scored")
        return {"error": "the image could not be scored; the log of the deployment says why"}


def find_model(folder: Path) -> Path:
    """The one model.pt in or below `folder`: a registered folder stands in a folder of its name."""
    if (folder / "model.pt").is_file():
        return folder
    found = sorted(folder.rglob("model.pt"))
    if not found:  # the tutorial's own name for a whole pickled model
        found = sorted(path for path in folder.rglob("*.pt") if path.name != "checkpoint.pt")
    if len(found) != 1:
        names = ", ".join(str(path.relative_to(folder)) for path in found) or "none"
        raise InvalidModelDirectoryError(f"{folder} must hold one model, model.pt; found {names}")
    return found[0]


def image_of_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.removeprefix("data:").partition("base64,")[2] or text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"an image is neither a path nor base64: {error}") from error


def _answer(prediction: Prediction) -> dict[str, object]:
    return {"label": prediction.label, "probability": prediction.scores[prediction.label], "scores": prediction.scores}


def _predict(raw_data: Any) -> list[Prediction]:
    if not _loaded:
        raise BadRequest("the model is not loaded: init() comes before run()")
    (predictor,) = _loaded
    body = raw_data.get_data() if hasattr(raw_data, "get_data") else raw_data
    if isinstance(body, bytes | bytearray) and body.lstrip()[:1] not in (b"{", b"["):
        return _of_images(predictor, [bytes(body)])
    document = _parse(body)
    if "images" in document:
        given = document["images"]
        texts = [given] if isinstance(given, str) else given
        if not (isinstance(texts, list) and all(isinstance(text, str) for text in texts)):
            raise BadRequest('"images" must be base64, or a list of it')
        return _of_images(predictor, [image_of_base64(text) for text in texts])
    if "data" in document:
        return _of_tensor(predictor, document["data"])
    raise BadRequest('expected an image, {"data": [...]} or {"images": [...]}; found ' + (", ".join(document) or "{}"))


def _parse(body: Any) -> dict[str, Any]:
    try:
        document = json.loads(body) if isinstance(body, str | bytes | bytearray) else body
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the request is no JSON: {error}") from error
    if isinstance(document, list):
        return {"data": document}
    if not isinstance(document, dict):
        raise BadRequest(f"the request must be a JSON object, not {type(document).__name__}")
    return document


def _of_images(predictor: Predictor, images: list[bytes]) -> list[Prediction]:
    _check_count(len(images))
    try:
        return predictor.predict(images)
    except DAMAGED as error:
        raise BadRequest(f"an image can't be read: {reason(error)}") from error


def _of_tensor(predictor: Predictor, data: Any) -> list[Prediction]:
    """`data` is [3, side, side], or a batch of that; normalised by the sender, as the tutorial does."""
    try:
        inputs = torch.tensor(data, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise BadRequest(f'"data" is no tensor of numbers: {str(error).splitlines()[0]}') from error
    batch = inputs[None] if inputs.dim() == 3 else inputs
    if batch.dim() != 4 or batch.shape[1] != 3 or min(batch.shape[2:]) < 8:
        side = predictor.geometry.side
        raise BadRequest(f'"data" must have the shape [n, 3, {side}, {side}], not {list(inputs.shape)}')
    if not bool(torch.isfinite(batch).all()):
        raise BadRequest('"data" holds numbers that are not finite')
    _check_count(len(batch))
    return predictor.predictions(predictor.logits(batch))


def _check_count(count: int) -> None:
    if not 1 <= count <= MOST_IMAGES:
        raise BadRequest(f"a request holds 1 to {MOST_IMAGES} images, not {count}")
