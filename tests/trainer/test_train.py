from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from torchvision import models

from aml_trainer.__main__ import main
from aml_trainer.evaluate import evaluate

QUICK = ["--epochs", "2", "--batch-size", "8", "--image-size", "32"]


def _train(data: Path, output_dir: Path, *more: str) -> dict[str, object]:
    assert main(["--data", str(data), "--output-dir", str(output_dir), *QUICK, *more]) == 0
    saved: dict[str, object] = torch.load(output_dir / "model.pt", weights_only=True)
    return saved


def test_the_saved_model_has_the_accuracy_it_says(few_digits: Path, tmp_path: Path):
    saved = _train(few_digits, tmp_path / "out", "--no-report")
    model = models.get_model(saved["architecture"], num_classes=len(saved["classes"]))
    model.load_state_dict(saved["state_dict"])
    judged = evaluate(tmp_path / "out", few_digits)
    assert [score.name for score in judged.classes] == saved["classes"] == ["0", "1", "2"]
    assert judged.accuracy == saved["val_acc"]
    assert judged.loss == pytest.approx(saved["val_loss"], rel=1e-4)


def test_model_json_says_what_model_pt_holds_and_no_half_file_or_checkpoint_is_left(few_digits: Path, tmp_path: Path):
    saved = _train(few_digits, tmp_path / "out", "--no-report", "--checkpoint-every", "1")
    described = json.loads((tmp_path / "out" / "model.json").read_text())
    assert described.pop("versions")["torch"] == torch.__version__
    assert described == {name: value for name, value in saved.items() if name != "state_dict"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["metrics.jsonl", "model.json", "model.pt"]


def test_a_seed_gives_the_same_weights_again_and_another_seed_others(few_digits: Path, tmp_path: Path):
    recipe = ("--rotate", "10", "--shift", "0.1", "--flip", "--random-crop", "0.5", "--epochs", "1", "--no-report")
    first = _train(few_digits, tmp_path / "a", "--seed", "3", *recipe)["state_dict"]
    again = _train(few_digits, tmp_path / "b", "--seed", "3", *recipe)["state_dict"]
    other = _train(few_digits, tmp_path / "c", "--seed", "4", *recipe)["state_dict"]
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["fc.weight"], other["fc.weight"])


def test_bright_and_dark_images_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for split in ("train", "val"):
        for name, level in (("bright", 200), ("dark", 40)):
            folder = tmp_path / "data" / split / name
            folder.mkdir(parents=True)
            for number in range(16):
                Image.new("L", (16, 12), level + number).save(folder / f"{number}.JPG", "JPEG")
    saved = _train(tmp_path / "data", tmp_path / "out", "--epochs", "10", "--lr", "0.002", "--no-report")
    assert saved["val_acc"] == 1.0
    assert saved["classes"] == ["bright", "dark"]
    assert capsys.readouterr().out.startswith("best_val_acc 1.0000 in epoch ")


def test_the_terminal_shows_a_line_of_metrics_for_each_epoch(
    few_digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    _train(few_digits, tmp_path / "out", "--no-report")
    epochs = capsys.readouterr().err.splitlines()
    lines = [line for line in epochs if "val_acc" in line]
    assert [line.split()[1] for line in lines] == ["1/2", "2/2"]
    assert all(len(line) == 79 for line in lines)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_trains_a_model_that_a_cpu_loads(few_digits: Path, tmp_path: Path):
    saved = _train(few_digits, tmp_path / "out", "--device", "cuda", "--no-report")
    assert all(tensor.device.type == "cpu" for tensor in saved["state_dict"].values())
