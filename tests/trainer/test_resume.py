"""Trainings as processes: killed in the middle and gone on with, and several that train one model."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from aml_trainer.__main__ import main
from aml_trainer.distributed import Layout
from aml_trainer.evaluate import evaluate

from .conftest import TRAINER

RECIPE = ["--batch-size", "4", "--image-size", "32", "--flip", "--random-crop", "0.5", "--no-report"]
DEADLINE_S = 120  # of each process, on cores that others use too


def _start(data: Path, out: Path, *more: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "aml_trainer", "--data", str(data), "--output-dir", str(out), *RECIPE, *more],
        env={**os.environ, "PYTHONPATH": str(TRAINER), **variables},
        cwd=data.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to this"
        time.sleep(0.005)


def _weights(out: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = torch.load(out / "model.pt", weights_only=True)["state_dict"]
    return weights


def _epochs(out: Path) -> list[dict[str, float]]:
    path = out / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    return [{name: line[name] for name in ("epoch", "train_loss", "val_loss", "val_acc")} for line in lines]


@pytest.mark.timeout(300)
def test_a_training_killed_and_then_stopped_goes_on_bit_by_bit(colours: Path, tmp_path: Path):
    arguments = ("--epochs", "6", "--batch-size", "8", "--checkpoint-every", "2", "--resume", "auto")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    first = _start(colours, broken, *arguments)
    _wait((broken / "checkpoint.pt").is_file)
    first.kill()
    first.communicate()
    seen = len(_epochs(broken))
    second = _start(colours, broken, *arguments)
    _wait(lambda: len(_epochs(broken)) > seen)
    second.send_signal(signal.SIGTERM)
    _, error = second.communicate(timeout=DEADLINE_S)
    assert second.returncode == 143, error
    assert "; --resume auto goes on from there" in error
    position = torch.load(broken / "checkpoint.pt", weights_only=True)["position"]
    assert position["batches"] > 0  # in the middle of an epoch
    for out in (broken, whole):
        assert main(["--data", str(colours), "--output-dir", str(out), *RECIPE, *arguments]) == 0
    assert _epochs(broken) == _epochs(whole)
    expected, found = _weights(whole), _weights(broken)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert not (broken / "checkpoint.pt").exists()


def test_auto_starts_anew_where_there_is_no_checkpoint(colours: Path, tmp_path: Path):
    arguments = ["--data", str(colours), "--output-dir", str(tmp_path / "out"), *RECIPE, "--epochs", "1"]
    assert main([*arguments, "--resume", "auto"]) == 0
    assert [line["epoch"] for line in _epochs(tmp_path / "out")] == [1]


def test_a_checkpoint_of_another_recipe_is_refused(
    colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("aml_trainer.results.finish", lambda *_: None)  # which removes the checkpoint
    arguments = ["--data", str(colours), "--output-dir", str(tmp_path / "out"), *RECIPE, "--epochs", "2"]
    assert main([*arguments, "--checkpoint-every", "1"]) == 0
    assert main([*arguments, "--resume", "auto", "--lr", "0.5", "--seed", "9"]) == 2
    assert "checkpoint.pt was made with another --lr, --seed; give the same" in capsys.readouterr().err
    assert main([*arguments, "--resume", "nowhere.pt"]) == 2
    assert "--resume: there is no file nowhere.pt" in capsys.readouterr().err
    assert main([*arguments, "--resume", str(tmp_path / "out" / "model.pt")]) == 2
    assert "model.pt is no checkpoint of a training" in capsys.readouterr().err


def _free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def _torchrun(rank: int) -> dict[str, str]:
    return {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1"}


def test_open_mpis_variables_say_as_much_as_torchruns():
    names = {"RANK": "3", "SIZE": "8", "LOCAL_RANK": "1"}
    assert Layout.of({f"OMPI_COMM_WORLD_{name}": value for name, value in names.items()}) == Layout(3, 8, 1)
    assert Layout.of({"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}) == Layout(3, 8, 1)
    assert Layout.of({}) == Layout(0, 1, 0)


@pytest.mark.timeout(300)
def test_two_processes_take_the_steps_of_one(colours: Path, tmp_path: Path):
    """With a frozen backbone, for batch normalisation sees other batches in each process."""
    arguments = ("--epochs", "4", "--freeze-backbone", "--normalisation", "imagenet")
    port = _free_port()
    ranks = [_start(colours, tmp_path / "two", *arguments, **_torchrun(rank), MASTER_PORT=port) for rank in range(2)]
    assert main(["--data", str(colours), "--output-dir", str(tmp_path / "one"), *RECIPE, *arguments]) == 0
    assert [rank.wait(DEADLINE_S) for rank in ranks] == [0, 0]
    for two, one in zip(_epochs(tmp_path / "two"), _epochs(tmp_path / "one"), strict=True):
        assert two == pytest.approx(one, rel=1e-4)


@pytest.mark.timeout(300)
def test_two_processes_stop_and_go_on_together_and_agree_on_how_good_their_model_is(colours: Path, tmp_path: Path):
    (colours / "val" / "red" / "05.jpg").unlink()  # an odd number of validation images
    out = tmp_path / "out"

    def start() -> list[subprocess.Popen[str]]:
        port = _free_port()
        arguments = ("--epochs", "3", "--batch-size", "12", "--checkpoint-every", "0", "--resume", "auto")
        return [_start(colours, out, *arguments, **_torchrun(rank), MASTER_PORT=port) for rank in range(2)]

    ranks = start()
    _wait((out / "metrics.jsonl").is_file)
    ranks[1].send_signal(signal.SIGTERM)  # one is told, both stop at the same step
    errors = [rank.communicate(timeout=DEADLINE_S)[1] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [143, 143], errors
    assert len(torch.load(out / "checkpoint.pt", weights_only=True)["random"]) == 2
    alone = ["--epochs", "3", "--batch-size", "12", "--resume", "auto"]
    assert main(["--data", str(colours), "--output-dir", str(out), *RECIPE, *alone]) == 2
    ranks = start()
    errors = [rank.communicate(timeout=DEADLINE_S)[1] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], errors
    assert [line["epoch"] for line in _epochs(out)] == [1, 2, 3]
    saved = torch.load(out / "model.pt", weights_only=True)
    judged = evaluate(out, colours)  # by this process alone
    assert judged.accuracy == pytest.approx(saved["val_acc"])
    assert judged.loss == pytest.approx(saved["val_loss"], rel=1e-5)
    logs = colours.parent / "azureml-logs"
    assert "epoch 3/3" in (logs / "70_driver_log_0.txt").read_text()
    assert (logs / "70_driver_log_1.txt").is_file()
    assert (logs / "70_mpi_log.txt").read_text().startswith("2 processes, ")
    assert "epoch" not in errors[1]  # the first alone draws the bar


def test_a_batch_that_can_not_be_dealt_out_is_a_wrong_argument(
    colours: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(colours.parent)
    for name, value in _torchrun(0).items():
        monkeypatch.setenv(name, value)
    arguments = ["--data", str(colours), "--output-dir", "out", *RECIPE]
    assert main([*arguments, "--batch-size", "5"]) == 2
    assert "--batch-size: 5 images can't be dealt out to 2 processes" in capsys.readouterr().err
    assert "process 0: --batch-size: 5" in (colours.parent / "azureml-logs" / "70_mpi_log.txt").read_text()
