"""Real digits as image folders: all of them once, and a few of three classes for trainings of a second."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from aml_trainer.digits import write_digits

# Read when torch is loaded: spinning threads of several test processes on few cores slow each other down.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

TRAINER = Path(__file__).resolve().parents[2] / "trainer"


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "digits"
    assert write_digits(folder)
    return folder


@pytest.fixture
def few_digits(digits: Path, tmp_path: Path) -> Path:
    """Sixteen images to train and eight to validate of each of 0, 1 and 2; the test may change them."""
    folder = tmp_path / "few"
    for split, count in (("train", 16), ("val", 8)):
        for digit in "012":
            target = folder / split / digit
            target.mkdir(parents=True)
            for image in sorted((digits / split / digit).iterdir())[:count]:
                shutil.copy(image, target)
    return folder
