"""`python -m aml_trainer.digits`: the 1,797 scanned digits that scikit-learn carries, as a folder of PNGs per class.

The scans are 8 x 8 pixels of 0 to 16, and are written so, stretched to 0 to 255. Every fifth image of a class, in
scikit-learn's order, is a validation image: 1,442 to train and 355 to validate, the same on every machine.
Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from aml_trainer.errors import ConfigError, TrainerError

TRAIN_IMAGES, VAL_IMAGES = 1442, 355


def write_digits(folder: Path) -> bool:
    """Write the images below `folder`, or find them there and return False. `folder` is whole or not there at all."""
    if _is_complete(folder):
        return False
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ConfigError(f"--output-dir: {folder} exists and holds something else; give a new folder")
    temporary = folder.resolve().with_name(f".{folder.resolve().name}.{os.getpid()}.tmp")
    try:
        _write_images(temporary)
        temporary.rename(folder)
    except OSError as error:
        if _is_complete(folder):  # another process was faster
            return False
        raise TrainerError(f"the digits can't be written to {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True


def _is_complete(folder: Path) -> bool:
    found = Counter(path.relative_to(folder).parts[0] for path in folder.glob("*/*/*.png"))
    return found == {"train": TRAIN_IMAGES, "val": VAL_IMAGES}


def _write_images(folder: Path) -> None:
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    seen: Counter[int] = Counter()
    for index, (scan, digit) in enumerate(zip(digits.images, digits.target.tolist(), strict=True)):
        seen[digit] += 1
        path = folder / ("train" if seen[digit] % 5 else "val") / str(digit) / f"{index:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((scan * 255 / 16).round().astype("uint8")).save(path)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m aml_trainer.digits", description="Write scikit-learn's scanned digits as a folder of PNGs."
    )
    parser.add_argument("--output-dir", type=Path, metavar="DIR", required=True, help="a new folder, or a written one")
    folder: Path = parser.parse_args(argv).output_dir
    try:
        written = write_digits(folder)
    except TrainerError as error:
        print(f"aml_trainer.digits: {error}", file=sys.stderr)
        return error.exit_code
    print(
        f"{TRAIN_IMAGES} training and {VAL_IMAGES} validation images {'written to' if written else 'are in'} {folder}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
