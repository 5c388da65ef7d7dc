from __future__ import annotations

import io
from pathlib import Path

from aml_trainer.progress import WIDTH, ProgressBar


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bar_is_drawn_ten_times_a_second_at_most_and_when_it_is_whole():
    clock, out = Clock(), io.StringIO()
    bar = ProgressBar("epoch 1/2", out=out, clock=clock)
    for batch in range(1, 101):
        clock.now += 0.01
        bar.update(batch / 100, batch * 8, 0.5)
    drawn = out.getvalue().split("\r")[1:]
    assert 10 <= len(drawn) <= 11
    assert drawn[-1].rstrip() == "epoch 1/2 [####################] 100%  loss 0.5000  800 images/s"


def test_a_loss_is_read_only_when_it_is_drawn():
    class Loss:
        reads = 0

        def __float__(self) -> float:
            self.reads += 1
            return 0.25

    clock, loss = Clock(), Loss()
    bar = ProgressBar("epoch 1/1", out=io.StringIO(), clock=clock)
    for batch in range(1, 51):
        clock.now += 0.001
        bar.update(batch / 100, batch, loss)
    assert loss.reads <= 1


def test_every_line_covers_the_one_before_and_an_epoch_ends_its_line(tmp_path: Path):
    with (tmp_path / "std_log.txt").open("w+", newline="") as out:
        clock = Clock()
        with ProgressBar("epoch  9/10", out=out, clock=clock) as bar:
            for batch in (1, 2):
                clock.now += 1
                bar.update(batch / 2, batch * 64, 1.5)
            bar.finish("train_loss 0.5123  val_loss 0.0621  val_acc 0.9889  1,503 images/s and more than fits")
        out.seek(0)
        start, *drawn, last = out.read().split("\r")
    assert start == ""
    assert [len(line) for line in drawn] == [WIDTH, WIDTH]
    assert len(last) == WIDTH + 1
    assert last.startswith("epoch  9/10  train_loss 0.5123  val_loss 0.0621  val_acc 0.9889")
    assert last.endswith("\n")


def test_a_bar_that_is_left_unfinished_ends_its_line_for_what_comes_after():
    clock, out = Clock(), io.StringIO()
    with ProgressBar("epoch 1/1", out=out, clock=clock) as bar:
        clock.now += 1
        bar.update(0.5, 8, 1.0)
    assert out.getvalue().endswith(" \n")
