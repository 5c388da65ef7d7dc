"""`python -m aml_trainer.evaluate`: accuracy, and per class precision, recall, F1 and AUC, on labelled images."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aml_trainer.errors import InvalidDatasetError, TrainerError
from aml_trainer.score import parser

if TYPE_CHECKING:
    from aml_trainer.classification import Classification


def evaluate(
    model: Path, data: Path, *, allow_pickle: bool = False, skip_bad_images: bool = False, device: str = "cpu"
) -> Classification:
    """`data` holds a folder of images for each class of the model, or a folder val that does."""
    import torch

    from aml_trainer.classification import Classification
    from aml_trainer.decode import decode_all
    from aml_trainer.listing import list_classes
    from aml_trainer.predictor import Predictor

    predictor = Predictor.load(model, device=device, allow_pickle=allow_pickle)
    listing, names = list_classes(data / "val" if (data / "val").is_dir() else data)
    if unknown := sorted(set(names) - set(predictor.classes)):
        raise InvalidDatasetError(
            f"{data} holds images of {', '.join(unknown)}; the model knows {', '.join(predictor.classes)}"
        )
    squares = decode_all(listing.files, predictor.geometry)
    if squares.problems and not skip_bad_images:
        row, why = next(iter(squares.problems.items()))
        raise TrainerError(f"{listing.files[row]} can't be read as an image: {why}; --skip-bad-images leaves it out")
    kept = [row for row in range(len(listing.files)) if row not in squares.problems]
    numbers = [predictor.classes.index(names[listing.labels[row]]) for row in kept]
    parts = [
        predictor.logits(predictor.normalise(squares.images[part])) for part in torch.split(torch.tensor(kept), 256)
    ]
    return Classification.of(torch.cat(parts), torch.tensor(numbers), predictor.classes)


def main(argv: Sequence[str] | None = None) -> int:
    options = parser("evaluate", "Judge a model by labelled images.")
    options.add_argument("--data", type=Path, metavar="DIR", required=True, help="<class>/* or val/<class>/*")
    options.add_argument("--output", type=Path, metavar="FILE", help="all of it as JSON too")
    given = options.parse_args(argv)
    settings = {name: getattr(given, name) for name in ("allow_pickle", "skip_bad_images", "device")}
    try:
        judged = evaluate(given.model, given.data, **settings)
        if given.output is not None:
            from aml_trainer import files

            given.output.parent.mkdir(parents=True, exist_ok=True)
            files.write(given.output, json.dumps(judged.as_dict(), indent=2) + "\n")
    except (TrainerError, OSError) as error:
        print(f"aml_trainer.evaluate: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, TrainerError) else 1
    width = max(len("class"), *(len(score.name) for score in judged.classes))
    print(f"accuracy {judged.accuracy:.4f}  loss {judged.loss:.4f}\n")
    print(f"{'class':<{width}}  images  precision  recall      F1     AUC")
    for score in judged.classes:
        auc = "     -" if score.auc is None else f"{score.auc:.4f}"
        shares = f"{score.precision:>9.4f}  {score.recall:.4f}  {score.f1:.4f}"
        print(f"{score.name:<{width}}  {score.images:>6}  {shares}  {auc}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
