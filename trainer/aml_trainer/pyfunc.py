"""What `mlflow.pyfunc.load_model` finds by the MLmodel of a training's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aml_trainer.predictor import Predictor

if TYPE_CHECKING:
    import pandas as pd


class PyfuncModel:
    """`predict` takes a table whose first column holds paths or bytes of images, or base64 of the bytes."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, model_input: Any, params: dict[str, object] | None = None) -> pd.DataFrame:  # noqa: ARG002 - MLflow's
        """A row per image: the scored label, and a column of scores per class."""
        import pandas as pd

        from aml_trainer.score import COLUMN, row

        values = model_input.iloc[:, 0] if isinstance(model_input, pd.DataFrame) else model_input
        rows = [row(prediction) for prediction in self._predictor.predict([_image(value) for value in values])]
        return pd.DataFrame(rows, columns=[COLUMN, *row_names(self._predictor)])


def row_names(predictor: Predictor) -> list[str]:
    from aml_trainer.score import score_column

    return [score_column(name) for name in predictor.classes]


def _image(value: object) -> Path | bytes:
    from aml_trainer.endpoint import image_of_base64

    if isinstance(value, bytes):
        return value
    text = str(value)
    return Path(text) if len(text) < 1024 and Path(text).is_file() else image_of_base64(text)


def _load_pyfunc(path: str) -> PyfuncModel:
    """MLflow's hook. `path` is what MLmodel calls data: the folder itself."""
    return PyfuncModel(Predictor.load(Path(path)))
