from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from aml_trainer.digits import main, write_digits

from .conftest import TRAINER


def _contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_fifth_image_of_a_class_is_for_validation(digits: Path):
    target = load_digits().target
    for digit in range(10):
        indexes = np.flatnonzero(target == digit).tolist()
        val = indexes[4::5]
        assert sorted(int(p.stem) for p in (digits / "val" / str(digit)).iterdir()) == val
        assert sorted(int(p.stem) for p in (digits / "train" / str(digit)).iterdir()) == sorted({*indexes} - {*val})
    assert len(list(digits.glob("train/*/*.png"))) == 1442
    assert len(list(digits.glob("val/*/*.png"))) == 355


def test_a_png_holds_its_scan_pixel_by_pixel(digits: Path):
    scans = load_digits().images
    for path in digits.glob("*/7/*.png"):
        with Image.open(path) as image:
            assert (image.mode, image.size) == ("L", (8, 8))
            assert np.array_equal(np.rint(np.asarray(image) / 255 * 16), scans[int(path.stem)])


def test_two_writes_are_the_same_byte_for_byte(digits: Path, tmp_path: Path):
    write_digits(tmp_path / "again")
    assert _contents(tmp_path / "again") == _contents(digits)


def test_a_second_write_changes_nothing(digits: Path, capsys: pytest.CaptureFixture[str]):
    before = {path: path.stat().st_mtime_ns for path in digits.rglob("*")}
    assert main(["--output-dir", str(digits)]) == 0
    assert {path: path.stat().st_mtime_ns for path in digits.rglob("*")} == before
    assert capsys.readouterr().out == f"1442 training and 355 validation images are in {digits}\n"


def test_an_empty_folder_is_filled_and_any_other_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert write_digits(empty)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "letter.txt").write_text("mine")
    assert main(["--output-dir", str(tmp_path / "taken")]) == 2
    assert "holds something else" in capsys.readouterr().err
    assert _contents(tmp_path / "taken").keys() == {"letter.txt"}


def test_a_write_that_is_killed_leaves_no_folder_and_the_next_one_completes_it(digits: Path, tmp_path: Path):
    folder = tmp_path / "digits"
    command = [sys.executable, "-m", "aml_trainer.digits", "--output-dir", str(folder)]
    writer = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(TRAINER)}, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob(".digits.*.tmp/*/*/*.png")):
        assert time.monotonic() < deadline
        assert writer.poll() is None
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert not folder.exists()
    assert write_digits(folder)
    assert _contents(folder) == _contents(digits)
