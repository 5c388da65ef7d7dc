from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from aml_trainer.__main__ import main
from aml_trainer.config import Config

from .conftest import TRAINER

QUICK = ["--epochs", "1", "--batch-size", "8", "--image-size", "32", "--no-report"]


def _fails(data: Path, *more: str) -> int:
    return main(["--data", str(data), "--output-dir", str(data.parent / "out"), *QUICK, *more])


def _drop_val(data: Path) -> None:
    shutil.rmtree(data / "val")


def _drop_classes(data: Path) -> None:
    for split in ("train", "val"):
        shutil.rmtree(data / split / "1")
        shutil.rmtree(data / split / "2")


def _rename_class(data: Path) -> None:
    (data / "val" / "2").rename(data / "val" / "zwei")


def _empty_class(data: Path) -> None:
    for image in (data / "train" / "1").iterdir():
        image.rename(image.with_suffix(".txt"))


def _empty_split(data: Path) -> None:
    shutil.rmtree(data / "train")
    (data / "train").mkdir()


def _cut_image(data: Path) -> None:
    image = min((data / "val" / "0").iterdir())
    image.write_bytes(image.read_bytes()[:40])


def _text_as_image(data: Path) -> None:
    (data / "train" / "0" / "note.png").write_text("not an image")


def _no_labels(data: Path) -> None:
    for number, image in enumerate(sorted((data / "train").glob("*/*")), start=1):
        image.rename(data / "train" / f"{number:04}.png")
    for folder in list((data / "train").glob("*/")):
        folder.rmdir()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_drop_val, "NotLabeledDatasetError: {few} has no folder 'val'; expected train/<class>/* and val/<class>/*"),
        (_drop_classes, "InvalidDatasetError: {few}: only one class, '0', was found; a classifier needs at least two"),
        (
            _rename_class,
            "InvalidDatasetError: {few}: train and val must hold the same classes, found '2' only in train, ",
        ),
        (_empty_class, "train/1 has no images (.bmp, "),
        (_empty_split, "NotLabeledDatasetError: {few}/train has no folders of images; expected one for each class"),
        (_cut_image, "few/val/0/"),
        (_text_as_image, "few/train/0/note.png can't be read as an image: no image format that Pillow knows"),
        (_no_labels, "NotLabeledDatasetError: {few}/train holds 48 images, 0001.png first, and no folder for"),
    ],
)
def test_unusable_data_is_one_sentence_that_names_it(
    few_digits: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None], message: str
):
    damage(few_digits)
    assert _fails(few_digits) == 1
    error = capsys.readouterr().err
    assert error.startswith("aml_trainer: ")
    assert message.replace("{few}", str(few_digits)) in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "--epochs: must be at least 1, not 0"),
        (["--lr", "nan"], "--lr: must be a positive number, not nan"),
        (["--batch-size", "1", "--seed", "-1"], "--batch-size: must be at least 2, not 1; --seed: must be"),
        (["--model", "resnet19"], "--model: 'resnet19' is none of densenet121, "),
        (["--device", "toaster"], "--device toaster: "),
    ],
)
def test_a_wrong_argument_is_named_with_its_value(
    few_digits: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
):
    assert _fails(few_digits, *arguments) == 2
    assert message in capsys.readouterr().err


def test_a_missing_data_folder_is_a_wrong_argument(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert _fails(tmp_path / "nowhere") == 2
    assert capsys.readouterr().err == f"aml_trainer: --data: there is no folder {tmp_path}/nowhere\n"


def test_a_loss_that_is_no_number_stops_the_training(few_digits: Path, capsys: pytest.CaptureFixture[str]):
    assert _fails(few_digits, "--lr", "1e30") == 1
    assert "a lower --lr than 1e+30 may help" in capsys.readouterr().err.splitlines()[-1]


def test_files_that_are_no_images_and_hidden_ones_are_passed_over(few_digits: Path):
    (few_digits / "train" / "0" / "Thumbs.db").write_text("no image")
    (few_digits / "train" / "0" / "._0.png").write_text("no image")
    (few_digits / "train" / ".cache").mkdir()
    assert _fails(few_digits) == 0


def test_a_disk_that_takes_no_model_leaves_no_half_of_it(few_digits: Path, tmp_path: Path):
    arguments = ["--data", str(few_digits), "--output-dir", str(tmp_path / "out"), *QUICK]
    done = subprocess.run(
        [sys.executable, "-m", "aml_trainer", *arguments],
        env={**os.environ, "PYTHONPATH": str(TRAINER)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.endswith(f"aml_trainer: the model can't be written to {tmp_path / 'out'}: File too large\n")
    assert list((tmp_path / "out").iterdir()) == []


def test_help_names_every_field_and_does_not_wait_for_torch():
    script = (
        "import sys; from aml_trainer.__main__ import main\n"
        "try: main(['--help'])\n"
        "finally: assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(TRAINER)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert all(f"--{field.name.replace('_', '-')} " in done.stdout for field in fields(Config))
