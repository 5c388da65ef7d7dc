"""`python -m aml_trainer.score`: a table with scores per class and a label for each image (Score Image Model)."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from aml_trainer.errors import ConfigError, TrainerError

if TYPE_CHECKING:
    from aml_trainer.predictor import Prediction

COLUMN = "Scored Labels"


def score_column(name: str) -> str:
    """The column of a class's scores, named as the designer's multiclass modules name theirs."""
    return f"Scored Probabilities_{name}"


def row(prediction: Prediction) -> dict[str, object]:
    return {COLUMN: prediction.label, **{score_column(name): score for name, score in prediction.scores.items()}}


def score(model: Path, data: Path, out: TextIO, *, allow_pickle: bool, skip_bad_images: bool, device: str) -> int:
    """Write a row per image below `data`, or for the one image `data`; the number of images that were left out."""
    import torch

    from aml_trainer.decode import decode_all
    from aml_trainer.predictor import BATCH, Predictor

    predictor = Predictor.load(model, device=device, allow_pickle=allow_pickle)
    writer = csv.DictWriter(out, ["image", COLUMN, *map(score_column, predictor.classes)])
    writer.writeheader()
    images, skipped = images_below(data), 0
    for start in range(0, len(images), BATCH):
        part = images[start : start + BATCH]
        squares = decode_all(part, predictor.geometry)
        for number, why in squares.problems.items():
            message = f"{part[number]} can't be read as an image: {why}"
            if not skip_bad_images:
                raise TrainerError(f"{message}; --skip-bad-images leaves it out")
            print(f"skipped: {message}", file=sys.stderr)
            skipped += 1
        kept = [number for number in range(len(part)) if number not in squares.problems]
        inputs = predictor.normalise(squares.images[torch.tensor(kept, dtype=torch.int64)])
        for number, prediction in zip(kept, predictor.predictions(predictor.logits(inputs)), strict=True):
            name = part[number].relative_to(data) if data.is_dir() else part[number].name
            writer.writerow({"image": name, **row(prediction)})
    return skipped


def images_below(data: Path) -> list[Path]:
    from aml_trainer.listing import SUFFIXES

    if data.is_file():
        return [data]
    if not data.is_dir():
        raise ConfigError(f"--data: there is no file or folder {data}")
    found = sorted(path for path in data.rglob("*") if path.suffix.lower() in SUFFIXES and path.name[0] != ".")
    if not found:
        raise TrainerError(f"{data} holds no images ({', '.join(sorted(SUFFIXES))})")
    return found


def parser(program: str, description: str) -> argparse.ArgumentParser:
    """What score and evaluate both take."""
    made = argparse.ArgumentParser(prog=f"python -m aml_trainer.{program}", description=description)
    made.add_argument("--model", type=Path, metavar="DIR", required=True, help="what a training wrote, or its model.pt")
    made.add_argument("--device", default="cpu", metavar="NAME", help="cpu, cuda, mps (default: %(default)s)")
    made.add_argument("--skip-bad-images", action="store_true", help="leave images out that can't be read")
    made.add_argument(
        "--allow-pickle", action="store_true", help="load a whole pickled model: its file runs any code as you"
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    options = parser("score", "Write scores per class and a label for each image, as CSV.")
    options.add_argument("--data", type=Path, metavar="PATH", required=True, help="an image, or a folder of them")
    options.add_argument("--output", type=Path, metavar="FILE", help="the CSV file (default: standard output)")
    given = options.parse_args(argv)
    settings = {name: getattr(given, name) for name in ("allow_pickle", "skip_bad_images", "device")}
    try:
        if given.output is None:
            skipped = score(given.model, given.data, sys.stdout, **settings)
        else:
            from aml_trainer import files

            given.output.parent.mkdir(parents=True, exist_ok=True)
            with files.replacing(given.output) as temporary, temporary.open("w", newline="") as out:
                skipped = score(given.model, given.data, out, **settings)
    except TrainerError as error:
        print(f"aml_trainer.score: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"aml_trainer.score: {error}", file=sys.stderr)
        return 1
    if skipped:
        print(f"images left out: {skipped}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
