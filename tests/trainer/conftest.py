"""Real digits as image folders: all of them once, and a few of three classes for trainings of a second."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from aml_trainer.digits import write_digits

# Read when torch is loaded: spinning threads of several test processes on few cores slow each other down.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", "1")

TRAINER = Path(__file__).resolve().parents[2] / "trainer"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that no other test has filled."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "aml_trainer"


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


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """Red and blue JPEGs of unlike shapes, twelve to train and six to validate of each; a training needs seconds."""
    folder = tmp_path / "colours"
    for split, count in (("train", 12), ("val", 6)):
        for name, (red, blue) in (("blue", (20, 220)), ("red", (220, 20))):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                image = Image.new("RGB", (40 + number, 32 + number % 3), (red + number, 40, blue + number))
                image.save(folder / split / name / f"{number:02}.jpg")
    return folder
